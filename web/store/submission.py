"""What can be asked for. In: the fields of a form or request. Out: a CaptureRequest that makes sense, or a sentence.

Nothing here touches the database or the network.
"""

import re
import zoneinfo
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from capture.errors import BadInput, Refused
from capture.policy import ALLOW_ALL, Policy, admit
from capture.record.base import Header
from capture.record.request import CaptureRequest, Limits, RequestRecord, Viewport
from capture.resolver import endpoint
from web.config import Config
from web.errors import BadField
from web.store.results import MASKED
from web.store.tables import Case

Source = Literal["form", "api", "recheck", "monitor", "import"]
TIMEOUT_S: Final = (5.0, 300.0)
"""Shortest and longest capture, seconds."""
TEXT_CHARS: Final = 4_000
"""Longest note, and longest description of what was seen, characters."""
LOG_CHARS: Final = 262_144
"""Longest log excerpt, characters."""
HEADERS: Final = 32
HEADER_CHARS: Final = 4_096
AGENT_CHARS: Final = 512
RESOLVERS: Final = 8
UPLOADS: Final = 16
NAME_CHARS: Final = 255
DNS_PORT: Final = 53
_UNKEPT: Final = re.compile(r"[\0\ud800-\udfff]")
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LOCALE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)


class Upload(_Model):
    """One file from the user's own browser."""

    name: str
    """File name, as the user's browser gave it; never used as a path."""
    data: Annotated[bytes, Field(repr=False)]
    """Its bytes."""


class Submission(_Model):
    """What is asked for, and by whom. The options are those of CaptureRequest; the networks come from the service."""

    owner_id: str
    """User who will own the case."""
    source: Source
    """Which way it came."""
    url: str = ""
    """Address to capture. Of an import: what the user says was captured, may be empty."""
    headers: Annotated[tuple[Header, ...], Field(repr=False)] = ()
    """Sent to the page's own host; their values are secrets."""
    user_agent: str | None = None
    """User-Agent to send; absent means the browser's own."""
    viewport: Viewport = Viewport()
    """Window size."""
    locale: str = "en-US"
    """Language asked for, BCP 47."""
    timezone: str | None = None
    """IANA time zone given to the page."""
    note: str | None = None
    """For the dossier, for example recent changes."""
    seen: str | None = None
    """What the user saw."""
    resolvers: tuple[str, ...] = ()
    """Further DNS resolvers to compare, public ones or in the networks that the service opens, at port 53."""
    timeout_s: float = Limits().total_s
    """For the whole capture, seconds."""
    log: Annotated[str | None, Field(repr=False)] = None
    """Lines of the site's own logs."""
    recheck_of: str | None = None
    """Case that is looked at again; the caller has checked that the user may see it."""
    uploads: tuple[Upload, ...] = ()
    """Files of an import; none for a capture."""
    idempotency_key: str | None = None
    """The same key with the same request gives the same case."""

    @property
    def kind(self) -> Literal["capture", "import"]:
        """What is to be done."""
        return "import" if self.uploads else "capture"


def again(case: Case, owner_id: str, *, url: str | None = None, headers: tuple[Header, ...] = ()) -> Submission:
    """The same options once more, for a re-check. What is secret was not kept and must be given anew.

    Raises BadField when the address held a secret, or header fields were sent, and they are not given.
    """
    asked = RequestRecord.model_validate(case.request)
    if not (url or case.url):
        raise BadField("url", "this case does not tell its address; give it")
    if url is None and MASKED.search(case.url):
        raise BadField("url", "the address held a secret, which was not kept; give the whole address again")
    missing = {name.lower() for name in asked.header_names} - {header.name.lower() for header in headers}
    if missing:
        raise BadField("headers", f"the values of header fields are not kept; give {', '.join(sorted(missing))} again")
    return Submission(owner_id=owner_id, source="recheck", url=url or case.url, headers=headers,
                      user_agent=asked.user_agent, viewport=asked.viewport, locale=asked.locale,
                      timezone=asked.timezone, resolvers=asked.resolvers, timeout_s=asked.limits.total_s,
                      recheck_of=case.id)


