"""`./run soak`: whether work survives its workers. In: a number of captures. Out: what became of each; exit status 1
when one was lost, published twice or not ended, or when a process or a file was left over.

A real service gets work through its API, by default captures of a cheap page, while every two seconds a random process
of it is killed: the server, the nursery that starts the workers, a worker, or a browser.
"""

import argparse
import collections
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

import psutil
from sqlalchemy import select

from bench import site
from report.verify import verify
from web.client import AGAIN, LOST
from web.store import jobs
from web.store.database import Database
from web.store.tables import Case, Event, Job
from web.workers.pool import scratch_for
from web.workers.serve import LOCK

ROOT: Final = Path(__file__).parent.parent
KILL_S: Final = 2.0
"""Between two kills, seconds."""
WEIGHTS: Final = {"server": 1, "nursery": 1, "worker": 4, "browser": 4}
"""As many as there are of each in full work, whatever there is of it just now: else a service that starts would be
killed again and again before it has begun."""
POSTERS: Final = 4
"""Clients at a time."""
LOOK_S: Final = 0.3
"""Between two requests of a client that gets no answer, seconds."""
Work = Literal["page", "import", "nonsense", "cancelled"]
"""A capture; an import of what curl printed; one of what is nothing; a capture that is cancelled when accepted."""
ENDS: Final[dict[Work, tuple[str, ...]]] = {
    "page": ("done", "cut-short"), "import": ("done",), "nonsense": ("failed",),
    "cancelled": ("cancelled", "done", "cut-short")}
"""How work ends; with everything being killed it may also have failed at its last attempt."""
FILES: Final[dict[Work, bytes]] = {
    "import": b"> GET / HTTP/1.1\n> Host: shop.example\n>\n< HTTP/1.1 502 Bad Gateway\n< Server: nginx\n<\n",
    "nonsense": b"\0\1\2"}
"""What is imported."""
PART: Final = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n%b\r\n--x--\r\n'
GIVEN_UP: Final = ("failed", jobs.MAX_ATTEMPTS)
SETTINGS: Final = {"TARGET_HOST_PER_MINUTE": "1000000", "CAPTURES_PER_MINUTE": "1000000", "QUEUE_LENGTH": "1000000",
                   "QUEUE_LENGTH_PER_USER": "1000000", "MIN_FREE_BYTES": "0"}
"""A service that takes everything that comes."""


PORTS: Final = range(20_000, 30_000)


@dataclass
class Service:
    """A service as a process, which can be killed and started again on the same data."""

    data: Path
    workers: int = 2
    more: tuple[str, ...] = ()
    """Further options."""
    address: str = ""
    process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts it and waits until it answers; it keeps its port."""
        port = self.address.rpartition(":")[2].strip("/") or str(_free_port())
        log = self.data.parent / "serve.log"
        with log.open("a") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "gatewitness.py", "serve", "--data", str(self.data), "--port", port, "--workers",
                 str(self.workers), "--allow-network", "127.0.0.0/8", *self.more],
                cwd=ROOT, stdout=subprocess.PIPE, stderr=stream, text=True,
                env={**os.environ, **{f"GATEWITNESS_{name}": value for name, value in SETTINGS.items()}})
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("gatewitness: http"):
            raise SystemExit(f"soak: the service did not start: {' / '.join(log.read_text().splitlines()[-3:])}")
        self.address = line.split()[1]

    def kill(self) -> None:
        """kill -9, and what a service manager does then."""
        assert self.process is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        # On a machine that is busy enough, what was killed is longer about its end than the next one waits for it.
        subprocess.run(["flock", "--timeout", "120", str(self.data / LOCK), "true"], check=True)
        self.start()

    def stop(self) -> int:
        """SIGTERM; returns the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate()
        return self.process.returncode

    def living(self) -> dict[str, list[psutil.Process]]:
        """Its processes by kind, as they are now."""
        assert self.process is not None
        found: dict[str, list[psutil.Process]] = collections.defaultdict(list)
        found["server"] = [psutil.Process(self.process.pid)]
        with contextlib.suppress(psutil.NoSuchProcess):
            found["nursery"] = [p for p in found["server"][0].children() if p.name() == "gw-nursery"]
            found["worker"] = [p for n in found["nursery"] for p in n.children() if p.name() == "gw-worker"]
            found["browser"] = [p for w in found["worker"] for p in w.children() if p.name() != "gw-renderer"]
        return found


