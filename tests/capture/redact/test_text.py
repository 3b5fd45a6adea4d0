"""Free text: pairs, header lines and addresses inside sentences."""

import time

import pytest

from capture.redact import Redactor

SECRET = "Zx9secretvalue77"


@pytest.mark.parametrize("text", [
    f"password={SECRET} was refused",
    f"RuntimeError: password={SECRET} was refused",
    f"Uncaught Error: login: password: '{SECRET}'",
    f"step: retry=once: api_key={SECRET}",
    f"context: client_secret={SECRET}; state=ready",
    f"GET /login?x=1 failed: Authorization: Bearer {SECRET}",
])
def test_a_secret_is_masked_whatever_stands_before_its_name(text: str) -> None:
    masked = Redactor().text(text, "console")
    assert SECRET not in masked
    assert "[redacted:" in masked
    assert Redactor().text(masked, "console") == masked


@pytest.mark.parametrize("text", [
    "RuntimeError: connect=refused after 3 tries",
    "level=error: upstream=app-7 status=502",
    "a: bbbbbb=cccccc: dddddd=eeeeee",
])
def test_pairs_that_are_no_secret_stay(text: str) -> None:
    assert Redactor().text(text, "console") == text


def test_a_long_chain_of_pairs_takes_no_long_time() -> None:
    started = time.process_time()
    Redactor().text("password: " + "abcdefgh=" * 30_000, "console")
    Redactor().text("abcdefgh: " * 30_000 + "password", "console")
    assert time.process_time() - started < 5
