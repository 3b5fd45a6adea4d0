"""Plain text is read by people, and looked at by programs that must find nothing in it."""

from report.markup.blocks import Code, Facts, Items, Link, Paragraph, Quote, Strong, Text
from report.markup.plain import plain

NASTY = "a\nStatus: closed\r\n@all #12 [[Wiki]] {{macro}} \u202egnp.exe -->" + "x" * 5_000


def test_every_block_reads_well() -> None:
    written = plain((
        Paragraph((Strong("Bad gateway."), Text(" From the "), Code("edge"))),
        Quote((Text("Mind this"),)),
        Items(((Text("one"),), (Text("two"),)), ordered=True),
        Facts(((Text("Case"), (Code("GW-1234-5678"),)),)),
        Paragraph((Link("https://w.example/1", "https://w.example/1"), Text(" "), Link("dossier", "https://w.example/2")))))
    assert written == (
        "Bad gateway. From the edge\n\n> Mind this\n\n1. one\n2. two\n\n- Case: GW-1234-5678\n\n"
        "<https://w.example/1> dossier <https://w.example/2>\n")


def test_lines_are_72_wide_and_addresses_stay_whole() -> None:
    address = "https://shop.example/" + "long-path/" * 20
    lines = plain((Paragraph((Text("many words " * 30), Code(address))),)).splitlines()
    assert address in "".join(lines)
    assert max(len(line) for line in lines if "long-path" not in line) <= 72


def test_an_order_to_a_help_desk_does_not_get_to_the_begin_of_a_line() -> None:
    text = plain((Paragraph((Text("word " * 14 + "Status: closed"),)),))
    assert text.splitlines()[1] == "  Status: closed"


def test_strangers_begin_no_line_and_are_not_looked_up() -> None:
    for span in (Text(NASTY), Strong(NASTY)):
        text = plain((Paragraph((Text("Page title: "), span)), Items(((span,),)), Facts(((Text("Title"), (span,)),)),
                      Quote((Text("It says "), span))))
        assert not any(line.startswith(("Status", "@", "#", "\u202e")) for line in text.splitlines())
        assert not any(found in text for found in (" @all", " #12", "[[", "{{", "\u202e"))
