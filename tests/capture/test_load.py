"""When the native look is needed; the loads themselves are in steps/test_page.py."""

from typing import Any

import pytest

from capture.load import FAIL_REASONS, is_hidden_by_guard
from capture.record.page import PageLoad
from tests import builders


def load(**given: Any) -> PageLoad:
    return builders.page_load(builders.exchange(**given))


@pytest.mark.parametrize("error", sorted(FAIL_REASONS))
def test_a_connect_that_failed_in_the_guard_is_hidden_from_the_browser(error: str) -> None:
    assert is_hidden_by_guard(load(error="net::ERR_SOCKS_CONNECTION_FAILED", guard_error=error))


@pytest.mark.parametrize("given", [
    {"error": None, "answer": builders.response(502)},
    {"error": "net::ERR_CONNECTION_RESET"},
    {"error": "net::ERR_CERT_DATE_INVALID"},
    {"error": "net::ERR_SOCKS_CONNECTION_FAILED"},
    {"error": "net::ERR_SOCKS_CONNECTION_FAILED", "guard_error": "net::ERR_BLOCKED_BY_ADMINISTRATOR"},
    {"error": "net::ERR_SOCKS_CONNECTION_FAILED", "guard_error": "net::ERR_CONNECTION_REFUSED",
     "answer": builders.response(200)},
])
def test_a_failure_that_the_browser_saw_itself_needs_no_other_picture(given: dict[str, Any]) -> None:
    assert not is_hidden_by_guard(load(**given))


def test_a_load_without_any_request_needs_no_other_picture() -> None:
    assert not is_hidden_by_guard(builders.page_load())


def test_of_several_requests_the_document_decides() -> None:
    image = builders.exchange(id="E2", main_document=False, error="net::ERR_SOCKS_CONNECTION_FAILED",
                              guard_error="net::ERR_CONNECTION_REFUSED")
    document = builders.exchange(answer=builders.response(200))
    assert not is_hidden_by_guard(builders.page_load(document, image, main_exchange="E1"))
