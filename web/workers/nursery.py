"""The parent of all workers. In: orders of the server, on a socket. Out: warm workers; nothing of one that has ended.

It has loaded what workers need, so that a worker costs a fork and a browser. Everything below it that loses its parent
becomes its child, and what is no worker is killed at once: a browser does not outlive its worker, whatever ended that.
When the server goes away, it ends everything and itself.

    server to nursery   {"worker": N, "order": "start"} with two file descriptors; {"worker": N, "order": "kill"}
    nursery to server   {"worker": N, "pid": P}; {"worker": N, "ended": STATUS} when nothing of it is left
"""

import contextlib
import gc
import json
import os
import resource
import selectors
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, NoReturn

import psutil

from capture.record.request import Limits
from report import html, pdf, signatures
from web.workers.child import PARENT_GONE, Worker
from web.workers.processes import adopt_orphans, call_this, die_with_parent, end_tree, follow, give_way
from web.workers.protocol import MESSAGE_BYTES
from web.workers.renderer import Forked

LOOK_S: Final = 0.01
BURIAL_S: Final = 5.0
"""Between two looks whether what was killed is gone, and the longest wait for it, seconds."""
CONTROL: Final = 0
"""File descriptor of the socket to the server."""


class Nursery:
    """Starts workers, and clears up after them. Has one thread only, because it forks."""

    def __init__(self, control: socket.socket, scratch: Path, not_theirs: tuple[int, ...] = ()) -> None:
        """`scratch`: a directory of its own; each worker has one in it while it lives.

        `not_theirs`: file descriptors that workers must not have.
        """
        self._control = control
        self._scratch = scratch
        self._loaded = pdf.load()
        self._workers: dict[int, int] = {}
        """Process id to number."""
        self._wakes, self._woken = socket.socketpair()
        self._wakes.setblocking(False)
        self._woken.setblocking(False)
        self._not_theirs = (*not_theirs, *(end.fileno() for end in (control, self._wakes, self._woken)))

    def run(self) -> None:
        """Serves until the server is gone, then ends everything."""
        signal.signal(signal.SIGCHLD, _wake)
        signal.set_wakeup_fd(self._woken.fileno(), warn_on_full_buffer=False)
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._wakes, selectors.EVENT_READ)
            while self._control not in {key.fileobj for key, _ in selector.select()} or self._obey():
                with contextlib.suppress(BlockingIOError):
                    self._wakes.recv(MESSAGE_BYTES)
                self._clear_up()
        self._end(*self._workers.values())
        end = time.monotonic() + BURIAL_S
        while self._workers and time.monotonic() < end:
            self._clear_up()
            time.sleep(LOOK_S)

    def _obey(self) -> bool:
        """One order; False when there will be none any more."""
        data, files, _, _ = socket.recv_fds(self._control, MESSAGE_BYTES, 2)
        if not data:
            return False
        order: dict[str, Any] = json.loads(data)
        if order["order"] == "start":
            self._start(order["worker"], *files)
        else:
            self._end(order["worker"])
        return True

    def _start(self, number: int, orders: int, told: int) -> None:
        scratch = self._scratch / str(number)
        scratch.mkdir(mode=0o700)
        parent = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            self._say(worker=number, ended=error.errno or 1)
        else:
            if pid == 0:
                self._become_worker(orders, told, scratch, parent)
            self._workers[pid] = number
            self._say(worker=number, pid=pid)
        os.close(orders)
        os.close(told)

    def _become_worker(self, orders: int, told: int, scratch: Path, parent: int) -> NoReturn:
        try:
            os.setsid()
            follow(os.getpid())
            call_this("gw-worker")
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            die_with_parent(PARENT_GONE, parent)
            for number in self._not_theirs:
                os.close(number)
            os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
            renderer = Forked.fork(self._loaded, Limits(), (orders, told))
            Worker(orders, told, scratch, renderer).run()
            os._exit(0)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            raise
        finally:
            os._exit(1)

    def _end(self, *numbers: int) -> None:
        for pid, number in self._workers.items():
            if number in numbers:
                end_tree(psutil.Process(pid))

    def _clear_up(self) -> None:
        """Buries the dead, kills what they left, and tells of a worker when nothing of it is there any more."""
        ended: dict[int, int] = {}
        end = time.monotonic() + BURIAL_S
        while self._bury(ended) and time.monotonic() < end:
            time.sleep(LOOK_S)
        for number, status in ended.items():
            shutil.rmtree(self._scratch / str(number), ignore_errors=True)
            self._say(worker=number, ended=status)

    def _bury(self, ended: dict[int, int]) -> bool:
        """Reaps what is dead, notes the status of workers among it, kills orphans; whether there were any."""
        with contextlib.suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                if pid in self._workers:
                    ended[self._workers.pop(pid)] = os.waitstatus_to_exitcode(status)
        orphans = [child for child in psutil.Process().children() if child.pid not in self._workers]
        for orphan in orphans:
            end_tree(orphan)
        return bool(orphans)

    def _say(self, **words: int) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            self._control.send(json.dumps(words).encode())


def _wake(*_: object) -> None:
    """A signal that only wakes. One that is ignored would be ignored by the programs that are started, too."""


def main(scratch: Path, lock: int | None = None) -> None:
    """Serves on the socket that is standard input. `lock`: a file that it keeps open while it lives."""
    control = socket.socket(fileno=os.dup(CONTROL))
    with open(os.devnull, "r+b") as nothing:
        os.dup2(nothing.fileno(), CONTROL)
    for number in (signal.SIGINT, signal.SIGTERM):  # the server decides; a service manager may signal everybody
        signal.signal(number, _wake)
    call_this("gw-nursery")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what is in the memory of a worker is nothing for a file
    adopt_orphans()
    give_way()  # a page of the service is quick, and somebody waits for it
    follow(os.getpid())
    try:
        html.prepare()
        signatures.vendors()
        nursery = Nursery(control, scratch, () if lock is None else (lock,))
        gc.collect()
        gc.freeze()  # what is shared with the workers stays shared
        nursery.run()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
