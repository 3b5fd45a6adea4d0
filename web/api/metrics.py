"""Metrics. In: rows of the store, requests as they are answered. Out: text for Prometheus.

What is counted of captures comes from the rows, so that it survives restarts; requests are counted by this process.
"""

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any, Final

from flask import Blueprint, Flask, Response, current_app, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import Integer, cast, func, select
from sqlalchemy.orm import Session

from web.access import identity
from web.access.principal import require
from web.api.answers import promise
from web.services import Services, services
from web.store import cases, deliveries
from web.store.database import now
from web.store.jobs import TERMINAL
from web.store.tables import Case, Job

blueprint = APIBlueprint("api_metrics", __name__, url_prefix="/api/v1", abp_tags=[Tag(name="Health")])
top = Blueprint("metrics", __name__)
"""The same at /metrics, where Prometheus looks."""
BUCKETS_S: Final = (5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600)
"""Upper bounds of the histogram, seconds."""
STATES: Final = ("queued", "running", *TERMINAL)
METHODS: Final = frozenset({"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"})
_NAME: Final = "gatewitness-metrics"


def install(app: Flask, parts: Services) -> None:
    """Gives the app counters of its own, and counts every answer from now on."""
    registry = CollectorRegistry()
    requests = Counter("gatewitness_http_requests", "Requests that were answered.", ("method", "route", "status"),
                       registry=registry)
    registry.register(Rows(parts))
    app.extensions[_NAME] = registry

    @app.after_request
    def count(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule is not None else "none"
        method = request.method if request.method in METHODS else "other"
        requests.labels(method, route, str(response.status_code)).inc()
        return response


@top.get("/metrics", endpoint="show")
@blueprint.get("/metrics", operation_id="getMetrics", responses=promise({200: {
    "description": "Metrics in the text format of Prometheus.",
    "content": {"text/plain": {"schema": {"type": "string"}}}}}))
def show() -> Response:
    """Tell metrics to Prometheus.

    Scope: admin. From the machine of the service itself no token is needed.
    """
    if not is_from_here():
        require("admin", "admin")
    return Response(generate_latest(current_app.extensions[_NAME]), content_type=CONTENT_TYPE_LATEST)


def is_from_here() -> bool:
    """Whether the request comes from this machine, and not through a proxy on it."""
    config = services().config
    is_proxied = any(name in request.headers for name in identity.FORWARDED)
    may_be_proxied = config.proxies == 0 and (config.public_url is not None or bool(config.trusted_hosts))
    try:
        return ip_address(request.remote_addr or "").is_loopback and not is_proxied and not may_be_proxied
    except ValueError:
        return False


class Rows(Collector):
    """What the rows and the disk say, each time somebody asks."""

    def __init__(self, parts: Services) -> None:
        """`parts`: database and folder of the service."""
        self._parts = parts

    def describe(self) -> Iterator[Any]:
        """Nothing is read when this is registered."""
        return iter(())

    def collect(self) -> Iterator[Any]:
        """One consistent state of the database."""
        with self._parts.database.reading() as db:
            yield _states(db)
            yield _deliveries(db)
            yield from _queue(db)
            yield _durations(db)
        yield GaugeMetricFamily("gatewitness_disk_free_bytes", "Free disk space for new cases.",
                                value=self._parts.files.free_bytes())


def _states(db: Session) -> GaugeMetricFamily:
    found = GaugeMetricFamily("gatewitness_captures", "Captures by state, deleted ones left out.", labels=("state",))
    counts = cases.counts(db)
    for state in STATES:
        found.add_metric((state,), counts.get(state, 0))
    return found


def _deliveries(db: Session) -> GaugeMetricFamily:
    found = GaugeMetricFamily("gatewitness_deliveries", "Deliveries to trackers by state.", labels=("state",))
    counts = deliveries.counts(db)
    for state in deliveries.STATES:
        found.add_metric((state,), counts.get(state, 0))
    return found


def _queue(db: Session) -> Iterator[GaugeMetricFamily]:
    rows = {state: (count, first) for state, count, first in db.execute(
        select(Job.state, func.count(), func.min(Job.created_at)).where(Job.state != "ended").group_by(Job.state))}
    waiting, oldest = rows.get("queued", (0, None))
    age = (now(db) - oldest).total_seconds() if oldest else 0.0
    yield GaugeMetricFamily("gatewitness_queue_length", "Captures that wait.", value=waiting)
    yield GaugeMetricFamily("gatewitness_queue_oldest_seconds", "Age of the capture that waits longest.",
                            value=max(0.0, age))
    yield GaugeMetricFamily("gatewitness_running", "Captures that are worked on.",
                            value=rows.get("leased", (0, None))[0])


def _durations(db: Session) -> HistogramMetricFamily:
    """Rows stay when a case is deleted, so that these numbers never fall."""
    took = cast(Case.finished_at, Integer) - cast(Case.created_at, Integer)
    sums = [func.coalesce(func.sum(cast(took <= bound * 1000, Integer)), 0) for bound in BUCKETS_S]
    row = db.execute(select(func.count(), func.coalesce(func.sum(took), 0), *sums).where(
        Case.kind == "capture", Case.state.in_(("done", "cut-short", "failed")), Case.finished_at.is_not(None))).one()
    count, total_ms, *counts = row
    buckets = [(f"{bound:.1f}", float(number)) for bound, number in zip(BUCKETS_S, counts, strict=True)]
    return HistogramMetricFamily(
        "gatewitness_capture_duration_seconds", "From when a capture was asked for to its dossier, its wait included.",
        buckets=[*buckets, ("+Inf", float(count))], sum_value=total_ms / 1000)
