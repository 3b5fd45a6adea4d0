"""Adaptive Cards 1.4 for Microsoft Teams (https://adaptivecards.io/explorer, 2026-11). In: blocks. Out: elements.

Markdown is drawn in text blocks but not in the runs of rich text, so words are only words there.
"""

from typing import Any

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.markup.parted import parted
from report.text import around, line

Node = dict[str, Any]


def card(blocks: Blocks) -> list[Node]:
    """The body of a card."""
    return [element for block in blocks for element in _elements(block)]


def _elements(block: Block) -> list[Node]:
    match block:
        case Paragraph(spans):
            return [_line(spans)]
        case Quote(spans):
            return [{"type": "Container", "style": "emphasis", "items": [_line(spans)]}]
        case Items(items, ordered):
            return [_line((Text(f"{i}. " if ordered else "• "), *spans), "None") for i, spans in enumerate(items, 1)]
        case Facts(rows):
            return [_line((Strong(f"{label.text}:"), Text(" "), *value), "None") for label, value in rows]


def _line(spans: Spans, spacing: str = "Default") -> Node:
    runs = [run for run in map(_span, spans) if run["text"]]
    return {"type": "RichTextBlock", "spacing": spacing, "inlines": runs or [_run(" ")]}


def _span(span: Span) -> Node:
    match span:
        case Text(text, limit):
            return _run(around(text, parted(line(text, limit))))
        case Strong(text):
            return _run(parted(line(text)), weight="Bolder")
        case Code(text):
            return _run(line(text), fontType="Monospace")
        case Link(text, url):
            return _run(parted(line(text)), selectAction={"type": "Action.OpenUrl", "url": url})


def _run(text: str, **more: Any) -> Node:
    return {"type": "TextRun", "text": text, **more}
