"""Codes and ids as readers give them."""

import pytest

from report.visual.reading import loosened, status, value


def test_lost_spaces_and_broken_lines_are_allowed_for() -> None:
    pattern = loosened(r"\bRequest ID:\s{0,3}([A-Za-z0-9_=-]{20,80})")
    found = pattern.search("RequestID:\nAbCdEfGhIjK1Mn0pQrStUv")
    assert found
    assert found[1] == "AbCdEfGhIjK1Mn0pQrStUv"


def test_letters_in_the_place_of_digits_are_read_as_digits() -> None:
    assert value(r"(?i)error\s{0,3}(\d{3})", ["Error 5O2"]) == "502"


@pytest.mark.parametrize(("lines", "want"), [
    (["502 Bad Gateway"], 502), (["Error", "code 404"], 404), (["version 4.500.1"], None), (["busy"], None)])
def test_the_status_is_the_first_number_that_stands_alone(lines: list[str], want: int | None) -> None:
    assert status(lines) == want
