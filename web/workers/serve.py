"""The service as one process. In: Config. Out: an address at which it answers, until it is told to stop.

One process may use a data directory at a time. The lock on it is also held by the nursery, so that the next one does
not begin before everything of this one has ended, even when this one is killed.
"""

import fcntl
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Final

from capture import chromium
from capture.errors import CaptureError
from web import create_app, logs, targets
from web.access import invitations
from web.config import Config, is_loopback
from web.errors import ServiceError
from web.store import migrations, retention, secrets
from web.store.database import Database
from web.store.files import Folder
from web.workers.listening import Listener
from web.workers.outbox import Outbox
from web.workers.pool import Pool, scratch_for
from web.workers.runner import Chore, Runner
from web.workers.slot import Store

LOCK: Final = "serve.lock"
LOCK_S: Final = 15.0
"""Time for what is left of a service that was killed to end, seconds."""
LOOK_S: Final = 0.1
SWITCH_S: Final = 0.0005
"""How long one thread of the server keeps the others waiting, seconds: no page waits while a case is published."""
RETENTION_S: Final = 3600.0
"""Between two looks for cases that may not be kept any longer, seconds."""
log = logging.getLogger("gatewitness")


def serve(config: Config, *, patience_s: float) -> None:
    """Runs the service until SIGTERM or SIGINT; a second one ends it at once.

    `patience_s`: how long captures may take to end then; what has not ended is done after the next start. Raises
    CaptureError with a sentence when it cannot begin.
    """
    chromium.find()
    known = targets.load(config)
    sys.setswitchinterval(SWITCH_S)
    with ExitStack() as opened, _in_a_sentence():
        signals = opened.enter_context(_signals())
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = opened.enter_context(_locked(config.data))
        listener = Listener(config)
        opened.callback(listener.stop)
        pool = Pool(scratch_for(config.data), lock)
        opened.callback(pool.close)
        pool.prepare()
        database = Database(config.data)
        opened.callback(database.close)
        _log_to_standard_error()
        key = secrets.load(config.data)
        migrations.upgrade(database)
        files = Folder(config.data)
        files.prepare()
        retained = Chore("retention", RETENTION_S, lambda: retention.expire(database, files, config))
        store = Store(database, files, key)
        runner, outbox = Runner(store, pool, config.workers, [retained]), Outbox(store, config, known)
        app = create_app(config, database, files, key, runner, known)
        runner.start()
        opened.callback(runner.stop, 0.0)
        outbox.start()
        opened.callback(outbox.stop)
        listener.start(app)
        _greet(config, listener.address, invitations.first(database))
        signals.wait_for_the_first(runner)
        outbox.stop()
        runner.stop(patience_s)
        listener.stop()


class _Signals:
    """What the user or a service manager asks for."""

    def __init__(self) -> None:
        self.count = 0
        self._first = threading.Event()
        self._runner: Runner | None = None

    def came(self, *_: object) -> None:
        self.count += 1
        self._first.set()
        if self.count > 1 and self._runner is not None:
            self._runner.hurry()

    def wait_for_the_first(self, runner: Runner) -> None:
        """Returns when it came; the next one makes the runner hurry."""
        self._runner = runner
        self._first.wait()
        log.info("stopping; a second signal ends it at once")


@contextmanager
def _signals() -> Iterator[_Signals]:
    signals = _Signals()
    before = {number: signal.signal(number, signals.came) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _locked(data: Path) -> Iterator[int]:
    """The lock on the data directory, as a file descriptor; raises CaptureError when another service has it."""
    with open(os.open(data / LOCK, os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
        end = time.monotonic() + LOCK_S
        while not _takes(file):
            if time.monotonic() > end:
                raise CaptureError(f"another service works with {data}")
            time.sleep(LOOK_S)
        yield file.fileno()


def _takes(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _in_a_sentence() -> Iterator[None]:
    """Why it cannot begin, in the error of the command line."""
    try:
        yield
    except ServiceError as error:
        raise CaptureError(str(error)) from error


def _log_to_standard_error() -> None:
    root = logging.getLogger()
    root.addHandler(logs.handler())
    root.setLevel(logging.INFO)
    # A client that goes away is nothing to tell; addresses of webhooks, which httpx tells, are secrets.
    for noisy in ("alembic", "waitress", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _greet(config: Config, here: str, setup: str | None) -> None:
    address = (config.public_url or here).rstrip("/")
    lines = [f"gatewitness: {address}/"]
    if setup is not None:
        now = "Without a login it answers this machine only." if is_loopback(config) else "Nobody can log in yet."
        lines.append(f"{now} To set up the first administrator, open this link once: {address}{setup}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
