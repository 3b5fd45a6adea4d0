"""The chain from the visitor inward.

In: Facts and the Reading of the page. Out: hops, each with its state and citations.

Whoever wrote the page answered; whoever else left a header on the answer relayed it, and so stands before the writer.
Behind the writer stands what it calls its origin, of which the page can tell only what the fault says.
"""

from report.diagnosis import Citation, HopState, HopVerdict
from report.facts import Facts
from report.faults import FAULTS
from report.matching import Match, extract
from report.rules.announced import announced
from report.rules.page import Reading
from report.rules.standards import via

INWARD = ("cdn", "load-balancer", "reverse-proxy", "platform", "app", "database")
"""Usual order of layers from the visitor inward."""
CIRCLE = "network.too-many-redirects"
"""The one failure of that family in which the server answers."""


def hops(facts: Facts, reading: Reading | None, fault: str | None) -> tuple[HopVerdict, ...]:
    """The chain; `fault` is the decisive one, below HTTP when there is no reading."""
    visitor = _visitor(facts)
    if fault == "network.visitor":
        return (visitor.model_copy(update={"state": "faulty", "evidence_for": tuple(facts.error_cites())}),
                HopVerdict(name="Server", layer="app", state="not-reached"))
    chain = [visitor, _dns(facts, fault)]
    if fault and not reading and fault.startswith("network.") and fault != CIRCLE:
        cites = tuple(facts.error_cites())
        chain.append(HopVerdict(name="Connection", layer="network", state="faulty", evidence_for=cites))
    if facts.https:
        chain.append(_tls(facts, fault if reading is None else None))
    if reading is None:
        state: HopState = "not-reached" if fault and facts.page is None else "undetermined"
        if fault == CIRCLE:
            state = "faulty"
        return (
            *chain,
            *(_relay(facts, found, "undetermined") for found in _present(facts, None)),
            HopVerdict(name="Server", layer="app", state=state,
                       evidence_for=tuple(facts.error_cites()) if state == "faulty" else ()),
        )
    return (*chain, *_answering(facts, reading))


def _visitor(facts: Facts) -> HopVerdict:
    browser, pointer = facts.evidence.vantage.browser if facts.evidence.vantage else None, "/vantage/browser"
    for at, file in enumerate(facts.evidence.imported.files if facts.evidence.imported else ()):
        if browser is None and (named := "browser" if file.browser else "creator" if file.creator else None):
            browser, pointer = file.browser or file.creator, f"/imported/files/{at}/{named}"
    cites = (facts.citer.cite(pointer),) if browser else ()
    return HopVerdict(name="Visitor", layer="visitor", state="working", detail=browser, evidence_for=cites)


def _dns(facts: Facts, fault: str | None) -> HopVerdict:
    names = facts.evidence.dns
    if fault and fault.startswith("dns."):
        return HopVerdict(name="DNS", layer="dns", state="faulty", evidence_for=tuple(facts.error_cites()))
    if names is None or names.source == "literal" or not names.addresses:
        detail = "an address, no name to resolve" if names and names.source == "literal" else None
        return HopVerdict(name="DNS", layer="dns", state="undetermined", detail=detail)
    took = next((answer.duration_ms for answer in names.answers if answer.duration_ms is not None), None)
    count = len(names.addresses)
    detail = f"{count} address{'es' if count > 1 else ''}" + (f", {took:.0f} ms" if took is not None else "")
    return HopVerdict(
        name="DNS", layer="dns", state="working", detail=detail, evidence_for=(facts.citer.cite("/dns/addresses/0"),)
    )


def _tls(facts: Facts, fault: str | None) -> HopVerdict:
    """Working only when the browser accepted it: it answered over HTTPS, or the probe's chain validates."""
    if fault and fault.startswith("tls."):
        return HopVerdict(name="TLS", layer="tls", state="faulty", evidence_for=tuple(facts.error_cites()))
    if fault and fault.startswith(("dns.", "network.connection", "network.timed", "network.unreach", "network.policy")):
        return HopVerdict(name="TLS", layer="tls", state="not-reached")
    if facts.exchange and facts.exchange.response and facts.exchange.security:
        secured = facts.exchange.security
        return HopVerdict(
            name="TLS",
            layer="tls",
            state="working",
            detail=f"{secured.protocol}, until {secured.valid_to:%Y-%m-%d}",
            evidence_for=(facts.citer.cite(f"{facts.exchange_pointer}/security/protocol"),),
        )
    good = next((at for at, probe in enumerate(facts.evidence.tls or ()) if probe.trusted and probe.name_matches), None)
    if good is not None:
        return HopVerdict(
            name="TLS",
            layer="tls",
            state="working",
            detail=(facts.evidence.tls or ())[good].version,
            evidence_for=(facts.citer.cite(f"/tls/{good}/trusted"),),
        )
    return HopVerdict(name="TLS", layer="tls", state="undetermined")


def _present(facts: Facts, reading: Reading | None) -> list[Match]:
    """Everybody in the path but the writer, the outermost first, each once."""
    first: dict[str, Match] = {}
    for found in facts.matches:
        if found.vendor.slug != (reading.generator if reading else None):
            first.setdefault(found.vendor.slug, found)
    present = [found for found in first.values() if found.signature.shows == "presence"]
    return sorted(present, key=lambda found: INWARD.index(found.vendor.layer) if found.vendor.layer in INWARD else 0)


