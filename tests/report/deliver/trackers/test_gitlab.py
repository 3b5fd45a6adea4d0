"""GitLab: addresses, what is refused before anything is written, whose notes count, and commands in texts."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from report.deliver import credentials, targets
from report.deliver.base import BadTarget, Credential, DeliveryFailed, File, Message, Target
from report.deliver.delivery import Delivered, deliver
from report.deliver.mark import mark
from report.deliver.trackers import trackers
from report.deliver.trackers.gitlab import MIB
from report.markup.blocks import Items, Paragraph, Text
from tests.report.deliver.mock import Answer, Mock
from tests.report.deliver.scenes import SECRET, Patience, Scene, parcel, tracker
from tests.report.deliver.scenes.gitlab import CREATE, ISSUE, NOTES, STRANGER, UPLOAD, UPLOADED, GitLab, start_gitlab

CASE, FAILURE = "GW-0000-0001", "f00dcafe"
MARK = mark(FAILURE, "GW-AAAA-AAAA")


class Desk:
    """A GitLab and a way to it."""

    def __init__(self, kept: GitLab, mock: Mock, client: httpx.Client, directory: Path) -> None:
        self.kept, self.mock, self.client, self.directory = kept, mock, client, directory

    def tracker(self, path: str = "/g/p/-/issues/5", secret: str = SECRET, **options: str) -> Any:
        scene = Scene(self.mock, f"gitlab+{self.mock.origin}{path}", None, "", None, None, list, list, options)
        adapter = tracker(scene, scene.ticket, self.client, Patience())
        return type(adapter)(adapter.target, Credential(secret), adapter.door)

    def deliver(self, case: str = CASE, path: str = "/g/p/-/issues/5", **options: str) -> Delivered:
        return deliver(self.tracker(path, **options), parcel(self.directory, case, FAILURE))


@pytest.fixture
def desk(tracker: Callable[..., Mock], client: httpx.Client, tmp_path: Path) -> Desk:
    kept, mock = start_gitlab(tracker)
    return Desk(kept, mock, client, tmp_path)


@pytest.mark.parametrize(("address", "place", "ticket"), [
    ("https://gitlab.com/g/p/-/issues/12", "g/p", "12"),
    ("https://gitlab.com/g/sub/deep/p/-/issues/12#note_7", "g/sub/deep/p", "12"),
    ("https://gitlab.com/g/p/-/issues/incident/12", "g/p", "12"),
    ("https://gitlab.com/g/p/-/work_items/12?show=x", "g/p", "12"),
    ("https://gitlab.com/g/p/issues/12/", "g/p", "12"),
    ("https://gitlab.com/g/p/merge_requests/3/diffs", "g/p", "!3"),
    ("https://GitLab.com/g/p/-/merge_requests/3/diffs?view=inline", "g/p", "!3"),
    ("https://gitlab.com/g/p", "g/p", None),
    ("https://gitlab.com/g/p.git", "g/p", None),
    ("https://gitlab.com/g/p/-/", "g/p", None),
    ("https://gitlab.com/g/p/-/issues", "g/p", None),
    ("https://gitlab.com/g/p/-/tree/main/issues/12", "g/p", None),
    ("gitlab+https://code.example:8443/g/p/-/issues/12", "g/p", "12"),
    ("gitlab+http://127.0.0.1:8080/g/p", "g/p", None),
])
def test_addresses_are_taken_as_people_copy_them(address: str, place: str, ticket: str | None) -> None:
    target = targets.parse(address)
    assert (target.kind, target.place, target.ticket) == ("gitlab", place, ticket)


@pytest.mark.parametrize("address", [
    "https://gitlab.com/", "https://gitlab.com/g", "https://gitlab.com/groups/g/-/epics/1",
    "https://gitlab.com/g/%2e%2e/p", "https://gitlab.com.evil.example/g/p/-/issues/1", "https://evil.example/gitlab.com/p/-/issues/1",
    "http://gitlab.com/g/p/-/issues/1", "https://gitlab.com:444/g/p/-/issues/1", "gitlab+https://code.example/users/sign_in"])
def test_other_addresses_are_not(address: str) -> None:
    with pytest.raises(BadTarget):
        targets.parse(address)


@pytest.mark.parametrize(("text", "ticket"), [
    ("5", "5"), ("#5", "5"), ("!5", "!5"), ("&5", None), ("05", None), ("5/x", None)])
def test_numbers_of_tickets(text: str, ticket: str | None) -> None:
    assert trackers()["gitlab"].ticket(Target("gitlab", "https://gitlab.com", "g/p"), text) == ticket


def test_the_path_of_an_installation_is_told_by_an_option() -> None:
    found = targets.find("gitlab+https://code.example/git/lab/g/p/-/issues/5", {}, {"base": "/git/lab/"}).target
    assert (found.base, found.place) == ("/git/lab", "g/p")
    assert trackers()["gitlab"].settled(found) == found
    for base in ("/other", "git/lab/g", "git/lab/g/p"):
        with pytest.raises(BadTarget, match="does not go on so"):
            targets.find("gitlab+https://code.example/git/lab/g/p/-/issues/5", {}, {"base": base})


def test_the_ci_server_is_where_its_token_counts(tmp_path: Path) -> None:
    def found(address: str, server: str | None) -> Credential | None:
        environment = {"GITLAB_TOKEN": SECRET, **({"CI_SERVER_URL": server} if server else {})}
        return credentials.find(targets.find(address, {}, {}, {}), environment, tmp_path / "none")

    for address, server in (("https://gitlab.com/g/p", None), ("https://gitlab.com/g/p", "https://gitlab.com"),
                            ("gitlab+https://code.example/git/g/p", "https://code.example:443/git")):
        assert found(address, server) == Credential(SECRET)
    for address, server in (("https://gitlab.com/g/p", "https://code.example"),
                            ("gitlab+https://code.example/g/p", None)):
        with pytest.raises(BadTarget, match="there is no credential"):
            found(address, server)


def test_what_a_delivery_looks_like(desk: Desk) -> None:
    came = desk.deliver()
    assert came.link == f"{desk.mock.origin}/g/p/-/issues/5#note_301"
    [text] = desk.kept.texts()
    assert text.startswith("**The proxy answered 502 itself.**\n\nPath: browser → proxy\n\n| | |\n|---|---|\n| Case")
    assert text.endswith(f"- [GW-0000-0001-page.har](/uploads/{3:032x}/GW-0000-0001-page.har)\n\n"
                         f"<!-- gatewitness:{FAILURE}:{CASE} -->")
    assert {seen.headers["authorization"] for seen in desk.mock.requests} == {f"Bearer {SECRET}"}
    types = [file[2] for seen in desk.mock.of(UPLOAD) for file in seen.files]
    assert types == ["application/pdf", "text/html", "application/json"]


def test_an_issue_is_made_and_told_again_in_one_note(desk: Desk) -> None:
    for case in ("GW-0000-0001", "GW-0000-0002", "GW-0000-0003"):
        came = desk.deliver(case, "/g/p", confidential="yes")
    [issue], [note] = desk.kept.issues, desk.kept.notes
    assert (issue["title"], issue["confidential"]) == ("shop.example: 502 Bad Gateway (nginx)", True)
    assert note["body"].count("Seen again") == 2
    assert came.link == f"{desk.mock.origin}/g/p/-/issues/11#note_301"


def test_a_closed_issue_is_not_taken_up(desk: Desk) -> None:
    desk.deliver(path="/g/p")
    desk.kept.issues[0]["state"] = "closed"
    assert desk.deliver("GW-0000-0002", "/g/p").what == "created"


def test_a_title_calls_nobody(desk: Desk) -> None:
    sent = replace(parcel(desk.directory), title="@all #1 !2 &3 ~bug %4 https://evil.example GL-5 " + "x" * 300)
    deliver(desk.tracker("/g/p"), sent)
    title = desk.mock.of(CREATE)[0].json["title"]
    assert title.startswith("@ all # 1 ! 2 & 3 ~ bug % 4 https: //evil.example GL- 5 xxx")
    assert len(title) == 255


@pytest.mark.parametrize(("change", "options", "said"), [
    ({"token": Answer({"scopes": ["read_api", "read_user"]})}, {}, "read_api, read_user; GitLab wants the scope api"),
    ({"project": {"archived": True}}, {}, "g/p is archived"),
    ({"project": {"archived": False, "permissions": {}}, "ticket": {"discussion_locked": True}}, {}, "is locked: only"),
    ({}, {"internal": "yes"}, "internal notes in g/p need the role Reporter"),
])
def test_what_cannot_be_is_refused_before_anything_is_sent(desk: Desk, change: Any, options: Any, said: str) -> None:
    vars(desk.kept).update(change)
    with pytest.raises(DeliveryFailed, match=said):
        desk.deliver(**options)
    assert {seen.method for seen in desk.mock.requests} == {"GET"}


def test_files_go_to_a_public_project_only_when_that_is_said(desk: Desk) -> None:
    """What is internal or confidential nobody else is shown."""
    desk.kept.project |= {"visibility": "public", "permissions": {"group_access": {"access_level": 20}}}
    for number, (path, options, went) in enumerate((
            ("/g/p/-/issues/5", {}, 0), ("/g/p/-/issues/6", {"public": "yes"}, 3),
            ("/g/p/-/issues/7", {"internal": "yes"}, 3), ("/g/p", {"confidential": "yes"}, 3))):
        came = desk.deliver(f"GW-0000-000{number}", path, **options)
        assert (len(came.files), len(came.left_out)) == (went, 3 - went)
    desk.kept.ticket["confidential"] = True
    assert len(desk.deliver("GW-0000-0009", "/g/p/-/issues/8").files) == 3


def test_a_job_token_is_not_even_tried(desk: Desk) -> None:
    with pytest.raises(DeliveryFailed, match=r"no job token \(CI_JOB_TOKEN\)"):
        desk.tracker(secret="glcbt-64_x").check()
    assert desk.mock.requests == []


def test_a_token_that_tells_no_scopes_is_tried(desk: Desk) -> None:
    desk.kept.token = Answer({}, 404)
    assert desk.deliver().what == "written"


@pytest.mark.parametrize("options", [{"internal": "maybe"}, {"confidential": "true"}])
def test_options_are_yes_or_no(desk: Desk, options: dict[str, str]) -> None:
    with pytest.raises(BadTarget, match="is yes or no"):
        desk.tracker(**options)


def test_an_administrator_knows_the_limit(desk: Desk) -> None:
    assert desk.tracker().check().limits.file_bytes == 100 * MIB
    desk.kept.user["is_admin"] = True
    desk.mock.answers["GET /api/v4/application/settings"] = {"max_attachment_size": 10}
    assert desk.tracker().check().limits.file_bytes == 10 * MIB


def test_an_internal_note_stays_among_members(desk: Desk) -> None:
    desk.kept.project["permissions"]["group_access"] = {"access_level": 20}
    desk.deliver("GW-0000-0001")
    for case in ("GW-0000-0002", "GW-0000-0003"):
        desk.deliver(case, internal="yes")
    told = [(note["internal"], "GW-0000-0003" in note["body"]) for note in desk.kept.notes]
    assert told == [(False, False), (True, True)]


def test_a_note_that_would_not_be_internal_is_taken_back(desk: Desk) -> None:
    desk.kept.project["permissions"]["group_access"] = {"access_level": 30}
    desk.kept.internal = False
    with pytest.raises(DeliveryFailed, match="would not make the note an internal one"):
        desk.deliver(internal="yes")
    assert desk.kept.notes == []
    assert desk.kept.uploads == {}


def test_a_mark_that_a_stranger_copied_is_none(desk: Desk) -> None:
    desk.kept.note("issues", "5", f"<!-- {mark(FAILURE, CASE)} -->", author={**STRANGER})
    desk.kept.note("issues", "5", f"<!-- {mark(FAILURE, CASE)} -->", system=True)
    assert desk.tracker().find(FAILURE) is None
    assert desk.deliver().what == "written"


def test_a_note_behind_short_pages_is_found(desk: Desk) -> None:
    """GitLab takes out of a page what we may not see; the page after it is there all the same."""
    desk.kept.note("issues", "5", f"<!-- {MARK} -->")
    for _ in range(5):
        desk.kept.note("issues", "5", "hello", author={**STRANGER})
    desk.kept.page = 2
    found = desk.tracker().find(FAILURE)
    assert (found.ref, found.cases) == ("301", ("GW-AAAA-AAAA",))


def test_cases_of_several_notes_count(desk: Desk) -> None:
    for case in ("GW-AAAA-AAAA", "GW-BBBB-BBBB"):
        desk.kept.note("issues", "5", f"<!-- {mark(FAILURE, case)} -->")
    assert desk.tracker().find(FAILURE).cases == ("GW-AAAA-AAAA", "GW-BBBB-BBBB")


def test_no_word_of_strangers_is_a_reference(desk: Desk) -> None:
    """GitLab looks for references in all but code; see GitLab-specific references in docs.gitlab.com/user/markdown."""
    words = [
        "@all", "#1", "GL-1", "g/p#1", "!1", "$1", "&1", "*iteration:1", "[cadence:1]", "[vulnerability:1]", "~bug",
        '~"a b"', "%1", '%"v 1"', "9ba12248", "9ba12248...b19a04f5", "[feature_flag:1]", "^alert#1", ":tada:", "EXT-1",
        "[contact:a@b.example]", "[wiki_page:x]", "[work_item:1]", "[epic:1]", "https://evil.example/-/issues/1",
        "[[x]]", "www.evil.example", "[x](//evil.example)", "a@evil.example", "{+ x +}", "$`x`$", "`x", "<b>x</b>",
        "<!-- x -->", "%{commit_sha}", "&lt;"]
    blocks = tuple(Paragraph((Text(f"It said {word} and {word}"),)) for word in words)
    desk.tracker().comment(Message("t", blocks, MARK, FAILURE, CASE), ())
    body = desk.mock.of(NOTES["issues"]["POST"])[0].json["body"].removesuffix(f"<!-- {MARK} -->")
    assert body.count("It said") == len(words)
    for line in body.split("\n"):
        left = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", line)
        assert not re.search(r"[@#~$%^&*\[\]<>{}`!]|[A-Z]+-\d|//|www|:\w|[0-9a-f]{7}", left), line


def test_no_line_is_a_command(desk: Desk) -> None:
    """Those who may change our note may put a command into it, which must not be ours to give."""
    desk.kept.note("issues", "5", f"<!-- {MARK} -->\n/close\n  /label ~x\nhttps://x/y\n")
    blocks = (Paragraph((Text("/close"),)), Items(((Text("/due tomorrow"),),)), Paragraph((Text("a\n/spend 5h"),)))
    message = Message("t", blocks, mark(FAILURE, CASE), FAILURE, CASE)
    adapter = desk.tracker()
    adapter.comment(message, ())
    adapter.again(adapter.find(FAILURE), message)
    sent = [*desk.mock.of(NOTES["issues"]["POST"]), *desk.mock.of(NOTES["issues"]["PUT"])]
    assert len(sent) == 2
    assert not [line for seen in sent for line in seen.json["body"].split("\n") if line.lstrip().startswith("/")]
    assert "\\/close\n  \\/label ~x\nhttps://x/y" in sent[1].json["body"]


def test_a_picture_and_a_page_go_to_the_project(desk: Desk) -> None:
    upload = desk.tracker().attach(File("GW-0000-0001-screenshot.png", "image/png", bytes(range(256))))
    assert desk.kept.uploads == {1: ("GW-0000-0001-screenshot.png", bytes(range(256)))}
    assert upload.link == f"{desk.mock.origin}/-/project/1/uploads/{1:032x}/GW-0000-0001-screenshot.png"
    desk.tracker().discard([upload])
    assert (desk.kept.uploads, len(desk.mock.of(UPLOADED))) == ({}, 1)


def test_it_is_asked_where_it_is_served(desk: Desk) -> None:
    adapter = desk.tracker("/git/g/p/-/issues/5", base="git")
    assert adapter.http.root == f"{desk.mock.origin}/git/api/v4"
    with pytest.raises(DeliveryFailed, match="has no such place"):
        _missing(desk).check()


def _missing(desk: Desk) -> Any:
    desk.mock.answers[ISSUE] = Answer({"message": "404 Not found"}, 404)
    return desk.tracker()
