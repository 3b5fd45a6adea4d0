"""A sealed bundle made into a dossier. In: a bundle directory. Out: the files of its `report/` directory.

diagnosis.json, dossier.html, dossier.pdf, summary.md, packs/ (what each addressee takes; none when nothing failed),
dossier.zip (the whole bundle as a BagIt bag) and manifest.json, which seals the others and names the bundle they were
made from. The same bundle gives the same bytes.
"""

import base64
import hashlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from markupsafe import Markup

from capture.record import codec, seal
from capture.record.bundle import EVIDENCE, REPORT, Bundle, BundleError, write_file
from capture.record.evidence import Evidence
from capture.record.request import Limits
from report import bag, html, packs, pictures, summary
from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from report.pdf import SCHEME, Attachment, PdfFailed, PdfWorker, Relationship
from report.sealed import ReportManifest
from report.signatures import Vendor
from report.view import Picture

FILES: Final = ("diagnosis.json", "dossier.html", "dossier.pdf", "summary.md", "dossier.zip")
"""What a dossier consists of, besides its packs and its manifest, in the order in which it is made."""
ATTACHED_BYTES: Final = 25_000_000
"""Largest file attached to the PDF; larger ones would make it hard to open and the renderer run out of memory."""
_ATTACHED: Final[tuple[tuple[str, str, Relationship], ...]] = (
    ("page.har", "Every request and answer, HAR 1.2", "Data"),
    (EVIDENCE, "Every fact of the capture", "Source"),
    (seal.MANIFEST, "Every file of the bundle with its SHA-256", "Supplement"))


@dataclass(frozen=True)
class Dossier:
    """What was made."""

    diagnosis: Diagnosis
    """What the evidence says."""
    paths: Mapping[str, Path]
    """Files made, by name; dossier.pdf is absent when there is none."""
    warnings: tuple[str, ...]
    """What could not be made, and why."""


def prepare(limits: Limits | None = None, *, pdf: bool = True) -> PdfWorker:
    """Loads ahead what `build` needs, while a capture is still running; the worker is given to `build`, or closed."""
    limits = limits or Limits()
    worker = PdfWorker(limits.pdf_s, limits.pdf_memory_bytes)
    if pdf:
        worker.start()
    html.prepare()
    return worker


def build(bundle_dir: Path, *, pdf: bool = True, now: datetime | None = None, worker: PdfWorker | None = None,
          diagnosis: Diagnosis | None = None, known: tuple[Vendor, ...] | None = None) -> Dossier:
    """Makes the dossier of a bundle in its `report/` directory; an older one is replaced.

    `now` is the date written into the bag (the capture's end, when absent); `worker` comes from `prepare`; `diagnosis`
    is one already made of the same evidence; `known` are the vendors to recognise and to write to, by default ours.
    A PDF that cannot be made is a warning. Raises BundleError when the bundle cannot be read or the report not be
    written, codec.UnreadableRecord when the evidence is not understood.
    """
    worker = worker or PdfWorker()
    try:
        bundle = Bundle(bundle_dir)
        evidence = bundle.evidence
        made = _Report(bundle, diagnosis or diagnose(
            evidence, sha256=_evidence_hash(bundle), known=known, picture=pictures.witness(bundle)), known)
        made.write("diagnosis.json", codec.dump(made.diagnosis))
        made.add_pages(evidence, worker if pdf else None)
        made.write("summary.md", summary.markdown(evidence, made.diagnosis, bundle.manifest).encode())
        for name, data in packs.make(bundle, made.diagnosis, made.files, known).items():
            made.write(name, data)
        made.pack(now or (evidence.imported.at if evidence.imported else evidence.finished_at))
        made.seal()
        return Dossier(made.diagnosis, dict(made.paths), tuple(made.warnings))
    finally:
        worker.close()


