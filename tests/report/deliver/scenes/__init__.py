"""Trackers as they behave, kept in memory behind the validating mock, one file a tracker. In: nothing. Out: SCENES.

Each file has `SCENES`: functions by name, found by being there; each starts a mock whose answers are true to what was
sent before, and gives a Scene. test_faults.py runs all of its tests over all of them:

    def _issue(start: Start) -> Scene:
        kept = _Kept()                                        # comments, files: what the tracker holds
        mock = start("gitea", base="/api/v1", answers={COMMENT: kept.comment, COMMENTS: lambda _: kept.comments, ...})
        return Scene(mock, ticket=f"gitea+{mock.origin}/o/r/issues/5", place=f"gitea+{mock.origin}/o/r",
                     write=COMMENT, create=ISSUE, upload=ASSET, texts=kept.texts, files=kept.files)

    SCENES = {"gitea": _issue}

A tracker that has no description to be validated against, or speaks no HTTP, is no scene: it tests its faults itself.
"""

import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import httpx

from report.deliver.base import Credential, Door, Tracker
from report.deliver.ladder import HAR, HTML, PDF, Offer
from report.deliver.parcel import Parcel
from report.deliver.targets import find
from report.deliver.trackers import trackers
from report.markup.blocks import Code, Facts, Paragraph, Strong, Text
from tests.report.deliver.mock import Mock

SECRET: Final = "s3cret-token-that-nobody-may-see"
CONTENT: Final = {PDF: b"%PDF-1.7\n" + bytes(range(256)) * 12, HTML: b"<!doctype html>" + b"x" * 3000,
                  HAR: b'{"log": {}}' + b" " * 2500}
"""Of every parcel; each is larger than what is let through before a cut."""
TYPES: Final = {PDF: "application/pdf", HTML: "text/html", HAR: "application/json"}
Start = Callable[..., Mock]
"""As `Mock` is called; the mock ends with the test."""


@dataclass(frozen=True)
class Scene:
    """One tracker, with what it holds."""

    mock: Mock
    ticket: str
    """Address of a ticket that is there and has no text of ours, as people would give it."""
    place: str | None
    """Address of a project; None: the tracker makes no tickets."""
    write: str
    """Operation that writes the text to the ticket."""
    create: str | None
    """Operation that makes a ticket; None: the tracker makes none."""
    upload: str | None
    """Operation that takes a file; None: it takes none."""
    texts: Callable[[], list[str]]
    """What we wrote, as it stands there now: one for each comment or new ticket."""
    files: Callable[[], list[tuple[str, bytes]]]
    """Names and bytes of the files that it has now."""
    options: Mapping[str, str] = field(default_factory=dict)
    user: str | None = None
    """Of the credential."""
    tried: frozenset[str] = frozenset()
    """Operations whose errors another scene of the same tracker tries."""
    stays: bool = False
    """What was uploaded and is named by no text may stay: the tracker forgets it by itself or takes nothing back."""


class Patience:
    """Time that passes by waiting only."""

    def __init__(self) -> None:
        self.most_s = 120.0
        self.waited: list[float] = []

    def sleep(self, seconds: float) -> None:
        """Waits without waiting."""
        self.waited.append(seconds)

    def clock(self) -> float:
        """Seconds."""
        return sum(self.waited)


def tracker(scene: Scene, address: str | None, client: httpx.Client, patience: Patience) -> Tracker:
    """The adapter under test at an address of the scene."""
    assert address is not None
    target = find(address, {}, scene.options).target
    door = Door(client, _no_dial, patience.most_s, sleep=patience.sleep, clock=patience.clock)
    return trackers()[target.kind](target, Credential(SECRET, scene.user), door)


def parcel(directory: Path, case: str = "GW-0000-0001", failure: str = "f00dcafe") -> Parcel:
    """A small parcel with three files."""
    for name, content in CONTENT.items():
        (directory / name).write_bytes(content)
    offers = {name: Offer(name, TYPES[name], "in words", directory / name) for name in CONTENT}
    blocks = (Paragraph((Strong("The proxy answered 502 itself."),)), Paragraph((Text("Path: browser → proxy"),)),
              Facts(((Text("Case"), (Code(case),)),)))
    return Parcel(case, failure, "shop.example: 502 Bad Gateway (nginx)", blocks, "2026-11-21 03:12 UTC",
                  {"url": "https://shop.example/", "summary": "The proxy answered 502 itself.", "status": 502,
                   "vendor": "nginx", "vendor_code": None, "fault": "502", "certainty": "proven", "request_id": None,
                   "captured_at": "2026-11-21T03:12:00+00:00"}, offers)


def named(case: str, *names: str) -> list[tuple[str, bytes]]:
    """The files of a parcel as trackers have them, in the order of their names."""
    return sorted((f"{case}-{name}", CONTENT[name]) for name in names or CONTENT)


def scenes() -> Mapping[str, Callable[[Start], Scene]]:
    """All of them."""
    modules = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return {name: scene for module in modules for name, scene in module.SCENES.items()}


def _no_dial(*_: Any) -> Any:
    raise AssertionError("trackers with an HTTP API dial by the client")
