"""A clock that tests move. In: the modules that ask the database for the time. Out: they get this one's."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from web.store import cases, deliveries, events, jobs, shares, submit

START = datetime(2026, 11, 20, 7, 41, tzinfo=UTC)


class Clock:
    """Stands still until it is moved: no test waits, none depends on how fast it runs."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.at = START
        for module in (jobs, events, cases, shares, submit, deliveries):
            patch.setattr(module, "now", self.now)

    def now(self, db: Session) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        """Time passes."""
        self.at += timedelta(seconds=seconds)
