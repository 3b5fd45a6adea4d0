"""Workers that play a script. In: what they say, in order. Out: a pool for a runner; no process is started."""

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final, cast

from tests.web.store.made import fill
from web.workers.pool import Pool, WorkerGone
from web.workers.protocol import Kind, Order, Told

PATIENCE_S: Final = 60.0
"""Longest wait of a test for something that must come; so long that no machine is too slow."""
Line = Told | Exception | Callable[[Order], Told]
"""What a puppet says: this, or what follows from its order; an exception is what listening to it raises."""


def says(kind: Kind, reason: str | None = None) -> Told:
    """One line."""
    return Told(kind=kind, reason=reason)


READY: Final = says("ready")
BEGAN: Final = says("began")
DONE: Final = says("done")
GONE: Final = WorkerGone("the worker ended in the middle of its work")


def captured(order: Order) -> Told:
    """Leaves a whole case behind."""
    fill(order.staging)
    return says("captured")


def doubted(order: Order) -> Told:
    """The same, by a browser that ended on the way."""
    fill(order.staging)
    return says("captured", "the browser ended in the middle of the capture")


class Puppet:
    """Plays its lines; when there are none left it says nothing more until it is killed."""

    def __init__(self, *lines: Line, gate: threading.Event | None = None) -> None:
        """`gate`: it says nothing before this is set."""
        self.lines = deque(lines)
        self.gate = gate
        self.orders: list[Order] = []
        self.ended = threading.Event()
        self.silent = threading.Event()
        """Set when it has said everything and somebody listens still."""
        self.waited_s: list[float] = []

    def give(self, order: Order) -> None:
        if self.ended.is_set():
            raise WorkerGone("the worker ended before it had its job")
        self.orders.append(order)

    def told(self, timeout_s: float) -> Told:
        self.waited_s.append(timeout_s)
        if self.ended.is_set():
            raise GONE
        if self.gate is not None and not self.gate.wait(timeout_s):
            raise TimeoutError
        if not self.lines:
            self.silent.set()
            if self.ended.wait(timeout_s):
                raise GONE
            raise TimeoutError
        line = self.lines.popleft()
        if isinstance(line, Exception):
            raise line
        return line if isinstance(line, Told) else line(self.orders[-1])

    def kill(self) -> None:
        self.ended.set()

    def close(self) -> None:
        self.ended.set()


class Stage:
    """A pool whose workers are puppets; when there are no more of them, ones that are ready and say nothing."""

    def __init__(self, *puppets: Puppet) -> None:
        self.waiting = deque(puppets)
        self.all: list[Puppet] = []
        self.closed = False

    def worker(self) -> Puppet:
        self.all.append(self.waiting.popleft() if self.waiting else Puppet(READY))
        return self.all[-1]

    def prepare(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        self.closed = True

    def as_pool(self) -> Pool:
        return cast(Pool, self)


def until(true: Callable[[], Any], what: str) -> Any:
    """Waits until it holds; returns what it gave."""
    end = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < end, f"{what} did not happen within {PATIENCE_S:g} s"
        time.sleep(0.01)
    return found
