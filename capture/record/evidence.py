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


class Evidence(Record):
    """All facts of one capture. Pointers (RFC 6901) into this document are what findings cite."""

    schema_version: Literal[1] = SCHEMA_VERSION
    """Version of this format."""
    id: str
    """Random identifier of this capture."""
    request: RequestRecord
    """What was asked for."""
    started_at: Moment
    """Start."""
    finished_at: Moment
    """End."""
    outcome: Literal["complete", "cut-short"]
    """complete: every step had its chance. cut-short: stopped before, what was recorded is kept."""
    outcome_reason: str | None = None
    """Why it was cut short, one sentence."""
    steps: tuple[StepRecord, ...]
    """How each step went."""
    limits_hit: tuple[LimitHit, ...] = ()
    """Every limit that stopped something."""
    vantage: Vantage | None = None
    """From where."""
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
