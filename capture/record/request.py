"""What was asked for: the URL, the options and the limits. The command line and the service derive from this."""

from typing import Annotated, Literal

from pydantic import Field

from capture.record.base import Header, Record

Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]


class Limits(Record):
    """Where a capture stops; each limit that is hit becomes a line in the dossier."""

    total_s: Positive = 90.0
    """Whole capture, seconds; the browser is killed from outside 15 s later at the latest."""
    commit_s: Positive = 30.0
    """From the start of the navigation to its first committed byte, seconds."""
    load_s: Positive = 20.0
    """From commit to the load event, seconds."""
    idle_s: Positive = 10.0
    """Longest wait for a quiet network after the load event, seconds."""
    evaluate_s: Positive = 5.0
    """Each question to the page (title, text, DOM), seconds."""
    screenshot_s: Positive = 15.0
    """Longest wait for one picture, seconds."""
    memory_bytes: Count = 3 << 29
    """Memory of the browser's processes that is not shared, bytes; past it the largest one is ended."""
    processes: Count = 256
    """Processes of the browser; past it the largest one is ended."""
    pdf_s: Positive = 60.0
    """Rendering of the PDF, seconds."""
    pdf_memory_bytes: Count = 1 << 30
    """Memory that the PDF renderer may take, bytes."""
    probe_s: Positive = 10.0
    """Each probe without a browser (one TCP connect, one handshake, one plain request), seconds."""
    down_bytes: Count = 300_000_000
    """All that may come in through the guard, bytes."""
    up_bytes: Count = 20_000_000
    """All that may go out through the guard, bytes."""
    connections: Count = 512
    """Connections that the guard opens in all."""
    parallel_connections: Count = 64
    """Connections that the guard holds open at one time."""
    connect_s: Positive = 10.0
    """One TCP connect by the guard, seconds."""
    connection_idle_s: Positive = 30.0
    """A connection without a byte in either direction, seconds."""
    body_bytes: Count = 10_000_000
    """One body kept, bytes; of a larger one only size and hash are kept."""
    bodies_bytes: Count = 100_000_000
    """All bodies kept, bytes."""
    exchanges: Count = 2_000
    """Requests listed; the rest is counted."""
    redirects: Count = 25
    """Redirect hops shown."""
    header_bytes: Count = 16_384
    """One header value kept, bytes."""
    headers_bytes: Count = 262_144
    """All headers of one message kept, bytes."""
    console_entries: Count = 1_000
    """Console lines kept; the rest is counted."""
    console_bytes: Count = 4_096
    """One console line kept, bytes."""
    websocket_frames: Count = 1_000
    """WebSocket frames kept; the rest is counted."""
    dialogs: Count = 10
    """Dialogs dismissed before the page is stopped."""
    reloads: Count = 3
    """Times that a page may load the same address anew by itself; a page that goes on is held still."""
    popups: Count = 5
    """Popups left open; the rest is closed and counted."""
    screenshot_height_px: Count = 30_000
    """Full-page picture, pixels; a taller page is cut and the dossier says so."""
    text_chars: Count = 262_144
    """Page text, DOM and body text kept inside the evidence, characters each."""
    event_log_bytes: Count = 50_000_000
    """Append-only event log, bytes."""


class Viewport(Record):
    """Size of the browser window's content."""

    width: Annotated[int, Field(ge=100, le=7680)] = 1280
    """CSS pixels."""
    height: Annotated[int, Field(ge=100, le=4320)] = 800
    """CSS pixels."""


class Options(Record):
    """What a request and its record have in common; secrets in the texts of the record are masked."""

    allow_networks: tuple[str, ...] = ()
    """Networks (CIDR) that are opened although they are not globally routable; `--allow-private` gives all of them."""
    user_agent: str | None = None
    """User-Agent to send; absent means the browser's own."""
    viewport: Viewport = Viewport()
    """Window size."""
    locale: str = "en-US"
    """Language asked for, BCP 47."""
    timezone: str | None = None
    """IANA time zone given to the page; absent means the machine's."""
    note: str | None = None
    """What the user wants to have in the dossier, for example recent changes."""
    seen: str | None = None
    """What the user saw, in the user's words."""
    resolvers: tuple[str, ...] = ()
    """Further DNS resolvers to ask and compare, as ADDRESS or ADDRESS:PORT."""
    limits: Limits = Limits()
    """Where to stop."""


class CaptureRequest(Options):
    """One capture, as asked for. Header values are secrets: they are used, and only their names are recorded."""

    url: str
    """The address to load, as the user gave it."""
    headers: tuple[Header, ...] = ()
    """Header fields added to requests of the page's own host."""
    system_resolvers: tuple[str, ...] = ()
    """Use these instead of the machine's resolvers (ADDRESS or ADDRESS:PORT); empty means the machine's."""
    extra_roots: tuple[str, ...] = ()
    """PEM certificates that the TLS probe trusts besides the machine's store."""


class RequestRecord(Options):
    """The request as it is kept: nothing secret in it."""

    url: str
    """The address asked for; secrets in it are masked."""
    header_names: tuple[str, ...] = ()
    """Names of the header fields that the user added; their values are secrets and never kept."""


StepStatus = Literal["done", "failed", "timed-out", "cut-short", "skipped"]


class StepRecord(Record):
    """How one step of the capture went; when a fact is absent, this says why."""

    name: str
    """Name of the step: vantage, dns, tcp, tls, plain_http, page; import, when files were handed in."""
    status: StepStatus
    """What became of it. A broken site is not a failed step; `failed` means that we could not look."""
    reason: str | None = None
    """Why it did not end as done, one sentence."""
    started_ms: float | None = None
    """Start, milliseconds after the capture's start."""
    duration_ms: float | None = None
    """Duration, milliseconds."""


class LimitHit(Record):
    """A limit that stopped something."""

    limit: str
    """Name of the field of Limits."""
    sentence: str
    """What was stopped, in plain words, for example "stopped after 300 MB"."""
