"""Processes and who outlives whom. In: a process id. Out: nothing that still runs below it."""

import contextlib
import ctypes
import os
import signal
import time
from pathlib import Path
from typing import Final

import psutil

WAY: Final = 8
"""How much lower the priority of whoever gives way is; three steps of nice(2) are half the weight (sched(7)). With
eight, 95 of 100 pages of a service that captures came in time on two processors; with three it was half as quick."""
TURN_S: Final = 0.1
TURNS: Final = 10
"""Between two attempts to change a session's priority, which the kernel lets others than root do ten times a second."""
_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15
_PR_SET_CHILD_SUBREAPER: Final = 36
"""prctl(2)."""


def die_with_parent(number: signal.Signals, parent: int) -> None:
    """Asks the kernel for this signal when the thread that made this process ends; ends at once when it has already."""
    _prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """From now on whatever loses its parent below this process becomes its child (PR_SET_CHILD_SUBREAPER)."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def call_this(name: str) -> None:
    """The name under which ps and top show this process; 15 bytes of it."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def give_way() -> None:
    """Lets others go first, as often as it is called: this process and what it starts gets a sixth of what its like
    gets while both want the processor, and all of it when nobody else does.

    Where the kernel shares the processor among sessions first, `follow` makes a session of its own do the same.
    """
    os.nice(WAY)


def follow(pid: int) -> None:
    """Gives the session of a process the priority that this process has (autogroup, sched(7))."""
    for _ in range(TURNS):
        try:
            Path(f"/proc/{pid}/autogroup").write_text(str(os.nice(0)))
        except BlockingIOError:
            time.sleep(TURN_S)
        except OSError:
            return  # no such kernel, or somebody else's session: it stays as it is
        else:
            return


def end_tree(root: psutil.Process) -> None:
    """Kills a process and everything below it, also what is in sessions of its own."""
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (root, *root.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()


def end_below() -> None:
    """Kills everything below this process."""
    for child in psutil.Process().children():
        end_tree(child)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
