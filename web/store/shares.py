"""Share links. In: a case, a life in days, perhaps a passphrase. Out: a token, told once and kept as a hash.

Whoever has the link sees one dossier until the link ends or is revoked. Unknown, ended and revoked links are answered
alike, and each look is kept with its address.
"""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from web.errors import BadField, Conflict, NotFound
from web.store import ids
from web.store.database import now
from web.store.tables import Case, Share, ShareView, User

TOKEN_BYTES: Final = 16
"""Random bytes of a token: 128 bits (22 characters of base64url)."""
LEAST_PASSPHRASE: Final = 8
MOST_PASSPHRASE: Final = 200
"""Characters of a passphrase."""
VIEWS_SHOWN: Final = 20
VIEWS_KEPT: Final = 1_000
"""Looks that are kept of one link; older ones are forgotten."""
LINKS: Final = 50
"""Links of one case that work at a time."""
SHARED: Final = ("report/dossier.html", "report/dossier.pdf", "report/dossier.zip")
"""The files that a link shows."""
_NOTHING: Final = "this link does not work, or does not work any more"


@dataclass(frozen=True)
class Shown:
    """A link as its owner sees it."""

    share: Share
    by: str
    """Name of who made it."""
    over: bool
    """Whether its time has ended."""
    looks: int
    """How often it was looked through."""
    views: Sequence[ShareView]
    """The last looks, newest first."""


def create(db: Session, case: Case, user_id: str, days: int, most_days: int,
           passphrase_hash: str | None = None) -> tuple[Share, str]:
    """A new link of a case that has a dossier, and its token; raises BadField and Conflict."""
    if not 1 <= days <= most_days:
        raise BadField("days", f"a link lives 1 to {most_days} days")
    if case.number is None:
        raise Conflict("there is no dossier to share")
    at = now(db)
    active = select(func.count()).select_from(Share).where(
        Share.case_id == case.id, Share.revoked_at.is_(None), Share.expires_at > at)
    if (db.scalar(active) or 0) >= LINKS:
        raise Conflict(f"this case has {LINKS} links that work; revoke one first")
    token = secrets.token_urlsafe(TOKEN_BYTES)
    share = Share(id=ids.new_id(), case_id=case.id, token_hash=_hash(token), created_by=user_id, created_at=at,
                  expires_at=at + timedelta(days=days), passphrase_hash=passphrase_hash)
    db.add(share)
    db.flush()
    return share, token


def check_passphrase(passphrase: str) -> None:
    """Raises BadField when a passphrase is too short or too long."""
    if not LEAST_PASSPHRASE <= len(passphrase) <= MOST_PASSPHRASE:
        raise BadField("passphrase", f"a passphrase has {LEAST_PASSPHRASE} to {MOST_PASSPHRASE} characters")


def revoke(db: Session, case_id: str, share_id: str) -> Share:
    """Ends a link of this case at once; twice changes nothing. Raises NotFound."""
    share = db.scalar(select(Share).where(Share.id == share_id, Share.case_id == case_id))
    if share is None:
        raise NotFound("there is no such link")
    share.revoked_at = share.revoked_at or now(db)
    return share


def find(db: Session, token: str) -> tuple[Share, Case]:
    """The link of a token and its case, when it works; raises NotFound for every other, and while whoever made it may
    not log in."""
    row = db.execute(select(Share, Case).join(Case, Case.id == Share.case_id).join(
        User, User.id == Share.created_by).where(
        Share.token_hash == _hash(token), Share.revoked_at.is_(None), Share.expires_at > now(db),
        Case.deleted_at.is_(None), User.disabled_at.is_(None))).first()
    if row is None:
        raise NotFound(_NOTHING)
    return row[0], row[1]


def look(db: Session, share: Share, address: str, agent: str) -> ShareView:
    """Notes that somebody looked."""
    view = ShareView(share_id=share.id, at=now(db), address=address[:64], agent=agent[:256])
    db.add(view)
    db.flush()
    newest = select(ShareView.id).where(ShareView.share_id == share.id).order_by(ShareView.id.desc()).limit(VIEWS_KEPT)
    db.execute(delete(ShareView).where(ShareView.share_id == share.id, ShareView.id.not_in(newest)))
    return view


def listing(db: Session, case_id: str) -> list[Shown]:
    """All links of a case, newest first, with who looked."""
    at = now(db)
    found = db.execute(select(Share, User.name).join(User, User.id == Share.created_by)
                       .where(Share.case_id == case_id).order_by(Share.created_at.desc(), Share.id)).all()
    return [Shown(share, name, share.expires_at <= at, *_views(db, share.id)) for share, name in found]




def _views(db: Session, share_id: str) -> tuple[int, Sequence[ShareView]]:
    mine = ShareView.share_id == share_id
    count = db.scalar(select(func.count()).select_from(ShareView).where(mine)) or 0
    return count, list(db.scalars(select(ShareView).where(mine).order_by(ShareView.id.desc()).limit(VIEWS_SHOWN)))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
