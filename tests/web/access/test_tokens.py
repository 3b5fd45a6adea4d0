"""API tokens: shown once, scoped, ending."""

import pytest

from tests.web.access.clock import START, Clock
from tests.web.serving import Served
from web.access import secret, tokens, users
from web.access.principal import Principal
from web.errors import BadField, NotFound, TooMany
from web.store.tables import Token, User


def create(service: Served, user: User, *scopes: str, days: int | None = 30) -> tuple[Token, str]:
    with service.database.transaction() as db:
        return tokens.create(db, user, "for tests", scopes or ("read",), days)


def found(service: Served, text: str) -> Principal | None:
    with service.database.reading() as db:
        row = tokens.find(db, text)
        return None if row is None else row[1]


def test_a_token_stands_for_its_user_within_its_scopes(service: Served) -> None:
    ann = service.add_user("admin", "ann")
    token, text = create(service, ann, "read", "capture")
    principal = found(service, text)
    assert text.startswith("gw_")
    assert token.token_hash == secret.digest(text)
    assert principal == Principal(ann.id, "ann", "member", frozenset({"read", "capture"}), "token")


@pytest.mark.parametrize("text", ["", "gw_", "gw_" + "x" * 43, "x" * 46, "gw_" + "x" * 5_000, "gw_\0", "gw_\ud800"])
def test_what_is_no_token_finds_nobody(service: Served, text: str) -> None:
    create(service, service.add_user())
    assert found(service, text) is None


def test_a_token_ends_by_itself(service: Served, clock: Clock) -> None:
    _, text = create(service, service.add_user(), days=30)
    _, endless = create(service, service.add_user(), days=None)
    clock.move(days=30)
    assert found(service, text) is None
    assert found(service, endless) is not None


def test_a_revoked_token_is_worth_nothing_at_once(service: Served, clock: Clock) -> None:
    ann = service.add_user()
    token, text = create(service, ann)
    for _ in range(2):
        with service.database.transaction() as db:
            assert tokens.revoke(db, ann.id, token.id).revoked_at == START
        clock.move(minutes=1)
    assert found(service, text) is None


def test_nobody_revokes_those_of_others(service: Served) -> None:
    bob = service.add_user("member", "bob")
    token, text = create(service, service.add_user("member", "ann"))
    with service.database.transaction() as db, pytest.raises(NotFound):
        tokens.revoke(db, bob.id, token.id)
    assert found(service, text) is not None


def test_tokens_follow_the_role_of_their_user(service: Served) -> None:
    service.add_user("admin")
    ann = service.add_user("admin", "ann")
    _, text = create(service, ann, "read", "capture", "admin")
    with service.database.transaction() as db:
        users.set_role(db, users.get(db, ann.id), "viewer")
    principal = found(service, text)
    assert principal is not None
    assert principal.role == "viewer"
    assert set(principal.scopes) == {"read"}
    with service.database.transaction() as db:
        users.disable(db, users.get(db, ann.id))
    assert found(service, text) is None


@pytest.mark.parametrize(("name", "scopes", "days", "field"), [
    ("", ("read",), 1, "name"), ("x" * 65, ("read",), 1, "name"), ("a\nb", ("read",), 1, "name"),
    ("x", (), 1, "scopes"), ("x", ("root",), 1, "scopes"), ("x", ("read", "root"), 1, "scopes"),
    ("x", ("read", "admin"), 1, "scopes"), ("x", ("read",), 0, "days"), ("x", ("read",), 3651, "days")])
def test_what_makes_no_sense_is_refused(
        service: Served, name: str, scopes: tuple[str, ...], days: int, field: str) -> None:
    ann = service.add_user("member")
    with service.database.transaction() as db, pytest.raises(BadField) as refused:
        tokens.create(db, ann, name, scopes, days)
    assert refused.value.field == field
    assert service.count(Token) == 0


def test_there_are_only_so_many(service: Served) -> None:
    ann = service.add_user()
    made = [create(service, ann)[0] for _ in range(tokens.MOST)]
    with pytest.raises(TooMany):
        create(service, ann)
    with service.database.transaction() as db:
        tokens.revoke(db, ann.id, made[0].id)
    create(service, ann)


def test_use_is_noted_but_not_each_time(service: Served, clock: Clock) -> None:
    ann = service.add_user()
    token, _ = create(service, ann)
    with service.database.transaction() as db:
        row = db.get_one(Token, token.id)
        assert tokens.is_stale(db, row)
        tokens.touch(db, token.id)
        assert not tokens.is_stale(db, row)
        clock.move(minutes=2)
        assert tokens.is_stale(db, row)
        assert [listed.id for listed in tokens.of(db, ann.id)] == [token.id]
