"""The drawn path says everything in words as well."""

from xml.etree import ElementTree

import pytest

from report.diagnosis import HopVerdict, Verdict
from report.failure_path import LIGHT, VARIABLES, Stop, broken_link, draw, turned_away, wrap
from tests.report.examples import EXAMPLES
from tests.report.parts import hop

FAILED = Verdict(is_error_page=True, layer="cdn", fault_side="origin", certainty="likely", summary="x",
                 failing_handoff=("cdn", "origin"))  # fmt: skip
HEALTHY = Verdict(is_error_page=False, layer="none", fault_side="unknown", certainty="proven", summary="x")
HOPS = (
    hop("Visitor", "visitor"),
    hop("Edge", "cdn"),
    hop("Origin", "app", "faulty", "silent"),
    hop("Database", "database", "not-reached"),
)


def texts(hops: tuple[HopVerdict, ...], verdict: Verdict, layout: str = "wide") -> list[str]:
    tree = ElementTree.fromstring(draw(hops, verdict, LIGHT, layout))  # type: ignore[arg-type]
    return ["".join(element.itertext()) for element in tree.iter("text")]


@pytest.mark.parametrize("layout", ["wide", "tall"])
def test_every_state_has_a_word_and_a_sign(layout: str) -> None:
    drawn = texts((*HOPS, hop("Cache", "none", "undetermined")), FAILED, layout)
    assert {"✓ works", "× probably fails", "– not reached", "? not known"} <= set(drawn)
    proven = texts(HOPS, FAILED.model_copy(update={"certainty": "proven"}), layout)
    assert "× fails" in proven


def test_the_drawing_is_told_in_words() -> None:
    label = ElementTree.fromstring(draw(HOPS, FAILED, LIGHT, "wide")).findtext("title") or ""
    assert "Origin probably fails (silent)" in label
    assert "The hand-off from Edge to Origin probably failed." in label


REFUSED = Verdict(is_error_page=True, interstitial="block", generator="edge", layer="cdn", fault_side="client",
                  failing_handoff=("visitor", "cdn"), certainty="proven", summary="x")  # fmt: skip
HELD = (
    hop("Visitor", "visitor"),
    hop("TLS", "tls"),
    hop("Edge", "cdn", vendor="edge"),
    hop("Origin", "app", "not-reached"),
)


@pytest.mark.parametrize("layout", ["wide", "tall"])
def test_a_refusal_by_a_working_edge_is_no_broken_hand_off(layout: str) -> None:
    assert broken_link(HELD, REFUSED) is None
    svg = draw(HELD, REFUSED, LIGHT, layout)  # type: ignore[arg-type]
    drawn = texts(HELD, REFUSED, layout)
    assert {"refused", "refused this request"} <= set(drawn)
    assert "m0-14l-14 14" not in svg, "the cross of a broken hand-off"
    label = ElementTree.fromstring(svg).findtext("title") or ""
    assert "Edge works and refused this request." in label
    assert "failed" not in label
    unsure = REFUSED.model_copy(update={"certainty": "likely"})
    assert {"refused?", "probably refused this request"} <= set(texts(HELD, unsure, layout))


def test_a_challenge_is_drawn_where_it_was_asked() -> None:
    asked = REFUSED.model_copy(update={"interstitial": "challenge", "failing_handoff": None})
    assert turned_away(HELD, asked) == Stop(2, "asks for a proof first", "challenge")
    assert "Edge works and asks for a proof first." in draw(HELD, asked, LIGHT, "wide")


def test_nobody_is_turned_away_by_a_hop_that_fails() -> None:
    assert turned_away(HOPS, FAILED) is None
    assert turned_away(HOPS, HEALTHY) is None


def test_an_undetermined_hop_is_never_drawn_as_working() -> None:
    svg = draw((hop("Visitor", "visitor", "undetermined"), hop("App", "app", "undetermined")), HEALTHY, LIGHT, "wide")
    assert LIGHT["ok"] not in svg


def test_the_broken_link_is_the_one_before_the_faulty_hop() -> None:
    assert broken_link(HOPS, FAILED) == 2
    assert broken_link(HOPS, HEALTHY) is None
    assert broken_link((hop("Visitor", "visitor"),), FAILED) is None


def test_the_broken_link_is_found_by_its_name_when_no_hop_is_faulty() -> None:
    hops = (hop("Visitor", "visitor"), hop("DNS", "dns", "undetermined"))
    assert broken_link(hops, FAILED.model_copy(update={"failing_handoff": ("visitor", "dns")})) == 1


def test_hostile_names_stay_text() -> None:
    svg = draw(
        (hop("<script>x</script>", "visitor"), hop('"><img src=x>', "app", detail="\u202e&")), HEALTHY, LIGHT, "wide"
    )
    ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert "<img" not in svg
    assert "\u202e" not in svg


def test_no_hops_draw_nothing() -> None:
    assert draw((), HEALTHY, LIGHT, "wide") == ""


@pytest.mark.parametrize("layout", ["wide", "tall"])
def test_ten_hops_stay_inside_the_drawing(layout: str) -> None:
    example = EXAMPLES["long_host"]()
    svg = draw(example.diagnosis.hops, example.diagnosis.verdict, LIGHT, layout)  # type: ignore[arg-type]
    tree = ElementTree.fromstring(svg)
    _, _, width, height = (float(number) for number in (tree.get("viewBox") or "").split())
    for element in tree.iter("text"):
        half = len(element.text or "") * float(element.get("font-size") or 0) * 0.27
        assert 0 < float(element.get("y") or 0) <= height
        assert float(element.get("x") or 0) + (half if layout == "wide" else 2 * half) <= width + 1


def test_only_the_palette_is_used() -> None:
    assert "#" not in draw(HOPS, FAILED, VARIABLES, "wide")
    assert "var(" not in draw(HOPS, FAILED, LIGHT, "wide")


def test_wide_letters_take_the_place_of_two() -> None:
    assert all(len(line) <= 6 for line in wrap("日本語のテキストがここにある", 12, 3))
    assert wrap("Tokyo", 12, 3) == ["Tokyo"]


def test_lines_are_wrapped_evenly_and_cut() -> None:
    assert wrap("1.3, valid for 61 days", 18, 3) == ["1.3, valid", "for 61 days"]
    assert wrap("short", 18, 3) == ["short"]
    cut = wrap("one two three four five six seven eight nine ten", 9, 2)
    assert len(cut) == 2
    assert cut[-1].endswith("…")
    assert all(len(line) <= 9 for line in wrap("x" * 100, 9, 3))
