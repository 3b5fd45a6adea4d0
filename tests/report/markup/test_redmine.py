"""Redmine's texts: nothing of strangers means anything, to the markup and to what Redmine looks for itself.

What Redmine makes of them is tested with a real one: tests/report/deliver/trackers/test_redmine.py.
"""

import html
import re

import pytest

from report.markup.blocks import Blocks, Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from report.markup.parted import JOINER
from report.markup.redmine import Formatting, redmine
from report.text import line

# lib/redmine/acts/mentionable.rb of Redmine 5.0: who is mentioned in what was written, code or not.
MENTION = re.compile(r"(?:^|\W)@([A-Za-z0-9_.@-]*?)(?=[!-/:-@\[-`{-~][^A-Za-z0-9_/]|,|\.+$|\s|\]|<|$)", re.ASCII)
MACRO = re.compile(r"\{\{\w")
ATTACKS = [
    "@root", "(@root)", "x @root, y", "`@root`", "<@root>", "@root@evil.example", "user:root", "user#6", "#12", "##12",
    "#note-1", "shop:#1", "r12", "commit:abc", "source:a/b.c", "attachment:x.har", "document:\"x\"", "[[Wiki|x]]",
    "{{toc}}", "!{{toc}}", "{{include(Wiki)}}", "{{macro(0)}} {{macro_list}}", "{{collapse(x)\nfoo\n}}",
    "*b* _i_ +u+ -d- ^s^ ~s~ ??c?? %s% @c@ **b** __i__", "a -del- b", "!http://e.x/x.png!", "!x.png(t)!:http://e.x",
    "\"link\":http://evil.example", "\"(c)link(t)\":http://e.x", "https://e.x", "www.evil.example", "a@b.example",
    "h1. Big", "h1(#id). Big", "bq.:http://e.x Quote", "p{color:red}. x", "fn1. foot", "table(c). x", "|a|b|", "* item",
    "# item", "- item", "1. item", "1) item", "> quote", "==raw==", "a ==<b>x</b>== b", "<notextile>x",
    "<pre>x</pre>", "</code><script>alert(1)</script>", "<img src=x onerror=alert(1)>",
    "<!-- x", "-->", "<redpre#0>", " :redsh#1:", "x%x%", "&lt;b&gt; &amp; &#60;", "ABC(expansion)", "[1]",
    "[^1]", "[ref]: http://e.x", "[x](http://e.x)", "![x](http://e.x/x.png)", "`c` ``c``", "```ruby", "~~del~~",
    "Heading\n===", "---", "- [ ] task", "a\\", "(c)x", "\u202ex"]


def everywhere(text: str) -> Blocks:
    """The text in every span of every block."""
    spans = (Text("a "), Text(text), Text(" "), Strong(text), Text(" "), Code(text), Text(" "))
    return (Paragraph((Text(text),)), Paragraph((*spans, Link(text, "https://gw.example/s/a_b?c=1&d=(2)"))),
            Quote((Text(text),)), Items((spans, (Text(text),))), Items(((Text(text),),), ordered=True),
            Facts(((Text(text), spans),)))


@pytest.mark.parametrize("formatting", ["textile", "markdown"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_nobody_is_mentioned_and_no_macro_runs(attack: str, formatting: Formatting) -> None:
    written = redmine(everywhere(attack), formatting)
    assert not [name for name in MENTION.findall(written) if name.strip(".@")]
    assert not MACRO.search(written)


@pytest.mark.parametrize("attack", ATTACKS)
def test_words_of_strangers_hold_no_sign_of_either_markup(attack: str) -> None:
    written = redmine((Paragraph((Text(attack),)),), "textile").strip()
    bare = re.sub(r"&#\d+;", "x", written)
    assert not re.search(r"[\\`*_\[\]{}<>#|~&@$!^%+=\"]|(?<![^A-Z0-9])\(|^\d+[.)]|^h1\.|^-", bare), written
    assert html.unescape(written).replace(JOINER, "") == line(attack)


@pytest.mark.parametrize("attack", ["@root", "{{toc}}", "a|b", "x```y"])
def test_what_a_code_span_does_not_hold_is_no_code_in_markdown(attack: str) -> None:
    assert attack not in redmine((Paragraph((Code(attack),)),), "markdown")
    assert "`x`" in redmine((Paragraph((Code("x"),)),), "markdown")


def test_textile_reads_as_written() -> None:
    assert redmine(EXAMPLE, "textile") == (
        "*Proxy answered 502.* by nginx; \"dossier\":https://gw.example/s/a_b?c=1&d=%282%29\n\n"
        "> Look out\n\n|_. Address | @&#104;ttps&#58;//x.example/&#35;1@ |\n\n# one\n# two\n\n* three\n")


def test_markdown_reads_as_written() -> None:
    assert redmine(EXAMPLE, "markdown") == (
        "**Proxy answered 502.** by nginx; [dossier](<https://gw.example/s/a_b?c=1&d=%282%29>)\n\n"
        "> Look out\n\n| | |\n|---|---|\n| Address | `https://x.example/#1` |\n\n1. one\n1. two\n\n* three\n")


EXAMPLE: Blocks = (
    Paragraph((Strong("Proxy answered 502."), Text(" by nginx; "), Link("dossier", "https://gw.example/s/a_b?c=1&d=(2)"))),
    Quote((Text("Look out"),)), Facts(((Text("Address"), (Code("https://x.example/#1"),)),)),
    Items(((Text("one"),), (Text("two"),)), ordered=True), Items(((Text("three"),),)))
