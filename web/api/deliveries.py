"""Deliveries. In: a capture with a dossier, a target. Out: what becomes of it at the tracker, until it ends."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from web import targets
from web.access import audit, limits
from web.access.principal import current, require
from web.api import reading, telling
from web.api.answers import LOCATION, json, link, promise, schema, told
from web.api.asked import CasePath, DeliveryAsked, DeliveryPath
from web.api.models import Deliveries, Delivery, Target, Targets
from web.pages import lookup
from web.pages.deliveries import ask
from web.services import services
from web.store import deliveries

blueprint = APIBlueprint("api_deliveries", __name__, url_prefix="/api/v1", abp_tags=[
    Tag(name="Deliveries", description="Bring one dossier to a bug tracker or a help desk.")])
HERE: Final = {"case_id": "$request.path.case_id", "delivery_id": "$response.body#/id"}
NEXT: Final = {
    "get": link("getDelivery", "Follow its state.", **HERE), "cancel": link("cancelDelivery", "Stop it.", **HERE)}


@blueprint.get("/targets", operation_id="listTargets", responses=promise({200: json(Targets, "The targets.")}))
def index_targets() -> Response:
    """List whereto dossiers can be delivered.

    The operator names them, with their addresses and credentials, which are told to nobody. Scope: capture.
    """
    require("member", "capture")
    return told(Targets(targets=[Target(name=name, tracker=targets.kind(named), ticket=named.target.ticket)
                                 for name, named in services().targets.items()]))


@blueprint.post("/captures/<case_id>/deliveries", operation_id="createDelivery", openapi_extensions={"requestBody": {
    "required": True, "content": {"application/json": {"schema": schema(DeliveryAsked)}}}},
    responses=promise({202: json(
        Delivery, "It waits for its turn, is on its way already, or had arrived before: its state tells.",
        headers=LOCATION, links=NEXT)}, 404, 409, 410))
def create(path: CasePath) -> Response:
    """Ask for a delivery.

    The capture has to have ended with a dossier. The same target and ticket again makes nothing new, unless the earlier
    delivery failed or was cancelled, or has arrived and again is true; one that waits is tried at once then. Scope:
    capture, and the case has to be yours.
    """
    require("member", "capture")
    with services().database.reading() as db:
        lookup.changeable(db, path.case_id)
    body = reading.asked(DeliveryAsked)
    limits.deliveries()
    with services().database.transaction() as db:
        case = lookup.changeable(db, path.case_id)
        row = ask(db, case, body.target, body.ticket or "", body.days, again=body.again)
        made = telling.delivery(deliveries.get(db, case.id, row.id))
    return told(made, 202, Location=f"{telling.address(path.case_id)}/deliveries/{made.id}")


@blueprint.get("/captures/<case_id>/deliveries", operation_id="listDeliveries", responses=promise({200: json(
    Deliveries, "The deliveries.")}, 404, 410))
def index(path: CasePath) -> Response:
    """List the deliveries of a capture.

    Scope: capture, and the case has to be yours.
    """
    require("member", "capture")
    with services().database.reading() as db:
        case = lookup.changeable(db, path.case_id)
        return told(Deliveries(deliveries=[telling.delivery(shown) for shown in deliveries.listing(db, case.id)]))


@blueprint.get("/captures/<case_id>/deliveries/<delivery_id>", operation_id="getDelivery",
               responses=promise({200: json(Delivery, "The delivery.")}, 404, 410))
def show(path: DeliveryPath) -> Response:
    """Tell of one delivery.

    Scope: capture, and the case has to be yours.
    """
    require("member", "capture")
    with services().database.reading() as db:
        case = lookup.changeable(db, path.case_id)
        return told(telling.delivery(deliveries.get(db, case.id, path.delivery_id)))


@blueprint.delete("/captures/<case_id>/deliveries/<delivery_id>", operation_id="cancelDelivery",
                  responses=promise({200: json(
                      Delivery, "It is cancelled, is being cancelled, or had ended already: its state tells.", links={
                          "get": link("getDelivery", "Its state.", **HERE)})}, 404, 410))
def cancel(path: DeliveryPath) -> Response:
    """Stop a delivery.

    What has arrived stays where it is. Scope: capture, and the case has to be yours.
    """
    require("member", "capture")
    with services().database.transaction() as db:
        case = lookup.changeable(db, path.case_id)
        row = deliveries.cancel(db, case.id, path.delivery_id)
        audit.note(db, current().name, limits.address(), "attach-cancel", case.id, f"delivery {row.id}")
        return told(telling.delivery(deliveries.get(db, case.id, row.id)))