def request(config: Config, submission: Submission) -> CaptureRequest:
    """The request as the worker will carry it out, its address as the browser understands it.

    Raises BadField for a field that makes no sense, Refused for an address that may not be contacted.
    """
    _check_options(submission)
    _check_headers(submission.headers)
    _check_resolvers(submission.resolvers, config)
    _check_texts(submission)
    return CaptureRequest(
        url=_url(submission, config.allow_networks), allow_networks=config.allow_networks, headers=submission.headers,
        user_agent=submission.user_agent, viewport=submission.viewport, locale=submission.locale,
        timezone=submission.timezone, note=readable(submission.note), seen=readable(submission.seen),
        resolvers=submission.resolvers, limits=Limits(total_s=submission.timeout_s))


def readable(text: str | None) -> str | None:
    """A text without what no database takes (NUL, lone surrogates); None when nothing is left."""
    return (_UNKEPT.sub("\N{REPLACEMENT CHARACTER}", text).strip() or None) if text else None


def _url(submission: Submission, networks: tuple[str, ...]) -> str:
    if submission.uploads:
        networks = ALLOW_ALL  # nothing is contacted
        if not submission.url:
            return ""
    try:
        return admit(submission.url, networks)
    except BadInput as error:
        raise BadField("url", str(error)) from error


def _check_options(asked: Submission) -> None:
    if asked.user_agent is not None and (
            len(asked.user_agent) > AGENT_CHARS or not asked.user_agent.isascii() or _CONTROL.search(asked.user_agent)):
        raise BadField("user_agent", f"a User-Agent is up to {AGENT_CHARS} printable ASCII characters")
    if not _LOCALE.fullmatch(asked.locale):
        raise BadField("locale", "the language is a tag, for example de-DE")
    if asked.timezone is not None and asked.timezone not in zoneinfo.available_timezones():
        raise BadField("timezone", "the time zone is an IANA name, for example Europe/Berlin")
    if not TIMEOUT_S[0] <= asked.timeout_s <= TIMEOUT_S[1]:
        raise BadField("timeout_s", f"a capture may take {TIMEOUT_S[0]:g} to {TIMEOUT_S[1]:g} seconds")


def _check_headers(headers: tuple[Header, ...]) -> None:
    if len(headers) > HEADERS:
        raise BadField("headers", f"at most {HEADERS} header fields are sent")
    for header in headers:
        if not _TOKEN.fullmatch(header.name):
            raise BadField("headers", "a header field is NAME: VALUE, for example X-Test: 1")
        if len(header.value) > HEADER_CHARS or _CONTROL.search(header.value) or _UNKEPT.search(header.value):
            raise BadField("headers", f"the value of {header.name} is up to {HEADER_CHARS} characters on one line")


def _check_resolvers(resolvers: tuple[str, ...], config: Config) -> None:
    """Questions to them do not pass the guard, so they are judged here."""
    if len(resolvers) > RESOLVERS:
        raise BadField("resolvers", f"at most {RESOLVERS} further resolvers are asked")
    policy = Policy(config.allow_networks) if resolvers else None
    for text in resolvers:
        try:
            address, port = endpoint(text)
        except BadInput:
            raise BadField("resolvers", "a resolver is an IP address, for example 192.0.2.53") from None
        rule = policy.refuse_address(address) if policy else None
        if rule or port != DNS_PORT:
            raise Refused(f"the resolver {address} is not allowed by policy: {rule or f'port {port}'}")


def _check_texts(asked: Submission) -> None:
    for field, text, most in (("note", asked.note, TEXT_CHARS), ("seen", asked.seen, TEXT_CHARS),
                              ("log", asked.log, LOG_CHARS)):
        if text is not None and len(text) > most:
            raise BadField(field, f"this text has {len(text):,} characters; at most {most:,} are kept")
    if len(asked.uploads) > UPLOADS:
        raise BadField("uploads", f"at most {UPLOADS} files are taken at a time")
    if any(len(file.name) > NAME_CHARS for file in asked.uploads):
        raise BadField("uploads", f"a file name has at most {NAME_CHARS} characters")
    key = asked.idempotency_key
    if key is not None and not (0 < len(key) <= NAME_CHARS and key.isascii() and key.isprintable()):
        raise BadField("idempotency_key", f"an idempotency key is 1 to {NAME_CHARS} printable ASCII characters")
