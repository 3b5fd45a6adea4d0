"""One-time links: once, in time, for whom they were made."""

import pytest

from tests.web.access.clock import Clock
from tests.web.serving import Served, password_hash
from web.access import invitations, users
from web.errors import BadField, NotFound
from web.store.tables import Invitation, User


def member(service: Served) -> User:
    service.add_user("admin")
    with service.database.transaction() as db:
        return users.create(db, "ann", "member")


def test_a_link_sets_a_password_once(service: Served) -> None:
    ann = member(service)
    with service.database.transaction() as db:
        token = invitations.invite(db, ann)
    with service.database.transaction() as db:
        assert invitations.use(db, token, "somebody else", password_hash()).name == "ann"
    with service.database.transaction() as db, pytest.raises(NotFound):
        invitations.use(db, token, "", password_hash())
    assert service.count(Invitation) == 0


def test_a_newer_link_ends_the_older(service: Served) -> None:
    ann = member(service)
    with service.database.transaction() as db:
        older, newer = invitations.invite(db, ann), invitations.invite(db, ann)
        with pytest.raises(NotFound):
            invitations.find(db, older)
        assert invitations.find(db, newer).user_id == ann.id


def test_a_link_ends_by_itself(service: Served, clock: Clock) -> None:
    ann = member(service)
    with service.database.transaction() as db:
        token = invitations.invite(db, ann)
        clock.move(hours=invitations.HOURS)
        with pytest.raises(NotFound):
            invitations.find(db, token)


def test_a_link_of_somebody_disabled_does_not_work(service: Served) -> None:
    ann = member(service)
    with service.database.transaction() as db:
        users.disable(db, users.get(db, ann.id))
        token = invitations.invite(db, ann)
        with pytest.raises(NotFound):
            invitations.find(db, token)


def test_the_secret_is_not_kept(service: Served) -> None:
    with service.database.transaction() as db:
        token = invitations.invite(db, None)
    assert token.encode() not in (service.config.data / "gatewitness.sqlite3").read_bytes()
    wal = service.config.data / "gatewitness.sqlite3-wal"
    assert not wal.exists() or token.encode() not in wal.read_bytes()


def test_only_the_first_start_gives_an_administrators_link(service: Served) -> None:
    first, second = invitations.first(service.database), invitations.first(service.database)
    assert first is not None
    assert second is not None
    with service.database.transaction() as db:
        with pytest.raises(NotFound):
            invitations.find(db, first.removeprefix("/setup/"))
        with pytest.raises(BadField):
            invitations.use(db, second.removeprefix("/setup/"), "not a name", password_hash())
        assert invitations.use(db, second.removeprefix("/setup/"), "ann", password_hash()).role == "admin"
    assert invitations.first(service.database) is None


def test_the_address_is_the_public_one_when_there_is_one(service: Served) -> None:
    assert invitations.link(service.config, "http://localhost:8502/", "x") == "http://localhost:8502/setup/x"
    public = service.config.model_copy(update={"public_url": "https://gw.example/"})
    assert invitations.link(public, "http://localhost:8502/", "x") == "https://gw.example/setup/x"
