"""Leases in any order of events, against a model. In: workers that come, go, stick and die. Out: what must always hold.

One valid fence a job, an end is final and told once, no more attempts than allowed, whoever waited longest is next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, event, select

from tests.web.store.clock import Clock
from tests.web.store.made import Store, add_user
from web.store import ids, jobs
from web.store.jobs import BACKOFF_S, JITTER, LEASE_S, MAX_ATTEMPTS, TERMINAL
from web.store.tables import Case, Event, Job

WORKERS: Final = ("w1", "w2", "w3", "w4")
OWNERS: Final = ("ann", "bob", "eve")


@dataclass
class Model:
    """What one job should be."""

    owner: str
    created: datetime
    due: datetime
    state: str = "queued"
    end: str | None = None
    fence: int = 0
    attempts: int = 0
    claims: int = 0
    releases: int = 0
    lease_until: datetime | None = None
    cancel: bool = False


class LongestWait:
    """Instead of `random`."""

    @staticmethod
    def uniform(low: float, high: float) -> float:
        """No chance."""
        return high


class Leases(RuleBasedStateMachine):
    """Every rule does one thing to the store and to the model, and compares."""

    store: Store
    """Whatever is in it is removed."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = pytest.MonkeyPatch()
        self.clock = Clock(self.patch)
        self.patch.setattr(jobs, "random", LongestWait)  # chance that Hypothesis does not rule could not be repeated

    @initialize(count=st.integers(2, len(WORKERS)))
    def start(self, count: int) -> None:
        self.workers = WORKERS[:count]
        self.holding: dict[str, list[tuple[str, int]]] = {worker: [] for worker in self.workers}
        self.jobs: dict[str, Model] = {}
        self.served: dict[str, datetime] = {}
        with self.store.database.transaction() as db:
            for table in reversed(Case.metadata.sorted_tables):
                db.execute(delete(table))
            self.owners = {name: add_user(db, name) for name in OWNERS}

    def teardown(self) -> None:
        self.patch.undo()

    @rule(owner=st.sampled_from(OWNERS))
    def submit(self, owner: str) -> None:
        self.clock.move(0.001)
        with self.store.database.transaction() as db:
            case = Case(id=ids.new_id(), owner_id=self.owners[owner], kind="capture", created_at=self.clock.at, url="",
                        host="", address="", request={}, source="form", state="queued")
            db.add(case)
            db.flush()
            jobs.enqueue(db, case.id, b"sealed")
        self.jobs[case.id] = Model(owner, self.clock.at, self.clock.at)

    @rule(index=st.integers(0, 3))
    def claim(self, index: int) -> None:
        worker = self.workers[index % len(self.workers)]
        self.clock.move(0.001)
        with self.store.database.transaction() as db:
            job = jobs.claim(db, worker)
        due = {key: made for key, made in self.jobs.items() if made.state == "queued" and made.due <= self.clock.at}
        if not due:
            assert job is None
            return
        never = self.clock.at.min.replace(tzinfo=self.clock.at.tzinfo)
        turn = min((self.served.get(made.owner, never), made.created) for made in due.values())
        assert job is not None
        made = due[job.case_id]
        assert (self.served.get(made.owner, never), made.created) == turn, "whoever waited longest is next"
        made.state, made.fence, made.attempts = "leased", made.fence + 1, made.attempts + 1
        made.claims += 1
        made.lease_until = job.lease_until
        self.served[made.owner] = self.clock.at
        assert (job.fence, job.payload) == (made.fence, b"sealed")
        self.holding[worker].append((job.case_id, job.fence))

    def held(self, data: Any) -> tuple[str, int, bool, Model]:
        """One lease that some worker believes to have, and whether it still has it."""
        known = [lease for leases in self.holding.values() for lease in leases]
        case_id, fence = data.draw(st.sampled_from(known))
        made = self.jobs[case_id]
        return case_id, fence, made.state == "leased" and made.fence == fence, made

    def believed(self) -> bool:
        return any(self.holding.values())

    @precondition(believed)
    @rule(data=st.data())
    def heartbeat(self, data: Any) -> None:
        case_id, fence, valid, made = self.held(data)
        with self.store.database.transaction() as db:
            beat = jobs.heartbeat(db, case_id, fence)
        assert beat == ("lost" if not valid else "cancel" if made.cancel else "held")

    @precondition(believed)
    @rule(data=st.data(), state=st.sampled_from(TERMINAL))
    def finish(self, data: Any, state: jobs.Ended) -> None:
        case_id, fence, valid, made = self.held(data)
        with self.store.database.transaction() as db:
            assert jobs.finish(db, case_id, fence, state, "because") is valid
        if valid:
            made.state, made.end = "ended", state

    @precondition(believed)
    @rule(data=st.data())
    def fail(self, data: Any) -> None:
        case_id, fence, valid, made = self.held(data)
        expected = self.again(made) if valid else None
        with self.store.database.transaction() as db:
            assert jobs.fail(db, case_id, fence, "the browser was gone") == expected

    @precondition(believed)
    @rule(data=st.data())
    def release(self, data: Any) -> None:
        case_id, fence, valid, made = self.held(data)
        with self.store.database.transaction() as db:
            assert jobs.release(db, case_id, fence) is valid
        if valid and made.cancel:
            made.state, made.end = "ended", "cancelled"
        elif valid:
            made.state, made.due, made.attempts = "queued", self.clock.at, made.attempts - 1
            made.releases += 1

    @rule(index=st.integers(0, 3))
    def crash(self, index: int) -> None:
        """A worker is gone and tells nobody."""
        self.holding[self.workers[index % len(self.workers)]].clear()

    @rule()
    def reap(self) -> None:
        with self.store.database.transaction() as db:
            before = {job.case_id: job.lease_until for job in db.scalars(select(Job).where(Job.state == "leased"))}
            taken = {job.case_id for job in jobs.reap(db)}
        late = {case_id for case_id, until in before.items() if until is not None and until < self.clock.at}
        assert taken == late
        for case_id in taken:
            self.again(self.jobs[case_id])

    @rule(seconds=st.sampled_from([0.5, BACKOFF_S[0] * (1 + JITTER), LEASE_S - 1, LEASE_S + 1, 100]))
    def time_passes(self, seconds: float) -> None:
        self.clock.move(seconds)

    @precondition(lambda self: bool(self.jobs))
    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        case_id = data.draw(st.sampled_from(list(self.jobs)))
        made = self.jobs[case_id]
        answers: dict[str, Literal["cancelled", "asked", "ended"]] = {
            "queued": "cancelled", "leased": "asked", "ended": "ended"}
        with self.store.database.transaction() as db:
            assert jobs.ask_cancel(db, case_id) == answers[made.state]
        if made.state == "queued":
            made.state, made.end = "ended", "cancelled"
        made.cancel = made.cancel or made.state == "leased"

    def again(self, made: Model) -> str:
        """What should become of a job that we failed."""
        if made.cancel or made.attempts >= MAX_ATTEMPTS:
            made.state, made.end = "ended", "cancelled" if made.cancel else "failed"
            return made.end
        made.state = "queued"
        made.due = self.clock.at + timedelta(seconds=BACKOFF_S[made.attempts - 1] * (1 + JITTER))
        return "queued"

    @invariant()
    def agrees(self) -> None:
        with self.store.database.reading() as db:
            kept = {job.case_id: job for job in db.scalars(select(Job))}
            cases = {case.id: case for case in db.scalars(select(Case))}
            ends = [line.case_id for line in db.scalars(select(Event).where(Event.kind == "state"))
                    if line.data["state"] in TERMINAL]
        assert kept.keys() == self.jobs.keys()
        for case_id, made in self.jobs.items():
            self.one_agrees(made, kept[case_id], cases[case_id], ends.count(case_id))

    def one_agrees(self, made: Model, job: Job, case: Case, ends: int) -> None:
        assert (job.state, job.fence, job.attempts) == (made.state, made.fence, made.attempts)
        assert job.attempts <= MAX_ATTEMPTS
        assert made.claims - made.releases <= MAX_ATTEMPTS
        assert case.state == {"queued": "queued", "leased": "running", "ended": made.end}[made.state]
        assert ends == (made.state == "ended"), "an end is told once"
        assert (job.payload is None) == (made.state == "ended"), "the request is kept as long as it is needed"
        assert (job.lease_until is None, job.owner is None) == (made.state != "leased",) * 2
        assert (case.finished_at is None) == (made.state != "ended")
        assert made.state != "queued" or job.not_before == made.due


@pytest.mark.parametrize("how", [
    pytest.param(settings(max_examples=10), id="the same each time"),
    pytest.param(settings(max_examples=300, derandomize=False), id="others each time", marks=pytest.mark.lab)])
def test_leases_are_as_the_model_says(how: settings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    event.listen(store.database.engine, "connect",  # nothing here is about the loss of power
                 lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    store.database.engine.dispose()
    monkeypatch.setattr(Leases, "store", store, raising=False)
    run_state_machine_as_test(Leases, settings=settings(how, stateful_step_count=40, database=None))


