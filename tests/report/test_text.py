"""Hostile text becomes harmless and visible."""

import pytest
from markupsafe import escape

from report.text import SHOWN_CHARS, around, bounded, breakable, clipped, short, visible


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("a\x00b", "a␀b"),
        ("\x1b[31mred", "␛[31mred"),
        ("\x7f", "␡"),
        ("\x9b31m", "⟨U+009B⟩31m"),
        ("user\u202egnp.exe", "user⟨U+202E⟩gnp.exe"),
        ("\u2066x\u2069", "⟨U+2066⟩x⟨U+2069⟩"),
        ("zero\u200bwidth\ufeff", "zero⟨U+200B⟩width⟨U+FEFF⟩"),
        ("line\u2028break", "line⟨U+2028⟩break"),
        ("soft\xadhyphen", "soft⟨U+00AD⟩hyphen"),
        ("lone\ud800surrogate", "lone⟨U+D800⟩surrogate"),
        ("tag\U000e0041", "tag⟨U+E0041⟩"),
        ("end\uffff", "end⟨U+FFFF⟩"),
        ("cr\r", "cr␍"),
    ],
)
def test_a_hidden_character_is_shown(hostile: str, shown: str) -> None:
    assert visible(hostile) == shown


@pytest.mark.parametrize("text", ["plain", "tab\tand\nline feed", "日本語", "مرحبا", "🐚", "é", "naïve – “quoted”"])
def test_ordinary_text_of_any_language_stays(text: str) -> None:
    assert visible(text) == text


def test_stacks_of_combining_marks_are_cut() -> None:
    assert visible("z" + "\u0301" * 500) == "z" + "\u0301" * 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("one two three", "one two three"),
        ("one two three four", "one two three…"),
        ("x" * 30, "x" * 13 + "…"),
        ("a " + "x" * 30, "a " + "x" * 11 + "…"),
        ("\u202e" * 3, "⟨U+202E⟩⟨U+20…"),
    ],
)
def test_prose_ends_after_a_whole_word(text: str, shown: str) -> None:
    assert clipped(text, 14) == shown
    assert len(shown) <= 14


def test_an_address_may_break_after_what_separates_its_parts_and_nowhere_else() -> None:
    shown = breakable(escape("https://a.example/b//?c=d&e&&f_<g>'/"))
    assert shown == (
        "https://<wbr>a.example/<wbr>b//?<wbr>c=<wbr>d&amp;<wbr>e&amp;&amp;<wbr>f_<wbr>&lt;g&gt;&#39;/"
    )
    assert shown.replace("<wbr>", "") == escape("https://a.example/b//?c=d&e&&f_<g>'/")


def test_short_keeps_both_ends_and_the_limit() -> None:
    cut = short("https://" + "x" * 5_000_000 + "/end", 40)
    assert len(cut) == 40
    assert cut.startswith("https://")
    assert cut.endswith("/end")
    assert "…" in cut


def test_bounded_says_how_much_there_is() -> None:
    assert bounded("x" * SHOWN_CHARS) == "x" * SHOWN_CHARS
    cut = bounded("x" * 1_000_000)
    assert len(cut) < SHOWN_CHARS + 100
    assert "1,000,000 characters" in cut


def test_a_text_keeps_the_space_that_parts_it_from_its_neighbours() -> None:
    for text in ("a", " a", "a ", " a ", " ", ""):
        assert around(text, text.strip()) == text
