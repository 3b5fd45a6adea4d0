"""Dossiers on their way to trackers: a table of leases. In: a case, a target. Out: each ends once, and says how.

A delivery is queued or being sent, then delivered, failed or cancelled. Claims, leases and fences are those of jobs.
What may succeed later is tried again, less and less often, for a day; what will not, ends at once. The share link that
goes along is made with the delivery and ends with one that nobody got. All times are the database's.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.orm import Session

from web.errors import Conflict, NotFound
from web.store import ids, shares
from web.store.database import now
from web.store.secrets import Key
from web.store.tables import Case, Delivery, User

LEASE_S: Final = 900.0
"""Life of a claim, seconds; nothing prolongs it, and one process delivers."""
BACKOFF_S: Final = (60.0, 3600.0)
"""First and longest wait before it is tried again, seconds; up to a quarter is added at random."""
JITTER: Final = 0.25
ATTEMPTS: Final = 20
AGE: Final = timedelta(days=1)
"""So many attempts, and so long after it was asked for, it is tried."""
OPEN_AT_A_TIME: Final = 20
"""Deliveries of one case that have not ended."""
BROKEN_OFF: Final = "the service ended each time it was tried"
STATES: Final = ("queued", "sending", "delivered", "failed", "cancelled")
OPEN: Final = ("queued", "sending")
"""States in which it has not ended."""
Ended = Literal["delivered", "failed", "cancelled"]


@dataclass(frozen=True)
class Wanted:
    """What somebody asks for."""

    target: str
    """Name of the target."""
    place: bytes
    """Hash of what the name stands for."""
    ticket: str | None
    """Number or key; None: the target has none."""
    days: int | None = None
    """Life of the share link that goes along, days; None: no link goes along."""
    base: str = ""
    """Address of the service, with a slash at the end; begin of that link."""
    again: bool = False
    """Whether it is sent once more although it was delivered there."""


@dataclass(frozen=True)
class Shown:
    """A delivery as people see it."""

    delivery: Delivery
    by: str
    """Name of who asked."""


@dataclass(frozen=True)
class Earlier:
    """What this service has delivered of the same failure to the same place."""

    link: str
    """Where the last of it is."""
    cases: tuple[str, ...]
    """Case numbers, oldest first."""


def ask(db: Session, key: Key, case: Case, user_id: str, wanted: Wanted, most_days: int) -> Delivery:
    """The delivery of a case that has a dossier: a new one, or the one that is on its way there or has arrived.

    One that waits is due at once then. Raises Conflict, and BadField as `shares.create` does.
    """
    if case.number is None:
        raise Conflict("there is no dossier to deliver")
    at = now(db)
    known = _known(db, case, wanted)
    if known is not None:
        known.cancel_asked, known.not_before = False, min(known.not_before, at)
        return known
    pending = select(func.count()).select_from(Delivery).where(Delivery.case_id == case.id, Delivery.state.in_(OPEN))
    if (db.scalar(pending) or 0) >= OPEN_AT_A_TIME:
        raise Conflict(f"{OPEN_AT_A_TIME} deliveries of this case are on their way; let them end or cancel one first")
    row = Delivery(id=ids.new_id(), case_id=case.id, user_id=user_id, target=wanted.target, place=wanted.place,
                   ticket=wanted.ticket, created_at=at, not_before=at, state="queued", left_out=[])
    if wanted.days is not None:
        share, token = shares.create(db, case, user_id, wanted.days, most_days)
        row.share_id, row.share_url = share.id, key.seal(f"{wanted.base}s/{token}".encode())
    db.add(row)
    db.flush()
    return row


def claim(db: Session) -> Delivery | None:
    """Takes the next one that is due, or whose holder is gone; None when there is none. What was tried least comes
    first, so that a tracker that does not answer holds up nobody else's."""
    at = now(db)
    row = db.scalar(select(Delivery).where(_is_due(db)).order_by(Delivery.attempts, Delivery.not_before, Delivery.id)
                    .limit(1).with_for_update(skip_locked=True))
    if row is None:
        return None
    if row.cancel_asked:
        _end(db, row, "cancelled")
        return None
    if row.attempts >= ATTEMPTS:
        row.said = BROKEN_OFF
        _end(db, row, "failed")
        return None
    row.state, row.lease_until = "sending", at + timedelta(seconds=LEASE_S)
    row.fence += 1
    row.attempts += 1
    return row


def is_any_due(db: Session) -> bool:
    """Whether there is something to claim."""
    return db.scalar(select(Delivery.id).where(_is_due(db)).limit(1)) is not None


def done(db: Session, delivery_id: str, fence: int, link: str, what: str, left_out: Sequence[str]) -> bool:
    """It has arrived. False when the fence is stale: nothing was written then, here as in every function below."""
    row = _held(db, delivery_id, fence)
    if row is None:
        return False
    row.link, row.what, row.left_out, row.said = link, what, list(left_out), None
    _end(db, row, "delivered")
    if what == "there already" and row.attempts == 1:  # nothing was written, so nobody has its link
        _revoke(db, row)
    return True


def fail(db: Session, delivery_id: str, fence: int, sentence: str) -> bool:
    """It will not arrive, however often it is tried; `sentence` holds no secret."""
    row = _held(db, delivery_id, fence)
    if row is None:
        return False
    row.said = sentence
    _end(db, row, "cancelled" if row.cancel_asked else "failed")
    return True


