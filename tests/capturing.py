"""Captures for tests: the whole pipeline on loopback, with short limits. In: a URL. Out: the sealed bundle."""

from pathlib import Path
from typing import Any

from capture import pipeline
from capture.policy import ALLOW_ALL
from capture.record.bundle import Bundle
from capture.record.page import Exchange, PageLoad
from capture.record.request import CaptureRequest, Limits

QUICK = Limits(total_s=30, commit_s=4, load_s=4, idle_s=4, probe_s=2, connect_s=2, screenshot_s=5)


async def captured(url: str, directory: Path, *, limits: Limits = QUICK, **options: Any) -> Bundle:
    """Captures a loopback address into a new directory below this one."""
    request = CaptureRequest(url=url, allow_networks=ALLOW_ALL, limits=limits, **options)
    return await pipeline.capture(request, directory / "bundle")


def main_exchange(load: PageLoad) -> Exchange:
    """The exchange that gave the document, or that failed."""
    return next(exchange for exchange in load.exchanges if exchange.id == load.main_exchange)
