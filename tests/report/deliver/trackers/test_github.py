"""GitHub: whom it recognises, what it refuses before it writes, and where files go."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import keyring
import pytest

from report.deliver import credentials
from report.deliver.base import BadTarget, Credential, DeliveryFailed, Door, File, Tracker
from report.deliver.delivery import deliver
from report.deliver.targets import Named, parse
from report.deliver.trackers.github import TEXT_CHARS, GitHub
from report.markup.blocks import Items, Paragraph, Text
from tests.report.deliver.mock import Answer, Fault, Mock
from tests.report.deliver.scenes import CONTENT, SECRET, Patience, named, parcel
from tests.report.deliver.scenes.github import ASSET, COMMENT, CREATE, REPO, US, Kept, start

INTEGRATION = {"message": "Resource not accessible by integration"}


class Here:
    """A repository o/r, with a way to it."""

    def __init__(self, begin: Callable[..., Mock], client: httpx.Client) -> None:
        self.kept = Kept()
        self.mock = start(begin, self.kept)
        self.client = client

    def tracker(self, below: str = "/issues/5", **options: str) -> Tracker:
        target = replace(parse(f"github+{self.mock.origin}/o/r{below}"), options=options)
        patience = Patience()
        door = Door(self.client, lambda *_: pytest.fail("dials"), sleep=patience.sleep, clock=patience.clock)
        return GitHub(target, Credential(SECRET), door)

    def refuses(self, below: str = "/issues/5", **options: str) -> str:
        """The sentence with which it is refused before anything is written."""
        with pytest.raises(DeliveryFailed) as failed:
            self.tracker(below, **options).check()
        assert {seen.method for seen in self.mock.requests} <= {"GET"}
        return str(failed.value)


@pytest.fixture
def here(tracker: Callable[..., Mock], client: httpx.Client) -> Here:
    return Here(tracker, client)


@pytest.mark.parametrize(("address", "place", "ticket"), [
    ("https://github.com/o/r/issues/5", "o/r", "5"),
    ("https://github.com/o/r/issues/5#issuecomment-77", "o/r", "5"),
    ("https://github.com/o/r/pull/12/files?w=1", "o/r", "12"),
    ("https://www.github.com/o/r/pull/12/", "o/r", "12"),
    ("https://GitHub.com:443/Some-Org/my.repo_1", "Some-Org/my.repo_1", None),
    ("https://github.com/o/r.git", "o/r", None),
    ("https://github.com/o/r/issues?q=is%3Aopen", "o/r", None),
    ("https://github.com/o/r/issues/new", "o/r", None),
])
def test_addresses_are_recognised_as_people_copy_them(address: str, place: str, ticket: str | None) -> None:
    target = parse(address)
    assert (target.kind, target.origin, target.place, target.ticket) == ("github", "https://github.com", place, ticket)


@pytest.mark.parametrize("address", [
    "https://github.com.evil.example/o/r/issues/5", "https://evil-github.com/o/r/issues/5", "https://github.com/o",
    "http://github.com/o/r/issues/5", "https://github.com:8443/o/r", "https://api.github.com/repos/o/r",
    "https://github.com/o/r/discussions/5", "https://github.com/o/../issues/5", "https://github.com/o/r/issues/0",
    "https://gist.github.com/o/r", "https://github.com/o/r%2F..%2Fx/issues/5", "https://evil.ghe.com.example/o/r"])
def test_nothing_else_is_recognised(address: str) -> None:
    assert GitHub.recognise(urlsplit(address)) is None


@pytest.mark.parametrize(("address", "origin", "api", "uploads"), [
    ("https://github.com/o/r", "https://github.com", "https://api.github.com", "https://uploads.github.com"),
    ("https://acme.ghe.com/o/r", "https://acme.ghe.com", "https://api.acme.ghe.com", "https://uploads.acme.ghe.com"),
    ("github+https://ghe.example:8443/o/r", "https://ghe.example:8443", "https://ghe.example:8443/api/v3",
     "https://ghe.example:8443"),
])
def test_each_edition_has_its_api(address: str, origin: str, api: str, uploads: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(f"{request.method} {request.url}")
        if request.url.path.endswith("/tags/gatewitness-dossiers"):
            return httpx.Response(200, json={"id": 1, "upload_url": f"{uploads}/repos/o/r/releases/1/assets{{?name}}"})
        made = {"id": 2, "name": "a.pdf", "browser_download_url": "https://x.example"}
        return httpx.Response(200, json=[] if request.method == "GET" else made)

    with httpx.Client(transport=httpx.MockTransport(answer)) as client:
        made = GitHub(replace(parse(address), options={"files": "release"}), Credential(SECRET),
                      Door(client, lambda *_: pytest.fail("dials")))
        made.attach(File("a.pdf", "application/pdf", b"%PDF"))
    assert made.target.origin == origin
    assert asked == [f"GET {api}/repos/o/r/releases/tags/gatewitness-dossiers",
                     f"GET {api}/repos/o/r/releases/1/assets?per_page=100&page=1",
                     f"POST {uploads}/repos/o/r/releases/1/assets?name=a.pdf"]


@pytest.mark.parametrize("options", [
    {"files": "everywhere"}, {"public": "perhaps"}, {"files": "release", "tag": "a b"},
    {"files": "repository", "path": "../up"}, {"files": "repository", "path": "a/.."}])
def test_options_that_make_no_sense_are_refused(here: Here, options: dict[str, str]) -> None:
    with pytest.raises(BadTarget, match="the option"):
        here.tracker(**options)


def test_a_check_says_who_we_are_and_writes_nothing(here: Here) -> None:
    account = here.tracker(files="release").check()
    assert (account.name, account.limits.file_bytes, account.limits.files) == ("witness-bot", 2 ** 31 - 1, None)
    assert {seen.method for seen in here.mock.requests} == {"GET"}
    assert {seen.headers["authorization"] for seen in here.mock.requests} == {f"Bearer {SECRET}"}


def test_the_token_of_a_workflow_is_the_bot_of_actions(here: Here, tmp_path: Path) -> None:
    here.mock.faults.append(Fault("GET /user", 403, json=INTEGRATION, times=None))
    assert here.tracker().check().name == "github-actions[bot]"
    sent = parcel(tmp_path)
    deliver(here.tracker(), sent)
    next(iter(here.kept.comments.values()))["user"] = {"login": "github-actions[bot]"}
    assert deliver(here.tracker(), sent).what == "there already"


def test_another_403_is_none_of_a_workflow(here: Here) -> None:
    here.mock.faults.append(Fault("GET /user", 403, json={"message": "SAML enforcement"}, times=None))
    assert "does not allow this" in here.refuses()


@pytest.mark.parametrize(("server", "at", "is_found"), [
    (None, "https://github.com/o/r", True), ("https://github.com", "https://github.com/o/r", True),
    ("https://ghe.example", "github+https://ghe.example/o/r", True),
    ("https://ghe.example", "https://github.com/o/r", False), (None, "github+https://ghe.example/o/r", False)])
@pytest.mark.parametrize("variable", ["GITHUB_TOKEN", "GH_TOKEN"])
def test_a_token_of_the_environment_goes_to_its_own_server_only(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, server: str | None, at: str,
        is_found: bool) -> None:
    monkeypatch.setattr(keyring, "get_credential", lambda *_: None)
    environment = {variable: SECRET, **({"GITHUB_SERVER_URL": server} if server else {})}
    asked = Named(None, parse(at))
    if is_found:
        found = credentials.find(asked, environment, tmp_path / "none.toml")
        assert found is not None
        assert found.secret == SECRET
    else:
        with pytest.raises(BadTarget, match="there is no credential"):
            credentials.find(asked, environment, tmp_path / "none.toml")


def test_an_account_may_be_told(here: Here) -> None:
    assert here.tracker(account="our-app[bot]").check().name == "our-app[bot]"


def test_too_many_requests_are_no_missing_right(here: Here) -> None:
    here.mock.faults.append(Fault("GET /user", 403, {"Retry-After": "3600"}, times=None,
                                  json={"message": "You have exceeded a secondary rate limit"}))
    assert "GitHub wants fewer requests (403: You have exceeded a secondary rate limit" in here.refuses()


@pytest.mark.parametrize(("repository", "path", "options", "said"), [
    ({"archived": True}, "/issues/5", {}, "is archived"),
    ({"has_issues": False}, "", {}, "issues switched off"),
    ({"permissions": {"admin": False, "push": False, "pull": True}}, "/issues/5", {"files": "release"},
     "fine-grained token or workflow: Contents"),
])
def test_what_cannot_be_is_refused_before_anything_is_written(
        here: Here, repository: dict[str, Any], path: str, options: dict[str, str], said: str) -> None:
    here.kept.repository |= repository
    assert said in here.refuses(path, **options)


def test_a_locked_issue_takes_comments_of_those_who_may_write(here: Here) -> None:
    here.kept.issues[5]["locked"] = True
    assert here.tracker().check().name == "witness-bot"
    here.kept.repository["permissions"]["push"] = False
    assert "o/r#5 is locked" in here.refuses()


@pytest.mark.parametrize(("scopes", "private", "is_enough"), [
    ("repo, read:org", True, True), ("public_repo", False, True), ("public_repo", True, False), ("gist", False, False)])
def test_a_classic_token_is_known_by_its_scopes(here: Here, scopes: str, private: bool, is_enough: bool) -> None:
    here.kept.repository["private"] = private
    here.mock.answers[f"GET {REPO}"] = lambda _: Answer(here.kept.repository, headers={"X-OAuth-Scopes": scopes})
    if is_enough:
        here.tracker().check()
    else:
        assert "lacks the scope" in here.refuses()


def test_the_right_that_is_missing_is_named(here: Here, tmp_path: Path) -> None:
    here.mock.faults.append(Fault(COMMENT, 403, json={"message": "Resource not accessible by personal access token"}))
    with pytest.raises(DeliveryFailed, match="fine-grained token or workflow: Issues") as failed:
        deliver(here.tracker(), parcel(tmp_path))
    assert "Resource not accessible by personal access token" in str(failed.value)


def test_issues_that_are_switched_off_are_said(here: Here, tmp_path: Path) -> None:
    here.mock.faults.append(Fault(CREATE, 410, json={"message": "Issues has been disabled in this repository."}))
    with pytest.raises(DeliveryFailed, match=r"gone or switched off \(410: Issues has been disabled"):
        deliver(here.tracker(""), parcel(tmp_path))


@pytest.mark.parametrize("files", ["none", "release", "repository"])
def test_a_public_repository_gets_files_by_one_more_word_only(here: Here, tmp_path: Path, files: str) -> None:
    here.kept.repository["private"] = False
    came = deliver(here.tracker(files=files), parcel(tmp_path))
    assert (came.what, here.kept.files()) == ("written", [])
    reason = "GitHub takes no files" if files == "none" else "the repository is public"
    assert all(reason in told for told in came.left_out)
    assert reason in here.kept.texts()[0]
    other = parcel(tmp_path, "GW-0000-0002", "other")
    assert deliver(here.tracker(files=files, public="yes"), other).files == (
        () if files == "none" else tuple(f"{other.case}-{name}" for name in CONTENT))


def test_a_text_links_to_its_files(here: Here, tmp_path: Path) -> None:
    deliver(here.tracker(files="release"), parcel(tmp_path))
    assert ("- [`GW-0000-0001-dossier.pdf`](<https://github.com/o/r/releases/download/x/GW-0000-0001-dossier.pdf>) in"
            in here.kept.texts()[0])
    assert here.kept.texts()[0].count("dossier.pdf") == 2
    assert "<!-- gatewitness:f00dcafe:GW-0000-0001 -->" in here.kept.texts()[0]


def test_files_of_one_case_serve_several_tickets_and_stay_with_the_first(here: Here, tmp_path: Path) -> None:
    here.kept.issues[6] = {**here.kept.issues[5], "number": 6}
    sent = parcel(tmp_path)
    deliver(here.tracker(files="release"), sent)
    here.mock.faults.append(Fault(COMMENT, 401))
    with pytest.raises(DeliveryFailed):
        deliver(here.tracker("/issues/6", files="release"), sent)
    assert sorted(here.kept.files()) == named(sent.case)
    assert len(here.mock.of(ASSET)) == len(CONTENT)


def test_an_upload_that_broke_off_is_replaced(here: Here, tmp_path: Path) -> None:
    here.kept.release, here.kept.assets[1] = True, ("GW-0000-0001-dossier.pdf", b"")
    deliver(here.tracker(files="release"), parcel(tmp_path))
    assert sorted(here.kept.files()) == named("GW-0000-0001")


def test_files_go_to_the_branch_and_folder_that_are_named(here: Here, tmp_path: Path) -> None:
    deliver(here.tracker(files="repository", branch="evidence", path="docs/cases/"), parcel(tmp_path))
    assert set(here.kept.contents) == {f"docs/cases/GW-0000-0001/GW-0000-0001-{name}" for name in CONTENT}
    assert {seen.json["branch"] for seen in here.mock.requests if seen.method == "PUT"} == {"evidence"}
    assert all("[skip ci]" in seen.json["message"] for seen in here.mock.requests if seen.method == "PUT")


def test_an_upload_goes_to_no_stranger(here: Here, tmp_path: Path) -> None:
    here.kept.uploads = "https://evil.example"
    with pytest.raises(DeliveryFailed, match="an address that is not its own"):
        deliver(here.tracker(files="release"), parcel(tmp_path))
    assert (here.kept.texts(), here.kept.assets) == ([], {})


def test_a_mark_of_a_stranger_counts_for_nothing(here: Here, tmp_path: Path) -> None:
    copied = "<!-- gatewitness:f00dcafe:GW-0000-0001 -->"
    here.kept.issues[5]["body"] = copied
    here.kept.comments[1] = {"id": 1, "user": {"login": "stranger"}, "body": copied, "issue": "5",
                             "html_url": "https://github.com/o/r/issues/5#issuecomment-1"}
    assert deliver(here.tracker(), parcel(tmp_path)).what == "written"
    assert here.kept.comments[1]["body"] == copied


def test_of_many_comments_the_newest_are_looked_through(here: Here, tmp_path: Path) -> None:
    for one in range(1, 1251):
        here.kept.comments[one] = {"id": one, "user": {"login": "somebody"}, "body": "me too", "issue": "5",
                                   "html_url": "https://github.com/o/r/issues/5"}
    here.kept.number = 2000
    deliver(here.tracker(), parcel(tmp_path))
    here.mock.requests.clear()
    assert deliver(here.tracker(), parcel(tmp_path)).what == "there already"
    pages = [int(seen.query["page"][0]) for seen in here.mock.requests if "page" in seen.query]
    assert (min(pages), max(pages)) == (4, 13)


def test_an_issue_that_was_created_is_looked_at_too(here: Here, tmp_path: Path) -> None:
    made = deliver(here.tracker(""), parcel(tmp_path))
    number = made.link.rpartition("/")[2]
    assert deliver(here.tracker(f"/issues/{number}"), parcel(tmp_path)).what == "there already"
    assert deliver(here.tracker(f"/issues/{number}"), parcel(tmp_path, "GW-0000-0002")).what == "seen again"
    assert "Seen again" in here.kept.issues[int(number)]["body"]
    assert here.kept.comments == {}


def test_a_long_text_is_shortened_and_leaves_room(here: Here, tmp_path: Path) -> None:
    long = Items(tuple((Text("x " * 249),) for _ in range(200)))
    sent = replace(parcel(tmp_path), blocks=(Paragraph((Text("first"),)), Paragraph((Text("second"),)), long))
    deliver(here.tracker(files="release"), sent)
    assert len(here.kept.texts()[0]) < TEXT_CHARS
    assert here.kept.texts()[0].count("https://github.com/o/r/releases/download/") == len(CONTENT)
    for number in range(2, 5):
        deliver(here.tracker(), replace(sent, case=f"GW-0000-000{number}"))
    assert here.kept.texts()[0].count("<!-- gatewitness:") == 4


def test_a_title_calls_nobody(here: Here, tmp_path: Path) -> None:
    deliver(here.tracker(""), replace(parcel(tmp_path), title="shop.example: fixes #1 @octocat"))
    assert [one["title"] for one in here.kept.issues.values() if one["user"] == US] == [
        "shop.example: fixes # 1 @ octocat"]
