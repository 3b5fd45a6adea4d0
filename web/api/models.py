"""What the API takes and tells. In: JSON of a client, rows of the store. Out: strict records, and their JSON Schema.

What is asked is read strictly: no unknown member, no number in quotes. What is told always has every member.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from web.store import cases, shares
from web.store.submission import (
    AGENT_CHARS,
    HEADER_CHARS,
    HEADERS,
    LOG_CHARS,
    NAME_CHARS,
    RESOLVERS,
    TEXT_CHARS,
    TIMEOUT_S,
)

ID: Final = r"^[0-9A-HJKMNP-TV-Z]{26}$"
URL_CHARS: Final = 8_192
REASON_CHARS: Final = 500
KEY: Final = r"^[ -~]{1,255}$"
MOMENT: Final = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
State = Literal["queued", "running", "done", "cut-short", "failed", "refused", "cancelled"]
Side = Literal["client", "dns", "tls", "network", "edge", "origin", "unknown"]
Url = Annotated[str, Field(min_length=1, max_length=URL_CHARS, json_schema_extra={"format": "uri"})]
Text = Annotated[str, Field(max_length=TEXT_CHARS)]
Name = Annotated[str, Field(max_length=NAME_CHARS)]
Fields = Annotated[dict[Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")],
                        Annotated[str, Field(max_length=HEADER_CHARS)]], Field(max_length=HEADERS, repr=False)]

Moment = Annotated[AwareDatetime, AfterValidator(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))]
"""As exact as it is kept: milliseconds."""


class Asked(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)


class Told(BaseModel):
    """What a client gets."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Window(Asked):
    """Size of the browser window's content."""

    width: Annotated[int, Field(ge=100, le=7680)] = 1280
    """CSS pixels."""
    height: Annotated[int, Field(ge=100, le=4320)] = 800
    """CSS pixels."""


class CaptureAsked(Asked):
    """A capture that is wanted."""

    model_config = ConfigDict(json_schema_extra={"example": {
        "url": "https://shop.example/checkout", "seen": "502 Bad Gateway after the login", "timeout_s": 90.0}})

    url: Url
    """Address of the page, http or https."""
    seen: Text | None = None
    """What was seen, in your words."""
    note: Text | None = None
    """For the dossier, for example recent changes."""
    log: Annotated[Annotated[str, Field(max_length=LOG_CHARS)] | None, Field(repr=False)] = None
    """Lines of the site's own logs; secrets in them are masked before they are kept."""
    headers: Fields = {}
    """Sent to the page's own host, by name; the values are secrets and only the names are kept."""
    user_agent: Annotated[str, Field(max_length=AGENT_CHARS, pattern=r"^[ -~]*$")] | None = None
    """User-Agent to send; absent means the browser's own."""
    viewport: Window = Window()
    """Window of the browser."""
    locale: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")] = "en-US"
    """Language, BCP 47."""
    timezone: Annotated[str, Field(max_length=64)] | None = None
    """IANA time zone, for example Europe/Berlin."""
    resolvers: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=RESOLVERS)] = []
    """Addresses of further DNS resolvers to ask and compare."""
    timeout_s: Annotated[float, Field(ge=TIMEOUT_S[0], le=TIMEOUT_S[1], allow_inf_nan=False)] = 90.0
    """For the whole capture, seconds."""


class RecheckAsked(Asked):
    """What is not kept and has to be given again for another look."""

    model_config = ConfigDict(json_schema_extra={"example": {"headers": {"X-Test": "1"}}})

    url: Url | None = None
    """The whole address, when it held a secret."""
    headers: Fields = {}
    """Header fields, when some were sent: their values are not kept."""


