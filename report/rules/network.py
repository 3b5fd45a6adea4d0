"""Rules about connections. In: Facts. Out: findings about connecting and about answers that break off below HTTP."""

from report.diagnosis import Citation, Finding
from report.facts import Facts, finding
from report.rules.errors import fault_of

BY_OUTCOME = {
    "refused": "network.connection-refused",
    "reset": "network.reset",
    "timed-out": "network.timed-out",
    "unreachable": "network.unreachable",
}
BY_FRAMING = {"truncated": "network.truncated", "bad-chunk": "network.invalid-response"}


def findings(facts: Facts) -> list[Finding]:
    """Why the document did not come, then addresses that fail on their own, then broken framing."""
    found = []
    error = facts.error
    if error and fault_of(error).startswith("network."):
        found.append(_failure(facts, fault_of(error)))
    elif facts.load and not facts.page and not error:
        found += _silence(facts)
    return found + _addresses(facts) + _framing(facts)


def place(facts: Facts) -> str:
    """Address and port that were dialled, as far as known."""
    dial = facts.failed_dial()
    if dial:
        seen = facts.evidence.dials[int(dial.rsplit("/", 1)[1])]
        name = seen.address or seen.host
        return f"[{name}]:{seen.port}" if ":" in name else f"{name}:{seen.port}"
    if facts.exchange and facts.exchange.remote_address:
        return facts.exchange.remote_address
    return facts.host


def _failure(facts: Facts, code: str) -> Finding:
    """The failure of the document in the words of the fault; a dial refused by our own policy is named as such."""
    cites = facts.error_cites()
    dial = facts.failed_dial()
    if dial:
        seen = facts.evidence.dials[int(dial.rsplit("/", 1)[1])]
        for name in ("rule", "errno", "closed_by"):
            if getattr(seen, name):
                cites.append(facts.citer.cite(f"{dial}/{name}"))
        if seen.verdict == "refused":
            code = "network.policy"
        if seen.verdict == "allowed" and code == "network.timed-out":
            code = "network.no-answer"
    if code == "network.policy" and facts.evidence.imported:
        code = "network.visitor"  # no policy of ours: an extension or a rule of the browser that made the file
    return finding(facts, code, cites + _same_outcome(facts, code), detail=_detail(facts, code))


def _detail(facts: Facts, code: str) -> str:
    return facts.error or "" if code in ("network.failed", "network.visitor") else place(facts)


def _same_outcome(facts: Facts, code: str) -> list[Citation]:
    """Probes that saw the same."""
    return [
        facts.citer.cite(f"/tcp/{at}/outcome")
        for at, probe in enumerate(facts.evidence.tcp or ())
        if BY_OUTCOME.get(probe.outcome) == code
    ][:3]


def _silence(facts: Facts) -> list[Finding]:
    """The load was given up before anything was committed."""
    if facts.load is None or facts.load.ended not in ("commit-timeout", "stopped", "crashed"):
        return []
    cites = [facts.citer.cite(f"{facts.load_pointer}/ended")]
    code = "network.no-answer" if facts.load.ended == "commit-timeout" else "network.failed"
    return [finding(facts, code, cites, detail=place(facts) if code == "network.no-answer" else facts.load.ended)]


def _addresses(facts: Facts) -> list[Finding]:
    """One address fails while another works: visitors see it come and go."""
    probes = facts.evidence.tcp or ()
    if not any(probe.outcome == "connected" for probe in probes):
        return []
    found = []
    for at, probe in enumerate(probes):
        if probe.outcome in BY_OUTCOME:
            cites = (facts.citer.cite(f"/tcp/{at}/outcome"), facts.citer.cite(f"/tcp/{at}/address"))
            sentence = (
                f"The address {probe.address} probably takes no connections ({probe.outcome}), "
                "while another of the name does."
            )
            found.append(
                Finding(
                    code="network.one-address-fails",
                    layer="network",
                    certainty="likely",
                    sentence=sentence,
                    parameters={"address": probe.address},
                    cites=cites,
                )
            )
    return found


def _framing(facts: Facts) -> list[Finding]:
    """The request without a browser saw a body that broke its own framing."""
    for at, plain in enumerate(facts.evidence.plain_http or ()):
        for number, hop in enumerate(plain.hops):
            if hop.framing in BY_FRAMING:
                cites = [facts.citer.cite(f"/plain_http/{at}/hops/{number}/framing")]
                return [finding(facts, BY_FRAMING[hop.framing], cites, detail=hop.address or facts.host)]
    return []
