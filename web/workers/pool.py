"""Warm workers, as the server sees them. In: orders. Out: what the workers tell; nothing of them when they are ended.

The nursery (nursery.py) is started with the first worker, and anew when it died; it gets nothing of our environment but
what a browser needs.
"""

import contextlib
import hashlib
import json
import logging
import os
import select
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import psutil
from pydantic import ValidationError

from capture.browser import scratch_directory
from report.pdf import SAME_BYTES
from web.workers.processes import end_tree
from web.workers.protocol import MESSAGE_BYTES, Order, Told

ROOT: Final = Path(__file__).resolve().parents[2]
KEPT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "FONTCONFIG_PATH",
               "FONTCONFIG_FILE", "XDG_CACHE_HOME", "SSL_CERT_FILE", "SSL_CERT_DIR", "PLAYWRIGHT_BROWSERS_PATH",
               "GATEWITNESS_BROWSER")
"""Variables that the nursery gets."""
LINE_BYTES: Final = 1 << 20
"""Longest line of a worker; one that says more is out of order."""
END_S: Final = 10.0
"""Time for a worker to be gone after it was told to end; then the nursery itself is out of order, seconds."""
LONGEST_SCRATCH: Final = 19
"""The browser puts a socket below its profile, and the path of a socket has at most 107 characters (unix(7))."""
log = logging.getLogger(__name__)


class WorkerGone(Exception):
    """The worker has ended, or says what no worker of ours says."""


