"""Deliveries: asked for once, claimed by one, tried again while it makes sense, and no link outlives its message."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.web.store.clock import Clock
from tests.web.store.made import Store, fill
from web.errors import BadField, Conflict, NotFound
from web.store import deliveries, jobs, publishing, shares
from web.store.cases import tombstone
from web.store.deliveries import Wanted
from web.store.tables import Case, Delivery, Share

BASE = "https://gw.example/"


@pytest.fixture
def case(store: Store, owner: str, clock: Clock) -> Case:
    """A case with a dossier."""
    return made(store, owner)


def made(store: Store, owner: str) -> Case:
    case_id = store.submit(owner).id
    with store.database.transaction() as db:
        job = jobs.claim(db, "test")
        assert job is not None
    fill(store.files.staging(job.case_id, job.fence))
    publishing.publish(store.database, store.files, job.case_id, job.fence)
    with store.database.reading() as db:
        return db.get_one(Case, case_id)


def ask(store: Store, case: Case, **given: Any) -> Delivery:
    wanted = Wanted(**{"target": "ops", "place": b"p" * 32, "ticket": "12", "base": BASE, **given})
    with store.database.transaction() as db:
        return deliveries.ask(db, store.key, db.get_one(Case, case.id), case.owner_id, wanted, 30)


def claim(store: Store) -> Delivery | None:
    with store.database.transaction() as db:
        return deliveries.claim(db)


def held(store: Store) -> Delivery:
    row = claim(store)
    assert row is not None
    return row


def now(store: Store, row: Delivery) -> Delivery:
    with store.database.reading() as db:
        return db.get_one(Delivery, row.id)


def call(store: Store, function: Callable[..., bool], row: Delivery, *given: Any) -> bool:
    with store.database.transaction() as db:
        return function(db, row.id, row.fence, *given)


def works(store: Store, row: Delivery) -> bool:
    """Whether the share link of a delivery opens anything."""
    with store.database.reading() as db:
        share = db.get(Share, row.share_id or "")
        return share is not None and share.revoked_at is None


def test_the_same_is_asked_for_once(store: Store, case: Case) -> None:
    first = ask(store, case)
    assert ask(store, case).id == first.id
    assert ask(store, case, again=True).id == first.id, "it is still on its way"
    assert ask(store, case, ticket="13").id != first.id
    assert ask(store, case, target="dev").id != first.id
    row = held(store)
    assert ask(store, case, ticket=row.ticket, target=row.target).id == row.id
    call(store, deliveries.done, row, "https://t.example/12", "written", ())
    assert ask(store, case, ticket=row.ticket, target=row.target).id == row.id
    assert ask(store, case, ticket=row.ticket, target=row.target, again=True).id != row.id


def test_what_failed_or_was_cancelled_is_asked_for_anew(store: Store, case: Case) -> None:
    first = ask(store, case)
    call(store, deliveries.fail, held(store), "no")
    second = ask(store, case)
    with store.database.transaction() as db:
        assert deliveries.cancel(db, case.id, second.id).state == "cancelled"
    assert len({first.id, second.id, ask(store, case).id}) == 3


def test_asking_again_for_one_that_waits_makes_it_due(store: Store, case: Case) -> None:
    row = ask(store, case)
    call(store, deliveries.later, held(store), "not now", 3600.0)
    assert claim(store) is None
    ask(store, case)
    assert held(store).id == row.id


def test_without_a_dossier_there_is_nothing_to_deliver(store: Store, owner: str) -> None:
    with pytest.raises(Conflict):
        ask(store, store.submit(owner))


def test_a_link_that_lives_too_long_is_refused_and_nothing_stored(store: Store, case: Case) -> None:
    with pytest.raises(BadField):
        ask(store, case, days=31)
    assert claim(store) is None


def test_only_so_many_are_on_their_way(store: Store, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "OPEN_AT_A_TIME", 2)
    ask(store, case, ticket="1")
    ask(store, case, ticket="2")
    with pytest.raises(Conflict):
        ask(store, case, ticket="3")


def test_one_is_claimed_once_and_a_stale_fence_writes_nothing(store: Store, case: Case, clock: Clock) -> None:
    ask(store, case)
    first = held(store)
    assert claim(store) is None
    clock.move(deliveries.LEASE_S + 1)
    second = held(store)
    assert (second.fence, second.attempts) == (2, 2)
    for function, given in ((deliveries.done, ("l", "written", ())), (deliveries.fail, ("x",)),
                            (deliveries.later, ("x",)), (deliveries.release, ())):
        assert not call(store, function, first, *given)
    assert now(store, second).state == "sending"
    assert call(store, deliveries.done, second, "https://t.example/12", "written", ["a.pdf is left out"])
    ended = now(store, second)
    assert (ended.state, ended.link, ended.what, ended.left_out) == (
        "delivered", "https://t.example/12", "written", ["a.pdf is left out"])


def test_what_a_dead_service_held_is_due_at_the_start(store: Store, case: Case) -> None:
    ask(store, case)
    first = held(store)
    with store.database.transaction() as db:
        deliveries.expire(db)
    assert held(store).fence == first.fence + 1


def test_what_is_given_back_is_due_and_costs_no_attempt(store: Store, case: Case) -> None:
    ask(store, case)
    call(store, deliveries.release, held(store))
    assert held(store).attempts == 1


def test_waits_grow_and_end(store: Store, case: Case, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deliveries, "JITTER", 0.0)
    row, waits = ask(store, case), []
    while (found := claim(store)) is not None:
        call(store, deliveries.later, found, "the tracker is down")
        waits.append((now(store, row).not_before - clock.at).total_seconds())
        clock.move(max(waits[-1], 0.0))
    assert waits[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    ended = now(store, row)
    assert (ended.state, ended.attempts, ended.said) == ("failed", deliveries.ATTEMPTS, "the tracker is down")


def test_a_tracker_may_ask_for_a_longer_wait_but_for_no_more_than_a_day(store: Store, case: Case, clock: Clock) -> None:
    row = ask(store, case)
    call(store, deliveries.later, held(store), "fewer requests", 7200.0)
    assert now(store, row).not_before >= clock.at + timedelta(seconds=7200)
    clock.move(7200)
    call(store, deliveries.later, held(store), "fewer requests", 1e300)
    assert now(store, row).state == "failed"


def test_what_kills_the_service_each_time_ends(store: Store, case: Case) -> None:
    row = ask(store, case)
    for _ in range(deliveries.ATTEMPTS):
        held(store)
        with store.database.transaction() as db:
            deliveries.expire(db)
    assert claim(store) is None
    assert (now(store, row).state, now(store, row).said) == ("failed", deliveries.BROKEN_OFF)


def test_what_was_tried_least_comes_first(store: Store, case: Case) -> None:
    ask(store, case, ticket="1")
    call(store, deliveries.later, held(store), "down")
    ask(store, case, ticket="1")
    ask(store, case, ticket="2")
    assert [held(store).ticket, held(store).ticket] == ["2", "1"]


def test_one_that_is_being_sent_is_cancelled_unless_it_arrives(store: Store, case: Case) -> None:
    for end, state in (((deliveries.done, "l", "written", ()), "delivered"), ((deliveries.later, "x"), "cancelled"),
                       ((deliveries.fail, "x"), "cancelled"), ((deliveries.release,), "cancelled")):
        row = ask(store, case, again=True)
        mine = held(store)
        with store.database.transaction() as db:
            assert deliveries.cancel(db, case.id, row.id).state == "sending"
        call(store, end[0], mine, *end[1:])
        assert now(store, row).state == state


def test_the_link_is_sealed_while_it_is_needed_and_ends_with_what_nobody_got(store: Store, case: Case) -> None:
    row = ask(store, case, days=7)
    address = store.key.open(row.share_url or b"").decode()
    assert address.startswith(f"{BASE}s/")
    token = address.rpartition("/")[2]
    assert token.encode() not in store.database.path.read_bytes()
    with store.database.reading() as db:
        assert shares.find(db, token)[1].id == case.id
    call(store, deliveries.fail, held(store), "no")
    assert now(store, row).share_url is None
    assert not works(store, row)
    second = ask(store, case, days=7)
    call(store, deliveries.done, held(store), "l", "written", ())
    assert works(store, second)
    assert now(store, second).share_url is None


@pytest.mark.parametrize(("tries", "kept"), [(1, False), (2, True)])
def test_a_link_that_was_not_written_ends(store: Store, case: Case, tries: int, kept: bool) -> None:
    """What an attempt that was broken off has written, nobody knows: its link stays."""
    row = ask(store, case, days=7)
    for _ in range(tries):
        with store.database.transaction() as db:
            deliveries.expire(db)
        mine = held(store)
    call(store, deliveries.done, mine, "l", "there already", ())
    assert works(store, row) is kept


def test_a_deleted_case_has_nothing_on_its_way(store: Store, case: Case) -> None:
    waiting, sent = ask(store, case, ticket="1", days=3), ask(store, case, ticket="2", days=3)
    mine = held(store)
    with store.database.transaction() as db:
        tombstone(db, case.id, "ann", "enough")
    states = {row.id: now(store, row) for row in (waiting, sent)}
    assert sorted(row.state for row in states.values()) == ["cancelled", "sending"]
    assert [row.share_id for row in states.values()] == [None, None]
    call(store, deliveries.later, mine, "the files are gone")
    assert now(store, mine).state == "cancelled"


def test_a_delivery_is_found_by_its_own_case_only(store: Store, case: Case, owner: str) -> None:
    row, other = ask(store, case), made(store, owner)
    with store.database.reading() as db:
        assert [shown.delivery.id for shown in deliveries.listing(db, case.id)] == [row.id]
        assert deliveries.get(db, case.id, row.id).by == "ann"
        with pytest.raises(NotFound):
            deliveries.get(db, other.id, row.id)


def test_earlier_deliveries_of_the_failure_to_the_place_are_remembered(store: Store, case: Case, owner: str) -> None:
    def before(row: Delivery) -> deliveries.Earlier | None:
        with store.database.reading() as db:
            return deliveries.earlier(db, row)

    first = ask(store, case)
    assert before(first) is None
    call(store, deliveries.done, held(store), "https://t.example/12", "written", ())
    other = made(store, owner)
    with store.database.transaction() as db:  # both were made of the same files
        db.get_one(Case, other.id).number = "GW-0000-0002"
    found = before(ask(store, other))
    assert found == deliveries.Earlier("https://t.example/12", (str(case.number),))
    assert before(ask(store, other, ticket="13")) is None
    assert before(ask(store, other, place=b"q" * 32)) is None
    assert before(ask(store, other, target="dev")) is None, "two webhooks of one host are two channels"
    assert before(ask(store, case, again=True)) is None, "who wants it again wants all of it"


def test_a_sweep_spares_what_is_being_sent_and_removes_what_a_crash_left(store: Store, case: Case) -> None:
    ask(store, case)
    row = held(store)
    place = store.files.staging(row.id, row.fence)
    publishing.sweep(store.database, store.files)
    assert place.is_dir()
    call(store, deliveries.release, row)
    publishing.sweep(store.database, store.files)
    assert not place.exists()


def test_states_are_counted(store: Store, case: Case) -> None:
    ask(store, case)
    ask(store, case, ticket="2")
    held(store)
    with store.database.reading() as db:
        assert deliveries.counts(db) == {"queued": 1, "sending": 1}
        assert len(deliveries.sending(db)) == 1
        assert deliveries.is_any_due(db)


def test_nothing_of_what_a_tracker_says_of_a_deleted_case_is_kept(store: Store, case: Case) -> None:
    ask(store, case, ticket="1")
    ask(store, case, ticket="2")
    first, second = held(store), held(store)
    with store.database.transaction() as db:
        tombstone(db, case.id, "ann", "enough")
    call(store, deliveries.done, first, "https://desk.example/1", "written", ["the PDF was too large"])
    call(store, deliveries.fail, second, "the desk says: secret words of the page")
    assert [(row.said, row.left_out) for row in (now(store, first), now(store, second))] == [(None, []), (None, [])]
