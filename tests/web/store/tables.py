"""A database with its tables, at once. In: a directory. Out: the database; migrated once a process, then copied."""

import tempfile
from functools import cache
from pathlib import Path

from web.store import migrations
from web.store.database import Database


def open_database(directory: Path) -> Database:
    """The database of that directory; a new one is as the migrations make it, and nothing is in it."""
    database = Database(directory)
    if database.path.stat().st_size == 0:
        database.path.write_bytes(_migrated())
    return database


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as directory:
        database = Database(Path(directory))
        migrations.upgrade(database)
        database.close()
        return database.path.read_bytes()
