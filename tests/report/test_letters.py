"""Letters say what is known, no more, and hold nothing live."""

import re
from typing import Any

import pytest

from capture.record.evidence import Evidence
from capture.record.request import RequestRecord
from capture.record.seal import manifest
from report import letters
from report.diagnose import diagnose
from report.diagnosis import Alternative, Certainty, Diagnosis, HopVerdict, SupportFact
from report.faults import FAULTS
from report.letters import LEADS, QUESTIONS, Attached, Form, Kind, addressee, letter
from report.wording import REPAIR
from tests import builders
from tests.report.examples import EXAMPLES

FILES = (Attached("dossier.html", "the whole dossier"),)
LINES_OF_A_PAGE = 62
"""Lines of a letter that fit on one page of the PDF."""


def told(evidence: Evidence, found: Diagnosis, kind: Kind = "owner", form: Form = "txt") -> str:
    """The letter about this diagnosis."""
    return letters.write(kind, letter(evidence, found, manifest(()), addressee(found)), form, FILES)


def written(name: str, kind: Kind, form: Form = "txt", **changed: Any) -> str:
    example = EXAMPLES[name]()
    return told(example.evidence, diagnose(example.evidence).model_copy(update=changed), kind, form)


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
    assert "takes reports from the domain's owner only. Where: dash.cloudflare.com" in text
    assert "https://shop.example/cdn-cgi/trace" in text
    assert "for 520" not in text


@pytest.mark.parametrize(("slug", "words"), [
    ("heroku", "What makes it tell more: heroku logs; the H code stands only there."),
    ("azure-front-door", "What makes it tell more: send X-Azure-DebugInfo: 1"),
    ("cloudflare", "What makes it tell more: https://shop.example/cdn-cgi/trace names the data centre")])
def test_the_owner_learns_what_makes_the_vendor_tell_more(slug: str, words: str) -> None:
    assert words in told(EXAMPLES["cloudflare_522"]().evidence, with_verdict("cloudflare_522", generator=slug))


def test_what_support_asks_for_with_one_code_is_asked_for_with_that_code() -> None:
    found = with_verdict("cloudflare_522", status=520, vendor_code="520")
    assert "for 520: one HAR" in told(EXAMPLES["cloudflare_522"]().evidence, found)


def test_the_owner_is_told_of_the_owner_in_the_second_person() -> None:
    text = written("cloudflare_522", "owner")
    assert "Whoever runs the server behind Cloudflare: you or your hoster." in text
    for name in EXAMPLES:
        assert "site's owner" not in written(name, "owner", support=(), alternatives=(), unknowns=(), warning=None)


def test_the_owner_gets_the_owners_steps_and_keeps_before_mending() -> None:
    text = written("expired", "owner")
    assert "Check the clock" not in text
    order = [text.index(words) for words in (
        "1. Save the certificate and chain", "3. Save the present configuration", "4. Issue the certificate anew",
        "keep the logs before anything is restarted")]
    assert order == sorted(order)


@pytest.mark.parametrize(("hours", "before", "span"), [
    (1, "20 November 2026, 08:41 UTC", "1 hour."), (6, "20 November 2026, 13:41 UTC", "6 hours."),
    (24, "21 November 2026, 07:41 UTC", "24 hours."), (168, "27 November 2026, 07:41 UTC", "7 days.")])
def test_the_owner_learns_before_when_to_write(hours: int, before: str, span: str) -> None:
    example = EXAMPLES["cloudflare_522"]()
    found = diagnose(example.evidence)
    vendor = addressee(found)
    assert vendor is not None
    assert vendor.support is not None
    support = vendor.support.model_copy(update={"log_hours": hours})
    said = letter(example.evidence, found, manifest(()), vendor.model_copy(update={"support": support}))
    text = letters.write("owner", said, "txt", FILES)
    assert f"Please write before {before}, as it may keep its logs no longer than {span}" in text


@pytest.mark.parametrize(("certainty", "lead"), LEADS.items())
def test_a_letter_is_as_sure_as_the_verdict(certainty: Certainty, lead: str) -> None:
    text = told(EXAMPLES["nginx_502"]().evidence, with_verdict("nginx_502", certainty=certainty))
    assert lead in text
    assert f"{REPAIR[certainty]}: " in text
    assert not any(other in text for other in LEADS.values() if other != lead)
    assert not any(f"{other}: " in text for other in REPAIR.values() if other != REPAIR[certainty])


