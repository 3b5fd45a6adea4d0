"""Block Kit for Slack (https://docs.slack.dev/reference/block-kit/blocks, 2026-11). In: blocks. Out: theirs.

Rich text says of each word what it is: mentions, channels and emoji are elements of their own, so words are only words.
"""

from typing import Any

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.markup.parted import parted
from report.text import around, line

Node = dict[str, Any]


def slack(blocks: Blocks) -> list[Node]:
    """One block of rich text for each."""
    return [{"type": "rich_text", "elements": [_element(block)]} for block in blocks]


def _element(block: Block) -> Node:
    match block:
        case Paragraph(spans):
            return _section(spans)
        case Quote(spans):
            return _section(spans, "rich_text_quote")
        case Items(items, ordered):
            return _list("ordered" if ordered else "bullet", items)
        case Facts(rows):
            return _list("bullet", tuple((Strong(f"{label.text}:"), Text(" "), *value) for label, value in rows))


def _list(style: str, items: tuple[Spans, ...]) -> Node:
    return {"type": "rich_text_list", "style": style, "elements": [_section(spans) for spans in items]}


def _section(spans: Spans, kind: str = "rich_text_section") -> Node:
    elements = [element for element in map(_span, spans) if element["text"]]
    return {"type": kind, "elements": elements or [{"type": "text", "text": " "}]}


def _span(span: Span) -> Node:
    match span:
        case Text(text, limit):
            return {"type": "text", "text": around(text, parted(line(text, limit)))}
        case Strong(text):
            return {"type": "text", "text": parted(line(text)), "style": {"bold": True}}
        case Code(text):
            return {"type": "text", "text": line(text), "style": {"code": True}}
        case Link(text, url):
            return {"type": "link", "url": url, "text": parted(line(text))}
