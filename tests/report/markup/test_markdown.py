"""Markdown of blocks: a dialect is told what words of strangers mean in it, and only words are told."""

from report.markup.blocks import Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from report.markup.markdown import hidden, markdown


def test_a_dialect_quiets_words_and_leaves_code_alone() -> None:
    word = Text("GL-1")
    blocks = (Paragraph((Text("GL-1 "), Strong("GL-1"))), Quote((word,)), Items(((word, Code("GL-1")),)),
              Facts(((word, (Code("GL-1"),)),)), Paragraph((Link("GL-1", "https://ours.example/GL-1"),)))
    assert markdown(blocks, lambda text: text.replace("GL-", "GL.")) == "\n\n".join((
        "GL.1 **GL.1**", "> GL.1", "- GL.1`GL-1`", "| | |\n|---|---|\n| GL.1 | `GL-1` |",
        "[GL.1](<https://ours.example/GL-1>)\n"))


def test_a_mark_is_a_comment_of_its_own() -> None:
    assert hidden("gatewitness:F:GW-AAAA-AAAA") == "<!-- gatewitness:F:GW-AAAA-AAAA -->"
