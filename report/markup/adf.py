"""Atlassian Document Format, for Jira Cloud. In: blocks. Out: a document, which is JSON and has no markup in it.

What strangers wrote stands in text nodes, where nothing means anything; mentions, cards and macros would be nodes of
their own (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/, 2026-11).
"""

from typing import Any, Final

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.text import around, line

Node = dict[str, Any]
MARKS: Final = {Strong: "strong", Code: "code"}


def adf(blocks: Blocks) -> Node:
    """The document of the blocks."""
    return {"type": "doc", "version": 1, "content": [_block(block) for block in blocks]}


def _block(block: Block) -> Node:
    match block:
        case Paragraph(spans):
            return _paragraph(spans)
        case Quote(spans):
            return _node("blockquote", _paragraph(spans))
        case Items(items, ordered):
            rows = [_node("listItem", _paragraph(spans)) for spans in items]
            return _node("orderedList" if ordered else "bulletList", *rows)
        case Facts(facts):
            return _node("table", *(_node("tableRow", _node("tableHeader", _paragraph((label,))),
                                          _node("tableCell", _paragraph(value))) for label, value in facts))


def _node(kind: str, *content: Node) -> Node:
    return {"type": kind, "content": list(content)}


def _paragraph(spans: Spans) -> Node:
    """Without the spans that are empty: a text node may not be."""
    return _node("paragraph", *(node for node in map(_span, spans) if node["text"]))


def _span(span: Span) -> Node:
    match span:
        case Text(text, limit):
            return {"type": "text", "text": around(text, line(text, limit))}
        case Link(text, url):
            return {"type": "text", "text": line(text), "marks": [{"type": "link", "attrs": {"href": url}}]}
        case Strong(text) | Code(text):
            return {"type": "text", "text": line(text), "marks": [{"type": MARKS[type(span)]}]}
