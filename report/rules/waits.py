"""Time-outs leave fingerprints: a failed answer that took as long as a known default limit is a hint, never more.

In: Facts and the Reading of the page. Out: at most one finding, certainty "possible".
"""

from report.diagnosis import Finding
from report.facts import Facts
from report.limits import near
from report.rules.page import Reading


def findings(facts: Facts, reading: Reading) -> list[Finding]:
    """The limits of everybody in the path at which this wait may have ended."""
    wait = facts.wait
    if wait is None or not (reading.fault or "").startswith("origin."):
        return []
    pointer, took = wait
    limits = near(facts.path, took / 1000)
    if not limits:
        return []
    names = " or ".join(limit.name for limit in limits)
    cite = facts.citer.cite(pointer)
    sentence = f"The answer took {took / 1000:.1f} s, which is the default of {names}: a hint that this limit ended it."
    return [
        Finding(
            code="timeout.near-default",
            layer=reading.layer,
            certainty="possible",
            sentence=sentence,
            cites=(cite,),
            parameters={"seconds": str(limits[0].seconds), "source": limits[0].source},
        )
    ]
