"""Errors as answers: the same sentence for people and programs, and never more than they may know."""

import logging
from typing import Any

import pytest
from werkzeug.exceptions import HTTPException

from capture.errors import BadInput, CaptureError, NotInstalled, Refused
from tests.web.serving import Served
from web.errors import (
    BadField,
    Conflict,
    Forbidden,
    Gone,
    NoRoom,
    NotFound,
    ServiceError,
    TooLarge,
    TooMany,
    Unauthenticated,
)

CASES: list[tuple[Exception, int, str]] = [
    (BadInput("no url"), 422, "No url."), (BadField("url", "no <b> url"), 422, "No <b> url."),
    (Refused("private address"), 403, "Private address."), (Unauthenticated("log in first"), 401, "Log in first."),
    (Forbidden("not you"), 403, "Not you."), (NotFound("no such case"), 404, "No such case."),
    (Conflict("taken"), 409, "Taken."), (Gone("deleted"), 410, "Deleted."), (TooLarge("too large"), 413, "Too large."),
    (TooMany("slowly", 12.4), 429, "Slowly."), (NoRoom("full"), 507, "Full.")]


def failing(service: Served, error: Exception) -> Served:
    """The service with two routes that fail."""
    @service.app.route("/fail/<secret>", endpoint="fail")
    @service.app.route("/api/v1/fail/<secret>", endpoint="api_fail")
    def fail(secret: str) -> str:
        raise error

    return service


@pytest.mark.parametrize(("error", "status", "sentence"), CASES)
def test_programs_get_problem_details_and_people_a_page(
        service: Served, error: Exception, status: int, sentence: str) -> None:
    client = failing(service, error).app.test_client()
    details, page = client.get("/api/v1/fail/x"), client.get("/fail/x")
    assert (details.status_code, details.mimetype) == (status, "application/problem+json")
    assert details.json is not None
    assert (details.json["status"], details.json["detail"]) == (status, sentence)
    assert (page.status_code, page.mimetype) == (status, "text/html")
    assert sentence.replace("<", "&lt;").replace(">", "&gt;") in page.text


def test_what_is_wrong_is_named(service: Served) -> None:
    answer = failing(service, BadField("url", "no url")).app.test_client().get("/api/v1/fail/x")
    assert answer.json is not None
    assert answer.json["errors"] == [{"field": "url", "detail": "No url."}]


def test_it_is_told_when_to_come_back(service: Served) -> None:
    client = failing(service, TooMany("slowly", 12.4)).app.test_client()
    for path in ("/fail/x", "/api/v1/fail/x"):
        assert client.get(path).headers["Retry-After"] in ("12", "13")


def test_programs_are_told_how_to_say_who_they_are(service: Served) -> None:
    client = failing(service, Unauthenticated("log in")).app.test_client()
    assert client.get("/api/v1/fail/x").headers["WWW-Authenticate"].startswith("Bearer")
    assert "WWW-Authenticate" not in client.get("/fail/x").headers


@pytest.mark.parametrize("error", [
    RuntimeError("/etc/passwd is <secret>"), ServiceError("the key is hunter2"), CaptureError("broken"),
    NotInstalled("install it"), KeyError("hunter2"), AssertionError("hunter2")])
def test_our_own_failures_tell_nothing_but_where_to_look(
        service: Served, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    client = failing(service, error).app.test_client()
    for path in ("/fail/one-time-secret", "/api/v1/fail/one-time-secret"):
        caplog.clear()
        with caplog.at_level(logging.ERROR):
            answer = client.get(path)
        assert answer.status_code == 500
        assert str(error) not in answer.text
        assert "Traceback" not in answer.text
        found = [record for record in caplog.records if record.exc_info]
        assert len(found) == 1
        reference = found[0].getMessage().split(":")[0]
        assert reference in answer.text
        assert "one-time-secret" not in found[0].getMessage()


@pytest.mark.parametrize(("method", "path", "status"), [
    ("GET", "/nowhere", 404), ("GET", "/api/v1/nowhere", 404), ("PUT", "/login", 405), ("GET", "/logout", 405),
    ("TRACE", "/login", 405)])
def test_what_flask_refuses_looks_alike(service: Served, method: str, path: str, status: int) -> None:
    answer = service.app.test_client().open(path, method=method)
    assert answer.status_code == status
    assert answer.mimetype == ("application/problem+json" if path.startswith("/api") else "text/html")
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(("accept", "kind"), [
    ("application/json", "application/problem+json"), ("application/problem+json", "application/problem+json"),
    ("application/json, text/plain, */*", "application/problem+json"),
    ("text/html, application/json;q=0.9", "text/html"), ("*/*", "text/html"), ("text/event-stream", "text/html"),
    ("", "text/html")])
def test_whoever_asks_for_json_gets_no_page(service: Served, accept: str, kind: str) -> None:
    answer = service.app.test_client().get("/nowhere", headers={"Accept": accept} if accept else {})
    assert (answer.status_code, answer.mimetype) == (404, kind)


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_what_watches_the_service_gets_no_page(service: Served, path: str) -> None:
    client = service.app.test_client()
    answer = client.post(path)
    assert (answer.status_code, answer.mimetype) == (405, "application/problem+json")
    assert "GET" in answer.headers["Allow"]
    answer = client.get(path, headers={"Host": "evil.example"})
    assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


def test_a_redirect_stays_one(service: Served) -> None:
    class Moved(HTTPException):
        code = 308

        def get_headers(self, *args: Any, **given: Any) -> list[tuple[str, str]]:
            return [("Location", "/login")]

    answer = failing(service, Moved()).app.test_client().get("/fail/x")
    assert (answer.status_code, answer.headers["Location"]) == (308, "/login")


def test_a_host_that_is_not_ours_gets_no_page(service: Served) -> None:
    answer = service.app.test_client().get("/login", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.mimetype) == (400, "text/plain")
    assert "evil.example" not in answer.text
