"""The summary for a ticket says what matters and holds nothing live."""

from capture.record.seal import manifest
from report.diagnosis import SupportFact
from report.dossier import Dossier
from report.summary import markdown
from tests.report.examples import EXAMPLES
from tests.report.parts import hop


def test_it_says_what_matters(dossier: Dossier) -> None:
    text = dossier.paths["summary.md"].read_text()
    assert text.startswith("**")
    for part in (
        "Cloudflare (✓ works)",
        "(× fails)",
        "`615d3c2b1a0923e4-FRA`",
        "**Who can repair it:**",
        "**This proves**",
    ):
        assert part in text
    assert all(step.split(":")[0] in text for step in dossier.diagnosis.next_steps)


def test_a_table_row_is_one_line_whatever_the_value_is() -> None:
    example = EXAMPLES["healthy"]()
    facts = (
        SupportFact(label="a|b", value="x|y\n| z <img src=x> @all", mono=False),
        SupportFact(label="c", value="p|q`r`\n", mono=True),
    )
    text = markdown(example.evidence, example.diagnosis.model_copy(update={"support": facts}), manifest(()))
    assert "| `a`\\|`b` | `x`\\|`y`\\| z `<img src=x> @all` |" in text
    assert "| c | `p`\\|`` q`r` `` |" in text


def test_every_example_has_one() -> None:
    for make in EXAMPLES.values():
        example = make()
        text = markdown(example.evidence, example.diagnosis, manifest(()))
        assert "None" not in text
        assert len(text) < 30_000


def test_a_refusal_is_told_as_the_work_of_a_hop_that_works() -> None:
    example = EXAMPLES["nginx_502"]()
    edge = hop("Edge", "cdn", vendor="edge")
    verdict = example.diagnosis.verdict.model_copy(
        update={"certainty": "proven", "interstitial": "block", "failing_handoff": ("visitor", "cdn")})  # fmt: skip
    made = example.diagnosis.model_copy(update={"hops": (hop("Visitor", "visitor"), edge), "verdict": verdict})
    text = markdown(example.evidence, made, manifest(()))
    assert "Path: Visitor (✓ works) → Edge (✓ works, refused this request)" in text
