"""Markdown for trackers (CommonMark 0.31, GitHub's tables). In: blocks. Out: text that mentions and links nobody.

Trackers look for mentions, references and links in what Markdown has made, so that a backslash hides nothing from
them: `\\@name` still calls somebody. What stands in a code span they leave alone. Words that could mean something, to
Markdown or to a tracker, are therefore set as code; the others hold no sign that means anything.
"""

import re
from itertools import groupby
from typing import Final

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Span, Spans, Strong, Text
from report.text import around, line, short

_PLAIN: Final = re.compile(r"[A-Za-z0-9.,;:!?()'\"/+=%&\u0080-\U0010ffff-]*")
"""Signs that may stand in a word as they are, where none of the rules below says no; of others than ASCII all."""
_ACTIVE: Final = re.compile(
    r"^/|//|www\."                      # quick actions (GitLab), addresses
    r"|:[A-Za-z+-]"                     # schemes, emoji
    r"|[!%&][\w\"#]"                    # merge requests, milestones, epics (GitLab, Gitea), entities
    r"|(?<![0-9A-Za-z])gh-\d"           # issues (GitHub)
    r"|(?<![0-9A-Za-z])[0-9a-f]{7,64}(?![0-9A-Za-z])",  # commits
    re.IGNORECASE)
_KEY: Final = re.compile(r"(?<![0-9A-Za-z])(?!(?:SHA|UTF|ISO|HTTP|RFC|TLS)-)[A-Z][A-Z0-9_]*-\d")
"""Issues of other trackers (Jira, Gitea's external trackers), but not what only looks so."""
_BEGIN: Final = re.compile(r"^(\d{0,9})([-+=.)>:])")
"""What at the begin of a line makes it a list, a heading or a rule."""
_UNSAFE: Final = re.compile(r"[\s<>\\|`\"\x00-\x20\x7f]")
"""What may not stand in an address."""
_CALLS: Final = re.compile(r"(?<=[@#!~$%&^])(?=\w)|(?<=\b[A-Za-z]{2}-)(?=\d)|(?<=:)(?=//)")
CHARS: Final = 500
"""Longest single value, characters."""


def markdown(blocks: Blocks) -> str:
    """The blocks with an empty line between them."""
    return "\n\n".join(map(_block, blocks)) + "\n"


def hidden(mark: str) -> str:
    """A mark that nobody sees (a comment of HTML)."""
    return f"<!-- {mark} -->"


def title(text: str) -> str:
    """A line of plain text in which some trackers look for mentions and references too: a space takes them apart."""
    return _CALLS.sub(" ", text)


def words(text: str, limit: int = CHARS, cell: bool = False) -> str:
    """One line of text; words that could mean something stand together as code."""
    groups = ((active, " ".join(group)) for active, group in groupby(line(text, limit).split(), _is_active))
    return " ".join(code(part, limit, cell) if active else part for active, part in groups)


def code(text: str, limit: int = CHARS, cell: bool = False) -> str:
    """One line as a code span that holds any number of backticks. In a `cell` of a table what stands between two bars
    is a span of its own: how backslashes before a bar are counted there differs from tracker to tracker."""
    shown = " ".join(short(text, limit).split())
    if cell and "|" in shown:
        return "\\|".join(code(part, limit) if part.strip() else "" for part in shown.split("|"))
    fence = "`" * (max((len(run) for run in re.findall("`+", shown)), default=0) + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") or not shown else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def _block(block: Block) -> str:
    match block:
        case Paragraph(spans):
            return _line(spans)
        case Quote(spans):
            return f"> {_line(spans)}"
        case Items(items, ordered):
            return "\n".join(f"{f'{i}.' if ordered else '-'} {_line(spans)}" for i, spans in enumerate(items, 1))
        case Facts(rows):
            lines = (f"| {_line((label,), cell=True)} | {_line(value, cell=True)} |" for label, value in rows)
            return "\n".join(["| | |", "|---|---|", *lines])


def _line(spans: Spans, cell: bool = False) -> str:
    """Side by side; two spans of code need a space, else they would be one."""
    whole = ""
    for written in (_span(span, cell) for span in spans):
        whole += " " * (whole.endswith("`") and written.startswith("`")) + written
    return _BEGIN.sub(r"\1\\\2", whole.strip())


def _span(span: Span, cell: bool) -> str:
    match span:
        case Text(text, limit):
            return around(text, words(text, limit, cell))
        case Strong(text):
            return f"**{words(text, cell=cell)}**" if text else ""
        case Code(text):
            return code(text, cell=cell)
        case Link(text, url):
            target = _UNSAFE.sub(lambda match: "".join(f"%{byte:02X}" for byte in match[0].encode()), url)
            return f"[{words(text, cell=cell)}](<{target}>)"


def _is_active(word: str) -> bool:
    if word in ("&", ">"):
        return False
    return not _PLAIN.fullmatch(word) or bool(_ACTIVE.search(word) or _KEY.search(word))
