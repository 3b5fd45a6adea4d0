"""Bodies. In: bytes and a media type. Out: the bytes with secrets masked, everything else byte for byte the same."""

import html
import json
import re
from typing import Final

from capture.redact import names, shape
from capture.redact.text import mask_text
from capture.redact.urls import mask_pairs
from capture.redact.values import Look, look, mask_values
from capture.redact.vault import Vault

_JSON: Final = re.compile(
    r'("[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\],]|[^\s{}\[\],:"]++)(\s*+:)?', re.DOTALL
)
_BINARY: Final = (
    "image/", "audio/", "video/", "font/", "application/wasm", "application/pdf",
    "application/zip", "application/gzip", "application/font", "application/x-font",
)
_TAG: Final = re.compile(
    r"""<(input|meta)\b(?:[^<>"']++|"[^"<>]*+"|'[^'<>]*+'|"[^"]{0,4000}+"|'[^']{0,4000}+'){1,80}+>""", re.IGNORECASE
)
_ATTRIBUTE: Final = re.compile(r"""([\w:-]{1,60}+)\s{0,4}=\s{0,4}("[^"]*+"|'[^']*+'|[^\s"'>]++)""")
_SCRIPT: Final = re.compile(r"(?i)(<script\b[^<>]{0,4000}+>)(.*?)(?=</script|\Z)", re.DOTALL)
_DISPOSITION: Final = re.compile(r'(?i)content-disposition:[^\r\n]{0,400}?\bname="?([^"\r\n;]{1,200})')
_FILE: Final = re.compile(r"(?i)\bfilename\*?=")
_CHARSET: Final = re.compile(r"(?i)charset\s*=\s*\"?(utf-16(?:le|be)?)")


def mask_body(vault: Vault, data: bytes, mime: str, place: str) -> tuple[bytes, bool]:
    """Masks one body by its media type; binary bodies stay as they are. Says whether anything was masked."""
    if not data or _binary(data, mime.lower()):
        return data, False
    encoding = _wide(data, mime) or "utf-8"
    text = data.decode(encoding, "surrogatepass" if encoding != "utf-8" else "surrogateescape")
    masked = mask_body_text(vault, text, mime, place)
    if masked == text:
        return data, False
    return masked.encode(encoding, "surrogatepass" if encoding != "utf-8" else "surrogateescape"), True


def mask_body_text(vault: Vault, text: str, mime: str, place: str) -> str:
    """Masks a body that is text already."""
    mime = mime.lower()
    if "json" in mime or (text.lstrip()[:2] in {'{"', '[{', '["'} and "html" not in mime):
        return _json_known(vault, _json(vault, text, f"{place} json"), f"{place} json")
    return vault.known(_by_type(vault, text, mime, place), place)


def _by_type(vault: Vault, text: str, mime: str, place: str) -> str:
    if "x-www-form-urlencoded" in mime:
        return mask_values(vault, mask_pairs(vault, text, f"{place} form"), place)
    if "multipart/" in mime:
        return mask_text(vault, _multipart(vault, text, mime, f"{place} multipart"), place)
    if "javascript" in mime or "ecmascript" in mime or "css" in mime:
        return mask_text(vault, text, place, code=True)
    if "html" in mime or "xml" in mime or text.lstrip()[:1] == "<":
        return _html(vault, text, place)
    return mask_text(vault, text, place)


def _binary(data: bytes, mime: str) -> bool:
    if mime.startswith(_BINARY) and "xml" not in mime:
        return True
    return b"\0" in data[:1024] and not _wide(data, mime)


def _wide(data: bytes, mime: str) -> str | None:
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"} and len(data) % 2 == 0:
        return "utf-16-le" if data[0] == 0xFF else "utf-16-be"
    named = _CHARSET.search(mime)
    return named[1].lower() if named and len(data) % 2 == 0 else None


