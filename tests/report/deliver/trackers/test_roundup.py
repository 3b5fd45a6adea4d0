"""Roundup, a real one: what is delivered is there once and as it was sent, and nothing of strangers is a link."""

from collections.abc import Iterator
from dataclasses import replace
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
from report.deliver.trackers.roundup import Roundup as Adapter
from report.markup.blocks import Paragraph, Text
from report.markup.parted import JOINER
from tests.report.deliver.scenes import CONTENT, Patience, parcel
from tests.servers.roundup import Roundup
from tests.servers.roundup import roundup as running
from tests.servers.way import Fault, Way, broken, cut, lost

SHARE = "https://gw.example/s/abc"


class Stage:
    """The server, and deliveries to it."""

    def __init__(self, server: Roundup, way: Way, directory: Path) -> None:
        self.server, self.way, self.directory = server, way, directory
        self.client = httpx.Client(transport=way, timeout=150)

    def parcel(self, case: str, failure: str = "") -> Parcel:
        """CASE as in GW-CASE; its failure is its own unless told."""
        return parcel(self.directory, f"GW-{case}", failure or f"f{case.lower()}")

    def deliver(self, sent: Parcel, place: str, who: str = "reporter") -> Delivered:
        patience = Patience()
        door = Door(self.client, lambda *_: pytest.fail("no socket"), sleep=patience.sleep, clock=patience.clock)
        target = find(f"roundup+{self.server.url}{place}", {}, {}).target
        return deliver(Adapter(target, Credential(self.server.passwords[who], who), door), sent, SHARE)

    def ask(self, method: str, path: str, who: str = "admin", **more: Any) -> Any:
        headers = {"X-Requested-With": "rest", "Origin": self.server.url.removesuffix("/bugs"),
                   "Accept": "application/json", **more.pop("headers", {})}
        return httpx.request(method, self.server.url + path, auth=(who, self.server.passwords[who]), timeout=150,
                             headers=headers, trust_env=False, **more).raise_for_status()

    def made(self) -> str:
        """A new issue, for one test."""
        made = self.ask("POST", "/rest/data/issue", json={"title": "Checkout is down"}).json()
        return f"/issue{made['data']['id']}"

    def issue(self, place: str) -> dict[str, Any]:
        number = urlsplit(place).path.rpartition("issue")[2]
        query = {"@verbose": "1", "@fields": "title,messages,files"}
        return dict(self.ask("GET", f"/rest/data/issue/{number}", params=query).json()["data"]["attributes"])

    def texts(self, place: str) -> list[str]:
        """Of its messages."""
        return [self.ask("GET", f"/msg{message['id']}/").text for message in self.issue(place)["messages"]]

    def files(self, place: str) -> list[tuple[str, bytes]]:
        """Downloaded again."""
        names = [(file["id"], self.ask("GET", f"/rest/data/file/{file['id']}").json()["data"]["attributes"]["name"])
                 for file in self.issue(place)["files"]]
        return sorted((name, self.ask("GET", f"/file{number}/{name}").content) for number, name in names)


@pytest.fixture(scope="module")
def server() -> Iterator[Roundup]:
    with running() as found:
        yield found


