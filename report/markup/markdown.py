"""Markdown for trackers (CommonMark 0.31, GitHub's tables). In: blocks. Out: text that mentions and links nobody."""

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.text import markdown as escaped
from report.text import markdown_code


def markdown(blocks: Blocks) -> str:
    """The blocks with an empty line between them."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def _block(block: Block) -> str:
    match block:
        case Paragraph(spans):
            return _line(spans)
        case Quote(spans):
            return f"> {_line(spans)}"
        case Items(items, ordered):
            return "\n".join(f"{f'{i}.' if ordered else '-'} {_line(spans)}" for i, spans in enumerate(items, 1))
        case Facts(rows):
            lines = (f"| {_span(label)} | {_line(value)} |" for label, value in rows)
            return "\n".join(["| | |", "|---|---|", *lines])


def _line(spans: Spans) -> str:
    return "".join(map(_span, spans)).strip()


def _span(span: Span) -> str:
    match span:
        case Text(text, limit):
            return f"{' ' * text.startswith(' ')}{escaped(text, limit)}{' ' * text.endswith(' ')}"
        case Strong(text):
            return f"**{escaped(text)}**"
        case Code(text):
            return markdown_code(text)
        case Link(text, url):
            return f"[{escaped(text)}](<{url.replace('<', '%3C').replace('>', '%3E')}>)"
