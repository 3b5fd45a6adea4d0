"""What the page is asked, one probe a file. In: a DevTools session. Out: the page's own answers, not masked yet.

The questions are asked from a world of our own, which the page cannot tamper with.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from capture.devtools import DevTools, DevToolsError

FACTS = ("title", "text", "charset", "storage_keys", "dom")
"""Probes whose file names are the names of the facts."""
FRAMES = 10
"""Frames asked; vendors show their errors in the first one."""


@dataclass(frozen=True)
class FrameText:
    """A frame inside the page as it shows itself."""

    url: str
    name: str
    text: str | None
    unreachable_url: str | None


@cache
def probe(name: str) -> str:
    """The function of one probe, as source."""
    return (Path(__file__).parent / f"{name}.js").read_text()


def probes(limit: int) -> str:
    """All facts in one question; a probe that throws gives null. `limit` bounds texts, characters."""
    parts = ", ".join(f"{name}: run({probe(name)})" for name in FACTS)
    return (f"(() => {{ const run = (f) => {{ try {{ return f({json.dumps(limit)}); }} catch {{ return null; }} }};"
            f" return {{ {parts} }}; }})()")


async def ask(devtools: DevTools, session: str, frame: str, expression: str, seconds: float) -> Any:
    """The value of an expression in a frame; None when the page does not answer in time."""
    try:
        world = await devtools.call("Page.createIsolatedWorld", session, timeout=seconds, frameId=frame,
                                    worldName="gatewitness")
        answer = await devtools.call("Runtime.evaluate", session, timeout=seconds, returnByValue=True,
                                     expression=expression, contextId=world["executionContextId"])
    except (DevToolsError, TimeoutError):
        return None
    return answer["result"].get("value")


async def frames(devtools: DevTools, session: str, sessions: Mapping[str, str], limit: int, seconds: float
                 ) -> list[FrameText]:
    """Frames inside the page with their text; `sessions` gives the target behind each session of the load.

    What the page opens while it is asked is not looked at.
    """
    others = [(other, target) for other, target in sessions.items() if other != session]
    top, *trees = await asyncio.gather(*(_tree(devtools, one, seconds) for one in (session, *dict(others))))
    found = [(child["frame"], session) for child in top.get("childFrames", [])]
    found += [(tree["frame"], other) for (other, target), tree in zip(others, trees, strict=True)
              if tree.get("frame", {}).get("id") == target]
    question = f"({probe('text')})({limit})"
    texts = await asyncio.gather(*(ask(devtools, where, frame["id"], question, seconds)
                                   for frame, where in found[:FRAMES]))
    return [FrameText(frame["url"], frame.get("name", ""), text, frame.get("unreachableUrl"))
            for (frame, _), text in zip(found, texts, strict=False)]


async def _tree(devtools: DevTools, session: str, seconds: float) -> dict[str, Any]:
    """The frames of a session; nothing for a worker, which has none."""
    try:
        tree: dict[str, Any] = (await devtools.call("Page.getFrameTree", session, timeout=seconds))["frameTree"]
    except (DevToolsError, TimeoutError):
        return {}
    return tree
