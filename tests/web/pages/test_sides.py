"""Two verdicts side by side: what differs is marked, and the sentence is no surer than the two."""

from report.diagnosis import Diagnosis
from tests.report.examples import EXAMPLES
from web.pages.sides import change, rows


def of(name: str, **verdict: object) -> Diagnosis:
    found = EXAMPLES[name]().diagnosis
    return found.model_copy(update={"verdict": found.verdict.model_copy(update=verdict)})


def test_the_same_twice_differs_in_nothing() -> None:
    failed = of("cloudflare_522")
    assert not any(row.differs for row in rows(failed, failed))
    assert change(failed, failed) == "Both show the same failure"


def test_a_repair_is_seen_in_the_rows_and_in_the_sentence() -> None:
    before, after = of("cloudflare_522"), of("healthy")
    assert change(before, after) == "The later capture shows no failure any more"
    assert change(after, before) == "The later capture fails, the earlier one did not"
    assert change(after, after) == "Neither capture shows a failure"
    told = {row.label: row for row in rows(before, after)}
    assert told["Verdict"].values == (before.verdict.summary, after.verdict.summary)
    assert told["Verdict"].differs
    assert told["Answer"].values[1] == "200 OK"
    assert not told["DNS"].differs
    faulty = next(hop for hop in before.hops if hop.state == "faulty")
    assert told[faulty.name].values[1] == ""
    assert told[faulty.name].differs


def test_another_failure_is_not_the_same() -> None:
    assert change(of("cloudflare_522"), of("nginx_502")) == "Both fail, in different ways"
    assert change(of("cloudflare_522"), of("cloudflare_522", vendor_code="524")) == "Both fail, in different ways"


def test_a_guess_stays_a_guess() -> None:
    guess = of("cloudflare_522", certainty="possible")
    assert change(of("cloudflare_522"), guess) == "Both may show the same failure"


def test_where_one_cannot_tell_nothing_is_said_to_have_changed() -> None:
    open_verdict = of("cloudflare_522", certainty="undetermined")
    for pair in ((open_verdict, of("healthy")), (of("healthy"), open_verdict), (open_verdict, open_verdict)):
        assert change(*pair) == "The evidence does not decide whether something changed"
