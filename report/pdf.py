"""HTML to PDF/A-3b in a child process. In: one HTML text, pictures and attachments as bytes. Out: the bytes of the PDF.

The child is started early (`PdfWorker.start`), loads the renderer, the dossier's style sheet and its fonts while other
work goes on, takes one job and ends. The job may read nothing but what it brings, and is bounded in memory, processor
time and time, because WeasyPrint has no limits of its own. This module loads WeasyPrint only in the child.
"""

import gc
import io
import json
import logging
import mimetypes
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import IO, Any, Final, Literal, Protocol

from report import sheet

SCHEME: Final = "evidence:"
"""Pictures are named `evidence:NAME` in the HTML; nothing else is ever fetched."""
SAME_BYTES: Final = {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "0", "TZ": "UTC"}
"""Order of sets, dates inside fonts that are written anew, local time: all that would make the same job differ."""
_ROOT: Final = Path(__file__).resolve().parent.parent
_SAMPLE: Final = Path(__file__).parent / "data" / "sample.html"

Relationship = Literal["Source", "Data", "Supplement", "Unspecified"]


class PdfFailed(Exception):
    """No PDF was made; the message says why in one sentence."""


@dataclass(frozen=True)
class Attachment:
    """A file inside the PDF (ISO 32000-2, 7.11.3)."""

    name: str
    """File name; its ending gives the media type."""
    description: str
    """What it is, one phrase."""
    relationship: Relationship
    """How it belongs to the document."""
    data: bytes
    """Content."""


