"""The common ground of all records, and what holds for every record there is."""

import importlib
import re
import types
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from capture.record.base import Header, Moment, Record, iso

MODULES = ("capture.record.base", "capture.record.evidence", "capture.record.network", "capture.record.page",
           "capture.record.request", "capture.record.seal", "report.diagnosis")
UNITS = {"_ms": "millisecond", "_s": "second", "ttl": "second", "_bytes": "byte", "size": "byte|character",
         "_chars": "character", "_px": "pixel", "width": "pixel", "height": "pixel", "bytes_": "byte"}
"""Beginning or end of a number's name, and the words of which its sentence has one."""


def kinds() -> list[type[Record]]:
    """Every record of the contract."""
    for name in MODULES:
        importlib.import_module(name)

    def below(kind: type[Record]) -> Iterator[type[Record]]:
        for child in kind.__subclasses__():
            yield child
            yield from below(child)

    return sorted((kind for kind in below(Record) if kind.__module__ in MODULES), key=lambda kind: kind.__name__)


def every_field() -> list[tuple[type[Record], str]]:
    return [(kind, name) for kind in kinds() for name in kind.model_fields]


def named(kind: type[Record], name: str) -> str:
    return f"{kind.__name__}.{name}"


def test_the_contract_is_looked_at_as_a_whole() -> None:
    assert {"Evidence", "Dial", "PageLoad", "CaptureRequest", "Manifest", "Diagnosis"} <= {k.__name__ for k in kinds()}


def test_every_field_of_every_record_has_a_sentence() -> None:
    assert [named(kind, name) for kind, name in every_field() if not kind.model_fields[name].description] == []


def numbers() -> Iterator[tuple[type[Record], str, str]]:
    for kind, name in every_field():
        annotation = kind.model_fields[name].annotation
        if {int, float} & {annotation, *get_args(annotation)}:
            yield kind, name, (kind.model_fields[name].description or "").lower()


def test_every_duration_and_size_names_its_unit() -> None:
    wrong = [named(kind, name) for kind, name, sentence in numbers() for part, unit in UNITS.items()
             if (name.endswith(part) or name.startswith(part)) and not re.search(unit, sentence)]
    assert wrong == []


def test_a_fact_that_may_be_absent_may_be_left_out() -> None:
    """What is None is not written: a field without a default could then not be read back."""
    wrong = [named(kind, name) for kind, name in every_field()
             if types.NoneType in get_args(kind.model_fields[name].annotation)
             and kind.model_fields[name].get_default() is not None]
    assert wrong == []


def test_absent_is_unknown_and_never_a_number() -> None:
    """A measured number has no default but None; only counters begin at zero."""
    counters = {"bytes_up", "bytes_down", "hop", "dialogs_count", "popups_count"}
    wrong = [named(kind, name) for kind, name, _ in numbers()
             if not kind.model_fields[name].is_required() and kind.model_fields[name].get_default() == 0
             and name not in counters and not name.endswith("_dropped")]
    assert wrong == []


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_a_record_never_changes_and_takes_nothing_unknown(kind: type[Record]) -> None:
    assert kind.model_config.get("frozen")
    assert kind.model_config.get("extra") == "forbid"


def test_a_record_cannot_be_changed() -> None:
    header = Header(name="Via", value="1.1 one")
    with pytest.raises(ValidationError, match="frozen"):
        header.value = "other"  # type: ignore[misc]


def test_a_time_without_a_zone_is_no_fact() -> None:
    with pytest.raises(ValidationError, match="without a zone"):
        moment(datetime(2026, 3, 4, 5, 6, 7))  # noqa: DTZ001


def test_a_time_is_kept_in_utc_whatever_zone_it_came_in() -> None:
    told = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    assert moment(told) == datetime(2026, 3, 3, 23, 36, 7, tzinfo=UTC)
    assert moment(told).utcoffset() == timedelta(0)


def test_a_time_is_written_in_one_form() -> None:
    told = datetime(2026, 3, 4, 5, 6, 7, 891999, tzinfo=timezone(timedelta(hours=-3)))
    assert iso(told) == "2026-03-04T08:06:07.891Z"
    assert iso(datetime(2026, 3, 4, tzinfo=UTC)) == "2026-03-04T00:00:00.000Z"
    assert ADAPTER.dump_json(told) == b'"2026-03-04T08:06:07.891Z"'


ADAPTER: TypeAdapter[Any] = TypeAdapter(Moment)


def moment(value: datetime) -> datetime:
    made = ADAPTER.validate_python(value)
    assert isinstance(made, datetime)
    return made