class Worker:
    """One single-use worker. One thread listens to it; any may kill it."""

    def __init__(self, number: int, nursery: "_Nursery", orders: int, told: int) -> None:
        """Use `Pool.worker`."""
        self.number = number
        self.pid: int | None = None
        self.ended = threading.Event()
        """Set when nothing of it is there any more."""
        self._nursery = nursery
        self._orders = orders
        self._told = told
        self._heard = bytearray()
        self._closing = threading.Lock()

    def give(self, order: Order) -> None:
        """Gives it its one job; raises WorkerGone."""
        data = order.model_dump_json().encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._orders, data):]
        except OSError as error:
            raise WorkerGone("the worker ended before it had its job") from error

    def told(self, timeout_s: float) -> Told:
        """The next thing that it says; raises WorkerGone when there will be none, TimeoutError."""
        end = time.monotonic() + timeout_s
        while b"\n" not in self._heard:
            self._hear(max(end - time.monotonic(), 0.0))
        line, _, rest = bytes(self._heard).partition(b"\n")
        self._heard = bytearray(rest)
        try:
            return Told.model_validate_json(line)
        except ValidationError as error:
            raise WorkerGone("the worker said what no worker of ours says") from error

    def kill(self) -> None:
        """Ends it with everything below it, now; returns at once."""
        self._nursery.tell(self.number, "kill")

    def close(self) -> None:
        """Ends it and waits until nothing of it is there any more; a second call does nothing."""
        with self._closing:
            if self._told < 0:
                return
            self.kill()
            if not self.ended.wait(END_S):
                log.error("worker %d did not end in %g s; the nursery is started anew", self.number, END_S)
                self._nursery.end()
            os.close(self._orders)
            os.close(self._told)
            self._orders = self._told = -1

    def _hear(self, timeout_s: float) -> None:
        poll = select.poll()
        poll.register(self._told, select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            raise TimeoutError
        data = os.read(self._told, LINE_BYTES)
        if not data or len(self._heard) + len(data) > 2 * LINE_BYTES:
            raise WorkerGone("the worker ended in the middle of its work")
        self._heard += data


class Pool:
    """Makes workers; safe to use from many threads."""

    def __init__(self, scratch: Path, lock: int | None = None) -> None:
        """`scratch`: directory for what is temporary, ours alone, emptied here. `lock`: a file that is held open until
        everything below has ended, also when this process is killed."""
        self._scratch = scratch
        self._lock = lock
        self._guard = threading.Lock()
        self._nursery: _Nursery | None = None
        self._count = 0

    def prepare(self) -> None:
        """Starts the nursery ahead: it loads while the server does."""
        with self._guard:
            self._living()

    def worker(self) -> Worker:
        """A new worker; it says `ready` when its browser is up, or `fault`."""
        with self._guard:
            self._count += 1
            return self._living().start(self._count)

    def close(self) -> None:
        """Ends the nursery and everything below it."""
        with self._guard:
            if self._nursery is not None:
                self._nursery.end()
                self._nursery = None

    def _living(self) -> "_Nursery":
        if self._nursery is None or not self._nursery.alive:
            self._nursery = _Nursery(self._scratch, self._lock)
        return self._nursery


class _Nursery:
    """The process that forks, and the thread that hears from it."""

    def __init__(self, scratch: Path, lock: int | None) -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, exist_ok=True)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {name: os.environ[name] for name in KEPT if name in os.environ}
        kept = () if lock is None else (lock,)
        command = [sys.executable, "-m", "web.workers.nursery", str(scratch), *map(str, kept)]
        with theirs:
            # A session of its own: not ended by the terminal's Ctrl-C.
            self._process = subprocess.Popen(
                command, stdin=theirs.fileno(), cwd=ROOT, start_new_session=True, pass_fds=kept,
                env={**environment, "PYTHONHASHSEED": SAME_BYTES["PYTHONHASHSEED"]})
        self.alive = True
        self._scratch = scratch
        self._control = ours
        self._guard = threading.Lock()
        self._workers: dict[int, Worker] = {}
        self._thread = threading.Thread(target=self._listen, name="nursery", daemon=True)
        self._thread.start()

    def start(self, number: int) -> Worker:
        (orders, our_orders), (our_told, told) = os.pipe(), os.pipe()
        worker = Worker(number, self, our_orders, our_told)
        with self._guard:
            self._workers[number] = worker
            gone = not self.alive
        if gone or not self.tell(number, "start", orders, told):
            worker.ended.set()
        os.close(orders)
        os.close(told)
        return worker

    def tell(self, number: int, order: str, *files: int) -> bool:
        message = json.dumps({"worker": number, "order": order}).encode()
        with contextlib.suppress(OSError), self._guard:
            socket.send_fds(self._control, [message], files)
            return True
        return False

    def end(self) -> None:
        """Closes the line, on which the nursery ends everything; kills it when it does not."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        self._process.kill()
        self._thread.join()

    def _listen(self) -> None:
        while data := self._receive():
            said = json.loads(data)
            with self._guard:
                worker = self._workers[said["worker"]]
            if "pid" in said:
                worker.pid = said["pid"]
            else:
                self._workers.pop(worker.number)
                worker.ended.set()
        self._died()

    def _receive(self) -> bytes:
        with contextlib.suppress(OSError):
            return self._control.recv(MESSAGE_BYTES)
        return b""

    def _died(self) -> None:
        """Its workers end by themselves when it dies; this makes sure."""
        self._process.kill()
        self._process.wait()
        with self._guard:
            left = list(self._workers.values())
            for pid in (worker.pid for worker in left if worker.pid is not None):
                with contextlib.suppress(psutil.NoSuchProcess):
                    end_tree(psutil.Process(pid))
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._control.close()
            self.alive = False
        for worker in left:
            worker.ended.set()


def scratch_for(data: Path) -> Path:
    """A directory for what is temporary, the same for one data directory each time, so that leftovers are found."""
    base = scratch_directory()
    name = f"gw-{hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:8]}"
    place = (base if len(str(base)) <= LONGEST_SCRATCH else Path("/tmp")) / name
    with contextlib.suppress(FileNotFoundError):
        seen = place.lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.geteuid():  # somebody else's: not to be touched
            return Path(tempfile.mkdtemp(prefix="gw-", dir=place.parent))
    return place
