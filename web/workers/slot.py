"""One capture at a time. In: jobs that are due, warm workers. Out: cases that are published, or jobs that say why not.

A broken site is a result. What is our own fault is tried again: a worker or a browser that died or never answered, a
disk that takes nothing, a lease that was lost.
"""

import contextlib
import logging
import threading
import time
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy.exc import SQLAlchemyError

from capture.pipeline import GRACE_S
from capture.record.codec import UnreadableRecord
from web.errors import NotFound
from web.store import events, jobs, publishing
from web.store.database import Database
from web.store.files import Folder, Unpublishable
from web.store.secrets import BadKey, Key
from web.store.submit import opened
from web.store.tables import Job
from web.workers.pool import Pool, Worker, WorkerGone
from web.workers.protocol import LAST, Order, Told, doubt_in

POLL_S: Final = 0.25
"""Between two looks for work, seconds."""
START_S: Final = 60.0
"""Longest start of a worker, seconds."""
PAUSE_S: Final = (0.2, 1.0, 5.0, 15.0)
"""Waits after the first, second ... worker in a row that did not come up, seconds."""
HOPELESS: Final = 3
"""So many in a row, and a job that waits is told why."""
DOSSIER_S: Final = 150.0
"""Longest making of a dossier, its PDF included, seconds."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Store:
    """Where jobs come from and cases go to."""

    database: Database
    """Rows."""
    files: Folder
    """Files."""
    key: Key
    """Opens what is sealed."""


@dataclass
class Attempt:
    """One job in the hands of one worker."""

    case_id: str
    fence: int
    number: int
    """The first is 1."""
    worker: Worker
    stopped: Literal["cancelled", "lost", "released"] | None = None
    """Why it was ended from outside."""
    began: bool = False
    """Whether the worker has understood its order."""
    captured: bool = False
    """Whether the bundle is sealed."""
    doubt: str | None = None
    """What makes us doubt our own part in what was seen."""

    @property
    def is_in_vain(self) -> bool:
        """Whether it will be made anew, so that what it still makes is for nobody; the last attempt is for whoever
        asked."""
        return self.doubt is not None and self.number < jobs.MAX_ATTEMPTS

    def stop(self, why: Literal["cancelled", "lost", "released"]) -> None:
        """Ends it from another thread."""
        self.stopped = self.stopped or why
        self.worker.kill()

    def go_on_with(self, worker: Worker) -> None:
        """Hands it to another worker."""
        self.worker.close()
        self.worker = worker
        if self.stopped:
            worker.kill()


class Slot(threading.Thread):
    """Works on one job after the other until it is told to stop."""

    def __init__(self, name: str, store: Store, pool: Pool, stopping: threading.Event) -> None:
        """`name` is who claims, for people who read the table of jobs."""
        super().__init__(name=name, daemon=True)
        self.attempt: Attempt | None = None
        """What it is working on."""
        self._store = store
        self._pool = pool
        self._stopping = stopping
        self._worker: Worker | None = None
        self._is_ready = False
        self._failures = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether so many workers in a row did not come up that the next one hardly will."""
        return self._failures >= HOPELESS

    def run(self) -> None:
        """Until it is told to stop; what goes wrong with one job or worker never ends it."""
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:  # the job runner: the lease runs out, and the job is tried again
                log.exception("a failure of our own")
                self._stopping.wait(PAUSE_S[-1])
        self._drop()

    def _turn(self) -> None:
        if not self._warm():
            self._stopping.wait(PAUSE_S[min(self._failures, len(PAUSE_S)) - 1])
            return
        job = self._claim()
        if job is None:
            self._stopping.wait(POLL_S)
            return
        assert self._worker is not None
        self.attempt, self._worker = Attempt(job.case_id, job.fence, job.attempts, self._worker), None
        try:
            told = self._work(self.attempt, job)
            self.attempt.worker.close()  # from here on nothing writes into what was staged
            self._settle(self.attempt, told)
        finally:
            self.attempt.worker.close()
            self.attempt = None

    def _warm(self) -> bool:
        """Whether a worker waits; starts one when there is none."""
        if self._worker is not None and self._worker.ended.is_set():
            self._drop()
        if self._worker is None:
            self._worker, self._is_ready = self._pool.worker(), False
        if self._is_ready:
            return True
        reason = self._await(self._worker)
        if reason is None:
            self._is_ready, self._failures = True, 0
            return True
        if not self._stopping.is_set():
            self._came_to_nothing(reason)
        return False

    def _await(self, worker: Worker) -> str | None:
        """Waits for a worker to come up; why it did not, if it did not."""
        end = time.monotonic() + START_S
        while not self._stopping.is_set() and time.monotonic() < end:
            with contextlib.suppress(TimeoutError):
                try:
                    told = worker.told(POLL_S)
                except WorkerGone as gone:
                    return str(gone)
                return None if told.kind == "ready" else told.reason
        return f"no worker came up within {START_S:g} s"

    def _came_to_nothing(self, reason: str) -> None:
        self._drop()
        self._failures += 1
        log.error("a worker did not come up: %s", reason)
        if self.is_hopeless and (job := self._claim()) is not None:
            self._fail(job.case_id, job.fence, reason)

    def _drop(self) -> None:
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _claim(self) -> Job | None:
        with self._store.database.reading() as db:
            if jobs.waiting(db) == 0:
                return None
        with self._store.database.transaction() as db:
            return jobs.claim(db, self.name)

    def _work(self, attempt: Attempt, job: Job) -> Told:
        """The last word on the job."""
        log.info("case %s: attempt %d begins", attempt.case_id, attempt.number)
        if self._store.files.is_published(attempt.case_id):  # by a holder who died before the row could say so
            return Told(kind="done")
        try:
            order = self._order(job)
        except (BadKey, NotFound, OSError) as error:
            return Told(kind="fault", reason=str(error))
        told = self._hear(attempt, order)
        if told.kind != "fault" or attempt.stopped or attempt.is_in_vain or (attempt.began and not attempt.captured):
            return told
        # The worker was dead already, or died when all that mattered was recorded: another one goes on.
        log.warning("case %s: %s; another worker goes on", attempt.case_id, told.reason)
        if self._worker is None:
            self._worker = self._pool.worker()
        if not self._warm():
            return told
        attempt.go_on_with(self._worker)
        self._worker = None
        return self._hear(attempt, order.model_copy(update={"kind": "dossier"}) if attempt.captured else order)

    def _order(self, job: Job) -> Order:
        payload, files = opened(self._store.key, job), self._store.files
        uploads = tuple((name, files.upload(job.case_id, i)) for i, name in enumerate(payload.uploads))
        return Order(kind=payload.kind, request=payload.request, uploads=uploads,
                     staging=files.staging(job.case_id, job.fence))

    def _hear(self, attempt: Attempt, order: Order) -> Told:
        """Gives the order and passes on what the worker tells; its last word, or that there was none."""
        end = time.monotonic() + order.request.limits.total_s + GRACE_S + DOSSIER_S
        try:
            attempt.worker.give(order)
            while (told := attempt.worker.told(end - time.monotonic())).kind not in LAST:
                self._heard(attempt, told)
                if attempt.is_in_vain:
                    return Told(kind="fault", reason=attempt.doubt)
        except WorkerGone as gone:
            return Told(kind="fault", reason=str(gone))
        except TimeoutError:
            return Told(kind="fault", reason="the worker did not come to an end and was killed")
        return told

    def _heard(self, attempt: Attempt, told: Told) -> None:
        if told.kind == "began":
            attempt.began = True
        elif told.kind == "captured":
            attempt.captured, attempt.doubt = True, told.reason
            if self._worker is None and not self._stopping.is_set():
                self._worker, self._is_ready = self._pool.worker(), False  # starts while the dossier is made
        elif told.kind in ("step", "picture"):
            attempt.doubt = attempt.doubt or (doubt_in(told.step) if told.step else None)
            self._note(attempt, told)

    def _note(self, attempt: Attempt, told: Told) -> None:
        """Progress that cannot be noted must not cost the capture."""
        data = told.step.model_dump(mode="json") if told.step else {}
        try:
            with self._store.database.transaction() as db:
                if jobs.holds(db, attempt.case_id, attempt.fence):
                    events.append(db, attempt.case_id, "step" if told.step else "picture", data)
        except SQLAlchemyError as error:
            log.warning("case %s: its progress was not noted: %s", attempt.case_id, error)

    def _settle(self, attempt: Attempt, told: Told) -> None:
        case_id, fence = attempt.case_id, attempt.fence
        log.info("case %s: attempt %d: %s", case_id, attempt.number, attempt.stopped or told.reason or told.kind)
        if attempt.stopped == "lost":
            self._store.files.discard(case_id, fence)
        elif attempt.stopped == "cancelled":
            self._end(case_id, fence, "cancelled", None)
        elif attempt.stopped == "released" and told.kind != "done":
            self._store.files.discard(case_id, fence)
            with self._store.database.transaction() as db:
                jobs.release(db, case_id, fence)
        elif told.kind == "done" and not attempt.is_in_vain:
            self._publish(case_id, fence)
        elif told.kind == "refused":
            self._end(case_id, fence, "refused", told.reason)
        elif told.kind == "bad":
            self._end(case_id, fence, "failed", told.reason)
        else:
            self._fail(case_id, fence, attempt.doubt or told.reason or "the worker failed")

    def _publish(self, case_id: str, fence: int) -> None:
        try:
            publishing.publish(self._store.database, self._store.files, case_id, fence)
        except (Unpublishable, UnreadableRecord, OSError) as error:
            self._fail(case_id, fence, str(error))

    def _end(self, case_id: str, fence: int, state: jobs.Ended, reason: str | None) -> None:
        self._store.files.discard(case_id, fence)
        with self._store.database.transaction() as db:
            ended = jobs.finish(db, case_id, fence, state, reason)
        if ended:
            self._store.files.forget_uploads(case_id)

    def _fail(self, case_id: str, fence: int, reason: str) -> None:
        self._store.files.discard(case_id, fence)
        with self._store.database.transaction() as db:
            state = jobs.fail(db, case_id, fence, reason)
        if state not in ("queued", None):
            self._store.files.forget_uploads(case_id)
