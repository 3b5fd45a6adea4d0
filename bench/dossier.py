"""`./run bench --dossier`: time and size of dossiers. In: a number of rounds. Out: a table; whether targets are held.

An ordinary error page, and pages of 250 to 2,000 requests, whose time must grow linearly: twice as many requests take
at most 2.6 times as long. Imports and the start of the renderer are not counted, as a service has them behind it.
"""

import statistics
import time
from datetime import timedelta
from typing import Final

from capture.record.page import Exchange, Timings
from capture.record.seal import manifest
from report import html
from report.pdf import PdfWorker
from tests.report.examples import EXAMPLES
from tests.report.parts import START, Example, exchange

COUNTS: Final = (250, 500, 1_000, 2_000)
HTML_S: Final = 1.0
PDF_S: Final = 6.0
"""Targets for the largest page, seconds."""
ORDINARY_HTML_S: Final = 0.060
ORDINARY_PDF_S: Final = 0.700
"""Targets for an ordinary error page, seconds."""
GROWTH: Final = 2.6
"""Greatest factor between one count and the next, which is twice as large."""


def large(count: int) -> Example:
    """A page of so many requests, each tenth of which failed."""
    example = EXAMPLES["cloudflare_522"]()
    load = example.evidence.pages[0]
    exchanges = (*load.exchanges, *(_one(number) for number in range(len(load.exchanges) + 1, count + 1)))
    load = load.model_copy(update={"exchanges": exchanges})
    example.evidence = example.evidence.model_copy(update={"pages": (load,)})
    return example


def _one(number: int) -> Exchange:
    status = 503 if number % 10 == 0 else 200
    made = exchange(number, f"https://shop.example/assets/chunk-{number}.js?v=5f0a11c2", status, "script", phrase="",
                    duration_ms=20.0 + number % 97, started_ms=number * 9.5)
    phases = Timings(blocked=2, dns=3, connect=6, ssl=4, send=0.2, wait=6 + number % 90, receive=2)
    return made.model_copy(update={"timings": phases, "started_at": START + timedelta(milliseconds=number * 9.5)})


def html_seconds(example: Example) -> tuple[float, int]:
    """Time to write the HTML, and its length in bytes."""
    began = time.perf_counter()
    text = html.render(example.evidence, example.diagnosis, manifest(()), paper=False)
    return time.perf_counter() - began, len(text.encode())


def pdf_seconds(example: Example, warm_s: float) -> tuple[float, int]:
    """Time to write the PDF from the evidence by a renderer that had `warm_s` to start, and its length in bytes."""
    with PdfWorker() as worker:
        time.sleep(warm_s)
        began = time.perf_counter()
        text = html.render(example.evidence, example.diagnosis, manifest(()), paper=True)
        data = worker.render(text, {}, (), START, b"x" * 16)
        return time.perf_counter() - began, len(data)


def measure(rounds: int) -> bool:
    """Prints medians; False when a target is missed."""
    html.prepare()
    held = _show("ordinary error page", EXAMPLES["cloudflare_522"](), rounds, ORDINARY_HTML_S, ORDINARY_PDF_S)[0]
    before: tuple[float, float] | None = None
    for count in COUNTS:
        limits = (HTML_S, PDF_S) if count == COUNTS[-1] else (None, None)
        ok, times = _show(f"{count:,} requests", large(count), rounds, *limits)
        held &= ok
        if before:
            growth = times[0] / before[0], times[1] / before[1]
            held &= max(growth) <= GROWTH
            print(f"{'':<22} grew x {growth[0]:.2f} and x {growth[1]:.2f}, target x {GROWTH:g}")
        before = times
    return held


def _show(name: str, example: Example, rounds: int, html_s: float | None, pdf_s: float | None
          ) -> tuple[bool, tuple[float, float]]:
    pages = [html_seconds(example) for _ in range(rounds)]
    papers = [pdf_seconds(example, 2.5) for _ in range(min(rounds, 3))]
    times = statistics.median(t for t, _ in pages), statistics.median(t for t, _ in papers)
    targets = [f"{what} {limit:g} s {'held' if took <= limit else 'MISSED'}"
               for what, limit, took in (("HTML", html_s, times[0]), ("PDF", pdf_s, times[1])) if limit]
    print(f"{name:<22} HTML {times[0] * 1000:7.0f} ms {pages[0][1] / 1e6:6.2f} MB   PDF {times[1]:6.2f} s "
          f"{papers[0][1] / 1e6:6.2f} MB   {'   '.join(targets)}")
    return not any("MISSED" in target for target in targets), times
