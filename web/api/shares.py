"""Share links. In: a capture with a dossier. Out: an address that shows it to whoever has it, until it ends."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from sqlalchemy.orm import Session

from web.access import audit, limits, passwords
from web.access.principal import current, require
from web.api import reading, telling
from web.api.answers import LOCATION, json, link, promise, schema, told
from web.api.asked import CasePath, ShareAsked, SharePath
from web.api.models import NewShare, Share, Shares
from web.errors import Gone, NotFound
from web.pages import lookup
from web.pages.layout import base_address
from web.problems import problem
from web.services import services
from web.store import shares

blueprint = APIBlueprint("api_shares", __name__, url_prefix="/api/v1", abp_tags=[
    Tag(name="Share links", description="Show one dossier to somebody without a login.")])
HERE: Final = {"case_id": "$request.path.case_id", "share_id": "$response.body#/id"}
NEXT: Final = {
    "get": link("getShare", "Look at it.", **HERE),
    "revoke": link("revokeShare", "End it.", **HERE)}


@blueprint.post("/captures/<case_id>/shares", operation_id="createShare", openapi_extensions={"requestBody": {
    "required": False, "content": {"application/json": {"schema": schema(ShareAsked)}}}},
    responses=promise({201: json(NewShare, "The link; its address is told only now.", headers=LOCATION, links=NEXT)},
                      404, 409, 410))
def create(path: CasePath) -> Response:
    """Make a link.

    Only dossiers can be shared: the capture has to have ended. Scope: capture, and the case has to be yours.
    """
    require("member", "capture")
    parts, asked = services(), reading.asked(ShareAsked)
    with parts.database.reading() as db:
        lookup.changeable(db, path.case_id)
    kept = passwords.hashed(asked.passphrase) if asked.passphrase else None
    days = asked.days or parts.config.share_days
    with parts.database.transaction() as db:
        case = lookup.changeable(db, path.case_id)
        row, token = shares.create(db, case, current().user_id, days, parts.config.share_days, kept)
        audit.note(db, current().name, limits.address(), "share", case.id, f"link {row.id}, {days} days")
        made = telling.new_share(_shown(db, case.id, row.id), f"{base_address()}s/{token}")
    return told(made, 201, Location=f"{telling.address(path.case_id)}/shares/{made.id}")


@blueprint.get("/captures/<case_id>/shares", operation_id="listShares", responses=promise({200: json(
    Shares, "The links.")}, 404, 410))
def index(path: CasePath) -> Response:
    """List the links of a capture.

    Their addresses are not kept. Scope: capture, and the case has to be yours.
    """
    require("member", "capture")
    with services().database.reading() as db:
        case = lookup.changeable(db, path.case_id)
        return told(Shares(shares=[telling.share(shown) for shown in shares.listing(db, case.id)]))


@blueprint.get("/captures/<case_id>/shares/<share_id>", operation_id="getShare",
               responses=promise({200: json(Share, "The link.")}, 404, 410))
def show(path: SharePath) -> Response:
    """Tell of one link.

    One that was ended is answered 410, with what is kept of it; one whose time is over is told, and works no more.
    Scope: capture, and the case has to be yours.
    """
    require("member", "capture")
    with services().database.reading() as db:
        case = lookup.changeable(db, path.case_id)
        found = telling.share(_shown(db, case.id, path.share_id))
    if found.revoked_at is not None:
        return problem(410, Gone.title, "this link was ended", revoked=found.model_dump(mode="json"))
    return told(found)


@blueprint.delete("/captures/<case_id>/shares/<share_id>", operation_id="revokeShare",
                  responses=promise({200: json(
                      Share, "The link, which does not work any more.", links={
                          "gone": link("getShare", "It is gone.", **HERE)})}, 404, 410))
def revoke(path: SharePath) -> Response:
    """End a link at once.

    Ending it twice changes nothing. Scope: capture, and the case has to be yours.
    """
    require("member", "capture")
    with services().database.transaction() as db:
        case = lookup.changeable(db, path.case_id)
        row = shares.revoke(db, case.id, path.share_id)
        audit.note(db, current().name, limits.address(), "revoke", case.id, f"link {row.id}")
        return told(telling.share(_shown(db, case.id, row.id)))


def _shown(db: Session, case_id: str, share_id: str) -> shares.Shown:
    found = next((shown for shown in shares.listing(db, case_id) if shown.share.id == share_id), None)
    if found is None:
        raise NotFound("there is no such link")
    return found
