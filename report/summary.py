"""The dossier in a few lines for a ticket. In: evidence, diagnosis, manifest. Out: blocks, or the same as Markdown."""

from capture.record.evidence import Evidence
from capture.record.seal import Manifest
from report.diagnosis import Diagnosis
from report.failure_path import turned_away
from report.markup import markdown as written
from report.markup.blocks import Block, Blocks, Code, Facts, Items, Paragraph, Quote, Spans, Strong, Text
from report.view import View, view
from report.wording import REPAIR, proves, proves_not, state

NAME_CHARS = 60


def markdown(evidence: Evidence, diagnosis: Diagnosis, manifest: Manifest) -> str:
    """What one would paste into a ticket, with nothing live in it."""
    return written.markdown(blocks(evidence, diagnosis, manifest))


def blocks(evidence: Evidence, diagnosis: Diagnosis, manifest: Manifest) -> Blocks:
    """Sentence, path, facts, next steps, what is proved and what is not."""
    shown = view(evidence, diagnosis, manifest, paper=True)
    return (*_head(shown, diagnosis), *_path(diagnosis), _facts(shown, diagnosis), *_action(diagnosis), *_proof(shown))


def _head(shown: View, diagnosis: Diagnosis) -> Blocks:
    written_by = (Text(f", {shown.written} "), Text(shown.written_by, NAME_CHARS)) if shown.written_by else ()
    cause = f"; {shown.lies} {shown.caused}" if shown.caused else ""
    what = (Text(shown.what, 90), *written_by, Text(f"{cause}. Certainty: {shown.certainty}."))
    warning = (Quote((Text(diagnosis.warning),)),) if diagnosis.warning else ()
    return (Paragraph((Strong(diagnosis.verdict.summary),)), Paragraph(what), *warning)


def _path(diagnosis: Diagnosis) -> Blocks:
    sure = diagnosis.verdict.certainty
    stop = turned_away(diagnosis.hops, diagnosis.verdict)
    more = {stop.at: f", {stop.words}"} if stop else {}
    spans: Spans = (Text("Path: "),)
    for at, hop in enumerate(diagnosis.hops):
        arrow = (Text(" → "),) if at else ()
        spans += (*arrow, Text(hop.name, NAME_CHARS), Text(f" ({state(hop.state, sure)}{more.get(at, '')})"))
    return (Paragraph(spans),) if diagnosis.hops else ()


def _facts(shown: View, diagnosis: Diagnosis) -> Block:
    rows = [(Text(f.label, NAME_CHARS), ((Code if f.mono else Text)(f.value),)) for f in diagnosis.support]
    return Facts((*rows, (Text("Case"), (Code(shown.manifest.case),))))


def _action(diagnosis: Diagnosis) -> Blocks:
    found: list[Block] = [
        Paragraph((Strong(f"{REPAIR[diagnosis.verdict.certainty]}:"), Text(f" {diagnosis.repair}")))]
    if diagnosis.next_steps:
        found += [Paragraph((Strong("Next steps"),)),
                  Items(tuple((Text(step),) for step in diagnosis.next_steps), ordered=True)]
    if diagnosis.send:
        found.append(Paragraph((Strong("Send:"), Text(f" {diagnosis.send}"))))
    return tuple(found)


def _proof(shown: View) -> Blocks:
    opens = [(Text(a.sentence), *((Text(f" Decided by: {a.decided_by}"),) if a.decided_by else ()))
             for a in shown.diagnosis.alternatives]
    opens += [(Text(unknown),) for unknown in shown.diagnosis.unknowns]
    proved = Paragraph((Strong("This proves"), Text(f" {proves(shown.evidence)} (SHA-256 "),
                        Code(shown.manifest.fingerprint), Text(").")))
    left = Text(f" {proves_not(shown.evidence)}." + (" What stays open:" if opens else ""))
    return (proved, Paragraph((Strong("It does not prove"), left)), *((Items(tuple(opens)),) if opens else ()))
