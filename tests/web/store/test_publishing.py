"""Publishing: whatever crashes and whenever, a case is published once, with the first evidence that was complete."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from capture.record.bundle import BundleError
from report.verify import verify
from tests.builders import answered
from tests.web.store.clock import Clock
from tests.web.store.made import Store, fill
from web.store import events, jobs
from web.store.files import Folder, Unpublishable
from web.store.publishing import publish, reap, sweep
from web.store.submit import Upload
from web.store.tables import Case, Event, Job

ROOT = Path(__file__).parents[3]


class Crashed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


def claimed(store: Store) -> Job:
    with store.database.transaction() as db:
        job = jobs.claim(db, "w")
    assert job is not None
    return job


def staged(store: Store, job: Job) -> None:
    fill(store.files.staging(job.case_id, job.fence))


def case_of(store: Store, case_id: str) -> Case:
    with store.database.reading() as db:
        return db.get_one(Case, case_id)


def ends(store: Store, case_id: str) -> int:
    with store.database.reading() as db:
        return sum(line.data["state"] in jobs.TERMINAL for line in events.since(db, case_id))


def test_files_and_row_are_there_together(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    staged(store, job)
    assert publish(store.database, store.files, case.id, job.fence)
    row = case_of(store, case.id)
    assert (row.state, row.status, row.generator, row.fault_side) == ("done", 502, "nginx", row.fault_side)
    assert row.number is not None
    assert row.failure is not None
    assert verify(store.files.directory(case.id)) == []
    assert ends(store, case.id) == 1


def test_a_capture_that_was_cut_short_says_so(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    fill(store.files.staging(case.id, job.fence), answered(200).model_copy(
        update={"outcome": "cut-short", "outcome_reason": "stopped by the user"}))
    assert publish(store.database, store.files, case.id, job.fence)
    assert (case_of(store, case.id).state, case_of(store, case.id).reason) == ("cut-short", "stopped by the user")


def test_a_stale_fence_publishes_nothing_and_leaves_nothing(store: Store, owner: str, clock: Clock) -> None:
    case = store.submit(owner)
    old = claimed(store)
    staged(store, old)
    clock.move(jobs.LEASE_S + 1)
    with store.database.transaction() as db:
        jobs.reap(db)
    assert not publish(store.database, store.files, case.id, old.fence)
    assert not store.files.is_published(case.id)
    assert store.files.staged() == set()
    assert case_of(store, case.id).state == "queued"


def test_a_late_worker_does_not_disturb_what_was_published(store: Store, owner: str, clock: Clock) -> None:
    case = store.submit(owner)
    old = claimed(store)
    staged(store, old)
    clock.move(jobs.LEASE_S + 1)
    with store.database.transaction() as db:
        jobs.reap(db)
    clock.move(100)
    new = claimed(store)
    staged(store, new)
    assert publish(store.database, store.files, case.id, new.fence)
    before = case_of(store, case.id).manifest_sha256
    assert not publish(store.database, store.files, case.id, old.fence)
    assert case_of(store, case.id).manifest_sha256 == before
    assert verify(store.files.directory(case.id)) == []
    assert ends(store, case.id) == 1


def test_nothing_is_published_of_a_case_that_was_cancelled_meanwhile(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    staged(store, job)
    with store.database.transaction() as db:
        jobs.finish(db, case.id, job.fence, "cancelled")
    assert not publish(store.database, store.files, case.id, job.fence)
    assert not store.files.is_published(case.id)


@pytest.mark.parametrize("missing", ["evidence.json", "manifest.json", "report/diagnosis.json"])
def test_half_a_case_is_not_published(store: Store, owner: str, missing: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    staged(store, job)
    (store.files.staged_directory(case.id, job.fence) / missing).unlink()
    with pytest.raises(BundleError):
        publish(store.database, store.files, case.id, job.fence)
    assert not store.files.is_published(case.id)
    assert case_of(store, case.id).state == "running", "the caller says what went wrong"


def test_nothing_staged_is_said_so(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    with pytest.raises(Unpublishable):
        publish(store.database, store.files, case.id, job.fence)


def crash_before(target: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def arm(patch: pytest.MonkeyPatch) -> None:
        def crash(*_: object, **__: object) -> None:
            raise Crashed
        patch.setattr(target, name, crash)
    return arm


def crash_after(target: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def arm(patch: pytest.MonkeyPatch) -> None:
        really = getattr(target, name)

        def crash(*given: object, **named: object) -> None:
            really(*given, **named)
            raise Crashed
        patch.setattr(target, name, crash)
    return arm


POINTS = {
    "before the flush": crash_before(Folder, "flush"), "after the flush": crash_after(Folder, "flush"),
    "before the move": crash_before(Path, "rename"), "after the move": crash_after(Path, "rename"),
    "before the row": crash_before(jobs, "finish"), "after the row, before the commit": crash_after(jobs, "finish")}


@pytest.mark.parametrize("point", POINTS)
def test_a_crash_anywhere_costs_only_time(store: Store, owner: str, clock: Clock, point: str) -> None:
    case = store.submit(owner)
    first = claimed(store)
    staged(store, first)
    with pytest.MonkeyPatch.context() as patch:
        POINTS[point](patch)
        with pytest.raises(Crashed):
            publish(store.database, store.files, case.id, first.fence)
    assert case_of(store, case.id).state == "running"
    moved = store.files.is_published(case.id)
    assert moved == ("after the move" in point or "the row" in point)
    kept = (store.files.directory(case.id) / "manifest.json").read_bytes() if moved else b""
    clock.move(jobs.LEASE_S + 1)
    with store.database.transaction() as db:
        jobs.reap(db)
    clock.move(100)
    second = claimed(store)
    if not store.files.is_published(case.id):
        staged(store, second)
    assert publish(store.database, store.files, case.id, second.fence)
    sweep(store.database, store.files)
    assert case_of(store, case.id).state == "done"
    assert ends(store, case.id) == 1
    assert verify(store.files.directory(case.id)) == []
    assert not moved or (store.files.directory(case.id) / "manifest.json").read_bytes() == kept, "the first counts"
    assert store.files.staged() == set()


def test_a_commit_that_failed_can_be_repeated_with_the_same_fence(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    staged(store, job)
    with pytest.MonkeyPatch.context() as patch:
        POINTS["before the row"](patch)
        with pytest.raises(Crashed):
            publish(store.database, store.files, case.id, job.fence)
    assert publish(store.database, store.files, case.id, job.fence)
    assert not publish(store.database, store.files, case.id, job.fence), "but only once"
    assert ends(store, case.id) == 1


def test_a_process_that_is_killed_between_move_and_commit_loses_nothing(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    staged(store, job)
    code = ("import os, pathlib, sys; from web.store import jobs; from web.store.database import Database; "
            "from web.store.files import Folder; from web.store.publishing import publish; "
            "finish = jobs.finish; data = pathlib.Path(sys.argv[1]); "
            "jobs.finish = lambda *a, **k: (finish(*a, **k), os.kill(os.getpid(), 9)); "
            "publish(Database(data), Folder(data), sys.argv[2], int(sys.argv[3]))")
    done = subprocess.run([sys.executable, "-c", code, str(store.config.data), case.id, str(job.fence)], cwd=ROOT,
                          capture_output=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert store.files.is_published(case.id)
    assert case_of(store, case.id).state == "running", "the transaction was not committed"
    assert publish(store.database, store.files, case.id, job.fence)
    assert (case_of(store, case.id).state, ends(store, case.id)) == ("done", 1)


def test_of_many_that_publish_at_once_one_does(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    staged(store, job)
    start = threading.Barrier(6)
    done: list[bool] = []

    def attempt(fence: int) -> None:
        start.wait()
        try:
            done.append(publish(store.database, store.files, case.id, fence))
        except (Unpublishable, OSError):
            done.append(False)

    threads = [threading.Thread(target=attempt, args=(job.fence,)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == [False] * 5 + [True]
    assert ends(store, case.id) == 1
    assert verify(store.files.directory(case.id)) == []


def test_uploads_are_erased_when_their_import_is_published(store: Store, owner: str) -> None:
    case = store.submit(owner)
    store.files.keep_uploads(case.id, [b"secret"])
    job = claimed(store)
    staged(store, job)
    publish(store.database, store.files, case.id, job.fence)
    assert store.files.uploaded(0) == set()


def test_a_stale_worker_does_not_erase_what_the_next_one_needs(store: Store, owner: str, clock: Clock) -> None:
    case = store.submit(owner)
    store.files.keep_uploads(case.id, [b"secret"])
    old = claimed(store)
    staged(store, old)
    clock.move(jobs.LEASE_S + 1)
    assert [job.case_id for job in reap(store.database, store.files)] == [case.id]
    assert not publish(store.database, store.files, case.id, old.fence)
    assert store.files.upload(case.id, 0).read_bytes() == b"secret"


def test_what_was_moved_before_its_worker_died_is_adopted_even_after_the_last_attempt(
        store: Store, owner: str, clock: Clock) -> None:
    case = store.submit(owner)
    for _ in range(jobs.MAX_ATTEMPTS - 1):
        claimed(store)
        clock.move(jobs.LEASE_S + 1)
        assert len(reap(store.database, store.files)) == 1
        clock.move(100)
    last = claimed(store)
    staged(store, last)
    with pytest.MonkeyPatch.context() as patch:
        POINTS["before the row"](patch)
        with pytest.raises(Crashed):
            publish(store.database, store.files, case.id, last.fence)
    assert reap(store.database, store.files) == [], "its lease has not run out"
    assert case_of(store, case.id).state == "running"
    clock.move(jobs.LEASE_S + 1)
    assert reap(store.database, store.files) == []
    assert case_of(store, case.id).state == "done"


def test_a_case_that_failed_at_last_keeps_what_was_moved(store: Store, owner: str) -> None:
    case = store.submit(owner)
    job = claimed(store)
    staged(store, job)
    store.files.publish(case.id, job.fence)
    with store.database.transaction() as db:
        jobs.finish(db, case.id, job.fence, "failed", "the database was full")
    sweep(store.database, store.files)
    assert store.files.is_published(case.id)


def test_the_sweep_removes_what_crashes_left_and_nothing_else(store: Store, owner: str) -> None:
    busy, gone, cancelled, deleted, done = (store.submit(owner) for _ in range(5))
    leases = {job.case_id: job.fence for job in (claimed(store) for _ in range(5))}
    for case in (busy, gone):
        fill(store.files.staging(case.id, leases[case.id]))
        store.files.keep_uploads(case.id, [b"x"])
    for case in (cancelled, deleted, done):
        fill(store.files.staging(case.id, leases[case.id]))
        store.files.publish(case.id, leases[case.id])
    store.files.staging(busy.id, 77)
    with store.database.transaction() as db:
        jobs.finish(db, gone.id, leases[gone.id], "failed", "gone")
        jobs.finish(db, cancelled.id, leases[cancelled.id], "cancelled")
    for case in (deleted, done):
        publish(store.database, store.files, case.id, leases[case.id])
    with store.database.transaction() as db:
        row = db.get_one(Case, deleted.id)
        row.deleted_at = row.created_at
    old = 0
    for path in store.files.uploads.iterdir():
        os.utime(path, (old, old))
    sweep(store.database, store.files)
    assert store.files.staged() == {(busy.id, leases[busy.id])}
    assert store.files.uploaded(0) == {busy.id}
    assert store.files.published() == {done.id}
    sweep(store.database, store.files)
    assert store.files.published() == {done.id}


def test_the_sweep_leaves_an_upload_that_is_just_coming_in(store: Store, owner: str) -> None:
    """Its row is committed after its files."""
    case = store.submit(owner)
    with store.database.transaction() as db:
        db.delete(db.get_one(Job, case.id))
        for line in db.scalars(select(Event).where(Event.case_id == case.id)):
            db.delete(line)
        db.delete(db.get_one(Case, case.id))
    store.files.keep_uploads(case.id, [b"x"])
    sweep(store.database, store.files)
    assert store.files.uploaded(0) == {case.id}
    for path in store.files.uploads.iterdir():
        os.utime(path, (0, 0))
    sweep(store.database, store.files)
    assert store.files.uploaded(0) == set()


def test_an_upload_that_a_crash_left_goes_after_the_next_start(store: Store, owner: str) -> None:
    waiting = store.submit(owner, uploads=(Upload(name="a", data=b"1"),))
    store.files.keep_uploads("0" * 26, [b"x"])
    store.files.prepare()
    store.files.keep_uploads("1" * 26, [b"just coming in"])
    sweep(store.database, store.files)
    assert store.files.uploaded(0) == {waiting.id, "1" * 26}


def test_files_without_any_row_are_kept(store: Store) -> None:
    """An older copy of the database was put back: evidence is not thrown away for that."""
    fill(store.files.staging("0" * 26, 1))
    store.files.publish("0" * 26, 1)
    sweep(store.database, store.files)
    assert store.files.is_published("0" * 26)
