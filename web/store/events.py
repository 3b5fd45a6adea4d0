"""The progress of a case, line by line. In: what happened. Out: rows in their order, to be told from any one on."""

from typing import Any, Final, Literal

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from web.store.database import now
from web.store.tables import Case, Event

Kind = Literal["state", "step", "picture"]
PAGE: Final = 500
"""Events told at a time."""


def append(db: Session, case_id: str, kind: Kind, data: dict[str, Any]) -> Event:
    """Adds one line.

    `state` has the keys state and reason (null when there is none); `step` those of StepRecord; `picture` none.
    """
    # Where rows are locked one by one, ids of one case must become visible in their order: `since` skips none then.
    db.execute(select(Case.id).where(Case.id == case_id).with_for_update())
    event = Event(case_id=case_id, at=now(db), kind=kind, data=data)
    db.add(event)
    db.flush()
    return event


def since(db: Session, case_id: str, after_id: int = 0, limit: int = PAGE) -> list[Event]:
    """What happened after the event of that id, oldest first."""
    wanted = select(Event).where(Event.case_id == case_id, Event.id > after_id).order_by(Event.id).limit(limit)
    return list(db.scalars(wanted))


def forget(db: Session, case_id: str) -> None:
    """Removes all lines of a case."""
    db.execute(delete(Event).where(Event.case_id == case_id))
