"""Migrations: from nothing to the tables of this version, once, from anywhere, and never back by accident."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from tests.web.store.made import add_user
from web.store.database import Database
from web.store.migrations import BadDatabase, upgrade
from web.store.tables import Row

ROOT = Path(__file__).parents[3]


def ddl(database: Database) -> dict[str, list[str]]:
    """What SQLite says of every table and index, Alembic's own left out; the order of constraints means nothing."""
    with database.reading() as db:
        rows = db.execute(text("SELECT name, sql FROM sqlite_master WHERE sql NOT NULL AND name != 'alembic_version'"))
        return {row.name: sorted(line.strip(" \t,") for line in row.sql.splitlines()) for row in rows}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path)


def test_migrations_and_models_agree(database: Database, tmp_path: Path) -> None:
    upgrade(database)
    (tmp_path / "other").mkdir()
    direct = Database(tmp_path / "other")
    Row.metadata.create_all(direct.engine)
    assert ddl(database) == ddl(direct)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Row.metadata) == []
    database.close()
    direct.close()


def test_a_second_upgrade_changes_nothing(database: Database) -> None:
    upgrade(database)
    with database.transaction() as db:
        add_user(db, "ann")
    before = ddl(database)
    upgrade(database)
    assert ddl(database) == before
    with database.reading() as db:
        assert db.scalar(text("SELECT name FROM users")) == "ann"
    database.close()


def test_it_needs_no_file_where_it_is_started_and_says_nothing(tmp_path: Path) -> None:
    code = ("import sys, pathlib; from web.store.database import Database; from web.store.migrations import upgrade; "
            "d = Database(pathlib.Path(sys.argv[1])); upgrade(d); d.close()")
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False, timeout=120)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    made = Database(tmp_path)
    assert "cases" in ddl(made)
    made.close()


def test_two_that_start_at_once_both_succeed(tmp_path: Path) -> None:
    start = threading.Barrier(4)
    failures: list[BaseException] = []

    def begin() -> None:
        database = Database(tmp_path)
        start.wait()
        try:
            upgrade(database)
        except BaseException as error:
            failures.append(error)
            raise
        finally:
            database.close()

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_newer_database_is_left_alone(database: Database) -> None:
    upgrade(database)
    with database.transaction() as db:
        db.execute(text("UPDATE alembic_version SET version_num = 'r9999'"))
    before = ddl(database)
    with pytest.raises(BadDatabase, match="newer version"):
        upgrade(database)
    assert ddl(database) == before
    database.close()


def test_every_revision_can_be_taken_back(database: Database) -> None:
    from alembic.operations import Operations

    from web.store.migrations.versions import r0001_first_tables, r0002_deliveries

    upgrade(database)
    with database.engine.connect().execution_options(writes=True) as connection, connection.begin():
        with Operations.context(MigrationContext.configure(connection)):
            r0002_deliveries.downgrade()
            r0001_first_tables.downgrade()
    assert ddl(database) == {}
    database.close()


def test_a_database_of_the_first_tables_gets_the_others_and_keeps_what_it_has(database: Database) -> None:
    from alembic.operations import Operations

    from web.store.migrations.versions import r0002_deliveries

    upgrade(database)
    whole = ddl(database)
    with database.transaction() as db:
        add_user(db, "ann")
    with database.engine.connect().execution_options(writes=True) as connection, connection.begin():
        with Operations.context(MigrationContext.configure(connection)):
            r0002_deliveries.downgrade()
        connection.execute(text("UPDATE alembic_version SET version_num = 'r0001'"))
    upgrade(database)
    assert ddl(database) == whole
    with database.reading() as db:
        assert db.scalar(text("SELECT name FROM users")) == "ann"
    database.close()
