"""What monitors say. In: the documented payload of each monitor. Out: pages to be captured, and why others are not.

Only what is down asks for a capture. Payloads have many members that do not matter here; those are ignored.

    Uptime Kuma    notification type Webhook, preset application/json: heartbeat, monitor, msg (uptime.kuma.pet, 2.0)
    Alertmanager   webhook_config, version 4 (prometheus.io/docs/alerting/latest/configuration/#webhook_config)
    generic        a JSON object of our own
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from web.api.asked import Asked, Name, Text, Url
from web.store.submission import TEXT_CHARS

MOST: Final = 10
"""Captures that one call may ask for."""
KUMA_DOWN: Final = 0
"""`heartbeat.status` of Uptime Kuma: 0 down, 1 up, 2 pending, 3 maintenance."""
PLACES: Final = (("annotations", "capture_url"), ("annotations", "url"), ("labels", "url"), ("labels", "target"),
                 ("labels", "instance"))
"""Where an alert of Alertmanager may name its page; the first that is an http or https address counts."""
NO_PAGE: Final = "it names no page: there is no http or https address in it"


@dataclass(frozen=True)
class Wanted:
    """A page that is down."""

    url: str
    """Its address."""
    seen: str | None
    """What the monitor says."""
    event: str
    """What tells this failure from others; a call that is repeated asks for nothing new."""


@dataclass(frozen=True)
class Unwanted:
    """A message that asks for nothing."""

    url: str | None
    """The page it is about."""
    reason: str
    """Why."""


class _Payload(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True, strict=True)


class KumaHeartbeat(_Payload):
    """One check."""

    status: int | None = None
    """0 down, 1 up, 2 pending, 3 maintenance."""
    time: str | None = None
    """When."""
    msg: str | None = None
    """What was seen."""


class KumaMonitor(_Payload):
    """What is checked."""

    id: int | None = None
    """Number of the monitor."""
    name: str | None = None
    """Its name."""
    url: str | None = None
    """Its page; monitors of other kinds have “https://” here."""


class Kuma(_Payload):
    """What Uptime Kuma sends. A test message has neither heartbeat nor monitor."""

    model_config = ConfigDict(json_schema_extra={"example": {
        "heartbeat": {"status": 0, "time": "2026-11-20 10:15:00", "msg": "Request failed with status code 502"},
        "monitor": {"id": 1, "name": "Shop", "url": "https://shop.example/checkout", "type": "http"},
        "msg": "[Shop] [Down] Request failed with status code 502"}})

    heartbeat: KumaHeartbeat | None = None
    """The check that failed."""
    monitor: KumaMonitor | None = None
    """The monitor that made it."""
    msg: str | None = None
    """The same as a text."""


class Alert(_Payload):
    """One alert."""

    status: Literal["firing", "resolved"]
    """Only firing ones ask for a capture."""
    labels: dict[str, str] = {}
    """What tells alerts apart; instance is the page when the blackbox exporter checks it."""
    annotations: dict[str, str] = {}
    """For people; summary or description goes into the dossier."""
    startsAt: str = ""  # noqa: N815 - Alertmanager's name
    """Since when."""
    fingerprint: str = ""
    """Id of the alert."""


class Alertmanager(_Payload):
    """What Alertmanager sends: one call may hold several alerts."""

    model_config = ConfigDict(json_schema_extra={"example": {
        "version": "4", "status": "firing", "receiver": "gatewitness", "alerts": [{
            "status": "firing", "labels": {"alertname": "ProbeFailed", "instance": "https://shop.example/checkout"},
            "annotations": {"summary": "The checkout does not answer"}, "startsAt": "2026-11-20T10:15:00Z",
            "endsAt": "0001-01-01T00:00:00Z", "fingerprint": "1a30ba71cca2921f"}]}})

    version: str = "4"
    """Version of the payload."""
    alerts: Annotated[list[Alert], Field(max_length=1_000)]
    """The alerts."""


class Generic(Asked):
    """What any other monitor can be told to send."""

    model_config = ConfigDict(json_schema_extra={"example": {
        "url": "https://shop.example/checkout", "status": "down", "message": "502 twice in a row", "event": "4711"}})

    url: Url
    """Address of the page, http or https."""
    status: Literal["down", "up"] = "down"
    """Only down asks for a capture."""
    message: Text | None = None
    """What the monitor saw; goes into the dossier."""
    event: Name | None = None
    """What tells this failure from others: the same one again within 24 hours makes nothing new."""


def kuma(said: Kuma) -> list[Wanted | Unwanted]:
    """The page of the monitor, when it is down."""
    beat, monitor = said.heartbeat, said.monitor
    url = _page([monitor.url]) if monitor and monitor.url else None
    if beat is None or monitor is None:
        return [Unwanted(url, "it is a test or tells of no check")]
    if beat.status != KUMA_DOWN:
        return [Unwanted(url, "the page is not down")]
    if url is None:
        return [Unwanted(None, NO_PAGE)]
    event = _event("uptime-kuma", monitor.id, beat.time, url) if beat.time else ""
    return [Wanted(url, _short(beat.msg or said.msg), event)]


def alertmanager(said: Alertmanager) -> list[Wanted | Unwanted]:
    """The page of each alert that fires; one that several alerts name counts once."""
    found: list[Wanted | Unwanted] = []
    pages: set[str] = set()
    for alert in said.alerts:
        one = _alert(alert)
        if isinstance(one, Wanted) and one.url in pages:
            one = Unwanted(one.url, "another alert of this call names the same page")
        if isinstance(one, Wanted) and len(pages) == MOST:
            one = Unwanted(one.url, f"one call asks for at most {MOST} captures")
        if isinstance(one, Wanted):
            pages.add(one.url)
        found.append(one)
    return found


def generic(said: Generic) -> list[Wanted | Unwanted]:
    """The page, when it is down."""
    if said.status != "down":
        return [Unwanted(said.url, "the page is not down")]
    return [Wanted(said.url, said.message, _event("generic", said.event, said.url) if said.event else "")]


def _alert(alert: Alert) -> Wanted | Unwanted:
    groups = {"annotations": alert.annotations, "labels": alert.labels}
    url = _page(groups[group].get(name) for group, name in PLACES)
    if alert.status != "firing":
        return Unwanted(url, "the alert does not fire")
    if url is None:
        return Unwanted(None, NO_PAGE)
    told = alert.annotations.get("summary") or alert.annotations.get("description") or alert.labels.get("alertname")
    known = alert.fingerprint and alert.startsAt
    return Wanted(url, _short(told), _event("alertmanager", alert.fingerprint, alert.startsAt, url) if known else "")


def _page(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value and _is_page(value)), None)


def _is_page(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme.lower() in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _short(text: str | None) -> str | None:
    return text[:TEXT_CHARS] if text else None


def _event(*parts: Any) -> str:
    return hashlib.sha256("\0".join(map(str, parts)).encode("utf-8", "replace")).hexdigest()
