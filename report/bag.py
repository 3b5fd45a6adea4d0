"""The whole bundle as one BagIt bag in a ZIP (RFC 8493). In: a bundle, its reports. Out: a file, each time the same."""

import hashlib
import zipfile
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from capture.record.bundle import REPORT, Bundle, BundleError
from capture.record.seal import MANIFEST

_STORED: Final = (".png", ".jpg", ".jpeg", ".webp", ".avif", ".gif", ".woff", ".woff2", ".pdf", ".zip", ".gz", ".br")
_DECLARATION: Final = b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"


class _Bag:
    """A bag while it is written, one file at a time, so that a large bundle needs little memory."""

    def __init__(self, archive: zipfile.ZipFile, top: str, at: datetime) -> None:
        self.archive = archive
        self.top = top
        self.date = (max(at.year, 1980), at.month, at.day, at.hour, at.minute, at.second)
        self.hashes: dict[str, str] = {}
        self.bytes = 0

    def add(self, path: str, data: bytes) -> None:
        info = zipfile.ZipInfo(f"{self.top}/{path}", self.date)
        info.create_system = 3
        info.external_attr = 0o100644 << 16
        info.compress_type = zipfile.ZIP_STORED if path.lower().endswith(_STORED) else zipfile.ZIP_DEFLATED
        self.archive.writestr(info, data, compresslevel=6)
        self.hashes[path] = hashlib.sha256(data).hexdigest()
        self.bytes += len(data)

    def checksums(self) -> bytes:
        # RFC 8493, 2.1.3: line feed, carriage return and per cent in a path are written per cent encoded.
        return "".join(f"{self.hashes[path]}  {encoded_path(path)}\n" for path in sorted(self.hashes)).encode()


def write(target: Path, bundle: Bundle, reports: Mapping[str, bytes], at: datetime) -> list[str]:
    """Writes the bag, dated `at`, with the bundle and these reports in `data/`.

    Gives the paths of files that are no longer what was sealed. Raises BundleError when one is missing or the bag
    cannot be written.
    """
    part = target.with_name(target.name + ".part")
    try:
        with zipfile.ZipFile(part, "w") as archive:
            changed = _fill(archive, bundle, reports, at)
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        if isinstance(error, BundleError):
            raise
        raise BundleError(f"cannot write {target}: {error.strerror or error}") from error
    return changed


def _fill(archive: zipfile.ZipFile, bundle: Bundle, reports: Mapping[str, bytes], at: datetime) -> list[str]:
    payload, tags = (_Bag(archive, bundle.manifest.case, at) for _ in range(2))
    for entry in bundle.manifest.files:
        payload.add(f"data/{entry.path}", bundle.read(entry.path))
    changed = [e.path for e in bundle.manifest.files if payload.hashes[f"data/{e.path}"] != e.sha256]
    payload.add(f"data/{MANIFEST}", bundle.read(MANIFEST))
    for name, data in reports.items():
        payload.add(f"data/{REPORT}/{name}", data)
    info = {"Bagging-Date": f"{at:%Y-%m-%d}", "External-Identifier": bundle.manifest.case,
            "Internal-Sender-Identifier": bundle.manifest.fingerprint,
            "Payload-Oxum": f"{payload.bytes}.{len(payload.hashes)}"}
    tags.add("bagit.txt", _DECLARATION)
    tags.add("bag-info.txt", "".join(f"{label}: {value}\n" for label, value in info.items()).encode())
    tags.add("manifest-sha256.txt", payload.checksums())
    tags.add("tagmanifest-sha256.txt", tags.checksums())
    return changed


def encoded_path(path: str) -> str:
    """A path as a bag's manifest writes it."""
    return path.replace("%", "%25").replace("\n", "%0A").replace("\r", "%0D")
