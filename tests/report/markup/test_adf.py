"""Atlassian's documents: valid by Atlassian's own description, and what strangers wrote is text and nothing else."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from report.markup.adf import adf
from report.markup.blocks import Blocks, Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from tests.report.deliver.description import APIS

NASTY = ["{code}", "!https://evil.example/x.png!", "[click|https://evil.example]", "[~admin] @everyone", "h1. big",
         "----", "ABC-123 CVE-2024-1", "<script>alert(1)</script>", ":) (!)", "\u202ednib", "", " ", "x" * 600,
         '{"type":"mention","attrs":{"id":"1"}}']
BLOCKS: Blocks = (
    Paragraph((Strong("Who"), Text(" said what "), Code("x-y"), Link("dossier", "https://ours.example/d"))),
    Paragraph(()), Quote((Text("quoted"),)), Items(((Text("one"),), (Text("two"), Code("")))),
    Items(((Text("first"),),), ordered=True),
    Facts(((Text("Label"), (Code("value"),)), (Text("Empty"), (Text(""),)))))


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("content", ()):
        yield from nodes(inner)


def check(document: dict[str, Any]) -> None:
    """Against the schema that Atlassian publishes, as apis/sources.toml says where."""
    components = json.loads((APIS / "jira.json").read_text("utf-8"))["components"]
    Draft202012Validator({"$ref": "#/components/schemas/doc_node", "components": components}).validate(document)


def test_every_block_is_valid() -> None:
    check(adf(BLOCKS))
    assert {node["type"] for node in nodes(adf(BLOCKS))} == {
        "doc", "paragraph", "text", "blockquote", "bulletList", "orderedList", "listItem", "table", "tableRow",
        "tableHeader", "tableCell"}


@pytest.mark.parametrize("nasty", NASTY)
def test_what_strangers_wrote_is_text(nasty: str) -> None:
    text, code = Text(f" {nasty} "), Code(nasty)
    document = adf((Paragraph((text, code)), Quote((text,)), Items(((text, code),)), Facts(((text, (code,)),))))
    check(document)
    marks = [mark for node in nodes(document) for mark in node.get("marks", ())]
    assert all(mark == {"type": "code"} for mark in marks)
    assert {node["type"] for node in nodes(document)} <= {node["type"] for node in nodes(adf(BLOCKS))}
    assert "\u202e" not in json.dumps(document, ensure_ascii=False)


def test_only_our_own_links_are_links() -> None:
    node = adf(BLOCKS)["content"][0]["content"][3]
    assert node == {"type": "text", "text": "dossier",
                    "marks": [{"type": "link", "attrs": {"href": "https://ours.example/d"}}]}


def test_words_keep_the_spaces_between_them() -> None:
    assert [node["text"] for node in adf(BLOCKS)["content"][0]["content"]] == ["Who", " said what ", "x-y", "dossier"]