def _json(vault: Vault, text: str, place: str) -> str:
    # Token by token, so that spaces, number forms, duplicate names and bodies cut short stay as they are.
    out: list[str] = []
    at = 0
    seen = look(text)
    stack: list[tuple[str, str | None]] = []
    kind: str | None = None
    for match in _JSON.finditer(text):
        token, is_name = match[1], match[2]
        if is_name:
            name = _clear(token)
            kind = names.kind_of(name) or names.inherited(stack[-1][1] if stack else None, name)
        elif token in "{[":
            stack.append((token, kind))
            kind = kind if token == "[" else None
        elif token in "}]":
            kind = stack.pop()[1] if stack else None
        elif token == ",":
            kind = stack[-1][1] if stack and stack[-1][0] == "[" else None
        elif (masked := _scalar(vault, token, kind, place, seen)) != token:
            out += [text[at : match.start()], masked]
            at = match.end(1)
    return "".join([*out, text[at:]])


def _json_known(vault: Vault, text: str, place: str) -> str:
    if not vault.hits(text):
        return text

    def replace(match: re.Match[str]) -> str:
        masked = vault.known(match[1], place)
        whole = masked if masked == match[1] or match[1][0] == '"' else json.dumps(masked)
        return whole + (match[2] or "")

    return _JSON.sub(replace, text)


def _scalar(vault: Vault, token: str, kind: str | None, place: str, seen: Look) -> str:
    if len(token) < 8 and not kind:
        return token
    if token[0] != '"':
        return _number(vault, token, kind, place)
    clear = _clear(token)
    if kind and clear.lower() not in shape.PLAIN:
        masked = vault.mask(clear, kind, "json-name", place)
    else:
        masked = mask_text(vault, clear, place, seen=None if "\\" in token else seen)
    return token if masked == clear else json.dumps(masked, ensure_ascii=False)


def _number(vault: Vault, token: str, kind: str | None, place: str) -> str:
    if token in {"true", "false", "null"}:
        return token
    if kind in names.NUMERIC:
        masked = vault.mask(token, str(kind), "json-name", place)
    else:
        masked = mask_values(vault, token, place)
    return token if masked == token else json.dumps(masked)


def _clear(token: str) -> str:
    if "\\" not in token:
        return token[1:-1] if len(token) > 1 and token[-1] == '"' else token[1:]
    try:
        return str(json.loads(token, strict=False))
    except ValueError:
        return token.strip('"')


def _multipart(vault: Vault, text: str, mime: str, place: str) -> str:
    boundary = text.partition("\n")[0].rstrip("\r")
    if not boundary.startswith("--"):
        return text
    parts = text.split(boundary)
    return boundary.join(_part(vault, part, place) for part in parts)


def _part(vault: Vault, part: str, place: str) -> str:
    head, gap, value = part.partition("\r\n\r\n" if "\r\n\r\n" in part else "\n\n")
    named = _DISPOSITION.search(head)
    if named is None or _FILE.search(head):
        return part
    clear = value.rstrip("\r\n")
    kind = names.kind_of(named[1])
    return head + gap + vault.mask(clear, kind, "part-name", place) + value[len(clear) :] if kind else part


def _html(vault: Vault, text: str, place: str) -> str:
    text = _TAG.sub(lambda m: _tag(vault, m, f"{place} html"), text)
    out, at = [], 0
    for match in _SCRIPT.finditer(text):
        out.append(mask_text(vault, text[at : match.start(2)], place))
        out.append(mask_text(vault, match[2], place, code=True))
        at = match.end()
    return "".join([*out, mask_text(vault, text[at:], place)])


def _tag(vault: Vault, match: re.Match[str], place: str) -> str:
    attributes = {a[1].lower(): a[2].strip("\"'") for a in _ATTRIBUTE.finditer(match[0])}
    name = attributes.get("name") or attributes.get("id") or attributes.get("property") or ""
    secret = "value" if match[1].lower() == "input" else "content"
    kind = names.kind_of(name)
    if attributes.get("type", "").lower() == "password":
        kind = "password"
    value = attributes.get(secret)
    if not kind or not value or value.lower() in shape.PLAIN:
        return match[0]
    clear = html.unescape(value)
    token = vault.mask(clear, kind, f"{match[1].lower()}-name", place)

    def replace(attribute: re.Match[str]) -> str:
        if attribute[1].lower() != secret:
            return attribute[0]
        quotes = attribute[2][0] if attribute[2][0] in "\"'" else '"'
        return attribute[0][: attribute.start(2) - attribute.start()] + quotes + token + quotes

    return match[0] if token == clear else _ATTRIBUTE.sub(replace, match[0])
