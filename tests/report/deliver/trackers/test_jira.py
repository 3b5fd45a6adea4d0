"""Jira: addresses, what is refused before anything is written, who sees what, and what is remembered."""

import html
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from report.deliver import targets
from report.deliver.base import BadTarget, Credential, DeliveryFailed, Message, Target
from report.deliver.delivery import Delivered, deliver
from report.deliver.mark import mark
from report.deliver.trackers import trackers
from report.deliver.trackers.jira import SCOPED, TEXT_CHARS
from report.markup.adf import adf
from report.markup.blocks import Code, Paragraph, Text
from tests.report.deliver.mock import Answer, Fault, Mock
from tests.report.deliver.scenes import SECRET, Patience, Scene, parcel, tracker
from tests.report.deliver.scenes.jira import Jira, start_jira

FAILURE = "f00dcafe"
COMMENT = "/issue/{issueIdOrKey}/comment"
SITE = "11111111-2222-3333-4444-555555555555"


class Desk:
    """A Jira and a way to it."""

    def __init__(self, kept: Jira, mock: Mock, client: httpx.Client, directory: Path) -> None:
        self.kept, self.mock, self.client, self.directory = kept, mock, client, directory

    def tracker(self, path: str = "/browse/SHOP-5", **options: str) -> Any:
        user = "witness@example.com" if self.kept.cloud else None
        scene = Scene(self.mock, f"jira+{self.mock.origin}{path}", None, "", None, None, list, list, options, user)
        return tracker(scene, scene.ticket, self.client, Patience())

    def deliver(self, number: int = 1, path: str = "/browse/SHOP-5", **options: str) -> Delivered:
        return deliver(self.tracker(path, **options), parcel(self.directory, f"GW-0000-{number:04}", FAILURE))

    def refused(self, path: str, **options: Any) -> str:
        """The sentence with which nothing is written."""
        with pytest.raises(DeliveryFailed) as failed:
            self.deliver(path=path, **options)
        assert {seen.method for seen in self.mock.requests} == {"GET"}
        return str(failed.value)

    def sent(self, operation: str) -> list[Any]:
        return [seen.json for seen in self.mock.of(self.kept.name(operation))]


@pytest.fixture(params=[True, False], ids=["cloud", "data center"])
def desk(request: pytest.FixtureRequest, tracker: Callable[..., Mock], client: httpx.Client, tmp_path: Path) -> Desk:
    kept, mock = start_jira(tracker, request.param)
    return Desk(kept, mock, client, tmp_path)


def ours(case: str) -> dict[str, Any]:
    return {"properties": [{"key": "gatewitness", "value": {"marks": [mark(FAILURE, case)]}}]}


def text(desk: Desk, words: str) -> Any:
    return adf((Paragraph((Text(words),)),)) if desk.kept.cloud else words


@pytest.mark.parametrize(("address", "place", "ticket"), [
    ("https://shop.atlassian.net/browse/SHOP-5", "SHOP", "SHOP-5"),
    ("https://shop.atlassian.net/browse/shop-5?focusedCommentId=7#x", "SHOP", "SHOP-5"),
    ("https://shop.atlassian.net/browse/SHOP", "SHOP", None),
    ("https://shop.atlassian.net/jira/software/projects/SHOP/boards/1?selectedIssue=SHOP-5", "SHOP", "SHOP-5"),
    ("https://shop.atlassian.net/jira/software/c/projects/SHOP/issues/SHOP-5?filter=x", "SHOP", "SHOP-5"),
    ("https://shop.atlassian.net/jira/servicedesk/projects/SHOP/queues/custom/1/SHOP-5", "SHOP", "SHOP-5"),
    ("https://shop.atlassian.net/jira/core/projects/SHOP/board", "SHOP", None),
    ("https://shop.atlassian.net/servicedesk/customer/portal/3/SHOP-5", "SHOP", "SHOP-5"),
    ("https://shop.atlassian.net/projects/SHOP/summary", "SHOP", None),
    ("jira+https://jira.example/browse/A2_B-12/", "A2_B", "A2_B-12"),
    ("jira+https://jira.example/secure/RapidBoard.jspa?projectKey=SHOP&selectedIssue=SHOP-5", "SHOP", "SHOP-5"),
    ("jira+https://jira.example/secure/RapidBoard.jspa?projectKey=SHOP", "SHOP", None),
])
def test_addresses_are_taken_as_people_copy_them(address: str, place: str, ticket: str | None) -> None:
    target = targets.parse(address)
    assert (target.kind, target.place, target.ticket, target.base) == ("jira", place, ticket, "")


