"""Captures. In: an address to look at, an id. Out: the case and its state, its files, another look, a tombstone."""

from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from capture.record.base import Header
from capture.record.request import Viewport
from web.access import audit, limits
from web.access.principal import current, require
from web.api import reading, telling
from web.api.answers import LINK, LOCATION, json, link, promise, schema, told
from web.api.asked import CaptureAsked, CasePath, FilePath, KeyHeader, RecheckAsked, Search, Why
from web.api.models import Brief, Capture, Page
from web.errors import BadField, Gone
from web.pages import lookup
from web.problems import problem
from web.services import services
from web.serving import PICTURES, TYPES, answer, member
from web.store import cases, jobs
from web.store.submission import Submission
from web.store.submit import again, submit
from web.store.tables import Case

blueprint = APIBlueprint("api_captures", __name__, url_prefix="/api/v1", abp_tags=[
    Tag(name="Captures", description="One capture is one look at a page, with its dossier.")])
HERE: Final = {"case_id": "$response.body#/id"}
AGAIN: Final = {"case_id": "$request.path.case_id"}
NEXT: Final = {
    "get": link("getCapture", "Follow its state.", **HERE),
    "cancel": link("cancelCapture", "Stop it.", **HERE),
    "recheck": link("recheckCapture", "Look again.", **HERE),
    "delete": link("deleteCapture", "Delete it, once it has ended.", **HERE),
    "share": link("createShare", "Share it, once it has ended.", **HERE)}
ENDED: Final = {
    "dossier": link("getFile", "Its dossier.", **HERE, name="report/dossier.html"),
    "share": link("createShare", "Share it.", **HERE), "shares": link("listShares", "Its links.", **HERE)}
KINDS: Final[dict[str, Any]] = {kind: {} for kind in sorted({
    *TYPES.values(), *PICTURES.values(), "text/html", "application/octet-stream"})}
"""Media types of files, as the document tells them."""


@blueprint.post("/captures", operation_id="createCapture", responses=promise({202: json(
    Brief, "It was accepted and waits for its turn.", headers=LOCATION, links=NEXT)}, 409, 507))
def create(header: KeyHeader, body: CaptureAsked) -> Response:
    """Ask for a capture.

    The answer comes at once; follow the capture under Location until its state is neither queued nor running. A site
    that is broken is a result: the capture is done then. Scope: capture.
    """
    principal = require("member", "capture")
    given = body.model_dump(exclude={"headers", "viewport", "resolvers"})
    return accepted(Submission(
        owner_id=principal.user_id, source="api", headers=_fields(body.headers), resolvers=tuple(body.resolvers),
        viewport=Viewport(**body.viewport.model_dump()), idempotency_key=header.idempotency_key, **given))


@blueprint.get("/captures", operation_id="listCaptures", responses=promise({200: json(
    Page, "Some captures.", headers=LINK, links={
        "first": link("getCapture", "The newest.", case_id="$response.body#/captures/0/id")})}))
def index(query: Search) -> Response:
    """Find captures, the newest first.

    Everything that is given must hold. Yours and those that were opened to the team are found; administrators find all.
    Scope: read.
    """
    principal = require()
    with services().database.reading() as db:
        found = cases.search(db, principal, _query(query), query.cursor, query.limit)
        page = Page(captures=[telling.brief(case) for case in found.rows], next=found.next)
    answer = told(page)
    if page.next is not None:
        answer.headers["Link"] = _next(page.next)
    return answer


@blueprint.get("/captures/<case_id>", operation_id="getCapture", responses=promise({200: json(
    Capture, "The capture.", links=ENDED)}, 404, 410))
def show(path: CasePath) -> Response:
    """Tell the state of a capture, its verdict, its files and what happened so far.

    What was deleted is answered 410, with what its tombstone keeps. Scope: read.
    """
    require()
    with services().database.reading() as db:
        case = lookup.seen(db, path.case_id)
        stays = telling.tombstone(case)
        if stays is not None:
            return problem(410, Gone.title, "this capture was deleted", deleted=stays.model_dump(mode="json"))
        return told(telling.capture(db, case))


