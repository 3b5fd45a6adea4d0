"""What the API takes. In: bodies, queries, header fields and paths of a client. Out: strict records.

No unknown member, no number in quotes.
"""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from report.deliver.targets import NAME
from web import targets
from web.api.models import ID, Side, State
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

URL_CHARS: Final = 8_192
REASON_CHARS: Final = 500
KEY: Final = r"^[ -~]{1,255}$"
TARGET: Final = f"^{NAME.pattern}$"
MOMENT: Final = r"^[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
Url = Annotated[str, Field(min_length=1, max_length=URL_CHARS, json_schema_extra={"format": "uri"})]
Text = Annotated[str, Field(max_length=TEXT_CHARS)]
Name = Annotated[str, Field(max_length=NAME_CHARS)]
Fields = Annotated[dict[Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$")],
                        Annotated[str, Field(max_length=HEADER_CHARS)]], Field(max_length=HEADERS, repr=False)]


class Asked(BaseModel):
    """What a client sends."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True)


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


class DeliveryAsked(Asked):
    """A delivery that is wanted."""

    model_config = ConfigDict(json_schema_extra={"example": {"target": "ops", "days": 7}})

    target: Annotated[str, Field(pattern=TARGET)]
    """Name of one of the targets."""
    ticket: Annotated[str, Field(min_length=1, max_length=targets.TICKET_CHARS)] | None = None
    """Number or key of another ticket of the same place; absent means what the target names."""
    days: Annotated[int, Field(ge=1, le=3650)] | None = None
    """Life of a share link that goes along, days; absent means that none does."""
    again: bool = False
    """Whether it is sent once more although it was delivered there."""


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


class DeliveryPath(CasePath):
    """Which delivery."""

    delivery_id: Annotated[str, Field(description="Id of the delivery.", json_schema_extra={"pattern": ID})]


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
    limit: Annotated[int, Field(ge=1, le=cases.MOST, strict=True), BeforeValidator(_whole)] = cases.PAGE
    """Captures of one page."""


class Why(BaseModel):
    """The reason for a deletion."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    reason: Annotated[str, Field(min_length=1, max_length=REASON_CHARS, pattern=r"\S",
                                 description="Why; it stays with the tombstone.")]


ASKED: Final[tuple[type[BaseModel], ...]] = (CaptureAsked, RecheckAsked, ShareAsked, DeliveryAsked)
"""Bodies of requests."""
