"""Values are written as people read them."""

from datetime import timedelta

import pytest

from report.units import milliseconds, moment, size, validity
from tests.report.parts import START, handshake


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0.0 ms"), (3.14, "3.1 ms"), (31, "31 ms"), (19304, "19.30 s")]
)
def test_a_duration(value: float | None, text: str) -> None:
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "–"), (0, "0 B"), (999, "999 B"), (5214, "5.2 kB"), (1_400_000, "1.4 MB")]
)
def test_a_size(value: int | None, text: str) -> None:
    assert size(value) == text


def test_a_moment_is_utc() -> None:
    assert moment(START) == "2026-11-20 07:41:02 UTC"


@pytest.mark.parametrize(
    ("days", "text"),
    [(61, "valid for 61 days more"), (1, "valid for 1 day more"), (-12, "expired 12 days before this capture")],
)
def test_how_long_a_certificate_is_valid(days: int, text: str) -> None:
    assert validity(handshake("shop.example", days), START) == text


def test_a_certificate_that_is_not_valid_yet_or_not_there() -> None:
    probe = handshake("shop.example", 61)
    assert validity(probe, START - timedelta(days=400)).startswith("not valid before 2026-")
    assert validity(probe.model_copy(update={"chain": ()}), START) == "no certificate received"
