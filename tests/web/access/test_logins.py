"""Logins: their secret, their life, their end."""

import pytest

from tests.web.access.clock import Clock
from tests.web.serving import Served
from web.access import logins, secret, users
from web.errors import NotFound
from web.store.database import now
from web.store.tables import Login, User


def start(service: Served, user: User) -> str:
    with service.database.transaction() as db:
        return logins.start(db, service.config, user, "192.0.2.7", "Firefox")


def found(service: Served, token: str) -> Login | None:
    with service.database.reading() as db:
        row = logins.find(db, token)
        return None if row is None else row[0]


def test_the_cookie_finds_the_login_and_only_its_hash_is_kept(service: Served) -> None:
    token = start(service, service.add_user())
    row = found(service, token)
    assert row is not None
    assert (row.token_hash, row.address, row.agent) == (secret.digest(token), "192.0.2.7", "Firefox")
    assert found(service, token[:-1]) is None
    assert found(service, "") is None


def test_a_login_ends_when_it_is_not_used_and_lives_on_when_it_is(service: Served, clock: Clock) -> None:
    token = start(service, service.add_user())
    for _ in range(3):
        clock.move(hours=service.config.session_hours - 1)
        row = found(service, token)
        assert row is not None
        with service.database.transaction() as db:
            assert logins.is_stale(db, row)
            logins.touch(db, service.config, row.id)
    clock.move(hours=service.config.session_hours)
    assert found(service, token) is None


def test_no_login_lives_for_ever(service: Served, clock: Clock) -> None:
    token = start(service, service.add_user())
    row = found(service, token)
    assert row is not None
    for _ in range(100):
        clock.move(hours=8)
        with service.database.transaction() as db:
            logins.touch(db, service.config, row.id)
    assert found(service, token) is None


def test_uses_close_together_are_not_written(service: Served, clock: Clock) -> None:
    row = found(service, start(service, service.add_user()))
    assert row is not None
    with service.database.reading() as db:
        assert not logins.is_stale(db, row)


def test_whoever_is_disabled_is_not_found(service: Served) -> None:
    service.add_user("admin")
    ann = service.add_user("member", "ann")
    token = start(service, ann)
    with service.database.transaction() as db:
        users.get(db, ann.id).disabled_at = now(db)
    assert found(service, token) is None


def test_one_ends_only_ones_own(service: Served) -> None:
    ann, bob = service.add_user("member", "ann"), service.add_user("member", "bob")
    of_ann, of_bob = start(service, ann), start(service, bob)
    row = found(service, of_bob)
    assert row is not None
    with service.database.transaction() as db, pytest.raises(NotFound):
        logins.end(db, ann.id, row.id)
    with service.database.transaction() as db:
        logins.end(db, bob.id, row.id)
    assert (found(service, of_bob), found(service, of_ann) is None) == (None, False)


def test_all_others_end_and_this_one_stays(service: Served) -> None:
    ann, bob = service.add_user("member", "ann"), service.add_user("member", "bob")
    kept, other, of_bob = start(service, ann), start(service, ann), start(service, bob)
    row = found(service, kept)
    assert row is not None
    with service.database.transaction() as db:
        logins.end_others(db, ann.id, row.id)
        assert [login.id for login in logins.of(db, ann.id)] == [row.id]
    assert [found(service, token) is None for token in (kept, other, of_bob)] == [False, True, False]


def test_there_are_only_so_many_and_the_one_used_longest_ago_goes_first(service: Served, clock: Clock) -> None:
    ann = service.add_user("member", "ann")
    first = start(service, ann)
    for _ in range(logins.MOST):
        clock.move(minutes=1)
        last = start(service, ann)
    assert service.count(Login) == logins.MOST
    assert found(service, first) is None
    assert found(service, last) is not None


def test_what_has_ended_is_removed_at_the_next_login(service: Served, clock: Clock) -> None:
    ann = service.add_user("member", "ann")
    start(service, ann)
    clock.move(days=2)
    start(service, ann)
    assert service.count(Login) == 1
