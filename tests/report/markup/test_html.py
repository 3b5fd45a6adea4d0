"""HTML for help desks: whatever strangers wrote is shown and does nothing."""

from html.parser import HTMLParser

import pytest

from report.markup.blocks import Blocks, Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from report.markup.html import html

ATTACKS = [
    "<script>alert(1)</script>", "</p><img src=x onerror=alert(1)>", "\"><a href='https://evil.example'>x</a>",
    "&lt;b&gt; &amp; &#60;i&#62;", "<!-- --><style>*{display:none}</style>", "]]><![CDATA[", "\u202egnp.exe", "a\nb\rc",
    "{{ticket.requester.email}}", "{{{x}}}", "{% if true %}{{current_user.email}}{% endif %}", "{{dc.secret}}",
    "{ {x} }", "https://evil.example", "www.evil.example", "#12", "@everyone", "javascript:alert(1)", "x" * 900]
ALLOWED = {"p", "blockquote", "ul", "ol", "li", "strong", "code", "a"}


class Seen(HTMLParser):
    """Tags, and the text as it is shown."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(markup)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keeps it."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keeps it."""
        self.text += data

    def handle_comment(self, data: str) -> None:
        """Nothing of ours is one."""
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        """Nothing of ours is one."""
        raise AssertionError(decl)


def everywhere(text: str) -> Blocks:
    """The text in every span of every block."""
    spans = (Text(text), Strong(text), Code(text))
    return (Paragraph((*spans, Link(text, "https://gw.example/s/a?b=1&c=\"'<>"))), Quote(spans), Items((spans, spans)),
            Items((spans,), ordered=True), Facts(((Text(text), spans),)))


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_of_strangers_is_a_tag_or_a_placeholder(attack: str) -> None:
    markup = html(everywhere(attack))
    seen = Seen(markup)
    assert {tag for tag, _ in seen.tags} == ALLOWED
    links = [attributes for tag, attributes in seen.tags if tag == "a"]
    assert links == [{"href": "https://gw.example/s/a?b=1&c=\"'<>"}]
    assert not any(attributes for tag, attributes in seen.tags if tag != "a")
    assert not any(begin in shown for begin in ("{{", "{%") for shown in (markup, seen.text))


def test_code_is_what_it_was() -> None:
    value = "GET https://shop.example/a?b=1&c=<2> #12 @x \"q\" {x}"
    assert Seen(html((Paragraph((Code(value),)),))).text == value


def test_it_reads_as_written() -> None:
    blocks = (Paragraph((Strong("Proxy answered 502."), Text(" by nginx; "), Link("dossier", "https://gw.example/s/a"))),
              Facts(((Text("Status"), (Code("502"),)),)), Items(((Text("one"),), (Text("two"),)), ordered=True))
    assert html(blocks) == (
        '<p><strong>Proxy answered 502.</strong> by nginx; <a href="https://gw.example/s/a">dossier</a></p>\n'
        "<ul><li><strong>Status:</strong> <code>502</code></li></ul>\n<ol><li>one</li><li>two</li></ol>")
