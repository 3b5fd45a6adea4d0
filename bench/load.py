"""`python -m bench.load`: how fast the service answers while it captures. In: requests a second, for how long. Out:
p50, p95 and p99 of form and case page; exit status 1 when a p95 is past its target.

Requests leave at their times whether or not the ones before were answered: a service that stalls cannot hide it. Two
captures run all the while.
"""

import argparse
import asyncio
import statistics
import sys
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
WAITING: Final = 4
"""Captures that are asked for ahead, so that both workers always have one."""


async def measure(address: str, paths: dict[str, str], rate: float, seconds: float) -> dict[str, list[float]]:
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


def main() -> int:
    """Prints a line a page."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--seconds", type=float, default=30.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gatewitness-load-") as directory:
        (Path(directory) / "data").mkdir()
        service = Service(Path(directory) / "data")
        service.start()
        client, stop, url = Client(service.address, patience_s=600), threading.Event(), site.start()
        case = client.wait(client.submit({"url": url}, "first"))
        feeder = threading.Thread(target=feed, args=(client, url, stop))
        feeder.start()
        try:
            paths = {"form": "/", "case page": f"/cases/{case['id']}"}
            took = asyncio.run(measure(service.address, paths, options.rate, options.seconds))
        finally:
            stop.set()
            feeder.join()
            service.stop()
    missed = False
    for name, all_of_it in took.items():
        cuts = statistics.quantiles(all_of_it, n=100)
        missed |= cuts[94] > TARGET_MS
        print(f"{name:10} {len(all_of_it)} answers: p50 {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms"
              f" (target p95 {TARGET_MS:.0f} ms)")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
