"""Captures for tests: the whole pipeline on loopback. In: a URL. Out: the sealed bundle."""

from pathlib import Path
from typing import Any

from capture import pipeline
from capture.policy import ALLOW_ALL
from capture.record.bundle import Bundle
from capture.record.page import Exchange, PageLoad
from capture.record.request import CaptureRequest, Limits

PATIENT = Limits(total_s=150, commit_s=120, load_s=60, idle_s=10, evaluate_s=30, screenshot_s=60, probe_s=60,
                 connect_s=30)
"""So long that a busy machine cannot reach them: for everything that comes to an end by itself."""
HASTY = PATIENT.model_copy(update={"commit_s": 4.0, "load_s": 2.0, "probe_s": 2.0, "connect_s": 2.0})
"""For what never comes to an end by itself."""


async def captured(url: str, directory: Path, *, limits: Limits = PATIENT, **options: Any) -> Bundle:
    """Captures a loopback address into a new directory below this one."""
    request = CaptureRequest(url=url, allow_networks=ALLOW_ALL, limits=limits, **options)
    return await pipeline.capture(request, directory / "bundle")


def main_exchange(load: PageLoad) -> Exchange:
    """The exchange that gave the document, or that failed."""
    return next(exchange for exchange in load.exchanges if exchange.id == load.main_exchange)
