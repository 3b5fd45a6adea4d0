"""The trackers that the adapters are tested against. In: nothing. Out: fixtures."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.report.deliver.mock import Mock


@pytest.fixture
def tracker() -> Iterator[Callable[..., Mock]]:
    """Starts validating mocks, as `Mock` is called; what was not valid fails the test at its end."""
    with ExitStack() as running:
        yield lambda *apis, **settings: running.enter_context(Mock(*apis, **settings))


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    """To servers on this machine; it reads no certificates, which would take longer than most tests."""
    with httpx.Client(trust_env=False, timeout=None, verify=False) as opened:
        yield opened
