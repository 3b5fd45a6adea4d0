"""The database and its transactions. In: the data directory. Out: sessions of SQLAlchemy, one a piece of work.

SQLite with a write-ahead log and synchronous=FULL: what was acknowledged survives a loss of power. A transaction that
writes takes the write lock at its first statement, also when that only reads, so that it never fails half-way for
having read before (https://sqlite.org/lang_transaction.html).
"""

import contextlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.orm import Session, sessionmaker

FILE: Final = "gatewitness.sqlite3"
BUSY_MS: Final = 15_000
"""Longest wait for another writer, milliseconds."""
PRAGMAS: Final = ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON",
                  f"busy_timeout={BUSY_MS}")
"""secure_delete: what was erased is overwritten with zeros."""


class Database:
    """One database file; safe to use from many threads."""

    def __init__(self, directory: Path) -> None:
        """Opens it; `migrations.upgrade` makes its tables."""
        self.path = directory / FILE
        with contextlib.suppress(OSError):  # a directory that is not there is found by whoever uses the database
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite would let others read it
        self.engine = _engine(self.path)
        self._reading = sessionmaker(self.engine, expire_on_commit=False)
        self._writing = sessionmaker(self.engine.execution_options(writes=True), expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that may write; committed at the end, rolled back when an exception leaves it.

        Others that write wait from its first statement on: think first, then ask.
        """
        with self._writing.begin() as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only reads, from one consistent state."""
        with self._reading() as session:
            yield session

    def close(self) -> None:
        """Gives the connections back."""
        self.engine.dispose()


def now(session: Session) -> datetime:
    """The database's clock, to the millisecond: the one clock by which leases and expiries are judged."""
    milliseconds = session.scalar(text("SELECT (julianday('now') - 2440587.5) * 86400000.0"))
    return datetime.fromtimestamp(round(milliseconds or 0) / 1000, UTC)


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_MS / 1000}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver's own BEGIN comes too late; ours is below
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        _write_ahead(connection)

    @event.listens_for(engine, "begin")
    def began(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switches a new database to its write-ahead log. SQLite does not wait for others here, whatever its time-out is:
    of several that open a new database at once, all but one are told that it is locked."""
    end = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(0.01)
