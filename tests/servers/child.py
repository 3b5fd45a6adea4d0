"""A server as a plain child process. In: its command and files. Out: what it said when it was ready."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

LOG = "output.log"
STOP_S = 60.0
"""Longest wait for killed processes to be gone, seconds."""


class ServerDown(RuntimeError):
    """A server did not start; the message holds the beginning of its log."""


@contextmanager
def child(command: Sequence[str | Path], directory: Path, environment: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Runs the command in DIRECTORY and gives the JSON that it prints in one line when it is ready.

    What it says else goes to output.log in that directory. It gets PATH and the given environment, nothing of ours, and
    its standard input ends when we do. At the end its whole group is killed: it holds nothing worth a polite end.
    Raises ServerDown.
    """
    surroundings = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(directory), "LANG": "C.UTF-8", **environment}
    with (directory / LOG).open("ab") as log, subprocess.Popen(
            command, cwd=directory, env=surroundings, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            start_new_session=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise ServerDown((directory / LOG).read_text(errors="replace")[:3000])
            yield json.loads(line)
        finally:
            _kill(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    family = psutil.Process(process.pid).children(recursive=True)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(family, timeout=STOP_S)
