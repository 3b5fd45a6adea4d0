"""Zendesk: internal unless told otherwise, our own marks only, and whatever the account does not allow is said before.

Faults on the way are tested for all trackers: tests/report/deliver/test_faults.py.
"""

import base64
import html
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from report.deliver.base import BadTarget, Credential, DeliveryFailed, Door
from report.deliver.delivery import Delivered, deliver
from report.deliver.parcel import Parcel
from report.deliver.targets import find, parse
from report.deliver.trackers.zendesk import TEXT_BYTES, TRIES
from report.deliver.trackers.zendesk import Zendesk as Adapter
from report.markup.blocks import Facts, Paragraph, Text
from tests.report.deliver.mock import Answer, Fault, Mock
from tests.report.deliver.scenes import CONTENT, SECRET, Patience, named, parcel
from tests.report.deliver.scenes.zendesk import AGENT, CREATE, ME_OF, SETTINGS, UPDATE, UPLOAD, Zendesk, start_zendesk


class Stage:
    """A Zendesk, and deliveries to it."""

    def __init__(self, kept: Zendesk, mock: Mock, client: httpx.Client, directory: Path) -> None:
        self.kept, self.mock, self.client, self.directory = kept, mock, client, directory

    def parcel(self, number: int = 1) -> Parcel:
        return parcel(self.directory, f"GW-0000-{number:04}")

    def deliver(self, sent: Parcel, path: str = "/agent/tickets/12", user: str | None = AGENT,
                **options: str) -> Delivered:
        target = find(f"zendesk+{self.mock.origin}{path}", {}, options).target
        patience = Patience()
        door = Door(self.client, lambda *_: pytest.fail("no socket"), sleep=patience.sleep, clock=patience.clock)
        return deliver(Adapter(target, Credential(SECRET, user), door), sent)

    def fails(self, path: str = "/agent/tickets/12", **options: str) -> str:
        with pytest.raises(DeliveryFailed) as failed:
            self.deliver(self.parcel(), path, **options)
        assert (self.kept.comments(), self.kept.uploads) == ([], {})
        return str(failed.value)


@pytest.fixture
def stage(tracker: Callable[..., Mock], client: httpx.Client, tmp_path: Path) -> Stage:
    kept, mock = start_zendesk(tracker)
    return Stage(kept, mock, client, tmp_path)


@pytest.mark.parametrize(("options", "public"), [({}, False), ({"public": "no"}, False), ({"public": "yes"}, True)])
def test_a_note_is_internal_unless_it_is_to_be_public(stage: Stage, options: dict[str, str], public: bool) -> None:
    came = stage.deliver(stage.parcel(), **options)
    stage.deliver(stage.parcel(2), **options)
    assert [comment["public"] for comment in stage.kept.comments()] == [public, public]
    assert came.link == f"{stage.mock.origin}/agent/tickets/12"
    assert sorted(stage.kept.files()) == named("GW-0000-0001")
    assert [seen.media_type for seen in stage.mock.of(UPLOAD)] == ["application/pdf", "text/html", "application/json"]


def test_the_mark_is_seen_by_no_reader(stage: Stage) -> None:
    stage.deliver(stage.parcel())
    assert "gatewitness:" not in stage.kept.texts()[0]
    assert stage.kept.audits[0]["metadata"]["custom"] == {"gatewitness": "gatewitness:f00dcafe:GW-0000-0001"}


@pytest.mark.parametrize(("user", "header"), [
    (AGENT, f"Basic {base64.b64encode(f'{AGENT}/token:{SECRET}'.encode()).decode()}"),
    (f"{AGENT}/token", f"Basic {base64.b64encode(f'{AGENT}/token:{SECRET}'.encode()).decode()}"),
    (None, f"Bearer {SECRET}")])
def test_a_token_has_a_user_or_is_of_oauth(stage: Stage, user: str | None, header: str) -> None:
    stage.deliver(stage.parcel(), user=user)
    assert {seen.headers["authorization"] for seen in stage.mock.requests} == {header}


