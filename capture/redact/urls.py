"""URLs and form bodies. In: an address as it was written. Out: the same with secrets masked, all else byte for byte.

Works on the parts of RFC 3986, appendix B: user information, path segments, query and fragment parameters.
"""

import re
from typing import Final
from urllib.parse import quote, unquote, unquote_plus

from capture.redact import names, shape
from capture.redact.values import Look, mask_values
from capture.redact.vault import TOKEN, Vault

_PARTS: Final = re.compile(r"(?s)((?:[A-Za-z][A-Za-z0-9+.-]{0,30}:)?)((?://[^/?#\\]*)?)([^?#]*)((?:\?[^#]*)?)((?:#.*)?)")
_NESTED: Final = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}:)?/.*[?#@=]|[^=&]*\?[^=]+=", re.IGNORECASE | re.DOTALL)
_EXTENSION: Final = re.compile(r"\.[a-z][a-z0-9]{1,5}$", re.IGNORECASE)
_SEGMENT: Final = re.compile(r"[A-Za-z0-9_-]{40,}")
_OPAQUE: Final = ("data:", "javascript:", "about:", "blob:", "chrome-error:")
_SEPARATOR: Final = re.compile(r"(&(?:amp;)?|;(?=[^&;=]{1,100}=))")


def mask_url(vault: Vault, text: str, place: str, seen: Look | None = None) -> str:
    """Masks user information, secret parameters, token-like path segments, then secrets by their form."""
    if vault.is_clean("url", text):
        return text
    masked = text if text.startswith(_OPAQUE) else _structure(vault, text, place, 1)
    return vault.note("url", text, mask_values(vault, masked, place, seen))


def mask_pairs(vault: Vault, text: str, place: str, depth: int = 1) -> str:
    """Masks the values of `a=b&c=d` (application/x-www-form-urlencoded) by their names."""
    if "=" not in text:
        return text
    pieces = _SEPARATOR.split(text)
    pieces[::2] = [_pair(vault, piece, place, depth) for piece in pieces[::2]]
    return "".join(pieces)


def _structure(vault: Vault, text: str, place: str, depth: int) -> str:
    match = _PARTS.fullmatch(text)
    if match is None:
        return text
    scheme, authority, path, query, fragment = match.groups()
    if authority:
        vault.keep(authority[2:].rpartition("@")[2])
    if "@" in authority:
        authority = _userinfo(vault, authority, place)
    path = _path(vault, path, place)
    if query:
        query = "?" + mask_pairs(vault, query[1:], f"{place} query", depth)
    if "=" in fragment:
        route, mark, pairs = fragment[1:].rpartition("?")
        fragment = "#" + route + mark + mask_pairs(vault, pairs, f"{place} fragment", depth)
    return scheme + authority + path + query + fragment


def _userinfo(vault: Vault, authority: str, place: str) -> str:
    info, _, host = authority[2:].rpartition("@")
    if TOKEN.fullmatch(info):
        return authority
    vault.learn(unquote(info.partition(":")[2]), "userinfo")
    token = vault.mask(info, "userinfo", "url-userinfo", place)
    # Brackets belong to IPv6 literals there: a URL that was readable must stay so.
    return f"//{token.replace('[', '%5B').replace(']', '%5D')}@{host}"


def _path(vault: Vault, path: str, place: str) -> str:
    if len(path) < 10:
        return path
    segments = path.split("/")
    after = 0
    for at, segment in enumerate(segments):
        if after and _opaque_segment(segment):
            segments[at] = vault.mask(segment, "token", "path-token", f"{place} path")
        elif _SEGMENT.fullmatch(segment) and shape.dense(segment):
            segments[at] = vault.mask(segment, "token", "path-entropy", f"{place} path")
        after = 2 if segment.lower() in names.TOKEN_PATHS else after - 1 if after else 0
    return "/".join(segments)


def _opaque_segment(segment: str) -> bool:
    return len(segment) >= 8 and not shape.ordinary(segment) and not _EXTENSION.search(segment)


def _pair(vault: Vault, pair: str, place: str, depth: int) -> str:
    name, _, value = pair.partition("=")
    if not value:
        return pair
    clear = unquote_plus(name)
    kind = names.kind_of(clear)
    if kind and unquote(value).lower() not in shape.PLAIN:
        return f"{name}={vault.mask(value, kind, 'parameter-name', place)}"
    kind = names.weak_kind_of(clear)
    if kind and shape.tokenlike(value):
        return f"{name}={vault.mask(value, kind, 'parameter-shape', place)}"
    return f"{name}={_nested(vault, value, place, depth)}" if depth else pair


def _nested(vault: Vault, value: str, place: str, depth: int) -> str:
    inner = unquote(value)
    if not _NESTED.match(inner):
        return value
    masked = _structure(vault, inner, place, depth - 1)
    if masked == inner:
        return value
    return masked if inner == value else quote(masked, safe="[]:")
