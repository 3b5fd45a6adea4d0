"""Everything that happens behind the pages. In: a store, warm workers. Out: jobs that end, leases that hold, order.

A thread a capture (slot.py), one that keeps their leases and hears of cancellations, one for chores. Leases are kept by
this process and not by the workers: a worker that hangs cannot stop its own lease from being seen to, nor keep it.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from web.errors import ServiceError
from web.store import jobs, publishing
from web.workers.pool import Pool
from web.workers.slot import Attempt, Slot, Store

LOOK_S: Final = 0.5
"""Between two looks for cancellations, seconds."""
REAP_S: Final = 10.0
SWEEP_S: Final = 300.0
"""Between two looks for leases that ran out, and for files that were left over, seconds."""
FIRST_S: Final = 60.0
"""From the start to the first time of a chore at the latest, seconds."""
END_S: Final = 15.0
"""Longest wait for a thread that was told to end, seconds."""
POLL_S: Final = 0.1
"""Between two looks whether everything has ended, seconds."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    """Something to be done again and again."""

    name: str
    """For the log."""
    every_s: float
    """From the end of one time to the begin of the next, seconds; the first time comes within FIRST_S."""
    work: Callable[[], object]
    """Does it."""


class Runner:
    """Works on the jobs of one store; the only one that does, while it lives."""

    def __init__(self, store: Store, pool: Pool, workers: int, chores: Sequence[Chore] = ()) -> None:
        """`workers`: captures at a time. `chores`: further ones, besides its own."""
        self._store = store
        self._pool = pool
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._hurry = threading.Event()
        database, files = store.database, store.files
        self._chores = (Chore("leases", REAP_S, lambda: publishing.reap(database, files)),
                        Chore("leftovers", SWEEP_S, lambda: publishing.sweep(database, files)), *chores)
        name = f"{socket.gethostname()[:40]}:{os.getpid()}"
        self._slots = [Slot(f"{name}:{number}", store, pool, self._stopping) for number in range(1, workers + 1)]
        self._others = [threading.Thread(target=self._keep, name="leases", daemon=True),
                        threading.Thread(target=self._do_chores, name="chores", daemon=True)]

    def start(self) -> None:
        """Takes back what an earlier runner left, to be done at once, then begins. Nobody else may work with this
        store; what is left of the earlier one writes nothing, because its fences are stale."""
        with self._store.database.transaction() as db:
            jobs.expire(db)
        publishing.reap(self._store.database, self._store.files, at_once=True)
        publishing.sweep(self._store.database, self._store.files)
        for thread in (*self._slots, *self._others):
            thread.start()

    def is_alive(self) -> bool:
        """Whether everything that was started still works."""
        return not self._stopping.is_set() and all(thread.is_alive() for thread in (*self._slots, *self._others))

    def trouble(self) -> str | None:
        """Why nothing is captured here, in words; None when nothing is in the way."""
        if not self.is_alive():
            return "The runner does not work"
        hopeless = all(slot.is_hopeless for slot in self._slots)
        return "No worker comes up; the log says why" if hopeless else None

    def stop(self, patience_s: float) -> None:
        """Takes nothing new and waits for what is worked on; after that time it is given back, to be done later."""
        self._stopping.set()
        end = time.monotonic() + patience_s
        while self._is_busy() and time.monotonic() < end and not self._hurry.wait(POLL_S):
            pass
        end = time.monotonic() + END_S
        while self._is_busy() and time.monotonic() < end:
            for attempt in self._attempts():
                attempt.stop("released")
            time.sleep(POLL_S)
        self._ended.set()
        for thread in self._others:
            thread.join(END_S)
        self._pool.close()

    def hurry(self) -> None:
        """Ends the waiting of `stop`, also before it has begun."""
        self._hurry.set()

    def _is_busy(self) -> bool:
        return any(slot.is_alive() for slot in self._slots)

    def _attempts(self) -> list[Attempt]:
        return [attempt for attempt in (slot.attempt for slot in self._slots) if attempt is not None]

    def _keep(self) -> None:
        beat = time.monotonic()
        while not self._ended.wait(LOOK_S):
            attempts = self._attempts()
            is_due = time.monotonic() - beat >= jobs.HEARTBEAT_S
            beat = time.monotonic() if is_due else beat
            try:
                if attempts:
                    (self._beat if is_due else self._look)(attempts)
            except SQLAlchemyError as error:  # the next beat may come through; else the fence decides
                log.warning("the leases could not be kept: %s", error)

    def _beat(self, attempts: list[Attempt]) -> None:
        with self._store.database.transaction() as db:
            answers = [jobs.heartbeat(db, attempt.case_id, attempt.fence) for attempt in attempts]
        for attempt, answer in zip(attempts, answers, strict=True):
            if answer == "lost":
                attempt.stop("lost")
            elif answer == "cancel":
                attempt.stop("cancelled")

    def _look(self, attempts: list[Attempt]) -> None:
        with self._store.database.reading() as db:
            asked = jobs.cancelling(db)
        for attempt in attempts:
            if (attempt.case_id, attempt.fence) in asked:
                attempt.stop("cancelled")

    def _do_chores(self) -> None:
        due = {chore: time.monotonic() + min(chore.every_s, FIRST_S) for chore in self._chores}
        while not self._ended.wait(LOOK_S):
            for chore in [chore for chore, at in due.items() if at <= time.monotonic()]:
                try:
                    chore.work()
                except (SQLAlchemyError, OSError, ServiceError):
                    log.exception("the chore %r failed", chore.name)
                due[chore] = time.monotonic() + chore.every_s
