"""DevTools Protocol events and whole records. In: JSON values. Out: the same shape with every secret masked.

Field names: https://chromedevtools.github.io/devtools-protocol/ (Network, Runtime, Log, Audits, Page, Target).
"""

import base64
import binascii
import json
import re
from typing import Any, Final

from capture.redact import names, shape
from capture.redact.bodies import mask_body, mask_body_text
from capture.redact.headers import cookie_value, mask_header, set_cookie
from capture.redact.text import mask_text
from capture.redact.urls import mask_url
from capture.redact.vault import Vault

_URL_KEY: Final = re.compile(r"(?:.*(?:url|uri|referrer|referer)|origin|.*Origin)", re.IGNORECASE)
_FIELDS: Final = frozenset({"headers", "requestHeaders"})
_PLACES: Final = {
    "Network.requestWillBeSent": "request", "Network.requestWillBeSentExtraInfo": "request",
    "Network.responseReceived": "response", "Network.responseReceivedExtraInfo": "response",
    "Network.webSocketFrameSent": "websocket sent", "Network.webSocketFrameReceived": "websocket received",
    "Network.webSocketCreated": "websocket", "Network.webSocketFrameError": "websocket",
    "Network.webSocketWillSendHandshakeRequest": "request", "Network.webSocketHandshakeResponseReceived": "response",
    "Network.eventSourceMessageReceived": "event source", "Runtime.consoleAPICalled": "console",
    "Runtime.exceptionThrown": "console", "Log.entryAdded": "console", "Audits.issueAdded": "issue",
    "Page.javascriptDialogOpening": "dialog",
}


def mask_event(vault: Vault, method: str, params: dict[str, Any]) -> dict[str, Any]:
    """Masks one event; unknown events are walked by the names of their fields."""
    place = _PLACES.get(method) or method.partition(".")[0].lower()
    masked = _object(vault, params, place)
    # One search over the whole event is far cheaper than one in each string, and hardly ever finds anything.
    return _known(vault, masked, place) if vault.hits(json.dumps(masked)) else masked


def mask_deep(vault: Vault, value: Any, place: str) -> Any:
    """Masks every string of a JSON value: secrets by their form, named pairs, known values; request ids stay."""
    return _known(vault, _rules(vault, value, place), place)


def _known(vault: Vault, value: Any, place: str, fields: bool = False) -> Any:
    if isinstance(value, str):
        return vault.known(value, place)
    if isinstance(value, dict):
        named = names.is_kept(str(value.get("name", "")))
        return {
            key: item if (fields and names.is_kept(key)) or (named and key == "value")
            else _known(vault, item, place, key in _FIELDS)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_known(vault, item, place) for item in value)
    return value


def _rules(vault: Vault, value: Any, place: str) -> Any:
    if isinstance(value, str):
        return mask_text(vault, value, place)
    if isinstance(value, dict):
        if _named(value):
            return {**value, "value": _named_value(vault, value["name"], value["value"], place)}
        return {key: _rules(vault, item, place) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_rules(vault, item, place) for item in value)
    return value


def _named(value: dict[str, Any]) -> bool:
    return isinstance(value.get("name"), str) and isinstance(value.get("value"), str)


def _named_value(vault: Vault, name: str, value: str, place: str) -> str:
    if names.is_kept(name):
        return value
    if name.lower() in _STRUCTURED:
        return mask_header(vault, name, value, place)
    kind = names.kind_of(name)
    if kind and value.lower() not in shape.PLAIN:
        return vault.mask(value, kind, "field-name", place)
    return mask_text(vault, value, place)


_STRUCTURED: Final = frozenset(
    {"cookie", "set-cookie"} | names.HEADERS["authorization"] | names.HEADERS["challenge"] | names.HEADERS["url"]
)


def _object(vault: Vault, params: dict[str, Any], place: str) -> dict[str, Any]:
    if _named(params):
        return _cookie_or_property(vault, params, place)
    return {key: _field(vault, key, item, params, place) for key, item in params.items()}


def _field(vault: Vault, key: str, item: Any, parent: dict[str, Any], place: str) -> Any:
    if isinstance(item, str):
        return _string(vault, key, item, parent, place)
    if key == "value" and isinstance(item, dict | list):
        return json.loads(mask_body_text(vault, json.dumps(item), "application/json", place))
    if isinstance(item, dict):
        if key in _FIELDS:
            side = "request" if key == "requestHeaders" else place
            return {name: _header(vault, name, value, side) for name, value in item.items()}
        if key == "cookie" and _named(item):
            return {**item, "value": cookie_value(vault, item["value"], f"{place} cookie")}
        return _object(vault, item, place)
    if isinstance(item, list):
        if key == "postDataEntries":
            return [_entry(vault, entry, parent, place) for entry in item]
        return [_field(vault, key, child, parent, place) for child in item]
    return item


def _string(vault: Vault, key: str, item: str, parent: dict[str, Any], place: str) -> str:
    if len(item) < 6:
        return item
    if key in {"headersText", "requestHeadersText"}:
        return _header_lines(vault, item, "request" if key == "requestHeadersText" else place)
    if key == "postData":
        return mask_body_text(vault, item, _content_type(parent), f"{place} body")
    if key in {"cookieLine", "rawCookieLine"}:
        return set_cookie(vault, item, f"{place} set-cookie")
    if key == "payloadData":
        return _frame(vault, item, parent, place)
    if _URL_KEY.fullmatch(key):
        return mask_url(vault, item, f"{place} url")
    return mask_text(vault, item, place)


def _header(vault: Vault, name: str, value: Any, place: str) -> Any:
    return mask_header(vault, name, value, f"{place} header") if isinstance(value, str) else value


def _header_lines(vault: Vault, text: str, place: str) -> str:
    lines = re.split(r"(\r?\n)", text)
    for at in range(0, len(lines), 2):
        name, colon, value = lines[at].partition(":")
        if colon and " " not in name:
            space = value[: len(value) - len(value.lstrip())]
            lines[at] = f"{name}:{space}" + mask_header(vault, name, value[len(space) :], f"{place} header")
        elif at == 0:
            lines[at] = " ".join(mask_url(vault, word, f"{place} url") for word in lines[at].split(" "))
    return "".join(lines)


def _content_type(request: dict[str, Any]) -> str:
    headers = request.get("headers")
    if not isinstance(headers, dict):
        return ""
    return next((str(v) for n, v in headers.items() if n.lower() == "content-type"), "")


def _entry(vault: Vault, entry: Any, request: dict[str, Any], place: str) -> Any:
    if not isinstance(entry, dict) or not isinstance(entry.get("bytes"), str):
        return entry
    return {**entry, "bytes": _base64(vault, entry["bytes"], _content_type(request), f"{place} body")}


def _frame(vault: Vault, payload: str, frame: dict[str, Any], place: str) -> str:
    if frame.get("opcode") == 2:
        return _base64(vault, payload, "", place)
    return mask_body_text(vault, payload, "", place)


def _base64(vault: Vault, text: str, mime: str, place: str) -> str:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return mask_text(vault, text, place)
    masked, changed = mask_body(vault, data, mime, place)
    return base64.b64encode(masked).decode() if changed else text


def _cookie_or_property(vault: Vault, item: dict[str, Any], place: str) -> dict[str, Any]:
    if "sameSite" in item or "httpOnly" in item:
        return {**item, "value": cookie_value(vault, item["value"], f"{place} cookie")}
    return {**item, "value": _named_value(vault, item["name"], item["value"], place)}
