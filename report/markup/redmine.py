"""Redmine's texts, in Textile or Markdown. In: blocks, which of them. Out: text with nothing live in it but our links.

Redmine looks for references (#12, r12, commit:, [[page]]) in what is shown, and for mentions (@name) in what was
written, in code too; so signs are written as numbers (&#64;), and parted. Which of the two an instance reads cannot be
asked for: what is written as Textile, the default, mentions nobody and runs nothing when it is read as Markdown either.
Source: lib/redmine/wiki_formatting, lib/redmine/acts/mentionable.rb and LINKS_RE in app/helpers/application_helper.rb
of Redmine 5.0.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import quote

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.markup.markdown import code as code_span
from report.markup.parted import parted
from report.text import around, line

Formatting = Literal["textile", "markdown"]
# What begins or ends anything in Textile or Markdown, wherever it stands.
_SIGN: Final = re.compile(r'[\\`*_\[\]{}<>#|~&@$!^%+="]|\?(?=\?)|(?<=\?)\?|(?<![0-9A-Za-z])-|(?<![^0-9A-Z])\(')
# What does so after the first word of a line: "h1. ", "1. ", "1) ".
_FIRST: Final = re.compile(r"^[^\s.)]*[.)]")
_ADDRESS: Final = re.compile(r":(?=\S)|(?<=www)\.", re.IGNORECASE)
# Where a code span of Markdown does not keep Redmine from looking or a table from ending a cell, or would begin a block
# (in Redcarpet, the older Markdown of Redmine).
_SEEN_IN_CODE: Final = re.compile(r"@|\{\{|\||```")


def redmine(blocks: Blocks, formatting: Formatting) -> str:
    """The blocks with an empty line between them."""
    return "\n\n".join(_block(block, _FORMS[formatting]) for block in blocks) + "\n"


@dataclass(frozen=True)
class _Form:
    strong: str
    link: str
    number: str
    head: str
    row: str
    code: Callable[[str], str]


def _block(block: Block, form: _Form) -> str:
    match block:
        case Paragraph(spans):
            return _line(spans, form)
        case Quote(spans):
            return f"> {_line(spans, form)}"
        case Items(items, ordered):
            return "\n".join(f"{form.number if ordered else '*'} {_line(spans, form)}" for spans in items)
        case Facts(rows):
            lines = (form.row.format(_span(label, form), _line(value, form)) for label, value in rows)
            return form.head + "\n".join(lines)


def _line(spans: Spans, form: _Form) -> str:
    return "".join(_span(span, form) for span in spans).strip()


def _span(span: Span, form: _Form) -> str:
    match span:
        case Text(text, limit):
            return around(text, _inert(text, limit))
        case Strong(text):
            return form.strong.format(_inert(text))
        case Code(text):
            return form.code(text)
        case Link(text, url):
            return form.link.format(_inert(text), quote(url, safe="/:?#&=%+,;~.-_[]"))


def _inert(text: str, limit: int = 500) -> str:
    shown = parted(line(text, limit))
    shown = _SIGN.sub(_numbers, shown)
    return _FIRST.sub(lambda found: found[0][:-1] + _numbers(found[0][-1]), shown, count=1)


def _numbers(found: re.Match[str] | str) -> str:
    return "".join(f"&#{ord(sign)};" for sign in found[0])


def _textile_code(text: str) -> str:
    """Between @ and @; never does a name follow the first, which would be mentioned."""
    shown = line(text) or "-"
    return f"@{_numbers(shown[0])}{_ADDRESS.sub(_numbers, _SIGN.sub(_numbers, shown[1:]))}@"


def _markdown_code(text: str) -> str:
    return _inert(text) if _SEEN_IN_CODE.search(text) else code_span(text)


_FORMS: Final[Mapping[Formatting, _Form]] = {
    "textile": _Form("*{}*", '"{}":{}', "#", "", "|_. {} | {} |", _textile_code),
    "markdown": _Form("**{}**", "[{}](<{}>)", "1.", "| | |\n|---|---|\n", "| {} | {} |", _markdown_code)}
