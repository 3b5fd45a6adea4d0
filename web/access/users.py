"""Users. In: names, roles, passwords. Out: rows; never a service that nobody administers."""

import re
from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from web.access import passwords
from web.access.principal import ROLES, Role
from web.errors import BadField, Conflict, NotFound
from web.store import ids
from web.store.database import now
from web.store.tables import Invitation, Login, Token, User

LOCAL: Final = "local"
"""The one user of local mode."""
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


def has_team(db: Session) -> bool:
    """Whether somebody has a password: from then on everybody logs in."""
    return db.scalar(select(User.id).where(User.password_hash.is_not(None)).limit(1)) is not None


def local(db: Session) -> User:
    """The user of local mode; made when there is none."""
    user = by_name(db, LOCAL)
    return user if user is not None else _add(db, LOCAL, "admin")


def by_name(db: Session, name: str) -> User | None:
    """The user of that name, in upper or lower case."""
    name = name.strip().lower()
    return db.scalar(select(User).where(User.name == name)) if _NAME.fullmatch(name) else None


def get(db: Session, user_id: str) -> User:
    """The user of that id; raises NotFound."""
    user = db.get(User, user_id) if ids.valid(user_id) else None
    if user is None:
        raise NotFound("there is no such user")
    return user


def everybody(db: Session) -> Sequence[User]:
    """All users, by name."""
    return list(db.scalars(select(User).order_by(User.name)))


def create(db: Session, name: str, role: str) -> User:
    """A new user, without a password until their one-time link is used; raises BadField."""
    return _add(db, _new_name(db, name), _role(role))


def found(db: Session, name: str, password_hash: str) -> User:
    """The first administrator. What was made in local mode becomes theirs.

    Raises BadField, and Conflict when somebody was faster.
    """
    if has_team(db):
        raise Conflict("this service has an administrator already; log in")
    name = name.strip().lower()
    user = by_name(db, LOCAL)
    if user is None:
        user = create(db, name, "admin")
    elif name != LOCAL:
        user.name = _new_name(db, name)
    user.role, user.disabled_at = "admin", None
    set_password(db, user, password_hash)
    return user


def set_password(db: Session, user: User, password_hash: str) -> None:
    """Sets it, and ends every login of the user."""
    user.password_hash = password_hash
    db.execute(delete(Login).where(Login.user_id == user.id))


def set_role(db: Session, user: User, role: str) -> None:
    """Gives another role; raises BadField, and Conflict for the last administrator."""
    wanted = _role(role)
    if wanted != "admin":
        _keep_one_admin(db, user)
    user.role = wanted


def disable(db: Session, user: User) -> None:
    """Shuts the user out at once: logins, tokens and one-time links end. Raises Conflict for the last administrator."""
    _keep_one_admin(db, user)
    user.disabled_at = now(db)
    shut_out(db, user)


def enable(db: Session, user: User) -> None:
    """Lets the user in again; the tokens of before stay revoked."""
    user.disabled_at = None


def forget_password(db: Session, user: User) -> None:
    """Makes the password unusable and shuts the user out, until the one-time link is used.

    Raises Conflict for the last administrator.
    """
    _keep_one_admin(db, user)
    if user.password_hash is not None:
        user.password_hash = passwords.UNUSABLE
    shut_out(db, user)


def shut_out(db: Session, user: User) -> None:
    """Ends every login, token and one-time link of the user."""
    db.execute(delete(Login).where(Login.user_id == user.id))
    db.execute(delete(Invitation).where(Invitation.user_id == user.id))
    db.execute(update(Token).where(Token.user_id == user.id, Token.revoked_at.is_(None)).values(revoked_at=now(db)))


def _keep_one_admin(db: Session, user: User) -> None:
    able = select(User.id).where(User.role == "admin", User.disabled_at.is_(None), User.password_hash.is_not(None),
                                 User.password_hash != passwords.UNUSABLE)
    if set(db.scalars(able)) == {user.id}:
        raise Conflict("this is the only administrator who can log in; make another one first")


def _add(db: Session, name: str, role: Role) -> User:
    user = User(id=ids.new_id(), name=name, role=role, created_at=now(db))
    db.add(user)
    db.flush()
    return user


def _new_name(db: Session, name: str) -> str:
    name = name.strip().lower()
    if not _NAME.fullmatch(name) or name == LOCAL:
        raise BadField("name", "a name is up to 64 letters, digits and any of . _ @ + -, and not “local”")
    if by_name(db, name) is not None:
        raise BadField("name", "there is a user of this name already")
    return name


def _role(name: str) -> Role:
    role = next((role for role in ROLES if role == name), None)
    if role is None:
        raise BadField("role", f"a role is one of {', '.join(ROLES)}")
    return role
