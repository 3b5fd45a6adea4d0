"""Pages that attack whoever looks at them end in time, with a dossier that names what was stopped, and no process left.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from capture.pipeline import capture
from capture.record.page import PageLoad
from capture.record.request import CaptureRequest, Limits
from report.dossier import build
from tests.hostile import PAGES, TALL_PX, HostileSite
from tests.processes import no_process_left

pytestmark = pytest.mark.browser

LIMITS = Limits(total_s=60, commit_s=30, load_s=2, idle_s=1, evaluate_s=2, screenshot_s=5, probe_s=2,
                connection_idle_s=3, body_bytes=1_000_000, down_bytes=8_000_000, console_entries=200)
"""Short where a page may keep us waiting, long where a busy machine may."""
TALL_LIMITS = LIMITS.model_copy(update={
    "load_s": 30.0, "evaluate_s": 30.0, "screenshot_s": 30.0, "screenshot_height_px": 10_000})
"""Two tiles, so that they have to be put together."""
OWN_LIMITS = {
    "never-answers": LIMITS.model_copy(update={"commit_s": 2.0}),
    "endless-body": LIMITS.model_copy(update={"load_s": 30.0}),
    "popup-storm": LIMITS.model_copy(update={"load_s": 30.0}),
    "renderer-crash": LIMITS.model_copy(update={"load_s": 30.0}),
}
"""Of pages that come to their end by themselves, and of the one that never begins."""
SLACK_S = 30.0
"""For the start of the browser and the sealing, on a busy machine."""


@dataclass(frozen=True)
class Seen:
    """What one capture of a hostile page came to."""

    load: PageLoad
    limits: set[str]
    seconds: float
    html: str


async def look(name: str, directory: Path, limits: Limits = LIMITS) -> Seen:
    """Captures a hostile page and makes its dossier; fails the test when a process outlives it."""
    started = time.monotonic()
    async with HostileSite() as site, no_process_left():
        request = CaptureRequest(url=site.url(name), allow_networks=("127.0.0.1/32",), limits=limits)
        evidence = (await capture(request, directory)).evidence
    seconds = time.monotonic() - started
    dossier = build(directory, pdf=False)
    assert [step.reason for step in evidence.steps if step.status == "failed"] == []
    return Seen(evidence.pages[0], {hit.limit for hit in evidence.limits_hit}, seconds,
                dossier.paths["dossier.html"].read_text())


ENDS = {
    "alert-loop": ({"load-timeout", "stopped"}, {"dialogs"}),
    "cpu-spin": ({"load-timeout"}, {"load_s"}),
    # The browser itself keeps a page from opening windows that nobody asked for.
    "popup-storm": ({"load"}, set()),
    "endless-body": ({"broken-off", "load-timeout"}, {"down_bytes"}),
    "drip": ({"load-timeout"}, {"load_s"}),
    "never-answers": ({"commit-timeout"}, {"commit_s"}),
    "gzip-bomb": ({"load-timeout", "crashed"}, {"load_s", "body_bytes", "text_chars"}),
    "console-flood": ({"load", "load-timeout"}, {"console_entries"}),
    "renderer-crash": ({"crashed"}, set()),
}
"""How the load may end, and the limits of which the dossier must name one."""


def within_limits(seen: Seen) -> bool:
    """Whether nothing that is bounded went past its bound, time included."""
    load = seen.load
    return (seen.seconds < LIMITS.total_s + SLACK_S and load.popups_count <= LIMITS.popups
            and len(load.console) <= LIMITS.console_entries and len(load.dialogs) <= LIMITS.dialogs
            and len(load.exchanges) <= LIMITS.exchanges and "<h1" in seen.html)


@pytest.mark.parametrize("name", ENDS)
async def test_a_hostile_page_ends_in_time_with_a_dossier_that_says_what_was_stopped(name: str, tmp_path: Path) -> None:
    ends, limits = ENDS[name]
    seen = await look(name, tmp_path / "bundle", OWN_LIMITS.get(name, LIMITS))
    assert seen.load.ended in ends
    assert not limits or limits & seen.limits
    assert within_limits(seen)


async def test_the_picture_of_a_tall_page_is_cut_and_says_where(tmp_path: Path) -> None:
    seen = await look("tall-page", tmp_path / "bundle", TALL_LIMITS)
    assert seen.load.ended == "load"
    assert seen.load.screenshot_full is not None
    assert seen.load.screenshot_full.cut_at_px == TALL_LIMITS.screenshot_height_px
    assert seen.load.screenshot_full.page_height_px == TALL_PX
    assert seen.load.screenshot_full.blank is False
    assert "screenshot_height_px" in seen.limits
    assert within_limits(seen)


@pytest.mark.lab
@pytest.mark.parametrize("name", sorted(set(PAGES) - {*ENDS, "tall-page"}))
async def test_every_other_hostile_page_ends_in_time_with_a_dossier(name: str, tmp_path: Path) -> None:
    assert within_limits(await look(name, tmp_path / "bundle"))
