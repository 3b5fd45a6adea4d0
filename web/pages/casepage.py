"""What the page of a case shows. In: a case. Out: the live page, the dossier's page, or why there is none."""

from functools import lru_cache
from typing import Any, Final

from flask import render_template, request
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from report import failure_path
from report.diagnosis import Diagnosis
from report.text import visible
from web import targets
from web.access.principal import current, may_change
from web.pages import lookup, sides, words
from web.pages.files import downloads, packs
from web.services import services
from web.store import cases, deliveries, events, ids, jobs, masking, shares
from web.store.files import Folder, still_there
from web.store.tables import Case, Note, User

TIMELINE: Final = 20
"""Captures of one address that are listed."""
NOTES: Final = 200
SUMMARY: Final = "report/summary.md"
RELOAD_S: Final = 4
"""Where no script runs, seconds between two looks at a capture."""


def live(db: Session, case: Case) -> str:
    """The page of a case that waits or runs: everything known so far, so that a reload loses nothing."""
    progress = words.progress(case, events.since(db, case.id))
    return render_template(
        "live.html", case=case, words=words, progress=progress, may_change=may_change(current(), case),
        others=jobs.waiting(db) - 1 if case.state == "queued" else 0, reloads=request.args.get("reload") != "no",
        reload_s=RELOAD_S)


def ended(db: Session, case: Case, **more: Any) -> str:
    """The page of a case that has ended; `more` are fields of a form on it that was filled in wrongly."""
    allowed = may_change(current(), case)
    shared = {"case": case, "words": words, "may_change": allowed, "key": ids.new_id(), "config": services().config,
              "can_recheck": bool(case.url and case.request) and current().can("capture")}
    directory = services().files.directory(case.id)
    diagnosis = lookup.diagnosis(directory)
    if diagnosis is None:
        return render_template("ended.html", **shared)
    log = cases.log_excerpt(db, case.id)
    page = {
        **_fixed(services().files, case.id), "diagnosis": diagnosis, "head": words.head(diagnosis),
        "log": visible(log) if log else "", "log_lines": len(log.splitlines()) if log else 0,
        "log_masked": masking.told(log or ""), "notes": _notes(db, case.id), "may_note": may_note(),
        "timeline": cases.timeline(db, current(), case, TIMELINE),
        "alike": alike(db, case), "shares": shares.listing(db, case.id) if allowed else [],
        "days": str(services().config.share_days), "share_errors": {},
        **(_deliveries(db, case) if allowed else {}), **_before_and_after(db, case, diagnosis)}
    return render_template("case.html", **{**page, **shared, **more})


def _deliveries(db: Session, case: Case) -> dict[str, Any]:
    """What the Attach panel shows; a link goes along by itself where the service knows its own address."""
    config = services().config
    return {"targets": [(name, f"{name} ({targets.kind(named)})") for name, named in services().targets.items()],
            "deliveries": deliveries.listing(db, case.id), "attach_errors": {},
            "attach": {"with_link": "yes" if config.public_url else "", "link_days": str(config.share_days)}}


def may_note() -> bool:
    """Whether whoever asks may write notes to the cases they see."""
    return current().can("capture")


@lru_cache(maxsize=64)
def _fixed(files: Folder, case_id: str) -> dict[str, Any]:
    """What follows from the files alone, which never change once they are published."""
    diagnosis = lookup.diagnosis(files.directory(case_id))
    names = {entry.path: entry.size for entry in files.names(case_id)}
    with still_there():
        summary = files.path(case_id, SUMMARY).read_text("utf-8", "replace") if SUMMARY in names else ""
    return {"path": path(diagnosis) if diagnosis else "", "downloads": downloads(names), "packs": packs(names),
            "summary": summary}


def path(diagnosis: Diagnosis) -> Markup:
    """The failure path, drawn for wide and for narrow screens."""
    return Markup("").join(failure_path.draw(diagnosis.hops, diagnosis.verdict, failure_path.VARIABLES, layout)
                           for layout in ("wide", "tall"))


def alike(db: Session, case: Case) -> int:
    """How many other cases of the same failure there are for these eyes."""
    if case.failure is None:
        return 0
    same = select(func.count()).select_from(Case).where(
        cases.visible(current()), Case.failure == case.failure, Case.id != case.id, Case.deleted_at.is_(None))
    return db.scalar(same) or 0


def _before_and_after(db: Session, case: Case, diagnosis: Diagnosis) -> dict[str, Any]:
    """The case that this one looked at again, those that looked at this one again, and the pair that counts."""
    earlier = db.scalar(select(Case).where(Case.id == case.recheck_of, cases.visible(current()),
                                           Case.deleted_at.is_(None))) if case.recheck_of else None
    rechecks = cases.rechecks(db, current(), case.id)
    found: dict[str, Any] = {"earlier": earlier, "rechecks": rechecks, "rows": (), "change": "", "pair": ()}
    latest = next((other for other in reversed(rechecks) if other.number), None)
    other = latest or earlier
    told = lookup.diagnosis(services().files.directory(other.id)) if other else None
    if other is None or told is None:
        return found
    before, after = (diagnosis, told) if latest else (told, diagnosis)
    pair = (case.id, other.id) if latest else (other.id, case.id)
    return {**found, "rows": sides.rows(before, after), "change": sides.change(before, after), "pair": pair}


def _notes(db: Session, case_id: str) -> list[dict[str, Any]]:
    rows = db.execute(select(Note, User.name).join(User, User.id == Note.user_id).where(Note.case_id == case_id)
                      .order_by(Note.at, Note.id).limit(NOTES))
    return [{"name": name, "at": note.at, "text": note.text, "masked": masking.told(note.text)} for note, name in rows]
