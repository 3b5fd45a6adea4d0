"""A page's own service worker can answer in the server's place. In: Facts. Out: at most one finding that says so, and
who is the witness of what the server itself answers.
"""

from report.diagnosis import Finding
from report.facts import Facts
from report.matching import by_service_worker


def findings(facts: Facts) -> list[Finding]:
    """That the service worker answered the browser, and whether a request without a browser saw the server."""
    pointer = by_service_worker(facts.evidence)
    if pointer is None:
        return []
    cites = [facts.citer.cite(pointer)]
    witness = "what the server itself answers is not known"
    if facts.page and facts.page.pointers["status"].startswith("/plain_http/"):
        cites.append(facts.citer.cite(facts.page.pointers["status"]))
        witness = f"the request without a browser is the witness: the server answered {facts.page.status}"
    sentence = f"The page's own service worker answered the browser, and not the server; {witness}."
    return [Finding(code="page.service-worker", layer="visitor", certainty="proven", sentence=sentence,
                    cites=tuple(cites))]