@blueprint.get("/captures/<case_id>/files/<path:name>", operation_id="getFile", responses=promise({
    200: {"description": "The file. Nothing in it acts: it comes with a policy that sandboxes it.", "content": KINDS},
    206: {"description": "The part of it that Range asks for.", "content": KINDS}}, 404, 410, 416))
def file(path: FilePath) -> Response:
    """Get one file of a capture.

    The names are those that the capture lists. Scope: read.
    """
    require()
    with services().database.reading() as db:
        case = lookup.living(db, path.case_id)
    return answer(member(services().files, case.id, path.name), case)


@blueprint.post("/captures/<case_id>/recheck", operation_id="recheckCapture", openapi_extensions={"requestBody": {
    "required": False, "content": {"application/json": {"schema": schema(RecheckAsked)}}}},
    responses=promise({202: json(Brief, "The new capture.", headers=LOCATION, links=NEXT)}, 404, 409, 410, 507))
def recheck(path: CasePath, header: KeyHeader) -> Response:
    """Look at a page again, with the same options.

    Secrets were not kept: when the address held one, or header fields were sent, give them again. Scope: capture.
    """
    principal = require("member", "capture")
    body = reading.asked(RecheckAsked)
    with services().database.reading() as db:
        old = lookup.living(db, path.case_id)
    asked = again(old, principal.user_id, url=body.url, headers=_fields(body.headers))
    return accepted(asked.model_copy(update={"idempotency_key": header.idempotency_key}))


@blueprint.post("/captures/<case_id>/cancel", operation_id="cancelCapture", responses=promise({202: json(
    Brief, "It is cancelled, is being cancelled, or had ended already: its state tells.", links={
        "get": link("getCapture", "Its state.", **AGAIN)})}, 404, 410))
def cancel(path: CasePath) -> Response:
    """Stop a capture.

    One that waits ends at once, one that is worked on within seconds; one that has ended stays as it is. Scope:
    capture, and the case has to be yours.
    """
    require("member", "capture")
    with services().database.transaction() as db:
        case = lookup.changeable(db, path.case_id)
        jobs.ask_cancel(db, case.id)
        audit.note(db, current().name, limits.address(), "cancel", case.id)
        return told(telling.brief(case), 202)


@blueprint.delete("/captures/<case_id>", operation_id="deleteCapture", responses=promise({200: json(
    Brief, "What stays.", links={"gone": link("getCapture", "It is gone.", **AGAIN)})}, 404, 409, 410))
def delete(path: CasePath, query: Why) -> Response:
    """Delete a capture; a tombstone stays.

    Its files, notes and links go. Id, host, number, the hash of its manifest, and who deleted it why, stay. A capture
    that has not ended has to be cancelled first; one on hold cannot be deleted. Scope: capture, and it has to be yours.
    """
    require("member", "capture")
    why = " ".join(query.reason.split())
    with services().database.transaction() as db:
        case = cases.tombstone(db, lookup.changeable(db, path.case_id).id, current().name, audit.plain(why))
        audit.note(db, current().name, limits.address(), "delete", case.id, why)
        kept = telling.brief(case)
    services().files.delete(path.case_id)
    return told(kept)


def accepted(asked: Submission) -> Response:
    """The answer to something that was asked for: 202 and where to follow it."""
    limits.captures()
    case = ask(asked)
    return told(telling.brief(case), 202, Location=telling.address(case.id))


def ask(asked: Submission) -> Case:
    """Asks for it, in a transaction of its own; raises what `submit` raises."""
    parts = services()
    with parts.database.transaction() as db:
        return submit(db, parts.config, parts.files, parts.key, asked)


def _fields(given: dict[str, str]) -> tuple[Header, ...]:
    return tuple(Header(name=name, value=value) for name, value in given.items())


def _query(query: Search) -> cases.Query:
    given = query.model_dump(exclude={"cursor", "limit", "since", "until", "deleted"})
    return cases.Query(**given, since=_moment("since", query.since), until=_moment("until", query.until),
                       deleted=query.deleted == "yes")


def _next(cursor: str) -> str:
    """The address of the next page, as a link of a header field (RFC 8288 3)."""
    return f'<{request.path}?{urlencode({**request.args, "cursor": cursor})}>; rel="next"'


def _moment(field: str, text: str | None) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if text else None
    except ValueError:
        raise BadField(field, "a moment is written as 2026-11-20T10:15:00Z") from None
