"""A text that fits. In: blocks, a markup, a limit. Out: the text, without what is least needed when it is too long."""

import re
from collections.abc import Callable
from typing import Final, TypeVar

from report.markup.blocks import Block, Blocks, Facts, Items, Paragraph, Text

SHORTENED: Final = Paragraph((Text("This is shortened: the dossier holds all of it."),))
FIRST: Final = 2
"""Blocks that are never left out: the sentence, and what came back."""
SEEN: Final = "Seen again"
"""Begin of the line that is added for the same failure once more."""
T = TypeVar("T")


def fitted(blocks: Blocks, write: Callable[[Blocks], T], limit: int,
           measure: Callable[[T], int] = len,  # type: ignore[assignment]  # a default for texts
           ) -> T:
    """The blocks written so that they measure at most `limit`; of too many, the longest block goes first, and of a
    single long one nothing: what is first is short by construction."""
    text, left = write(blocks), list(blocks)
    while measure(text) > limit and len(left) > FIRST:
        left.remove(max(left[FIRST:], key=_length))
        text = write((*left, SHORTENED))
    return text


def extended(text: str, line: str, limit: int) -> str:
    """An earlier text with one more line (SEEN) below it, mark and all; of too many such lines the oldest go first."""
    head, *lines = re.split(rf"\n\n(?={SEEN} )", text.rstrip())
    lines.append(line.strip())
    while lines[1:] and len("\n\n".join((head, *lines))) > limit:
        del lines[0]
    return "\n\n".join((head, *lines))


def _length(block: Block) -> int:
    match block:
        case Items(items):
            return sum(len(span.text) for spans in items for span in spans)
        case Facts(rows):
            return sum(len(span.text) for label, spans in rows for span in (label, *spans))
        case _:
            return sum(len(span.text) for span in block.spans)
