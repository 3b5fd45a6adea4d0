"""Who asks, and what they may do. In: the current request. Out: a Principal, or Unauthenticated or Forbidden."""

from dataclasses import dataclass
from typing import Final, Literal

from flask import g

from web.errors import Forbidden, Unauthenticated
from web.store.tables import Case, User

Role = Literal["viewer", "member", "admin"]
Scope = Literal["read", "capture", "admin"]
Via = Literal["local", "login", "token"]

ROLES: Final[tuple[Role, ...]] = ("viewer", "member", "admin")
"""From the one that may do least."""
SCOPES: Final[dict[Role, tuple[Scope, ...]]] = {
    "viewer": ("read",), "member": ("read", "capture"), "admin": ("read", "capture", "admin")}
"""What a role may do at most."""
_NEEDS: Final[dict[Scope, Role]] = {"read": "viewer", "capture": "member", "admin": "admin"}


@dataclass(frozen=True)
class Principal:
    """Whoever makes the request."""

    user_id: str
    """Id of the user."""
    name: str
    """Name of the user."""
    role: Role
    """Role of the user; of a token, no more than its scopes need."""
    scopes: frozenset[Scope]
    """What may be done."""
    via: Via
    """How we know: from the only machine that can reach us, by a login, by a token."""

    def can(self, scope: Scope) -> bool:
        """Whether they may do that at all."""
        return scope in self.scopes


def of_user(user: User, via: Via, scopes: frozenset[Scope] | None = None) -> Principal:
    """The principal of a user; `scopes` are those of a token, and never give more than the role does."""
    held: Role = role_named(user.role)
    if scopes is None:
        return Principal(user.id, user.name, held, frozenset(SCOPES[held]), via)
    granted = scopes & set(SCOPES[held])
    needed = max((ROLES.index(_NEEDS[scope]) for scope in granted), default=0)
    return Principal(user.id, user.name, ROLES[needed], granted, via)


def role_named(name: str) -> Role:
    """The role of that name; a name that is none counts as the least."""
    return next((role for role in ROLES if role == name), "viewer")


def anybody() -> Principal | None:
    """Whoever makes the current request; None when nobody is known."""
    principal: Principal | None = g.get("principal")
    return principal


def current() -> Principal:
    """Whoever makes the current request; raises Unauthenticated when nobody is known."""
    principal = anybody()
    if principal is None:
        raise Unauthenticated("log in first")
    return principal


def require(role: Role = "viewer", scope: Scope = "read") -> Principal:
    """Whoever makes the current request, when they have at least this role and this scope.

    Raises Unauthenticated when nobody is known and Forbidden when they may not.
    """
    principal = current()
    if ROLES.index(principal.role) < ROLES.index(role) or not principal.can(scope):
        raise Forbidden(f"your {'token' if principal.via == 'token' else 'role'} does not allow this")
    return principal


def may_see(principal: Principal, case: Case) -> bool:
    """Whether they may read the case: its owner, admins, and everybody when it was opened to the team."""
    return principal.can("read") and (principal.role == "admin" or case.team or case.owner_id == principal.user_id)


def may_change(principal: Principal, case: Case) -> bool:
    """Whether they may share, hold, open or delete the case: its owner, unless a viewer now, and admins."""
    return principal.can("capture") and (principal.role == "admin" or case.owner_id == principal.user_id)