@pytest.mark.parametrize(("path", "base"), [
    ("/browse/SHOP-5", ""), ("/jira/browse/SHOP-5", "/jira"), ("/a/jira/projects/SHOP/issues/SHOP-5", "/a/jira"),
    ("/jira/secure/RapidBoard.jspa?selectedIssue=SHOP-5", "/jira"), ("/jira/software/projects/SHOP/issues/SHOP-5", ""),
    ("/jira/servicedesk/customer/portal/1/SHOP-5", "/jira"),
    ("/jira/servicedesk/projects/SHOP/queues/custom/1/SHOP-5", ""),
])
def test_it_may_be_served_under_a_path(path: str, base: str) -> None:
    target = targets.parse(f"jira+https://jira.example{path}")
    assert (target.base, target.ticket) == (base, "SHOP-5")


@pytest.mark.parametrize("address", [
    "https://shop.atlassian.net/", "https://shop.atlassian.net/wiki/spaces/SHOP/pages/1",
    "https://shop.atlassian.net/jira/your-work",
    "https://shop.atlassian.net.evil.example/browse/SHOP-5", "https://evil-atlassian.net/browse/SHOP-5",
    "http://shop.atlassian.net/browse/SHOP-5", "https://shop.atlassian.net:444/browse/SHOP-5",
    "jira+https://jira.example/browse/", "jira+https://jira.example/browse/..%2Fx-1",
    "jira+https://jira.example/browse/SHOP-0"])
def test_other_addresses_are_not(address: str) -> None:
    with pytest.raises(BadTarget):
        targets.parse(address)


@pytest.mark.parametrize(("words", "ticket"), [
    ("#5", "SHOP-5"), ("SHOP-5", "SHOP-5"), ("shop-5", "SHOP-5"), ("OTHER-5", None), ("SHOP-05", None)])
def test_keys_of_issues(words: str, ticket: str | None) -> None:
    assert trackers()["jira"].ticket(Target("jira", "https://shop.atlassian.net", "SHOP"), words) == ticket


def test_cloud_wants_a_mail_address_and_data_center_none(desk: Desk) -> None:
    door = desk.tracker().door
    with pytest.raises(BadTarget, match="wants the mail address"):
        trackers()["jira"](targets.parse("https://shop.atlassian.net/browse/SHOP-5"), Credential(SECRET), door)
    desk.tracker().check()
    given = {seen.headers["authorization"].partition(" ")[0] for seen in desk.mock.requests}
    assert given == {"Basic" if desk.kept.cloud else "Bearer"}


def test_a_token_with_scopes_goes_where_it_is_taken(desk: Desk) -> None:
    target = replace(targets.parse("https://shop.atlassian.net/browse/SHOP-5"), options={"cloud": SITE})
    adapter = trackers()["jira"](target, Credential(SECRET, "w@example.com"), desk.tracker().door)
    assert (adapter.http.root, adapter.root) == (SCOPED + SITE, "https://shop.atlassian.net")  # type: ignore[attr-defined]
    with pytest.raises(BadTarget, match="cloudId"):
        desk.tracker(cloud="../x")


def test_what_a_delivery_looks_like(desk: Desk) -> None:
    came = desk.deliver()
    [sent] = desk.sent(f"POST {COMMENT}")
    assert came.link == f"{desk.mock.origin}/browse/SHOP-5?focusedCommentId=501"
    assert sent["properties"] == ours("GW-0000-0001")["properties"]
    assert sent["body"]["type"] == "doc" if desk.kept.cloud else sent["body"].startswith("*The proxy answered 502 ")
    assert mark(FAILURE, "GW-0000-0001") not in json.dumps(sent["body"])
    versions = {seen.path.split("/")[3] for seen in desk.mock.requests if not seen.path.endswith("/serverInfo")}
    assert versions == {"3" if desk.kept.cloud else "2"}


def test_a_new_issue_remembers_from_the_beginning(desk: Desk) -> None:
    for number in (1, 2, 3):
        came = desk.deliver(number, "/projects/SHOP", labels="web, at night")
    [issue] = desk.sent("POST /issue")
    [comment] = desk.kept.comments
    assert issue["fields"]["issuetype"] == {"id": "4", "name": "Bug"}
    assert issue["fields"]["labels"] == ["web", "at-night"]
    assert issue["properties"] == ours("GW-0000-0001")["properties"]
    assert (came.what, comment["at"]) == ("seen again", "SHOP-21")
    assert comment["properties"][0]["value"]["marks"] == [
        mark(FAILURE, f"GW-0000-{number:04}") for number in (1, 2, 3)]


