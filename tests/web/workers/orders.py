"""Orders for real workers. In: a URL, a directory. Out: an Order; everything that a worker tells until its end."""

from pathlib import Path
from typing import Any, Final

from capture.policy import ALLOW_ALL
from capture.record.request import CaptureRequest
from tests.capturing import PATIENT
from web.workers.pool import Worker
from web.workers.protocol import LAST, Order, Told

START_S: Final = 150.0
"""Longest start of a nursery and a browser on a busy machine, seconds."""
JOB_S: Final = 170.0
"""Longest job, seconds."""


def capture(url: str, staging: Path, **given: Any) -> Order:
    """An order to capture a loopback address."""
    request = CaptureRequest.model_validate({"url": url, "allow_networks": ALLOW_ALL, "limits": PATIENT} | given)
    return Order(kind="capture", request=request, staging=staging)


def ready(worker: Worker) -> Worker:
    """The worker when its browser is up."""
    assert worker.told(START_S) == Told(kind="ready")
    return worker


def until(worker: Worker, *kinds: str) -> Told:
    """What it tells, up to the first of these kinds."""
    while (told := worker.told(JOB_S)).kind not in (*kinds, *LAST):
        pass
    assert told.kind in kinds, told
    return told
