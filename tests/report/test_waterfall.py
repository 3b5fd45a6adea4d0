"""The waterfall: failed first, bars inside the load, phases told apart without colour."""

import re

import pytest

from capture.record.page import Exchange, PageLoad, Timings
from report import failure_path
from report.waterfall import (
    PAPER_ROWS,
    PHASES,
    Waterfall,
    axis,
    bar,
    failed_request,
    legend,
    outcome,
    phases,
    table_rows,
    ticks,
    waterfalls,
)
from tests.report.examples import EXAMPLES
from tests.report.parts import START, evidence, exchange

URL = "https://www.example/"


def fall(*exchanges: Exchange, paper: bool = False) -> Waterfall:
    load = PageLoad(label="strict", started_at=START, ended="load", exchanges=exchanges)
    return waterfalls(evidence(URL, (load,)), paper=paper)[0]


def many(count: int, *, paper: bool = False) -> Waterfall:
    """A document, many pictures, and two requests that failed."""
    return fall(
        exchange(1, URL),
        *(exchange(n, f"{URL}{n}", 200, "image", duration_ms=float(n)) for n in range(2, count - 1)),
        exchange(count - 1, f"{URL}gone", 404, "script"),
        exchange(count, f"{URL}reset", None, "fetch", error="net::ERR_CONNECTION_RESET"),
        paper=paper,
    )


def drawn(one: Exchange, whole: float = 1000.0) -> list[tuple[float, float, float, str]]:
    """Left, length, height and colour of every block of a bar."""
    found = []
    for colour, path in re.findall(r'fill="([^"]+)" d="([^"]+)"', bar(one, whole, failure_path.LIGHT, False)):
        blocks = re.findall(r"M([\d.]+) [\d.]+h([\d.]+)v([\d.]+)", path)
        found += [(float(x), float(width), float(height), colour) for x, width, height in blocks]
    return found


def test_failed_requests_come_first() -> None:
    made = many(60)
    assert [row.exchange.id for row in made.rows[:3]] == ["E59", "E60", "E1"]
    assert [row.pointer for row in made.rows[:3]] == [f"/pages/0/exchanges/{n}" for n in (58, 59, 0)]
    assert made.failed == 2
    assert made.left_out == 0


def test_paper_lists_failures_and_the_slowest() -> None:
    made = many(100, paper=True)
    assert len(made.rows) == 2 + PAPER_ROWS
    assert made.left_out == 98 - PAPER_ROWS
    assert {"E100", "E99", "E98", "E97"} <= {row.exchange.id for row in made.rows}


def test_every_load_that_asked_has_its_own() -> None:
    made = waterfalls(EXAMPLES["expired"]().evidence, paper=False)
    assert [(each.load.label, each.pointer) for each in made] == [("strict", "/pages/0"), ("lenient", "/pages/1")]


def test_bars_stay_inside_the_load() -> None:
    made = many(30)
    for row in made.rows:
        for left, width, _, _ in drawn(row.exchange, made.span):
            assert 0 <= left <= 1000
            assert left + width <= 1007


def test_a_bar_grows_with_every_phase() -> None:
    timings = Timings(blocked=10, dns=20, connect=60, ssl=40, send=5, wait=100, receive=50)
    one = exchange(1, URL, started_ms=0.0, duration_ms=245.0).model_copy(update={"timings": timings})
    blocks = drawn(one)
    assert [width for _, width, _, _ in blocks] == pytest.approx([10, 20, 20, 40, 6, 100, 50], abs=0.1)
    heights = [height for _, _, height, _ in blocks]
    assert heights == sorted(heights)
    assert len(set(heights)) == 6
    assert blocks[-1][0] == pytest.approx(195)


def test_connecting_is_shown_without_the_handshake_that_har_counts_into_it() -> None:
    one = exchange(1, URL).model_copy(update={"timings": Timings(connect=60, ssl=40)})
    assert [(phase.name, length) for phase, length in phases(one)] == [("connect", 20), ("TLS", 40)]


def test_a_request_whose_phases_are_not_known_is_one_low_bar() -> None:
    one = exchange(1, URL, None, error="net::ERR_FAILED", started_ms=100.0, duration_ms=400.0)
    assert [(left, width) for left, width, _, _ in drawn(one)] == [(100, 400)]


def test_the_heights_are_explained_in_words() -> None:
    told = legend(failure_path.LIGHT)
    assert all(phase.name in told for phase in PHASES if phase.slug != "send")


@pytest.mark.parametrize(
    ("whole", "words"),
    [
        (25_430, ["0", "10 s", "20 s"]),
        (1_000, ["0", "500 ms", "1 s"]),
        (3.2, ["0", "1 ms", "2 ms", "3 ms"]),
        (1, ["0", "1 ms"]),
    ],
)
def test_the_scale_has_few_and_round_times(whole: float, words: list[str]) -> None:
    assert [word for _, word in ticks(whole)] == words


def test_the_scale_is_drawn_over_the_bars() -> None:
    assert re.findall(r">([^<]+)</text>", axis(many(30), failure_path.LIGHT))[0] == "0"


def test_a_request_can_be_opened_on_the_screen_and_is_told_on_paper() -> None:
    one = exchange(1, URL, connection_reused=True, dial=4)
    screen = table_rows(fall(one), failure_path.LIGHT, paper=False)
    assert "<details>" in screen
    assert "connection already open, dial 4" in screen
    paper = table_rows(fall(one, paper=True), failure_path.LIGHT, paper=True)
    assert "<details>" not in paper
    assert "wait 22 ms, receive 6.2 ms" in paper


def test_paper_tells_the_phases_that_took_the_time() -> None:
    spent = Timings(dns=3, send=2, wait=480, receive=60)
    slow = exchange(1, URL, duration_ms=545.0).model_copy(update={"timings": spent})
    told = re.search(r'<span class="quiet">([^<]*)', table_rows(fall(slow, paper=True), failure_path.LIGHT, paper=True))
    assert told is not None
    assert told[1] == "wait 480 ms, receive 60 ms"


def test_hostile_addresses_are_escaped() -> None:
    made = table_rows(fall(exchange(1, 'https://a.example/"><script>\x1b')), failure_path.LIGHT, paper=False)
    assert "<script>" not in made
    assert "\x1b" not in made


def test_the_guards_word_comes_before_the_browsers() -> None:
    failed = exchange(1, "https://a.example/", None, error="net::ERR_SOCKS_CONNECTION_FAILED",
                      guard_error="net::ERR_CONNECTION_REFUSED")  # fmt: skip
    assert outcome(failed) == "net::ERR_CONNECTION_REFUSED"
    assert failed_request(failed)


def test_what_the_page_gave_up_is_no_failure() -> None:
    assert not failed_request(exchange(1, "https://a.example/", None, error="net::ERR_ABORTED", canceled=True))
