"""Leases, one by one. What holds in any order of events is in test_jobs_model.py."""

import threading
from datetime import timedelta

import pytest

from tests.web.store.clock import Clock
from tests.web.store.made import Store, add_user
from web.store import events, jobs
from web.store.database import now
from web.store.jobs import BACKOFF_S, JITTER, LEASE_S, MAX_ATTEMPTS
from web.store.tables import Case, Job


def claim(store: Store, owner: str = "w1") -> Job | None:
    with store.database.transaction() as db:
        return jobs.claim(db, owner)


def claimed(store: Store, owner: str = "w1") -> Job:
    job = claim(store, owner)
    assert job is not None
    return job


def rows(store: Store, case_id: str) -> tuple[Case, Job]:
    with store.database.reading() as db:
        return db.get_one(Case, case_id), db.get_one(Job, case_id)


def told(store: Store, case_id: str) -> list[str]:
    with store.database.reading() as db:
        return [line.data["state"] for line in events.since(db, case_id) if line.kind == "state"]


def test_a_claim_takes_the_job_and_says_so(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    assert (job.case_id, job.fence, job.attempts, job.owner) == (case.id, 1, 1, "w1")
    assert job.payload
    assert rows(store, case.id)[0].state == "running"
    assert told(store, case.id) == ["queued", "running"]
    assert claim(store) is None, "nobody else gets it"


def test_the_lease_runs_by_the_clock_of_the_database(store: Store, owner: str) -> None:
    store.submit(owner)
    with store.database.transaction() as db:
        before = now(db)
        job = jobs.claim(db, "w1")
        after = now(db)
    assert job is not None
    assert job.lease_until is not None
    lease = timedelta(seconds=LEASE_S)
    assert before + lease - timedelta(milliseconds=1) <= job.lease_until <= after + lease


def test_each_users_oldest_comes_first_and_users_take_turns(store: Store, clock: Clock) -> None:
    with store.database.transaction() as db:
        ann, bob, eve = (add_user(db, name) for name in ("ann", "bob", "eve"))
    order = [(ann, "a1"), (ann, "a2"), (ann, "a3"), (bob, "b1"), (bob, "b2"), (eve, "e1")]
    made = {}
    for user, name in order:
        made[store.submit(user).id] = name
        clock.move(1)
    served = []
    for _ in order:
        served.append(made[claimed(store).case_id])
        clock.move(1)
    assert served == ["a1", "b1", "e1", "a2", "b2", "a3"]


def test_a_heartbeat_prolongs_the_lease(store: Store, owner: str, clock: Clock) -> None:
    store.submit(owner)
    job = claimed(store)
    for _ in range(5):
        clock.move(LEASE_S - 1)
        with store.database.transaction() as db:
            assert jobs.heartbeat(db, job.case_id, job.fence) == "held"
            assert jobs.reap(db) == []


def test_a_lease_that_ran_out_can_be_prolonged_until_it_was_taken_back(store: Store, owner: str, clock: Clock) -> None:
    store.submit(owner)
    job = claimed(store)
    clock.move(10 * LEASE_S)
    with store.database.transaction() as db:
        assert jobs.heartbeat(db, job.case_id, job.fence) == "held"
    clock.move(LEASE_S + 1)
    with store.database.transaction() as db:
        assert [lost.case_id for lost in jobs.reap(db)] == [job.case_id]
        assert jobs.heartbeat(db, job.case_id, job.fence) == "lost"


def test_a_lost_job_is_tried_again_and_the_old_fence_writes_nothing(store: Store, owner: str, clock: Clock) -> None:
    case = store.submit(owner)
    old = claimed(store)
    clock.move(LEASE_S + 1)
    with store.database.transaction() as db:
        jobs.reap(db)
    assert claim(store) is None, "only after a while"
    clock.move(BACKOFF_S[0] * (1 + JITTER))
    new = claimed(store, "w2")
    assert (new.case_id, new.fence, new.attempts) == (case.id, old.fence + 1, 2)
    with store.database.transaction() as db:
        assert not jobs.finish(db, case.id, old.fence, "failed", "late")
        assert jobs.fail(db, case.id, old.fence, "late") is None
        assert not jobs.release(db, case.id, old.fence)
        assert jobs.heartbeat(db, case.id, old.fence) == "lost"
        assert jobs.finish(db, case.id, new.fence, "refused", "not allowed")
    assert rows(store, case.id)[0].reason == "not allowed"
    assert told(store, case.id) == ["queued", "running", "queued", "running", "refused"]


def test_our_own_fault_is_tried_twice_more_with_growing_waits(store: Store, owner: str, clock: Clock) -> None:
    case = store.submit(owner)
    for wait in BACKOFF_S:
        job = claimed(store)
        with store.database.transaction() as db:
            assert jobs.fail(db, case.id, job.fence, "the browser was gone") == "queued"
        waiting = rows(store, case.id)[1]
        assert wait <= (waiting.not_before - clock.at).total_seconds() <= wait * (1 + JITTER)
        assert waiting.payload, "it is still needed"
        clock.move(wait * (1 + JITTER))
    job = claimed(store)
    assert job.attempts == MAX_ATTEMPTS
    with store.database.transaction() as db:
        assert jobs.fail(db, case.id, job.fence, "the browser was gone") == "failed"
    row, ended = rows(store, case.id)
    assert row.state == "failed"
    assert row.reason == "this is our failure, not the site's, 3 times in a row: the browser was gone"
    assert (ended.state, ended.payload, ended.error) == ("ended", None, "the browser was gone")
    clock.move(10_000)
    assert claim(store) is None


def test_a_job_that_kills_its_worker_each_time_ends_as_failed(store: Store, owner: str, clock: Clock) -> None:
    case = store.submit(owner)
    for _ in range(MAX_ATTEMPTS):
        claimed(store)
        clock.move(LEASE_S + 1)
        with store.database.transaction() as db:
            jobs.reap(db)
        clock.move(100)
    assert claim(store) is None
    assert rows(store, case.id)[0].state == "failed"
    assert jobs.LOST in (rows(store, case.id)[0].reason or "")


def test_what_was_lost_with_everything_is_due_at_once_but_not_for_ever(store: Store, owner: str, clock: Clock) -> None:
    case = store.submit(owner)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert claimed(store).attempts == attempt
        with store.database.transaction() as db:
            jobs.expire(db)
            assert [lost.case_id for lost in jobs.reap(db, at_once=True)] == [case.id]
    assert claim(store) is None
    assert rows(store, case.id)[0].state == "failed"


@pytest.mark.parametrize("state", jobs.TERMINAL)
def test_an_end_is_final_and_erases_the_request(store: Store, owner: str, clock: Clock, state: jobs.Ended) -> None:
    case = store.submit(owner)
    job = claimed(store)
    clock.move(7)
    with store.database.transaction() as db:
        assert jobs.finish(db, case.id, job.fence, state, "a reason")
        assert not jobs.finish(db, case.id, job.fence, "done")
        assert jobs.ask_cancel(db, case.id) == "ended"
    row, ended = rows(store, case.id)
    assert (row.state, row.reason, row.finished_at) == (state, "a reason", clock.at)
    assert (ended.state, ended.payload, ended.owner, ended.lease_until) == ("ended", None, None, None)
    assert told(store, case.id)[-1] == state


def test_a_waiting_job_is_cancelled_at_once(store: Store, owner: str) -> None:
    case = store.submit(owner)
    with store.database.transaction() as db:
        assert jobs.ask_cancel(db, case.id) == "cancelled"
        assert jobs.ask_cancel(db, case.id) == "ended"
    assert rows(store, case.id)[0].state == "cancelled"
    assert rows(store, case.id)[1].payload is None
    assert claim(store) is None


@pytest.mark.parametrize("end", ["finish", "fail", "release", "reap"])
def test_a_running_job_ends_when_its_worker_hears_of_it(store: Store, owner: str, clock: Clock, end: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    with store.database.transaction() as db:
        assert jobs.ask_cancel(db, case.id) == "asked"
        assert jobs.heartbeat(db, case.id, job.fence) == "cancel"
    assert rows(store, case.id)[0].state == "running"
    clock.move(LEASE_S + 1)
    with store.database.transaction() as db:
        if end == "finish":
            assert jobs.finish(db, case.id, job.fence, "cancelled")
        elif end == "fail":
            assert jobs.fail(db, case.id, job.fence, "the browser was gone") == "cancelled"
        elif end == "release":
            assert jobs.release(db, case.id, job.fence)
        else:
            jobs.reap(db)
    assert rows(store, case.id)[0].state == "cancelled", "and it is not tried again"
    assert told(store, case.id) == ["queued", "running", "cancelled"]


def test_a_graceful_stop_costs_no_attempt_and_no_wait(store: Store, owner: str) -> None:
    case = store.submit(owner)
    for fence in range(1, 6):
        job = claimed(store)
        assert (job.fence, job.attempts) == (fence, 1)
        with store.database.transaction() as db:
            assert jobs.release(db, case.id, job.fence)
    assert rows(store, case.id)[0].state == "queued"


def test_of_many_that_claim_at_once_each_gets_another_job(store: Store, owner: str) -> None:
    made = {store.submit(owner).id for _ in range(20)}
    start = threading.Barrier(6)
    got: list[str] = []

    def work(name: str) -> None:
        start.wait()
        while (job := claim(store, name)) is not None:
            got.append(job.case_id)

    threads = [threading.Thread(target=work, args=(f"w{number}",)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 20
    assert set(got) == made


def test_counts(store: Store, owner: str) -> None:
    with store.database.transaction() as db:
        other = add_user(db, "bob")
    first = store.submit(owner)
    store.submit(owner)
    store.submit(other)
    job = claimed(store)
    with store.database.reading() as db:
        assert (job.case_id, jobs.leased(db)) == (first.id, {(first.id, 1)})
        assert (jobs.waiting(db), jobs.waiting(db, owner), jobs.waiting(db, other)) == (2, 1, 1)


def test_a_case_that_does_not_exist_is_nobodys(store: Store) -> None:
    with store.database.transaction() as db:
        assert jobs.ask_cancel(db, "0" * 26) == "ended"
        assert jobs.heartbeat(db, "0" * 26, 1) == "lost"
        assert not jobs.finish(db, "0" * 26, 1, "failed")
        assert jobs.reap(db) == []
