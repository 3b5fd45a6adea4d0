"""The common ground of all records: strictness, shared value types."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainSerializer


class Record(BaseModel):
    """A fact that never changes after it was written; unknown fields are an error, absent means unknown."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone is not a fact")
    return moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds, the one form in which times are written."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Moment = Annotated[datetime, AfterValidator(_aware), PlainSerializer(iso, when_used="json")]
"""A point in time, UTC."""


class Header(Record):
    """One header field line, name and value exactly as received (order, case and duplicates are kept)."""

    name: str
    """Field name in the letter case in which it was sent."""
    value: str
    """Field value; secrets are masked."""
