"""What was typed into a form. In: its fields. Out: a capture request, or a sentence for each field that is wrong."""

import re
import zoneinfo
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from capture.errors import BadInput, CaptureError
from capture.policy import ALLOW_ALL, admit
from capture.record.base import Header
from capture.record.request import CaptureRequest, Viewport
from capture.redact import Redactor
from capture.resolver import endpoint
from web.store.submission import AGENT_CHARS, HEADERS, LOG_CHARS, RESOLVERS, TEXT_CHARS

LABELS: Final = {
    "url": "Address of the page", "seen": "What you saw", "note": "What changed", "log": "Log excerpt",
    "log_file": "Log file", "headers": "Request headers", "user_agent": "User-Agent", "width": "Window width",
    "height": "Window height", "locale": "Language", "timezone": "Time zone", "resolvers": "DNS resolvers",
    "files": "Files"}
"""Names of the fields, as the summary of what is wrong says them."""
OPTIONS: Final = ("headers", "user_agent", "width", "height", "locale", "timezone", "resolvers")
DEFAULTS: Final = {name: "" for name in LABELS} | {
    "width": str(Viewport().width), "height": str(Viewport().height), "locale": CaptureRequest(url="").locale}
"""What an untouched form holds."""
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|(?:about|blob|chrome|data|file|javascript|mailto|view-source):")
_FIELD_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
_PLACES: Final = {"address query": "the query (after “?”)", "address path": "the path",
                  "address fragment": "the fragment (after “#”)", "address": "the user name and password"}


@dataclass(frozen=True)
class Read:
    """A form that was read."""

    values: Mapping[str, str]
    """As typed, to be shown again."""
    errors: Mapping[str, str]
    """A sentence for each field that is wrong."""
    parts: Mapping[str, Any]
    """What fits into a CaptureRequest, of the fields that are right."""


def read(form: Mapping[str, str], allow_networks: tuple[str, ...] = (), *, is_import: bool = False) -> Read:
    """Reads every field, whatever is wrong with the others; for an import nothing is contacted."""
    values = {name: form.get(name, default) for name, default in DEFAULTS.items()}
    errors: dict[str, str] = {}
    parts: dict[str, Any] = {}
    for name, reader in _READERS.items():
        try:
            parts[name] = reader(values[name].strip())
        except BadInput as error:
            errors[name] = str(error)
    url = complete(values["url"])
    if url or not is_import:
        try:
            parts["url"] = _address(url, ALLOW_ALL if is_import else allow_networks)
        except CaptureError as error:
            errors["url"] = sentence(error)
    _viewport(parts)
    if len(values["log"]) > LOG_CHARS:
        errors["log"] = f"At most {LOG_CHARS:,} characters; this has {len(values['log']):,}."
    return Read(values, {name: errors[name] for name in LABELS if name in errors}, parts)


def complete(url: str) -> str:
    """An address with the scheme that browsers would add."""
    url = url.strip()
    return f"https://{url}" if url and not _SCHEME.match(url) else url


def secret_place(url: str) -> str:
    """In which part of an address something looks like a secret; empty when nothing does."""
    redactor = Redactor()
    if redactor.url(url, "address") == url:
        return ""
    places = {line.place for line in redactor.ledger()}
    return " and ".join(words for place, words in _PLACES.items() if place in places) or "the address"


def _address(url: str, allow_networks: tuple[str, ...]) -> str:
    if not url:
        raise BadInput("fill in the address of the page")
    admit(url, allow_networks)
    return url


def sentence(error: Exception) -> str:
    """What an error says, as a sentence."""
    text = str(error).rstrip(".")
    starts_with_a_word = re.match(r"[a-z]+(?![\w.:/-])", text) is not None  # and not with a host or a file's name
    return f"{text[:1].upper() if starts_with_a_word else text[:1]}{text[1:]}."


def _text(value: str) -> str | None:
    if len(value) > TEXT_CHARS:
        raise BadInput(f"At most {TEXT_CHARS:,} characters; this has {len(value):,}.")
    return value or None


def _headers(value: str) -> tuple[Header, ...]:
    lines = [line.strip() for line in value.splitlines() if line.strip()]
    if len(lines) > HEADERS:
        raise BadInput(f"At most {HEADERS} headers.")
    return tuple(_header(line, number) for number, line in enumerate(lines, 1))


def _header(line: str, number: int) -> Header:
    name, colon, value = line.partition(":")
    if not colon or not _FIELD_NAME.fullmatch(name) or re.search(r"[\x00-\x08\x0a-\x1f\x7f]", value):
        raise BadInput(f"Line {number} is not of the form Name: value.")
    return Header(name=name, value=value.strip())


def _agent(value: str) -> str | None:
    if len(value) > AGENT_CHARS or not (value.isascii() and value.isprintable()):
        raise BadInput(f"One line of at most {AGENT_CHARS} ASCII characters.")
    return value or None


def _locale(value: str) -> str:
    if not _LANGUAGE.fullmatch(value or DEFAULTS["locale"]):
        raise BadInput("A language tag, for example de-DE.")
    return value or DEFAULTS["locale"]


def _timezone(value: str) -> str | None:
    if value and value not in zoneinfo.available_timezones():
        raise BadInput("This time zone is not known; an example is Europe/Berlin.")
    return value or None


def _resolvers(value: str) -> tuple[str, ...]:
    found = tuple(re.split(r"[\s,;]+", value)) if value else ()
    if len(found) > RESOLVERS:
        raise BadInput(f"At most {RESOLVERS} resolvers.")
    for text in found:
        try:
            endpoint(text)
        except BadInput:
            raise BadInput(f"{text[:60]} is not the address of a resolver; an example is 9.9.9.9.") from None
    return found


def _pixels(least: int, most: int, default: str) -> Any:
    def read_pixels(value: str) -> int:
        value = value or default
        if not re.fullmatch("[0-9]{1,5}", value) or not least <= int(value) <= most:
            raise BadInput(f"A number from {least} to {most}.")
        return int(value)

    return read_pixels


def _viewport(parts: dict[str, Any]) -> None:
    width, height = parts.pop("width", None), parts.pop("height", None)
    if width and height:
        parts["viewport"] = Viewport(width=width, height=height)


_READERS: Final = {
    "seen": _text, "note": _text, "headers": _headers, "user_agent": _agent, "locale": _locale, "timezone": _timezone,
    "resolvers": _resolvers, "width": _pixels(100, 7680, DEFAULTS["width"]),
    "height": _pixels(100, 4320, DEFAULTS["height"])}