def test_neither_form_of_the_token_is_told(stage: Stage) -> None:
    basic = base64.b64encode(f"{AGENT}/token:{SECRET}".encode()).decode()
    stage.mock.faults.append(Fault(UPDATE, 422, json={"error": f"{SECRET} {basic}"}, times=None))
    with pytest.raises(DeliveryFailed, match=r"\*\*\* \*\*\*") as failed:
        stage.deliver(stage.parcel())
    assert basic not in str(failed.value)


def test_a_new_ticket_has_tags_and_is_found_by_its_failure(stage: Stage) -> None:
    assert stage.deliver(stage.parcel(), "/agent", tags="outage, shop ,").what == "created"
    [asked] = [seen.json["ticket"] for seen in stage.mock.of(CREATE)]
    assert (asked["tags"], asked["external_id"]) == (["outage", "shop"], "gatewitness:f00dcafe")
    assert asked["comment"]["public"] is False
    assert stage.deliver(stage.parcel(2), "/agent/filters/1").what == "seen again"
    assert len(stage.kept.tickets) == 2


@pytest.mark.parametrize("changed", [{"status": "solved"}, {"status": "closed"}, {"submitter_id": 99}])
def test_a_ticket_that_has_ended_or_is_not_ours_does_not_count(stage: Stage, changed: dict[str, object]) -> None:
    stage.deliver(stage.parcel(), "/agent")
    next(reversed(stage.kept.tickets.values())).update(changed)
    assert stage.deliver(stage.parcel(2), "/agent").what == "created"


def test_a_mark_of_somebody_else_is_none(stage: Stage) -> None:
    stage.kept.note("12", author=99, comment={}, metadata={"gatewitness": "gatewitness:f00dcafe:GW-0000-0001"})
    assert stage.deliver(stage.parcel()).what == "written"


def test_a_long_history_is_read_to_its_end(stage: Stage) -> None:
    stage.kept.page = 3
    for _ in range(7):
        stage.kept.note("12", author=99, comment={})
    stage.deliver(stage.parcel())
    stage.kept.note("12", author=99, comment={})
    assert stage.deliver(stage.parcel()).what == "there already"


def test_another_change_at_the_same_time_is_waited_for(stage: Stage) -> None:
    stage.mock.faults.append(Fault(UPDATE, 409, times=TRIES - 1))
    assert stage.deliver(stage.parcel()).what == "written"
    assert len(stage.kept.comments()) == 1


def test_a_ticket_is_made_once_though_the_answer_is_lost_and_it_is_not_yet_found(stage: Stage) -> None:
    stage.mock.faults.append(Fault(CREATE, lost=True))
    stage.mock.answers["GET /api/v2/tickets"] = {"tickets": []}
    stage.deliver(stage.parcel(), "/agent")
    first, second = stage.mock.of(CREATE)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]
    assert len(stage.kept.tickets) == 2


@pytest.mark.parametrize(("user", "options", "sentence"), [
    ({"role": "end-user"}, {}, "not of an agent"),
    ({"only_private_comments": True}, {"public": "yes"}, "internal notes only")])
def test_who_may_not_write_is_told_before(
        stage: Stage, user: dict[str, object], options: dict[str, str], sentence: str) -> None:
    stage.kept.user.update(user)
    assert sentence in stage.fails(**options)


def test_a_wrong_credential_is_told_although_zendesk_answers_200(stage: Stage) -> None:
    stage.mock.faults.append(Fault(ME_OF, 200, json={"user": {"id": None, "name": "Anonymous user"}}))
    assert "does not accept the credential" in stage.fails()


def test_a_light_agent_writes_internal_notes(stage: Stage) -> None:
    stage.kept.user["only_private_comments"] = True
    assert stage.deliver(stage.parcel()).what == "written"


def test_a_closed_ticket_is_told_before(stage: Stage) -> None:
    stage.kept.tickets["12"]["status"] = "closed"
    assert f"takes no comment; name another, or {stage.mock.origin}/agent for a new one" in stage.fails()


