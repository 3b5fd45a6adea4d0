"""A text that fits. In: blocks, a markup, a limit. Out: the text, without what is least needed when it is too long."""

from collections.abc import Callable
from typing import Final, TypeVar

from report.markup.blocks import Block, Blocks, Facts, Items, Paragraph, Text

SHORTENED: Final = Paragraph((Text("This is shortened: the dossier holds all of it."),))
FIRST: Final = 2
"""Blocks that are never left out: the sentence, and what came back."""
T = TypeVar("T")


def fitted(blocks: Blocks, write: Callable[[Blocks], T], limit: int, measure: Callable[[T], int] = len,  # type: ignore[assignment]
           ) -> T:
    """The blocks written so that they measure at most `limit`; of too many, the longest block goes first, and of a
    single long one nothing: what is first is short by construction."""
    text, left = write(blocks), list(blocks)
    while measure(text) > limit and len(left) > FIRST:
        left.remove(max(left[FIRST:], key=_length))
        text = write((*left, SHORTENED))
    return text


def _length(block: Block) -> int:
    match block:
        case Items(items):
            return sum(len(span.text) for spans in items for span in spans)
        case Facts(rows):
            return sum(len(span.text) for label, spans in rows for span in (label, *spans))
        case _:
            return sum(len(span.text) for span in block.spans)
