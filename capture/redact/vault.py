"""What one case knows of its secrets: the key, the tokens, the values seen, the ledger. Nothing here is written.

In: secret values. Out: tokens `[redacted:<kind>:<length>:<8 hex of an HMAC>]` in their place.
"""

import base64
import hmac
import html
import json
import re
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote

from capture.record.evidence import Redaction
from capture.redact import shape

TOKEN: Final = re.compile(r"(?:\[|%5B)redacted(?::|%3A)[a-z-]+(?::|%3A)\d+(?::|%3A)[0-9a-f]{8}(?:\]|%5D)")
"""A redaction token, also percent-encoded."""
_ESCAPE: Final = re.compile("%[0-9A-F]{2}")
_GRAM: Final = 4
_CHUNKS: Final = re.compile(f"(?s).{{{_GRAM}}}")
_SHORTEST: Final = 2 * _GRAM - 1
_REMEMBERED: Final = 20_000
_REMEMBERED_LENGTH: Final = 2_000


def outside(text: str, change: Callable[[str], str]) -> str:
    """Applies a change to what lies between redaction tokens, never to the tokens."""
    if "redacted" not in text:
        return change(text)
    parts, at = [], 0
    for match in TOKEN.finditer(text):
        parts += [change(text[at : match.start()]), match.group()]
        at = match.end()
    return "".join([*parts, change(text[at:])])


class Vault:
    """Masks values, remembers them, counts them. One per case; its key never leaves it."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """`known`: values that are secret for certain; those of 6 characters and more are masked everywhere."""
        self._key = secrets.token_bytes(32)
        self._tokens: dict[str, str] = {}
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self._needles: dict[str, tuple[str, str]] = {}
        self._grams: dict[str, set[str]] = {}
        self._short: set[str] = set()
        self._kept: set[str] = set()
        self._clean: set[tuple[str, str]] = set()
        for value in known:
            if len(value) >= 6:
                self._remember(value, "secret")

    def token(self, value: str, kind: str) -> str:
        """The token of a value; equal values long enough to be no accident get equal tokens of the first kind."""
        key = value if len(value) >= _SHORTEST else f"{kind} {value}"
        found = self._tokens.get(key)
        if found is None:
            digest = hmac.digest(self._key, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:8]
            found = self._tokens[key] = f"[redacted:{kind}:{len(value)}:{digest}]"
        return found

    def mask(self, value: str, kind: str, rule: str, place: str, *, learn: bool = True) -> str:
        """Masks one value: counts it, remembers it, returns its token; empty values and tokens stay as they are."""
        if not value:
            return value
        if "redacted" in value and TOKEN.search(value):
            return outside(value, lambda part: self.mask(part, kind, rule, place, learn=learn))
        self._counts[kind, rule, place] += 1
        if learn:
            self.learn(value, kind)
        return self.token(value, kind)

    def keep(self, value: str) -> None:
        """Says that a value is evidence (a request id, the host, the URL) and must never be learned as a secret."""
        if value not in self._kept and len(value) >= 6:
            self._kept.add(value)
            self._forget(value)

    def learn(self, value: str, kind: str) -> None:
        """Remembers a secret, in clear and percent-decoded, unless it is too common or known as evidence."""
        for form in {value, unquote(value)}:
            if form not in self._needles and shape.memorable(form) and form not in self._kept:
                self._remember(form, kind)

    def hits(self, text: str) -> list[str]:
        """The remembered values, in the forms in which they are in a text."""
        if not self._needles or len(text) < 6:
            return []
        # Of any 2q-1 characters in a row one whole q-gram falls on a multiple of q: q grams of each needle are enough.
        found = set(self._short)
        for gram in self._grams.keys() & _CHUNKS.findall(text):
            found |= self._grams[gram]
        return [needle for needle in found if needle in text]

    def known(self, text: str, place: str) -> str:
        """Masks every remembered value in a text, in each of its forms."""
        for needle in sorted(self.hits(text), key=len, reverse=True):
            text = outside(text, lambda part, needle=needle: self._replace(part, needle, place))  # type: ignore[misc]  # a default
        return text

    def is_clean(self, how: str, text: str) -> bool:
        """Whether a text of this kind was looked at before and no rule touched it."""
        return (how, text) in self._clean

    def note(self, how: str, text: str, masked: str) -> str:
        """Returns the masked text; remembers texts that no rule touched, because most of them come again."""
        if masked == text and len(text) <= _REMEMBERED_LENGTH:
            if len(self._clean) >= _REMEMBERED:
                self._clean.clear()
            self._clean.add((how, text))
        return masked

    def ledger(self) -> tuple[Redaction, ...]:
        """What was masked, where and by which rule, in a fixed order."""
        return tuple(
            Redaction(kind=kind, rule=rule, place=place, count=count)
            for (kind, rule, place), count in sorted(self._counts.items())
        )

    def _replace(self, text: str, needle: str, place: str) -> str:
        value, kind = self._needles[needle]
        count = text.count(needle)
        if count:
            self._counts[kind, "known-value", place] += count
        return text.replace(needle, self.token(value, kind)) if count else text

    def _remember(self, value: str, kind: str) -> None:
        for form in _forms(value):
            if form in self._needles or form in self._kept:
                continue
            self._needles[form] = (value, kind)
            if len(form) < _SHORTEST:
                self._short.add(form)
                continue
            for gram in _grams(form):
                self._grams.setdefault(gram, set()).add(form)

    def _forget(self, value: str) -> None:
        if value not in self._needles:
            return
        for form in _forms(value):
            if self._needles.get(form, ("", ""))[0] == value:
                del self._needles[form]
                self._short.discard(form)
                for gram in _grams(form):
                    self._grams.get(gram, set()).discard(form)


def _grams(text: str) -> Iterator[str]:
    # The middle, because values that differ often begin alike ("s%3A", "Fe26.2*").
    start = (len(text) - _SHORTEST) // 2
    return (text[i : i + _GRAM] for i in range(start, start + _GRAM))


def _forms(value: str) -> set[str]:
    """A value as it may be written: raw, percent-encoded, HTML-escaped, JSON-escaped, inside base64."""
    raw = value.encode("utf-8", "surrogatepass")
    percent = quote(raw, safe="")
    escaped = json.dumps(value)[1:-1]
    forms = {
        value, percent, _ESCAPE.sub(lambda m: m.group().lower(), percent), quote(raw, safe="!'()*~"),
        quote(raw), quote_plus(raw), html.escape(value), html.escape(value).replace("&#x27;", "&#39;"), escaped,
        json.dumps(value, ensure_ascii=False)[1:-1], escaped.replace("/", "\\/"),
        escaped.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e").replace("=", "\\u003d"),
    }
    return forms | _base64_forms(raw)


def _base64_forms(raw: bytes) -> set[str]:
    # The characters that depend on the value alone, at each of the three alignments.
    forms = set()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        start = (0, 2, 3)[shift]
        end = len(encoded) - (1 if (shift + len(raw)) % 3 else 0)
        inner = encoded[start:end]
        if len(inner) >= 10:
            forms |= {inner, inner.replace("+", "-").replace("/", "_")}
    return forms
