"""Which tickets are one outage. In: a diagnosis and the address it speaks of. Out: the same text for the same failure.

Two captures are the same failure when the same vendor shows the same code for the same host and the same kind of path:
numbers, ids, dates and hashes in it do not count.
"""

import hashlib
import re
from typing import Final
from urllib.parse import unquote, urlsplit

from report.diagnosis import Diagnosis

ANY: Final = "*"
LENGTH: Final = 32
_TOKEN: Final = re.compile(r"\[redacted:[a-z-]+:\d+:[0-9a-f]{8}\]")
_MAIL: Final = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_VERSION: Final = re.compile(r"v\d{1,2}")
_HEX: Final = re.compile(
    r"(?<![0-9a-z])(?=[a-f-]*\d)(?:[0-9a-f]{8,}|[0-9a-f]{4,}(?:-[0-9a-f]{4,}){2,})(?![0-9a-z])", re.IGNORECASE)
_MIXED: Final = re.compile(r"(?=[A-Za-z_]*\d)(?=[\d_]*[A-Za-z])[A-Za-z0-9_]{10,}")
_DIGITS: Final = re.compile(r"\d+(?:[-:.]\d+)*")
_STARS: Final = re.compile(r"\*[*._-]*\*")


def fingerprint(diagnosis: Diagnosis, url: str) -> str | None:
    """32 hexadecimal digits; None when nothing failed: a working page is no failure.

    The code is the vendor's own (521, NoSuchKey), else ours, else the status.
    """
    verdict = diagnosis.verdict
    if not (verdict.is_error_page or verdict.fault_code or verdict.interstitial):
        return None
    code = verdict.vendor_code or verdict.fault_code or verdict.interstitial or verdict.status
    parts = (verdict.generator or "", str(code or ""), *place(url))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:LENGTH]


def place(url: str) -> tuple[str, str]:
    """Host, with its port when the address names one, and the path with `*` for everything that names one thing only.

    An address that cannot be read is its own host.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or url) + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return url, ""
    segments = [_shape(segment) for segment in unquote(parts.path).split("/") if segment]
    return host, "/" + "/".join(segments)


def _shape(segment: str) -> str:
    if _VERSION.fullmatch(segment):
        return segment
    segment = _TOKEN.sub(ANY, segment)
    for pattern in (_MAIL, _HEX, _MIXED, _DIGITS):
        segment = pattern.sub(ANY, segment)
    return _STARS.sub(ANY, segment)