class ShareAsked(Asked):
    """A link that is wanted."""

    model_config = ConfigDict(json_schema_extra={"example": {"days": 7}})

    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Life of the link, days; absent means the longest that the service allows."""
    passphrase: Annotated[Annotated[str, Field(
        min_length=shares.LEAST_PASSPHRASE, max_length=shares.MOST_PASSPHRASE)] | None, Field(repr=False)] = None
    """To be typed by whoever opens the link."""


class KeyHeader(BaseModel):
    """The header field that makes a request safe to repeat."""

    model_config = ConfigDict(extra="ignore")

    idempotency_key: Annotated[str | None, Field(
        alias="Idempotency-Key", pattern=KEY, description="The same key with the same request makes nothing new for 24"
        " hours; the same key with another request is answered 409.")] = None


class CasePath(BaseModel):
    """Which capture."""

    case_id: Annotated[str, Field(description="Id of the capture.", json_schema_extra={"pattern": ID})]


class FilePath(CasePath):
    """Which file."""

    name: Annotated[str, Field(description="Name as the capture lists it; those of the report also without “report/”.",
                               json_schema_extra={"minLength": 1, "example": "report/dossier.html"})]


class SharePath(CasePath):
    """Which link."""

    share_id: Annotated[str, Field(description="Id of the link.", json_schema_extra={"pattern": ID})]


def _whole(value: Any) -> Any:
    """A number as JSON would write it; "+5", " 5" and "5_0" are none."""
    return int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 6 else value


class Search(BaseModel):
    """Which captures; everything that is given must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    host: Name | None = None
    """The host itself, or a domain that it is under."""
    vendor: Name | None = None
    """Slug of who wrote the page."""
    code: Name | None = None
    """The vendor's code, ours, or the HTTP status."""
    verdict: Side | None = None
    """Side of the fault."""
    state: State | None = None
    """State of the capture."""
    failure: Name | None = None
    """Fingerprint of a failure: all tickets of one outage."""
    since: Annotated[str, Field(pattern=MOMENT, json_schema_extra={"format": "date-time"})] | None = None
    """Not older than, RFC 3339."""
    until: Annotated[str, Field(pattern=MOMENT, json_schema_extra={"format": "date-time"})] | None = None
    """Older than, RFC 3339."""
    text: Name | None = None
    """Part of the URL, summary, number or id."""
    deleted: Literal["yes", "no"] = "no"
    """Whether tombstones are shown too."""
    cursor: Name | None = None
    """`next` of the page before."""
    limit: Annotated[int, BeforeValidator(_whole), Field(ge=1, le=cases.MOST, strict=True)] = cases.PAGE
    """Captures of one page."""


