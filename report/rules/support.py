"""What support asks for first, in the order of the vendors' own lists (Cloudflare's, 2026-02).

In: Facts and the Reading of the page. Out: the table, and the id to quote.
"""

from typing import Final

from report.diagnosis import SupportFact
from report.facts import Facts
from report.matching import Document, Match, extract
from report.rules.page import REQUEST_FAILED, Reading

GENERIC_IDS = ("x-request-id", "x-correlation-id", "x-trace-id", "request-id", "x-amzn-trace-id")
"""Not a vendor's own; quoted when nothing better is there."""
TIMES: Final = {None: "Time (UTC)", "files": "Time by the file (UTC)", "server": "Time by the server (UTC)",
                "unknown": "Handed in (UTC)"}
"""What to call the time, by whose word it is."""


def request_id(facts: Facts, reading: Reading | None) -> tuple[str, str, str] | None:
    """(label, value, pointer) of the id to quote: the writer's own, else a relaying edge's, else a generic one."""
    page = facts.page
    if page is None:
        return None
    writer = reading.writer if reading else None
    order = [found for found in facts.matches if writer and found.vendor == writer.vendor]
    order = ([writer] if writer else []) + order
    for found in order:
        if found.signature.request_id and (printed := extract(page, found.signature.request_id)):
            return found.vendor.identity.label, printed[1], printed[0]
    others = [found for found in facts.matches if found not in order and found.signature.shows == "presence"]
    for found in [*order, *sorted(others, key=lambda each: each.vendor.layer != "cdn")]:
        if named := _by_header(page, found):
            return named
    for name in GENERIC_IDS if reading and reading.is_error else ():
        for pointer, value in page.lines(name):
            return name, value, pointer
    return None


def _by_header(page: Document, found: Match) -> tuple[str, str, str] | None:
    for name in found.vendor.identity.request_id:
        for pointer, value in page.lines(name):
            return found.vendor.identity.label, value, pointer
    return None


def support(facts: Facts, reading: Reading | None) -> tuple[SupportFact, ...]:
    """URL, status, request id under the vendor's own word, place, address, server, time, how often, changes, what was
    seen.
    """
    evidence = facts.evidence
    rows = [("URL", evidence.request.url, True)]
    if facts.page and facts.page.url != evidence.request.url:
        rows.append(("Final URL", facts.page.url, True))
    rows.append(("Status", _answer(facts), True))
    rows += [("Failed request", told.removeprefix("its request "), True)
             for told in [found.parameters["detail"] for found in (reading.findings if reading else ())
                          if found.code == REQUEST_FAILED]]
    if reading and reading.vendor_code and facts.page and reading.vendor_code != str(facts.page.told_status):
        rows.append(("Vendor's code", reading.vendor_code, True))
    if named := request_id(facts, reading):
        rows.append((named[0], named[1], True))
    rows += _place(facts)
    rows += _below(facts)
    if facts.exchange and facts.exchange.remote_address:
        rows.append(("Answered by" if facts.page else "Address", facts.exchange.remote_address, True))
    elif evidence.dns and evidence.dns.addresses:
        rows.append(("Addresses", ", ".join(evidence.dns.addresses[:4]), True))
    if facts.page and (server := facts.page.header("server")):
        rows.append(("Server header", server, True))
    moment = facts.exchange.started_at if facts.exchange else evidence.started_at
    rows.append((TIMES[evidence.imported.clock if evidence.imported else None], f"{moment:%Y-%m-%d %H:%M:%S}", True))
    if often := _often(facts, reading):
        rows.append(("How often", often, False))
    if evidence.request.note:
        rows.append(("Recent changes (reported)", evidence.request.note, False))
    if evidence.request.seen:
        rows.append(("Seen (reported)", evidence.request.seen, False))
    return tuple(SupportFact(label=label, value=value, mono=mono) for label, value, mono in rows)


def _often(facts: Facts, reading: Reading | None) -> str:
    """How many looks failed alike; empty when nothing failed, or when it was handed in and nobody counted."""
    failed = reading.is_error if reading else facts.error is not None
    if not failed or facts.evidence.imported or not facts.evidence.pages:
        return ""
    ends = [plain.hops[-1].status for plain in facts.evidence.plain_http or () if plain.hops]
    if facts.page is None or not ends:
        return "1 load by a browser"
    return f"1 load by a browser, {ends.count(facts.page.status)} of {len(ends)} plain requests alike"


def _answer(facts: Facts) -> str:
    """The status as sent, or by a saved page's own words; else the failure."""
    page = facts.page
    if page is None:
        return facts.error or "no answer"
    if page.status:
        return str(page.status)
    return f"{page.told_status} (by the page's own words)" if page.told_status else "not known"


def _below(facts: Facts) -> list[tuple[str, str, bool]]:
    """When no answer came: what the resolvers said, and the certificate that does not validate."""
    if facts.page:
        return []
    names, probes = facts.evidence.dns, facts.evidence.tls or ()
    said = dict.fromkeys(f"{a.rcode} ({a.resolver})" for a in (names.answers if names else ()) if a.rcode != "NOERROR")
    rows = [("DNS answer", ", ".join([*said][:3]), True)] if said else []
    leaf = next((probe.chain[0] for probe in probes if probe.chain and probe.problems), None)
    if leaf:
        rows += [("Certificate", f"{leaf.subject}, serial {leaf.serial}", True), ("Issued by", leaf.issuer, True),
                 ("Valid until", f"{leaf.not_after:%Y-%m-%d %H:%M:%S} UTC", True)]
    return rows


def _place(facts: Facts) -> list[tuple[str, str, bool]]:
    """Serving location and cache status of each vendor in the path."""
    rows = []
    seen = set()
    for found in facts.matches:
        if facts.page is None or found.vendor.slug in seen:
            continue
        seen.add(found.vendor.slug)
        if found.vendor.identity.pop and (place := extract(facts.page, found.vendor.identity.pop)):
            rows.append((f"{found.vendor.name} location", place[1], True))
        for name in found.vendor.identity.cache:
            if value := facts.page.header(name):
                rows.append((f"Cache ({name})", value, True))
    return rows
