"""Block Kit takes it, and words are words in it."""

import json
from typing import Any

from report.markup.blocks import Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from report.markup.slack import slack

NASTY = "<!here> <@U1> @all :smile: *b* <https://evil.example|good> www.evil.example \u202e\n" + "x" * 3_000
WORDS = {"text": {"type", "text", "style"}, "link": {"type", "text", "url"}}
"""Elements of rich text that are used, with their fields."""


def words(node: Any) -> list[dict[str, Any]]:
    """Every element of rich text below the node."""
    if isinstance(node, list):
        return [found for item in node for found in words(item)]
    return words(node["elements"]) if "elements" in node else [node]


def test_every_block_is_one_of_rich_text() -> None:
    made = slack((Paragraph((Strong("Bad."), Text(" From "), Code("edge"), Link("dossier", "https://w.example/1"))),
                  Quote((Text("Mind"),)), Items(((Text("one"),),), ordered=True), Items(((Text("two"),),)),
                  Facts(((Text("Case"), (Code("GW-1"),)),)), Paragraph(())))
    assert {block["type"] for block in made} == {"rich_text"}
    assert [block["elements"][0]["type"] for block in made] == [
        "rich_text_section", "rich_text_quote", "rich_text_list", "rich_text_list", "rich_text_list",
        "rich_text_section"]
    assert made[0]["elements"][0]["elements"] == [
        {"type": "text", "text": "Bad.", "style": {"bold": True}}, {"type": "text", "text": " From "},
        {"type": "text", "text": "edge", "style": {"code": True}},
        {"type": "link", "url": "https://w.example/1", "text": "dossier"}]
    assert [block["elements"][0]["style"] for block in made[2:5]] == ["ordered", "bullet", "bullet"]
    assert "".join(word["text"] for word in words(made[4])) == "Case: GW-1"


def test_words_of_strangers_are_text_and_nothing_else() -> None:
    made = slack((Paragraph((Text(NASTY), Strong(NASTY), Code(NASTY))), Facts(((Text("Title"), (Text(NASTY),)),))))
    for word in words(made):
        assert word.keys() <= WORDS[word["type"]]
        assert word["type"] == "text"
        assert 0 < len(word["text"]) <= 600
    assert "\\u202e" not in json.dumps(made)
