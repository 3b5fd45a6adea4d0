"""The outbox against a desk that refuses and quotes: delivered once, or one sentence, and no secret in it."""

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.web import desk
from tests.web.desk import TOKEN, Office
from tests.web.pages.made import Bundles, add
from tests.web.serving import Served
from tests.web.workers.puppets import until
from web import targets
from web.store import cases, deliveries
from web.store.deliveries import Wanted
from web.store.tables import Case, Delivery, Share
from web.workers import outbox as outboxes
from web.workers.outbox import Outbox
from web.workers.slot import Store

ROOT = Path(__file__).parents[3]


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """A desk, and the tracker that speaks to it."""
    desk.register(monkeypatch)
    with desk.opened() as found:
        yield found


@pytest.fixture
def works(service: Served, office: Office, tmp_path: Path) -> "Works":
    """A service whose targets are at the desk."""
    return Works(service.configured(targets=desk.targets_file(tmp_path / "targets.toml", office.address)))


class Works:
    """An outbox, and questions to its store."""

    def __init__(self, service: Served) -> None:
        self.service = service
        self.known = dict(targets.load(service.config))
        self.outbox = Outbox(Store(service.database, service.files, service.key), service.config, self.known)

    def ask(self, case: Case, target: str = "ops", **given: Any) -> str:
        found = self.known[target].target
        wanted = Wanted(**{"target": target, "place": targets.place(self.service.key, found), "ticket": found.ticket,
                           "base": "https://gw.example/", **given})
        with self.service.database.transaction() as db:
            return deliveries.ask(db, self.service.key, db.get_one(Case, case.id), case.owner_id, wanted, 30).id

    def row(self, delivery_id: str) -> Delivery:
        with self.service.database.reading() as db:
            return db.get_one(Delivery, delivery_id)

    def turn(self, delivery_id: str) -> Delivery:
        assert self.outbox.turn()
        return self.row(delivery_id)


def test_a_dossier_arrives_with_its_files_and_its_link(works: Works, office: Office, bundles: Bundles) -> None:
    row = works.turn(works.ask(add(works.service, bundles), days=3))
    assert (row.state, row.what, row.link, row.said) == ("delivered", "written", f"{office.address}/tickets/12", None)
    assert "https://gw.example/s/" in office.tickets["12"][0]
    assert sorted(name.partition("-dossier")[2] or name[-8:] for name in office.files) == [".html", ".pdf", "page.har"]
    assert not works.outbox.turn()
    assert list(works.service.files.tmp.iterdir()) == []


def test_the_same_failure_is_one_line_and_the_same_case_nothing(works: Works, office: Office, bundles: Bundles) -> None:
    first, second = add(works.service, bundles), add(works.service, bundles)
    works.turn(works.ask(first))
    row = works.turn(works.ask(second, again=True))
    assert (row.what, len(office.tickets["12"])) == ("there already", 1), "both were made of the same files"


def test_what_cannot_be_searched_is_remembered(works: Works, office: Office, bundles: Bundles) -> None:
    file = works.service.config.targets
    assert file is not None
    file.write_text(file.read_text().replace("desk+", "post+"))
    works = Works(works.service)
    first, second = add(works.service, bundles), add(works.service, bundles)
    assert works.turn(works.ask(first)).what == "written"
    with works.service.database.transaction() as db:  # both were made of the same files
        db.get_one(Case, first.id).number = "GW-0000-0002"
    assert works.turn(works.ask(second)).what == "seen again"
    assert "Seen again" in office.tickets["12"][1]
    assert works.turn(works.ask(second, again=True)).what == "written"


def test_what_may_work_later_waits_and_what_will_not_ends(
    works: Works, office: Office, bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outboxes, "PATIENCE_S", 0.0)
    case = add(works.service, bundles)
    delivery_id = works.ask(case, days=3)
    office.refusals.extend([(429, "slow down"), (403, "not yours")])
    row = works.turn(delivery_id)
    assert (row.state, row.attempts) == ("queued", 1)
    assert "wants fewer requests (429: slow down)" in (row.said or "")
    assert not works.outbox.turn()
    assert works.ask(case) == delivery_id
    row = works.turn(delivery_id)
    assert (row.state, row.attempts, "not yours" in (row.said or "")) == ("failed", 2, True)
    with works.service.database.reading() as db:
        assert db.query(Share).one().revoked_at is not None


def test_no_secret_is_kept_or_logged_whatever_the_desk_repeats(
    works: Works, office: Office, bundles: Bundles, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    delivery_id = works.ask(add(works.service, bundles), days=3)
    share = works.service.key.open(works.row(delivery_id).share_url or b"").decode()
    token = share.rpartition("/")[2]
    office.refusals.append((422, f"{{auth}} in {share} is odd"))
    said = works.turn(delivery_id).said or ""
    assert "is odd" in said
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("web."))
    assert "is odd" in ours
    kept = b"\n".join(path.read_bytes() for path in works.service.config.data.rglob("*") if path.is_file()
                      and path.suffix != ".toml")
    for text in (said.encode(), ours.encode(), kept):
        assert TOKEN.encode() not in text
        assert token.encode() not in text


@pytest.mark.parametrize(("text", "sentence"), [
    ("", "this service has no target named ops any more"),
    ('[ops]\nto = "desk+http://127.0.0.1:2/tickets/12"\n', "ops stands for another place now"),
    ('[ops]\nto = "desk+{address}/tickets/12"\n', "is not allowed by policy")])
