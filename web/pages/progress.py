"""The progress of a case as it happens. In: an id, the last event that was seen. Out: server-sent events.

A stream ends by itself after a minute; the browser asks again with the id of the last event it had
(https://html.spec.whatwg.org/multipage/server-sent-events.html). Only so many streams are held at a time that enough
threads stay for everything else; past that a stream tells what there is and ends, and the browser comes back.
"""

import json
import threading
import time
from collections.abc import Generator
from dataclasses import asdict
from typing import Any, Final

from flask import Blueprint, Response, current_app, request

from web.pages import lookup, words
from web.services import Services, services
from web.store import events
from web.store.tables import Case, Event

blueprint = Blueprint("progress", __name__)
STREAM_S: Final = 60.0
"""Life of one stream, seconds."""
POLL_S: Final = 0.4
"""Between two looks into the database, seconds."""
QUIET_S: Final = 2.0
"""Silence after which a comment is sent, seconds: only by sending does one learn that the reader is gone."""
RETRY_MS: Final = 1_500
_SLOTS: Final = "gatewitness.streams"
_LARGEST: Final = 2**62


@blueprint.get("/cases/<case_id>/events")
def stream(case_id: str) -> Response:
    """Everything after the last event that was seen, then what happens."""
    with services().database.reading() as db:
        lookup.living(db, case_id)
    after = _number(request.headers.get("Last-Event-ID") or request.args.get("after", ""))
    held = follow(services(), _slots(), case_id, after)
    return Response(held, mimetype="text/event-stream", headers={
        "Cache-Control": "private, no-store", "X-Accel-Buffering": "no"})


def follow(parts: Services, slots: threading.BoundedSemaphore, case_id: str, after: int) -> Generator[str, None, None]:
    """The lines of a stream; it ends when the case has ended, when its time is over, or when no slot is free."""
    yield f"retry: {RETRY_MS}\n\n"
    has_slot = slots.acquire(blocking=False)
    try:
        until = time.monotonic() + (STREAM_S if has_slot else 0)
        spoke = time.monotonic()
        while True:
            lines, after, ended = _news(parts, case_id, after)
            yield from lines
            spoke = time.monotonic() if lines else spoke
            if ended or time.monotonic() >= until:
                return
            if time.monotonic() - spoke > QUIET_S:
                yield ": still here\n\n"
                spoke = time.monotonic()
            time.sleep(POLL_S)
    finally:
        if has_slot:
            slots.release()


def _slots() -> threading.BoundedSemaphore:
    """How many streams are held at a time: half of the threads. One for each app."""
    made = threading.BoundedSemaphore(max(1, services().config.threads // 2))
    slots: threading.BoundedSemaphore = current_app.extensions.setdefault(_SLOTS, made)
    return slots


def _news(parts: Services, case_id: str, after: int) -> tuple[list[str], int, bool]:
    """What was not told yet, the id of the last of it, and whether nothing can follow."""
    with parts.database.reading() as db:
        case = db.get(Case, case_id)
        found = events.since(db, case_id, after)
        stepped = case is not None and bool(found) and found[-1].kind == "step"
        whole = words.progress(case, events.since(db, case_id)) if case is not None and stepped else None
    if case is None or case.deleted_at is not None:
        return [], after, True
    lines = [_message(case, event) for event in found]
    after = found[-1].id if found else after
    lines += [_line(after, "step", asdict(whole.steps[-1]))] if whole is not None else []
    ended = case.state not in words.OPEN_STATES and len(found) < events.PAGE
    if ended and not any(event.kind == "state" for event in found[-1:]):
        lines.append(_line(after, "state", _state(case, case.state)))
    return lines, after, ended


def _message(case: Case, event: Event) -> str:
    data: dict[str, Any] = {}
    if event.kind == "state":
        data = _state(case, str(event.data.get("state")), event.data.get("reason"))
    elif event.kind == "step":
        data = asdict(words.told(event))
    return _line(event.id, event.kind, data)


def _state(case: Case, state: str, reason: str | None = None) -> dict[str, Any]:
    """A new state: nothing that an earlier attempt did counts any more."""
    return {"state": state, "words": words.state(state, reason), "ended": state not in words.OPEN_STATES,
            "steps": [asdict(step) for step in words.begun(case, state).values()]}


def _line(number: int, kind: str, data: dict[str, Any]) -> str:
    return f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"


def _number(text: str) -> int:
    return min(int(text), _LARGEST) if text.isascii() and text.isdigit() and len(text) < 20 else 0