def test_an_issue_that_is_done_is_not_taken_up(desk: Desk) -> None:
    desk.deliver(1, "/projects/SHOP")
    desk.kept.issues[0]["done"] = True
    assert desk.deliver(2, "/projects/SHOP").what == "created"


@pytest.mark.parametrize(("options", "types", "used"), [
    ({"type": "task"}, None, {"id": "3", "name": "Task"}),
    ({}, [("3", "Task"), ("5", "Story")], {"id": "3", "name": "Task"}),
    ({}, [("9", "bug")], {"id": "9", "name": "bug"})])
def test_the_type_of_a_new_issue(desk: Desk, options: Any, types: Any, used: dict[str, str]) -> None:
    if types:
        desk.kept.types = [{"id": number, "name": name, "subtask": False} for number, name in types]
    desk.deliver(path="/projects/SHOP", **options)
    assert desk.sent("POST /issue")[0]["fields"]["issuetype"] == used


def test_an_old_jira_tells_no_types(desk: Desk) -> None:
    desk.mock.answers[desk.kept.name("GET /issue/createmeta/{projectIdOrKey}/issuetypes")] = Answer({}, 404)
    desk.deliver(path="/projects/SHOP", type="Incident")
    assert desk.sent("POST /issue")[0]["fields"]["issuetype"] == {"name": "Incident"}


def test_a_type_that_is_not_there_is_said(desk: Desk) -> None:
    assert "has no type 'Epic'; it has Task, Bug" in desk.refused("/projects/SHOP", type="Epic")


def test_a_field_that_cannot_be_filled_in_is_named(desk: Desk) -> None:
    desk.kept.fields.append(desk.kept.field("severity", required=True, default=True))
    desk.deliver(path="/projects/SHOP")
    desk.kept.issues.clear()
    desk.mock.requests.clear()
    desk.kept.fields.append(desk.kept.field("team", required=True))
    assert "wants the field 'Team' for a new Bug" in desk.refused("/projects/SHOP")


def test_a_type_without_description_is_refused(desk: Desk) -> None:
    desk.kept.fields = [field for field in desk.kept.fields if field["fieldId"] != "description"]
    assert "takes no description for a new Bug" in desk.refused("/projects/SHOP")


@pytest.mark.parametrize(("right", "path", "said"), [
    ("ADD_COMMENTS", "/browse/SHOP-5", "lacks the permission Add Comments"),
    ("CREATE_ISSUES", "/projects/SHOP", "lacks the permission Create Issues")])
def test_a_right_that_is_missing_is_named(desk: Desk, right: str, path: str, said: str) -> None:
    desk.kept.rights[right] = False
    assert said in desk.refused(path)


def test_without_attachments_the_text_goes_alone(desk: Desk) -> None:
    desk.kept.rights["CREATE_ATTACHMENTS"] = False
    assert "Create Attachments" in desk.deliver(1).left_out[0]
    desk.kept.rights["CREATE_ATTACHMENTS"] = True
    desk.kept.meta = {"enabled": False}
    assert "switched off" in desk.deliver(2, "/browse/SHOP-6").left_out[0]
    assert desk.kept.attachments == {}
    desk.kept.meta = {"enabled": True, "uploadLimit": 3050}
    assert desk.deliver(3, "/browse/SHOP-7").left_out != ()


def test_who_sees_a_comment_stays_as_it_is(desk: Desk) -> None:
    """A comment that is changed without its visibility would be seen by all."""
    for number in (1, 2):
        desk.deliver(number, visibility="role:Developers")
    [comment] = desk.kept.comments
    assert comment["visibility"]["value"] == "Developers"
    assert "GW-0000-0002" in desk.kept.texts()[0]


def test_what_not_all_may_see_is_not_added_to_what_they_see(desk: Desk) -> None:
    desk.deliver(1)
    desk.deliver(2, visibility="group:jira-admins")
    desk.deliver(3, public="no")
    desk.deliver(4, visibility="group:jira-admins")
    seen = [[f"GW-0000-{number:04}" in told for number in (1, 2, 3, 4)] for told in desk.kept.texts()]
    assert seen == [[True, False, False, False], [False, True, False, True], [False, False, True, False]]
    internal = {"key": "sd.public.comment", "value": {"internal": True}}
    assert [internal in comment["properties"] for comment in desk.kept.comments] == [False, False, True]


