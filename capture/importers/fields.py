"""Values out of JSON of unknown quality. In: what should be an object. Out: a value of the type asked for, or none."""

import math
from datetime import UTC, datetime
from typing import Any, Final

from capture.importers.texts import clean

Json = dict[str, Any]
OLDEST: Final = 1995
"""Some programs write year 1 or 1601 where they know no time."""
LONGEST_MS: Final = 86_400_000.0
"""Longest duration that is believed, milliseconds: a day."""


def obj(value: Any, key: str) -> Json:
    """The object at a key; an empty one when there is none."""
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def objs(value: Any, key: str) -> list[Json]:
    """The objects of the list at a key."""
    found = value.get(key) if isinstance(value, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def string(value: Json, key: str, limit: int | None = None) -> str:
    """The text at a key, numbers as text; empty when there is none."""
    found = value.get(key)
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        found = str(found)
    return clean(found[:limit]) if isinstance(found, str) else ""


def number(value: Json, key: str) -> float | None:
    """The number at a key, also when it is written as text; None when it is none or not finite."""
    found = value.get(key)
    if isinstance(found, bool) or not isinstance(found, (int, float, str)):
        return None
    try:
        made = float(found)
    except (ValueError, OverflowError):
        return None
    return made if math.isfinite(made) else None


def count(value: Json, key: str) -> int | None:
    """The number at a key when it can be a size; HAR writes -1 for unknown."""
    found = number(value, key)
    return int(found) if found is not None and 0 <= found < 2**53 else None


def duration(value: Json, key: str) -> float | None:
    """Milliseconds at a key; negative and absurd ones are unknown."""
    found = number(value, key)
    return round(found, 3) if found is not None and 0 <= found <= LONGEST_MS else None


def moment(text: str) -> datetime | None:
    """A point in time in ISO 8601; None without a zone, because it may be any hour, and for years of no meaning."""
    try:
        found = datetime.fromisoformat(text.strip()[:64])
        return found.astimezone(UTC) if found.tzinfo is not None and OLDEST <= found.year < 9999 else None
    except (ValueError, OverflowError):
        return None


def epoch(seconds: float | None) -> datetime | None:
    """A point in time from seconds since 1970."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
