"""The page of one case, and what can be done with it. In: an id. Out: the live page, the dossier's page or a tombstone.

Nothing here changes by GET. Every change asks whether whoever asks may make it; what one may not see is not found.
"""

from typing import Any, Final

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from report.text import visible
from web import again
from web.access.principal import current, may_change
from web.pages import lookup, shares, words
from web.pages.files import DOWNLOADS, packs
from web.services import services
from web.store import cases, events, ids, jobs
from web.store.tables import Case

blueprint = Blueprint("cases", __name__)
NOTE_CHARS: Final = 4_000
TIMELINE: Final = 20
"""Other captures of the address that are listed on the page."""
SUMMARY: Final = "report/summary.md"


@blueprint.get("/cases/<case_id>")
def show(case_id: str) -> Response | str | tuple[str, int]:
    """What there is of a case now."""
    with services().database.reading() as db:
        case = lookup.seen(db, case_id)
        if case.deleted_at is not None:
            return render_template("tombstone.html", case=case), 410
        if case.state in words.OPEN_STATES:
            return _live(db, case)
        return _ended(db, case)


def _live(db: Session, case: Case) -> str:
    progress = words.progress(case, events.since(db, case.id))
    return render_template(
        "live.html", case=case, words=words, progress=progress, may_change=may_change(current(), case),
        before=jobs.before(db, case.id) if case.state == "queued" else 0, reloads=request.args.get("reload") != "no")


def _ended(db: Session, case: Case, status: int = 200, **more: Any) -> tuple[str, int]:
    """The page of a case that has ended; `more` are fields that were filled in wrongly."""
    allowed = may_change(current(), case)
    shared: dict[str, Any] = {
        "case": case, "words": words, "may_change": allowed, "key": ids.new_id(), "config": services().config,
        "can_recheck": again.possible(case) and current().can("capture")}
    folder = services().files
    diagnosis = lookup.diagnosis(folder.directory(case.id))
    if diagnosis is None:
        return render_template("ended.html", **shared), status
    names = {file.path: file.size for file in folder.names(case.id)}
    log = cases.log_excerpt(db, case.id)
    page = {
        "diagnosis": diagnosis, "head": words.head(diagnosis), "path": _path(diagnosis), "packs": packs(names),
        "downloads": [file for file in DOWNLOADS if file.path in names], "summary": _summary(case.id, names),
        "log": visible(log) if log else "", "log_lines": len(log.splitlines()) if log else 0,
        "notes": _notes(db, case.id), "may_note": current().can("capture"), "note_text": "", "note_error": "",
        "timeline": cases.timeline(db, current(), case, TIMELINE), "alike": _has_alike(db, case),
        **_before_and_after(db, case, diagnosis), **(shares.panel(db, case) if allowed else {}), **shared}
    return render_template("case.html", **(page | more)), status