def _relay(facts: Facts, found: Match, state: HopState) -> HopVerdict:
    detail = None
    if facts.page and found.vendor.identity.pop and (place := extract(facts.page, found.vendor.identity.pop)):
        detail = f"POP {place[1]}"
    cites = found.cites if state == "working" else ()
    return HopVerdict(
        name=found.vendor.name,
        layer=found.vendor.layer,
        vendor=found.vendor.slug,
        state=state,
        detail=detail,
        evidence_for=cites,
    )


def _via(facts: Facts) -> list[HopVerdict]:
    """Hosts that Via names (RFC 9110 section 7.6.3) and that no signature speaks of, the outermost first."""
    if facts.page is None:
        return []
    lines = list(facts.page.lines("via"))
    known = {cite.pointer for found in facts.matches for cite in found.cites}
    named = [(lines[hop.line][0], hop.by) for hop in reversed(via(value for _, value in lines)) if "." in hop.by]
    return [
        HopVerdict(name=by, layer="reverse-proxy", state="working", evidence_for=(facts.citer.cite(pointer, by),))
        for pointer, by in named
        if pointer not in known
    ]


def _announced(facts: Facts, chained: list[HopVerdict]) -> list[HopVerdict]:
    """Who calls itself an intermediary by Proxy-Status or Cache-Status and is not known otherwise, outermost first."""
    if facts.page is None:
        return []
    known = {hop.name.lower() for hop in chained}
    vendors = {word for found in facts.matches for word in (found.vendor.slug, found.vendor.name.lower())}
    found: dict[str, HopVerdict] = {}
    for header in ("proxy-status", "cache-status"):
        for pointer, member in reversed(announced(facts.page, header)):
            name = member.name.lower()
            if name in known or any(word in name for word in vendors):
                continue
            hop = HopVerdict(name=member.name, layer="reverse-proxy", state="working",
                             detail=member.parameters.get("error", "").replace("_", " ") or None,
                             evidence_for=(facts.citer.cite(pointer),))
            found.setdefault(name, hop)
    return list(found.values())


def _answering(facts: Facts, reading: Reading) -> list[HopVerdict]:
    """Relays, the writer, and what stands behind it."""
    present = _present(facts, reading)
    behind = [found for found in present if found.vendor.layer in ("app", "database")]
    relays = [found for found in present if found not in behind]
    chained = _via(facts)
    chained += _announced(facts, chained)
    side = FAULTS[reading.fault].side if reading.fault else None
    chain = [*(_relay(facts, found, "working") for found in relays), *chained]
    if reading.writer and reading.shows != "welcome":
        return [*chain, _writer(facts, reading, reading.writer, side), *_origin(facts, reading, side)]
    if reading.layer == "network":
        between = HopVerdict(name="Network", layer="network", state="working", evidence_for=_status_cites(facts))
        return [between, *chain, HopVerdict(name="Server", layer="app", state="not-reached")]
    return [*chain, _application(facts, reading, behind, side)]


def _status_cites(facts: Facts) -> tuple[Citation, ...]:
    return tuple(facts.status_cites())


def _writer(facts: Facts, reading: Reading, writer: Match, side: str | None) -> HopVerdict:
    """It works when it tells of another's failure or refuses a visitor; it is faulty when it speaks of itself. Of a
    proxy on the visitor's side that failed it cannot be told.
    """
    if reading.layer == "network" and side == "unknown":
        return _relay(facts, writer, "undetermined")
    hop = _relay(facts, writer, "working")
    own = side == "edge" or reading.fault == "origin.internal"
    own = own or (side in ("origin", "unknown") and reading.layer in ("app", "database"))
    if not own:
        return hop
    return hop.model_copy(update={"state": "faulty", "evidence_for": writer.cites})


def _origin(facts: Facts, reading: Reading, side: str | None) -> list[HopVerdict]:
    """What stands behind the writer; nothing when the writer is the application itself."""
    if reading.layer in ("app", "database"):
        return []
    if reading.fault == "origin.internal":
        return [HopVerdict(name="Origin", layer="app", state="undetermined")]
    if side in ("origin", "dns", "tls"):
        return [
            HopVerdict(
                name="Origin",
                layer="app",
                state="faulty",
                evidence_for=_status_cites(facts),
                detail=(reading.fault or "").partition(".")[2].replace("-", " ") or None,
            )
        ]
    return [
        HopVerdict(name="Origin", layer="app", state="not-reached" if side in ("edge", "client") else "undetermined")
    ]


def _application(facts: Facts, reading: Reading, behind: list[Match], side: str | None) -> HopVerdict:
    """The last hop when no product wrote the page."""
    name, vendor = (behind[0].vendor.name, behind[0].vendor.slug) if behind else ("Application", None)
    cites = _status_cites(facts)
    if not reading.is_error and reading.findings:
        return HopVerdict(name=name, layer="app", vendor=vendor, state="undetermined")
    if not reading.is_error or side == "client":
        return HopVerdict(name=name, layer="app", vendor=vendor, state="working", evidence_for=cites)
    state: HopState = "faulty" if reading.generator == "custom-app" and side == "origin" else "undetermined"
    return HopVerdict(name=name, layer="app", vendor=vendor, state=state, evidence_for=cites)
