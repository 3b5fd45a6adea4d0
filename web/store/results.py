"""What a finished case looks like in the database. In: a directory with a bundle and its report. Out: columns."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from capture.policy import bare_host
from capture.record import codec
from capture.record.bundle import REPORT, Bundle
from capture.record.seal import MANIFEST
from report.diagnosis import Diagnosis
from report.fingerprint import fingerprint
from web.store.tables import Case

DIAGNOSIS: Final = "diagnosis.json"
MASKED: Final = re.compile(r"(\[|%5B)redacted(:|%3A)([a-z-]+)(:|%3A)\d+(:|%3A)[0-9a-f]{8}(\]|%5D)")
"""A secret that was masked, also percent-encoded."""


@dataclass(frozen=True)
class Result:
    """What follows from the files of a case, so that history can be searched without them."""

    state: Literal["done", "cut-short"]
    """How the capture ended."""
    reason: str | None
    """Why it was cut short."""
    url: str
    """Address asked for, secrets masked."""
    diagnosis: Diagnosis
    """The verdict."""
    number: str
    """Case number, GW-XXXX-XXXX."""
    failure: str | None
    """Fingerprint of the failure."""
    manifest_sha256: str
    """Hash of manifest.json, hexadecimal."""
    size_bytes: int
    """All files."""

    def write(self, case: Case) -> None:
        """Puts it into the row; an import learns its address from what was imported."""
        verdict = self.diagnosis.verdict
        if not case.url:
            case.url, case.host, case.address = self.url, host(self.url), address(self.url)
        case.number, case.failure = self.number, self.failure
        case.manifest_sha256, case.size_bytes = self.manifest_sha256, self.size_bytes
        case.is_error_page, case.summary = verdict.is_error_page, verdict.summary
        case.fault_side, case.certainty, case.status = verdict.fault_side, verdict.certainty, verdict.status
        names = (verdict.generator, verdict.fault_code, verdict.vendor_code)
        case.generator, case.fault_code, case.vendor_code = (name and name[:64] for name in names)


def read(directory: Path) -> Result:
    """Reads a bundle with its report.

    Raises BundleError and codec.UnreadableRecord when something is missing or not understood.
    """
    bundle = Bundle(directory)
    evidence = bundle.evidence
    diagnosis = codec.load(Diagnosis, bundle.read(f"{REPORT}/{DIAGNOSIS}"))
    return Result(
        state="done" if evidence.outcome == "complete" else "cut-short", reason=evidence.outcome_reason,
        url=evidence.request.url, diagnosis=diagnosis, number=bundle.manifest.case,
        failure=fingerprint(diagnosis, evidence.request.url),
        manifest_sha256=hashlib.sha256(bundle.read(MANIFEST)).hexdigest(),
        size_bytes=sum(path.stat().st_size for path in directory.rglob("*") if path.is_file()))


def address(url: str) -> str:
    """Hash under which all captures of one page are found, whatever secrets its URL held each time."""
    return hashlib.sha256(MASKED.sub(r"\3", url).encode("utf-8", "replace")).hexdigest()


def host(url: str) -> str:
    """Host of a masked URL, as hosts are compared; empty when there is none."""
    try:
        return bare_host(urlsplit(url).hostname or "")[:255]
    except ValueError:
        return ""
