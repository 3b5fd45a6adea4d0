"""The API's own description. In: the routes. Out: an OpenAPI 3.1 document, and a page for people made from it."""

import copy
import json
import re
from typing import Any, Final

from flask import Blueprint, Response, current_app, render_template
from flask_openapi3.openapi import OpenAPI
from pydantic.json_schema import models_json_schema

from web.api import asked, models, monitors
from web.api.kinds import KINDS, PAGE
from web.pages.layout import base_address

blueprint = Blueprint("api_document", __name__, url_prefix="/api/v1")
TITLE: Final = "gatewitness"
VERSION: Final = "1"
DESCRIPTION: Final = (
    "A witness for broken web pages. Ask for a capture of a URL, follow it until it ends, and get its dossier. Every "
    "request carries a token as Authorization: Bearer gw_...; on your own machine, without users, none is needed. "
    "Every error is problem details (RFC 9457).")
SCHEME: Final = {"token": {"type": "http", "scheme": "bearer", "description": (
    "A token of the page Account. Its scopes: read looks, capture asks for captures and changes what is yours, admin "
    "does everything.")}}
_ASKED: Final = (*asked.ASKED, monitors.Kuma, monitors.Alertmanager, monitors.Generic)
OPEN: Final = frozenset({"getHealth", "getReadiness"})
"""Operations that need no token."""
_NAME: Final = "gatewitness-openapi"
_REF: Final = "#/components/schemas/{model}"


@blueprint.get("/openapi.json")
def document() -> Response:
    """The document."""
    return Response(json.dumps(described()), mimetype="application/json")


@blueprint.get("/")
def page() -> str:
    """The same for people: needs no script and nothing from elsewhere."""
    found = described()
    operations = [{"method": method.upper(), "path": path, "anchor": operation["operationId"], **operation}
                  for path, methods in found["paths"].items() for method, operation in methods.items()]
    groups = [(tag, [one for one in operations if one["tags"] == [tag["name"]]]) for tag in found["tags"]]
    return render_template("api.html", groups=groups, kinds=KINDS, schemas=found["components"]["schemas"], name=_shown,
                           base=base_address(), description=found["info"]["description"], root=PAGE)


def described() -> dict[str, Any]:
    """The document as data; made once for each app."""
    app = current_app
    assert isinstance(app, OpenAPI)
    if _NAME not in app.extensions:
        app.extensions[_NAME] = _made(app)
    found: dict[str, Any] = app.extensions[_NAME]
    return found


def _made(app: OpenAPI) -> dict[str, Any]:
    """What flask-openapi3 knows of the routes, with whole schemas: its own model of a schema leaves keywords out."""
    found = copy.deepcopy(app.api_doc)
    found["info"] = {"title": TITLE, "version": VERSION, "description": DESCRIPTION,
                     "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}}
    found["servers"] = [{"url": "/"}]
    found["security"] = [{"token": []}]
    found["components"] = {"schemas": schemas(), "securitySchemes": SCHEME}
    found["paths"] = {path: found["paths"][path] for path in sorted(found["paths"])}
    for operation in (one for methods in found["paths"].values() for one in methods.values()):
        operation["description"] = operation.get("description", "").replace("<br/>", "\n").strip()
        if operation["operationId"] in OPEN:
            operation["security"] = []
        operation["responses"] = dict(sorted(operation["responses"].items()))
    return found


def schemas() -> dict[str, Any]:
    """The schemas of everything that is sent, by name."""
    wanted = [(model, "validation") for model in _ASKED] + [(model, "serialization") for model in models.TOLD]
    _, found = models_json_schema(wanted, ref_template=_REF)  # type: ignore[arg-type]
    made: dict[str, Any] = found["$defs"]
    # Members of problem details may be left out, and more may come (RFC 9457 3.2).
    made["Problem"] = {**made["Problem"], "required": ["type", "title", "status", "detail"]}
    return made


def _shown(schema: dict[str, Any]) -> str:
    """A schema in a few words, for the page."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_shown(part) for part in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    kind = str(schema.get("format") or schema.get("type") or "anything")
    if kind == "array":
        return f"list of {_shown(schema.get('items', {}))}"
    bounds = [f"{words} {schema[key]}" for key, words in (
        ("minimum", "from"), ("maximum", "to"), ("minLength", "at least"), ("maxLength", "at most")) if key in schema]
    return re.sub(" +", " ", " ".join([kind, *bounds]))
