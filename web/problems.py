"""Errors become answers. In: an exception. Out: problem details (RFC 9457) for programs, a page for people.

Both tell one sentence. What is our own failure is logged under a reference, and the answer tells only the reference.
"""

import json
import secrets
from typing import Any, Final

from flask import Flask, Response, current_app, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from pydantic import ValidationError
from werkzeug.exceptions import HTTPException, InternalServerError, SecurityError
from werkzeug.http import HTTP_STATUS_CODES

from capture.errors import BadInput, CaptureError, Refused
from web.access.identity import is_api
from web.api import kinds
from web.errors import BadField, ServiceError, TooMany

MEDIA_TYPE: Final = "application/problem+json"
HEALTH: Final = frozenset({"/healthz", "/readyz"})
"""What programs ask besides the API."""
SENTENCES: Final = {
    400: "this request makes no sense", 404: "there is nothing at this address",
    405: "this address does not take such requests", 413: "this is larger than what is taken here"}


def install(app: Flask) -> None:
    """Answers every error in one way."""
    app.log_exception = lambda exc_info: None  # type: ignore[method-assign]  # it would log addresses; `_failed` logs
    app.register_error_handler(ServiceError, _service)
    app.register_error_handler(CaptureError, _capture)
    app.register_error_handler(CSRFError, _forgery)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(InternalServerError, _own)


def problem(status: int, title: str, sentence: str, **more: Any) -> Response:
    """The answer to an error; `more` are further members of the problem details."""
    sentence = _whole(sentence)
    if by_program():
        body = {"type": kinds.type_of(title), "title": title, "status": status, "detail": sentence, **more}
        return Response(json.dumps(body), status, mimetype=MEDIA_TYPE)
    return make_response(render_template("problem.html", title=title, sentence=sentence), status)


def by_program() -> bool:
    """Whether a program asks: by the address, or because it would rather have JSON than a page."""
    wanted = request.accept_mimetypes.best_match(("text/html", "application/json", MEDIA_TYPE), "text/html")
    return is_api() or request.path in HEALTH or wanted != "text/html"


def _whole(sentence: str) -> str:
    return f"{sentence[:1].upper()}{sentence[1:].rstrip('.')}."


def invalid(error: ValidationError) -> Response:
    """The answer to a body, query or path that is not of the form which the API describes."""
    errors = [{"field": ".".join(map(str, found["loc"])), "detail": _whole(found["msg"])} for found in error.errors()]
    first = errors[0] if errors else {"field": "", "detail": "it is not of the form that is described"}
    return problem(422, "Wrong input", f"{first['field']}: {first['detail']}".lstrip(": "), errors=errors)


def _service(error: ServiceError) -> Response:
    if error.status == ServiceError.status:
        return _failed(error)
    answer = problem(error.status, error.title, str(error))
    if isinstance(error, TooMany):
        answer.headers["Retry-After"] = str(max(1, round(error.retry_after_s)))
    if error.status == 401 and is_api():
        answer.headers["WWW-Authenticate"] = 'Bearer realm="gatewitness"'
    return answer


def _capture(error: CaptureError) -> Response:
    if isinstance(error, BadField):
        return problem(422, "Wrong input", str(error), errors=[{"field": error.field, "detail": _whole(str(error))}])
    if isinstance(error, BadInput):
        return problem(422, "Wrong input", str(error))
    if isinstance(error, Refused):
        return problem(403, "Refused by policy", str(error))
    return _failed(error)


def _forgery(error: CSRFError) -> Response:
    return problem(400, "Form out of date",
                   "this form is too old or came from elsewhere; go back, reload it and send it again")


def _http(error: HTTPException) -> Response:
    if error.response is not None or (error.code or 500) < 400:
        return make_response(error.get_response())
    if isinstance(error, SecurityError):
        return _not_ours()
    code = error.code or 500
    name = kinds.TITLES.get(code) or HTTP_STATUS_CODES.get(code, "Error")
    answer = problem(code, name, SENTENCES.get(code, error.description or name))
    for header, value in error.get_headers():
        if header.lower() in ("allow", "retry-after", "content-range"):
            answer.headers[header] = value
    return answer


def _not_ours() -> Response:
    """No page: it would be shown under a name that is not ours."""
    sentence = "This service does not go by that name; see --public-url and --trusted-hosts."
    if by_program():
        return problem(400, "Bad host", sentence)
    return Response(f"{sentence}\n", 400, mimetype="text/plain")


def _own(error: InternalServerError) -> Response:
    return _failed(error.original_exception or error)


def _failed(error: BaseException) -> Response:
    """Logged by rule, not by address: addresses of one-time links and shares are secrets."""
    reference = secrets.token_hex(4)
    rule = request.url_rule.rule if request.url_rule is not None else "an unknown address"
    current_app.logger.error("%s: %s %s failed", reference, request.method, rule, exc_info=error)
    return problem(500, "Our own failure",
                   f"this did not work, and it is our fault; the log tells more under {reference}")
