"""The trackers that the adapters are tested against. In: nothing. Out: fixtures."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.report.deliver.mock import Mock


@pytest.fixture
def tracker() -> Iterator[Callable[..., Mock]]:
    """Starts validating mocks, as `Mock` is called; what was not valid fails the test at its end."""
    with ExitStack() as running:
        yield lambda *apis, **settings: running.enter_context(Mock(*apis, **settings))
