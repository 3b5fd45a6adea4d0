"""How long cases are kept. In: the settings. Out: tombstones of what is too old or too much; cases on hold stay.

Age counts from when the case was asked for. Size counts what is kept, the oldest goes first.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from web.config import Config
from web.errors import Conflict
from web.store import cases
from web.store.database import Database, now
from web.store.files import Folder
from web.store.tables import Case

WHO: Final = "retention"
"""In the place of the user's name on the tombstones."""


def expire(database: Database, files: Folder, config: Config) -> list[str]:
    """Deletes what may not be kept any longer; ids of the cases that became tombstones.

    Each case is a transaction of its own, its files go after it: a crash leaves files that the next sweep removes.
    """
    with database.reading() as db:
        chosen = dict(_too_much(db, config.retention_bytes)) | dict(_too_old(db, config.retention_days))
    return [case_id for case_id, why in chosen.items() if _delete(database, files, case_id, why)]


def _kept() -> tuple[ColumnElement[bool], ...]:
    """What retention may touch: ended, not on hold, not deleted."""
    return (Case.deleted_at.is_(None), Case.hold.is_(False), Case.finished_at.is_not(None))


def _too_old(db: Session, days: int) -> Iterator[tuple[str, str]]:
    if days:
        before = now(db) - timedelta(days=days)
        for case_id in db.scalars(select(Case.id).where(*_kept(), Case.created_at < before)):
            yield case_id, f"older than {days} days"


def _too_much(db: Session, most: int) -> Iterator[tuple[str, str]]:
    if not most:
        return
    excess = (db.scalar(select(func.sum(Case.size_bytes)).where(Case.deleted_at.is_(None))) or 0) - most
    oldest = select(Case.id, Case.size_bytes).where(*_kept(), Case.size_bytes > 0).order_by(Case.created_at, Case.id)
    for case_id, size in db.execute(oldest):
        if excess <= 0:
            return
        excess -= size
        yield case_id, f"the oldest when more than {most:,} bytes were kept"


def _delete(database: Database, files: Folder, case_id: str, why: str) -> bool:
    try:
        with database.transaction() as db:
            cases.tombstone(db, case_id, WHO, why)
    except Conflict:  # put on hold a moment ago
        return False
    files.delete(case_id)
    return True
