"""Records to bytes and back: one canonical form, strict reading, JSON Schema."""

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from capture.record.base import Record
from capture.record.evidence import SCHEMA_VERSION, Evidence

R = TypeVar("R", bound=Record)


class UnreadableRecord(ValueError):
    """The bytes are not a record that this version can read; the message names the field."""


def dump(record: Record) -> bytes:
    """UTF-8 JSON, absent facts left out, fields in the order of their definition; same record, same bytes."""
    return to_json(record.model_dump(mode="json", exclude_none=True))


def to_json(value: Any) -> bytes:
    """The one JSON form of this project: UTF-8, one space of indent, a line feed at the end."""
    text = json.dumps(value, ensure_ascii=False, indent=1) + "\n"
    return text.encode("utf-8", "replace")  # a lone surrogate is no character: UTF-8 has no form for it


def load_evidence(data: bytes) -> Evidence:
    """Reads `evidence.json` strictly.

    Raises UnreadableRecord for another schema version, an unknown field, a wrong type.
    """
    try:
        raw = json.loads(data)
    except ValueError as error:
        raise UnreadableRecord(f"evidence is not JSON: {error}") from error
    version = raw.get("schema_version") if isinstance(raw, dict) else None
    if version != SCHEMA_VERSION:
        raise UnreadableRecord(f"evidence has schema version {version!r}; this version reads {SCHEMA_VERSION}")
    return load(Evidence, data)


def load(kind: type[R], data: bytes) -> R:
    """Reads one record strictly; raises UnreadableRecord naming the first field that is wrong."""
    try:
        return kind.model_validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise UnreadableRecord(f"{kind.__name__}: field {place or '(root)'}: {first['msg']}") from error


def schema(kind: type[Record]) -> dict[str, Any]:
    """JSON Schema (2020-12) of a record, with the sentence under each field as its description."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **kind.model_json_schema(mode="serialization")}
