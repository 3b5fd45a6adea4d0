"""`./run bench --service`: captures a minute of a service with two workers, dossier with PDF included, beside a bare
Playwright loop of two that starts a browser for each page, and one of two that keeps theirs. In: a number of rounds.
Out: a table; whether the target is held.

The page answers at once, which leaves nothing but work to be counted; and once more after a second, as pages do.
"""

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Final

from playwright.async_api import Playwright, async_playwright
from sqlalchemy import select

from bench import bare, site
from bench.soak import Service
from capture import chromium
from web.client import Client
from web.store.database import Database
from web.store.tables import Case

WORKERS: Final = 2
COUNT: Final = 16
"""Captures of one round, of each kind."""
TARGET: Final = 0.8
"""Of the loop that starts a browser for each page."""
DELAYS_MS: Final = (0, 1000)
LOOK_S: Final = 0.05
"""Between two looks whether everything is done, seconds."""


async def _loop(playwright: Playwright, url: str, count: int, *, fresh: bool) -> None:
    """One of the loops, `count` pages one after the other."""
    executable = chromium.find().path
    kept = None if fresh else await playwright.chromium.launch(executable_path=executable)
    for _ in range(count):
        browser = kept or await playwright.chromium.launch(executable_path=executable)
        with tempfile.TemporaryDirectory() as directory:
            await bare.once(browser, url, Path(directory))
        if kept is None:
            await browser.close()
    if kept is not None:
        await kept.close()


async def bare_a_minute(url: str, *, fresh: bool) -> float:
    """Pages a minute of so many bare loops as there are workers; the start of Playwright is not counted."""
    async with async_playwright() as playwright:
        began = time.perf_counter()
        await asyncio.gather(*(_loop(playwright, url, COUNT // WORKERS, fresh=fresh) for _ in range(WORKERS)))
        return COUNT / (time.perf_counter() - began) * 60


def served_a_minute(service: Service, url: str, turn: str) -> float:
    """Captures a minute, from the first that is asked for to the last that is published."""
    client, database = Client(service.address), Database(service.data)
    began = time.perf_counter()
    asked = {client.submit({"url": url}, f"{turn} {number}")["id"] for number in range(COUNT)}
    states: list[str] = []
    while len(states) < COUNT:
        time.sleep(LOOK_S)
        with database.reading() as db:
            states = list(db.scalars(select(Case.state).where(Case.id.in_(asked), Case.finished_at.is_not(None))))
    took = time.perf_counter() - began
    database.close()
    if set(states) != {"done"}:
        raise SystemExit(f"bench: captures ended as {sorted(states)}")
    return COUNT / took * 60


def measure(rounds: int) -> bool:
    """Prints medians and ratios; False when the target is missed."""
    held = True
    address = site.start()
    with tempfile.TemporaryDirectory() as directory:
        service = Service(Path(directory) / "data", workers=WORKERS)
        service.data.mkdir()
        service.start()
        served_a_minute(service, address, "thrown away")
        for delay in DELAYS_MS:
            url = f"{address}?{delay}"
            turns = [(served_a_minute(service, url, f"{delay} {turn}"), asyncio.run(bare_a_minute(url, fresh=True)),
                      asyncio.run(bare_a_minute(url, fresh=False))) for turn in range(rounds)]
            ours, fresh, kept = (statistics.median(column) for column in zip(*turns, strict=True))
            held &= delay > 0 or ours / fresh >= TARGET
            target = "" if delay else f" (target x {TARGET:g})"
            print(f"page after {delay:,} ms: service {ours:.1f} a minute; a browser each {fresh:.1f}: "
                  f"x {ours / fresh:.2f}{target}; one kept {kept:.1f}: x {ours / kept:.2f}")
        service.stop()
    return held
