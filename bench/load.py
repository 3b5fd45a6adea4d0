"""`./run bench --load`: how fast the service answers while it captures. In: requests a second, for how long. Out: p50,
p95 and p99 of form and case page, and the processor time of each; whether the target is held.

Requests leave at their times whether or not the ones before were answered: a service that stalls cannot hide it. Two
captures run all the while.
"""

import asyncio
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bench import site
from bench.soak import Service
from web.client import Client

TARGET_MS: Final = 50.0
RATE: Final = 50.0
"""Requests a second."""
SECONDS: Final = 30.0
ALONE: Final = 100
"""Requests of each page before the captures begin, for its processor time."""
WAITING: Final = 4
"""Captures that are asked for ahead, so that both workers always have one."""


async def ask_all(address: str, paths: dict[str, str], rate: float, seconds: float) -> dict[str, list[float]]:
    """Milliseconds of every answer, by page; the pages are asked for in turn."""
    took: dict[str, list[float]] = {name: [] for name in paths}
    names, running, began = list(paths), set[asyncio.Task[None]](), time.perf_counter()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
        name = names[number % len(names)]
        running.add(asyncio.create_task(_ask(address, paths[name], took[name])))
    await asyncio.gather(*running)
    return took


async def _ask(address: str, path: str, took: list[float]) -> None:
    parts = urlsplit(address)
    began = time.perf_counter()
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise SystemExit(f"bench: {path} was answered {answer[:40]!r}")
    took.append((time.perf_counter() - began) * 1000)


def feed(client: Client, url: str, stop: threading.Event) -> None:
    """Keeps captures waiting until it is told to stop."""
    number = 0
    waiting = [client.submit({"url": url}, f"load-{number}")]
    while not stop.is_set():
        while len(waiting) < WAITING:
            number += 1
            waiting.append(client.submit({"url": url}, f"load-{number}"))
        client.wait(waiting.pop(0))


async def processor_ms(service: Service, path: str) -> float:
    """Processor time of the server for one answer, milliseconds, when it does nothing else."""
    server = service.living()["server"][0]
    before = server.cpu_times()
    for _ in range(ALONE):
        await _ask(service.address, path, [])
    after = server.cpu_times()
    return (after.user + after.system - before.user - before.system) * 1000 / ALONE


def measure() -> bool:
    """Prints a line a page; False when a p95 is past its target."""
    with tempfile.TemporaryDirectory(prefix="gatewitness-load-") as directory:
        service = Service(Path(directory) / "data")
        service.data.mkdir()
        service.start()
        client, stop, url = Client(service.address, patience_s=600), threading.Event(), site.start()
        feeder = threading.Thread(target=feed, args=(client, url, stop))
        try:
            case = client.wait(client.submit({"url": url}, "first"))
            paths = {"form": "/", "case page": f"/cases/{case['id']}"}
            alone = {name: asyncio.run(processor_ms(service, path)) for name, path in paths.items()}
            feeder.start()
            took = asyncio.run(ask_all(service.address, paths, RATE, SECONDS))
        finally:
            stop.set()
            if feeder.ident is not None:
                feeder.join()
            service.stop()
    return all([_show(name, sorted(times), alone[name]) for name, times in took.items()])


def _show(name: str, times: list[float], alone: float) -> bool:
    cuts = statistics.quantiles(times, n=100)
    held = cuts[94] <= TARGET_MS
    print(f"{name:10} {len(times)} answers: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms "
          f"(target p95 {TARGET_MS:.0f} ms: {'held' if held else 'MISSED'}); processor time of one {alone:.1f} ms")
    return held
