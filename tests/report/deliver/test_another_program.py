"""Where another program answers, with whatever it has, a tracker says so in a sentence."""

import json
from contextlib import suppress
from typing import Any

import httpx
import pytest

from report.deliver.base import Credential, DeliveryFailed, Door, Tracker
from report.deliver.targets import parse
from report.deliver.trackers import trackers

ADDRESSES = ["redmine+https://x.example/issues/1", "redmine+https://x.example/projects/p",
             "zendesk+https://x.example/agent/tickets/1", "zendesk+https://x.example/agent",
             "roundup+https://x.example/issue1", "roundup+https://x.example/issue",
             "gitlab+https://x.example/g/p/-/issues/1", "gitlab+https://x.example/g/p",
             "jira+https://x.example/browse/SHOP-1", "jira+https://x.example/projects/SHOP"]
MEMBERS = ("user", "project", "issue", "ticket", "tickets", "issues", "audits", "settings", "data",
           "permissions", "scopes", "comments", "values", "fields", "key")
BODIES: list[bytes] = [
    b"", b"<html>Log in</html>", b"null", b"[]", b"{}", b'"x"', b"7",
    *(json.dumps(dict.fromkeys(MEMBERS, value)).encode() for value in (
        None, "x", 7, [], ["x"], {}, {"id": 1}, {"id": None}, {"collection": "x"}, {"collection": [{"id": "1"}]}))]


def tracker(address: str, body: bytes) -> Tracker:
    """One whose every answer is this body."""
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)), trust_env=False)
    target = parse(address)

    def no_dial(*_: Any) -> Any:
        raise AssertionError("no socket is wanted")

    return trackers()[target.kind](target, Credential("secret", "me"), Door(client, no_dial))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("address", ADDRESSES)
def test_it_is_one_sentence(address: str, body: bytes) -> None:
    with pytest.raises(DeliveryFailed):
        tracker(address, body).check()
    with suppress(DeliveryFailed):
        assert tracker(address, body).find("f00dcafe") is None
