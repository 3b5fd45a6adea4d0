"""Differences decide: what one client or one address family got and another did not.

In: Facts. Out: findings that name both sides; what they mean is left to the reader, for each speaks against a hop that
both used.
"""

from report.diagnosis import Finding
from report.facts import Facts


def findings(facts: Facts) -> list[Finding]:
    """Statuses that differ between the browser and the requests without it, each request compared once."""
    if facts.page is None or "/plain_http/" in facts.page.pointers.get("status", "/plain_http/"):
        return []
    found = []
    for at, plain in enumerate(facts.evidence.plain_http or ()):
        last = len(plain.hops) - 1
        status = plain.hops[last].status if plain.hops else None
        if status is None or status == facts.page.status or 300 <= status < 400:
            continue
        way = f"{plain.protocol} over {plain.family.replace('ipv', 'IPv')}"
        sentence = f"The browser got status {facts.page.status}, the request without a browser ({way}) got {status}."
        cites = (
            facts.citer.cite(facts.page.pointers["status"]),
            facts.citer.cite(f"/plain_http/{at}/hops/{last}/status"),
        )
        parameters = {"browser": str(facts.page.status), "plain": str(status), "way": way}
        found.append(
            Finding(
                code="http.clients-differ",
                layer="none",
                certainty="proven",
                sentence=sentence,
                parameters=parameters,
                cites=cites,
            )
        )
    return found
