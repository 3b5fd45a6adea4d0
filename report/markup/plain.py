"""Plain text for mails, 72 characters wide (RFC 5322 2.1.1 wants 78 at most). In: blocks. Out: text without markup.

Help desks look into it: some take `Word: value` at the begin of a line as an order, some draw it as their own markup.
So only the first line of a paragraph is at the left margin, and what such a program would find is parted.
"""

import textwrap
from typing import Final

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.markup.parted import parted
from report.text import around, line

WIDTH: Final = 72
"""Longest line, characters; a longer word, for example an address, stays whole."""


def plain(blocks: Blocks) -> str:
    """The blocks with an empty line between them."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph(spans):
            return _wrapped(_line(spans), "", "  ")
        case Quote(spans):
            return _wrapped(_line(spans), "> ", "> ")
        case Items(items, ordered):
            return "\n".join(_item(f"{i}. " if ordered else "- ", _line(spans)) for i, spans in enumerate(items, 1))
        case Facts(rows):
            return "\n".join(_item("- ", f"{_span(label).strip()}: {_line(value)}") for label, value in rows)


def _item(begin: str, words: str) -> str:
    return _wrapped(words, begin, " " * len(begin))


def _wrapped(words: str, first: str, later: str) -> str:
    """The words, broken between words."""
    return textwrap.fill(" ".join(words.split()), WIDTH, initial_indent=first, subsequent_indent=later,
                         break_long_words=False, break_on_hyphens=False)


def _line(spans: Spans) -> str:
    return "".join(map(_span, spans)).strip()


def _span(span: Span) -> str:
    match span:
        case Text(text, limit):
            return around(text, parted(line(text, limit)))
        case Strong(text):
            return parted(line(text))
        case Code(text):
            return line(text)
        case Link(text, url):
            return f"<{url}>" if text == url else f"{parted(line(text))} <{url}>"
