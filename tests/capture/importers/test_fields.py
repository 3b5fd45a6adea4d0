"""Values out of JSON of unknown quality."""

from datetime import UTC, datetime
from typing import Any

import pytest

from capture.importers import fields


@pytest.mark.parametrize(("value", "number", "count", "duration"), [
    (1.5, 1.5, 1, 1.5), ("2", 2.0, 2, 2.0), (-1, -1.0, None, None), (float("nan"), None, None, None),
    (float("inf"), None, None, None), (True, None, None, None), (None, None, None, None), ("x", None, None, None),
    ([], None, None, None), (10**400, None, None, None), (1e17, 1e17, None, None)])
def test_numbers(value: Any, number: float | None, count: int | None, duration: float | None) -> None:
    given = {"k": value}
    assert (fields.number(given, "k"), fields.count(given, "k")) == (number, count)
    assert fields.duration(given, "k") == duration


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (7, "7"), (True, ""), (None, ""), ({}, ""), ("\udc00", "?")])
def test_strings(value: Any, text: str) -> None:
    assert fields.string({"k": value}, "k") == text


def test_objects() -> None:
    assert fields.obj({"k": []}, "k") == fields.obj([], "k") == fields.obj(None, "k") == {}
    assert fields.objs({"k": [1, {"a": 2}, None]}, "k") == [{"a": 2}]
    assert fields.objs({"k": {}}, "k") == []


@pytest.mark.parametrize("text", ["", "x", "2026-03-04T05:06:07", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00",
                                  "1601-01-01T00:00:00+14:00", "2026-13-01T00:00:00Z"])
def test_what_is_no_point_in_time_is_none(text: str) -> None:
    assert fields.moment(text) is None


def test_points_in_time_are_utc() -> None:
    assert fields.moment(" 2026-03-04T06:06:07.1234567+01:00") == datetime(2026, 3, 4, 5, 6, 7, 123456, tzinfo=UTC)
    assert fields.epoch(0) == datetime(1970, 1, 1, tzinfo=UTC)
    assert fields.epoch(1e300) is fields.epoch(None) is None
