"""Cards are as the schema of Adaptive Cards 1.4 wants them, and words are words in them."""

import json
from typing import Any

import jsonschema

from report.markup.blocks import Blocks, Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from report.markup.card import card

NASTY = "<at>all</at> **b** [good](https://evil.example) @all {{x}} \u202e\n" + "x" * 3_000


def of(kind: str, required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    """A schema of one type of element."""
    return {"type": "object", "properties": {"type": {"const": kind}, **properties}, "required": ["type", *required],
            "additionalProperties": False}


ACTION = of("Action.OpenUrl", ("url",), url={"type": "string", "format": "uri", "pattern": "^https://"})
RUN = of("TextRun", ("text",), text={"type": "string", "minLength": 1},
         weight={"enum": ["Lighter", "Default", "Bolder"]}, fontType={"enum": ["Default", "Monospace"]},
         selectAction=ACTION)
SPACING = {"enum": ["Default", "None", "Small", "Medium", "Large", "ExtraLarge", "Padding"]}
RICH = of("RichTextBlock", ("inlines",), inlines={"type": "array", "items": RUN, "minItems": 1}, spacing=SPACING)
BODY = {"type": "array", "items": {"oneOf": [RICH, of(
    "Container", ("items",), items={"type": "array", "items": RICH, "minItems": 1},
    style={"enum": ["default", "emphasis", "good", "attention", "warning", "accent"]})]}}
"""Of https://adaptivecards.io/schemas/1.4.0/adaptive-card.json, what is used."""


def made(blocks: Blocks) -> list[dict[str, Any]]:
    """The body, which is valid."""
    body = card(blocks)
    jsonschema.validate(body, BODY)
    return body


def test_every_block_is_an_element() -> None:
    body = made((Paragraph((Strong("Bad."), Text(" From "), Code("edge"), Link("dossier", "https://w.example/1"))),
                 Quote((Text("Mind"),)), Items(((Text("one"),), (Text("two"),)), ordered=True),
                 Items(((Text("dot"),),)), Facts(((Text("Case"), (Code("GW-1"),)),)), Paragraph(())))
    assert body[0]["inlines"][0] == {"type": "TextRun", "text": "Bad.", "weight": "Bolder"}
    assert body[0]["inlines"][3]["selectAction"] == {"type": "Action.OpenUrl", "url": "https://w.example/1"}
    assert body[1]["items"][0]["inlines"][0]["text"] == "Mind"
    assert ["".join(run["text"] for run in element["inlines"]) for element in body[2:6]] == [
        "1. one", "2. two", "• dot", "Case: GW-1"]


def test_words_of_strangers_stand_in_runs_only() -> None:
    body = made((Paragraph((Text(NASTY), Strong(NASTY), Code(NASTY))), Facts(((Text("Title"), (Text(NASTY),)),))))
    assert not any("selectAction" in run for element in body for run in element["inlines"])
    assert "\\u202e" not in json.dumps(body)