def test_a_target_that_has_changed_gets_nothing(
    works: Works, office: Office, bundles: Bundles, text: str, sentence: str
) -> None:
    delivery_id = works.ask(add(works.service, bundles))
    assert works.service.config.targets is not None
    works.service.config.targets.write_text(text.replace("{address}", office.address))
    row = Works(works.service).turn(delivery_id)
    assert row.state == "failed"
    assert sentence in (row.said or "")
    assert office.tickets["12"] == []


def test_without_a_credential_it_says_where_to_put_one(
    works: Works, bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery_id = works.ask(add(works.service, bundles))
    monkeypatch.delenv("GATEWITNESS_OPS_TOKEN")
    row = works.turn(delivery_id)
    assert row.state == "failed"
    assert "put it into GATEWITNESS_OPS_TOKEN, into the service's file of credentials or into the" in (row.said or "")
    delivery_id = works.ask(add(works.service, bundles))
    monkeypatch.setenv("GATEWITNESS_OPS_TOKEN", "two\nlines")
    row = works.turn(delivery_id)
    assert (row.state, "control character" in (row.said or "")) == ("failed", True)


def test_a_case_without_its_files_fails_and_names_no_path(works: Works, bundles: Bundles) -> None:
    case = add(works.service, bundles)
    delivery_id = works.ask(case)
    works.service.files.delete(case.id)
    row = works.turn(delivery_id)
    assert (row.state, str(works.service.config.data) in (row.said or "")) == ("failed", False)


def test_a_tracker_that_breaks_ends_nobody_elses_delivery(
    works: Works, office: Office, bundles: Bundles, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError(TOKEN)

    delivery_id = works.ask(add(works.service, bundles))
    with monkeypatch.context() as patch:
        patch.setattr(desk.Desk, "comment", broken)
        row = works.turn(delivery_id)
    assert (row.state, row.said) == ("queued", "this is our failure (KeyError); the log tells more")
    assert "KeyError at " in caplog.text
    assert TOKEN not in caplog.text


def test_a_case_that_is_deleted_meanwhile_ends_as_cancelled(works: Works, office: Office, bundles: Bundles) -> None:
    case = add(works.service, bundles)
    delivery_id = works.ask(case)
    with works.service.database.transaction() as db:
        assert deliveries.claim(db)
        cases.tombstone(db, case.id, "ann", "enough")
        deliveries.expire(db)
    works.outbox.turn()
    assert (works.row(delivery_id).state, office.tickets["12"]) == ("cancelled", [])


def test_it_stops_at_once_while_it_waits_and_goes_on_after_the_next_start(
    works: Works, office: Office, bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits = threading.Event()
    wait = Outbox._sleep

    def told(outbox: Outbox, seconds: float) -> None:
        waits.set()
        wait(outbox, seconds)

    monkeypatch.setattr(Outbox, "_sleep", told)
    monkeypatch.setattr(outboxes, "PATIENCE_S", 1e6)
    office.refusals.extend([(503, "later")] * 1000)
    delivery_id = works.ask(add(works.service, bundles))
    works.outbox.start()
    assert waits.wait(desk.PATIENCE_S)
    works.outbox.stop()
    works.outbox.join(desk.PATIENCE_S)
    assert not works.outbox.is_alive()
    assert (works.row(delivery_id).state, works.row(delivery_id).attempts) == ("queued", 0)
    office.refusals.clear()
    second = Works(works.service)
    second.outbox.start()
    until(lambda: second.row(delivery_id).state == "delivered", "the delivery")
    second.outbox.stop()
    assert len(office.tickets["12"]) == 1


@contextmanager
def elsewhere(works: Works) -> Iterator[None]:
    """An outbox in another process; killed at the end."""
    config = works.service.config
    command = [sys.executable, "-m", "tests.web.workers.outboxed", str(config.data), str(config.targets)]
    with subprocess.Popen(command, cwd=ROOT) as process:
        try:
            yield
        finally:
            process.kill()


def test_a_service_that_is_killed_in_the_middle_delivers_once(works: Works, office: Office, bundles: Bundles) -> None:
    """Before it has written anything, in the middle of the files, and when the text is there and nobody knows."""
    delivery_id = works.ask(add(works.service, bundles), days=3)
    for method in ("GET", "PUT", "POST"):
        office.hold_at = method
        office.held.clear()
        with elsewhere(works):
            until(office.held.is_set, f"the {method}")
        assert works.row(delivery_id).state == "sending"
    office.hold_at = ""
    with elsewhere(works):
        until(lambda: works.row(delivery_id).state == "delivered", "the delivery")
    row = works.row(delivery_id)
    assert (row.what, row.attempts, row.share_url) == ("there already", 4, None)
    assert (len(office.tickets["12"]), len(office.files)) == (1, 3)
    with works.service.database.reading() as db:
        assert db.query(Share).one().revoked_at is None, "the message has it"


def test_a_failure_of_our_own_outside_of_a_delivery_does_not_end_it(
    works: Works, office: Office, bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError("the disk is full"), OSError("the disk is full")]
    discard = works.service.files.discard

    def fails_twice(name: str, fence: int) -> None:
        if failures:
            raise failures.pop()
        discard(name, fence)

    monkeypatch.setattr(outboxes, "PAUSE_S", 0.01)
    monkeypatch.setattr(works.service.files, "discard", fails_twice)
    monkeypatch.setattr(deliveries, "LEASE_S", 0.0)
    delivery_id = works.ask(add(works.service, bundles))
    works.outbox.start()
    until(lambda: works.row(delivery_id).state == "delivered", "the delivery")
    works.outbox.stop()
    assert len(office.tickets["12"]) == 1
