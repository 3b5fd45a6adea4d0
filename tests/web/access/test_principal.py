"""Who may do what, as a table."""

from datetime import UTC, datetime

import pytest
from flask import Flask, g

from web.access.principal import (
    Principal,
    Role,
    Scope,
    anybody,
    current,
    may_change,
    may_see,
    of_user,
    require,
    role_named,
)
from web.errors import Forbidden, Unauthenticated
from web.store.tables import Case, User


def user(role: str, user_id: str = "ann") -> User:
    return User(id=user_id, name=user_id, role=role, created_at=datetime.now(UTC))


def logged_in(role: str, user_id: str = "ann") -> Principal:
    return of_user(user(role, user_id), "login")


def by_token(role: str, *scopes: Scope) -> Principal:
    return of_user(user(role), "token", frozenset(scopes))


@pytest.mark.parametrize(("role", "scopes", "acts_as", "can"), [
    ("admin", ("read", "capture", "admin"), "admin", {"read", "capture", "admin"}),
    ("admin", ("read", "capture"), "member", {"read", "capture"}),
    ("admin", ("read",), "viewer", {"read"}),
    ("admin", ("capture",), "member", {"capture"}),
    ("member", ("read", "capture", "admin"), "member", {"read", "capture"}),
    ("viewer", ("read", "capture", "admin"), "viewer", {"read"}),
    ("viewer", ("admin",), "viewer", set()),
    ("nonsense", ("read", "admin"), "viewer", {"read"}),
])
def test_a_token_never_does_more_than_its_scopes_nor_than_its_user(
        role: str, scopes: tuple[Scope, ...], acts_as: Role, can: set[Scope]) -> None:
    principal = by_token(role, *scopes)
    assert (principal.role, set(principal.scopes)) == (acts_as, can)


@pytest.mark.parametrize(("owner", "team", "principal", "sees", "changes"), [
    ("ann", False, logged_in("member"), True, True),
    ("ann", False, logged_in("viewer"), True, False),
    ("bob", False, logged_in("member"), False, False),
    ("bob", False, logged_in("viewer"), False, False),
    ("bob", False, logged_in("admin"), True, True),
    ("bob", True, logged_in("member"), True, False),
    ("bob", True, logged_in("viewer"), True, False),
    ("bob", False, by_token("admin", "read"), False, False),
    ("ann", False, by_token("member", "read"), True, False),
    ("ann", False, by_token("member", "capture"), False, True),
])
def test_cases_are_private_until_they_are_opened(
        owner: str, team: bool, principal: Principal, sees: bool, changes: bool) -> None:
    case = Case(owner_id=owner, team=team)
    assert (may_see(principal, case), may_change(principal, case)) == (sees, changes)


def test_nobody_is_nobody(app: Flask) -> None:
    with app.test_request_context():
        assert anybody() is None
        with pytest.raises(Unauthenticated):
            current()
        with pytest.raises(Unauthenticated):
            require()


@pytest.mark.parametrize(("principal", "role", "scope", "allowed"), [
    (logged_in("member"), "member", "capture", True),
    (logged_in("viewer"), "member", "capture", False),
    (logged_in("member"), "admin", "read", False),
    (by_token("admin", "read"), "viewer", "capture", False),
    (by_token("admin", "read", "admin"), "admin", "admin", True),
    (by_token("admin", "read", "admin"), "member", "capture", False),
])
def test_role_and_scope_are_both_needed(
        app: Flask, principal: Principal, role: Role, scope: Scope, allowed: bool) -> None:
    with app.test_request_context():
        g.principal = principal
        if allowed:
            assert require(role, scope) is principal
        else:
            with pytest.raises(Forbidden):
                require(role, scope)


def test_an_unknown_role_may_do_least() -> None:
    assert [role_named(name) for name in ("admin", "member", "viewer", "root", "")] == [
        "admin", "member", "viewer", "viewer", "viewer"]
