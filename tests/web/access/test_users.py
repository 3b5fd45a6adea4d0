"""Users: names, roles, and that somebody can always administer."""

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from tests.web.serving import Served, password_hash
from web.access import passwords, users
from web.errors import BadField, Conflict, NotFound
from web.store.tables import Invitation, Login, Token, User


def test_local_mode_has_one_user_until_somebody_has_a_password(service: Served) -> None:
    with service.database.transaction() as db:
        assert users.local(db).id == users.local(db).id
        assert not users.has_team(db)
        users.create(db, "ann", "member")
        assert not users.has_team(db)
    service.add_user("member", "ann")
    with service.database.reading() as db:
        assert users.has_team(db)


@pytest.mark.parametrize("name", [
    "", " ", "local", "LOCAL", "-ann", "ann bob", "a" * 65, "ann\nbob", "<b>", "ann/../bob", "änn", "ann\0", "a;b"])
def test_names_that_mean_something_elsewhere_are_refused(service: Served, name: str) -> None:
    with service.database.transaction() as db, pytest.raises(BadField):
        users.create(db, name, "member")


def test_upper_and_lower_case_are_one_name(service: Served) -> None:
    with service.database.transaction() as db:
        made = users.create(db, "Ann@Example.com", "viewer")
        assert made.name == "ann@example.com"
        assert users.by_name(db, " ANN@example.com ") is made
        with pytest.raises(BadField, match="already"):
            users.create(db, "ann@EXAMPLE.com", "viewer")


def test_roles_are_three(service: Served) -> None:
    with service.database.transaction() as db:
        with pytest.raises(BadField):
            users.create(db, "ann", "root")
        assert [users.create(db, role, role).role for role in ("viewer", "member", "admin")] == [
            "viewer", "member", "admin"]


def test_a_user_that_is_none_is_not_found(service: Served) -> None:
    with service.database.reading() as db:
        for user_id in ("", "x", "0" * 26):
            with pytest.raises(NotFound):
                users.get(db, user_id)


def fresh(db: Session, user: User) -> User:
    return users.get(db, user.id)


def demote(db: Session, user: User) -> None:
    users.set_role(db, user, "member")


CHANGES: dict[str, Callable[[Session, User], None]] = {
    "disable": users.disable, "demote": demote, "forget": users.forget_password}


@pytest.mark.parametrize("what", CHANGES)
def test_the_last_administrator_stays(service: Served, what: str) -> None:
    one = service.add_user("admin", "one")
    change = CHANGES[what]
    with service.database.transaction() as db:
        users.create(db, "invited", "admin")
        with pytest.raises(Conflict, match="only administrator"):
            change(db, fresh(db, one))
    service.add_user("admin", "two")
    with service.database.transaction() as db:
        change(db, fresh(db, one))
    with service.database.transaction() as db, pytest.raises(Conflict):
        change(db, users.by_name(db, "two") or one)


def test_whoever_is_disabled_is_shut_out_and_old_tokens_stay_dead(service: Served) -> None:
    service.add_user("admin")
    browser = service.log_in("member", "ann")
    assert browser.user is not None
    service.token(browser.user)
    with service.database.transaction() as db:
        users.disable(db, fresh(db, browser.user))
    assert service.count(Login) == 0
    with service.database.transaction() as db:
        ann = fresh(db, browser.user)
        users.enable(db, ann)
        assert ann.disabled_at is None
    with service.database.reading() as db:
        assert all(token.revoked_at for token in db.query(Token))


def test_a_reset_makes_the_password_worthless_but_team_mode_stays(service: Served) -> None:
    service.add_user("admin")
    ann = service.add_user("member", "ann")
    with service.database.transaction() as db:
        users.forget_password(db, fresh(db, ann))
        assert fresh(db, ann).password_hash == passwords.UNUSABLE
        assert users.has_team(db)


def test_the_first_administrator_takes_over_what_was_made_locally(service: Served) -> None:
    with service.database.transaction() as db:
        local = users.local(db).id
        found = users.found(db, "Ann", password_hash())
        assert (found.id, found.name, found.role) == (local, "ann", "admin")
        with pytest.raises(Conflict):
            users.found(db, "bob", password_hash())
    assert service.count(Invitation) == 0
