"""What every step of one capture works with. In: the request. Out: nothing; steps return their records."""

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from capture.record.request import CaptureRequest, LimitHit, Limits

if TYPE_CHECKING:
    from capture.guard import Guard
    from capture.policy import Policy
    from capture.record.bundle import BundleWriter
    from capture.redact import Redactor
    from capture.resolver import Resolver


def host_of(url: str) -> str:
    """Host of an admitted URL: ASCII name or address literal without brackets."""
    return urlsplit(url).hostname or ""


@dataclass(frozen=True, kw_only=True)
class Context:
    """One capture in progress."""

    request: CaptureRequest
    """What was asked for, secrets included; never written."""
    url: str
    """The admitted, canonical address."""
    policy: "Policy"
    """What may be contacted."""
    resolver: "Resolver"
    """Names to addresses, the same answers for everybody in this capture."""
    guard: "Guard"
    """The only way out."""
    redactor: "Redactor"
    """Masks secrets before anything is written."""
    writer: "BundleWriter"
    """Where artifacts go."""
    started: float = field(default_factory=time.monotonic)
    """Start of the capture on the monotonic clock, seconds."""
    limits_hit: list[LimitHit] = field(default_factory=list)
    """Limits that stopped something, in the order in which they did."""

    @property
    def limits(self) -> Limits:
        """Where to stop."""
        return self.request.limits

    @property
    def scheme(self) -> str:
        """http or https."""
        return urlsplit(self.url).scheme

    @property
    def host(self) -> str:
        """Host as admitted: ASCII name or address literal without brackets."""
        return host_of(self.url)

    @property
    def port(self) -> int:
        """TCP port, the scheme's own when the address names none."""
        return urlsplit(self.url).port or (443 if self.scheme == "https" else 80)

    @property
    def target(self) -> str:
        """Path and query as they stand in the request line."""
        parts = urlsplit(self.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def hit(self, limit: str, sentence: str) -> None:
        """Notes a limit that stopped something; the same limit is noted once."""
        if all(known.limit != limit for known in self.limits_hit):
            self.limits_hit.append(LimitHit(limit=limit, sentence=sentence))
