"""What is told."""

from datetime import UTC, datetime

from web.api.models import Tombstone


def test_moments_are_as_exact_as_they_are_kept() -> None:
    told = Tombstone(at=datetime(2026, 11, 20, 10, 15, 0, 123_456, UTC), by="ann", reason="x")
    assert told.at.microsecond == 123_000
