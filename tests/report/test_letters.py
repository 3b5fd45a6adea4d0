"""Letters say what is known, no more, and hold nothing live."""

import re
from typing import Any

import pytest

from capture.record.request import RequestRecord
from capture.record.seal import manifest
from report import letters
from report.diagnose import diagnose
from report.diagnosis import Certainty, Diagnosis, HopVerdict, SupportFact
from report.letters import LEADS, Attached, Form, Kind, addressee, letter
from tests import builders
from tests.report.examples import EXAMPLES

FILES = (Attached("dossier.html", "the whole dossier"),)
LINES_OF_A_PAGE = 62
"""Lines of a letter that fit on one page of the PDF."""


def written(name: str, kind: Kind, form: Form = "txt", **changed: Any) -> str:
    example = EXAMPLES[name]()
    found = diagnose(example.evidence).model_copy(update=changed)
    return letters.write(kind, letter(example.evidence, found, manifest(())), form, FILES)


def with_verdict(name: str, **changed: Any) -> Diagnosis:
    found = diagnose(EXAMPLES[name]().evidence)
    return found.model_copy(update={"verdict": found.verdict.model_copy(update=changed)})


@pytest.mark.parametrize("kind", ["owner", "vendor"])
def test_a_letter_names_what_support_asks_for(kind: Kind) -> None:
    text = written("cloudflare_522", kind)
    for part in ("https://shop.example/checkout?step=2", "2026-11-20 07:41:02 UTC", "08:41:02 Europe/Berlin", "522",
                 "Ray ID: 615d3c2b1a0923e4-FRA", "203.0.113.80:443", "3 of 3 requests", "dossier.html", "Not excluded"):
        assert part in text
    assert "None" not in text
    assert text.startswith(("Subject: shop.example: 522", "To: Cloudflare"))


def test_the_vendor_is_asked_and_not_accused() -> None:
    text = written("cloudflare_522", "vendor")
    assert "I do not take Cloudflare for the cause" in text
    assert "What I would do first" not in text


def test_the_owner_learns_who_is_heard_by_the_vendor() -> None:
    text = written("cloudflare_522", "owner")
    assert "its support hears the domain's owner only" in text
    assert "https://shop.example/cdn-cgi/trace" in text


@pytest.mark.parametrize(("certainty", "lead"), LEADS.items())
def test_a_letter_is_as_sure_as_the_verdict(certainty: Certainty, lead: str) -> None:
    example = EXAMPLES["nginx_502"]()
    said = letter(example.evidence, with_verdict("nginx_502", certainty=certainty), manifest(()))
    text = letters.write("owner", said, "txt", FILES)
    assert lead in text
    assert not any(other in text for other in LEADS.values() if other != lead)


def test_a_warning_about_our_own_browser_comes_before_the_claim() -> None:
    text = written("nginx_502", "owner", warning="We may have been taken for a bot.")
    assert text.index("Please read this first: We may have") < text.index("What the evidence")


def test_a_page_that_never_answered_is_told_by_the_name_of_its_failure() -> None:
    assert "could not be loaded on 20 November 2026 at 07:41:02 UTC" in written("nxdomain", "owner")
    assert "net::ERR_NAME_NOT_RESOLVED" in written("nxdomain", "owner")


def test_the_time_is_told_once_and_changes_and_sightings_in_the_reporters_words() -> None:
    facts = builders.answered(502, (("Server", "nginx"),), "<h1>502</h1>")
    facts = facts.model_copy(update={"request": RequestRecord(url=facts.request.url, note="moved", seen="white page")})
    text = letters.write("owner", letter(facts, diagnose(facts), manifest(())), "txt", FILES)
    assert 'What was seen, in the reporter\'s words: "white page"' in text
    assert 'Recent changes, as reported: "moved"' in text
    assert text.count("\n- Time") == 1


def test_what_is_not_attached_is_said() -> None:
    example = EXAMPLES["nginx_502"]()
    said = letter(example.evidence, diagnose(example.evidence), manifest(()))
    assert "- page.har is too large." in letters.write("owner", said, "txt", FILES, ("page.har is too large.",))


@pytest.mark.parametrize("name", [name for name in EXAMPLES if name not in ("long_host", "healthy")])
def test_a_letter_fits_on_one_page(name: str) -> None:
    text = written(name, "owner")
    assert sum(1 + len(line) // 105 for line in text.splitlines()) <= LINES_OF_A_PAGE
    assert "\n\n\n" not in text


def test_hostile_values_are_one_escaped_line_each() -> None:
    evil = "a\n\n# Heading\n- [x](javascript:alert(1)) <img src=x> @all `id` \x1b[31m\u202e"
    facts = builders.answered(502, (("Server", "nginx"),), "")
    facts = facts.model_copy(update={"request": RequestRecord(url=facts.request.url, note=evil, seen=evil)})
    found = diagnose(facts).model_copy(update={
        "support": (SupportFact(label=evil, value=evil, mono=True), SupportFact(label="b", value=evil, mono=False))})
    said = letter(facts, found, manifest(()))
    text = letters.write("owner", said, "md", FILES)
    outside = re.sub(r"(`+) ?.*?\1", "", text.replace("\\`", ""))
    assert "\n# " not in text
    assert "\\<img" in outside
    assert not re.search(r"(?<!\\)[<\[@]", outside)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\n# " not in letters.write("owner", said, "txt", FILES)


def hop(slug: str, layer: Any) -> HopVerdict:
    return HopVerdict(name=slug, layer=layer, vendor=slug, state="working")


def test_the_addressee_is_the_writer_else_the_innermost_edge() -> None:
    found = with_verdict("cloudflare_522")
    assert (writer := addressee(found)) is not None
    assert writer.slug == "cloudflare"
    path = (hop("cloudflare", "cdn"), hop("render", "platform"), hop("nginx", "reverse-proxy"))
    inner = with_verdict("cloudflare_522", generator="nginx").model_copy(update={"hops": path})
    assert (platform := addressee(inner)) is not None
    assert platform.slug == "render"
    assert addressee(with_verdict("nxdomain")) is None


@pytest.mark.parametrize(("side", "words"), [
    ("edge", "with a setting of this site"), ("client", "which rule"), ("unknown", "made this answer"),
    ("tls", "what came back")])
def test_the_question_fits_the_side(side: str, words: str) -> None:
    said = letter(EXAMPLES["cloudflare_522"]().evidence, with_verdict("cloudflare_522", fault_side=side), manifest(()))
    assert words in letters.write("vendor", said, "txt", FILES)
