"""Rows as the API tells them. In: cases, events and links of the store. Out: models."""

from typing import Final

from sqlalchemy.orm import Session

from web.api.models import Brief, Capture, Delivery, Event, File, NewShare, Share, Tombstone, Verdict
from web.errors import NotFound
from web.services import services
from web.store import deliveries, events, shares
from web.store.files import Folder
from web.store.tables import Case

ROOT: Final = "/api/v1/captures"
DOSSIERS: Final = {"dossier_html": "dossier.html", "dossier_pdf": "dossier.pdf", "dossier_zip": "dossier.zip"}


def brief(case: Case) -> Brief:
    """One line of a list."""
    return Brief(**_shared(case), links=_links(case))


def capture(db: Session, case: Case) -> Capture:
    """Everything."""
    files = _files(services().files, case)
    links, paths = _links(case), {file.name: file for file in files}
    for name, file in DOSSIERS.items():
        links.update({name: told.link} if (told := paths.get(f"report/{file}")) else {})
    progress = [Event(id=row.id, at=row.at, kind=row.kind, data=row.data) for row in events.since(db, case.id)]
    return Capture(**_shared(case), links=links, files=files, events=progress)


def tombstone(case: Case) -> Tombstone | None:
    """What stays; None while the case is there."""
    if case.deleted_at is None:
        return None
    return Tombstone(at=case.deleted_at, by=case.deleted_by or "", reason=case.deleted_why or "")


def share(shown: shares.Shown) -> Share:
    """A link without its address."""
    row = shown.share
    return Share(
        id=row.id, by=shown.by, created_at=row.created_at, expires_at=row.expires_at, revoked_at=row.revoked_at,
        works=row.revoked_at is None and not shown.over, has_passphrase=row.passphrase_hash is not None,
        looks=shown.looks)


def new_share(shown: shares.Shown, address: str) -> NewShare:
    """A link with its address."""
    return NewShare(**share(shown).model_dump(), link=address)


def delivery(shown: deliveries.Shown) -> Delivery:
    """A delivery."""
    row = shown.delivery
    same = {name: getattr(row, name) for name in (
        "id", "target", "ticket", "state", "created_at", "ended_at", "attempts", "what", "link", "left_out", "said",
        "share_id")}
    return Delivery(**same, by=shown.by, next_at=row.not_before if row.state == "queued" else None)


def address(case_id: str) -> str:
    """Where a capture is."""
    return f"{ROOT}/{case_id}"


def _shared(case: Case) -> dict[str, object]:
    return {
        "id": case.id, "number": case.number, "kind": case.kind, "source": case.source, "state": case.state,
        "reason": case.reason, "url": case.url, "host": case.host, "created_at": case.created_at,
        "finished_at": case.finished_at, "recheck_of": case.recheck_of, "failure": case.failure,
        "manifest_sha256": case.manifest_sha256, "verdict": _verdict(case), "deleted": tombstone(case)}


def _verdict(case: Case) -> Verdict | None:
    if case.summary is None:
        return None
    return Verdict(
        summary=case.summary, is_error_page=bool(case.is_error_page), certainty=case.certainty or "undetermined",
        fault_side=case.fault_side or "unknown", fault_code=case.fault_code, generator=case.generator,
        vendor_code=case.vendor_code, status=case.status)


def _links(case: Case) -> dict[str, str]:
    found = {"self": address(case.id), "page": f"/cases/{case.id}"}
    return found | ({"recheck_of": address(case.recheck_of)} if case.recheck_of else {})


def _files(folder: Folder, case: Case) -> list[File]:
    if case.manifest_sha256 is None or case.deleted_at is not None:
        return []
    try:
        return [File(name=entry.path, size=entry.size, sha256=entry.sha256,
                     link=f"{address(case.id)}/files/{entry.path}") for entry in folder.names(case.id)]
    except NotFound:
        return []