def later(db: Session, delivery_id: str, fence: int, sentence: str, after_s: float | None = None) -> bool:
    """It may arrive later, not before `after_s` seconds; after so many attempts, or so long, it is given up."""
    row = _held(db, delivery_id, fence)
    if row is None:
        return False
    wait_s = min(BACKOFF_S[1], BACKOFF_S[0] * 2 ** (row.attempts - 1)) * (1 + random.uniform(0, JITTER))
    due = now(db) + timedelta(seconds=max(wait_s, min(after_s or 0.0, 2 * AGE.total_seconds())))
    if row.cancel_asked or row.attempts >= ATTEMPTS or due > row.created_at + AGE:
        return fail(db, delivery_id, fence, sentence)
    row.state, row.lease_until, row.not_before, row.said = "queued", None, due, sentence
    return True


def release(db: Session, delivery_id: str, fence: int) -> bool:
    """Gives it back without blame, because the service stops; it is due at once."""
    row = _held(db, delivery_id, fence)
    if row is None:
        return False
    if row.cancel_asked:
        _end(db, row, "cancelled")
        return True
    row.state, row.lease_until, row.not_before = "queued", None, now(db)
    row.attempts -= 1
    return True


def expire(db: Session) -> None:
    """Ends every lease; for whoever starts and knows that nobody else works with this database."""
    db.execute(update(Delivery).where(Delivery.state == "sending")
               .values(lease_until=now(db) - timedelta(milliseconds=1)))


def cancel(db: Session, case_id: str, delivery_id: str) -> Delivery:
    """Stops a delivery of this case: one that waits at once, one that is being sent unless it arrives with this
    attempt; one that has ended stays as it is. Raises NotFound."""
    row = get(db, case_id, delivery_id).delivery
    _stop(db, row)
    return row


def forget(db: Session, case_id: str) -> None:
    """Stops all deliveries of a case that is deleted; what trackers said of it goes, where copies are stays."""
    for row in db.scalars(select(Delivery).where(Delivery.case_id == case_id)):
        _stop(db, row)
        row.said, row.left_out = None, []


def get(db: Session, case_id: str, delivery_id: str) -> Shown:
    """One delivery of this case; raises NotFound."""
    found = db.execute(_shown().where(Delivery.case_id == case_id, Delivery.id == delivery_id)).first()
    if found is None:
        raise NotFound("there is no such delivery")
    return Shown(found[0], found[1])


def listing(db: Session, case_id: str) -> list[Shown]:
    """All deliveries of a case, newest first."""
    rows = db.execute(_shown().where(Delivery.case_id == case_id).order_by(Delivery.created_at.desc(), Delivery.id))
    return [Shown(delivery, name) for delivery, name in rows]


def earlier(db: Session, row: Delivery) -> Earlier | None:
    """What was delivered to the same target and place of the same failure, for trackers that cannot be searched; None
    when it was nothing, or when this very case was: then somebody wants all of it there again."""
    case = db.get_one(Case, row.case_id)
    found = db.execute(select(Case.number, Delivery.link).join(Delivery, Delivery.case_id == Case.id).where(
        Delivery.target == row.target, Delivery.place == row.place, Delivery.ticket == row.ticket,
        Delivery.state == "delivered", Case.failure == case.failure,
    ).order_by(Delivery.ended_at, Delivery.id)).all() if case.failure else ()
    numbers = tuple(dict.fromkeys(number for number, _ in found if number))
    return None if not numbers or case.number in numbers else Earlier(found[-1][1] or "", numbers)


def sending(db: Session) -> set[tuple[str, int]]:
    """Id and fence of everything that is being sent now."""
    rows = db.execute(select(Delivery.id, Delivery.fence).where(Delivery.state == "sending"))
    return {(row.id, row.fence) for row in rows}


def counts(db: Session) -> dict[str, int]:
    """How many there are in each state."""
    return {state: count for state, count in db.execute(
        select(Delivery.state, func.count()).group_by(Delivery.state))}


def _shown() -> Select[Delivery, str]:
    return select(Delivery, User.name).join(User, User.id == Delivery.user_id)


def _known(db: Session, case: Case, wanted: Wanted) -> Delivery | None:
    """The one that is on its way to the same ticket, or has arrived there and is not wanted again."""
    states = OPEN if wanted.again else (*OPEN, "delivered")
    return db.scalar(select(Delivery).where(
        Delivery.case_id == case.id, Delivery.target == wanted.target, Delivery.place == wanted.place,
        Delivery.ticket == wanted.ticket, Delivery.state.in_(states))
        .order_by(Delivery.created_at.desc(), Delivery.id).limit(1))


def _is_due(db: Session) -> ColumnElement[bool]:
    at = now(db)
    return or_(and_(Delivery.state == "queued", Delivery.not_before <= at),
               and_(Delivery.state == "sending", Delivery.lease_until < at))


def _held(db: Session, delivery_id: str, fence: int) -> Delivery | None:
    return db.scalar(select(Delivery).where(Delivery.id == delivery_id, Delivery.state == "sending",
                                            Delivery.fence == fence)
                     .with_for_update().execution_options(populate_existing=True))


def _stop(db: Session, row: Delivery) -> None:
    if row.state == "sending":
        row.cancel_asked = True
    elif row.state == "queued":
        _end(db, row, "cancelled")


def _end(db: Session, row: Delivery, state: Ended) -> None:
    row.state, row.ended_at, row.lease_until, row.share_url = state, now(db), None, None
    if state != "delivered":
        _revoke(db, row)
    if db.get_one(Case, row.case_id).deleted_at is not None:
        row.said, row.left_out = None, []  # as `forget` has it, also for what was being sent


def _revoke(db: Session, row: Delivery) -> None:
    if row.share_id is not None:
        shares.revoke(db, row.case_id, row.share_id)
