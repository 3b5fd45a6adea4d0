"""Facts from the browser: exchanges, console, pictures, and what became of the document."""

from typing import Literal

from capture.record.base import Header, Moment, Record


class Body(Record):
    """A message body as the browser received it, decoded."""

    size: int
    """Decoded size, bytes."""
    sha256: str | None = None
    """Hash of the bytes kept, after masking, hexadecimal; absent when nothing was kept."""
    artifact: str | None = None
    """Path inside the bundle; absent when it was not kept."""
    text: str | None = None
    """Decoded text of documents, kept up to the limit; secrets are masked."""
    masked: bool = False
    """Whether secrets were masked in it, so that size and hash are not the site's."""
    dropped: str | None = None
    """Why it was not kept: too-large, budget, not-retained, binary (bodies of imports that are no text), none."""


class Timings(Record):
    """Phases of one exchange, milliseconds; absent means unknown or not needed. As HAR 1.2 defines them."""

    blocked: float | None = None
    """Waiting in the browser."""
    dns: float | None = None
    """Resolving, by the guard's log."""
    connect: float | None = None
    """Connecting (with TLS), by the guard's log and the browser."""
    ssl: float | None = None
    """TLS handshake; absent on plain HTTP."""
    send: float | None = None
    """Sending the request."""
    wait: float | None = None
    """Waiting for the first byte of the answer."""
    receive: float | None = None
    """Receiving the answer."""


class Security(Record):
    """What the browser says of the connection's TLS."""

    protocol: str
    """For example "TLS 1.3"."""
    cipher: str | None = None
    """Cipher."""
    subject: str
    """Subject of the certificate."""
    issuer: str
    """Issuer of the certificate."""
    valid_from: Moment
    """Valid from."""
    valid_to: Moment
    """Valid until."""


class Response(Record):
    """An answer, as received."""

    status: int
    """Status code as sent; not bounded to 100-599."""
    status_text: str
    """Reason phrase as sent; empty over HTTP/2."""
    protocol: str
    """http/0.9, http/1.0, http/1.1, h2, h3."""
    headers: tuple[Header, ...]
    """Header fields: order, case and duplicates as received where header_source is wire."""
    header_source: Literal["wire", "parsed"]
    """wire: from the raw header block; parsed: the browser's own list (duplicates joined)."""
    mime_type: str
    """Media type as the browser took it."""
    body: Body | None = None
    """The body; absent when none was asked for or known."""
    encoded_bytes: int | None = None
    """Bytes on the wire, headers included."""


class Initiator(Record):
    """What made the browser ask."""

    type: str
    """parser, script, preload, redirect, other ..."""
    url: str | None = None
    """Script or document that asked."""
    line: int | None = None
    """Line in it, from 1."""


class Exchange(Record):
    """One request and what came of it. A redirect is an exchange of its own."""

    id: str
    """E1, E2 ...: order of the requests within the load."""
    url: str
    """Address; secrets are masked."""
    method: str
    """Request method."""
    resource_type: str
    """document, stylesheet, script, image, font, fetch, xhr, websocket, ping, other ..."""
    main_document: bool = False
    """It is (a hop of) the document of the top frame, or the request that is judged in an import without one."""
    hop: int = 0
    """Position in its redirect chain, from 0."""
    started_at: Moment
    """When the browser began."""
    started_ms: float
    """The same, milliseconds after the load's start."""
    duration_ms: float | None = None
    """Until finished or failed, milliseconds; absent when it never ended."""
    request_headers: tuple[Header, ...] = ()
    """As sent."""
    request_body: Body | None = None
    """Body sent, masked."""
    response: Response | None = None
    """The answer; absent when none came."""
    error: str | None = None
    """Chromium's name of the failure, for example net::ERR_CONNECTION_RESET."""
    guard_error: str | None = None
    """The guard's name of the failure when the browser only saw that the proxy failed: this is the fact."""
    blocked: str | None = None
    """Why the browser or our policy did not send it: csp, mixed-content, policy: RULE ..."""
    canceled: bool = False
    """The page or the browser gave it up."""
    from_cache: bool = False
    """Answered from the browser's memory."""
    from_service_worker: bool = False
    """Answered by the page's own service worker, not by the network."""
    remote_address: str | None = None
    """IP address and port that answered, by the guard's log."""
    connection_reused: bool | None = None
    """Whether an open connection was used again."""
    dial: int | None = None
    """Position in the dial log."""
    initiator: Initiator | None = None
    """What made the browser ask."""
    timings: Timings | None = None
    """Phases."""
    security: Security | None = None
    """TLS as the browser saw it."""


class ConsoleEntry(Record):
    """One line of the console, an uncaught error, a browser log entry or a DevTools issue."""

    source: Literal["console", "exception", "log", "issue"]
    """Where it comes from."""
    level: str
    """error, warning, info, log, debug ..."""
    text: str
    """The line; secrets are masked, cut at the limit."""
    at: Moment | None = None
    """When."""
    url: str | None = None
    """Script or resource it speaks of."""
    line: int | None = None
    """Line in it, from 1."""


