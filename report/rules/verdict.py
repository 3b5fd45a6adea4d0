"""The head of the diagnosis.

In: Facts, and the Reading of the page or the decisive finding below HTTP. Out: the Verdict and the advice that goes
with it: alternatives, unknowns, what to send.
"""

from report.diagnosis import Alternative, Certainty, Finding, Interstitial, Verdict
from report.facts import Facts, weakest
from report.faults import FAULTS, Fault, filled
from report.rules.page import REQUEST_FAILED, Reading
from report.rules.support import request_id

BOT_WARNING = (
    "This capture was made by an automated browser from one place on the network, and the site may have taken it for a "
    "bot. For people in ordinary browsers the site may be fine: check that before you accuse anybody."
)
_IN_ORDER: dict[Certainty, str] = {
    "proven": "shows no error", "likely": "is probably in order: it shows no error",
    "possible": "may be in order: no error on it is known", "undetermined": "may be in order: no error on it is known"}
_WELCOME: dict[Certainty, str] = {
    "proven": "the welcome page", "likely": "what is probably the welcome page",
    "possible": "what may be the welcome page", "undetermined": "what may be the welcome page"}
_STOPS: dict[str, Interstitial] = {"challenged": "challenge", "blocked": "block", "maintenance": "maintenance"}


def from_page(facts: Facts, reading: Reading) -> Verdict:
    """The verdict on a document that was answered."""
    page = facts.page
    fault = FAULTS[reading.fault] if reading.fault else None
    named = request_id(facts, reading)
    certainty = weakest(
        reading.certainty, reading.fault_certainty, fault.certainty if fault and reading.is_error else "proven"
    )
    stop = _STOPS.get(reading.shows) or ("maintenance" if reading.fault == "app.maintenance" else None)
    return Verdict(
        is_error_page=reading.is_error,
        interstitial=stop,
        generator=reading.generator,
        layer=reading.layer,
        fault_side=fault.side if fault else "unknown",
        failing_handoff=_handoff(fault, reading.layer),
        fault_code=reading.fault,
        status=(page.told_status or None) if page else None,
        vendor_code=reading.vendor_code,
        request_id=named[1] if named else None,
        certainty=certainty,
        summary=_summary(facts, reading, certainty),
    )


def _handoff(fault: Fault | None, layer: str) -> tuple[str, str] | None:
    """The hand-off with the writer's layer put in; an application that speaks of itself has none."""
    if fault is None or fault.handoff is None:
        return None
    first, second = (layer if hop == "writer" else hop for hop in fault.handoff)
    return None if layer in ("app", "database") and first == layer and second == "origin" else (first, second)


def _summary(facts: Facts, reading: Reading, certainty: Certainty) -> str:
    """One sentence, in words that are no surer than the verdict."""
    status = str(facts.page.told_status or "") if facts.page else ""
    saved = facts.page is not None and not facts.page.status
    if reading.shows == "page":
        page = f"The saved page of {facts.host}" if saved else f"{facts.host} answered {status} and the page"
        if reading.findings:
            return f"{page} shows no error, but {reading.findings[0].parameters['detail']}."
        return f"{page} {_IN_ORDER[certainty]}."
    if reading.shows == "welcome":
        page = f"The saved page of {facts.host} is" if saved else f"{facts.host} answered {status} with"
        return f"{page} {_WELCOME[certainty]} of {reading.who}: no site is set up there yet."
    first = reading.findings[0]
    told = first.sentence
    if first.code in FAULTS:
        told = FAULTS[first.code].told(
            certainty, who=reading.who, host=facts.host, status=facts.answered,
            detail=first.parameters.get("detail", ""))
    known = reading.fault == REQUEST_FAILED or (reading.writer and reading.certainty in ("proven", "likely"))
    return told if known else f"{told} Who wrote the page is not known for certain."


def from_below(facts: Facts, found: Finding) -> Verdict:
    """The verdict on a document that never came; the finding names the decisive fault."""
    fault = FAULTS[found.code]
    return Verdict(
        is_error_page=True,
        layer=fault.layer or "none",
        fault_side=fault.side,
        failing_handoff=_handoff(fault, "app"),
        fault_code=found.code,
        status=facts.page.status if facts.page else None,
        certainty=found.certainty,
        summary=found.sentence,
    )


def unknown(facts: Facts) -> Verdict:
    """Nobody looked, or nothing was recorded."""
    reason = facts.evidence.outcome_reason or next(
        (step.reason for step in facts.evidence.steps if step.name == "page" and step.reason), None
    )
    summary = f"It cannot be told what {facts.host} shows: no answer and no failure was recorded."
    return Verdict(
        is_error_page=False,
        layer="none",
        fault_side="unknown",
        certainty="undetermined",
        summary=f"{summary[:-1]} ({reason})." if reason else summary,
    )


def alternatives(fault: str | None, who: str) -> tuple[Alternative, ...]:
    """What was not excluded."""
    if fault is None:
        return ()
    return tuple(
        Alternative(
            sentence=filled(other.sentence, who=who),
            decided_by=filled(other.decided_by, who=who) if other.decided_by else None,
        )
        for other in FAULTS[fault].alternatives
    )


def unknowns(facts: Facts, reading: Reading | None, who: str) -> tuple[str, ...]:
    """What is not known, and which missing step would tell."""
    found = [
        f"The step {step.name} did not end as planned ({step.status}): {step.reason or 'no reason recorded'}"
        for step in facts.evidence.steps
        if step.status not in ("done", "skipped")
    ]
    if reading and reading.fault and (text := FAULTS[reading.fault].unknown):
        found.append(filled(text, who=who))
    if reading and reading.is_error and reading.generator in (None, "custom-app"):
        found.append("No known product's page was recognised; the server's operator knows who writes this page.")
    if reading and reading.certainty == "possible" and reading.writer:
        found.append("Page and headers do not name one writer beyond doubt; the response as it leaves each hop would.")
    return tuple(found)


def warning(reading: Reading | None) -> str | None:
    """When our own browser may be the reason."""
    if reading and (
        reading.shows in ("challenged", "blocked") or reading.fault in ("client.blocked", "client.rate-limited")
    ):
        return BOT_WARNING
    return None


def send(facts: Facts, reading: Reading | None) -> str | None:
    """What to send to whom: to the vendor only by its customer, else to the site's owner."""
    failed = reading.is_error if reading else facts.error is not None
    if not failed:
        return None
    vendor = reading.writer.vendor if reading and reading.writer else None
    if vendor is None or vendor.support is None:
        return "Send this dossier to the site's owner."
    told = vendor.support
    text = f"Send this dossier to the site's owner; the owner reports to {vendor.name}: {told.where}."
    if told.files:
        size = f", up to {told.file_bytes // 1_000_000} MB a file" if told.file_bytes else ""
        # Without the dots of the endings, at which no line would break.
        text += f" It takes {', '.join(ending.lstrip('.').upper() for ending in told.files)}{size}."
    if told.log_hours:
        text += f" Within {span(told.log_hours)}: its logs may be kept no longer."
    return text


def span(hours: int) -> str:
    """So many hours, as people say it."""
    if hours >= 48 and hours % 24 == 0:
        return f"{hours // 24} days"
    return f"{hours} hour{'s' if hours > 1 else ''}"
