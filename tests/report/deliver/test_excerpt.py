"""The excerpts of the published API descriptions, and how they are made."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tests.report.deliver.apis import excerpt

WHOLE: dict[str, Any] = {
    "openapi": "3.0.3",
    "info": {"title": "Things", "version": 2, "description": "Prose."},
    "servers": [{"url": "https://things.example/api", "description": "Prose."}],
    "paths": {"/things/{id}": {
        "parameters": [{"$ref": "#/components/parameters/id"}],
        "get": {"operationId": "see", "summary": "Prose.", "tags": ["prose"], "x-prose": 1,
                "responses": {200: {"description": "Prose.", "content": {"application/json": {
                    "schema": {"$ref": "#/components/schemas/Thing"}, "examples": {"one": {"value": 1}}}}},
                    "404": {"$ref": "#/components/responses/gone"}}},
        "put": {"operationId": "set", "servers": [{"url": "https://up.example"}],
                "requestBody": {"content": {"*/*": {}}}, "responses": {"204": {"description": "Prose."}}},
        "delete": {"operationId": "drop", "responses": {"204": {"description": "Prose."}}},
    }},
    "components": {
        "parameters": {"id": {"name": "id", "in": "path", "required": True, "description": "Prose.",
                              "schema": {"type": "integer", "minimum": 0, "exclusiveMinimum": True}}},
        "responses": {"gone": {"description": "Prose.", "content": {}}},
        "schemas": {
            "Thing": {"type": "object", "title": "Prose", "required": ["description"], "example": {}, "properties": {
                "description": {"type": "string", "nullable": True, "enum": ["a"], "description": "Prose."},
                "owner": {"nullable": True, "allOf": [{"$ref": "#/components/schemas/Owner"}]},
                "part": {"$ref": "#/components/schemas/Thing"},
                "size": {"oneOf": [{"type": "integer"}, {"type": "number"}]}}},
            "Owner": {"type": "object", "additionalProperties": {"$ref": "#/components/schemas/Name"}},
            "Name": {"type": "string", "default": "prose"},
            "Other": {"type": "string"}}},
}


def made(*operations: str, **corrections: Any) -> Any:
    return excerpt.excerpt(WHOLE, list(operations), corrections.get("corrections", {}), {})


def test_only_what_is_asked_for_and_what_it_needs_is_kept() -> None:
    document = made("GET /things/{id}", "PUT /things/{id}")
    assert document["info"] == {"title": "Things", "version": "2"}
    assert document["servers"] == [{"url": "https://things.example/api"}]
    assert document["paths"]["/things/{id}"].keys() == {"get", "put"}
    assert document["paths"]["/things/{id}"]["put"]["servers"] == [{"url": "https://up.example"}]
    assert document["components"]["schemas"].keys() == {"Thing", "Owner", "Name"}
    assert "rose" not in json.dumps(document)


def test_references_are_followed_but_to_schemas() -> None:
    get = made("GET /things/{id}")["paths"]["/things/{id}"]["get"]
    assert get["parameters"] == [{"name": "id", "in": "path", "required": True,
                                  "schema": {"type": "integer", "exclusiveMinimum": 0}}]
    assert get["responses"]["404"] == {"description": "", "content": {}}
    assert get["responses"]["200"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Thing"}


def test_schemas_become_those_of_2020_12() -> None:
    thing = made("GET /things/{id}")["components"]["schemas"]["Thing"]
    assert thing["properties"] == {
        "description": {"type": ["string", "null"], "enum": ["a", None]},
        "owner": {"anyOf": [{"allOf": [{"$ref": "#/components/schemas/Owner"}]}, {"type": "null"}]},
        "part": {"$ref": "#/components/schemas/Thing"},
        "size": {"anyOf": [{"type": "integer"}, {"type": "number"}]}}


def test_corrections_are_merged_and_the_empty_string_takes_away() -> None:
    patch = {"PUT /things/{id}": {"requestBody": {"required": True, "content": {"*/*": "", "image/png": {}}}}}
    put = made("PUT /things/{id}", corrections=patch)["paths"]["/things/{id}"]["put"]
    assert put["requestBody"] == {"required": True, "content": {"image/png": {}}}


def test_an_operation_that_is_not_there_is_named() -> None:
    with pytest.raises(ValueError, match="no operation POST /things"):
        made("POST /things")


def test_another_document_than_the_one_of_the_list_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    with pytest.raises(SystemExit, match=f"SHA-256 is {hashlib.sha256(b'{}').hexdigest()}"):
        excerpt.main("github", str(other))


def keys(node: Any) -> Iterator[str]:
    """Every key that is not a name of a member."""
    for name, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if isinstance(name, str):
            yield name
        if name in ("properties", "schemas"):
            yield from (key for one in value.values() for key in keys(one))
        else:
            yield from keys(value)


@pytest.mark.parametrize("name", excerpt.sources())
def test_each_excerpt_has_the_operations_of_the_list_and_no_prose(name: str) -> None:
    text = (excerpt.HERE / f"{name}.json").read_text("utf-8")
    document, source = json.loads(text), excerpt.sources()[name]
    found = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    assert found == set(source["operations"])
    assert not {"summary", "examples", "example", "externalDocs", "title", "tags"} & set(keys(document["paths"]))
    assert set(excerpt.references(document)) == document["components"]["schemas"].keys()
    assert text == excerpt.written(document)
    assert len(text) <= 150_000
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    assert ("sha256" in source) != ("made" in source)