class _Report:
    """The report directory while it is filled."""

    def __init__(self, bundle: Bundle, diagnosis: Diagnosis, known: tuple[Vendor, ...] | None) -> None:
        self.bundle = bundle
        self.diagnosis = diagnosis
        self.known = known
        self.directory = bundle.directory / REPORT
        self.files: dict[str, bytes] = {}
        self.paths: dict[str, Path] = {}
        self.warnings: list[str] = []
        self._clear()

    def _clear(self) -> None:
        try:
            if self.directory.is_symlink():
                raise BundleError(f"{self.directory} is a symbolic link; nothing was written")
            if self.directory.exists():
                shutil.rmtree(self.directory)
            self.directory.mkdir()
        except BundleError:
            raise
        except OSError as error:
            raise BundleError(f"cannot write {self.directory}: {error.strerror or error}") from error

    def write(self, name: str, data: bytes) -> None:
        """Writes one file and remembers it for the bag and the manifest."""
        write_file(self.directory / name, data)
        self.files[name] = data
        self.paths[name] = self.directory / name

    def add_pages(self, evidence: Evidence, worker: PdfWorker | None) -> None:
        """Writes the PDF, then the HTML, which says when there is no PDF."""
        shown = pictures.shown(self.bundle, evidence, self.warnings, pictures.regions(self.diagnosis))
        if worker is not None:
            try:
                self.write("dossier.pdf", self._pdf(evidence, shown, worker))
            except PdfFailed as failure:
                self.warnings.append(f"There is no PDF: {failure}.")
        embedded = [_embedded(p) for p in shown]
        text = html.render(evidence, self.diagnosis, self.bundle.manifest, paper=False, warnings=tuple(self.warnings),
                           picture=embedded[0] if embedded else None, more_pictures=tuple(embedded[1:]),
                           known=self.known)
        self.write("dossier.html", text.encode())

    def _pdf(self, evidence: Evidence, shown: list[pictures.Shown], worker: PdfWorker) -> bytes:
        named = [_picture(f"{SCHEME}{i}", p) for i, p in enumerate(shown) if not p.tall]
        attached = tuple(self._attachments())
        text = html.render(evidence, self.diagnosis, self.bundle.manifest, paper=True, warnings=tuple(self.warnings),
                           picture=named[0] if named else None, more_pictures=tuple(named[1:]),
                           attached=tuple(file.name for file in attached), known=self.known)
        identifier = hashlib.sha256(self.bundle.manifest.fingerprint.encode()).digest()[:16]
        images = {str(i): p.jpeg for i, p in enumerate(shown)}
        return worker.render(text, images, attached, evidence.finished_at, identifier)

    def _attachments(self) -> Iterator[Attachment]:
        sizes = {file.path: file.size for file in self.bundle.manifest.files}
        for name, what, relation in _ATTACHED:
            if sizes.get(name, 0) > ATTACHED_BYTES:
                self.warnings.append(f"{name} is too large to be attached to the PDF; it is in dossier.zip.")
            elif name in sizes or name == seal.MANIFEST:
                yield Attachment(name, what, relation, self.bundle.read(name))

    def pack(self, at: datetime) -> None:
        """Writes the bag of the bundle and of everything made so far."""
        target = self.directory / "dossier.zip"
        changed = bag.write(target, self.bundle, self.files, at)
        self.warnings += [f"{path} is no longer what was sealed." for path in changed]
        self.paths[target.name] = target

    def seal(self) -> None:
        """Writes the manifest over what was made."""
        entries = [_entry(name, path) for name, path in self.paths.items()]
        self.write(seal.MANIFEST, codec.dump(ReportManifest.over(self.bundle.manifest, entries)))


def _evidence_hash(bundle: Bundle) -> str | None:
    return next((file.sha256 for file in bundle.manifest.files if file.path == EVIDENCE), None)


def _entry(name: str, path: Path) -> seal.FileEntry:
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return seal.FileEntry(path=name, size=path.stat().st_size, sha256=digest)


def _embedded(shown: pictures.Shown) -> Picture:
    data = base64.b64encode(shown.jpeg).decode("ascii")
    return _picture(Markup(f"data:image/jpeg;base64,{data}"), shown)


def _picture(source: str, shown: pictures.Shown) -> Picture:
    return Picture(source, shown.width, shown.height, shown.caption, shown.pointer, shown.boxes)
