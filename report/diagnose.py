"""Diagnosis. In: the evidence of one capture. Out: what it says, every claim with its citation.

Pure: the same evidence and rules give the same bytes. Two questions are kept apart: who wrote the page that the visitor
saw, and which hand-off failed.
"""

import hashlib

from capture.record.codec import dump
from capture.record.evidence import Evidence
from report.diagnosis import Diagnosis, Finding, Verdict
from report.facts import Facts, facts
from report.faults import FAULTS, filled
from report.rules import announced, differences, dns, imports, network, tls, waits, worker
from report.rules import hops as chain
from report.rules import page as document
from report.rules import picture as witness
from report.rules import support as table
from report.rules import verdict as head
from report.rules.errors import fault_of
from report.signatures import Vendor, vendors, version, version_with


def diagnose(evidence: Evidence, *, sha256: str | None = None, known: tuple[Vendor, ...] | None = None,
             picture: bytes | None = None) -> Diagnosis:
    """What the evidence says. `sha256` is the hash of evidence.json where it is known already; `known` are the vendors
    to recognise, by default all that come with this program; `picture` is the strict load's screenshot, heard as a
    witness of its own. Raises BadSignature when the vendors' files are broken.
    """
    seen = facts(evidence, vendors() if known is None else known)
    below = [*dns.findings(seen), *network.findings(seen), *tls.findings(seen)]
    reading = document.read(seen, seen.page) if seen.page else None
    if reading and reading.shows == "page" and seen.error:
        reading = None  # the answer began and broke off: the failure is what the visitor met
    reading = witness.heard(seen, reading, witness.sight(seen, picture))
    decisive = None if reading else _decisive(seen, below)
    if evidence.imported and seen.page is None and decisive is None and (alone := _picture(evidence, picture, known)):
        return alone if sha256 is None else alone.model_copy(update={"evidence_sha256": sha256})
    verdict = _verdict(seen, reading, decisive)
    who = reading.who if reading else "The server"
    fault = FAULTS[verdict.fault_code] if verdict.fault_code else None
    detail = decisive.parameters.get("detail", "") if decisive else ""
    words = {"who": who, "host": seen.host, "status": str(verdict.status or ""), "detail": detail or seen.host}
    return Diagnosis(
        verdict=verdict,
        hops=chain.hops(seen, reading, decisive.code if decisive else None),
        findings=imports.capped(evidence, _ordered(_told(seen, reading), decisive, below)),
        alternatives=head.alternatives(verdict.fault_code, who),
        unknowns=(*imports.unknowns(evidence), *head.unknowns(seen, reading, who)),
        support=table.support(seen, reading),
        repair=filled(fault.repair, **words) if fault else "Nothing to repair was found.",
        next_steps=tuple(filled(step, **words) for step in fault.next) if fault else (),
        send=head.send(seen, reading),
        warning=imports.warning(evidence, head.warning(reading)),
        evidence_sha256=sha256 or hashlib.sha256(dump(evidence)).hexdigest(),
        rules_version=version() if known is None else version_with(known),
    )


def _picture(evidence: Evidence, picture: bytes | None, known: tuple[Vendor, ...] | None) -> Diagnosis | None:
    """What the picture that was handed in says where nothing else tells what came; None without a readable picture."""
    if picture is None:
        return None
    from report import imported, visual  # loads Pillow, which a diagnosis without a picture does not need

    try:
        return imported.diagnose(evidence, picture, known)
    except visual.BadPicture:
        return None


def _verdict(seen: Facts, reading: document.Reading | None, decisive: Finding | None) -> Verdict:
    if reading:
        return head.from_page(seen, reading)
    return head.from_below(seen, decisive) if decisive else head.unknown(seen)


def _told(seen: Facts, reading: document.Reading | None) -> tuple[Finding, ...]:
    """What the answer told."""
    if reading is None:
        return ()
    told = [*reading.findings, *waits.findings(seen, reading), *announced.findings(seen, is_error=reading.is_error)]
    return (*told, *worker.findings(seen), *differences.findings(seen))


def _decisive(seen: Facts, below: list[Finding]) -> Finding | None:
    """The finding of the layer that the failure's name belongs to; a name with a refused address is a matter of DNS."""
    candidates = [found for found in below if found.code in FAULTS]
    private = next((found for found in candidates if found.code == "dns.private-address"), None)
    if private or not seen.error:
        return private or next(iter(candidates), None)
    family = fault_of(seen.error).partition(".")[0]
    return next((found for found in candidates if found.code.partition(".")[0] == family), None)


def _ordered(written: tuple[Finding, ...], decisive: Finding | None, below: list[Finding]) -> tuple[Finding, ...]:
    """The decisive ones first."""
    first = [*written, *([decisive] if decisive else [])]
    return (*first, *(found for found in below if found is not decisive))