def _free_port() -> int:
    """One that nobody gets by chance while the service is down: below those that the system gives out."""
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise SystemExit("soak: no port is free")


@dataclass
class Report:
    """What a soak showed."""

    accepted: dict[str, str] = field(default_factory=dict)
    """Case by the key under which it was asked for."""
    kills: collections.Counter[str] = field(default_factory=collections.Counter)
    """By kind of process."""
    states: collections.Counter[str] = field(default_factory=collections.Counter)
    """Cases by how they ended."""
    attempts: collections.Counter[int] = field(default_factory=collections.Counter)
    """Cases by how often they were tried."""
    wrong: list[str] = field(default_factory=list)
    """Everything that may not be, a sentence each."""
    seconds: float = 0.0
    over: threading.Event = field(default_factory=threading.Event)
    """Set when there is nobody any more who could answer."""


def soak(directory: Path, works: Sequence[Work], kinds: Iterator[str], *, pace: int = 0) -> Report:
    """Runs everything in an empty directory. `kinds`: what is killed, in order; when there is no more, it is left in
    peace, so that it ends on any machine. `pace`: so many jobs end between two kills at least, however slow it is."""
    (directory / "data").mkdir()
    service = Service(directory / "data")
    report, began = Report(), time.monotonic()
    url = site.start()
    service.start()
    try:
        with ThreadPoolExecutor(POSTERS) as posters:
            for number, work in enumerate(works):
                posters.submit(_post, service.address, url, f"soak {number}", work, report)
            try:
                _kill_until_done(service, len(works), report, kinds, pace)
            finally:
                report.over.set()
        report.seconds = time.monotonic() - began
        if service.stop():
            report.wrong.append("the service did not stop by itself")
    finally:
        if service.process is not None and service.process.poll() is None:
            service.process.kill()
    report.wrong += _wrong(service.data, works, report)
    return report


def _post(server: str, url: str, key: str, work: Work, report: Report) -> None:
    try:
        if work in FILES:
            asked = f"{server}api/v1/imports", PART % FILES[work], "multipart/form-data; boundary=x"
        else:
            asked = f"{server}api/v1/captures", json.dumps({"url": url}).encode(), "application/json"
        found = _ask(*asked, key, report.over)
        if work == "cancelled":
            _ask(f"{server}api/v1/captures/{found['id']}/cancel", b"", "application/json", key, report.over)
        report.accepted[key] = found["id"]
    except (urllib.error.HTTPError, TimeoutError) as error:
        report.wrong.append(f"{key} was not accepted: {error}")


