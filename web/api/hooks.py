"""Webhooks. In: a monitor's call at the moment of failure. Out: captures, while the failure can still be seen."""

from typing import Final

from flask import Response
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from flask_openapi3.types import ResponseDict

from capture.errors import CaptureError
from web.access import limits
from web.access.principal import require
from web.api import monitors, telling
from web.api.answers import json, promise, told
from web.api.captures import ask
from web.api.models import Brief, Heard, Skipped
from web.api.monitors import Alertmanager, Generic, Kuma, Unwanted, Wanted
from web.errors import Conflict, NoRoom, ServiceError, TooMany
from web.pages.reading import sentence
from web.store.submission import Submission

blueprint = APIBlueprint("api_hooks", __name__, url_prefix="/api/v1/hooks", abp_tags=[Tag(
    name="Webhooks", description="A monitor asks for a capture at the moment of failure. Give it a token with the scope"
    " capture, in the header field Authorization.")])
AGAIN: Final = "a capture of this failure was asked for already"


def _answers() -> ResponseDict:
    return promise({200: json(Heard, "Nothing is down, or it names no page; each message has its reason."),
                    202: json(Heard, "Captures were asked for.")}, 409, 507)


@blueprint.post("/uptime-kuma", operation_id="hearUptimeKuma", responses=_answers())
def kuma(body: Kuma) -> Response:
    """Hear Uptime Kuma.

    Notification type Webhook, method POST, request body “preset - application/json”, additional header
    {"Authorization": "Bearer gw_..."}. A heartbeat with status 0 (down) asks for a capture of monitor.url.
    """
    return _hear(monitors.kuma(body))


@blueprint.post("/alertmanager", operation_id="hearAlertmanager", responses=_answers())
def alertmanager(body: Alertmanager) -> Response:
    """Hear Alertmanager.

    A webhook_config with http_config.authorization.credentials. Each firing alert asks for a capture of the first
    http or https address among annotations.capture_url, annotations.url, labels.url, labels.target and labels.instance;
    the last is what the blackbox exporter checks. One call asks for at most 10 captures; an alert that is sent again
    asks for none. When there is no room for all of them now, the answer is an error, so that they are sent again.
    """
    return _hear(monitors.alertmanager(body))


@blueprint.post("/generic", operation_id="hearGeneric", responses=_answers())
def generic(body: Generic) -> Response:
    """Hear any other monitor.

    A JSON object with url, and perhaps status (down or up), message and event.
    """
    return _hear(monitors.generic(body))


def _hear(said: list[Wanted | Unwanted]) -> Response:
    """Asks for what is wanted. When all of it is refused, that is the answer, so that the monitor's log has it.

    When there is no room for some of it, that is the answer too: the monitor tells it again, and what was asked for
    already makes nothing new then.
    """
    principal = require("member", "capture")
    made: list[Brief] = []
    skipped: list[Skipped] = []
    refusals: list[Exception] = []
    for one in said:
        if isinstance(one, Unwanted):
            skipped.append(_skipped(one.url, one.reason))
            continue
        try:
            limits.captures()
            made.append(telling.brief(ask(_submission(principal.user_id, one))))
        except Conflict:
            skipped.append(_skipped(one.url, AGAIN))
        except (ServiceError, CaptureError) as error:
            refusals.append(error)
            skipped.append(_skipped(one.url, sentence(error)))
    passing = [error for error in refusals if isinstance(error, TooMany | NoRoom)]
    if passing or (refusals and not made):
        raise (passing or refusals)[0]
    return told(Heard(captures=made, skipped=skipped), 202 if made else 200)


def _submission(owner_id: str, wanted: Wanted) -> Submission:
    return Submission(owner_id=owner_id, source="monitor", url=wanted.url, seen=wanted.seen,
                      idempotency_key=f"monitor {wanted.event}" if wanted.event else None)


def _skipped(url: str | None, reason: str) -> Skipped:
    """Without its query, which may hold a secret."""
    return Skipped(url=url and url.partition("?")[0].partition("#")[0], reason=reason)
