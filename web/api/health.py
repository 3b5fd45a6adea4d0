"""Health. In: the parts of the service. Out: whether the process is alive, and whether it takes captures."""

import json as plain
from typing import Any

from flask import Blueprint, Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from web.api.answers import json, promise, told
from web.api.kinds import type_of
from web.api.models import Check, Health, Ready
from web.problems import MEDIA_TYPE
from web.services import Services, services

blueprint = APIBlueprint("api_health", __name__, url_prefix="/api/v1", abp_tags=[
    Tag(name="Health", description="For whatever watches the service itself.")])
top = Blueprint("health", __name__)
"""The same at /healthz and /readyz, where orchestrators look."""
TITLE = "Not ready"


@top.get("/healthz", endpoint="alive")
@blueprint.get("/healthz", operation_id="getHealth", responses=promise({200: json(Health, "Alive.")}))
def alive() -> Response:
    """Tell that the process is alive.

    Needs no token.
    """
    return told(Health())


@top.get("/readyz", endpoint="ready")
@blueprint.get("/readyz", operation_id="getReadiness", responses=promise({200: json(
    Ready, "The service takes captures.")}, 503))
def ready() -> Response:
    """Tell whether the service takes captures: database, disk, runner.

    Needs no token.
    """
    checks = list(map(_safe, (_database, _disk, _runner)))
    wrong = [check for check in checks if not check.ok]
    if not wrong:
        return told(Ready(checks=checks))
    body = {"type": type_of(TITLE), "title": TITLE, "status": 503, "detail": f"{wrong[0].detail}.",
            "checks": [check.model_dump() for check in checks]}
    return Response(plain.dumps(body), 503, mimetype=MEDIA_TYPE)


def _safe(check: Any) -> Check:
    found: Check = check(services())
    return found


def _database(parts: Services) -> Check:
    try:
        with parts.database.reading() as db:
            db.execute(text("SELECT 1 FROM cases LIMIT 1"))
    except SQLAlchemyError as error:
        return Check(name="database", ok=False, detail=f"The database does not answer ({type(error).__name__})")
    return Check(name="database", ok=True, detail="The database answers")


def _disk(parts: Services) -> Check:
    """How much is free is for /metrics: this needs no token."""
    try:
        free = parts.files.free_bytes()
    except OSError as error:
        return Check(name="disk", ok=False, detail=f"The data directory cannot be read ({error.strerror})")
    if free < parts.config.min_free_bytes:
        return Check(name="disk", ok=False, detail="Too little disk is free")
    return Check(name="disk", ok=True, detail="There is room on the disk")


def _runner(parts: Services) -> Check:
    """Where no runner belongs to the service, none can be broken."""
    runner = parts.runner
    if runner is None:
        return Check(name="runner", ok=True, detail="Another process makes the captures")
    trouble = runner.trouble()
    return Check(name="runner", ok=trouble is None, detail=trouble or "The runner works")