def _ask(address: str, body: bytes, kind: str, key: str, over: threading.Event) -> Any:
    """Asks until there is an answer that does not change by asking again; its key makes that safe. TimeoutError when
    there will be none."""
    asked = urllib.request.Request(address, body, {"Content-Type": kind, "Idempotency-Key": key})
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while not over.is_set():
        try:
            with direct.open(asked, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code not in AGAIN:
                raise
        except LOST:
            pass
        over.wait(LOOK_S)
    raise TimeoutError("there was no answer")


def _kill_until_done(service: Service, count: int, report: Report, kinds: Iterator[str], pace: int) -> None:
    database = Database(service.data)
    kind = next(kinds, None)
    while (ended := _ended(database, report)) + len(report.wrong) < count:
        time.sleep(KILL_S)
        victims = service.living()[kind] if kind is not None and ended >= pace * report.kills.total() else ()
        if kind is None or not victims:
            continue
        report.kills[kind] += 1
        if kind == "server":
            service.kill()
        else:
            with contextlib.suppress(psutil.NoSuchProcess):
                random.choice(victims).kill()
        kind = next(kinds, None)
    database.close()


def _ended(database: Database, report: Report) -> int:
    """How much has ended of what was accepted."""
    accepted = set(report.accepted.values())
    with database.reading() as db:
        ended = accepted & set(db.scalars(select(Job.case_id).where(Job.state == "ended")))
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{len(accepted)} accepted, {len(ended)} ended, {report.kills.total()} kills ")
    return len(ended)


def _wrong(data: Path, works: Sequence[Work], report: Report) -> Iterator[str]:
    """Everything that may not be."""
    database = Database(data)
    with database.reading() as db:
        cases = list(db.scalars(select(Case)))
        work = {job.case_id: job for job in db.scalars(select(Job))}
        told = collections.defaultdict(list)
        for event in db.scalars(select(Event).where(Event.kind == "state").order_by(Event.id)):
            told[event.case_id].append(event.data["state"])
    database.close()
    ids = {case.id for case in cases}
    asked = {case_id: works[int(key.split()[1])] for key, case_id in report.accepted.items()}
    if len(asked) != len(works) or ids != asked.keys():
        yield f"{len(works)} keys, {len(asked)} cases accepted, {len(ids)} cases there"
    for case in cases:
        report.states[case.state] += 1
        report.attempts[work[case.id].attempts] += 1
        yield from _wrong_of(case, work[case.id], told[case.id], data / "cases" / case.id)
        kind, tried = asked.get(case.id, "page"), work[case.id].attempts
        if case.state not in ENDS[kind] and (case.state, tried) != GIVEN_UP:
            yield f"{case.id}: {kind}: {case.state} after {tried} attempts: {case.reason}"
    published = {path.name for path in (data / "cases").iterdir()}
    yield from (f"{name}: files of no case" for name in published - ids)
    yield from (f"left over: {path}" for place in ("tmp", "uploads") for path in (data / place).iterdir())
    scratch = scratch_for(data)
    if scratch.exists():
        yield f"left over: {scratch}"
    yield from (f"still runs: {line}" for line in _command_lines() if str(scratch) in line)


def _wrong_of(case: Case, job: Job, told: list[Any], directory: Path) -> Iterator[str]:
    ends = [state for state in told if state in jobs.TERMINAL]
    if case.state not in jobs.TERMINAL or job.state != "ended" or job.payload is not None:
        yield f"{case.id}: not ended: {case.state}, {job.state}"
    if ends != [case.state] or told[-1] != case.state:
        yield f"{case.id}: ended {len(ends)} times: {told}"
    if directory.exists() != (case.state in ("done", "cut-short")):
        yield f"{case.id}: {case.state}, and its files are {'' if directory.exists() else 'not '}there"
    if directory.exists():
        yield from (f"{case.id}: {difference}" for difference in verify(directory))


def _command_lines() -> Iterator[str]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            yield f"{process.pid} {' '.join(process.cmdline())}"


def _dice(seed: int) -> Iterator[str]:
    """Kinds without end."""
    dice = random.Random(seed)
    while True:
        yield dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]


def main() -> int:
    """Prints what became of everything."""
    parser = argparse.ArgumentParser(prog="./run soak", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="gatewitness-soak-") as directory:
        report = soak(Path(directory), ["page"] * options.jobs, _dice(options.seed))
        if report.wrong:
            print((Path(directory) / "serve.log").read_text()[-20_000:])
    print(f"\n{options.jobs} captures in {report.seconds:.0f} s ({options.jobs / report.seconds * 60:.0f} a minute), "
          f"{report.kills.total()} kills: {dict(report.kills)}")
    print(f"ended: {dict(report.states)}; attempts: {dict(sorted(report.attempts.items()))}")
    print("\n".join(report.wrong) or "0 lost, 0 published twice, all ended, nothing left over")
    return 1 if report.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
