"""Rules about certificates and handshakes. In: Facts. Out: findings, the decisive one first."""

from capture.record.network import TlsProbe
from report.diagnosis import Citation, Finding
from report.facts import Facts, finding
from report.rules.errors import fault_of

ORDER = (
    "expired",
    "not-yet-valid",
    "wrong-name",
    "self-signed",
    "revoked",
    "incomplete-chain",
    "untrusted-root",
    "weak-signature",
)
"""Which problem is named first when there are several: the one that a visitor's browser names first."""
BY_PROBLEM = {**{name: f"tls.{name}" for name in ORDER}, "weak-signature": "tls.weak"}
BY_ERROR = {
    "tls.expired": ("expired", "not-yet-valid"),
    "tls.wrong-name": ("wrong-name",),
    "tls.untrusted-root": ("self-signed", "incomplete-chain", "untrusted-root"),
    "tls.weak": ("weak-signature",),
    "tls.revoked": ("revoked",),
}
"""Problems that one name of Chromium covers."""


def findings(facts: Facts) -> list[Finding]:
    """Why the certificate or the handshake failed; also problems of addresses that the browser did not use."""
    error = facts.error
    wanted = fault_of(error) if error else ""
    found = [_failure(facts, wanted)] if wanted.startswith("tls.") else []
    seen = {each.code for each in found}
    for at, probe in enumerate(facts.evidence.tls or ()):
        for code in (BY_PROBLEM[name] for name in ORDER if name in probe.problems):
            if code not in seen:
                seen.add(code)
                cites = [*(facts.error_cites() if wanted.startswith("tls.") else ()), *_problem(facts, at, probe, code)]
                found.append(finding(facts, code, cites, detail=_detail(probe, code)))
    return found


def _failure(facts: Facts, wanted: str) -> Finding:
    """The failure that the browser named, made exact by the handshake without a browser.

    The handshake may trust roots that the browser was not given: then its own first problem is the fact.
    """
    names = BY_ERROR.get(wanted, ())
    for at, probe in enumerate(facts.evidence.tls or ()):
        problems = [name for name in ORDER if name in probe.problems]
        exact = next((name for name in problems if name in names), None)
        if exact is None and names and problems:
            exact = problems[0]
        if exact:
            code = BY_PROBLEM[exact]
            return finding(
                facts, code, facts.error_cites() + _problem(facts, at, probe, code), detail=_detail(probe, code)
            )
    cites = facts.error_cites()
    for at, probe in enumerate(facts.evidence.tls or ()):
        if probe.outcome in ("alert", "reset", "closed", "not-tls", "failed"):
            cites.append(facts.citer.cite(f"/tls/{at}/outcome"))
            cites += [facts.citer.cite(f"/tls/{at}/error")] if probe.error else []
    return finding(facts, wanted, cites, detail=facts.error or "")


def _problem(facts: Facts, at: int, probe: TlsProbe, code: str) -> list[Citation]:
    """The problem in the probe's list, and the part of the leaf that shows it."""
    number = next(n for n, name in enumerate(probe.problems) if BY_PROBLEM.get(name) == code)
    cites = [facts.citer.cite(f"/tls/{at}/problems/{number}")]
    part = {
        "tls.expired": "not_after",
        "tls.not-yet-valid": "not_before",
        "tls.untrusted-root": "issuer",
        "tls.self-signed": "issuer",
        "tls.incomplete-chain": "issuer",
        "tls.wrong-name": "names/0",
    }.get(code)
    if part and probe.chain and (part != "names/0" or probe.chain[0].names):
        cites.append(facts.citer.cite(f"/tls/{at}/chain/0/{part}"))
    return cites


def _detail(probe: TlsProbe, code: str) -> str:
    """A few words: the date, the names, the issuer."""
    if not probe.chain:
        return probe.error or ""
    leaf = probe.chain[0]
    names = ", ".join(leaf.names[:3]) + (" ..." if len(leaf.names) > 3 else "")
    return {
        "tls.expired": f"valid until {leaf.not_after:%Y-%m-%d %H:%M} UTC",
        "tls.not-yet-valid": f"valid from {leaf.not_before:%Y-%m-%d %H:%M} UTC",
        "tls.wrong-name": f"for {names or leaf.subject}",
    }.get(code, f"issuer {leaf.issuer}")
