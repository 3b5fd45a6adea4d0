"""`./run bench --service`: captures a minute of a service with two workers, dossier with PDF included, beside a bare
Playwright loop of two that starts a browser for each page, and one of two that keeps theirs. In: a number of rounds.
Out: a table; whether the target is held.

The page answers at once, which leaves nothing but work to be counted; and once more after a second, as pages do. Beside
the ratios stands where the time goes. Processor time says the same on a machine that has other work, too.
"""

import asyncio
import contextlib
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from playwright.async_api import Playwright, async_playwright
from sqlalchemy import func, select

from bench import bare, site
from bench.soak import Service
from capture import chromium
from web.client import Client
from web.store.database import Database
from web.store.tables import Case, Event
from web.workers.processes import adopt_orphans

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


@dataclass(frozen=True)
class Turn:
    """What one round of one kind took."""

    a_minute: float
    """Captures or pages a minute."""
    processor_s: tuple[float, ...]
    """Processor time of each: of a service that of the server, of the nursery, of all below it."""
    capture_s: float = 0.0
    """Of a service: median from the first step that ends to the last."""
    dossier_s: float = 0.0
    """And from there until it is published."""


def bare_turn(url: str, *, fresh: bool) -> Turn:
    """As many bare loops as there are workers; the start of Playwright counts as processor time only."""
    async def loops() -> float:
        async with async_playwright() as playwright:
            began = time.perf_counter()
            await asyncio.gather(*(_loop(playwright, url, COUNT // WORKERS, fresh=fresh) for _ in range(WORKERS)))
            return time.perf_counter() - began

    before = _spent()
    took = asyncio.run(loops())
    return Turn(COUNT / took * 60, ((_spent() - before) / COUNT,))


def _spent() -> float:
    """Processor time of this process and of all below it that have ended, seconds."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:  # what a browser that was closed has left; see adopt_orphans
            pass
    both = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(used.ru_utime + used.ru_stime for used in both)


def served_turn(service: Service, url: str, turn: str) -> Turn:
    """From the first capture that is asked for to the last that is published."""
    client, database = Client(service.address), Database(service.data)
    before, began = _spent_by(service), time.perf_counter()
    asked = {client.submit({"url": url}, f"{turn} {number}")["id"] for number in range(COUNT)}
    states: list[str] = []
    while len(states) < COUNT:
        time.sleep(LOOK_S)
        with database.reading() as db:
            states = list(db.scalars(select(Case.state).where(Case.id.in_(asked), Case.finished_at.is_not(None))))
    took = time.perf_counter() - began
    spent = tuple((after - then) / COUNT for then, after in zip(before, _spent_by(service), strict=True))
    captures, dossiers = _phases(database, asked)
    database.close()
    if set(states) != {"done"}:
        raise SystemExit(f"bench: captures ended as {sorted(states)}")
    return Turn(COUNT / took * 60, spent, captures, dossiers)


def _spent_by(service: Service) -> tuple[float, float, float]:
    """Processor time of the server, of its nursery, and of all below that have ended, seconds."""
    found = service.living()
    server, nursery = (found[kind][0].cpu_times() for kind in ("server", "nursery"))
    return (server.user + server.system, nursery.user + nursery.system,
            nursery.children_user + nursery.children_system)


def _phases(database: Database, asked: Collection[str]) -> tuple[float, float]:
    """Medians from the first step to the last and from there to the end, seconds."""
    def at(kind: str, order: int) -> dict[str, float]:
        """When the first (1) or the last (-1) event of that kind was, by case."""
        pick = func.min if order > 0 else func.max
        rows = db.execute(select(Event.case_id, pick(Event.at)).where(Event.case_id.in_(asked), Event.kind == kind)
                          .group_by(Event.case_id))
        return {case_id: moment.timestamp() for case_id, moment in rows}

    with database.reading() as db:
        first, stepped, ended = at("step", 1), at("step", -1), at("state", -1)
    return (statistics.median(stepped[case] - first[case] for case in asked),
            statistics.median(ended[case] - stepped[case] for case in asked))


def measure(rounds: int) -> bool:
    """Prints medians and ratios; False when the target is missed."""
    held = True
    adopt_orphans()
    address = site.start()
    with tempfile.TemporaryDirectory() as directory:
        service = Service(Path(directory) / "data", workers=WORKERS)
        service.data.mkdir()
        service.start()
        client = Client(service.address)
        for case in [client.submit({"url": address}, f"warm {number}") for number in range(2 * WORKERS)]:
            client.wait(case)
        for delay in DELAYS_MS:
            url = f"{address}?{delay}"
            turns = [(served_turn(service, url, f"{delay} {turn}"), bare_turn(url, fresh=True),
                      bare_turn(url, fresh=False)) for turn in range(rounds)]
            ours, fresh, kept = zip(*turns, strict=True)
            held &= _show(delay, ours, fresh, kept) >= TARGET or delay > 0
        service.stop()
    return held


def _show(delay: int, ours: tuple[Turn, ...], fresh: tuple[Turn, ...], kept: tuple[Turn, ...]) -> float:
    """Prints a page of that delay; returns the ratio to the loop that starts a browser for each."""
    rates = [statistics.median(turn.a_minute for turn in turns) for turns in (ours, fresh, kept)]
    spent = [statistics.median(sum(turn.processor_s) for turn in turns) for turns in (ours, fresh, kept)]
    ratio = rates[0] / rates[1]
    target = "" if delay else f" (target x {TARGET:g}: {'held' if ratio >= TARGET else 'MISSED'})"
    print(f"page after {delay:,} ms: service {rates[0]:.1f} a minute; a browser each {rates[1]:.1f}: x {ratio:.2f}"
          f"{target}; one kept {rates[2]:.1f}: x {rates[0] / rates[2]:.2f}")
    server, nursery, below = map(statistics.median, zip(*(turn.processor_s for turn in ours), strict=True))
    print(f"  processor time of each: service {spent[0]:.2f} s (server {server:.2f}, nursery {nursery:.2f}, workers "
          f"and all below {below:.2f}); a browser each {spent[1]:.2f}: x {spent[1] / spent[0]:.2f}; "
          f"one kept {spent[2]:.2f}: x {spent[2] / spent[0]:.2f}")
    capture = statistics.median(turn.capture_s for turn in ours)
    dossier = statistics.median(turn.dossier_s for turn in ours)
    print(f"  time of each worker: steps {capture:.2f} s, the rest until it is published {dossier:.2f}, "
          f"until the next one has its first step {60 * WORKERS / rates[0] - capture - dossier:.2f}")
    return ratio
