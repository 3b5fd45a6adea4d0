"""Browsers that are logged in. In: a user, a cookie. Out: rows of `logins`; the secret itself is only in the cookie."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from web.access import secret
from web.config import Config
from web.errors import NotFound
from web.store import ids
from web.store.database import now
from web.store.tables import Login, User

LONGEST: Final = timedelta(days=30)
"""Life of a login however much it is used."""
TOUCH: Final = timedelta(minutes=1)
"""Uses within this time of the last one noted are not noted."""
MOST: Final = 50
"""Logins of one user; the oldest end first."""


def start(db: Session, config: Config, user: User, address: str, agent: str) -> str:
    """A new login; returns the secret for the cookie."""
    token, at = secret.new(), now(db)
    db.execute(delete(Login).where(Login.expires_at <= at))
    kept = select(Login.id).where(Login.user_id == user.id).order_by(Login.seen_at.desc()).limit(MOST - 1)
    db.execute(delete(Login).where(Login.user_id == user.id, Login.id.not_in(kept)))
    db.add(Login(id=ids.new_id(), token_hash=secret.digest(token), user_id=user.id, created_at=at, seen_at=at,
                 expires_at=at + timedelta(hours=config.session_hours), address=address[:64], agent=agent[:256]))
    db.flush()
    return token


def find(db: Session, token: str) -> tuple[Login, User] | None:
    """The login of a cookie and its user; None when it has ended, or the user is shut out."""
    row = db.execute(select(Login, User).join(User, User.id == Login.user_id).where(
        Login.token_hash == secret.digest(token), Login.expires_at > now(db), User.disabled_at.is_(None))).first()
    return None if row is None else (row[0], row[1])


def is_stale(db: Session, login: Login) -> bool:
    """Whether the use of it is to be noted."""
    return now(db) - login.seen_at > TOUCH


def touch(db: Session, config: Config, login_id: str) -> None:
    """Notes that it is used, which prolongs it."""
    login = db.get(Login, login_id)
    if login is not None:
        login.seen_at = now(db)
        login.expires_at = min(login.seen_at + timedelta(hours=config.session_hours), login.created_at + LONGEST)


def of(db: Session, user_id: str) -> Sequence[Login]:
    """The logins of a user, the one used last first."""
    return list(db.scalars(select(Login).where(Login.user_id == user_id, Login.expires_at > now(db))
                           .order_by(Login.seen_at.desc())))


def end(db: Session, user_id: str, login_id: str) -> None:
    """Ends one login of the user; raises NotFound, also for logins of others."""
    ended = db.scalar(delete(Login).where(Login.id == login_id, Login.user_id == user_id).returning(Login.id))
    if ended is None:
        raise NotFound("there is no such login")


def end_token(db: Session, token: str) -> None:
    """Ends the login of a cookie, whosever it was."""
    db.execute(delete(Login).where(Login.token_hash == secret.digest(token)))


def end_others(db: Session, user_id: str, kept: str) -> None:
    """Ends every login of the user but the one of that id."""
    db.execute(delete(Login).where(Login.user_id == user_id, Login.id != kept))
