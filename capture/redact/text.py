"""Free text: console lines, pages, frames, logs. In: text. Out: the text with secrets masked, all else untouched."""

import re
from collections.abc import Callable
from typing import Final

from capture.redact import names, shape
from capture.redact.urls import mask_url
from capture.redact.values import Look, look, mask_values
from capture.redact.vault import Vault, outside

_URL: Final = re.compile(r"""(?:https?|wss?|ftp)://[^\s"'<>`\\|]+|(?<=[="'(\s])/[\w./%-]{0,300}+\?[^\s"'<>`\\|]+""")
_NAME: Final = r"(?<![\w.$-])([A-Za-z_$][\w.\[\]-]{1,80}+)"
_QUOTE: Final = r"""\\{0,3}(?:["']|&(?:quot|apos|#34|#39|#x27);)"""
_PAIR: Final = re.compile(
    _NAME + rf"((?:{_QUOTE})?\s{{0,4}}+(?:=>|[:=])\s{{0,4}}+(?:{_QUOTE})?+)"
    r"""(?:(?<=["';])((?:[^\s"'\\<>&]|&(?!quot;|apos;|#34;|#39;|#x27;)){6,8000}+)"""
    r"""|(?<!["';])((?:base64:)?[A-Za-z0-9_+/.~%!@$^*-]{6,8000}+=*+)(?!\s{0,2}[:=(\[]))"""
)
_LINE: Final = re.compile(
    r"""(?i)(?<![\w.-])((?:set-)?cookie|(?:proxy-)?authorization)(["']?\s{0,2}:\s{0,2}["']?)([^\r\n"'<>]{6,8000}+)"""
)
_CRUMB: Final = re.compile(r"([^\s=;,]{1,200}+)=([^\s;]{1,4096}+)")
_ATTRIBUTES: Final = frozenset({"path", "domain", "expires", "max-age", "samesite", "version", "priority"})
_CREDENTIAL: Final = re.compile(r"(?i)((?:basic|bearer|digest|token|negotiate|ntlm|apikey|hmac)[ \t]+)?(\S{6,}+)")
# Debug pages list their environment in tables: <td>DB_PASSWORD</td><td>...</td>.
_CELL: Final = re.compile(
    r">(\s{0,20}+([A-Za-z_$][\w.\[\]'-]{1,60}+)\s{0,20}+</(?:td|th|dt|span|code|b|strong)>\s{0,200}+"
    r"<(?:td|dd|span|code)\b[^<>]{0,200}+>(?:\s{0,20}+<[a-z][^<>]{0,200}+>){0,3}+\s{0,20}+)([^<>\s][^<>]{5,4000}+)(?=<)",
    re.IGNORECASE,
)
_ELEMENT: Final = re.compile(r"<([A-Za-z][\w:.-]{1,60}+)>([^<>\s]{6,4000}+)(?=</)")


def mask_text(vault: Vault, text: str, place: str, *, code: bool = False, seen: Look | None = None) -> str:
    """Masks URLs, `name=value` and `"name": "value"` pairs with secret names, and secrets by their form.

    `code`: the text is a program, where an unquoted value is an expression, not a secret. `seen`: a look at a text
    around this one.
    """
    how = "code" if code else "text"
    if len(text) < 6 or vault.is_clean(how, text):
        return text
    seen = seen or look(text)
    masked = text
    if "://" in text or "?" in text:
        masked = outside(masked, lambda part: _URL.sub(lambda m: mask_url(vault, m[0], place, seen), part))
    if seen.names and (":" in text or "=" in text or ">" in text):
        if seen.lines:
            masked = outside(masked, lambda part: _LINE.sub(lambda m: _line(vault, m, place), part))
        masked = outside(masked, lambda part: _pairs(vault, part, place, code))
    return vault.note(how, text, mask_values(vault, masked, place, seen))


def _pairs(vault: Vault, text: str, place: str, code: bool) -> str:
    def pair(match: re.Match[str]) -> str | None:
        name, between, quoted, bare = match.groups()
        kind = names.kind_of(name)
        if not kind or (bare and (code or bare.startswith("//") or _prose(kind, between, bare))):
            return None
        return f"{name}{between}{vault.mask(quoted or bare, kind, 'pair-name', place)}"

    def element(match: re.Match[str]) -> str:
        kind = names.kind_of(match[1])
        return f"<{match[1]}>{vault.mask(match[2], kind, 'element-name', place)}" if kind else match[0]

    def cell(match: re.Match[str]) -> str:
        kind = names.kind_of(match[2])
        if not kind or shape.ordinary(match[3].strip()):
            return match[0]
        return f">{match[1]}{vault.mask(match[3], kind, 'cell-name', place)}"

    text = _replaced(pair, text)
    if "</" not in text:
        return text
    text = outside(text, lambda part: _CELL.sub(cell, part))
    return outside(text, lambda part: _ELEMENT.sub(element, part))


def _replaced(pair: Callable[[re.Match[str]], str | None], text: str) -> str:
    """The text with its pairs replaced; the value of a pair that stays may be the name of the next one."""
    parts, done = [], 0
    while match := _PAIR.search(text, done):
        masked = pair(match)
        end = match.end(2) if masked is None else match.end()
        parts += [text[done:match.start()], text[match.start():end] if masked is None else masked]
        done = end
    return "".join([*parts, text[done:]])


def _line(vault: Vault, match: re.Match[str], place: str) -> str:
    name, between, value = match.groups()

    def crumb(found: re.Match[str]) -> str:
        if found[1].lower() in _ATTRIBUTES:
            return found[0]
        return f"{found[1]}={vault.mask(found[2], 'cookie', 'header-line', place)}"

    def credential(found: re.Match[str]) -> str:
        if not found[1] and shape.ordinary(found[2]):
            return found[0]
        return (found[1] or "") + vault.mask(found[2], "authorization", "header-line", place)

    if name.lower().endswith("cookie"):
        return name + between + _CRUMB.sub(crumb, value)
    return name + between + _CREDENTIAL.sub(credential, value, count=1)


def _prose(kind: str, between: str, value: str) -> bool:
    # "invalid token: expired" is a sentence, "password=swordfish" is not.
    if "=" in between and kind == "password":
        return False
    return shape.ordinary(value)
