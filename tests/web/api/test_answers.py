"""Answers: models as JSON, and the promises of the document."""

from web.api.answers import ALWAYS, json, promise, told
from web.api.models import Health


def test_a_model_is_told_with_its_status_and_headers() -> None:
    answer = told(Health(), 202, Retry_After="5")
    assert (answer.status_code, answer.get_json(), answer.headers["Retry-After"]) == (202, {"status": "ok"}, "5")


def test_errors_that_anybody_may_get_are_always_promised() -> None:
    found = promise({200: json(Health, "Alive.")}, 404)
    assert set(found) == {200, 404, *ALWAYS}
    assert all(isinstance(one, dict) and one["description"] for one in found.values())
