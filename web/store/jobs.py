"""Who works on what: a table of leases. In: cases to work on, workers that come and go. Out: each ends once.

A job is queued, leased or ended. Whoever claims it gets a fence, a number that grows with every claim, and a lease that
heartbeats prolong. When the lease runs out the job may go to somebody else, and then the older fence writes nothing any
more: work is done at least once and ends exactly once. A lease that ran out but went to nobody may still be prolonged.
Our own faults are tried again; a broken site is a result. All times are the database's.
"""

import random
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import Session

from web.store import events
from web.store.database import now
from web.store.results import Result
from web.store.tables import Case, Job, User

LEASE_S: Final = 30.0
"""Life of a lease without a heartbeat, seconds."""
HEARTBEAT_S: Final = 10.0
"""Between two heartbeats, seconds."""
BACKOFF_S: Final = (1.0, 15.0)
"""Waits before the second and the third attempt, seconds; up to a quarter is added at random."""
MAX_ATTEMPTS: Final = len(BACKOFF_S) + 1
JITTER: Final = 0.25
LOST: Final = "the worker that had it is gone"

Ended = Literal["done", "cut-short", "failed", "refused", "cancelled"]
Beat = Literal["held", "cancel", "lost"]
TERMINAL: Final[tuple[Ended, ...]] = ("done", "cut-short", "failed", "refused", "cancelled")


def enqueue(db: Session, case_id: str, payload: bytes) -> Job:
    """Adds the work of a case, in the transaction in which the case is made. `payload` is sealed by the caller."""
    at = now(db)
    job = Job(case_id=case_id, state="queued", payload=payload, created_at=at, not_before=at)
    db.add(job)
    db.flush()
    events.append(db, case_id, "state", {"state": "queued", "reason": None})
    return job


def claim(db: Session, owner: str) -> Job | None:
    """Takes the next job that is due, or None; owners of cases are served in turn, each one's oldest first.

    `owner` names the worker, for people who read the table. The job tells case_id, fence and payload.
    """
    at = now(db)
    due = (select(Job).join(Case, Case.id == Job.case_id).join(User, User.id == Case.owner_id)
           .where(Job.state == "queued", Job.not_before <= at)
           .order_by(User.served_at.nulls_first(), Job.created_at, Job.case_id).limit(1)
           .with_for_update(skip_locked=True, of=Job))
    job = db.scalar(due)
    if job is None:
        return None
    job.state, job.owner, job.lease_until = "leased", owner[:64], at + timedelta(seconds=LEASE_S)
    job.fence += 1
    job.attempts += 1
    case = db.get_one(Case, job.case_id)
    db.execute(update(User).where(User.id == case.owner_id).values(served_at=at))
    _tell(db, case, "running", None)
    return job


def holds(db: Session, case_id: str, fence: int) -> bool:
    """Whether this fence is the one that may write; in a transaction it stays so until the transaction ends."""
    return _held(db, case_id, fence) is not None


def heartbeat(db: Session, case_id: str, fence: int) -> Beat:
    """Prolongs the lease: `held`; `cancel` when it is still held but the user wants it stopped; else `lost`."""
    job = _held(db, case_id, fence)
    if job is None:
        return "lost"
    job.lease_until = now(db) + timedelta(seconds=LEASE_S)
    return "cancel" if job.cancel_asked else "held"


def finish(db: Session, case_id: str, fence: int, state: Ended, reason: str | None = None,
           result: Result | None = None) -> bool:
    """Ends the job and its case, with the columns of the result when there is one; erases the payload.

    False when the fence is stale: nothing was written then, and what was made belongs to nobody.
    """
    job = _held(db, case_id, fence)
    if job is None:
        return False
    case = db.get_one(Case, case_id)
    if result is not None:
        result.write(case)
    _end(db, job, case, state, reason)
    return True


def fail(db: Session, case_id: str, fence: int, error: str) -> Literal["queued", "failed", "cancelled"] | None:
    """Says that we failed, not the site: the job is tried again later, or the case ends as failed.

    Returns what became of it; None when the fence is stale. `error` is one sentence without secrets.
    """
    job = _held(db, case_id, fence)
    return None if job is None else _again(db, job, error)


