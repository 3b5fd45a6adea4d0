"""Words of strangers are shown in Markdown and mean nothing there, neither to Markdown nor to a tracker."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from report.markup.blocks import Block, Blocks, Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from report.markup.markdown import code, hidden, markdown, title
from report.text import line

READER = MarkdownIt("gfm-like", {"linkify": False, "html": True})
OURS = "https://gw.example/s/abc"
LINKS = re.compile(r"<a href=\"(.*?)\">")
TAGS = {"p", "code", "strong", "a", "blockquote", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"}
# What trackers look for in the text of a page that they have made of Markdown, outside of code.
SIGNS = {
    "mention": r"@[A-Za-z0-9]",
    "issue": r"[#!]\d",
    "issue of GitHub": r"(?i)\bgh-\d",
    "issue of another tracker": r"\b[A-Z]{2,10}-[1-9]",
    "commit": r"\b[0-9a-f]{7,64}\b",
    "address": r"(?i)[a-z][a-z0-9+.-]*://|\bwww\.|\bmailto:",
    "emoji": r":[A-Za-z+][A-Za-z0-9_+-]*:",
    "label, milestone, epic, snippet, alert of GitLab": r"~[\w\"]|%[\w\"]|&\d|\$\d|\^alert",
    "wiki page, macro": r"\[\[|\{\{|\{%|\[[a-z_]+:",
}
ATTACKS = (
    "@everyone", "@octocat", "thanks (@octocat)", "user@example.com", "octocat@1a2b3c4d", "#12", "o/r#12", "fixes #1",
    "Closes: #1", "GH-12", "gh-7", "PROJ-12", "o/r!3", "!3", "1a2b3c4d5e6f", "o/r@1a2b3c4", "1a2b3c4...5d6e7f8",
    "https://evil.example/", "<https://evil.example>", "www.evil.example", "WWW.EVIL.EXAMPLE", "mailto:a@evil.example",
    "javascript:alert(1)", "[x](https://evil.example)", "[x](javascript:alert(1))", "![](https://evil.example/p.png)",
    "[x][1]", "[1]: https://evil.example", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<!-- x", "-->",
    "--> <b>x</b>", "<details>", "&lt;b&gt;", "&#64;octocat", "&commat;octocat", "&12", "**b**", "__b__", "*i*",
    "~~s~~", "`", "``", "`@octocat", "```", "~~~", "\\", "\\`@octocat", "\\\\|@octocat", "a|b", "a\\|@octocat|`",
    "|---|---|", "# h", "- x", "+ x", "* x", "1. x", "1) x", "> q", "---", "===", "- [ ] @octocat", "[^1]", "[TOC]",
    "[[_TOC_]]", "[[page|https://evil.example]]", "{{macro}}", "{% x %}", "$`x`$", "$$x$$", ":shipit:", "/close",
    "/assign @octocat",
    "~bug", "%3", "%\"a b\"", "$3", "^alert#1", "[issue:12]", "*iteration:3", "@30m", "\u1fef@octocat\u1fef",
    "\u202e@octocat", "a\n# b\n@octocat", "a\r\n\r\n/close", "\x00@octocat", "x" * 5_000 + "@octocat",
    "Duplicate of #1", "@\u200boctocat", "\u2060#12")


def everywhere(text: str) -> Blocks:
    """The text in each place that takes words of strangers."""
    spans = (Text(text), Code(text), Text(f"{text} "), Strong("ours"), Text(f" {text}"))
    blocks: list[Block] = [Paragraph((Text(text),)), Paragraph(spans), Quote(spans), Items((spans, (Text(text),))),
                           Items((spans, (Code(text),)), ordered=True), Paragraph((Strong(text), Link(text, OURS)))]
    return (*blocks, Facts(((Text(text), spans), (Text("b"), (Code(text),)), (Text("c"), (Text(text),)))),
            Paragraph((Text("the end"),)))


def seen(made: str) -> str:
    """What stands on a page outside of code and tags, pieces that are not beside each other on lines of their own."""
    outside = re.sub(r"<code>.*?</code>", "\n", made, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", "\n", outside))


def is_inert(text: str) -> None:
    """Fails when anything in the text does something."""
    made = READER.render(markdown(everywhere(text)))
    assert set(re.findall(r"</?([A-Za-z0-9]+)", made)) <= TAGS
    assert set(LINKS.findall(made)) == {OURS}
    assert (made.count("<p>"), made.count("<table>"), made.count("<tr>"), made.count("<li>")) == (5, 1, 4, 4)
    outside = seen(made)
    assert "the end" in outside
    assert {name: re.findall(sign, outside) for name, sign in SIGNS.items() if re.search(sign, outside)} == {}
    assert not [row for row in outside.splitlines() if re.match(r"\s*/[a-z]", row)]


@pytest.mark.parametrize("text", ATTACKS)
def test_an_attack_does_nothing(text: str) -> None:
    is_inert(text)


@given(st.lists(st.one_of(st.sampled_from(ATTACKS), st.text("`|\\@#<>[]()*_ -!:/&;ab1\n", max_size=12),
                          st.text(max_size=6)), min_size=1, max_size=4).map("".join).filter(str.strip))
def test_attacks_together_do_nothing(text: str) -> None:
    is_inert(text)


@given(st.text("`|\\@# ab", max_size=20))
def test_code_is_shown_as_it_is(text: str) -> None:
    for blocks in ((Paragraph((Code(text),)),), (Facts(((Text("a"), (Code(text),)),)),)):
        made = READER.render(markdown(blocks))
        shown = html.unescape(re.sub(r"<[^>]*>", "", made.rpartition("<td>")[2] or made)).strip()
        assert shown.replace(" ", "") == line(text).replace(" ", "")


@pytest.mark.parametrize("text", [
    "The proxy answered 502 itself, after 30.1 s.", "at 07:41:02: gone", "a & b", "100 % of 12", "naïve – “quoted”",
    "日本語 → مرحبا", "text/html; q=0.8", "(SHA-256 is a hash)", "who's there?", "C++", "🐚 ×2",
    "here > there"])
def test_ordinary_words_stay_as_they_are(text: str) -> None:
    assert markdown((Paragraph((Text(text),)),)) == f"{text}\n"


@pytest.mark.parametrize(("text", "written"), [
    ("ping @everyone now", "ping `@everyone` now"), ("fixes #1", "fixes `#1`"), ("a `b` c", "a `` `b` `` c"),
    ("see <b>this</b> page", "see `<b>this</b>` page"), ("- a", "\\- a"), ("2. a", "2\\. a"), ("> a", "\\> a")])
def test_words_that_could_mean_something_are_code(text: str, written: str) -> None:
    assert markdown((Paragraph((Text(text),)),)) == f"{written}\n"


@pytest.mark.parametrize(("text", "written"), [
    ("a`b", "``a`b``"), ("``", "``` `` ```"), ("a\nb", "`a b`"), ("", "`  `")])
def test_a_code_span_holds_any_number_of_backticks(text: str, written: str) -> None:
    assert code(text) == written


def test_bars_in_a_table_part_no_cells() -> None:
    assert code("a|b", cell=True) == "`a`\\|`b`"
    assert code("a|b") == "`a|b`"


def test_an_address_of_ours_stays_one_link() -> None:
    address = "https://gw.example/s/a b>c|d\\e`f"
    assert markdown((Paragraph((Link("dossier", address),)),)) == \
        "[dossier](<https://gw.example/s/a%20b%3Ec%7Cd%5Ce%60f>)\n"


def test_a_mark_is_a_comment_of_its_own() -> None:
    assert hidden("gatewitness:F:GW-AAAA-AAAA") == "<!-- gatewitness:F:GW-AAAA-AAAA -->"
    assert seen(READER.render(hidden("gatewitness:F:GW-AAAA-AAAA"))).strip() == ""


@pytest.mark.parametrize(("text", "shown"), [
    ("shop.example: 502 Bad Gateway (nginx)", "shop.example: 502 Bad Gateway (nginx)"),
    ("fixes #1 for @octocat", "fixes # 1 for @ octocat"), ("GH-12 o/r!3", "GH- 12 o/r! 3")])
def test_a_title_calls_nobody(text: str, shown: str) -> None:
    assert title(text) == shown
