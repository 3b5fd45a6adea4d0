"""A clock that tests of logins, tokens and links move. In: the modules that ask for the time. Out: this one's."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from web.access import invitations, logins, tokens

START = datetime(2026, 11, 20, 7, 41, tzinfo=UTC)


class Clock:
    """Stands still until it is moved."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.at = START
        for module in (invitations, logins, tokens):
            patch.setattr(module, "now", self.now)

    def now(self, db: Session) -> datetime:
        return self.at

    def move(self, **time: float) -> None:
        """Time passes: days=..., hours=..., minutes=..."""
        self.at += timedelta(**time)
