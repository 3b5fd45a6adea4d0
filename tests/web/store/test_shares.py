"""Share links: told once, kept as a hash, and nothing but a link that works opens anything."""

from datetime import timedelta

import pytest

from tests.web.store.clock import Clock
from tests.web.store.made import Store, fill
from web.access import users
from web.errors import BadField, Conflict, NotFound
from web.store import jobs, publishing, shares
from web.store.cases import tombstone
from web.store.tables import Case, Share, ShareView, User


@pytest.fixture
def case(store: Store, owner: str) -> Case:
    """A case with a dossier."""
    made = store.submit(owner)
    with store.database.transaction() as db:
        job = jobs.claim(db, "test")
        assert job is not None
    fill(store.files.staging(job.case_id, job.fence))
    publishing.publish(store.database, store.files, job.case_id, job.fence)
    with store.database.reading() as db:
        return db.get_one(Case, made.id)


def create(store: Store, case: Case, days: int = 3, passphrase_hash: str | None = None) -> tuple[Share, str]:
    with store.database.transaction() as db:
        return shares.create(db, db.get_one(Case, case.id), case.owner_id, days, 30, passphrase_hash)


def test_a_token_is_long_new_each_time_and_not_kept(store: Store, case: Case) -> None:
    made = [create(store, case) for _ in range(20)]
    assert len({token for _, token in made}) == 20
    assert all(len(token) == 22 for _, token in made)
    for share, token in made:
        assert token.encode() not in share.token_hash
        assert len(share.token_hash) == 32
    assert all(token.encode() not in store.database.path.read_bytes() for _, token in made)


def test_a_link_opens_its_case_until_it_ends(store: Store, case: Case, clock: Clock) -> None:
    share, token = create(store, case, days=2)
    with store.database.reading() as db:
        found = shares.find(db, token)
        assert (found[0].id, found[1].id) == (share.id, case.id)
    clock.move(timedelta(days=2).total_seconds() + 1)
    with store.database.reading() as db, pytest.raises(NotFound):
        shares.find(db, token)


@pytest.mark.parametrize("token", ["", "x", "A" * 22, "Ü" * 22, "\ud800", "A" * 100_000])
def test_a_token_that_is_none_opens_nothing(store: Store, case: Case, token: str) -> None:
    create(store, case)
    with store.database.reading() as db, pytest.raises(NotFound):
        shares.find(db, token)


def test_a_revoked_link_opens_nothing_and_stays_in_the_list(store: Store, case: Case) -> None:
    share, token = create(store, case)
    with store.database.transaction() as db:
        first = shares.revoke(db, case.id, share.id).revoked_at
        assert shares.revoke(db, case.id, share.id).revoked_at == first
    with store.database.reading() as db:
        assert [shown.share.revoked_at for shown in shares.listing(db, case.id)] == [first]
        with pytest.raises(NotFound):
            shares.find(db, token)


def test_a_link_of_somebody_who_may_not_log_in_any_more_opens_nothing(store: Store, case: Case) -> None:
    _, token = create(store, case)
    with store.database.transaction() as db:
        users.disable(db, db.get_one(User, case.owner_id))
    with store.database.reading() as db, pytest.raises(NotFound):
        shares.find(db, token)


def test_a_link_is_revoked_by_its_own_case_only(store: Store, case: Case, owner: str) -> None:
    share, token = create(store, case)
    other = store.submit(owner)
    with store.database.transaction() as db, pytest.raises(NotFound):
        shares.revoke(db, other.id, share.id)
    with store.database.reading() as db:
        assert shares.find(db, token)


def test_a_deleted_case_has_no_links(store: Store, case: Case) -> None:
    _, token = create(store, case)
    with store.database.transaction() as db:
        tombstone(db, case.id, "ann", "enough")
    with store.database.reading() as db:
        with pytest.raises(NotFound):
            shares.find(db, token)
        assert shares.listing(db, case.id) == []


@pytest.mark.parametrize("days", [0, -1, 31])
def test_a_life_is_within_what_the_service_allows(store: Store, case: Case, days: int) -> None:
    with pytest.raises(BadField) as error:
        create(store, case, days)
    assert error.value.field == "days"


def test_without_a_dossier_there_is_nothing_to_share(store: Store, owner: str) -> None:
    with pytest.raises(Conflict):
        create(store, store.submit(owner))


def test_a_case_has_only_so_many_links(store: Store, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "LINKS", 2)
    first, _ = create(store, case)
    create(store, case)
    with pytest.raises(Conflict):
        create(store, case)
    with store.database.transaction() as db:
        shares.revoke(db, case.id, first.id)
    create(store, case)


def test_looks_are_counted_and_the_last_ones_shown(
    store: Store, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shares, "VIEWS_SHOWN", 2)
    share, _ = create(store, case, passphrase_hash="hash")
    for number in range(3):
        with store.database.transaction() as db:
            shares.look(db, share, f"203.0.113.{number}", "agent " * 100)
    with store.database.reading() as db:
        shown, = shares.listing(db, case.id)
    assert (shown.looks, shown.by, shown.over) == (3, "ann", False)
    assert [view.address for view in shown.views] == ["203.0.113.2", "203.0.113.1"]
    assert len(shown.views[0].agent) == 256


def test_only_so_many_looks_are_kept(store: Store, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "VIEWS_KEPT", 2)
    one, two = (create(store, case)[0] for _ in range(2))
    for share in (one, two, one, one):
        with store.database.transaction() as db:
            shares.look(db, share, "203.0.113.1", "agent")
    with store.database.reading() as db:
        assert db.query(ShareView).filter_by(share_id=one.id).count() == 2
        assert db.query(ShareView).filter_by(share_id=two.id).count() == 1


@pytest.mark.parametrize("text", ["short", "", "x" * 201])
def test_a_passphrase_is_neither_short_nor_endless(text: str) -> None:
    with pytest.raises(BadField):
        shares.check_passphrase(text)
    shares.check_passphrase("eight it")
