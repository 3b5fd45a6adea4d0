"""What one file holds, before anything in it is masked. It lives in memory only and is never written."""

from dataclasses import dataclass
from datetime import datetime

from capture.record.evidence import ImportFormat
from capture.record.network import TcpProbe, TlsProbe
from capture.record.page import Exchange


@dataclass(frozen=True)
class Content:
    """A body, decoded from what carried it."""

    data: bytes | None
    """The bytes; None when the file does not have them."""
    size: int
    """Bytes of the body, as far as known."""
    mime: str = ""
    """Media type as the file names it; without its parameters when the bytes are UTF-8 by now, whatever they were."""
    reason: str = "not-retained"
    """Why there are no bytes."""


@dataclass(frozen=True)
class Call:
    """One request and its answer."""

    exchange: Exchange
    """Everything but the bodies; secrets are still in it."""
    asked: Content | None = None
    """Body of the request."""
    answer: Content | None = None
    """Body of the answer."""
    secrets: tuple[str, ...] = ()
    """Values that the file itself calls cookies."""


@dataclass(frozen=True)
class Part:
    """One file, read."""

    name: str
    format: ImportFormat
    creator: str | None = None
    browser: str | None = None
    recorded_at: datetime | None = None
    """When, by the file's own word."""
    clock_is_server: bool = False
    """That moment comes from a Date header."""
    notes: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    main: str | None = None
    """Id of the exchange that is judged."""
    dropped: int = 0
    """Requests of the load that are only counted."""
    url: str | None = None
    """Address of the page."""
    title: str | None = None
    security_state: str | None = None
    dom_ms: float | None = None
    load_ms: float | None = None
    tcp: tuple[TcpProbe, ...] = ()
    tls: tuple[TlsProbe, ...] = ()
    source: str | None = None
    """Source of a saved page."""
    picture: bytes | None = None
    """A picture, encoded anew as PNG."""

    @property
    def exchange(self) -> Exchange | None:
        """The exchange that is judged."""
        return next((call.exchange for call in self.calls if call.exchange.id == self.main), None)

    @property
    def failed(self) -> bool:
        """Whether what is judged got no answer, or one that says error."""
        judged = self.exchange
        return judged is not None and (judged.response is None or judged.response.status >= 400)
