"""A text is made to fit, and says so."""

from report.deliver.fitting import SHORTENED, extended, fitted
from report.markup.blocks import Blocks, Code, Facts, Items, Paragraph, Text
from report.markup.markdown import markdown

BLOCKS: Blocks = (Paragraph((Text("first"),)), Paragraph((Text("second"),)),
                  Facts(((Text("a"), (Code("b" * 300),)),)), Items(((Text("c" * 200),),)), Paragraph((Text("last"),)))


def test_what_fits_stays_as_it_is() -> None:
    assert fitted(BLOCKS, markdown, 10_000) == markdown(BLOCKS)


def test_the_longest_block_goes_first() -> None:
    text = fitted(BLOCKS, markdown, 350)
    assert text == markdown((*BLOCKS[:2], *BLOCKS[3:], SHORTENED))
    assert len(text) <= 350


def test_what_comes_first_always_stays() -> None:
    assert fitted(BLOCKS, markdown, 1) == markdown((*BLOCKS[:2], SHORTENED))


def test_a_line_is_added_below() -> None:
    assert extended("first\n\nSeen againstness\n", "Seen again 2\n<!-- b -->\n", 1_000) == \
        "first\n\nSeen againstness\n\nSeen again 2\n<!-- b -->"


def test_of_too_many_lines_the_oldest_go_first() -> None:
    text = "first\n\nsecond"
    for number in range(30):
        text = extended(text, f"Seen again {number:02}\n<!-- {number:02} -->", 200)
    assert len(text) <= 200
    assert text.startswith("first\n\nsecond\n\nSeen again 2")
    assert text.endswith("Seen again 28\n<!-- 28 -->\n\nSeen again 29\n<!-- 29 -->")


def test_the_newest_line_is_never_left_out() -> None:
    assert extended("x" * 50, "Seen again 1", 10).endswith("Seen again 1")