@pytest.mark.parametrize("options", [
    {"visibility": "Developers"}, {"visibility": "user:me"}, {"visibility": "role:"}, {"public": "nope"}])
def test_options_that_make_no_sense(desk: Desk, options: dict[str, str]) -> None:
    with pytest.raises(BadTarget):
        desk.tracker(**options)


def test_a_mark_that_a_stranger_copied_is_none(desk: Desk) -> None:
    desk.kept.comment("SHOP-5", text(desk, "x"), **{**ours("GW-0000-0001"), "author": desk.kept.stranger})
    assert desk.tracker().find(FAILURE) is None
    assert desk.deliver(1).what == "written"


def test_a_file_of_a_stranger_is_not_ours(desk: Desk) -> None:
    desk.deliver(1)
    before = len(desk.kept.attachments)
    desk.kept.comments.clear()
    assert desk.deliver(1).what == "written"
    assert len(desk.kept.attachments) == before
    desk.kept.comments.clear()
    desk.kept.me = desk.kept.stranger
    files = desk.mock.answers[desk.kept.name("GET /issue/{issueIdOrKey}")]
    desk.mock.answers[desk.kept.name("GET /issue/{issueIdOrKey}")] = lambda seen: _by(files(seen), {"name": "someone"})
    desk.deliver(1)
    assert len(desk.kept.attachments) == 2 * before


def _by(issue: dict[str, Any], author: dict[str, Any]) -> dict[str, Any]:
    files = [{**file, "author": author} for file in issue["fields"].get("attachment", ())]
    return {**issue, "fields": {"attachment": files}}


def test_a_comment_behind_others_is_found(desk: Desk) -> None:
    desk.kept.comment("SHOP-5", text(desk, "x"), **ours("GW-AAAA-AAAA"))
    for _ in range(5):
        desk.kept.comment("SHOP-5", text(desk, "hello"), author=desk.kept.stranger)
    desk.kept.page = 2
    found = desk.tracker().find(FAILURE)
    assert (found.ref, found.cases) == ("501", ("GW-AAAA-AAAA",))


def test_who_may_not_change_comments_adds_one(desk: Desk) -> None:
    desk.kept.rights["EDIT_OWN_COMMENTS"] = False
    for number in (1, 2, 2):
        desk.deliver(number)
    assert len(desk.kept.comments) == 2
    assert "Seen again" in desk.kept.texts()[1]


def test_a_line_without_its_mark_is_not_told_twice(desk: Desk) -> None:
    desk.deliver(1)
    keep = desk.kept.name("PUT /comment/{commentId}/properties/{propertyKey}")
    desk.mock.faults.append(Fault(keep, 403, times=1))
    with pytest.raises(DeliveryFailed):
        desk.deliver(2)
    assert desk.deliver(2).what == "seen again"
    assert desk.deliver(2).what == "there already"
    assert desk.kept.texts()[0].count("GW-0000-0002") == 1


def test_of_too_many_lines_the_oldest_go_first(desk: Desk) -> None:
    adapter = desk.tracker()
    desk.deliver(1)
    for number in range(2, 60):
        line = (Paragraph((Text(f"Seen again {'x' * 490} "), Text("y" * 490), Code(f"GW-0000-{number:04}"))),)
        message = Message("t", line, mark(FAILURE, f"GW-0000-{number:04}"), FAILURE, f"GW-0000-{number:04}")
        adapter.again(adapter.find(FAILURE), message)
    [comment] = desk.kept.comments
    told = desk.kept.texts()[0]
    size = len(json.dumps(comment["body"], separators=(",", ":")) if desk.kept.cloud else comment["body"])
    assert size <= TEXT_CHARS
    assert "The proxy answered 502" in told
    assert "GW-0000-0059" in told
    assert "GW-0000-0002" not in html.unescape(told)
    assert len(comment["properties"][0]["value"]["marks"]) == 59


def test_a_long_text_is_cut_to_what_fits(desk: Desk) -> None:
    blocks = (Paragraph((Text("first"),)), *(Paragraph((Text('"{' * 245),)) for _ in range(45)))
    desk.tracker().comment(Message("t", blocks, mark(FAILURE, "GW-0000-0001"), FAILURE, "GW-0000-0001"), ())
    body = desk.sent(f"POST {COMMENT}")[0]["body"]
    assert len(json.dumps(body, separators=(",", ":")) if desk.kept.cloud else body) <= TEXT_CHARS
    assert "shortened" in json.dumps(body)
