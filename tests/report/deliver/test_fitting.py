"""A text is made to fit, and says so."""

from report.deliver.fitting import SHORTENED, fitted
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
