"""Redmine, a real one: what is delivered is there once and as it was sent, and nothing of strangers is live in it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from report.deliver.base import BadTarget, Credential, DeliveryFailed, Door
from report.deliver.delivery import Delivered, deliver
from report.deliver.parcel import Parcel
from report.deliver.targets import find, parse
from report.deliver.trackers.redmine import Redmine as Adapter
from report.markup.parted import JOINER
from report.markup.redmine import Formatting, redmine
from report.text import line
from tests.report.deliver.scenes import CONTENT, Patience, parcel
from tests.report.markup.test_redmine import ATTACKS, everywhere
from tests.servers.redmine import PATIENCE_S, Redmine
from tests.servers.redmine import redmine as running
from tests.servers.way import Fault, Way, broken, cut, lost

pytestmark = pytest.mark.gateways

ALLOWED = {"p", "br", "strong", "code", "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"}
OURS = "https://gw.example/"
def revoked(inner: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
    """The key is none any more."""
    request.headers["X-Redmine-API-Key"] = "0" * 40
    return inner.handle_request(request)


class Stage:
    """The server, and deliveries to it."""

    def __init__(self, server: Redmine, way: Way, directory: Path) -> None:
        self.server, self.way, self.directory = server, way, directory
        self.client = httpx.Client(transport=way, timeout=PATIENCE_S)
        self.new = f"/projects/{server.project}"

    def parcel(self, case: str, failure: str = "") -> Parcel:
        """CASE as in GW-CASE; its failure is its own unless told."""
        return parcel(self.directory, f"GW-{case}", failure or f"f{case.lower()}")

    def deliver(self, sent: Parcel, place: str, who: str = "reporter", **options: str) -> Delivered:
        target = find(f"redmine+{self.server.url}{place}", {}, options).target
        patience = Patience()
        credential = Credential(self.server.keys.get(who, who))
        door = Door(self.client, lambda *_: pytest.fail("no socket"), sleep=patience.sleep, clock=patience.clock)
        return deliver(Adapter(target, credential, door), sent)

    def fails(self, sent: Parcel, place: str, who: str = "reporter", **options: str) -> str:
        with pytest.raises(DeliveryFailed) as failed:
            self.deliver(sent, place, who, **options)
        said = str(failed.value)
        assert self.server.keys.get(who, who) not in said + repr(failed.value.__cause__)
        assert "\n" not in said
        return said

    def ask(self, method: str, path: str, who: str = "admin", **more: Any) -> Any:
        answer = httpx.request(method, self.server.url + path, timeout=PATIENCE_S, trust_env=False,
                               headers={"X-Redmine-API-Key": self.server.keys[who]}, **more)
        return answer.raise_for_status().json() if answer.content else None

    def issue(self, place: str) -> dict[str, Any]:
        query = {"include": "journals,attachments"}
        return dict(self.ask("GET", f"/issues/{urlsplit(place).path.split('/')[-1]}.json", params=query)["issue"])

    def made(self) -> str:
        """A new issue, for one test."""
        fields = {"project_id": self.server.project, "subject": "Checkout is down"}
        return f"/issues/{self.ask('POST', '/issues.json', json={'issue': fields})['issue']['id']}"

    def notes(self, place: str, case: str) -> list[str]:
        """Those that tell of a case."""
        return [note["notes"] for note in self.issue(place)["journals"] if case in (note["notes"] or "")]

    def files(self, place: str) -> dict[str, bytes]:
        """Downloaded again, by name; none is there twice."""
        found = [(item["filename"], self._download(item["content_url"])) for item in self.issue(place)["attachments"]]
        assert len(dict(found)) == len(found)
        return dict(found)

    def uploads(self) -> int:
        """Files that are there, at an issue or not."""
        with closing(sqlite3.connect(self.server.database, timeout=60)) as base:
            return int(base.execute("SELECT count(*) FROM attachments").fetchone()[0])

    def _download(self, address: str) -> bytes:
        key = {"X-Redmine-API-Key": self.server.keys["admin"]}
        return httpx.get(address, headers=key, timeout=PATIENCE_S, trust_env=False).raise_for_status().content


@pytest.fixture(scope="module")
def server() -> Iterator[Redmine]:
    with running() as found:
        yield found


@pytest.fixture
def stage(server: Redmine, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(server, Way(), tmp_path)
    with made.client:
        yield made


def named(sent: Parcel) -> dict[str, bytes]:
    return {f"{sent.case}-{name}": content for name, content in CONTENT.items()}


@pytest.mark.parametrize("under", ["", "/redmine"])
def test_a_ticket_gets_one_note_and_every_file_byte_for_byte(stage: Stage, under: str) -> None:
    place, sent = stage.made(), stage.parcel("AAAA-0001")
    came = stage.deliver(sent, under + place)
    assert (came.what, came.left_out, set(came.files)) == ("written", (), set(named(sent)))
    assert came.link.startswith(f"{stage.server.url}{under}{place}#change-")
    assert stage.files(place) == named(sent)
    assert stage.deliver(sent, under + place).what == "there already"
    assert (len(stage.notes(place, sent.case)), stage.files(place)) == (1, named(sent))


def test_the_same_failure_again_is_a_line_in_the_note(stage: Stage) -> None:
    place, first = stage.made(), stage.parcel("AAAB-0001")
    second = stage.parcel("AAAB-0002", first.failure)
    link = stage.deliver(first, place).link
    came = stage.deliver(second, place)
    assert (came.what, came.link) == ("seen again", link)
    [note] = stage.notes(place, first.case)
    assert "Seen again" in note
    assert second.case in note
    assert stage.deliver(first, place).what == stage.deliver(second, place).what == "there already"
    assert (len(stage.notes(place, second.case)), stage.files(place)) == (1, named(first))
    page = stage.server.page(place)
    assert "Seen again" in page
    assert "gatewitness:" not in page


def test_where_notes_may_not_be_edited_it_is_a_further_note(stage: Stage) -> None:
    place, first = stage.made(), stage.parcel("AAAC-0001")
    stage.deliver(first, place)
    second = stage.parcel("AAAC-0002", first.failure)
    with closing(sqlite3.connect(stage.server.database, timeout=60)) as base:
        [kept] = base.execute("SELECT permissions FROM roles WHERE name = 'Deliveries'").fetchone()
        set_to = "UPDATE roles SET permissions = ? WHERE name = 'Deliveries'"
        with base:
            base.execute(set_to, (kept.replace("- :edit_own_issue_notes\n", ""),))
        came = stage.deliver(second, place)
        with base:
            base.execute(set_to, (kept,))
    assert came.what == "seen again"
    assert [second.case in note for note in (*stage.notes(place, first.case), *stage.notes(place, second.case))] == [
        False, True]
    assert stage.deliver(second, place).what == stage.deliver(first, place).what == "there already"


def test_a_project_gets_one_issue_for_one_failure(stage: Stage) -> None:
    first = stage.parcel("AAAD-0001")
    came = stage.deliver(first, stage.new, tracker="Support", priority="High")
    place = urlsplit(came.link).path
    issue = stage.issue(place)
    assert (came.what, issue["tracker"]["name"], issue["priority"]["name"]) == ("created", "Support", "High")
    assert (issue["subject"], stage.files(place)) == (first.title, named(first))
    assert first.case in issue["description"]
    for number in (2, 3):
        other = stage.parcel(f"AAAD-000{number}", first.failure)
        assert stage.deliver(other, f"{stage.new}/issues/new").what == "seen again"
        assert len(stage.notes(place, other.case)) == 1
    assert len(stage.issue(place)["journals"]) == 1
    assert stage.deliver(first, stage.new).what == "there already"


def test_a_mark_that_somebody_else_wrote_is_none(stage: Stage) -> None:
    place, sent = stage.made(), stage.parcel("AAAE-0001")
    stage.ask("PUT", f"{place}.json", json={"issue": {"notes": f"<!-- gatewitness:{sent.failure}:{sent.case} -->"}})
    assert stage.deliver(sent, place).what == "written"


def test_files_that_redmine_does_not_take_are_left_out(stage: Stage) -> None:
    place, sent, other = stage.made(), stage.parcel("AAAF-0001"), stage.parcel("AAAF-0002", "other")
    stage.server.set("attachment_max_size", "3")
    came = stage.deliver(sent, place)
    stage.server.set("attachment_max_size", "5120")
    assert came.files == (f"{sent.case}-dossier.html",)
    assert "dossier.pdf is left out: it is 3.1 kB, which was turned away here as too large." in came.left_out
    stage.server.set("attachment_extensions_denied", "html, har")
    came = stage.deliver(other, place)
    stage.server.set("attachment_extensions_denied", "")
    assert came.files == (f"{other.case}-dossier.pdf",)
    assert stage.files(place) == {f"{sent.case}-dossier.html": CONTENT["dossier.html"],
                                  f"{other.case}-dossier.pdf": CONTENT["dossier.pdf"]}
    assert "files of this type are not taken here" in stage.notes(place, other.case)[0]


@pytest.mark.parametrize(("who", "sentence"), [
    ("reader", "it lacks: Add notes"), ("stranger", r"\(403\)"), ("f" * 40, r"ended or was revoked \(401\)")])
def test_who_may_not_write_leaves_nothing(stage: Stage, who: str, sentence: str) -> None:
    place = stage.made()
    with pytest.raises(DeliveryFailed, match=sentence):
        stage.deliver(stage.parcel("AAAG-0001"), place, who)
    assert (stage.issue(place)["journals"], stage.files(place)) == ([], {})


def test_every_refusal_says_what_is_wrong(stage: Stage) -> None:
    place, sent = stage.made(), stage.parcel("AAAH-0001")
    assert "it lacks: Add issues" in stage.fails(sent, stage.new, "reader")
    assert "it lacks: Set notes as private" in stage.fails(sent, place, private="yes")
    assert "it lacks: Set own issues public or private" in stage.fails(sent, stage.new, private="yes")
    assert "has no tracker 'Nonsense' here; there are: Bug" in stage.fails(sent, stage.new, tracker="Nonsense")
    assert "(404)" in stage.fails(sent, "/issues/99999")
    assert "(404)" in stage.fails(sent, "/projects/nowhere")
    stage.server.set("rest_api_enabled", "0")
    assert "Enable REST web service" in stage.fails(sent, place)
    stage.server.set("rest_api_enabled", "1")
    assert (stage.issue(place)["journals"], stage.files(place)) == ([], {})


def test_files_go_to_a_public_project_only_when_that_is_said(stage: Stage) -> None:
    place = stage.made()
    with closing(sqlite3.connect(stage.server.database, timeout=60)) as base:
        with base:
            base.execute("UPDATE projects SET is_public = 1")
        alone = stage.deliver(stage.parcel("AAAN-0001"), place)
        along = stage.deliver(stage.parcel("AAAN-0002"), place, public="yes")
        hidden = stage.deliver(stage.parcel("AAAN-0003"), stage.new, "admin", private="yes")
        with base:
            base.execute("UPDATE projects SET is_public = 0")
    assert (alone.files, len(along.files), len(hidden.files)) == ((), 3, 3)
    assert "page.har is left out: the project is public, and so would the file be." in alone.left_out


def test_what_is_private_is_private(stage: Stage) -> None:
    place, note, issue = stage.made(), stage.parcel("AAAJ-0001"), stage.parcel("AAAJ-0002")
    stage.deliver(note, place, "admin", private="yes")
    again, public = stage.parcel("AAAJ-0003", note.failure), stage.parcel("AAAJ-0004", "public")
    stage.deliver(again, place, "admin", private="yes")
    stage.deliver(public, place, "admin")
    stage.deliver(stage.parcel("AAAJ-0005", "public"), place, "admin", private="yes")
    told = [(one["private_notes"], one["notes"]) for one in stage.issue(place)["journals"] if one["notes"]]
    assert [private for private, _ in told] == [True, False, True]
    assert [again.case in told[0][1], "AAAJ-0005" in told[1][1], "AAAJ-0005" in told[2][1]] == [True, False, True]
    made = urlsplit(stage.deliver(issue, stage.new, "admin", private="yes").link).path
    assert stage.issue(made)["is_private"] is True


@pytest.mark.parametrize("fault", [lost, cut, broken])
def test_whatever_breaks_off_leaves_one_note_and_one_of_each_file(stage: Stage, fault: Fault) -> None:
    place, sent = stage.made(), stage.parcel("AAAK-0001")
    stage.way.faults += [("POST", "/uploads.json", fault), ("PUT", "/issues/", fault), ("GET", "/issues/", fault)]
    assert stage.deliver(sent, place).what == "written"
    assert (stage.way.faults, len(stage.notes(place, sent.case)), stage.files(place)) == ([], 1, named(sent))


@pytest.mark.parametrize("fault", [lost, broken])
def test_an_issue_whose_answer_is_lost_is_made_once(stage: Stage, fault: Fault) -> None:
    sent = stage.parcel("AAAL-0001", fault.__name__)
    stage.way.faults.append(("POST", "/projects/", fault))
    place = urlsplit(stage.deliver(sent, stage.new).link).path
    assert stage.files(place) == named(sent)
    assert stage.deliver(sent, stage.new).what == "there already"


@pytest.mark.parametrize(("method", "path"), [("POST", "/uploads.json"), ("PUT", "/issues/")])
def test_a_key_revoked_in_between_leaves_nothing_half_done(stage: Stage, method: str, path: str) -> None:
    place, sent, before = stage.made(), stage.parcel("AAAM-0001"), stage.uploads()
    stage.way.faults.append((method, path, revoked))
    assert "revoked (401)" in stage.fails(sent, place)
    assert (stage.issue(place)["journals"], stage.files(place), stage.uploads()) == ([], {}, before)
    assert stage.deliver(sent, place).what == "written"


class Shown(HTMLParser):
    """Tags and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps it."""
        self.tags.append((tag, {name: value for name, value in attrs if value and name != "class"}))

    def handle_data(self, data: str) -> None:
        """Keeps it."""
        self.text += data


@pytest.mark.parametrize(("formatting", "setting"), [("textile", "textile"), ("markdown", "common_mark")])
def test_nothing_of_strangers_does_anything(stage: Stage, formatting: Formatting, setting: str) -> None:
    place = stage.made()
    blocks = tuple(block for attack in (*ATTACKS, f"@reporter #{place[8:]} {{{{include(x)}}}}")
                   for block in everywhere(attack))
    stage.ask("PUT", f"{place}.json", json={"issue": {"notes": redmine(blocks, formatting)}})
    stage.server.set("text_formatting", setting)
    page = stage.server.page(place)
    stage.server.set("text_formatting", "textile")
    shown = Shown(page.partition('-notes" class="wiki')[2].partition(">")[2].partition("</div>")[0])
    assert [tag for tag in shown.tags if tag[0] != "a" and (tag[0] not in ALLOWED or tag[1])] == []
    assert {attributes["href"] for tag, attributes in shown.tags if tag == "a"} == {f"{OURS}s/a_b?c=1&d=%282%29"}
    text = "".join(shown.text.replace(JOINER, "").split())
    assert not [attack for attack in ATTACKS if "".join(line(attack).split()) not in text]


@pytest.mark.parametrize(("address", "ticket", "place", "base"), [
    ("https://redmine.example/issues/12", "12", "", ""),
    ("https://redmine.example/issues/12?tab=notes#note-3", "12", "", ""),
    ("https://x.example/dev/redmine/issues/12/", "12", "", "/dev/redmine"),
    ("https://redmine.example/issues/12.json", "12", "", ""),
    ("https://redmine.example/projects/shop", None, "shop", ""),
    ("https://x.example/redmine/projects/shop-2/issues/new", None, "shop-2", "/redmine")])
def test_addresses_as_people_copy_them(address: str, ticket: str | None, place: str, base: str) -> None:
    target = parse(f"redmine+{address}")
    assert (target.ticket, target.place, target.base) == (ticket, place, base)


@pytest.mark.parametrize("address", ["https://redmine.example/", "https://redmine.example/users/1",
                                     "https://redmine.example/issues/abc", "mailto:a@redmine.example"])
def test_addresses_that_name_nothing(address: str) -> None:
    with pytest.raises(BadTarget):
        parse(f"redmine+{address}")


def test_redmine_is_never_guessed() -> None:
    with suppress(BadTarget):
        assert parse("https://redmine.example/issues/12").kind != "redmine"


@pytest.mark.parametrize("options", [{"formatting": "html"}, {"private": "maybe"}])
def test_options_that_make_no_sense(options: dict[str, str]) -> None:
    target = find("redmine+https://redmine.example/issues/1", {}, options).target
    with pytest.raises(BadTarget, match=next(iter(options))):
        Adapter(target, Credential("key"), Door(httpx.Client(trust_env=False), lambda *_: pytest.fail("no")))
