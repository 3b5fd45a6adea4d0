"""One case and what can be done with it. In: an id, a button. Out: its page, or the change.

Nothing here changes by GET; what one may not see is not found.
"""

from flask import Blueprint, flash, make_response, redirect, render_template, request
from werkzeug.wrappers import Response

from web.access import audit, limits
from web.access.principal import current, require
from web.errors import BadField, NotFound
from web.pages import casepage, lookup, sides, words
from web.services import services
from web.store import cases, ids, jobs
from web.store.database import now
from web.store.masking import masked
from web.store.submission import readable
from web.store.submit import again, submit
from web.store.tables import Case, Note

blueprint = Blueprint("cases", __name__)
NOTE_CHARS = 4_000
REASON_CHARS = 500
CANCELLED = {"cancelled": "The capture was cancelled.", "asked": "The capture is being cancelled.",
             "ended": "The capture had ended already."}


@blueprint.get("/cases/<case_id>")
def show(case_id: str) -> Response:
    """What there is of a case now."""
    with services().database.reading() as db:
        case = lookup.seen(db, case_id)
        if case.deleted_at is not None:
            return make_response(render_template("tombstone.html", case=case), 410)
        return make_response((casepage.live if case.state in words.OPEN_STATES else casepage.ended)(db, case))


@blueprint.post("/cases/<case_id>/cancel")
def cancel(case_id: str) -> Response:
    """Stops a capture."""
    with services().database.transaction() as db:
        case = lookup.changeable(db, case_id)
        flash(CANCELLED[jobs.ask_cancel(db, case.id)])
        audit.note(db, current().name, limits.address(), "cancel", case.id)
    return redirect(f"/cases/{case.id}", 303)


@blueprint.post("/cases/<case_id>/recheck")
def recheck(case_id: str) -> Response:
    """The same once more; where a secret is missing, the form asks for it."""
    principal, parts, key = require("member", "capture"), services(), request.form.get("key", "")
    limits.captures()
    try:
        with parts.database.transaction() as db:
            asked = again(lookup.living(db, case_id), principal.user_id)
            asked = asked.model_copy(update={"idempotency_key": key if ids.valid(key) else None})
            made = submit(db, parts.config, parts.files, parts.key, asked)
    except BadField:
        return redirect(f"/?again={case_id}", 303)
    return redirect(f"/cases/{made.id}", 303)


@blueprint.post("/cases/<case_id>/notes")
def note(case_id: str) -> Response:
    """Adds a note; secrets in it are masked before it is kept."""
    principal = require("member", "capture")
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    wrong = "" if text else "Write something first."
    wrong = wrong if len(text) <= NOTE_CHARS else f"At most {NOTE_CHARS:,} characters; this has {len(text):,}."
    with services().database.transaction() as db:
        case = lookup.living(db, case_id)
        if wrong:
            return make_response(casepage.ended(db, case, note_error=wrong, note_text=text), 422)
        kept = masked(readable(text) or "", case.host)
        db.add(Note(id=ids.new_id(), case_id=case.id, user_id=principal.user_id, at=now(db), text=kept))
    return redirect(f"/cases/{case.id}#notes", 303)


@blueprint.post("/cases/<case_id>/team")
def team(case_id: str) -> Response:
    """Opens a case to everybody who can log in, or closes it."""
    return _switch(case_id, "team", "The case is open to the team.", "The case is private.")


@blueprint.post("/cases/<case_id>/hold")
def hold(case_id: str) -> Response:
    """Puts a case on hold, or lifts it."""
    return _switch(case_id, "hold", "The case is on hold.", "The hold is lifted.")


@blueprint.get("/cases/<case_id>/delete")
def confirm(case_id: str) -> str:
    """Asks for the reason."""
    with services().database.reading() as db:
        return render_template("delete.html", case=lookup.changeable(db, case_id), words=words, why="", error="")


@blueprint.post("/cases/<case_id>/delete")
def delete(case_id: str) -> Response:
    """Deletes a case; a tombstone stays."""
    why = " ".join(request.form.get("why", "").split())
    with services().database.transaction() as db:
        case = lookup.changeable(db, case_id)
        if not 0 < len(why) <= REASON_CHARS:
            error = f"A reason of up to {REASON_CHARS} characters is needed."
            return make_response(render_template("delete.html", case=case, words=words, why=why, error=error), 422)
        cases.tombstone(db, case.id, current().name, why)
        audit.note(db, current().name, limits.address(), "delete", case.id, why)
    services().files.delete(case.id)
    return redirect(f"/cases/{case.id}", 303)


@blueprint.get("/compare/<first_id>/<second_id>")
def compare(first_id: str, second_id: str) -> str:
    """Two captures side by side, the earlier one first."""
    with services().database.reading() as db:
        pair = sorted((lookup.living(db, first_id), lookup.living(db, second_id)), key=lambda case: case.created_at)
    told = [lookup.diagnosis(services().files.directory(case.id)) for case in pair]
    if told[0] is None or told[1] is None:
        raise NotFound("one of the two has no dossier to compare")
    both = [{"case": case, "picture": _has_picture(case)} for case in pair]
    return render_template("compare.html", sides=both, rows=sides.rows(told[0], told[1]),
                           sentence=sides.change(told[0], told[1]), names=("Before", "After"))


def _has_picture(case: Case) -> bool:
    return any(entry.path == "screenshot.png" for entry in services().files.names(case.id))


def _switch(case_id: str, column: str, told: str, told_off: str) -> Response:
    on = request.form.get(column) == "yes"
    with services().database.transaction() as db:
        case = lookup.changeable(db, case_id)
        setattr(case, column, on)
        audit.note(db, current().name, limits.address(), column, case.id, "on" if on else "off")
    flash(told if on else told_off)
    return redirect(f"/cases/{case.id}", 303)
