"""What is sent. In: a bundle with its report. Out: title, text, files; nothing of a bundle that keeps secrets."""

import base64
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image

from capture.record import codec
from capture.record.bundle import REPORT, Bundle, write_file
from capture.record.evidence import Evidence
from report import summary
from report.deliver.base import BadTarget
from report.deliver.ladder import HAR, HTML, PDF, PICTURE, SMALL, Offer
from report.diagnosis import Diagnosis
from report.fingerprint import fingerprint
from report.markup.blocks import Blocks
from report.text import clipped
from report.units import moment
from report.verify import verify
from report.view import screenshot_shown, view

UNMASKED: Final = ("", "none")
"""Rule sets that mask nothing."""
PICTURES: Final = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
TITLE_CHARS: Final = 200
SMALL_WIDTH: Final = 640
SMALL_QUALITY: Final = 60
"""Of the pictures in the smaller dossier: pixels, JPEG quality."""
_PICTURE: Final = re.compile(r"data:image/jpeg;base64,([A-Za-z0-9+/=]+)")


@dataclass(frozen=True)
class Parcel:
    """One dossier, ready to be sent."""

    case: str
    """Case number."""
    failure: str
    """Fingerprint of the failure; the case number when nothing failed."""
    title: str
    blocks: Blocks
    seen_at: str
    """When the page was seen, in words."""
    facts: Mapping[str, str | int | None]
    """The verdict for machines, as in base.Message."""
    offers: Mapping[str, Offer]
    """Files by name."""


def parcel(directory: Path, scratch: Path) -> Parcel:
    """Puts together what is sent of the bundle in `directory`; the smaller dossier is made in `scratch`.

    Raises BundleError when there is no bundle, BadTarget when it has no dossier, is not what was sealed, or keeps
    secrets.
    """
    bundle = Bundle(directory)
    evidence = bundle.evidence
    if evidence.redaction_ruleset in UNMASKED:
        raise BadTarget("this bundle was made without masking secrets; it is sent to nobody")
    if not (directory / REPORT / HTML).is_file():
        raise BadTarget(f"{directory} has no dossier yet; gatewitness report {directory} writes it")
    if changed := verify(directory):
        raise BadTarget(f"this is not what was sealed ({changed[0]}); it is sent to nobody")
    diagnosis = codec.load(Diagnosis, (directory / REPORT / "diagnosis.json").read_bytes())
    case = bundle.manifest.case
    return Parcel(
        case=case, failure=fingerprint(diagnosis, evidence.request.url) or case, title=_title(bundle, diagnosis),
        blocks=summary.blocks(evidence, diagnosis, bundle.manifest), seen_at=moment(evidence.started_at),
        facts=_facts(evidence, diagnosis), offers=dict(_offers(bundle, scratch)))


def _title(bundle: Bundle, diagnosis: Diagnosis) -> str:
    shown = view(bundle.evidence, diagnosis, bundle.manifest, paper=True)
    by = f" ({shown.written_by})" if shown.written_by and diagnosis.verdict.certainty in ("proven", "likely") else ""
    return " ".join(clipped(f"{shown.host}: {shown.what}{by}", TITLE_CHARS).split())


def _facts(evidence: Evidence, diagnosis: Diagnosis) -> dict[str, str | int | None]:
    verdict = diagnosis.verdict
    return {"url": evidence.request.url, "summary": verdict.summary, "status": verdict.status,
            "vendor": verdict.generator, "vendor_code": verdict.vendor_code, "fault": verdict.fault_code,
            "certainty": verdict.certainty, "request_id": verdict.request_id,
            "captured_at": evidence.started_at.isoformat()}


def _offers(bundle: Bundle, scratch: Path) -> Iterator[tuple[str, Offer]]:
    """What exists, by its name on the ladder."""
    report = bundle.directory / REPORT
    if (report / PDF).is_file():
        yield PDF, Offer(PDF, "application/pdf", "the dossier to print", report / PDF)
    yield HTML, Offer(HTML, "text/html", "the whole dossier, opens in any browser", report / HTML)
    if (bundle.directory / HAR).is_file():
        yield HAR, Offer(HAR, "application/json", "every request and answer (HAR 1.2)", bundle.directory / HAR)
    small = smaller((report / HTML).read_text("utf-8"))
    if small is not None:
        write_file(scratch / SMALL, small.encode(), durable=False)
        yield SMALL, Offer(SMALL, "text/html", "the whole dossier with smaller pictures", scratch / SMALL)
    shot = screenshot_shown(bundle.evidence)
    path = bundle.directory / shot[1].path if shot else None
    if path and path.suffix in PICTURES and path.is_file():
        yield PICTURE, Offer(f"screenshot{path.suffix}", PICTURES[path.suffix], "what the visitor saw", path)


def smaller(text: str) -> str | None:
    """A dossier with its pictures scaled down; None when that makes it no smaller."""
    made = _PICTURE.sub(lambda match: f"data:image/jpeg;base64,{_scaled(match[1])}", text)
    return made if len(made) < len(text) else None


def _scaled(data: str) -> str:
    """A picture of our own dossier, base64, not wider than SMALL_WIDTH; itself when that makes it no smaller."""
    image: Image.Image = Image.open(io.BytesIO(base64.b64decode(data)), formats=("JPEG",))
    if image.width > SMALL_WIDTH:
        height = max(1, round(image.height * SMALL_WIDTH / image.width))
        image = image.resize((SMALL_WIDTH, height), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=SMALL_QUALITY)
    return min(base64.b64encode(out.getvalue()).decode("ascii"), data, key=len)
