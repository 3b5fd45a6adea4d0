"""Cases and their history. In: who asks, and for what. Out: rows that they may see; tombstones of those deleted."""

import base64
import binascii
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, Protocol, TypeVar, TypeVarTuple

from sqlalchemy import ColumnElement, Select, and_, delete, false, func, or_, select, true
from sqlalchemy.orm import Session

from capture.errors import BadInput
from capture.policy import bare_host
from web.errors import Conflict, NotFound
from web.store import deliveries, events, ids
from web.store.database import now
from web.store.masking import masked
from web.store.tables import Case, LogExcerpt, Note, Share, ShareView

PAGE: Final = 50
MOST: Final = 200
"""Rows of one page: usual, and at most."""
Columns = TypeVarTuple("Columns")
Row = TypeVar("Row")
_FAILURE: Final = re.compile("[0-9a-f]{1,64}")
_UNREADABLE: Final = re.compile(r"[\0\ud800-\udfff]")


class Viewer(Protocol):
    """Whoever asks; a Principal is one."""

    @property
    def user_id(self) -> str:
        """Id of the user."""

    @property
    def role(self) -> str:
        """viewer, member or admin."""


@dataclass(frozen=True)
class Query:
    """What is looked for; everything that is given must hold."""

    host: str | None = None
    """The host itself, or a domain that it is under."""
    vendor: str | None = None
    """Slug of who wrote the page."""
    code: str | None = None
    """The vendor's code, ours, or the HTTP status."""
    verdict: str | None = None
    """Side of the fault: client, dns, tls, network, edge, origin, unknown."""
    state: str | None = None
    """queued, running, done, cut-short, failed, refused, cancelled."""
    failure: str | None = None
    """Fingerprint of a group."""
    since: datetime | None = None
    """Not older than."""
    until: datetime | None = None
    """Older than."""
    text: str | None = None
    """Part of the URL, summary, number or id; upper and lower case are the same."""
    deleted: bool = False
    """Whether tombstones are shown too."""


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Some of what was found, newest first."""

    rows: Sequence[Row]
    """Cases, or groups of them."""
    next: str | None
    """Cursor of the next page; None on the last one."""


@dataclass(frozen=True)
class Group:
    """All cases of one failure."""

    failure: str
    """Fingerprint."""
    count: int
    """How many."""
    first: datetime
    """When the oldest was made."""
    last: datetime
    """When the newest was made."""
    newest: Case
    """The newest."""


def visible(principal: Viewer) -> ColumnElement[bool]:
    """The condition on Case that holds for what somebody may see: their own, the team's; admins see all."""
    return true() if principal.role == "admin" else or_(Case.owner_id == principal.user_id, Case.team)


def get(db: Session, principal: Viewer, case_id: str) -> Case:
    """One case, a tombstone too; raises NotFound when there is none or it is not for these eyes."""
    case = db.scalar(select(Case).where(Case.id == case_id, visible(principal))) if case_id.isascii() else None
    if case is None:
        raise NotFound("there is no such case")
    return case


def search(db: Session, principal: Viewer, query: Query | None = None, cursor: str | None = None,
           limit: int = PAGE) -> Page[Case]:
    """One page of what is found, newest first; raises BadInput for a cursor that is none of ours."""
    limit = max(1, min(limit, MOST))
    found = _matching(select(Case), principal, query or Query())
    if cursor is not None:
        at, case_id = _read(cursor, ids.valid)
        found = found.where(or_(Case.created_at < at, and_(Case.created_at == at, Case.id < case_id)))
    rows = list(db.scalars(found.order_by(Case.created_at.desc(), Case.id.desc()).limit(limit + 1)))
    return Page(rows[:limit], _cursor(rows[limit - 1].created_at, rows[limit - 1].id) if len(rows) > limit else None)


def groups(db: Session, principal: Viewer, query: Query | None = None, cursor: str | None = None,
           limit: int = PAGE) -> Page[Group]:
    """One page of failures and their cases, the one seen last first; raises BadInput for a cursor that is none of
    ours."""
    limit = max(1, min(limit, MOST))
    query, first, last = query or Query(), func.min(Case.created_at), func.max(Case.created_at)
    each = (_matching(select(Case.failure, func.count(), first, last), principal, query)
            .where(Case.failure.is_not(None)).group_by(Case.failure)
            .order_by(last.desc(), Case.failure).limit(limit + 1))
    if cursor is not None:
        at, failure = _read(cursor, _FAILURE.fullmatch)
        each = each.having(or_(last < at, and_(last == at, Case.failure > failure)))
    found = db.execute(each).all()
    ends = or_(false(), *(and_(Case.failure == failure, Case.created_at == at) for failure, _, _, at in found))
    newest = {case.failure: case for case in db.scalars(_matching(select(Case), principal, query).where(ends)
                                                        .order_by(Case.id))}
    rows = [Group(failure or "", count, first, last, newest[failure]) for failure, count, first, last in found]
    return Page(rows[:limit], _cursor(rows[limit - 1].last, rows[limit - 1].failure) if len(rows) > limit else None)


