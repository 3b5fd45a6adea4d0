"""Text of strangers made safe to look at. In: any string of a page or a user. Out: the same, nothing hidden in it."""

import re
import unicodedata

from markupsafe import Markup

SHOWN_CHARS = 4_000
"""Longest single value written into a report; the whole value stays in evidence.json."""
WHOLE_CHARS = 16_000
"""The same for what is copied and used: commands, letters, header lines."""

# C0 and C1 controls but tab and line feed, format characters (bidi, zero-width, soft hyphen, tags), lone surrogates,
# line and paragraph separators, noncharacters: all that can hide, reorder or end text.
_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    r"\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff]")
_MARKS = re.compile(r"[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4,}")
# In escaped text, where &amp; is a separator and no other escape holds one; the last one of a run.
_SEPARATOR = re.compile(r"(?:[/?=_]|&amp;)(?=[^/?=_&]|&(?!amp;))")
_EMPTY_LINES = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)+")


def visible(text: str) -> str:
    """The text with every character that hides, reorders or ends text replaced by a sign one can see.

    C0 controls become their control pictures (U+2400 ...), the others `⟨U+202E⟩`; stacks of combining marks are cut
    to three. Tab and line feed stay.
    """
    return _MARKS.sub(lambda m: m[0][:3], _HIDDEN.sub(_sign, text))


def _sign(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"


def short(text: str, limit: int) -> str:
    """The text, made visible, in at most `limit` characters; what is longer loses its middle to an ellipsis."""
    shown = visible(text[: limit * 2] + text[-limit:] if len(text) > limit * 3 else text)
    if len(shown) <= limit:
        return shown
    head = (limit - 1) * 2 // 3
    return f"{shown[:head]}…{shown[-(limit - 1 - head):]}"


def clipped(text: str, limit: int) -> str:
    """Prose, made visible, in at most `limit` characters; what is longer ends after a whole word, with an ellipsis."""
    shown = visible(text[: limit + 1])
    if len(shown) <= limit and len(text) <= limit:
        return shown
    end = shown.rfind(" ", limit // 2, limit)
    return f"{shown[: end if end > 0 else limit - 1]}…"


def breakable(text: Markup) -> Markup:
    """Escaped text that may break after what separates the parts of an address; the signs stay as they are."""
    return Markup(_SEPARATOR.sub(r"\g<0><wbr>", str(text)))


def squeezed(text: str) -> str:
    """The text with no more than one empty line in a row, for places that empty lines would only fill."""
    return _EMPTY_LINES.sub("\n\n", text)


def bounded(text: str, limit: int = SHOWN_CHARS) -> str:
    """The text, made visible; beyond the limit it ends with a note of how much there is."""
    if len(text) <= limit:
        return visible(text)
    return f"{visible(text[:limit])}… (cut here; {len(text):,} characters in evidence.json)"


def line(text: str, limit: int = 500) -> str:
    """One line of text, made visible, in at most `limit` characters."""
    return " ".join(short(unicodedata.normalize("NFC", text), limit).split())


def around(text: str, written: str) -> str:
    """What was written of a text, with the space that parts the text from what stands before and after it."""
    return f"{' ' * text.startswith(' ')}{written}{' ' * text.endswith(' ')}" if written else " " * bool(text)
