"""HTML for help desks that take a few tags. In: blocks. Out: tags and our own links; all else is text.

Lists stand for tables, which some of them take apart. Zendesk fills in placeholders ({{ticket.id}}, {% if %}) even in
what is escaped, so their braces are parted everywhere.
"""

import html as escapes
import re
from collections.abc import Iterable
from typing import Final

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.markup.parted import JOINER, parted
from report.text import around, line

_PLACEHOLDER: Final = re.compile(r"(?<=\{)(?=[{%])")


def html(blocks: Blocks) -> str:
    """The blocks, each in its tag."""
    return "\n".join(map(_block, blocks))


def unfilled(words: str) -> str:
    """Words in which a help desk finds no placeholder to fill in; they look the same."""
    return _PLACEHOLDER.sub(JOINER, words)


def _block(block: Block) -> str:
    match block:
        case Paragraph(spans):
            return f"<p>{_line(spans)}</p>"
        case Quote(spans):
            return f"<blockquote>{_line(spans)}</blockquote>"
        case Items(items, ordered):
            return _list("ol" if ordered else "ul", map(_line, items))
        case Facts(rows):
            return _list("ul", (f"<strong>{_span(label)}:</strong> {_line(value)}" for label, value in rows))


def _list(tag: str, items: Iterable[str]) -> str:
    return f"<{tag}>{''.join(f'<li>{item}</li>' for item in items)}</{tag}>"


def _line(spans: Spans) -> str:
    return "".join(map(_span, spans)).strip()


def _span(span: Span) -> str:
    match span:
        case Text(text, limit):
            return around(text, _escaped(parted(line(text, limit))))
        case Strong(text):
            return f"<strong>{_escaped(parted(line(text)))}</strong>"
        case Code(text):
            return f"<code>{_escaped(unfilled(line(text)))}</code>"
        case Link(text, url):
            return f'<a href="{escapes.escape(url)}">{_escaped(parted(line(text)))}</a>'


def _escaped(text: str) -> str:
    return escapes.escape(text).replace("{", "&#123;")
