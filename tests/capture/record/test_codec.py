"""Records to bytes and back: one form, read strictly."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest

from capture.record import codec
from capture.record.codec import UnreadableRecord
from capture.record.evidence import Evidence, Redaction
from capture.record.page import Dialog, PageLoad
from capture.record.request import LimitHit, StepRecord
from capture.record.seal import Manifest
from tests import builders

MISSING = object()


def full() -> Evidence:
    """Evidence with a record of nearly every kind in it."""
    fields = [("Content-Type", "text/html"), ("Set-Cookie", "a=1"), ("set-cookie", "b=2")]
    document = builders.exchange(answer=builders.response(502, fields, "<h1>Bad Gateway</h1>"))
    return builders.evidence(
        builders.page_load(document, dialogs=(Dialog(type="alert", text="hé \N{SNOWMAN}"),)),
        limits_hit=(LimitHit(limit="total_s", sentence="stopped"),), dials=(builders.dial(),),
        redactions=(Redaction(kind="cookie", rule="set-cookie", place="response header", count=2),),
        steps=(StepRecord(name="page", status="failed", reason="no browser"),))


def changed(place: str, value: Any) -> bytes:
    """The full evidence with one value set, or taken away."""
    data = json.loads(codec.dump(full()))
    *parents, last = place.split(".")
    at = data
    for part in parents:
        at = at[int(part) if part.isdigit() else part]
    if value is MISSING:
        del at[last]
    else:
        at[last] = value
    return json.dumps(data).encode()


def test_what_is_written_is_read_back_as_it_was() -> None:
    assert codec.load_evidence(codec.dump(full())) == full()


def test_the_same_record_gives_the_same_bytes() -> None:
    assert codec.dump(full()) == codec.dump(full())
    assert codec.dump(codec.load_evidence(codec.dump(full()))) == codec.dump(full())


def test_fields_are_written_in_the_order_of_their_definition_and_absent_ones_not_at_all() -> None:
    written = json.loads(codec.dump(full()))
    assert list(written) == [name for name in Evidence.model_fields if name in written]
    assert "tls" not in written
    assert b"null" not in codec.dump(full())


def test_the_form_is_utf_8_with_a_line_feed_at_the_end() -> None:
    data = codec.dump(full())
    assert "hé \N{SNOWMAN}".encode() in data
    assert data.endswith(b"}\n")


@pytest.mark.parametrize(("place", "value", "field"), [
    ("surprise", 1, "surprise"),
    ("pages.0.exchanges.0.surprise", 1, "pages.0.exchanges.0.surprise"),
    ("outcome", "perfect", "outcome"),
    ("pages.0.ended", "somehow", "pages.0.ended"),
    ("pages.0.exchanges.0.started_at", "2026-03-04T05:06:07", "pages.0.exchanges.0.started_at"),
    ("pages.0.exchanges.0.started_at", 1772600767, "pages.0.exchanges.0.started_at"),
    ("pages.0.exchanges.0.response.status", "502", "pages.0.exchanges.0.response.status"),
    ("pages.0.dialogs_count", True, "pages.0.dialogs_count"),
    ("pages.0.exchanges.0.main_document", "yes", "pages.0.exchanges.0.main_document"),
    ("request.limits.total_s", -1, "request.limits.total_s"),
    ("steps", {}, "steps"),
    ("id", 7, "id"),
    ("id", MISSING, "id"),
    ("redaction_ruleset", MISSING, "redaction_ruleset"),
])
def test_a_wrong_field_is_refused_by_its_name(place: str, value: Any, field: str) -> None:
    with pytest.raises(UnreadableRecord) as caught:
        codec.load_evidence(changed(place, value))
    assert f"field {field}:" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", [2, 0, "1", None, MISSING])
def test_another_schema_version_is_refused_before_anything_else(version: Any) -> None:
    data = json.loads(changed("schema_version", version)) | {"surprise": 1}
    with pytest.raises(UnreadableRecord, match=r"schema version .*; this version reads 1"):
        codec.load_evidence(json.dumps(data).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe", b"not json"])
def test_what_is_not_json_is_said_to_be_that(data: bytes) -> None:
    with pytest.raises(UnreadableRecord, match="not JSON"):
        codec.load_evidence(data)


@pytest.mark.parametrize("data", [b"[]", b"null", b"7", b'"text"'])
def test_json_that_is_no_object_is_no_evidence(data: bytes) -> None:
    with pytest.raises(UnreadableRecord, match="schema version None"):
        codec.load_evidence(data)


def test_a_time_in_another_zone_is_read_and_written_in_utc() -> None:
    told = codec.load_evidence(changed("started_at", "2026-03-04T07:06:07.891+02:00"))
    assert told.started_at == builders.NOW
    assert b'"started_at": "2026-03-04T05:06:07.891Z"' in codec.dump(told)


def test_times_are_written_to_the_millisecond_and_compare_equal_when_read_back() -> None:
    load = PageLoad(label="strict", started_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(milliseconds=7),
                    ended="load")
    assert codec.load(PageLoad, codec.dump(load)) == load


@pytest.mark.parametrize("kind", [Evidence, Manifest])
def test_every_field_of_the_schema_has_a_description(kind: Any) -> None:
    schema = codec.schema(kind)
    objects = [schema, *schema.get("$defs", {}).values()]
    assert [f"{thing['title']}.{name}" for thing in objects for name, field in thing.get("properties", {}).items()
            if "description" not in field] == []


def test_the_schema_is_one_that_takes_what_is_written_and_nothing_unknown() -> None:
    schema = codec.schema(Evidence)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    validator.validate(json.loads(codec.dump(full())))
    assert not validator.is_valid(json.loads(changed("pages.0.surprise", 1)))
    assert not validator.is_valid(json.loads(changed("outcome", "perfect")))
