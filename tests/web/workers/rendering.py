"""`python -m tests.web.workers.rendering DIRECTORY`: renders by forks, and says how each went. A process of its own,
because one that forks may have one thread only."""

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from capture.record.request import Limits
from report import pdf
from report.pdf import Attachment, PdfFailed, PdfWorker
from tests.processes import alive
from web.workers.renderer import Forked

HTML = "<html lang=en><title>One</title><body><h1>502 Bad Gateway</h1><p>Ärger</p></body></html>"
LARGE = HTML + "<p>The gateway got no answer.</p>" * 20_000
MOMENT = datetime(2026, 11, 20, 7, 41, tzinfo=UTC)
ATTACHED = (Attachment("a.json", "a", "Data", b"{}"),)


def render(worker: PdfWorker, html: str = HTML) -> bytes:
    """The same job each time."""
    return worker.render(html, {}, ATTACHED, MOMENT, b"x" * 16)


def failure(work: Callable[[], object]) -> str | None:
    """The sentence of a failure."""
    try:
        work()
    except PdfFailed as failed:
        return str(failed)
    return None


def main(directory: Path) -> None:
    """Writes what it found to standard output."""
    loaded = pdf.load()
    found: dict[str, Any] = {}

    def forked(limits: Limits | None = None) -> Forked:
        return Forked.fork(loaded, limits or Limits())

    (directory / "forked.pdf").write_bytes(render(PdfWorker(process=forked())))
    (directory / "again.pdf").write_bytes(render(PdfWorker(process=forked())))
    (directory / "own.pdf").write_bytes(render(PdfWorker()))
    killed = forked()
    psutil.Process(killed.pid).kill()
    found["killed"] = failure(lambda: render(PdfWorker(process=killed)))
    found["broken"] = failure(lambda: render(PdfWorker(process=forked()), HTML + "<img src='file:///etc/hostname'>"))
    found["memory"] = failure(lambda: render(PdfWorker(process=forked(Limits(pdf_memory_bytes=1))), LARGE))
    stopped = forked()
    psutil.Process(stopped.pid).suspend()
    found["slow"] = failure(lambda: render(PdfWorker(timeout_s=0.2, process=stopped)))
    unused = PdfWorker(process=forked())
    unused.close()
    alone = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=True)
    renderer, end = int(alone.stdout), time.monotonic() + 60
    while _is_there(renderer) and time.monotonic() < end:
        time.sleep(0.01)
    found["outlives its parent"] = _is_there(renderer)
    found["left"] = len(psutil.Process().children())
    sys.stdout.write(json.dumps(found))


def _is_there(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return alive(psutil.Process(pid))
    return False


ALONE = """
import os, sys
from capture.record.request import Limits
from web.workers.renderer import Forked
made = Forked.fork(None, Limits())
sys.stdout.write(str(made.pid))
sys.stdout.flush()
os._exit(0)
"""

if __name__ == "__main__":
    main(Path(sys.argv[1]))
