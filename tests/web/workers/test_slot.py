"""What becomes of a job, by what its worker says and does."""

import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from capture.pipeline import GRACE_S
from capture.record.request import Limits, StepRecord
from tests.web.store.made import Store as Made
from tests.web.store.made import fill
from tests.web.workers.puppets import (
    BEGAN,
    DONE,
    GONE,
    READY,
    Line,
    Puppet,
    Stage,
    captured,
    doubted,
    says,
    until,
)
from web.store import events, jobs
from web.store.files import Folder
from web.store.submit import Upload
from web.store.tables import Case, Job
from web.workers import slot as slots
from web.workers.protocol import Order, Told
from web.workers.runner import Runner
from web.workers.slot import DOSSIER_S, Store

GOOD = (READY, BEGAN, captured, DONE)


@dataclass
class Working:
    """A runner with one slot and puppets for workers, on a store."""

    made: Made
    stage: Stage
    runner: Runner

    def case(self, case_id: str) -> Case:
        with self.made.database.reading() as db:
            return db.get_one(Case, case_id)

    def job(self, case_id: str) -> Job:
        with self.made.database.reading() as db:
            return db.get_one(Job, case_id)

    def wait(self, case_id: str) -> Case:
        """The case when it has ended and nothing of it is worked on any more."""
        until(lambda: self.job(case_id).state == "ended" and not any(slot.attempt for slot in self.runner._slots),
              "the end of the job")
        return self.case(case_id)

    def told(self, case_id: str) -> list[tuple[str, str | None]]:
        """States and other progress, in order."""
        with self.made.database.reading() as db:
            return [(line.kind, line.data.get("state") or line.data.get("name")) for line in events.since(db, case_id)]

    def leftovers(self) -> list[Path]:
        return [*self.made.files.tmp.iterdir(), *self.made.files.uploads.iterdir()]


Start = Callable[..., Working]


