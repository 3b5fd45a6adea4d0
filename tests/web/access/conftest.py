"""In: nothing. Out: `clock`, by which logins, tokens and one-time links end."""

import pytest

from tests.web.access.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)
