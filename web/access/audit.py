"""Who did what. In: what happens. Out: rows that are only ever added, and pages of them, newest first."""

import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from web.store.database import now
from web.store.masking import masked
from web.store.tables import Audit

PAGE: Final = 100
_UNREADABLE: Final = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\U0010ffff]")
"""Control characters, lone surrogates, and what turns the direction of a line."""


def note(db: Session, user_name: str, address: str, action: str, subject: str = "", detail: str = "") -> None:
    """Adds a line, in the transaction of what it tells. `detail` is one line; secrets in it are masked."""
    db.add(Audit(at=now(db), user_name=plain(user_name)[:64], address=plain(address)[:64], action=action[:32],
                 subject=plain(subject)[:64], detail=plain(masked(detail))[:500]))


def page(db: Session, before: int | None = None, action: str = "", user: str = "") -> Sequence[Audit]:
    """Lines before the one of that id, newest first; of one action or user when given."""
    found = select(Audit).order_by(Audit.id.desc()).limit(PAGE)
    for column, value in ((Audit.action, action), (Audit.user_name, user)):
        found = found.where(column == plain(value)) if value else found
    return list(db.scalars(found if before is None else found.where(Audit.id < before)))


def plain(text: str) -> str:
    """One line of it, in which nothing acts on a terminal, a log or the direction of the text."""
    return _UNREADABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def number(text: str) -> int | None:
    """The id of a line, from an address; None for everything else."""
    return int(text) if re.fullmatch("[0-9]{1,18}", text) else None