@pytest.fixture
def start(store: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts a runner with these puppets for workers; nobody waits for a second attempt."""
    monkeypatch.setattr(jobs, "BACKOFF_S", (0.0, 0.0))
    monkeypatch.setattr(slots, "PAUSE_S", (0.01,))
    started: list[Runner] = []

    def with_puppets(*puppets: Puppet) -> Working:
        stage = Stage(*puppets)
        runner = Runner(Store(store.database, store.files, store.key), stage.as_pool(), 1)
        started.append(runner)
        runner.start()
        return Working(store, stage, runner)

    yield with_puppets
    for runner in started:
        runner.stop(0.0)


def test_what_a_worker_made_is_published(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner, note="new firewall").id
    step = StepRecord(name="dns", status="done", started_ms=1.0, duration_ms=2.0)
    puppet = Puppet(READY, BEGAN, Told(kind="step", step=step), says("picture"), captured, DONE)
    work = start(puppet)
    case = work.wait(case_id)
    assert (case.state, case.reason, case.status, case.generator) == ("done", None, 502, "nginx")
    assert store.files.path(case_id, "evidence.json").is_file()
    assert work.told(case_id) == [("state", "queued"), ("state", "running"), ("step", "dns"), ("picture", None),
                                  ("state", "done")]
    assert work.leftovers() == []
    assert [(order.kind, order.request.note) for order in puppet.orders] == [("capture", "new firewall")]
    assert puppet.ended.is_set()


def test_the_time_of_a_worker_is_bounded(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner, timeout_s=17.0).id
    puppet = Puppet(*GOOD)
    start(puppet).wait(case_id)
    assert max(puppet.waited_s[1:]) == pytest.approx(17.0 + GRACE_S + DOSSIER_S, abs=5.0)
    assert Limits().pdf_s < DOSSIER_S


def test_a_worker_that_never_ends_is_killed_and_another_tries(store: Made, owner: str, start: Start,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "DOSSIER_S", -GRACE_S - 90.0)
    case_id = store.submit(owner, timeout_s=90.0).id
    puppets = [Puppet(READY, BEGAN) for _ in range(3)]
    case = start(*puppets).wait(case_id)
    assert case.state == "failed"
    assert "3 times in a row: the worker did not come to an end and was killed" in (case.reason or "")
    assert [len(puppet.orders) for puppet in puppets] == [1, 1, 1]
    assert all(puppet.ended.is_set() for puppet in puppets)


def test_a_worker_that_dies_is_our_fault_and_tried_again(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    work = start(Puppet(READY, BEGAN, GONE), Puppet(READY, BEGAN, says("fault", "the disk is full")), Puppet(*GOOD))
    assert work.wait(case_id).state == "done"
    job = work.job(case_id)
    assert (job.attempts, job.error) == (3, "the disk is full")
    assert work.leftovers() == []


def test_what_fails_three_times_is_given_up_and_leaves_nothing(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    pairs = [(Puppet(READY, BEGAN, captured, says("fault", "no")), Puppet(READY, BEGAN, says("fault", "no")))
             for _ in range(3)]
    work = start(*(puppet for pair in pairs for puppet in pair))
    case = work.wait(case_id)
    assert (case.state, case.reason) == ("failed", "this is our failure, not the site's, 3 times in a row: no")
    assert not store.files.is_published(case_id)
    assert work.leftovers() == []


def test_when_a_worker_dies_after_the_capture_only_the_dossier_is_made_again(store: Made, owner: str, start: Start
                                                                            ) -> None:
    case_id = store.submit(owner).id
    first, second = Puppet(READY, BEGAN, captured, GONE), Puppet(READY, BEGAN, says("captured"), DONE)
    work = start(first, second)
    assert work.wait(case_id).state == "done"
    assert work.job(case_id).attempts == 1
    assert [order.kind for order in (*first.orders, *second.orders)] == ["capture", "dossier"]
    assert second.orders[0].staging == first.orders[0].staging


def test_a_worker_that_died_while_it_waited_costs_no_attempt(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    first, second = Puppet(READY, GONE), Puppet(*GOOD)
    work = start(first, second)
    assert work.wait(case_id).state == "done"
    assert work.job(case_id).attempts == 1
    assert second.orders[0].kind == "capture"


def test_a_worker_that_ends_before_there_is_work_is_replaced(store: Made, owner: str, start: Start) -> None:
    first, second = Puppet(READY), Puppet(*GOOD)
    work = start(first, second)
    until(lambda: not first.lines, "the first worker to be ready")
    first.ended.set()
    case_id = store.submit(owner).id
    assert work.wait(case_id).state == "done"
    assert first.orders == []


def test_a_capture_whose_browser_died_is_tried_again(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    work = start(Puppet(READY, BEGAN, doubted, DONE), Puppet(*GOOD))
    assert work.wait(case_id).state == "done"
    assert work.job(case_id).error == "the browser ended in the middle of the capture"


UNSEEN = StepRecord(name="page", status="failed", reason="the browser is gone")


@pytest.mark.parametrize("last", [Told(kind="step", step=UNSEEN), doubted], ids=["step", "captured"])
def test_no_time_is_spent_on_what_will_be_made_anew(last: Line, store: Made, owner: str, start: Start) -> None:
    """These workers say nothing more, as one that makes a dossier, or that waits for a site that never answers."""
    case_id = store.submit(owner).id
    work = start(*(Puppet(READY, BEGAN, last) for _ in range(2)), Puppet(READY, BEGAN, doubted, DONE))
    assert work.wait(case_id).state == "done", "the last attempt is for whoever asked"
    assert work.job(case_id).attempts == 3
    assert work.leftovers() == []


def test_a_job_that_kills_its_workers_is_given_up_and_keeps_nobody_waiting(store: Made, owner: str, start: Start
                                                                           ) -> None:
    def by_url(order: Order) -> Told:
        if "poison" in order.request.url:
            raise GONE
        return captured(order)

    poison = [store.submit(owner, url=f"https://poison.example/{number}").id for number in range(3)]
    good = [store.submit(owner).id for _ in range(3)]
    work = start(*(Puppet(READY, BEGAN, by_url, DONE) for _ in range(3 * 3 + 3)))
    assert [work.wait(case_id).state for case_id in good] == ["done"] * 3
    for case in map(work.wait, poison):
        assert case.state == "failed"
        assert case.reason == ("this is our failure, not the site's, 3 times in a row: "
                               "the worker ended in the middle of its work")
    assert {work.job(case_id).attempts for case_id in poison} == {3}
    assert work.leftovers() == []


def test_a_page_that_ends_every_browser_is_a_case_in_the_end(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    work = start(*(Puppet(READY, BEGAN, doubted, DONE) for _ in range(3)))
    assert work.wait(case_id).state == "done"
    assert work.job(case_id).attempts == 3
    assert store.files.is_published(case_id)


@pytest.mark.parametrize(("kind", "state"), [("refused", "refused"), ("bad", "failed")])
def test_what_makes_no_sense_or_is_not_allowed_is_not_tried_again(kind: str, state: str, store: Made, owner: str,
                                                                  start: Start) -> None:
    case_id = store.submit(owner).id
    work = start(Puppet(READY, BEGAN, Told.model_validate({"kind": kind, "reason": "because"})))
    case = work.wait(case_id)
    assert (case.state, case.reason) == (state, "because")
    assert work.job(case_id).attempts == 1
    assert work.leftovers() == []


def test_what_is_no_case_is_not_published(store: Made, owner: str, start: Start) -> None:
    def half(order: Order) -> Told:
        (order.staging / "evidence.json").write_text("{}")
        return says("captured")

    case_id = store.submit(owner).id
    work = start(*(Puppet(READY, BEGAN, half, DONE) for _ in range(3)))
    case = work.wait(case_id)
    assert case.state == "failed"
    assert "is not a bundle" in (case.reason or "")
    assert not store.files.is_published(case_id)


def test_a_disk_that_takes_nothing_is_our_fault(store: Made, owner: str, start: Start, monkeypatch: pytest.MonkeyPatch
                                                ) -> None:
    def full(self: Folder, case_id: str, fence: int) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Folder, "staging", full)
    case_id = store.submit(owner).id
    case = start().wait(case_id)
    assert case.state == "failed"
    assert "No space left on device" in (case.reason or "")


def test_a_case_that_is_there_already_is_adopted_and_not_made_again(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    fill(store.files.staging(case_id, 7))
    store.files.publish(case_id, 7)
    puppet = Puppet(READY)
    assert start(puppet).wait(case_id).state == "done"
    assert puppet.orders == []


def test_uploads_reach_the_worker_and_are_erased_at_the_end(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner, source="import", url="", uploads=(Upload(name="a.har", data=b"one"),
                                                                     Upload(name="b.png", data=b"two"))).id
    seen: list[tuple[str, bytes]] = []

    def read(order: Order) -> Told:
        seen.extend((name, path.read_bytes()) for name, path in order.uploads)
        return captured(order)

    work = start(Puppet(READY, BEGAN, read, DONE))
    assert work.wait(case_id).state == "done"
    assert seen == [("a.har", b"one"), ("b.png", b"two")]
    assert work.leftovers() == []


def test_uploads_are_kept_for_a_second_attempt_and_erased_after_the_last(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner, source="import", url="", uploads=(Upload(name="a.har", data=b"one"),)).id
    seen = []

    def read(order: Order) -> Told:
        seen.append(order.uploads[0][1].read_bytes())
        return says("fault", "no")

    work = start(*(Puppet(READY, BEGAN, read) for _ in range(3)))
    assert work.wait(case_id).state == "failed"
    assert seen == [b"one"] * 3
    assert work.leftovers() == []


def test_a_request_that_cannot_be_opened_is_our_fault(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    with store.database.transaction() as db:
        db.get_one(Job, case_id).payload = b"sealed with another key"
    case = start().wait(case_id)
    assert case.state == "failed"
    assert "cannot be opened" in (case.reason or "")


def test_progress_that_cannot_be_noted_costs_nothing_else(store: Made, owner: str, start: Start,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    append = events.append

    def locked(db: object, case_id: str, kind: str, data: dict[str, object]) -> object:
        if kind == "picture":
            raise OperationalError("INSERT", {}, Exception("database is locked"))
        return append(db, case_id, kind, data)  # type: ignore[arg-type]

    monkeypatch.setattr(events, "append", locked)
    case_id = store.submit(owner).id
    assert start(Puppet(READY, BEGAN, says("picture"), captured, DONE)).wait(case_id).state == "done"


def test_a_failure_of_our_own_in_between_ends_no_slot(store: Made, owner: str, start: Start,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    claim, calls = jobs.claim, []

    def broken(db: object, name: str) -> object:
        calls.append(name)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return claim(db, name)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "claim", broken)
    case_id = store.submit(owner).id
    assert start(Puppet(*GOOD), Puppet(*GOOD)).wait(case_id).state == "done"


def test_while_no_worker_comes_up_a_job_waits_and_is_told_why_in_the_end(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    work = start(*(Puppet(says("fault", "no browser was found")) for _ in range(9)))
    case = work.wait(case_id)
    assert case.state == "failed"
    assert "no browser was found" in (case.reason or "")
    assert work.job(case_id).attempts == 3


def test_a_worker_or_two_that_do_not_come_up_cost_no_attempt(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner).id
    work = start(Puppet(GONE), Puppet(says("fault", "out of memory")), Puppet(*GOOD))
    assert work.wait(case_id).state == "done"
    assert work.job(case_id).attempts == 1


def test_the_next_worker_starts_while_the_dossier_is_made(store: Made, owner: str, start: Start) -> None:
    store.submit(owner)
    work = start(Puppet(READY, BEGAN, captured))
    until(lambda: len(work.stage.all) == 2, "the start of the second worker")
    assert not work.stage.all[0].ended.is_set()


def test_whoever_has_lost_a_case_leaves_its_uploads_to_the_next(store: Made, owner: str, start: Start) -> None:
    case_id = store.submit(owner, source="import", url="", uploads=(Upload(name="a.har", data=b"one"),)).id
    lost = threading.Event()

    def taken_over(_: Order) -> Told:
        with store.database.transaction() as db:
            db.get_one(Job, case_id).fence += 1
        lost.set()
        return says("bad", "because")

    work = start(Puppet(READY, BEGAN, taken_over))
    until(lambda: lost.is_set() and not any(slot.attempt for slot in work.runner._slots), "the end of the attempt")
    assert store.files.upload(case_id, 0).read_bytes() == b"one"