def timeline(db: Session, principal: Viewer, case: Case, limit: int = MOST) -> list[Case]:
    """All captures of the same URL, this one too, newest first; secrets in the URL may differ."""
    if not case.address:
        return [case]
    same = select(Case).where(visible(principal), Case.address == case.address, Case.deleted_at.is_(None))
    return list(db.scalars(same.order_by(Case.created_at.desc(), Case.id.desc()).limit(limit)))


def rechecks(db: Session, principal: Viewer, case_id: str) -> list[Case]:
    """The captures that were made to look at this one again, oldest first."""
    later = select(Case).where(visible(principal), Case.recheck_of == case_id, Case.deleted_at.is_(None))
    return list(db.scalars(later.order_by(Case.created_at, Case.id)))


def log_excerpt(db: Session, case_id: str) -> str | None:
    """The log lines that came with the request, masked."""
    return db.scalar(select(LogExcerpt.text).where(LogExcerpt.case_id == case_id))


def counts(db: Session) -> dict[str, int]:
    """How many cases there are in each state, tombstones left out."""
    rows = db.execute(select(Case.state, func.count()).where(Case.deleted_at.is_(None)).group_by(Case.state))
    return {state: count for state, count in rows}


def tombstone(db: Session, case_id: str, who: str, why: str) -> Case:
    """Deletes what the case says; its row, host, number and the hash of its manifest stay, with who deleted it and why.

    Secrets in `why` are masked. The files go afterwards (`Folder.delete`, or the next sweep). Raises NotFound, and
    Conflict while it is worked on or on hold. Deleting twice changes nothing.
    """
    case = db.scalar(select(Case).where(Case.id == case_id).with_for_update())
    if case is None:
        raise NotFound("there is no such case")
    if case.deleted_at is not None:
        return case
    if case.hold:
        raise Conflict("this case is on hold; take the hold off before you delete it")
    if case.state in ("queued", "running"):
        raise Conflict("this capture has not ended; cancel it before you delete it")
    deliveries.forget(db, case_id)
    shares = select(Share.id).where(Share.case_id == case_id)
    db.execute(delete(ShareView).where(ShareView.share_id.in_(shares)))
    for table in (Share, Note, LogExcerpt):
        db.execute(delete(table).where(table.case_id == case_id))
    events.forget(db, case_id)
    case.url, case.address, case.request = "", "", {}
    case.summary, case.reason, case.failure, case.team, case.size_bytes = None, None, None, False, 0
    case.deleted_at, case.deleted_by, case.deleted_why = now(db), who, masked(why, case.host)
    return case


def _matching(found: Select[*Columns], principal: Viewer, query: Query) -> Select[*Columns]:
    found = found.where(visible(principal), *_conditions(query))
    return found if query.deleted else found.where(Case.deleted_at.is_(None))


def _conditions(query: Query) -> Iterator[ColumnElement[bool]]:
    if query.host:
        host = bare_host(_readable(query.host))
        yield or_(Case.host == host, Case.host.endswith(f".{host}", autoescape=True))
    if query.code:
        code = _readable(query.code)
        is_status = re.fullmatch(r"[1-9]\d{2}", code, re.ASCII)
        yield or_(func.lower(Case.vendor_code) == code.lower(), Case.fault_code == code,
                  *([Case.status == int(code)] if is_status else []))
    for column, value in ((Case.generator, query.vendor), (Case.fault_side, query.verdict), (Case.state, query.state),
                          (Case.failure, query.failure)):
        if value:
            yield column == _readable(value)
    if query.since:
        yield Case.created_at >= query.since
    if query.until:
        yield Case.created_at < query.until
    if query.text:
        text = _readable(query.text)
        yield or_(*(column.icontains(text, autoescape=True)
                    for column in (Case.url, Case.summary, Case.number, Case.id)))


def _readable(text: str) -> str:
    """Without what no database takes: NUL and lone surrogates."""
    return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text).strip()


def _cursor(at: datetime, name: str) -> str:
    place = f"{round(at.timestamp() * 1000)}.{name}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _read(cursor: str, is_name: Callable[[str], object]) -> tuple[datetime, str]:
    try:
        place = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        milliseconds, _, name = place.partition(".")
        if not is_name(name) or not re.fullmatch(r"\d{1,14}", milliseconds, re.ASCII):
            raise ValueError(place)
    except (binascii.Error, ValueError):
        raise BadInput("this is no cursor of ours; begin with the first page") from None
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC), name
