"""Rules about names. In: Facts. Out: findings about resolution, the decisive one first."""

from capture.record.network import DnsAnswer
from report.diagnosis import Certainty, Citation, Finding
from report.facts import Facts, finding
from report.rules.errors import fault_of

BY_RCODE = {
    "NXDOMAIN": "dns.nxdomain",
    "SERVFAIL": "dns.servfail",
    "TIMEOUT": "dns.timeout",
    "REFUSED": "dns.refused",
    "NOERROR": "dns.no-address",
    "ERROR": "dns.servfail",
}
"""RFC 1035 section 4.1.1; NOERROR without an address is what RFC 2308 calls NODATA."""


def findings(facts: Facts) -> list[Finding]:
    """What went wrong with the name, and where resolvers disagree."""
    found = []
    error = facts.error
    if error and fault_of(error).startswith("dns."):
        code, cites = _cause(facts, fault_of(error))
        # Without the resolver's own code the client's word may stand for any of them.
        sure: Certainty = "proven" if cites else "possible"
        found.append(finding(facts, code, cites + facts.error_cites(), certainty=sure))
    found += _private(facts)
    return found + _disagreement(facts)


def _cause(facts: Facts, fallback: str) -> tuple[str, list[Citation]]:
    """The response code decides: the guard's for this very dial, else the system resolver's."""
    dial = facts.failed_dial()
    if dial and (rcode := facts.evidence.dials[int(dial.rsplit("/", 1)[1])].rcode) in BY_RCODE:
        cites = [facts.citer.cite(f"{dial}/rcode")]
        return BY_RCODE[rcode], cites + _answers(facts, rcode)
    asked = [answer.rcode for answer in _system(facts)]
    if not asked:
        return fallback, []
    rcode = next((code for code in asked if code not in ("NOERROR", "NXDOMAIN")), asked[0])
    return BY_RCODE.get(rcode, "dns.servfail"), _answers(facts, rcode)


def _system(facts: Facts) -> list[DnsAnswer]:
    """What the system resolver said about addresses."""
    answers = facts.evidence.dns.answers if facts.evidence.dns else ()
    return [answer for answer in answers if answer.resolver == "system" and answer.type in ("A", "AAAA")]


def _answers(facts: Facts, rcode: str) -> list[Citation]:
    names = facts.evidence.dns
    return [
        facts.citer.cite(f"/dns/answers/{at}/rcode")
        for at, answer in enumerate(names.answers if names else ())
        if answer.resolver == "system" and answer.rcode == rcode
    ][:2]


def _private(facts: Facts) -> list[Finding]:
    """The guard refused the address, and it came out of DNS: the record is what must be looked at."""
    dial = facts.failed_dial()
    if not facts.error or not dial:
        return []
    seen = facts.evidence.dials[int(dial.rsplit("/", 1)[1])]
    if seen.verdict != "refused" or not seen.rule or not seen.answers or seen.answers == (seen.host,):
        return []
    cites = [facts.citer.cite(f"{dial}/rule"), facts.citer.cite(f"{dial}/answers/0")]
    return [finding(facts, "dns.private-address", cites, detail=", ".join(seen.answers[:4]))]


def _disagreement(facts: Facts) -> list[Finding]:
    """Resolvers that give different response codes to the same question."""
    names = facts.evidence.dns
    first: dict[tuple[str, str], int] = {}
    for at, answer in enumerate(names.answers if names else ()):
        key = (answer.question.lower(), answer.type)
        before = first.setdefault(key, at)
        if names and names.answers[before].rcode != answer.rcode:
            cites = (facts.citer.cite(f"/dns/answers/{before}/rcode"), facts.citer.cite(f"/dns/answers/{at}/rcode"))
            other = names.answers[before]
            sentence = (
                f"Resolvers disagree about {answer.question} {answer.type}: "
                f"{other.resolver} says {other.rcode}, {answer.resolver} says {answer.rcode}."
            )
            return [
                Finding(code="dns.resolvers-disagree", layer="dns", certainty="proven", sentence=sentence, cites=cites)
            ]
    return []
