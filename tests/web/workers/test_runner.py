"""Leases, cancellations, chores, the start after a crash and the stop."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from tests.web.store.made import Store as Made
from tests.web.store.made import fill
from tests.web.workers.puppets import BEGAN, DONE, PATIENCE_S, READY, Puppet, Stage, captured, says, until
from web.store import events, jobs
from web.store.database import now
from web.store.tables import Case, Job
from web.workers import runner as runners
from web.workers import slot as slots
from web.workers.runner import Chore, Runner
from web.workers.slot import Store


class Works:
    """A runner, and questions to its store."""

    def __init__(self, made: Made, *puppets: Puppet, workers: int = 1, chores: tuple[Chore, ...] = ()) -> None:
        self.made = made
        self.stage = Stage(*puppets)
        self.runner = Runner(Store(made.database, made.files, made.key), self.stage.as_pool(), workers, chores)

    def job(self, case_id: str) -> Job:
        with self.made.database.reading() as db:
            return db.get_one(Job, case_id)

    def state(self, case_id: str) -> str:
        with self.made.database.reading() as db:
            return db.get_one(Case, case_id).state

    def until_state(self, case_id: str, *states: str) -> None:
        until(lambda: self.state(case_id) in states, f"the state {states}")

    def ends(self, case_id: str) -> int:
        with self.made.database.reading() as db:
            return sum(line.data.get("state") in jobs.TERMINAL for line in events.since(db, case_id))


@pytest.fixture
def running(store: Made, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Works]]:
    """Runners that are put here are stopped at the end; they look often."""
    monkeypatch.setattr(jobs, "BACKOFF_S", (0.0, 0.0))
    monkeypatch.setattr(jobs, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(runners, "LOOK_S", 0.02)
    works: list[Works] = []
    yield works
    for work in works:
        work.runner.stop(0.0)
        assert not work.runner.is_alive()


def began(store: Made, owner: str, running: list[Works], *more: Puppet) -> tuple[Works, Puppet, str]:
    """A runner whose first puppet has a job and says nothing more."""
    case_id = store.submit(owner).id
    puppet = Puppet(READY, BEGAN)
    work = Works(store, puppet, *more)
    running.append(work)
    work.runner.start()
    until(lambda: puppet.orders and puppet.silent.is_set(), "the begin of the job")
    return work, puppet, case_id


def test_a_lease_is_kept_while_a_worker_says_nothing(store: Made, owner: str, running: list[Works],
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    work, puppet, case_id = began(store, owner, running)
    before = work.job(case_id).lease_until
    assert before is not None
    until(lambda: (work.job(case_id).lease_until or before) > before, "the prolonging of the lease")
    assert not puppet.ended.is_set()


def test_who_lost_the_lease_publishes_nothing(store: Made, owner: str, running: list[Works]) -> None:
    work, puppet, case_id = began(store, owner, running)
    fill(puppet.orders[0].staging / "half")
    with store.database.transaction() as db:
        job = db.get_one(Job, case_id)
        job.fence, job.owner, job.lease_until = job.fence + 1, "somebody else", now(db) + timedelta(hours=1)
    assert puppet.ended.wait(PATIENCE_S)
    until(lambda: not list(store.files.tmp.iterdir()), "the removal of what was staged")
    assert work.state(case_id) == "running"
    assert work.job(case_id).owner == "somebody else"
    assert not store.files.is_published(case_id)


def test_a_cancelled_capture_is_stopped_and_leaves_nothing(store: Made, owner: str, running: list[Works],
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "HEARTBEAT_S", 3600.0)  # it is heard of between two beats
    work, puppet, case_id = began(store, owner, running)
    with store.database.transaction() as db:
        assert jobs.ask_cancel(db, case_id) == "asked"
    work.until_state(case_id, "cancelled")
    assert puppet.ended.is_set()
    assert list(store.files.tmp.iterdir()) == []
    assert work.ends(case_id) == 1


def test_a_database_that_is_busy_for_a_while_costs_no_lease(store: Made, owner: str, running: list[Works],
                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    beat, refused = jobs.heartbeat, threading.Event()

    def busy(*arguments: object) -> object:
        if not refused.is_set():
            refused.set()
            raise OperationalError("UPDATE", {}, Exception("database is locked"))
        return beat(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(jobs, "heartbeat", busy)
    work, puppet, case_id = began(store, owner, running)
    assert refused.wait(PATIENCE_S)
    before = work.job(case_id).lease_until
    assert before is not None
    until(lambda: (work.job(case_id).lease_until or before) > before, "the prolonging of the lease")
    assert not puppet.ended.is_set()


def test_a_start_takes_back_at_once_what_a_killed_runner_had(store: Made, owner: str, running: list[Works],
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BACKOFF_S", (3600.0, 3600.0))
    case_id = store.submit(owner).id
    with store.database.transaction() as db:
        job = jobs.claim(db, "a runner that was killed")
    assert job is not None
    left = store.files.staging(case_id, job.fence)
    (left / "half").write_text("of a bundle")
    work = Works(store, Puppet(READY, BEGAN, captured, DONE))
    running.append(work)
    work.runner.start()
    assert not left.exists()
    work.until_state(case_id, "done")
    assert work.job(case_id).attempts == 2


def test_a_start_adopts_what_was_published_before_the_row_could_say_so(store: Made, owner: str, running: list[Works]
                                                                      ) -> None:
    case_id = store.submit(owner).id
    with store.database.transaction() as db:
        job = jobs.claim(db, "a runner that was killed")
    assert job is not None
    fill(store.files.staging(case_id, job.fence))
    store.files.publish(case_id, job.fence)
    work = Works(store)
    running.append(work)
    work.runner.start()
    work.until_state(case_id, "done")
    assert (work.job(case_id).attempts, work.ends(case_id)) == (1, 1)


def test_several_work_side_by_side_and_each_job_ends_once(store: Made, owner: str, running: list[Works]) -> None:
    ids = [store.submit(owner).id for _ in range(12)]
    work = Works(store, *(Puppet(READY, BEGAN, captured, DONE) for _ in range(30)), workers=4)
    running.append(work)
    work.runner.start()
    for case_id in ids:
        work.until_state(case_id, "done")
    assert [work.ends(case_id) for case_id in ids] == [1] * 12
    assert {path.name for path in store.files.cases.iterdir()} == set(ids)


def test_a_stop_waits_for_what_is_worked_on_and_begins_nothing(store: Made, owner: str) -> None:
    first, second = store.submit(owner).id, store.submit(owner).id
    go_on = threading.Event()

    def slowly(order: object) -> object:
        assert go_on.wait(PATIENCE_S)
        return captured(order)  # type: ignore[arg-type]

    puppet = Puppet(READY, BEGAN, slowly, DONE)  # type: ignore[arg-type]
    work = Works(store, puppet)
    work.runner.start()
    until(lambda: puppet.orders, "the begin of the job")
    stopping = threading.Thread(target=work.runner.stop, args=(PATIENCE_S,))
    stopping.start()
    until(lambda: not work.runner.is_alive(), "the stop to begin")
    go_on.set()
    stopping.join(PATIENCE_S)
    assert not stopping.is_alive()
    assert sorted(map(work.state, (first, second))) == ["done", "queued"]
    assert work.stage.closed


def test_what_does_not_end_in_time_is_given_back_without_blame(store: Made, owner: str, running: list[Works]) -> None:
    work, puppet, case_id = began(store, owner, running)
    work.runner.stop(0.0)
    job = work.job(case_id)
    assert (job.state, job.attempts, work.state(case_id)) == ("queued", 0, "queued")
    assert puppet.ended.is_set()
    assert list(store.files.tmp.iterdir()) == []


def test_who_is_in_a_hurry_does_not_wait(store: Made, owner: str, running: list[Works]) -> None:
    work, _, case_id = began(store, owner, running)
    stopping = threading.Thread(target=work.runner.stop, args=(3600.0,))
    stopping.start()
    work.runner.hurry()
    stopping.join(PATIENCE_S)
    assert not stopping.is_alive()
    assert work.state(case_id) == "queued"


def test_a_runner_for_whom_no_worker_comes_up_says_so(store: Made, running: list[Works],
                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots, "PAUSE_S", (0.01, 0.01, 3600.0))
    work = Works(store, *(Puppet(says("fault", "no browser was found")) for _ in range(3)))
    running.append(work)
    work.runner.start()
    until(lambda: work.runner.trouble() == "No worker comes up; the log says why", "the word")


def test_chores_are_done_again_and_again_whatever_goes_wrong(store: Made, running: list[Works]) -> None:
    done: list[int] = []

    def chore() -> None:
        done.append(1)
        raise OSError("once more")

    work = Works(store, chores=(Chore("a test", 0.01, chore),))
    running.append(work)
    work.runner.start()
    until(lambda: len(done) >= 3, "the chore")
    assert work.runner.is_alive()


def test_what_is_seldom_to_be_done_is_done_soon_after_the_start(store: Made, running: list[Works],
                                                                monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "FIRST_S", 0.01)
    done = threading.Event()
    work = Works(store, chores=(Chore("a test", 1e6, done.set),))
    running.append(work)
    work.runner.start()
    assert done.wait(PATIENCE_S)


def test_leases_that_run_out_are_taken_back_while_it_works(store: Made, owner: str, running: list[Works],
                                                           monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runners, "REAP_S", 0.02)
    ready = threading.Event()
    work = Works(store, Puppet(READY, BEGAN, captured, DONE, gate=ready))
    running.append(work)
    work.runner.start()
    case_id = store.submit(owner).id
    with store.database.transaction() as db:  # as a slot leaves it that came upon a bug of ours
        assert jobs.claim(db, "a slot") is not None
        db.get_one(Job, case_id).lease_until = now(db) - timedelta(seconds=1)
    ready.set()
    work.until_state(case_id, "done")
    assert work.job(case_id).attempts == 2


def test_all_of_the_leases_end_and_no_other_job_is_touched(store: Made, owner: str) -> None:
    leased, queued = store.submit(owner).id, store.submit(owner).id
    with store.database.transaction() as db:
        first = jobs.claim(db, "w")
        assert first is not None
        leased, queued = (leased, queued) if first.case_id == leased else (queued, leased)
        jobs.expire(db)
    with store.database.reading() as db:
        assert jobs.late(db) == [(leased, first.fence)]
        assert db.scalar(select(Job.state).where(Job.case_id == queued)) == "queued"


def test_only_what_is_worked_on_is_to_be_cancelled(store: Made, owner: str) -> None:
    case_id = store.submit(owner).id
    with store.database.transaction() as db:
        job = jobs.claim(db, "w")
        assert job is not None
        assert jobs.cancelling(db) == set()
        jobs.ask_cancel(db, case_id)
        assert jobs.cancelling(db) == {(case_id, job.fence)}
        jobs.finish(db, case_id, job.fence, "cancelled")
        assert jobs.cancelling(db) == set()
