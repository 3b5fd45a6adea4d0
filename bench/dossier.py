"""`./run bench --dossier`: time and size of dossiers. In: a number of rounds. Out: a table; whether targets are held.

An ordinary error page, and pages of 250 to 2,000 requests, whose time must grow linearly: twice as many requests take
at most 2.6 times as long. Each is diagnosed, has its picture, and its evidence attached, as in a real dossier. Imports
and the start of the renderer are not counted, as a service has them behind it. The PDF's time is that of the clock; for
the HTML and for growth it is that of the processor, which tells the same on a busy machine.
"""

import resource
import statistics
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import psutil

from capture.record.bundle import Bundle
from capture.record.page import Exchange, Timings
from report import dossier, html
from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from report.pdf import Attachment, PdfWorker
from report.pictures import witness
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
_LOADING_S: Final = 0.2
"""Processor time that a renderer has surely taken when it is ready."""
_CALM: Final = 5
"""Times in a row that it must be found asleep."""


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


class TimedWorker(PdfWorker):
    """A renderer that is ready before its job, and says how long the job took."""

    seconds = cpu = 0.0
    """Time, and processor time, of the job."""

    def render(self, html: str, pictures: Mapping[str, bytes], attachments: tuple[Attachment, ...],
               moment: datetime, identifier: bytes) -> bytes:
        """Waits until the child sleeps, then times it."""
        self.start()
        assert self._process is not None
        child, calm = psutil.Process(self._process.pid), 0
        while calm < _CALM:
            time.sleep(0.1)
            waits = child.status() == psutil.STATUS_SLEEPING and sum(child.cpu_times()[:2]) > _LOADING_S
            calm = calm + 1 if waits else 0
        spent, began = sum(child.cpu_times()[:2]) + _ended(), time.perf_counter()
        made = super().render(html, pictures, attachments, moment, identifier)
        self.seconds, self.cpu = time.perf_counter() - began, _ended() - spent
        return made


def _ended() -> float:
    """Processor time of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def html_seconds(bundle: Bundle, diagnosis: Diagnosis, *, paper: bool) -> float:
    """Processor time to write the HTML."""
    evidence, manifest = bundle.evidence, bundle.manifest
    began = time.process_time()
    html.render(evidence, diagnosis, manifest, paper=paper)
    return time.process_time() - began


@dataclass(frozen=True)
class Run:
    """One dossier."""

    html_s: float
    """Processor time to write the HTML."""
    pdf_s: float
    """Time to write the PDF from the evidence."""
    cpu_s: float
    """Processor time in it."""
    html_bytes: int
    pdf_bytes: int


def run(example: Example) -> Run:
    """Makes one dossier."""
    with tempfile.TemporaryDirectory() as place:
        bundle, worker = example.seal(Path(place)), TimedWorker()
        diagnosis = diagnose(bundle.evidence, picture=witness(bundle))
        screen, paper = (html_seconds(bundle, diagnosis, paper=paper) for paper in (False, True))
        made = dossier.build(Path(place), worker=worker, diagnosis=diagnosis)
        sizes = [made.paths[name].stat().st_size for name in ("dossier.html", "dossier.pdf")]
    return Run(screen, paper + worker.seconds, paper + worker.cpu, *sizes)


def measure(rounds: int) -> bool:
    """Prints medians; False when a target is missed."""
    html.prepare()
    held, _ = _show("ordinary error page", EXAMPLES["cloudflare_522"](), rounds, ORDINARY_HTML_S, ORDINARY_PDF_S)
    before: tuple[float, float] | None = None
    for count in COUNTS:
        limits = (HTML_S, PDF_S) if count == COUNTS[-1] else (None, None)
        ok, spent = _show(f"{count:,} requests", large(count), rounds, *limits)
        held &= ok
        if before:
            growth = spent[0] / before[0], spent[1] / before[1]
            held &= max(growth) <= GROWTH
            print(f"{'':<22} grew x {growth[0]:.2f} and x {growth[1]:.2f}, target x {GROWTH:g}")
        before = spent
    return held


def _show(name: str, example: Example, rounds: int, html_s: float | None, pdf_s: float | None
          ) -> tuple[bool, tuple[float, float]]:
    runs = [run(example) for _ in range(min(rounds, 5))]
    written, rendered, spent = (statistics.median(times) for times in zip(
        *((r.html_s, r.pdf_s, r.cpu_s) for r in runs), strict=True))
    targets = [f"{what} {limit:g} s {'held' if took <= limit else 'MISSED'}"
               for what, limit, took in (("HTML", html_s, written), ("PDF", pdf_s, rendered)) if limit]
    print(f"{name:<22} HTML {written * 1000:5.0f} ms {runs[0].html_bytes / 1e6:6.2f} MB   PDF {rendered:5.2f} s "
          f"(processor {spent:.2f} s) {runs[0].pdf_bytes / 1e6:5.2f} MB   {'   '.join(targets)}")
    return not any("MISSED" in target for target in targets), (written, spent)
