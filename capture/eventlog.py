"""The append-only log of what the browser reported. In: masked events. Out: `events.jsonl`, every line chained.

Whatever happens to us or to the browser, what was recorded by then lies on disk.
"""

import hashlib
import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any

NAME = "events.jsonl"


class EventLog:
    """Writes one JSON line an event: `t` seconds since the start, `s` session, `m` method, `p` parameters, and `h`,
    the first 16 hexadecimal digits of the SHA-256 of the line before."""

    def __init__(self, path: Path, limit_bytes: int, started: float) -> None:
        """Opens the log; `started` is the capture's start on the monotonic clock."""
        self._stream = path.open("wb", buffering=0)
        self._limit = limit_bytes
        self._started = started
        self._previous = ""
        self.size = 0
        self.dropped = 0

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
                 ) -> None:
        self._stream.close()

    def append(self, session: str, method: str, params: dict[str, Any]) -> None:
        """Adds one event, or only counts it when the log is full; raises OSError when the disk is."""
        line = json.dumps({"t": round(time.monotonic() - self._started, 4), "s": session[:8], "m": method, "p": params,
                           "h": self._previous}, ensure_ascii=False, separators=(",", ":")) + "\n"
        data = line.encode("utf-8", "backslashreplace")
        if self.size + len(data) > self._limit:
            self.dropped += 1
            return
        self._stream.write(data)
        self.size += len(data)
        self._previous = hashlib.sha256(data).hexdigest()[:16]


def rewrite(data: bytes, mask: Any) -> bytes:
    """The log once more with `mask` applied to every line and the chain made anew."""
    lines, previous = [], ""
    for raw in data.splitlines():
        event = json.loads(raw)
        line = json.dumps({**event, "p": mask(event["p"]), "h": previous}, ensure_ascii=False, separators=(",", ":"))
        encoded = (line + "\n").encode("utf-8", "backslashreplace")
        previous = hashlib.sha256(encoded).hexdigest()[:16]
        lines.append(encoded)
    return b"".join(lines)
