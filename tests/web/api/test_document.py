"""The description of the API: valid OpenAPI 3.1, whole, and a page for people that needs nothing from elsewhere."""

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator

from tests.web.api.calls import Api
from web.api.kinds import KINDS
from web.api.v1 import TYPED

OPERATION = ("get", "post", "delete")


@pytest.fixture
def found(api: Api) -> dict[str, Any]:
    document: dict[str, Any] = api.get("/api/v1/openapi.json").get_json()
    return document


def operations(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["operationId"]: one for path in found["paths"].values() for one in path.values()}


def test_every_route_is_described(api: Api, found: dict[str, Any]) -> None:
    described = {(method.upper(), re.sub(r"\{(\w+)\}", "<>", path))
                 for path, methods in found["paths"].items() for method in methods}
    routes = {(method, re.sub(r"<[^>]+>", "<>", rule.rule)) for rule in api.service.app.url_map.iter_rules()
              if rule.endpoint.partition(".")[0] in {blueprint.name for blueprint in TYPED}
              for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    assert described == routes
    assert found["openapi"] == "3.1.0"


def test_every_answer_and_parameter_is_told(found: dict[str, Any]) -> None:
    for name, one in operations(found).items():
        assert one["summary"], name
        assert one["description"], name
        assert {"401", "403", "405", "413", "415", "422", "429", "500"} <= set(one["responses"]), name
        assert all(answer["description"] for answer in one["responses"].values()), name
        for status, answer in one["responses"].items():
            assert status < "400" or list(answer["content"]) == ["application/problem+json"], name
        assert all(parameter["schema"].get("description") for parameter in one.get("parameters", [])), name


def test_bounds_are_those_of_json_schema(found: dict[str, Any]) -> None:
    (limit,) = (one for one in operations(found)["listCaptures"]["parameters"] if one["name"] == "limit")
    assert (limit["schema"]["minimum"], limit["schema"]["maximum"], limit["schema"]["default"]) == (1, 200, 50)
    for one in operations(found).values():
        for parameter in one.get("parameters", ()):
            Draft202012Validator.check_schema(parameter["schema"])
            assert not set(parameter["schema"]) & {"ge", "le", "gt", "lt"}


def test_every_reference_and_link_leads_somewhere(found: dict[str, Any]) -> None:
    schemas = found["components"]["schemas"]
    text = str(found)
    assert set(re.findall(r"#/components/schemas/(\w+)", text)) <= set(schemas)
    linked = {link["operationId"] for one in operations(found).values() for answer in one["responses"].values()
              for link in answer.get("links", {}).values()}
    assert linked
    assert linked <= set(operations(found))


def test_schemas_are_valid_and_every_member_has_a_meaning(found: dict[str, Any]) -> None:
    for name, schema in found["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        for field, inner in schema.get("properties", {}).items():
            assert inner.get("description"), f"{name}.{field}"
        if "example" in schema and name != "Problem":
            Draft202012Validator({**schema, "components": found["components"]}).validate(schema["example"])


def test_the_page_needs_no_script_and_nothing_from_elsewhere(api: Api, found: dict[str, Any]) -> None:
    answer = api.get("/api/v1/")
    text = answer.text
    assert answer.mimetype == "text/html"
    assert "<script" not in text
    assert len(answer.data) < 100_000
    loaded = re.findall(r'(?:src|href)="([^"#]+)', text)
    assert all(address.startswith("/") for address in loaded)
    anchors = set(re.findall(r'id="([^"]+)"', text))
    assert {*operations(found), *(kind.slug for kind in KINDS), *found["components"]["schemas"]} <= anchors
    assert set(re.findall(r'href="#([^"]+)"', text)) <= anchors


def test_strangers_may_read_it(stranger: FlaskClient) -> None:
    assert stranger.get("/api/v1/openapi.json").status_code == 200
    assert stranger.get("/api/v1/").status_code == 200


def test_it_is_the_same_each_time(api: Api, found: dict[str, Any]) -> None:
    assert api.get("/api/v1/openapi.json").get_json() == found
