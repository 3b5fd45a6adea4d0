"""API tokens. In: a user, a name, scopes, a life. Out: a secret that is shown once; the principal of who sends it."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from web.access import secret
from web.access.principal import SCOPES, Principal, Scope, of_user, role_named
from web.errors import BadField, NotFound, TooMany
from web.store import ids
from web.store.database import now
from web.store.tables import Token, User

PREFIX: Final = "gw_"
"""By which people and scanners for leaked secrets know one."""
MOST: Final = 50
"""Tokens of one user that work."""
LONGEST_DAYS: Final = 3650
TOUCH: Final = timedelta(minutes=1)
ALL: Final = SCOPES["admin"]


def create(db: Session, user: User, name: str, scopes: Collection[str], days: int | None) -> tuple[Token, str]:
    """A new token and its secret, which is not kept; `days` None never ends.

    Raises BadField for what makes no sense or is more than the user's role, TooMany when the user has too many.
    """
    name = name.strip()
    if not 1 <= len(name) <= 64 or not name.isprintable():
        raise BadField("name", "a token has a name of up to 64 characters, so that you know later what it is for")
    wanted = tuple(scope for scope in ALL if scope in scopes)
    if not wanted or len(wanted) != len(set(scopes)):
        raise BadField("scopes", f"choose what the token may do: {', '.join(ALL)}")
    if not set(wanted) <= set(SCOPES[role_named(user.role)]):
        raise BadField("scopes", "a token can do no more than you")
    if days is not None and not 1 <= days <= LONGEST_DAYS:
        raise BadField("days", f"a token lives 1 to {LONGEST_DAYS} days")
    at = now(db)
    _check_count(db, user)
    text = secret.new(PREFIX)
    token = Token(id=ids.new_id(), token_hash=secret.digest(text), user_id=user.id, name=name, scopes=" ".join(wanted),
                  created_at=at, expires_at=None if days is None else at + timedelta(days=days))
    db.add(token)
    db.flush()
    return token, text


def find(db: Session, text: str) -> tuple[Token, Principal] | None:
    """The token of a secret and whom it stands for; None when it has ended, was revoked, or the user is shut out."""
    if not text.startswith(PREFIX) or len(text) > secret.LONGEST:
        return None
    row = db.execute(select(Token, User).join(User, User.id == Token.user_id).where(
        Token.token_hash == secret.digest(text), Token.revoked_at.is_(None), User.disabled_at.is_(None))).first()
    if row is None or (row[0].expires_at is not None and row[0].expires_at <= now(db)):
        return None
    return row[0], of_user(row[1], "token", _scopes(row[0]))


def is_stale(db: Session, token: Token) -> bool:
    """Whether the use of it is to be noted."""
    return token.used_at is None or now(db) - token.used_at > TOUCH


def touch(db: Session, token_id: str) -> None:
    """Notes that it is used."""
    token = db.get(Token, token_id)
    if token is not None:
        token.used_at = now(db)


def of(db: Session, user_id: str) -> Sequence[Token]:
    """All tokens of a user, those that ended too, newest first."""
    return list(db.scalars(select(Token).where(Token.user_id == user_id).order_by(Token.created_at.desc())))


def revoke(db: Session, user_id: str, token_id: str) -> Token:
    """Ends a token of the user; raises NotFound, also for tokens of others. Revoking twice changes nothing."""
    token = db.scalar(select(Token).where(Token.id == token_id, Token.user_id == user_id))
    if token is None:
        raise NotFound("there is no such token")
    token.revoked_at = token.revoked_at or now(db)
    return token


def _check_count(db: Session, user: User) -> None:
    mine = select(func.count()).select_from(Token).where(Token.user_id == user.id, Token.revoked_at.is_(None))
    if (db.scalar(mine) or 0) >= MOST:
        raise TooMany(f"a user has at most {MOST} tokens; revoke one first", 60)


def _scopes(token: Token) -> frozenset[Scope]:
    held = token.scopes.split()
    return frozenset(scope for scope in ALL if scope in held)
