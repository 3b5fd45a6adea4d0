"""Gitea and Forgejo: whom it recognises, what it refuses before it writes, and where files stand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from report.deliver.base import Credential, DeliveryFailed, Door, Tracker
from report.deliver.delivery import deliver
from report.deliver.targets import parse
from report.deliver.trackers.gitea import Gitea
from tests.report.deliver.mock import Fault, Mock
from tests.report.deliver.scenes import SECRET, Patience, named, parcel
from tests.report.deliver.scenes.gitea import ASSET, COMMENT, Kept, start

REPOSITORY = "GET /repos/{owner}/{repo}"


class Here:
    """A repository o/r, with a way to it."""

    def __init__(self, begin: Callable[..., Mock], client: httpx.Client) -> None:
        self.kept = Kept()
        self.mock = start(begin, self.kept)
        self.client = client

    def tracker(self, below: str = "/issues/5") -> Tracker:
        patience = Patience()
        door = Door(self.client, lambda *_: pytest.fail("dials"), sleep=patience.sleep, clock=patience.clock)
        return Gitea(parse(f"gitea+{self.mock.origin}/git/o/r{below}"), Credential(SECRET), door)

    def refuses(self, below: str = "/issues/5") -> str:
        """The sentence with which it is refused before anything is written."""
        with pytest.raises(DeliveryFailed) as failed:
            self.tracker(below).check()
        assert {seen.method for seen in self.mock.requests} == {"GET"}
        return str(failed.value)


@pytest.fixture
def here(tracker: Callable[..., Mock], client: httpx.Client) -> Here:
    return Here(tracker, client)


@pytest.mark.parametrize(("address", "origin", "base", "place", "ticket"), [
    ("https://codeberg.org/o/r/issues/5", "https://codeberg.org", "", "o/r", "5"),
    ("https://gitea.com/o/r/pulls/12/files#x", "https://gitea.com", "", "o/r", "12"),
    ("https://Codeberg.org/o/r/issues?state=open", "https://codeberg.org", "", "o/r", None),
    ("gitea+https://git.example:3000/o/r.git", "https://git.example:3000", "", "o/r", None),
    ("gitea+https://example.org/git/o/r/issues/5/", "https://example.org", "/git", "o/r", "5"),
    ("gitea+https://example.org/a/git/o/r/", "https://example.org", "/a/git", "o/r", None),
    ("gitea+https://git.example/o/issues/issues/5", "https://git.example", "", "o/issues", "5"),
])
def test_addresses_are_recognised_as_people_copy_them(
        address: str, origin: str, base: str, place: str, ticket: str | None) -> None:
    target = parse(address)
    assert target.kind == "gitea"
    assert (target.origin, target.base, target.place, target.ticket) == (origin, base, place, ticket)


@pytest.mark.parametrize("address", [
    "https://codeberg.org.evil.example/o/r/issues/5", "https://git.example/o/r/issues/5", "https://codeberg.org/o",
    "http://codeberg.org/o/r/issues/5", "https://codeberg.org/o/../issues/5", "https://codeberg.org/o/r/src/branch/main",
    "https://codeberg.org/o/r/wiki", "https://codeberg.org:8443/o/r"])
def test_nothing_else_is_recognised(address: str) -> None:
    assert Gitea.recognise(urlsplit(address)) is None


def test_a_check_says_who_we_are_and_what_is_taken(here: Here) -> None:
    account = here.tracker().check()
    limits = account.limits
    assert (account.name, limits.file_bytes, limits.files, limits.types) == ("witness-bot", 4 * 1024 ** 2, 5, None)
    assert {seen.method for seen in here.mock.requests} == {"GET"}
    assert {seen.headers["authorization"] for seen in here.mock.requests} == {f"token {SECRET}"}


@pytest.mark.parametrize(("settings", "files", "types"), [
    ({"enabled": False}, 0, None),
    ({"allowed_types": ""}, 5, None),
    ({"allowed_types": ".pdf, .PNG,.zip"}, 5, (".pdf", ".png", ".zip")),
    ({"allowed_types": "image/*|application/json", "max_files": 0}, None, (".har", ".png", ".jpg", ".jpeg", ".webp")),
    ({"allowed_types": "text/html,.har"}, 5, (".har", ".html")),
])
def test_what_is_taken_is_as_the_server_says(
        here: Here, settings: dict[str, Any], files: int | None, types: tuple[str, ...] | None) -> None:
    here.kept.settings |= settings
    limits = here.tracker().check().limits
    assert (limits.files, limits.types) == (files, types)


def test_what_is_not_taken_is_named(here: Here, tmp_path: Path) -> None:
    here.kept.settings["allowed_types"] = ".docx,.gif,.json,.pdf,.png,.txt,.zip"
    came = deliver(here.tracker(), parcel(tmp_path))
    assert here.kept.files() == named("GW-0000-0001", "dossier.pdf")
    assert [told.split()[0] for told in came.left_out] == ["dossier.html", "page.har"]
    assert "dossier.html is left out: files of this type are not taken here." in here.kept.texts()[0].replace("`", "")


def test_a_file_that_is_larger_than_the_server_takes_is_left_out(here: Here, tmp_path: Path) -> None:
    here.kept.settings["max_size"] = 1
    sent = parcel(tmp_path)
    (tmp_path / "page.har").write_bytes(b" " * (1024 ** 2 + 1))
    came = deliver(here.tracker(), sent)
    assert sorted(here.kept.files()) == named(sent.case, "dossier.pdf", "dossier.html")
    assert came.left_out == ("page.har is left out: it is 1.0 MB, and 1.0 MB is the most that is taken here.",)


def test_attachments_that_are_switched_off_are_said(here: Here, tmp_path: Path) -> None:
    here.kept.settings["enabled"] = False
    came = deliver(here.tracker(), parcel(tmp_path))
    assert "this server takes no attachments" in came.left_out[0]
    assert (came.what, here.kept.files()) == ("written", [])


@pytest.mark.parametrize(("repository", "below", "said"), [
    ({"archived": True}, "/issues/5", "is archived"), ({"has_issues": False}, "", "issues switched off")])
def test_what_cannot_be_is_refused_before_anything_is_written(
        here: Here, repository: dict[str, Any], below: str, said: str) -> None:
    here.kept.repository |= repository
    assert said in here.refuses(below)


def test_a_locked_issue_takes_comments_of_those_who_may_write(here: Here) -> None:
    here.kept.issues[5]["is_locked"] = True
    assert here.tracker().check().name == "witness-bot"
    here.kept.repository["permissions"]["push"] = False
    assert "o/r#5 is locked" in here.refuses()


def test_who_may_comment_only_adds_files_to_issues_of_their_own(here: Here, tmp_path: Path) -> None:
    here.kept.repository["permissions"]["push"] = False
    came = deliver(here.tracker(), parcel(tmp_path))
    assert (came.what, here.kept.files(), len(came.left_out)) == ("written", [], 3)
    assert "write access, which this account lacks" in came.left_out[0]
    deliver(here.tracker(""), parcel(tmp_path, "GW-0000-0002", "other"))
    assert sorted(here.kept.files()) == named("GW-0000-0002")


def test_a_token_need_not_read_the_repository(here: Here, tmp_path: Path) -> None:
    here.mock.faults.append(Fault(REPOSITORY, 403, json={"message": "token does not have at least one of required "
                                                                   "scope(s): [read:repository]"}, times=None))
    assert deliver(here.tracker(), parcel(tmp_path)).what == "written"


@pytest.mark.parametrize(("fault", "said"), [
    (Fault(COMMENT, 403, json={"message": "token does not have at least one of required scope(s): [write:issue]"}),
     "write:issue"),
    (Fault(COMMENT, 423), r"locked or archived \(423"),
    (Fault("GET /user", 401, json={"message": "user does not exist"}), r"revoked \(401: user does not exist"),
])
def test_what_is_missing_is_said(here: Here, tmp_path: Path, fault: Fault, said: str) -> None:
    here.mock.faults.append(fault)
    with pytest.raises(DeliveryFailed, match=said):
        deliver(here.tracker(), parcel(tmp_path))
    assert (here.kept.texts(), here.kept.files()) == ([], [])


def test_files_stand_at_our_comment_and_not_at_the_issue(here: Here, tmp_path: Path) -> None:
    deliver(here.tracker(), parcel(tmp_path))
    (comment,) = here.kept.comments
    assert {text for text, _, _ in here.kept.assets.values()} == {
        f"/git/api/v1/repos/o/r/issues/comments/{comment}"}
    assert [(name, kind) for seen in here.mock.of(ASSET) for _, name, kind, _ in seen.files] == [
        ("GW-0000-0001-dossier.pdf", "application/pdf"), ("GW-0000-0001-dossier.html", "text/html"),
        ("GW-0000-0001-page.har", "application/json")]


def test_files_of_a_new_issue_stand_at_it(here: Here, tmp_path: Path) -> None:
    number = deliver(here.tracker(""), parcel(tmp_path)).link.rpartition("/")[2]
    assert {text for text, _, _ in here.kept.assets.values()} == {f"/git/api/v1/repos/o/r/issues/{number}"}


def test_a_mark_of_a_stranger_counts_for_nothing(here: Here, tmp_path: Path) -> None:
    copied = "<!-- gatewitness:f00dcafe:GW-0000-0001 -->"
    here.kept.issues[5]["body"] = copied
    here.kept.comments[1] = {"id": 1, "user": {"login": "stranger"}, "body": copied, "html_url": "https://x.example"}
    here.kept.on[1] = 5
    assert deliver(here.tracker(), parcel(tmp_path)).what == "written"
    assert here.kept.comments[1]["body"] == copied
