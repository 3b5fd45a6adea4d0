"""A store on a directory of its own. In: nothing. Out: `store`, `owner` (id of a user in it), `clock`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web.store.clock import Clock
from tests.web.store.made import Store, add_user, open_store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Tables, folders and a key."""
    made = open_store(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def owner(store: Store) -> str:
    """Somebody who owns cases."""
    with store.database.transaction() as db:
        return add_user(db, "ann")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The store's clock, standing still."""
    return Clock(monkeypatch)
