"""A text before it has a markup. In: nothing. Out: the types of blocks; each module beside this one writes them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Text:
    """Words, perhaps of strangers: whatever they hold is shown and does nothing. They are one line; a space at their
    begin or end parts them from what stands beside them."""

    text: str
    limit: int = 500
    """Longest that is shown, characters; the middle of what is longer is left out."""


@dataclass(frozen=True)
class Strong:
    """Words of ours that stand out."""

    text: str


@dataclass(frozen=True)
class Code:
    """Something verbatim, on one line."""

    text: str


@dataclass(frozen=True)
class Link:
    """An address of ours or of the tracker, never one of the page."""

    text: str
    url: str


Span = Text | Strong | Code | Link
Spans = tuple[Span, ...]


@dataclass(frozen=True)
class Paragraph:
    """One paragraph."""

    spans: Spans


@dataclass(frozen=True)
class Quote:
    """A paragraph that is set off."""

    spans: Spans


@dataclass(frozen=True)
class Items:
    """A list."""

    items: tuple[Spans, ...]
    ordered: bool = False


@dataclass(frozen=True)
class Facts:
    """A table of two columns, without a head."""

    rows: tuple[tuple[Text, Spans], ...]


Block = Paragraph | Quote | Items | Facts
Blocks = tuple[Block, ...]
