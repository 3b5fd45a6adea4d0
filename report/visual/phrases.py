"""What a picture can show of a signature. In: the vendors' signatures. Out: Phrases that match words read off it.

A signature's patterns speak of markup; a picture shows the words between the tags. So each pattern is cut at its tags
and every piece is written anew for folded text: no spaces, no punctuation, one letter case, and letters and digits that
readers mix up (O and 0, l, I and 1) the same. A piece counts only when the signature's own sample shows it.
"""

import html
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from report.matching import UNSEEN
from report.patterns import token
from report.signatures import Signature, Vendor

WEAKEST: Final = 5
WEAKEST_UNNAMED: Final = 17
"""Fewer letters than this say nothing, with and without the vendor's own name among them."""
LONG_ID: Final = 8
LONGEST_ID: Final = 12
"""A run of so many digits or letters is an identifier, and counts as letters, up to so many."""
_FOLD: Final = str.maketrans({"o": "0", "l": "1", "i": "1", "|": "1", "í": "1", "ı": "1"})
_JUNK: Final = re.compile(r"[^0-9a-z\u00a1-\uffff\n]+")
_BLOCKS: Final = {"h1", "h2", "h3", "h4", "center", "p", "div", "hr", "address", "li", "body", "head", "html", "pre"}
_TAG: Final = re.compile(r"</?\(?(?:\?:)?<?/?([a-z0-9]{1,12})", re.IGNORECASE)
_HIDDEN: Final = re.compile(r"<title\b.*?</title>|<!--.*?-->", re.IGNORECASE | re.DOTALL)
_MARKUP: Final = re.compile(r"<(?:html|body|h[1-6]|center|p|div|pre)\b", re.IGNORECASE)


def fold(text: str) -> str:
    """Text as folded patterns see it; line breaks stay."""
    return _JUNK.sub("", html.unescape(text).lower().translate(_FOLD))

_STATUSES: Final = {form.format(fold(phrase)) for form in ("{}", "err0r{}", *(f"{{}}{s.value}" for s in HTTPStatus),
                                                           *(f"{s.value}{{}}" for s in HTTPStatus))
                    for phrase in (*(s.phrase for s in HTTPStatus), "Server Error", "Page not found")}
"""What every server says."""


@dataclass(frozen=True)
class Condition:
    """One piece that must be readable."""

    pattern: re.Pattern[str]
    weight: int
    """Letters that every hit contains."""
    anchored: bool
    """It is bound to where a line begins or ends; otherwise it may run over several lines."""


@dataclass(frozen=True)
class Phrase:
    """The readable part of a signature."""

    vendor: Vendor
    signature: Signature
    conditions: tuple[Condition, ...]
    firm: bool
    """The words read are conditions of the signature, and it asks for nothing of the answer's header fields."""
    unique: bool = True
    """No other vendor's sample shows the same words."""

    @property
    def weight(self) -> int:
        """Letters that every hit contains."""
        return sum(condition.weight for condition in self.conditions)

    @property
    def named(self) -> bool:
        """Whether the vendor's own name is among the words."""
        words = [fold(word) for word in re.split(r"[\W_]+", self.vendor.name) if len(word) >= WEAKEST]
        return any(word in condition.pattern.pattern for word in words for condition in self.conditions)


_MADE: Final[dict[int, tuple[tuple[Vendor, ...], tuple["Phrase", ...]]]] = {}


def phrases(known: tuple[Vendor, ...]) -> tuple[Phrase, ...]:
    """Every signature that says who wrote a page and of which a picture can show enough; made once for these vendors.

    The key is the tuple itself, kept alive beside its phrases: vendors hold dicts and cannot be hashed.
    """
    if id(known) not in _MADE:
        _MADE[id(known)] = (known, _made(known))
    return _MADE[id(known)][1]


def _made(known: tuple[Vendor, ...]) -> tuple[Phrase, ...]:
    found = [phrase for vendor in known if vendor.slug != "custom-app" for signature in vendor.signature
             if signature.shows not in ("presence", "welcome") and (phrase := derived(vendor, signature))]
    samples = [(vendor.slug, visible(signature.sample.body)) for vendor in known for signature in vendor.signature]
    judged = (replace(each, unique=_is_unique(each, samples)) for each in found)
    return tuple(each for each in judged if each.firm or each.unique or each.named)


def _is_unique(phrase: Phrase, samples: list[tuple[str, str]]) -> bool:
    return not any(slug != phrase.vendor.slug and all(holds(condition, text) for condition in phrase.conditions)
                   for slug, text in samples)


def holds(condition: Condition, text: str) -> bool:
    """Whether folded text, with line breaks, shows a piece."""
    return bool(condition.pattern.search(text if condition.anchored else text.replace("\n", "")))


def derived(vendor: Vendor, signature: Signature) -> Phrase | None:
    """The readable part of one signature; None when it is too little to tell anything."""
    shown = visible(signature.sample.body)
    texts = [pattern for pattern in (signature.title, *signature.text, *signature.body) if pattern]
    found = [condition for text in texts for condition in _pieces(text, shown)]
    firm = any(condition.weight for condition in found) and not signature.header
    if not any(condition.weight for condition in found):
        wanted = [each.pattern for each in (signature.vendor_code, signature.request_id)
                  if each is not None and not isinstance(each, str) and not each.place.startswith("header")]
        found += [condition for text in wanted for condition in _pieces(text, shown)]
    kept = tuple(dict.fromkeys(found))
    phrase = Phrase(vendor, signature, kept, firm)
    return phrase if phrase.weight >= (WEAKEST if phrase.named else WEAKEST_UNNAMED) else None


