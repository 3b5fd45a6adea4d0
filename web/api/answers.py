"""Answers and their description. In: models. Out: JSON responses; what the OpenAPI document promises of them."""

from collections.abc import Mapping
from typing import Any, Final

from flask import Response
from flask_openapi3.types import ResponseDict
from pydantic import BaseModel

from web.api.kinds import KINDS
from web.problems import MEDIA_TYPE

REF: Final = "#/components/schemas/{model}"
ALWAYS: Final = (400, 401, 403, 405, 413, 415, 422, 429, 500)
"""What any address may answer: everybody is guarded alike."""
RETRY: Final = {"Retry-After": {"description": "Seconds until it is worth trying again.",
                                "schema": {"type": "integer", "minimum": 1}}}
CHALLENGE: Final = {"WWW-Authenticate": {"description": "Bearer.", "schema": {"type": "string"}}}
ALLOW: Final = {"Allow": {"description": "Methods that this address takes.", "schema": {"type": "string"}}}
_HEADERS: Final = {401: CHALLENGE, 405: ALLOW, 429: RETRY}
LINK: Final = {"Link": {"description": "Address of the next page, as rel=\"next\"; absent on the last one.",
                        "schema": {"type": "string"}}}
LOCATION: Final = {"Location": {"description": "Address of what was made.", "schema": {"type": "string"}}}


def told(model: BaseModel, status: int = 200, **headers: str) -> Response:
    """A model as JSON; `headers` with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(model.model_dump_json(), status, named, mimetype="application/json")


def schema(model: type[BaseModel]) -> dict[str, str]:
    """Reference to the schema of a model."""
    return {"$ref": REF.format(model=model.__name__)}


def json(model: type[BaseModel], description: str, *, headers: Mapping[str, Any] | None = None,
         links: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The promise of an answer in JSON."""
    found: dict[str, Any] = {"description": description, "content": {"application/json": {"schema": schema(model)}}}
    return found | ({"headers": dict(headers)} if headers else {}) | ({"links": dict(links)} if links else {})


def promise(good: dict[int, dict[Any, Any]], *more: int) -> ResponseDict:
    """All answers of an operation: the good ones, the errors of ALWAYS, and `more` errors."""
    return {**dict(good.items()), **{status: _error(status) for status in sorted({*ALWAYS, *more})}}


def link(operation: str, description: str, **parameters: str) -> dict[str, Any]:
    """A link of OpenAPI: which operation goes on from this answer."""
    return {"operationId": operation, "description": description, "parameters": parameters}


def _error(status: int) -> dict[str, Any]:
    from web.api.models import Problem

    meanings = " ".join(kind.meaning for kind in KINDS if kind.status == status)
    found: dict[str, Any] = {"description": meanings, "content": {MEDIA_TYPE: {"schema": schema(Problem)}}}
    return found | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