def test_a_ticket_without_files_gets_the_text(stage: Stage) -> None:
    stage.kept.tickets["12"]["allow_attachments"] = False
    came = stage.deliver(stage.parcel())
    assert (came.what, came.files, stage.kept.uploads) == ("written", (), {})
    assert "this ticket takes no files" in stage.kept.texts()[0]


@pytest.mark.parametrize("settings", [Answer(status=403), Answer({"settings": {"limits": {"attachment_size": 3_050}}})])
def test_the_account_tells_its_largest_file_to_some(stage: Stage, settings: Answer) -> None:
    stage.mock.answers[SETTINGS] = settings
    came = stage.deliver(stage.parcel())
    small = {name for name, content in CONTENT.items() if len(content) <= 3_050}
    assert (len(came.files) == 3) == (settings.status == 403)
    assert all(len(content) <= 3_050 for _, content in stage.kept.files()) == (settings.status != 403)
    assert small != set(CONTENT)


def test_a_type_that_is_not_allowed_is_left_out(stage: Stage) -> None:
    stage.mock.faults.append(Fault(UPLOAD, 422))
    came = stage.deliver(stage.parcel())
    assert came.left_out == ("dossier.pdf is left out: files of this type are not taken here.",)


def test_a_long_text_fits_and_no_placeholder_is_filled_in(stage: Stage) -> None:
    sent = stage.parcel()
    facts = Facts(tuple((Text(f"{number} €"), (Text("€" * 400),)) for number in range(90)))
    blocks = (Paragraph((Text("{{dc.secret}}"),)), *sent.blocks, facts)
    stage.deliver(replace(sent, title="{{ticket.id}} {%x%}", blocks=blocks), "/agent")
    [asked] = [seen.json["ticket"] for seen in stage.mock.of(CREATE)]
    assert len(asked["comment"]["html_body"].encode()) <= TEXT_BYTES
    assert "This is shortened" in asked["comment"]["html_body"]
    assert not re.search(r"\{[{%]", asked["subject"] + html.unescape(asked["comment"]["html_body"]))


@pytest.mark.parametrize(("address", "ticket"), [
    ("https://shop.zendesk.com/agent/tickets/12", "12"), ("https://shop.zendesk.com/agent/tickets/12/?x=1#y", "12"),
    ("https://shop.zendesk.com/tickets/12", "12"), ("https://shop.zendesk.com/hc/en-us/requests/12", "12"),
    ("https://SHOP.zendesk.com/api/v2/tickets/12.json", "12"), ("https://shop.zendesk.com/agent", None),
    ("https://shop.zendesk.com/agent/filters/123", None), ("https://shop.zendesk.com/agent/tickets/new/1", None),
    ("zendesk+https://help.shop.example/agent/tickets/12", "12")])
def test_addresses_as_people_copy_them(address: str, ticket: str | None) -> None:
    target = parse(address)
    assert (target.kind, target.ticket, target.place, target.base) == ("zendesk", ticket, "", "")
    assert target.origin in ("https://shop.zendesk.com", "https://help.shop.example")


@pytest.mark.parametrize("address", [
    "https://shop.zendesk.com.evil.example/agent/tickets/12", "https://zendesk.com/agent/tickets/12",
    "https://evilzendesk.com/agent", "https://a.b.zendesk.com/agent", "http://shop.zendesk.com/agent/tickets/12",
    "https://shop.zendesk.com/", "https://shop.zendesk.com/hc/en-us/articles/12", "zendesk+https://shop.zendesk.com/hc"])
def test_addresses_that_are_not_certainly_its(address: str) -> None:
    with pytest.raises(BadTarget):
        parse(address)


def test_an_option_that_makes_no_sense() -> None:
    target = find("https://shop.zendesk.com/agent", {}, {"public": "perhaps"}).target
    with pytest.raises(BadTarget, match="public"):
        Adapter(target, Credential(SECRET), Door(httpx.Client(trust_env=False), lambda *_: pytest.fail("no")))