def visible(body: str) -> str:
    """What a window shows of a body, folded; a break where an element of its own begins or ends."""
    if not _MARKUP.search(body):
        return fold(re.sub(r"<\?xml[^>]{0,200}\?>", "", body))
    text = re.sub(r"</?(?:h[1-6]|center|p|div|hr|address|li|ul|tr|table|br|pre|body)\b[^>]{0,400}>", "\n",
                  _HIDDEN.sub(" ", body), flags=re.IGNORECASE)
    return re.sub(r"\n+", "\n", fold(UNSEEN.sub(" ", text))).strip("\n")


def _pieces(text: str, shown: str) -> list[Condition]:
    """The pieces of a pattern between its tags that the sample shows; else the whole, tags read as text."""
    pieces = [condition for piece in _cut(text) if (condition := _condition(*piece)) and holds(condition, shown)]
    if any(condition.weight for condition in pieces):
        return pieces
    whole = _condition(re.sub(r"^.*?\\\?>", "", text) if "xml version" in text else text, False, False)
    return [whole] if whole and whole.weight and holds(whole, shown) else pieces


def _cut(text: str) -> list[tuple[str, bool, bool]]:
    """(piece, begins a line, ends a line) of a pattern between its tags."""
    pieces, piece, at, begins, depth = [], "", 0, False, 0
    while at < len(text):
        kind, end = token(text, at)
        if depth == 0 and kind == "literal" and text[at] == "<" and (tag := _TAG.match(text, at)):
            line = tag[1].lower() in _BLOCKS
            pieces.append((piece, begins, line))
            piece, begins, at = "", line, _tag_end(text, end)
            continue
        depth += {"open": 1, "close": -1}.get(kind, 0)
        piece, at = piece + text[at:end], end
    return [each for each in [*pieces, (piece, begins, False)] if each[0]]


def _tag_end(text: str, at: int) -> int:
    while at < len(text):
        kind, end = token(text, at)
        if kind == "literal" and text[at] == ">":
            return end
        at = end
    return at


def _condition(text: str, begins: bool, ends: bool) -> Condition | None:
    """A piece written anew for folded text; None when nothing of it is left."""
    begins |= bool(re.match(r"(?:\(\?i\))?(?:\^|\\A)", text))
    ends |= text.endswith(("$", "\\Z"))
    body, weight = _folded(text)
    if not body:
        return None
    try:
        pattern = re.compile(f"{'^' if begins else ''}{body}{'$' if ends else ''}", re.MULTILINE)
    except re.error:
        return None
    return Condition(pattern, weight, begins or ends)


def _folded(text: str) -> tuple[str, int]:
    """(pattern for folded text, letters that every hit contains: of alternatives the shortest counts)."""
    out: list[str] = []
    counts: list[list[int]] = [[0]]  # for each open group, what each of its alternatives contains so far
    kept, last, at = False, 0, 0
    while at < len(text):
        kind, end = token(text, at)
        part, at = text[at:end], end
        if kind in ("many", "optional"):
            out[-1:] = _repeated(out[-1], part) if kept else out[-1:]
            counts[-1][-1] += _times(part) if kept else 0
            counts[-1][-1] -= last
            last = 0
            continue
        written = _written(kind, part)
        kept = bool(written)
        last = int(kind == "literal" and kept)
        out += [written] if kept else []
        if kind == "open":
            counts.append([0])
        elif kind == "close":
            last = min(counts.pop())
        elif kind == "or":
            counts[-1].append(0)
        counts[-1][-1] += last
    whole = "".join(out)
    said = whole.removeprefix("(?:").removesuffix(")").split("|")
    return whole, 0 if all(option in _STATUSES for option in said) else counts[0][0]


def _times(quantifier: str) -> int:
    """What a repeated piece counts: a run of this length is an identifier."""
    least = quantifier.strip("{}").partition(",")[0]
    return min(int(least), LONGEST_ID) if least.isdigit() and int(least) >= LONG_ID else 0


def _written(kind: str, part: str) -> str:
    """One token for folded text; empty when folded text has nothing like it."""
    if kind in ("open", "close", "or"):
        return part
    if kind == "literal":
        return re.escape(fold(part[-1]))
    if part in (".", "\\S", "\\D", "\\w", "\\W"):
        return "[^\\n]?"
    if part == "\\d":
        return "[0-9]"
    if part.startswith("[^"):
        return "[^\\n]?"
    if part.startswith("["):
        letters = "".join(char for char in map(chr, range(33, 127)) if re.fullmatch(part, char))
        return f"[{''.join(sorted(set(fold(letters))))}]" if fold(letters) else ""
    return ""


def _repeated(before: str, quantifier: str) -> list[str]:
    """A token with its quantifier; what may be missing in folded text may be missing altogether."""
    if not before.endswith("]?"):
        return [before, quantifier]
    return [before] if quantifier == "?" else [before[:-1], f"{{0,{quantifier.strip('{}').rpartition(',')[2]}}}"]
