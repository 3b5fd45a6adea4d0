"""The progress of a case: told in order, from any line on, to everybody who asks again."""

from tests.web.store.made import Store
from web.store import events
from web.store.ids import new_id


def test_lines_come_in_their_order_and_from_any_one_on(store: Store, owner: str) -> None:
    case = store.submit(owner)
    with store.database.transaction() as db:
        step = events.append(db, case.id, "step", {"name": "dns", "status": "done"})
        picture = events.append(db, case.id, "picture", {})
    with store.database.reading() as db:
        told = events.since(db, case.id)
        assert [line.kind for line in told] == ["state", "step", "picture"]
        assert [line.data for line in told[1:]] == [{"name": "dns", "status": "done"}, {}]
        assert told[0].data == {"state": "queued", "reason": None}
        assert [line.id for line in told] == sorted(line.id for line in told)
        assert [line.id for line in events.since(db, case.id, step.id)] == [picture.id]
        assert events.since(db, case.id, picture.id) == []
        assert told[0].at <= told[1].at <= told[2].at


def test_cases_do_not_hear_of_each_other(store: Store, owner: str) -> None:
    first, second = store.submit(owner), store.submit(owner)
    with store.database.transaction() as db:
        events.append(db, first.id, "picture", {})
    with store.database.reading() as db:
        assert [line.kind for line in events.since(db, second.id)] == ["state"]
        assert events.since(db, new_id()) == []


def test_many_lines_come_in_pages(store: Store, owner: str) -> None:
    case = store.submit(owner)
    with store.database.transaction() as db:
        for number in range(5):
            events.append(db, case.id, "step", {"name": str(number)})
    with store.database.reading() as db:
        first = events.since(db, case.id, limit=4)
        rest = events.since(db, case.id, first[-1].id, limit=4)
    assert [line.data.get("name") for line in (*first, *rest)] == [None, "0", "1", "2", "3", "4"]


def test_lines_are_forgotten_with_the_case(store: Store, owner: str) -> None:
    first, second = store.submit(owner), store.submit(owner)
    with store.database.transaction() as db:
        events.forget(db, first.id)
    with store.database.reading() as db:
        assert events.since(db, first.id) == []
        assert len(events.since(db, second.id)) == 1
