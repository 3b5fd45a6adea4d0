"""Jira's wiki text: what strangers wrote is read back as it was, and nothing in it is a sign of Jira's."""

import html
import re

import pytest

from report.markup.blocks import Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from report.markup.wiki import escaped, wiki

# What Jira's renderer looks for, as far as its own documentation and source tell; references are no part of any.
LIVE = re.compile(
    r"[{}\[\]|*_+^~@!\\<>]|\?\?|--|(?:^|\s)-|-(?:\s|$)|://|mailto:|www\.|:-?[)(DP]|;-?\)|\b(?:h[1-6]|bq)\.|[A-Z][A-Z0-9]+-\d"
    r"|\((?:y|n|i|x|/|on|off|flag|flagoff)\)|&(?!#\d+;)", re.MULTILINE)
NASTY = [
    "{code}x{code}", "{noformat}", "{color:red}x{color}", "!https://evil.example/x.png|width=1!", "[~admin]", "@all",
    "[x|https://evil.example]", "[^secret.txt]", "h1. big", "bq. quote", "----", "-- or ---", "{{mono}}", "||head||",
    "*b* _i_ +u+ -s- ^t^ ~u~ ??c??", "# one", "* one", "- one", "\\\\ break", "\\{code}", "https://evil.example/a_b",
    "mailto:a@evil.example", "mailto:1@evil.example", "www.evil.example", ":) ;) :P (!) (/) (x) (flagoff)", "x*) (*",
    "ABC-123", "AT2-5", "CVE-2024-12345", "&#123;code&#125;", "&lt;b&gt;", "<b>x</b>", "one\n----\nh1. two", "a\r\nb",
    "\u2028h1. x", "??", "((x))", "!)", "-" * 40, "%5B", "file:1"]


@pytest.mark.parametrize("nasty", NASTY)
def test_nothing_of_strangers_is_live(nasty: str) -> None:
    text = escaped(nasty)
    assert not LIVE.search(text)
    assert "\n" not in text


@pytest.mark.parametrize("nasty", [nasty for nasty in NASTY if nasty.isprintable()])
def test_it_is_read_as_it_was(nasty: str) -> None:
    assert html.unescape(escaped(nasty)) == nasty


@pytest.mark.parametrize("plain", [
    "The server answered 502 (Bad Gateway), 07:41:02.", "Content-Type", "a: b; c", "Why? So.", "example.com/path?a=1",
    "chapter 1. two", "Time (UTC)"])
def test_common_words_stay_readable(plain: str) -> None:
    assert escaped(plain) == plain


def test_every_block_has_its_markup() -> None:
    assert wiki((
        Paragraph((Strong("Who"), Text(" said "), Code("a|b"), Link("here", "https://ours.example/a[b]|c d"))),
        Quote((Text("{x}"),)), Items(((Text("one"),), (Text("- two"),))), Items(((Text("first"),),), ordered=True),
        Facts(((Text("Label"), (Code("value"),)), (Text("None"), ()))))) == "\n\n".join((
            "*Who* said {{a&#124;b}}[here|https://ours.example/a%5Bb%5D%7Cc%20d]", "bq. &#123;x&#125;",
            "* one\n* &#45; two", "# first", "||Label|{{value}}|\n||None| |\n"))