@pytest.fixture
def stage(server: Roundup, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(server, Way(), tmp_path)
    with made.client:
        yield made


def named(sent: Parcel) -> list[tuple[str, bytes]]:
    return sorted((f"{sent.case}-{name}", content) for name, content in CONTENT.items())


def test_an_issue_gets_one_message_and_every_file_byte_for_byte(stage: Stage) -> None:
    place, sent = stage.made(), stage.parcel("AAAA-0001")
    came = stage.deliver(sent, place)
    assert came.what == "written"
    assert came.link.startswith(f"{stage.server.url}{place}#msg")
    assert stage.deliver(sent, place).what == "there already"
    other = stage.parcel("AAAA-0002", sent.failure)
    assert stage.deliver(other, place).what == "seen again"
    assert stage.deliver(other, place).what == "there already"
    assert stage.files(place) == named(sent)
    first, second = stage.texts(place)
    assert (sent.case in first, "Seen again" in second, other.case in second) == (True, True, True)
    assert "gatewitness:" not in first + second


def test_a_class_gets_one_issue_for_one_failure(stage: Stage) -> None:
    sent = stage.parcel("AAAB-0001")
    came = stage.deliver(sent, "/issue?@template=item")
    place = urlsplit(came.link).path.removeprefix("/bugs")
    assert (came.what, stage.issue(place)["title"], stage.files(place)) == ("created", sent.title, named(sent))
    assert stage.deliver(stage.parcel("AAAB-0002", sent.failure), "/issue").what == "seen again"
    assert len(stage.texts(place)) == 2
    etag = stage.ask("GET", f"/rest/data{place.replace('issue', 'issue/')}").headers["ETag"]
    stage.ask("PUT", f"/rest/data{place.replace('issue', 'issue/')}/status", json={"data": "resolved"},
              headers={"If-Match": etag})
    assert stage.deliver(stage.parcel("AAAB-0003", sent.failure), "/issue").what == "created"


def test_a_mark_that_somebody_else_wrote_is_none(stage: Stage) -> None:
    place, sent = stage.made(), stage.parcel("AAAC-0001")
    mark = f"gatewitness:{sent.failure}:{sent.case}"
    fields = {"content": "Mine.", "author": "reporter", "date": ".", "messageid": mark}
    message = stage.ask("POST", "/rest/data/msg", json=fields).json()["data"]["id"]
    path = f"/rest/data/issue/{place.removeprefix('/issue')}"
    etag = stage.ask("GET", path).headers["ETag"]
    stage.ask("PATCH", path, json={"@op": "add", "messages": [message]}, headers={"If-Match": etag})
    assert stage.deliver(sent, place).what == "written"


@pytest.mark.parametrize("fault", [lost, cut, broken])
def test_whatever_breaks_off_leaves_one_message_and_one_of_each_file(stage: Stage, fault: Fault) -> None:
    place, sent = stage.made(), stage.parcel("AAAD-0001", fault.__name__)
    sent = replace(sent, case=f"GW-{fault.__name__.upper():X<4.4}-0001")
    stage.way.faults += [("POST", "/bugs/rest/data/file", fault), ("POST", "/bugs/rest/data/msg", fault),
                         ("PATCH", "/bugs/rest/data/issue", fault)]
    assert stage.deliver(sent, place).what == "written"
    assert (stage.way.faults, len(stage.texts(place)), stage.files(place)) == ([], 1, named(sent))


def test_an_issue_that_somebody_else_changes_is_looked_at_again(stage: Stage) -> None:
    place, sent = stage.made(), stage.parcel("AAAE-0001")

    def meanwhile(inner: httpx.BaseTransport, request: httpx.Request) -> httpx.Response:
        path = f"/rest/data/issue/{place.removeprefix('/issue')}"
        stage.ask("PUT", f"{path}/title", json={"data": "Another"}, headers={
            "If-Match": stage.ask("GET", path).headers["ETag"]})
        return inner.handle_request(request)

    stage.way.faults.append(("PATCH", "/bugs/rest/data/issue", meanwhile))
    assert stage.deliver(sent, place).what == "written"
    assert (stage.issue(place)["title"], len(stage.texts(place))) == ("Another", 1)


@pytest.mark.parametrize(("place", "who", "sentence"), [
    ("/issue1", "stranger", r"does not allow this.*\(403"), ("/issue99999", "reporter", "no such issue 99999"),
    ("/task?@template=item", "reporter", "Class task not found")])
def test_every_refusal_is_one_sentence(stage: Stage, place: str, who: str, sentence: str) -> None:
    with pytest.raises(DeliveryFailed, match=sentence) as failed:
        stage.deliver(stage.parcel("AAAF-0001"), place, who)
    assert stage.server.passwords[who] not in str(failed.value)


class Links(HTMLParser):
    """Where the message of a page leads, and what it says."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str | None] = set()
        self.text = ""
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps addresses."""
        self.inside = self.inside or tag == "pre"
        if self.inside and tag == "a":
            self.found.add(dict(attrs).get("href"))

    def handle_endtag(self, tag: str) -> None:
        """A message ends."""
        self.inside = self.inside and tag != "pre"

    def handle_data(self, data: str) -> None:
        """Keeps it."""
        self.text += data if self.inside else ""


def test_nothing_of_strangers_is_a_link(stage: Stage) -> None:
    place, sent = stage.made(), stage.parcel("AAAG-0001")
    number = place.removeprefix("/issue")
    attacks = [f"issue {number}", f"issue{number}", "user1", "USER 1", "msg1", "file1", "https://evil.example/x",
               "www.evil.example", "a@evil.example", "mailto:a@evil.example", "<a href='https://evil.example'>x</a>"]
    stage.deliver(replace(sent, blocks=tuple(Paragraph((Text(attack),)) for attack in attacks)), place)
    shown = Links(stage.ask("GET", place, headers={"Accept": "text/html"}).text)
    assert shown.found == {SHARE}
    assert not [attack for attack in attacks if attack not in shown.text.replace(JOINER, "")]


@pytest.mark.parametrize(("address", "place", "ticket", "base"), [
    ("https://x.example/bugs/issue12", "issue", "12", "/bugs"),
    ("https://x.example/bugs/issue12?@ok_message=msg%2012#msg3", "issue", "12", "/bugs"),
    ("https://x.example/issue12/", "issue", "12", ""), ("https://x.example/bugs/issue", "issue", None, "/bugs"),
    ("https://x.example/bugs/issue?@template=item", "issue", None, "/bugs"),
    ("https://x.example/bugs/task?@template=item", "task", None, "/bugs"),
    ("https://x.example/a/b/task7", "task", "7", "/a/b")])
def test_addresses_as_people_copy_them(address: str, place: str, ticket: str | None, base: str) -> None:
    target = parse(f"roundup+{address}")
    assert (target.place, target.ticket, target.base) == (place, ticket, base)


@pytest.mark.parametrize("address", ["https://x.example/", "https://x.example/bugs", "https://x.example/bugs/issue0"])
def test_addresses_that_name_nothing(address: str) -> None:
    with pytest.raises(BadTarget):
        parse(f"roundup+{address}")
