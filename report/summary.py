"""The dossier in a few lines for a ticket. In: evidence, diagnosis, manifest. Out: Markdown with nothing live in it."""

from capture.record.evidence import Evidence
from capture.record.seal import Manifest
from report.diagnosis import Diagnosis
from report.failure_path import turned_away
from report.text import markdown as plain
from report.text import markdown_code as code
from report.view import View, view
from report.wording import REPAIR, proves, proves_not, state


def markdown(evidence: Evidence, diagnosis: Diagnosis, manifest: Manifest) -> str:
    """What one would paste into a ticket: sentence, path, facts, next steps, what is proved and what is not."""
    shown = view(evidence, diagnosis, manifest, paper=True)
    parts = [_head(shown, diagnosis), _path(diagnosis), _facts(shown, diagnosis), _action(diagnosis), _proof(shown)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(shown: View, diagnosis: Diagnosis) -> str:
    written = f", {shown.written} {plain(shown.written_by, 60)}" if shown.written_by else ""
    cause = f"; {shown.lies} {shown.caused}" if shown.caused else ""
    lines = [f"**{plain(diagnosis.verdict.summary)}**", "",
             f"{plain(shown.what, 90)}{written}{cause}. Certainty: {shown.certainty}."]
    if diagnosis.warning:
        lines += ["", f"> {plain(diagnosis.warning)}"]
    return "\n".join(lines)


def _path(diagnosis: Diagnosis) -> str:
    sure = diagnosis.verdict.certainty
    stop = turned_away(diagnosis.hops, diagnosis.verdict)
    more = {stop.at: f", {stop.words}"} if stop else {}
    hops = [f"{plain(hop.name, 60)} ({state(hop.state, sure)}{more.get(i, '')})"
            for i, hop in enumerate(diagnosis.hops)]
    return f"Path: {' → '.join(hops)}" if hops else ""


def _facts(shown: View, diagnosis: Diagnosis) -> str:
    rows = [(plain(f.label, 60), code(f.value) if f.mono else plain(f.value)) for f in diagnosis.support]
    rows.append(("Case", code(shown.manifest.case)))
    return "\n".join(["| | |", "|---|---|", *(f"| {label} | {value} |" for label, value in rows)])


def _action(diagnosis: Diagnosis) -> str:
    parts = [f"**{REPAIR[diagnosis.verdict.certainty]}:** {plain(diagnosis.repair)}"]
    if diagnosis.next_steps:
        steps = "\n".join(f"{i}. {plain(step)}" for i, step in enumerate(diagnosis.next_steps, 1))
        parts.append(f"**Next steps**\n\n{steps}")
    if diagnosis.send:
        parts.append(f"**Send:** {plain(diagnosis.send)}")
    return "\n\n".join(parts)


def _proof(shown: View) -> str:
    opens = [plain(a.sentence) + (f" Decided by: {plain(a.decided_by)}" if a.decided_by else "")
             for a in shown.diagnosis.alternatives]
    opens += [plain(unknown) for unknown in shown.diagnosis.unknowns]
    left = "".join(f"\n- {line}" for line in opens)
    return (f"**This proves** {proves(shown.evidence)} (SHA-256 {code(shown.manifest.fingerprint)}).\n\n"
            f"**It does not prove** {proves_not(shown.evidence)}."
            + (f" What stays open:\n{left}" if left else ""))
