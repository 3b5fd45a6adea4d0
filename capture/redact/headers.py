"""Header field lines. In: a name and a value as received. Out: the value with secrets masked, the rest as it was."""

import base64
import binascii
import re
from typing import Final
from urllib.parse import unquote

from capture.redact import names, shape
from capture.redact.text import mask_text
from capture.redact.urls import mask_url
from capture.redact.vault import TOKEN, Vault

_AUTH_PARAMETER: Final = re.compile(
    r'\b(nonce|nextnonce|cnonce|opaque|response|rspauth)(\s*=\s*"?)([^",\s]+)', re.IGNORECASE
)
_LINK: Final = re.compile(r"<([^<>]*)>")
_REFRESH: Final = re.compile(r"^(\s*[\d.]+\s*[;,]\s*(?:url\s*=\s*)?['\"]?)([^'\"]+)", re.IGNORECASE)
_PART: Final = re.compile(r"[A-Za-z0-9_-]{16,}")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,30})(\s+)(.+)", re.DOTALL)


def mask_header(vault: Vault, name: str, value: str, place: str) -> str:
    """Masks what is secret in one field; names, attributes, schemes, realms and request ids stay."""
    lower = name.lower()
    if lower in names.HEADERS["never"]:
        _keep_ids(vault, lower, value)
        return value
    if vault.is_clean(lower, value):
        return value
    return vault.note(lower, value, _mask(vault, lower, value, f"{place} {lower}"))


def _mask(vault: Vault, lower: str, value: str, place: str) -> str:
    if lower == "cookie":
        return ";".join(_cookie_pair(vault, pair, place) for pair in value.split(";"))
    if lower == "set-cookie":
        return "\n".join(set_cookie(vault, line, place) for line in value.split("\n"))
    if lower in names.HEADERS["authorization"]:
        return _authorization(vault, value, place)
    if lower in names.HEADERS["challenge"]:
        return _challenge(vault, value, place)
    if lower in names.HEADERS["url"]:
        return mask_url(vault, value, place)
    if lower == "link":
        return mask_text(vault, _LINK.sub(lambda m: f"<{mask_url(vault, m[1], place)}>", value), place)
    if lower == "refresh":
        return _REFRESH.sub(lambda m: m[1] + mask_url(vault, m[2], place), value)
    kind = "token" if lower in names.HEADERS["secret"] else names.kind_of(lower)
    if kind and value.lower() not in shape.PLAIN:
        return vault.mask(value, kind, "header-name", place)
    return mask_text(vault, value, place)


def set_cookie(vault: Vault, line: str, place: str) -> str:
    """Masks the value of one Set-Cookie line; the name and every attribute stay."""
    pair, semicolon, attributes = line.partition(";")
    return _cookie_pair(vault, pair, place) + semicolon + attributes


def cookie_value(vault: Vault, value: str, place: str) -> str:
    """Masks the value of a cookie and remembers it, and its parts when they could be the bare session id."""
    if not TOKEN.search(value):
        for part in _PART.findall(unquote(value)):
            if shape.tokenlike(part) and not part.isdigit():
                vault.learn(part, "cookie")
    return vault.mask(value, "cookie", "cookie", place)


def _cookie_pair(vault: Vault, pair: str, place: str) -> str:
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = pair[: len(pair) - len(pair.lstrip())], pair.lstrip()
    bare = value.strip()
    return name + equals + value.replace(bare, cookie_value(vault, bare.strip('"'), place), 1) if bare else pair


def _authorization(vault: Vault, value: str, place: str) -> str:
    match = _SCHEME.fullmatch(value)
    if match is None:
        return vault.mask(value, "authorization", "header-name", place)
    scheme, space, credential = match.groups()
    if scheme.lower() == "basic":
        _learn_basic(vault, credential)
    return f"{scheme}{space}{vault.mask(credential, 'authorization', 'header-name', place)}"


def _learn_basic(vault: Vault, credential: str) -> None:
    try:
        clear = base64.b64decode(credential, validate=True).decode()
    except (binascii.Error, ValueError):
        return
    vault.learn(clear.partition(":")[2], "password")


def _challenge(vault: Vault, value: str, place: str) -> str:
    scheme, space, rest = value.partition(" ")
    if scheme.lower() in {"ntlm", "negotiate"} and rest:
        return scheme + space + vault.mask(rest, "nonce", "challenge", place)
    return _AUTH_PARAMETER.sub(lambda m: m[1] + m[2] + vault.mask(m[3], "nonce", "challenge", place), value)


def _keep_ids(vault: Vault, name: str, value: str) -> None:
    if name.endswith(("id", "ray", "ref", "grn", "iinfo", "etag")):
        vault.keep(value)