class Renderer(Protocol):
    """A child that runs `serve`, in a session of its own; subprocess.Popen is one. `wait` frees what it holds."""

    pid: int
    returncode: int | Any
    stdin: IO[bytes] | None
    stdout: IO[bytes] | None
    stderr: IO[bytes] | None

    def communicate(self, input: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Gives the job; returns the PDF and what the child said. Raises subprocess.TimeoutExpired."""

    def wait(self) -> int:
        """Waits until it has ended; returns its status."""


class PdfWorker:
    """One child process that renders one PDF."""

    def __init__(self, timeout_s: float = 60.0, memory_bytes: int = 1 << 30, process: Renderer | None = None) -> None:
        """Seconds until it is killed, and bytes of memory that it may take. `process`: a child that waits already."""
        self.timeout_s = timeout_s
        self.memory_bytes = memory_bytes
        self._process = process

    def start(self) -> None:
        """Starts the child, which loads the renderer and then waits; a second call does nothing."""
        if self._process is None:
            # A session of its own: killed as a group, and not ended by the terminal's Ctrl-C.
            self._process = subprocess.Popen(
                [sys.executable, "-m", "report.pdf", str(self.memory_bytes), str(int(self.timeout_s) + 5)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=_ROOT,
                start_new_session=True, env={**os.environ, **SAME_BYTES})

    def render(self, html: str, pictures: Mapping[str, bytes], attachments: tuple[Attachment, ...],
               moment: datetime, identifier: bytes) -> bytes:
        """The PDF. `moment` dates it and its attachments, `identifier` is its file identifier.

        Raises PdfFailed when the child fails, takes too long or takes too much memory.
        """
        self.start()
        process = self._process
        assert process is not None
        self._process = None
        try:
            out, err = process.communicate(_pack(html, pictures, attachments, moment, identifier), self.timeout_s)
        except subprocess.TimeoutExpired:
            _kill(process)
            raise PdfFailed(f"rendering was stopped after {self.timeout_s:g} s") from None
        except BaseException:
            _kill(process)
            raise
        if process.returncode or not out.startswith(b"%PDF-"):
            last = err.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"exit status {process.returncode}"]
            raise PdfFailed(f"the renderer failed: {last[0][:300]}")
        return out

    def close(self) -> None:
        """Ends a child that was started and never used."""
        if self._process is not None:
            _kill(self._process)
            self._process = None

    def __enter__(self) -> "PdfWorker":
        """Starts the child."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the child."""
        self.close()


def _kill(process: Renderer) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()
    process.wait()


def _pack(html: str, pictures: Mapping[str, bytes], attachments: tuple[Attachment, ...], moment: datetime,
          identifier: bytes) -> bytes:
    text = html.encode("utf-8")
    head = {"html": len(text), "pictures": {name: len(data) for name, data in pictures.items()},
            "attachments": [{**asdict(a), "data": len(a.data)} for a in attachments],
            "moment": moment.isoformat(), "identifier": identifier.hex()}
    return b"".join((json.dumps(head).encode(), b"\n", text, *pictures.values(), *(a.data for a in attachments)))


def _unpack(stream: IO[bytes]) -> dict[str, Any] | None:
    line = stream.readline()
    if not line:
        return None
    job: dict[str, Any] = json.loads(line)
    job["html"] = stream.read(job["html"]).decode("utf-8")
    job["pictures"] = {name: stream.read(size) for name, size in job["pictures"].items()}
    job["attachments"] = [Attachment(**{**a, "data": stream.read(a["data"])}) for a in job["attachments"]]
    job["moment"] = datetime.fromisoformat(job["moment"])
    job["identifier"] = bytes.fromhex(job["identifier"])
    return job


@dataclass(frozen=True)
class Loaded:
    """What no job has to wait for."""

    defaults: Any
    """How elements look that no style sheet says anything about, parsed."""
    style: Any
    """The dossier's style sheet, parsed."""
    fonts: Any
    """The map of fonts, with those of the sample found and opened."""


def load() -> Loaded:
    """Loads the renderer and sets a sample in every face and size of the dossier: finding one takes as long as setting
    twenty lines in it."""
    import weasyprint
    from PIL import Image
    from weasyprint.text.fonts import FontConfiguration

    mimetypes.add_type("application/json", ".har")
    logging.getLogger("weasyprint").setLevel(logging.CRITICAL)
    dot = io.BytesIO()
    Image.new("L", (1, 1)).save(dot, "JPEG")
    loaded = Loaded(_defaults(), weasyprint.CSS(string=sheet.paper()), FontConfiguration())
    moment = datetime.fromtimestamp(0, UTC)
    _write({"html": _SAMPLE.read_text("utf-8"), "pictures": {"dot": dot.getvalue()}, "moment": moment,
            "attachments": [Attachment("a.json", "a", "Data", b"a")], "identifier": b"a"}, loaded)
    return loaded


def _defaults() -> Any:
    """WeasyPrint's style sheet without notes and markers but of items: they would give each element six styles more."""
    import weasyprint

    text = (files("weasyprint") / "css" / "html5_ua.css").read_text("utf-8")
    text = re.sub(r"(?m)^::(?:foot)?note-[^{]*\{[^}]*\}", "", text)
    return weasyprint.CSS(string=text.replace("\n::marker {", "\nli::marker {"))


def _write(job: dict[str, Any], loaded: Loaded) -> bytes:
    import weasyprint
    from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

    class Evidence(URLFetcher):  # type: ignore[misc]  # the library has no types
        """Serves the job's pictures; everything else ends the rendering."""

        def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> Any:
            name = url.removeprefix(SCHEME)
            if not url.startswith(SCHEME) or name not in job["pictures"]:
                raise FatalURLFetchingError(f"refused to fetch {url[:80]}")
            return URLFetcherResponse(url, job["pictures"][name], {"Content-Type": "image/jpeg"})

    class Page(weasyprint.HTML):  # type: ignore[misc]  # the library has no types
        """HTML with our defaults instead of WeasyPrint's; were this method no longer asked, it would only be slower."""

        def _ua_stylesheets(self, forms: bool = False) -> list[Any]:
            return [loaded.defaults]

    fetcher = Evidence()
    attached = [weasyprint.Attachment(string=a.data, name=a.name, description=a.description, created=job["moment"],
                                      modified=job["moment"], relationship=a.relationship, url_fetcher=fetcher)
                for a in job["attachments"]]
    document = Page(string=job["html"], base_url=None, url_fetcher=fetcher)
    pdf: bytes = document.write_pdf(
        stylesheets=[loaded.style], font_config=loaded.fonts, pdf_variant="pdf/a-3b", pdf_tags=True,
        pdf_identifier=job["identifier"], attachments=attached, finisher=_finish)
    return pdf


def _finish(_document: Any, pdf: Any) -> None:
    # WeasyPrint 70 writes every attachment twice into the catalog's list of associated files.
    if "AF" in pdf.catalog:
        pdf.catalog["AF"][:] = list(dict.fromkeys(pdf.catalog["AF"]))
    _write_once(pdf)


def _write_once(pdf: Any) -> None:
    """Replaces every object by its bytes: pydyf 0.13 asks for them twice, and would compress everything twice."""
    import pydyf

    class Written(pydyf.Object):  # type: ignore[misc]  # the library has no types
        data = b""

    class WrittenStream(pydyf.Stream):  # type: ignore[misc]  # the library has no types
        data = b""

    for place, made in enumerate(pdf.objects):
        if made.free == "n":
            written = WrittenStream() if isinstance(made, pydyf.Stream) else Written()
            written.number, written.generation, written.data = made.number, made.generation, made.data
            pdf.objects[place] = written


def bound(memory_bytes: int, cpu_s: int) -> None:
    """Limits this process for good: bytes of memory, seconds of processor time."""
    # RLIMIT_DATA counts what is allocated; RLIMIT_AS would also count the font files that are only mapped.
    resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def serve(loaded: Loaded, source: IO[bytes], target: IO[bytes]) -> None:
    """Renders the one job that comes from `source`; when there was one, the process ends with it."""
    # One job, then the end: collecting garbage would cost a tenth of the time and free nothing that matters.
    gc.disable()
    job = _unpack(source)
    if job is not None:
        target.write(_write(job, loaded))
        target.flush()
        # Nor is it worth a tenth of the time to free every object before the memory goes back as a whole.
        os._exit(0)


def main(memory_bytes: int, cpu_s: int) -> None:
    """The child: loads the renderer, reads one job from standard input, writes the PDF to standard output."""
    bound(memory_bytes, cpu_s)
    serve(load(), sys.stdin.buffer, sys.stdout.buffer)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