class WebSocketFrame(Record):
    """One frame."""

    at: Moment
    """When."""
    sent: bool
    """By the page (true) or by the server (false)."""
    opcode: int
    """1 text, 2 binary, 8 close ..."""
    text: str
    """Payload, masked, cut at the limit; empty for binary."""
    size: int
    """Payload, characters."""


class WebSocket(Record):
    """One WebSocket."""

    url: str
    """Address."""
    status: int | None = None
    """Status of the handshake."""
    error: str | None = None
    """Why it failed."""
    frames: tuple[WebSocketFrame, ...] = ()
    """Frames kept."""
    frames_dropped: int = 0
    """Frames only counted."""


class Dialog(Record):
    """A dialog that the page opened and that was dismissed."""

    type: str
    """alert, confirm, prompt, beforeunload."""
    text: str
    """What it said; masked, cut."""


class Download(Record):
    """A download that the page began; it is never kept."""

    url: str
    """Address."""
    filename: str
    """Name suggested by the server, sanitised."""


class Frame(Record):
    """A frame of the page."""

    url: str
    """Address."""
    name: str
    """Name."""
    parent: bool
    """Whether it has a parent frame."""
    text: str | None = None
    """Visible text, kept up to the limit; secrets are masked."""
    unreachable_url: str | None = None
    """Address that could not be loaded into it."""


class Screenshot(Record):
    """One picture."""

    path: str
    """Path inside the bundle."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    at: Moment
    """When it was taken."""
    cut_at_px: int | None = None
    """The page was taller: the picture ends here, pixels from the top."""
    page_height_px: int | None = None
    """Height of the page, CSS pixels."""
    blank: bool | None = None
    """Nearly all pixels have one colour; looked at for the window and for pages of several tiles."""
    sha256: str
    """Hash of the file, hexadecimal."""


LoadLabel = Literal["strict", "lenient", "native", "imported"]


class PageLoad(Record):
    """One load of the page in a browser."""

    label: LoadLabel
    """strict: nothing is forgiven. lenient: TLS errors were ignored to see what lies behind.
    native: the browser's own page for the failure that the guard recorded; its picture only. imported: somebody else's
    load, known from files that were handed in."""
    started_at: Moment
    """Start of the navigation."""
    duration_ms: float | None = None
    """Until the last picture, milliseconds."""
    ended: Literal["load", "commit-timeout", "load-timeout", "failed", "broken-off", "download", "no-content",
                   "crashed", "stopped"]
    """How it ended: load event; nothing committed in time; no load event in time; document failed below HTTP;
    its body broke off after it was shown; became a download; 204 or 205 or aborted; the renderer died; we stopped
    it."""
    error: str | None = None
    """Failure of the document: the guard's name where the browser only saw the proxy, else the browser's."""
    navigate_error: str | None = None
    """What the navigation command said; not the truth of the document, kept for the record."""
    main_exchange: str | None = None
    """Exchange that gave the document shown, or that failed last."""
    final_url: str | None = None
    """Address in the end; secrets are masked."""
    title: str | None = None
    """Title of the document."""
    text: str | None = None
    """Visible text of the top document, kept up to the limit."""
    charset: str | None = None
    """Character set as the browser took it."""
    dom: str | None = None
    """Path of the serialised DOM inside the bundle."""
    source: str | None = None
    """Source of a saved page that was handed in, kept up to the limit; absent for loads. Secrets are masked."""
    exchanges: tuple[Exchange, ...] = ()
    """Every request, in order, up to the limit."""
    exchanges_dropped: int = 0
    """Requests only counted."""
    console: tuple[ConsoleEntry, ...] = ()
    """Console lines, uncaught errors, browser log, DevTools issues."""
    console_dropped: int = 0
    """Console lines only counted."""
    websockets: tuple[WebSocket, ...] = ()
    """WebSockets."""
    dialogs: tuple[Dialog, ...] = ()
    """Dialogs dismissed."""
    dialogs_count: int = 0
    """Dialogs in all."""
    popups_count: int = 0
    """Windows that the page tried to open."""
    downloads: tuple[Download, ...] = ()
    """Downloads begun."""
    frames: tuple[Frame, ...] = ()
    """Frames, top first."""
    storage_keys: tuple[str, ...] = ()
    """Keys of local and session storage; never values."""
    security_state: str | None = None
    """The browser's overall word: secure, insecure, insecure-broken, neutral, unknown."""
    dom_content_loaded_ms: float | None = None
    """After the start, milliseconds."""
    load_ms: float | None = None
    """After the start, milliseconds."""
    screenshot: Screenshot | None = None
    """What the visitor saw in the window."""
    screenshot_full: Screenshot | None = None
    """The whole page."""
