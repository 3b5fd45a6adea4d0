"""The store of the tests of web/store, for what works on it."""

from tests.web.store.conftest import owner, store

__all__ = ["owner", "store"]
