"""`./run bench --pictures CASES_DIR`: recorded responses judged by their screenshots alone, headers and text withheld.

In: a folder of cases (bench/cases.py); what lies under its `assets` is served to the pages. Each body is drawn once and
kept in the temporary directory. Out: scores, false accusations, times; False when a target is missed.
"""

import asyncio
import hashlib
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bench.cases import SURE, Case, cases
from bench.pagetext import rendered
from bench.shots import Body, Camera
from report.signatures import Vendor, vendors
from report.visual import Sight, look
from report.visual.claims import Page, spoken_for
from report.visual.ocr import THREADS, Line, Text

GENERATOR: Final = 0.85
LAYOUT_MS: Final = 300.0
READ_MS: Final = 1_500.0
_MIMES: Final = {".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png"}
_PLAIN: Final = {"app", "amazon", "application", "azure", "cloud", "default", "front", "gateway", "google", "java",
                 "load", "balancer", "microsoft", "node", "pages", "service", "server", "express", "http"}
"""Words of vendors' names that pages say anyway."""


def measure(folder: Path) -> bool:
    """Prints the table; False when a target is missed."""
    known = cases(folder)
    pictures = asyncio.run(_drawn(known, folder))
    made = {vendor.slug: vendor for vendor in vendors()}
    look(pictures[known[0].id])  # loads the models
    worked = -time.process_time() * 1000
    seen = {case.id: _timed(pictures[case.id], ocr=None) for case in known}
    worked += time.process_time() * 1000
    layout = [_timed(pictures[case.id], ocr=False)[1] for case in known]
    scored = [case for case in known if _shows(case, made.get(case.expected["generator"]))]
    right = [case for case in scored if seen[case.id][0].vendor == case.expected["generator"]]
    accused = [case for case in known if _accuses(case, seen[case.id][0])]
    share = len(right) / max(1, len(scored))
    print(f"named by the picture alone   {len(right)}/{len(scored)} = {share:.2f}   target {GENERATOR}")
    for field in ("vendor_code", "request_id"):
        print(f"{field:<29}{_fields(scored, seen, field)}")
    print(f"false accusations            {len(accused)}   {' '.join(case.id for case in accused)}")
    _lists(known, scored, seen)
    print(f"processor time with words read {worked / len(known):.0f} ms on average, over {THREADS} threads")
    return _times(layout, [took for _, took in seen.values()]) and share >= GENERATOR and not accused


def _lists(known: list[Case], scored: list[Case], seen: dict[str, tuple[Sight, float]]) -> None:
    for case in scored:
        sight = seen[case.id][0]
        if sight.vendor != case.expected["generator"]:
            print(f"  missed {case.id}: {sight.vendor} ({sight.certainty}, {sight.rule})")
    left = [case for case in known if case not in scored]
    print(f"left out, because neither name nor words of the writer are visible: {len(left)}")
    for case in left:
        sight = seen[case.id][0]
        print(f"  {case.id}: {case.expected['generator']}, picture says {sight.vendor} ({sight.certainty})")


def _times(layout: list[float], read: list[float]) -> bool:
    for name, times, limit in (("layout and colours", layout, LAYOUT_MS), ("with words read", read, READ_MS)):
        print(f"{name:<22}{statistics.median(times):7.0f} ms median {max(times):7.0f} ms longest   "
              f"target {limit:.0f} ms")
    return statistics.median(layout) <= LAYOUT_MS and statistics.median(read) <= READ_MS


def _timed(png: bytes, ocr: bool | None) -> tuple[Sight, float]:
    started = time.perf_counter()
    sight = look(png, ocr=ocr)
    return sight, (time.perf_counter() - started) * 1000


def _shows(case: Case, vendor: Vendor | None) -> bool:
    """Whether a reader of the visible text would find the writer's name, or words that only its pages have."""
    if vendor is None or vendor.slug == "custom-app" or not case.body:
        return False
    text = rendered(case.body)[1]
    names = {word for word in re.split(r"[\W_]+", f"{vendor.name} {vendor.slug}".lower()) if len(word) > 3} - _PLAIN
    if names & set(re.split(r"[\W_]+", text.lower())):
        return True
    page = Page(Text(tuple(Line(line, (0, 0, 1, 1)) for line in text.splitlines())))
    return vendor.slug in spoken_for(page, vendors())


def _accuses(case: Case, sight: Sight) -> bool:
    return sight.certainty in SURE and sight.vendor is not None and sight.vendor != case.expected["generator"]


def _fields(scored: Iterable[Case], seen: dict[str, tuple[Sight, float]], field: str) -> str:
    """How many values that stand in the visible text were read right; letters that readers mix up are told apart."""
    asked = [(str(case.expected[field]), seen[case.id][0]) for case in scored
             if case.expected.get(field) and str(case.expected[field]) in rendered(case.body or "")[1]]
    told = [(sight.code if field == "vendor_code" else sight.request_id) == want for want, sight in asked]
    return f"{sum(told)}/{len(told)}"


async def _drawn(known: list[Case], folder: Path) -> dict[str, bytes]:
    """A picture of every case; those drawn before are taken from the temporary directory."""
    files = {"/" + path.relative_to(folder / "assets").as_posix():
             Body(path.read_bytes(), _MIMES.get(path.suffix, "application/octet-stream"))
             for path in folder.joinpath("assets").rglob("*") if path.is_file()}
    kept = Path(tempfile.gettempdir()) / "gatewitness-bench-pictures"
    kept.mkdir(exist_ok=True)
    paths = {case.id: kept / f"{_key(case, files)}.png" for case in known}
    missing = [case for case in known if not paths[case.id].exists()]
    if missing:
        camera = await Camera.start(files)
        try:
            for case in missing:
                kinds = [value for name, value in case.headers if name.lower() == "content-type"]
                body = Body((case.body or "").encode(), kinds[0] if kinds else "text/html; charset=utf-8", case.status)
                paths[case.id].write_bytes(await camera.shoot(body))
        finally:
            await camera.close()
    return {case.id: paths[case.id].read_bytes() for case in known}


def _key(case: Case, files: dict[str, Body]) -> str:
    inputs = json.dumps([case.status, case.headers, case.body, sorted(files)])
    return hashlib.sha256(inputs.encode()).hexdigest()[:24]
