"""Finding what a page is about. In: an id of the address, whoever asks. Out: the row, or a bare error."""

from functools import lru_cache
from pathlib import Path

from sqlalchemy.orm import Session

from capture.record import codec
from capture.record.bundle import BundleError
from report.diagnosis import Diagnosis
from web.access.principal import current, may_change
from web.errors import Forbidden, Gone
from web.store import cases
from web.store.tables import Case

DIAGNOSIS = "report/diagnosis.json"


def seen(db: Session, case_id: str) -> Case:
    """A case that whoever asks may see, tombstones too; raises NotFound for every other."""
    return cases.get(db, current(), case_id)


def living(db: Session, case_id: str) -> Case:
    """The same, and it was not deleted; raises NotFound or Gone."""
    case = seen(db, case_id)
    if case.deleted_at is not None:
        raise Gone("this case was deleted")
    return case


def changeable(db: Session, case_id: str) -> Case:
    """A case that whoever asks may change; raises NotFound, Gone or Forbidden."""
    case = living(db, case_id)
    if not may_change(current(), case):
        raise Forbidden("only the owner of a case and the administrators can change it")
    return case


@lru_cache(maxsize=64)
def _diagnosis(path: Path) -> Diagnosis:
    return codec.load(Diagnosis, path.read_bytes())


def diagnosis(directory: Path) -> Diagnosis | None:
    """The verdict of a published case; None when it cannot be read. What is published never changes."""
    try:
        return _diagnosis(directory / DIAGNOSIS)
    except (OSError, BundleError, codec.UnreadableRecord):
        return None
