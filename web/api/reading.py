"""Bodies and queries, read strictly. In: a request of the API. Out: nothing, or an error before anything is believed.

What is ambiguous is refused: JSON that is not said to be JSON, names that are given twice, nesting past any use.
"""

from collections import Counter
from typing import Any, Final, TypeVar

from flask import abort, request
from flask.json.provider import DefaultJSONProvider
from pydantic import BaseModel, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from web import problems
from web.errors import BadField, ServiceError
from web.store.submission import NAME_CHARS, Upload

MULTIPART: Final = frozenset({"/api/v1/imports"})
"""Rules that take files."""
OPTIONAL: Final = frozenset({"/api/v1/captures/<case_id>/recheck", "/api/v1/captures/<case_id>/shares",
                             "/api/v1/captures/<case_id>/cancel"})
"""Rules of POST that may come without a body."""
JSON_ONLY: Final = "the body has to be JSON, with Content-Type: application/json"
Model = TypeVar("Model", bound=BaseModel)


class Unreadable(ServiceError):
    """The body is not what it says it is."""

    status = 400
    title = "Bad request"


class Once(DefaultJSONProvider):
    """JSON in which no member is named twice: which one counts, two programs may see differently (RFC 8259 4)."""

    def loads(self, s: str | bytes, **given: Any) -> Any:
        """Raises ValueError, and Unreadable for a member that is named twice."""
        return super().loads(s, object_pairs_hook=_once, **given)


def check() -> None:
    """Raises UnsupportedMediaType, Unreadable and BadField."""
    for name, values in request.args.lists():
        if len(values) > 1:
            raise BadField(name, f"{name} is given {len(values)} times")
    if request.method != "POST" or request.url_rule is None:
        return
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("the body has to come as it is, without Content-Encoding")
    if request.url_rule.rule in MULTIPART:
        if request.mimetype != "multipart/form-data":
            raise UnsupportedMediaType("the body has to be multipart/form-data")
        return
    if not (request.url_rule.rule in OPTIONAL and _is_empty()):
        _read_json()


def asked(model: type[Model]) -> Model:
    """The body of an address that may come without one; what is wrong with it is answered at once."""
    try:
        return model.model_validate({} if _is_empty() else request.get_json())
    except ValidationError as error:
        abort(problems.invalid(error))


def uploads(field: str) -> tuple[Upload, ...]:
    """The files of that field; raises BadField when there is none, or one is empty."""
    found = tuple(Upload(name=_name(file.filename), data=file.read()) for file in request.files.getlist(field) if file)
    if not found:
        raise BadField(field, "send at least one file")
    if not all(file.data for file in found):
        raise BadField(field, "one of the files is empty")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = next(name for name, times in Counter(name for name, _ in pairs).items() if times > 1)
        raise Unreadable(f"the body names {name[:NAME_CHARS]} twice")
    return found


def _is_empty() -> bool:
    """Whether nothing came; many clients say that it is JSON all the same."""
    return (request.mimetype in ("", "application/json") and not request.content_length
            and "Transfer-Encoding" not in request.headers)


def _read_json() -> None:
    """Reads the body once; it is kept for whoever asks for it again."""
    if request.mimetype != "application/json":
        raise UnsupportedMediaType(JSON_ONLY)
    try:
        found = request.get_json()
    except RecursionError:
        raise Unreadable("the body is nested too deeply") from None
    except BadRequest:
        raise Unreadable("the body is not JSON") from None
    if not isinstance(found, dict):
        raise BadField("body", "the body has to be a JSON object")


def _name(name: str | None) -> str:
    return (name or "file").replace("\\", "/").rpartition("/")[2][:255] or "file"