def release(db: Session, case_id: str, fence: int) -> bool:
    """Gives a job back without blame, because the worker stops; it is due at once. False when the fence is stale."""
    job = _held(db, case_id, fence)
    if job is None:
        return False
    case = db.get_one(Case, case_id)
    if job.cancel_asked:
        _end(db, job, case, "cancelled", None)
        return True
    job.attempts -= 1
    _queue(db, job, case, 0.0, None)
    return True


def reap(db: Session, *, at_once: bool = False) -> list[Job]:
    """Takes back every job whose lease ran out: its worker is dead or stuck. Returns them, with their new state.

    `at_once`: they are due without a wait, though not without end: it counts as an attempt, because a job may be what
    takes a whole service down.
    """
    lost = list(db.scalars(select(Job).where(_is_late(db)).order_by(Job.lease_until)
                           .with_for_update(skip_locked=True)))
    for job in lost:
        _again(db, job, LOST, at_once=at_once)
    return lost


def late(db: Session) -> list[tuple[str, int]]:
    """Case and fence of every lease that ran out."""
    return [(row.case_id, row.fence) for row in db.execute(select(Job.case_id, Job.fence).where(_is_late(db)))]


def expire(db: Session) -> None:
    """Ends every lease; for whoever starts and knows that nobody else works with this database."""
    db.execute(update(Job).where(Job.state == "leased").values(lease_until=now(db) - timedelta(milliseconds=1)))


def ask_cancel(db: Session, case_id: str) -> Literal["cancelled", "asked", "ended"]:
    """Stops a job: one that waits ends at once, one that is worked on when its worker hears of it."""
    job = db.scalar(select(Job).where(Job.case_id == case_id).with_for_update())
    if job is None or job.state == "ended":
        return "ended"
    if job.state == "leased":
        job.cancel_asked = True
        return "asked"
    _end(db, job, db.get_one(Case, case_id), "cancelled", None)
    return "cancelled"


def leased(db: Session) -> set[tuple[str, int]]:
    """Case and fence of everything that is worked on now."""
    return {(row.case_id, row.fence) for row in db.execute(select(Job.case_id, Job.fence).where(Job.state == "leased"))}


def cancelling(db: Session) -> set[tuple[str, int]]:
    """Case and fence of everything that is worked on and shall stop."""
    asked = select(Job.case_id, Job.fence).where(Job.state == "leased", Job.cancel_asked)
    return {(row.case_id, row.fence) for row in db.execute(asked)}


def waiting(db: Session, owner_id: str | None = None) -> int:
    """How many jobs wait, of one user or of all."""
    count = select(func.count()).select_from(Job).where(Job.state == "queued")
    if owner_id is not None:
        count = count.join(Case, Case.id == Job.case_id).where(Case.owner_id == owner_id)
    return db.scalar(count) or 0


def _is_late(db: Session) -> ColumnElement[bool]:
    return and_(Job.state == "leased", Job.lease_until < now(db))


def _held(db: Session, case_id: str, fence: int) -> Job | None:
    return db.scalar(select(Job).where(Job.case_id == case_id, Job.state == "leased", Job.fence == fence)
                     .with_for_update().execution_options(populate_existing=True))


def _again(db: Session, job: Job, error: str, *, at_once: bool = False) -> Literal["queued", "failed", "cancelled"]:
    case = db.get_one(Case, job.case_id)
    job.error = error
    if job.cancel_asked:
        _end(db, job, case, "cancelled", None)
        return "cancelled"
    if job.attempts >= MAX_ATTEMPTS:
        _end(db, job, case, "failed", f"this is our failure, not the site's, {job.attempts} times in a row: {error}")
        return "failed"
    wait = 0.0 if at_once else BACKOFF_S[job.attempts - 1]
    _queue(db, job, case, wait * (1 + random.uniform(0, JITTER)), error)
    return "queued"


def _queue(db: Session, job: Job, case: Case, wait_s: float, reason: str | None) -> None:
    job.state, job.owner, job.lease_until = "queued", None, None
    job.not_before = now(db) + timedelta(seconds=wait_s)
    _tell(db, case, "queued", reason)


def _end(db: Session, job: Job, case: Case, state: Ended, reason: str | None) -> None:
    job.state, job.owner, job.lease_until, job.payload = "ended", None, None, None
    case.reason, case.finished_at = reason, now(db)
    _tell(db, case, state, reason)


def _tell(db: Session, case: Case, state: str, reason: str | None) -> None:
    case.state = state
    events.append(db, case.id, "state", {"state": state, "reason": reason})
