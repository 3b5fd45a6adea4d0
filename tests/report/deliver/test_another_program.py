"""Where another program answers, with whatever it has, a tracker says so in a sentence."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

import httpx
import pytest

from report.deliver.base import Credential, DeliveryFailed, Door, File, Message, Tracker
from report.deliver.targets import parse
from report.deliver.trackers import trackers
from report.markup.blocks import Paragraph, Text

ADDRESSES = ["redmine+https://x.example/issues/1", "redmine+https://x.example/projects/p",
             "zendesk+https://x.example/agent/tickets/1", "zendesk+https://x.example/agent",
             "roundup+https://x.example/issue1", "roundup+https://x.example/issue",
             "gitlab+https://x.example/g/p/-/issues/1", "gitlab+https://x.example/g/p",
             "jira+https://x.example/browse/SHOP-1", "jira+https://x.example/projects/SHOP",
             "github+https://x.example/o/r/issues/1", "github+https://x.example/o/r",
             "github+https://x.example/o/r?files=release", "github+https://x.example/o/r?files=repository",
             "gitea+https://x.example/o/r/issues/1", "gitea+https://x.example/o/r"]
MEMBERS = ("user", "project", "issue", "ticket", "tickets", "issues", "audits", "settings", "data",
           "permissions", "scopes", "comments", "values", "fields", "key", "login", "number", "body", "html_url")
BODIES: list[bytes] = [
    b"", b"<html>Log in</html>", b"null", b"[]", b"{}", b'"x"', b"7",
    *(json.dumps(dict.fromkeys(MEMBERS, value)).encode() for value in (
        None, "x", 7, [], ["x"], {}, {"id": 1}, {"id": None}, {"collection": "x"}, {"collection": [{"id": "1"}]}))]


FILE = File("GW-1234-5678-dossier.html", "text/html", b"<!doctype html>")
MESSAGE = Message("shop.example: 502", (Paragraph((Text("what"),)),), "gatewitness:f00dcafe:GW-1234-5678", "f00dcafe",
                  "GW-1234-5678", {})


def tracker(address: str, body: bytes) -> Tracker:
    """One whose every answer is this body."""
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, content=body)), trust_env=False)
    url, _, query = address.partition("?")
    target = replace(parse(url), options=dict(parse_qsl(query)))

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


@pytest.mark.parametrize("work", [
    lambda one: one.attached(FILE), lambda one: one.attach(FILE), lambda one: one.create(MESSAGE, []),
    lambda one: one.target.ticket and one.comment(MESSAGE, []),
    lambda one: one.target.ticket and one.comment(MESSAGE, [one.attach(FILE)])],
    ids=["attached", "attach", "create", "comment", "comment with a file"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_whatever_is_asked_of_it(address: str, work: Callable[[Tracker], Any]) -> None:
    for body in BODIES:
        with suppress(DeliveryFailed):
            work(tracker(address, body))
