"""The root of the facts: everything one capture recorded, as `evidence.json` holds it."""

from typing import Final, Literal

from capture.record.base import Moment, Record
from capture.record.network import Dial, Dns, PlainHttp, TcpProbe, TlsProbe
from capture.record.page import PageLoad
from capture.record.request import LimitHit, RequestRecord, StepRecord

SCHEMA_VERSION: Final = 1


class Clock(Record):
    """What is known about this machine's clock."""

    synchronised: bool | None = None
    """The kernel says that the clock is disciplined (ntp_adjtime)."""
    error_ms: float | None = None
    """The kernel's estimate of the greatest error, milliseconds."""
    date_header_offset_s: float | None = None
    """The site's Date header minus our clock, seconds (resolution 1 s); an observation, not a correction."""


class Vantage(Record):
    """From where and with what the site was looked at."""

    tool: str
    """Name and version of this program."""
    browser: str
    """Product and version of the browser."""
    browser_path: str
    """File name of the browser's executable (no directories)."""
    user_agent: str | None = None
    """User-Agent that the browser sends."""
    sandbox: bool | None = None
    """Whether the browser's own sandbox was on."""
    system: str
    """Operating system and kernel."""
    libraries: tuple[str, ...] = ()
    """Libraries that matter, name and version."""
    timezone: str
    """Time zone of this machine, IANA name where known."""
    utc_offset: str
    """Offset of local time from UTC at the start, for example +01:00."""
    clock: Clock
    """The clock."""
    resolvers: tuple[str, ...] = ()
    """Resolvers that this machine uses."""
    egress: tuple[str, ...] = ()
    """Local addresses that the connections went out from."""


class Redaction(Record):
    """One line of the ledger: what was masked, where and by which rule; never the value."""

    kind: str
    """What it was: cookie, authorization, token, password, jwt, email ..."""
    rule: str
    """Rule that found it."""
    place: str
    """Carrier, for example "response header set-cookie" or "console"."""
    count: int
    """How often."""


ImportFormat = Literal["har", "har-zip", "picture", "html", "singlefile", "mhtml", "curl"]
"""What a file is, by its content."""


class ImportedFile(Record):
    """One file that was handed in. The file itself is not kept; what it says is in the facts, masked."""

    name: str
    """File name as given, without directories; secrets are masked."""
    format: ImportFormat
    """What it is, by its content."""
    size: int
    """Bytes, as handed in."""
    sha256: str
    """Hash of the file as handed in, hexadecimal: whoever still has it can compare."""
    creator: str | None = None
    """Program that calls itself its maker, name and version."""
    browser: str | None = None
    """Browser that it names, name and version."""
    recorded_at: Moment | None = None
    """When its content was recorded, by its own word."""
    notes: tuple[str, ...] = ()
    """How it was read, and what of it was left out, one sentence each."""


class Imported(Record):
    """That the facts were handed in and not captured: the vantage is somebody else's, and known by their word only."""

    tool: str
    """Name and version of this program."""
    at: Moment
    """When they were handed in, by the clock of this machine."""
    clock: Literal["files", "server", "unknown"]
    """Whose word the time of the page is. files: the clock of whoever recorded them. server: a Date header. unknown:
    nobody's; the time given is that of handing in."""
    files: tuple[ImportedFile, ...]
    """What was handed in, in the order given."""


class Evidence(Record):
    """All facts of one capture or import. Pointers (RFC 6901) into this document are what findings cite."""

    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this format."""
    id: str
    """Random identifier of this capture."""
    request: RequestRecord
    """What was asked for."""
    started_at: Moment
    """Start; of an import the time of the page, by the word that `imported.clock` names."""
    finished_at: Moment
    """End; of an import the same as the start."""
    outcome: Literal["complete", "cut-short"]
    """complete: every step had its chance. cut-short: stopped before, what was recorded is kept."""
    outcome_reason: str | None = None
    """Why it was cut short, one sentence."""
    steps: tuple[StepRecord, ...]
    """How each step went."""
    limits_hit: tuple[LimitHit, ...] = ()
    """Every limit that stopped something."""
    vantage: Vantage | None = None
    """From where; absent for an import."""
    imported: Imported | None = None
    """Where the facts come from when they were handed in; absent for a capture."""
    dials: tuple[Dial, ...] = ()
    """The guard's log."""
    dns: Dns | None = None
    """Names."""
    tcp: tuple[TcpProbe, ...] | None = None
    """Connects."""
    tls: tuple[TlsProbe, ...] | None = None
    """Handshakes; absent for http addresses."""
    plain_http: tuple[PlainHttp, ...] | None = None
    """Requests without a browser."""
    pages: tuple[PageLoad, ...] = ()
    """Loads in the browser, in the order in which they were made."""
    redactions: tuple[Redaction, ...] = ()
    """The redaction ledger."""
    redaction_ruleset: str
    """Version of the redaction rules."""
