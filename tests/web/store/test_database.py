"""The database: whole transactions, one writer at a time, readers that wait for nobody, one clock."""

import os
import sqlite3
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from tests.web.store.made import Store, add_user, open_store
from web.store.database import FILE, Database, now
from web.store.tables import Login, User


def names(store: Store) -> list[str]:
    with store.database.reading() as db:
        return list(db.scalars(text("SELECT name FROM users ORDER BY name")))


def test_what_a_transaction_wrote_is_there_afterwards(store: Store) -> None:
    with store.database.transaction() as db:
        add_user(db, "ann")
    again = Database(store.config.data)
    with again.reading() as db:
        assert db.scalar(text("SELECT count(*) FROM users")) == 1
    again.close()


def test_a_transaction_that_fails_leaves_nothing(store: Store) -> None:
    def broken() -> None:
        with store.database.transaction() as db:
            add_user(db, "ann")
            raise LookupError

    with pytest.raises(LookupError):
        broken()
    assert names(store) == []


def test_it_survives_a_loss_of_power_and_keeps_references(store: Store) -> None:
    with store.database.reading() as db:
        settings = {name: db.scalar(text(f"PRAGMA {name}")) for name
                    in ("journal_mode", "synchronous", "foreign_keys", "secure_delete")}
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "secure_delete": 1}
    with store.database.transaction() as db:
        at = now(db)
        db.add(Login(id="x", token_hash=b"", user_id="nobody", created_at=at, seen_at=at, expires_at=at, address="",
                     agent=""))
        with pytest.raises(IntegrityError):
            db.flush()
        db.rollback()


def test_a_new_database_is_waited_for_when_another_is_just_making_it(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, other.rollback)
    release.start()
    database = Database(tmp_path)
    with database.reading() as db:
        assert db.scalar(text("PRAGMA journal_mode")) == "wal"
    release.join()
    database.close()
    other.close()


def test_a_writer_waits_for_the_one_before_it(store: Store) -> None:
    """A transaction that read before it writes must not fail because somebody else wrote in between."""
    def add_ten(name: str) -> None:
        for number in range(10):
            with store.database.transaction() as db:
                seen = db.scalar(text("SELECT count(*) FROM users"))
                add_user(db, f"{name}{number} saw {seen}")

    threads = [threading.Thread(target=add_ten, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(int(name.rpartition(" ")[2]) for name in names(store)) == list(range(40))


def test_a_reader_waits_for_nobody_and_sees_one_state(store: Store) -> None:
    with store.database.transaction() as writing:
        add_user(writing, "ann")
        assert names(store) == []
        with store.database.reading() as reading:
            assert reading.scalar(text("SELECT count(*) FROM users")) == 0
            writing.commit()
            assert reading.scalar(text("SELECT count(*) FROM users")) == 0, "one consistent state until it is closed"
    assert names(store) == ["ann"]


def test_rows_can_be_read_after_the_session_is_closed(store: Store, owner: str) -> None:
    with store.database.transaction() as db:
        user = db.get_one(User, owner)
        user.role = "admin"
    assert (user.name, user.role) == ("ann", "admin")


def test_its_clock_is_utc_and_to_the_millisecond(store: Store) -> None:
    before = datetime.now(UTC)
    with store.database.reading() as db:
        first = now(db)
    after = datetime.now(UTC)
    grain = timedelta(milliseconds=2)
    assert before - grain <= first <= after + grain
    assert (first.tzinfo, first.microsecond % 1000) == (UTC, 0)


def test_nobody_else_can_read_it_whatever_the_directory(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    before = os.umask(0o022)
    try:
        store = open_store(tmp_path)
        with store.database.transaction() as db:
            add_user(db, "ann")
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.is_file()}
        store.database.close()
    finally:
        os.umask(before)
    assert len(modes) > 2, "the database, its log, the key"
    assert set(modes.values()) == {0o600}


def test_what_was_erased_is_not_left_in_the_file(store: Store) -> None:
    with store.database.transaction() as db:
        user = add_user(db, "planted-name")
    store.database.close()
    assert b"planted-name" in store.database.path.read_bytes()
    with store.database.transaction() as db:
        db.delete(db.get_one(User, user))
    store.database.close()
    assert b"planted-name" not in b"".join(path.read_bytes() for path in store.config.data.glob(f"{FILE}*"))


def test_a_directory_that_is_not_there_is_an_error_when_it_is_used(tmp_path: Path) -> None:
    database = Database(tmp_path / "missing")
    with pytest.raises(OperationalError), database.reading() as db:
        now(db)


def test_the_file_lies_in_the_data_directory(store: Store, tmp_path: Path) -> None:
    assert store.database.path == tmp_path / FILE
    assert store.database.path.is_file()


def test_errors_do_not_tell_values_because_they_are_logged(store: Store) -> None:
    with store.database.transaction() as db:
        add_user(db, "hunter2")
    with pytest.raises(IntegrityError) as refused, store.database.transaction() as db:
        add_user(db, "hunter2")
    assert "hunter2" not in str(refused.value)
