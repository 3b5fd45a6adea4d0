"""Jira's wiki text, for Jira Data Center. In: blocks. Out: text with nothing live in it but our own links.

Whatever could mean something is written as a character reference. Jira's renderer keeps these, and knows them neither
as the begin of a macro, image, link or mention nor at the begin of a line; a backslash is weaker, as one before it
takes it away (https://jira.atlassian.com/secure/WikiRendererHelpAction.jspa?section=all, 2026-11).
"""

import re
from typing import Final

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.text import around, line

_LIVE: Final = re.compile(
    r"[\\{}\[\]|*_+^~@!#&<>]|\?(?=\?)|(?<=\?)\?"  # macros, links, tables, phrases, images, mentions
    r"|(?<![a-z])-|-(?![a-z])"  # rules, dashes, crossed-out words, keys of issues; not Content-Type
    r"|(?<!\d):(?=\S)|:(?=[^\s\d])|(?<=\bwww)\."  # addresses of any scheme, faces
    r"|(?<=\bh[0-6])\.|(?<=\bbq)\."  # headings, quotes
    r"|\((?=(?:[ynix/!?+-]|on|off|\*[rgby]?|flag(?:off)?)\))", re.IGNORECASE)  # signs
_AFTER: Final = re.compile(r"(?<=;)[()]+")
_IN_ADDRESS: Final = re.compile(r"[\s|\[\]{}\\!^]")


def wiki(blocks: Blocks) -> str:
    """The blocks with an empty line between them."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def escaped(text: str, limit: int = 500) -> str:
    """One line of text that means nothing to Jira."""
    shown = _LIVE.sub(_references, line(text, limit))
    return _AFTER.sub(_references, shown)  # the end of a reference and a bracket would be a face


def _references(match: re.Match[str]) -> str:
    return "".join(f"&#{ord(sign)};" for sign in match[0])


def _block(block: Block) -> str:
    match block:
        case Paragraph(spans):
            return _line(spans)
        case Quote(spans):
            return f"bq. {_line(spans)}"
        case Items(items, ordered):
            return "\n".join(f"{'#' if ordered else '*'} {_line(spans)}" for spans in items)
        case Facts(rows):
            return "\n".join(f"||{_span(label)}|{_line(value) or ' '}|" for label, value in rows)


def _line(spans: Spans) -> str:
    return "".join(map(_span, spans)).strip()


def _span(span: Span) -> str:
    match span:
        case Text(text, limit):
            return around(text, escaped(text, limit))
        case Strong(text):
            return f"*{escaped(text)}*"
        case Code(text):
            return "{{" + (escaped(text) or " ") + "}}"
        case Link(text, url):
            return f"[{escaped(text)}|{_IN_ADDRESS.sub(lambda found: f'%{ord(found[0]):02X}', url)}]"
