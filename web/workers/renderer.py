"""The PDF renderer as a fork of a process that has loaded it. In: a job as bytes. Out: the bytes of the PDF.

Loading takes longer than most dossiers take to render, so it is done once for all of them.
"""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import IO, Final, NoReturn, Self

from capture.record.request import Limits
from report import pdf
from web.workers.processes import call_this, die_with_parent, give_way

STATUS: Final = 1
_SAID_BYTES: Final = 4096
_BLOCK: Final = 1 << 16


class Forked:
    """A child that waits for one job; offers what `report.pdf.PdfWorker` needs of subprocess.Popen."""

    stdin: IO[bytes] | None = None
    stdout: IO[bytes] | None = None
    stderr: IO[bytes] | None = None

    def __init__(self, pid: int, channel: socket.socket, said: IO[bytes]) -> None:
        """Use `Forked.fork`."""
        self.pid = pid
        self.returncode: int | None = None
        self._channel = channel
        self._said = said

    @classmethod
    def fork(cls, loaded: pdf.Loaded, limits: Limits, not_its_own: Iterable[int] = ()) -> Self:
        """Forks this process, which may have one thread only; the child closes the files that are not its own."""
        ours, theirs = socket.socketpair()
        said = tempfile.TemporaryFile()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            _serve(loaded, limits, theirs, said, parent, (ours.fileno(), *not_its_own))
        _group(pid)
        theirs.close()
        return cls(pid, ours, said)

    def communicate(self, input: bytes | None = None, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Gives the job; returns the PDF and what the child said. Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        made = bytearray()
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # it has ended early: its status says why
                self._channel.settimeout(timeout)
                self._channel.sendall(input or b"")
                self._channel.shutdown(socket.SHUT_WR)
                while data := self._receive(end):
                    made += data
        except TimeoutError:
            raise subprocess.TimeoutExpired("the PDF renderer", timeout or 0) from None
        self._said.seek(0)
        said = self._said.read(_SAID_BYTES)
        self.wait()
        return bytes(made), said

    def wait(self) -> int:
        """Waits until it has ended; returns its status, negative for the signal that ended it."""
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
            self._channel.close()
            self._said.close()
        return self.returncode

    def _receive(self, end: float | None) -> bytes:
        if end is not None:
            self._channel.settimeout(max(end - time.monotonic(), 0.001))
        return self._channel.recv(_BLOCK)


def _group(pid: int) -> None:
    """A process group of its own; both sides ask, so that it is there whoever comes first."""
    with suppress(OSError):
        os.setpgid(pid, 0)


def _serve(loaded: pdf.Loaded, limits: Limits, channel: socket.socket, said: IO[bytes], parent: int,
           not_its_own: Iterable[int]) -> NoReturn:
    try:
        _group(0)
        call_this("gw-renderer")
        give_way()  # what browsers do meanwhile is timed, and the times are evidence
        die_with_parent(signal.SIGKILL, parent)
        for number in not_its_own:
            os.close(number)
        os.dup2(said.fileno(), 2)
        os.environ.update(pdf.SAME_BYTES)
        time.tzset()
        pdf.bound(limits.pdf_memory_bytes, int(limits.pdf_s) + 5)
        with channel.makefile("rb") as source, channel.makefile("wb") as target:
            pdf.serve(loaded, source, target)
        os._exit(0)
    except BaseException as error:
        os.write(2, f"{type(error).__name__}: {error}".encode("utf-8", "replace"))
        raise
    finally:
        os._exit(STATUS)
