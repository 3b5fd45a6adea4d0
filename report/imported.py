"""A picture that somebody handed in. In: its bytes, and evidence that tells nothing else. Out: a diagnosis.

Nobody knows whether the picture is true, whose address it shows, or when: the diagnosis says what it shows and no more.
"""

import hashlib

from capture.record.codec import dump
from capture.record.evidence import Evidence
from report.diagnosis import Diagnosis, Finding, HopVerdict, SupportFact, Verdict
from report.facts import weakest
from report.faults import FAULTS, by_status, filled
from report.rules import imports, picture
from report.rules import verdict as head
from report.signatures import Vendor, vendors, version, version_with
from report.visual import Sight, look

UNKNOWN = "Only the picture tells what came: headers, addresses, certificates and times of an answer are not known."


def diagnose(facts: Evidence, data: bytes, known: tuple[Vendor, ...] | None = None) -> Diagnosis:
    """What the picture alone says, at most likely. Raises BadPicture."""
    made = vendors() if known is None else known
    seen = look(data, known=made)
    vendor = next((each for each in made if each.slug == seen.vendor), None)
    found = picture.finding(facts, vendor, seen) if vendor else None
    verdict = _verdict(seen, vendor, found)
    fault = FAULTS[verdict.fault_code] if verdict.fault_code else None
    words = {"who": vendor.name if vendor else "The server", "host": "the site", "status": str(seen.status or ""),
             "detail": "the site"}
    return Diagnosis(
        verdict=verdict, hops=_hops(vendor, found, verdict), findings=(found,) if found else (),
        alternatives=head.alternatives(verdict.fault_code, words["who"]), unknowns=(UNKNOWN, *imports.unknowns(facts)),
        support=_support(facts, seen, vendor),
        repair=filled(fault.repair, **words) if fault else "The picture does not tell what is to be repaired.",
        next_steps=tuple(filled(step, **words) for step in fault.next) if fault else (),
        send="Send the picture with the address and the time to the site's owner." if verdict.is_error_page else None,
        warning=imports.warning(facts, None),
        evidence_sha256=hashlib.sha256(dump(facts)).hexdigest(),
        rules_version=version() if known is None else version_with(known))


def _verdict(seen: Sight, vendor: Vendor | None, found: Finding | None) -> Verdict:
    meaning = vendor.codes.get(seen.code or "") if vendor else None
    own = vendor.status.get(str(seen.status)) if vendor and seen.status else None
    fault = meaning.fault if meaning else own or (by_status(seen.status) if vendor and seen.status else None)
    sure = weakest(found.certainty, FAULTS[fault].certainty if fault else "likely") if found else "undetermined"
    if vendor:
        code = f", code {seen.code}" if seen.code else ""
        summary = f"The picture {picture.SHOWS[sure]} an error page of {vendor.name}{code}."
        if fault:
            summary += " " + FAULTS[fault].told(sure, who=vendor.name, host="the site", status=str(seen.status or ""))
    else:
        summary = "The picture shows nothing." if seen.blank else "The picture names no product whose pages are known."
    return Verdict(
        is_error_page=vendor is not None, generator=vendor.slug if vendor else None,
        layer=vendor.layer if vendor else "none", fault_side=FAULTS[fault].side if fault else "unknown",
        fault_code=fault, status=seen.status, vendor_code=seen.code, request_id=seen.request_id, certainty=sure,
        summary=summary)


def _hops(vendor: Vendor | None, found: Finding | None, verdict: Verdict) -> tuple[HopVerdict, ...]:
    chain = [HopVerdict(name="Visitor", layer="visitor", state="undetermined")]
    if vendor and found:
        own = verdict.fault_side == "edge" or (verdict.fault_side == "origin" and vendor.layer in ("app", "database"))
        chain.append(HopVerdict(name=vendor.name, layer=vendor.layer, vendor=vendor.slug,
                                state="faulty" if own else "working",
                                evidence_against=found.cites if own else (), evidence_for=() if own else found.cites))
    if not vendor or vendor.layer not in ("app", "database"):
        faulty = found is not None and verdict.fault_side == "origin"
        chain.append(HopVerdict(name="Origin", layer="app", state="faulty" if faulty else "undetermined",
                                evidence_against=found.cites if found and faulty else ()))
    return tuple(chain)


def _support(facts: Evidence, seen: Sight, vendor: Vendor | None) -> tuple[SupportFact, ...]:
    label = vendor.identity.label if vendor else "Request id"
    rows = (("Picture", facts.request.url), ("Status shown", seen.status), ("Vendor's code", seen.code),
            (label, seen.request_id))
    return tuple(SupportFact(label=name, value=str(value), mono=True) for name, value in rows if value)
