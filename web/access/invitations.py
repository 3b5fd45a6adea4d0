"""One-time links by which a password is set. In: a user, or nobody yet. Out: a secret to hand over; who used it."""

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from web.access import secret, users
from web.config import Config
from web.errors import NotFound
from web.store import ids
from web.store.database import Database, now
from web.store.tables import Invitation, User

HOURS: Final = 72
"""Life of a link, hours."""


def invite(db: Session, user: User | None) -> str:
    """A new secret for the user, or, without one, for the first administrator; links of before end."""
    token, at = secret.new(), now(db)
    db.execute(delete(Invitation).where(
        Invitation.user_id.is_(None) if user is None else Invitation.user_id == user.id))
    db.add(Invitation(id=ids.new_id(), token_hash=secret.digest(token), user_id=None if user is None else user.id,
                      created_at=at, expires_at=at + timedelta(hours=HOURS)))
    return token


def find(db: Session, token: str) -> Invitation:
    """The invitation of a secret; raises NotFound when it was used, has ended or never was."""
    row = db.scalar(select(Invitation).where(Invitation.token_hash == secret.digest(token)))
    user = db.get(User, row.user_id) if row is not None and row.user_id is not None else None
    if row is None or row.expires_at <= now(db) or (user is not None and user.disabled_at is not None):
        raise NotFound("this link was used or has ended; ask for a new one")
    return row


def use(db: Session, token: str, name: str, password_hash: str) -> User:
    """Sets the password and erases the link; `name` counts for the first administrator only.

    Raises NotFound, BadField and Conflict; the link stays usable then.
    """
    row = find(db, token)
    if row.user_id is None:
        user = users.found(db, name, password_hash)
    else:
        user = users.get(db, row.user_id)
        users.set_password(db, user, password_hash)
    db.delete(row)
    return user


def first(database: Database) -> str | None:
    """Path of a new link for the first administrator; None when there is one. What was printed before ends."""
    with database.transaction() as db:
        return None if users.has_team(db) else f"/setup/{invite(db, None)}"


def link(config: Config, here: str, token: str) -> str:
    """The whole address; `here` is how the service is reached now, for where no public address is set."""
    return f"{(config.public_url or here).rstrip('/')}/setup/{token}"