@pytest.mark.parametrize("code", FAULTS)
@pytest.mark.parametrize("certainty", ["possible", "undetermined"])
def test_nobody_is_accused_of_what_is_only_possible(code: str, certainty: Certainty) -> None:
    evidence = EXAMPLES["cloudflare_522"]().evidence
    found = with_verdict("cloudflare_522", certainty=certainty, fault_code=code, fault_side=FAULTS[code].side)
    text = told(evidence, found.model_copy(update={"repair": FAULTS[code].repair}))
    assert not re.search(r"evidence is clear|does not prove it|Who can repair", text)
    asked = told(evidence, found, "vendor")
    assert QUESTIONS["unknown"].format(vendor="Cloudflare") in asked
    assert "Who" not in asked


def test_a_warning_about_our_own_browser_comes_before_the_claim() -> None:
    text = written("nginx_502", "owner", warning="We may have been taken for a bot.")
    assert text.index("Please read this first. We may have") < text.index("The recorded evidence")


def test_a_page_that_never_answered_is_told_by_the_name_of_its_failure() -> None:
    text = written("nxdomain", "owner")
    assert "could not be loaded on 20 November 2026: the browser reported net::ERR_NAME_NOT_RESOLVED." in text
    assert text.startswith("Subject: shpo.example: net::ERR_NAME_NOT_RESOLVED on 2026-11-20 at 07:41 UTC")
    assert "Status:" not in text


def test_the_time_is_told_once_and_changes_and_sightings_in_the_reporters_words() -> None:
    facts = builders.answered(502, (("Server", "nginx"),), "<h1>502</h1>")
    facts = facts.model_copy(update={"request": RequestRecord(url=facts.request.url, note="moved", seen="white page")})
    text = told(facts, diagnose(facts))
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


def test_hostile_values_are_one_line_each_and_mean_nothing() -> None:
    evil = "a\n\n# Heading\n- [x](javascript:alert(1)) <img src=x> @all `id` \x1b[31m\u202e"
    facts = builders.answered(502, (("Server", "nginx"),), "")
    facts = facts.model_copy(update={"request": RequestRecord(url=facts.request.url, note=evil, seen=evil)})
    found = diagnose(facts).model_copy(update={
        "support": (SupportFact(label=evil, value=evil, mono=True), SupportFact(label="b", value=evil, mono=False))})
    said = letter(facts, found, manifest(()), addressee(found))
    text = letters.write("owner", said, "md", FILES)
    outside = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert "\n# " not in text
    assert "<img" in text
    assert not re.search(r"[<\[@`]", outside)
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


@pytest.mark.parametrize(("changed", "words"), [
    ({"fault_side": "edge"}, "with a setting of this site"),
    ({"fault_side": "client", "fault_code": "client.blocked"}, "which rule"),
    ({"fault_side": "client", "fault_code": "client.not-found"}, "passed it on from behind, and why"),
    ({"fault_side": "unknown"}, "made this answer"),
    ({"fault_side": "tls"}, "what came back"),
    ({"fault_side": "origin", "certainty": "possible"}, "made this answer"),
    ({"fault_side": "network", "status": None}, "whether this connection reached Cloudflare")])
def test_the_question_presumes_no_more_than_is_known(changed: dict[str, Any], words: str) -> None:
    assert words in told(EXAMPLES["cloudflare_522"]().evidence, with_verdict("cloudflare_522", **changed), "vendor")


def test_what_would_decide_is_a_sentence() -> None:
    others = (Alternative(sentence="It is the proxy.", decided_by="its log at 07:41 UTC"),
              Alternative(sentence="It is the firewall.", decided_by="A look at its rules, or at its log."),
              Alternative(sentence="It is the weather."))
    text = written("nginx_502", "owner", alternatives=others)
    assert "- It is the proxy. Its log at 07:41 UTC would tell.\n" in text
    assert "- It is the firewall. A look at its rules, or at its log, would tell.\n" in text
    assert "- It is the weather.\n" in text
