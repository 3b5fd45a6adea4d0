"""Retention: what is too old or too much becomes a tombstone; what is on hold or under work stays."""

from pathlib import Path

import pytest
from sqlalchemy import select

from tests.web.store.clock import Clock
from tests.web.store.made import Store, fill
from web.store import jobs, publishing, retention
from web.store.tables import Case

DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def _same_clock(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "now", clock.now)


def ended(store: Store, owner: str) -> str:
    """A case with files."""
    store.submit(owner)
    with store.database.transaction() as db:
        job = jobs.claim(db, "w")
    assert job is not None
    fill(store.files.staging(job.case_id, job.fence))
    assert publishing.publish(store.database, store.files, job.case_id, job.fence)
    return job.case_id


def row(store: Store, case_id: str) -> Case:
    with store.database.reading() as db:
        return db.scalars(select(Case).where(Case.id == case_id)).one()


def expire(store: Store, **config: int) -> list[str]:
    return retention.expire(store.database, store.files, store.configured(**config).config)


def test_a_case_past_its_age_leaves_a_tombstone_with_the_hash_of_its_manifest(
        store: Store, owner: str, clock: Clock) -> None:
    old = ended(store, owner)
    sealed = row(store, old).manifest_sha256
    clock.move(89 * DAY_S)
    young = ended(store, owner)
    assert expire(store, retention_days=90) == []
    clock.move(2 * DAY_S)
    assert expire(store, retention_days=90) == [old]
    grave = row(store, old)
    assert (grave.deleted_by, grave.deleted_why) == ("retention", "older than 90 days")
    assert sealed is not None
    assert (grave.manifest_sha256, grave.url) == (sealed, "")
    assert store.files.published() == {young}


def test_nought_keeps_for_ever(store: Store, owner: str, clock: Clock) -> None:
    ended(store, owner)
    clock.move(10_000 * DAY_S)
    assert expire(store, retention_days=0, retention_bytes=0) == []


def test_the_oldest_goes_when_it_is_too_much(store: Store, owner: str, clock: Clock) -> None:
    made = []
    for _ in range(3):
        made.append(ended(store, owner))
        clock.move(60)
    size = row(store, made[0]).size_bytes
    assert expire(store, retention_days=0, retention_bytes=3 * size) == []
    assert expire(store, retention_days=0, retention_bytes=2 * size) == made[:1]
    assert store.files.published() == set(made[1:])


def test_what_is_on_hold_or_not_ended_stays(store: Store, owner: str, clock: Clock) -> None:
    held = ended(store, owner)
    with store.database.transaction() as db:
        db.get_one(Case, held).hold = True
    waiting = store.submit(owner).id
    clock.move(100 * DAY_S)
    assert expire(store, retention_days=90, retention_bytes=1) == []
    assert store.files.published() == {held}
    assert row(store, waiting).deleted_at is None


def test_files_go_even_when_the_process_died_between(store: Store, owner: str, clock: Clock,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = ended(store, owner)
    clock.move(91 * DAY_S)
    with monkeypatch.context() as dying:
        dying.setattr(type(store.files), "delete", lambda *_: (_ for _ in ()).throw(OSError("gone")))
        with pytest.raises(OSError, match="gone"):
            expire(store, retention_days=90)
    assert Path(store.files.directory(case_id)).is_dir()
    publishing.sweep(store.database, store.files)
    assert store.files.published() == set()
