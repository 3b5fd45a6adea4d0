"""Twice as many requests are twice as much work: counted in calls, which no busy machine changes."""

import cProfile
import pstats
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bench.dossier import large
from capture.record.seal import manifest
from report import html, pdf
from report.failure_path import LIGHT
from report.waterfall import PAPER_FAILURES, PAPER_ROWS, table_rows, waterfalls
from tests.report.parts import START

GROWTH = 2.5
"""Most calls for one count, as a multiple of those for half of it; work that grows with the square makes four."""


def calls(work: Callable[[], object]) -> int:
    """Calls of functions during the work."""
    profile = cProfile.Profile()
    profile.runcall(work)
    return pstats.Stats(profile).total_calls  # type: ignore[attr-defined, no-any-return]


def write(count: int, *, paper: bool) -> str:
    """The HTML of a page of so many requests."""
    example = large(count)
    return html.render(example.evidence, example.diagnosis, manifest(()), paper=paper)


@pytest.mark.parametrize("paper", [False, True])
def test_the_html_grows_with_the_number_of_requests(paper: bool) -> None:
    write(10, paper=paper)
    counts = (100, 200, 400)
    work = [calls(lambda count=count: write(count, paper=paper)) for count in counts]  # type: ignore[misc]
    assert work[1] < GROWTH * work[0]
    assert work[2] < GROWTH * work[1]


def table(rows: int) -> str:
    """A page of so many rows of the table of requests, as they stand on paper."""
    fall = waterfalls(large(300).evidence, paper=True)[0]
    body = table_rows(replace(fall, rows=fall.rows[:rows]), LIGHT, paper=True)
    return f'<!doctype html><html lang=en><title>t</title><table class="grid requests"><tbody>{body}</table>'


def pdf_calls(counts: tuple[int, ...]) -> list[int]:
    """Calls during the rendering of so many rows; loads the renderer into this process."""
    loaded = pdf.load()
    jobs = [{"html": table(count), "pictures": {}, "attachments": [], "moment": START, "identifier": b"x"}
            for count in counts]  # fmt: skip
    return [calls(lambda job=job: pdf._write(job, loaded)) for job in jobs]  # type: ignore[misc]


def test_the_pdf_grows_with_the_number_of_rows() -> None:
    code = f"from {__name__} import pdf_calls; print(*pdf_calls((15, 30, 60)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    few, some, many = map(int, done.stdout.split())
    assert few < some < GROWTH * few
    assert some < many < GROWTH * some


def test_the_pdf_has_no_more_rows_than_it_may() -> None:
    assert len(waterfalls(large(4_000).evidence, paper=True)[0].rows) == PAPER_FAILURES + PAPER_ROWS