class Why(BaseModel):
    """The reason for a deletion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARS, pattern=r"\S",
                                 description="Why; it stays with the tombstone.")]


class Verdict(Told):
    """The head of a diagnosis; diagnosis.json has the rest."""

    summary: str
    """One plain sentence."""
    is_error_page: bool
    """An error was shown."""
    certainty: str
    """How sure the verdict is: certain, probable, possible, undetermined."""
    fault_side: str
    """Where the cause lies: client, dns, tls, network, edge, origin, unknown."""
    fault_code: str | None
    """Stable name of the fault, for example origin.connection-refused; null when nothing failed."""
    generator: str | None
    """Who wrote the page, a slug; null when unknown."""
    vendor_code: str | None
    """Code that the vendor prints."""
    status: int | None
    """HTTP status of the document; null when no answer came."""


class Tombstone(Told):
    """What stays of a capture that was deleted."""

    at: Moment
    """When."""
    by: str
    """Who."""
    reason: str
    """Why."""


class Brief(Told):
    """One capture in a list."""

    id: Annotated[str, Field(pattern=ID)]
    """Id."""
    number: str | None
    """Case number, GW-XXXX-XXXX, once there is a dossier."""
    kind: Literal["capture", "import"]
    """Whether a browser looked, or files were handed in."""
    source: Literal["form", "api", "recheck", "monitor", "import"]
    """Who asked."""
    state: State
    """queued and running go on by themselves; everything else is the end."""
    reason: str | None
    """Why it did not end as done, one sentence."""
    url: str
    """Address; secrets in it are masked."""
    host: str
    """Its host."""
    created_at: Moment
    """When it was asked for."""
    finished_at: Moment | None
    """When it ended."""
    recheck_of: str | None
    """Capture that this one looks at again."""
    failure: str | None
    """Fingerprint: the same for each ticket of one outage."""
    manifest_sha256: str | None
    """SHA-256 of manifest.json; stays after a deletion."""
    verdict: Verdict | None
    """What was found; null while there is nothing."""
    deleted: Tombstone | None
    """Who deleted it and why; null while it is there."""
    links: dict[str, str]
    """Addresses by what they are: self, page, files, dossier_html, dossier_pdf, dossier_zip, recheck_of."""


class Event(Told):
    """One line of progress."""

    id: int
    """Grows."""
    at: Moment
    """When."""
    kind: Literal["state", "step", "picture"]
    """What it tells."""
    data: dict[str, Any]
    """Of state: state and reason; of step: name, status, reason, started_ms, duration_ms; of picture: nothing."""


class File(Told):
    """One file of a capture."""

    name: str
    """Name, as the manifests spell it."""
    size: int
    """Bytes."""
    sha256: str
    """Hash, hexadecimal."""
    link: str
    """Its address."""


class Capture(Brief):
    """One capture with all that is known of it."""

    events: list[Event]
    """Progress so far, the oldest first; at most 500 lines."""
    files: list[File]
    """Its files, once it has ended."""


class Page(Told):
    """Some captures, the newest first."""

    captures: list[Brief]
    """The captures."""
    next: str | None
    """Cursor of the next page; null on the last one."""


class Share(Told):
    """A link that shows one dossier to whoever has it."""

    id: Annotated[str, Field(pattern=ID)]
    """Id."""
    by: str
    """Who made it."""
    created_at: Moment
    """When."""
    expires_at: Moment
    """When it ends by itself."""
    revoked_at: Moment | None
    """When it was ended before its time."""
    works: bool
    """Whether it can be used now."""
    has_passphrase: bool
    """Whether a passphrase is asked for."""
    looks: int
    """How often it was looked through."""


class NewShare(Share):
    """The same with its address, which is told only once."""

    link: str
    """The address to give away."""


class Shares(Told):
    """All links of a capture, the newest first."""

    shares: list[Share]
    """The links; their addresses are not kept."""


class Skipped(Told):
    """A message of a monitor for which no capture was made."""

    url: str | None
    """The address it names, without its query; null when it names none."""
    reason: str
    """Why."""


class Heard(Told):
    """What became of a monitor's call."""

    captures: list[Brief]
    """Captures that were asked for."""
    skipped: list[Skipped]
    """Messages that asked for none."""


class Health(Told):
    """That the process is alive."""

    status: Literal["ok"] = "ok"
    """Always ok."""


class Check(Told):
    """One thing that has to work."""

    name: Literal["database", "disk", "runner"]
    """What."""
    ok: bool
    """Whether it works."""
    detail: str
    """In words."""


class Ready(Told):
    """That the service takes captures."""

    status: Literal["ready"] = "ready"
    """Always ready; else the answer is 503."""
    checks: list[Check]
    """What was looked at."""


class FieldError(Told):
    """What is wrong with one field."""

    field: str
    """Name of the field; parts are separated by points."""
    detail: str
    """One sentence."""


class Problem(BaseModel):
    """Problem details (RFC 9457)."""

    model_config = ConfigDict(use_attribute_docstrings=True, json_schema_extra={"example": {
        "type": "/api/v1/#not-found", "title": "Not found", "status": 404, "detail": "There is no such case."}})

    type: str
    """The kind of error; compare this, never the sentences."""
    title: str
    """The kind in words."""
    status: int
    """HTTP status."""
    detail: str
    """What happened this time, one sentence."""
    errors: list[FieldError] = []
    """Fields that are wrong (422)."""
    checks: list[Check] = []
    """What does not work (503)."""
    deleted: Tombstone | None = None
    """What stays (410)."""


ASKED: Final[tuple[type[BaseModel], ...]] = (CaptureAsked, RecheckAsked, ShareAsked)
"""Bodies of requests."""
TOLD: Final[tuple[type[BaseModel], ...]] = (
    Brief, Capture, Page, Share, NewShare, Shares, Heard, Health, Ready, Problem)
"""Bodies of answers."""
