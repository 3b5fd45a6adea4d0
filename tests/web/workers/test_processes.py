"""Who outlives whom: real processes that start others and end."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.processes import alive
from web.workers.processes import end_tree

ROOT = Path(__file__).parents[3]
PATIENCE_S = 60.0
SLEEP = "time.sleep(3600)"


def python(code: str) -> subprocess.Popen[str]:
    """Runs code that has what the module offers; its output is a pipe."""
    head = ("import os, signal, subprocess, sys, time, psutil\n"
            "from web.workers.processes import adopt_orphans, call_this, die_with_parent, end_below, follow\n"
            "from web.workers.processes import give_way\n")
    return subprocess.Popen([sys.executable, "-c", head + code], cwd=ROOT, stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def ends(process: psutil.Process) -> bool:
    end = time.monotonic() + PATIENCE_S
    while alive(process) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(process)


def test_a_process_dies_with_its_parent() -> None:
    code = ("parent = os.getpid()\n"
            "child = os.fork()\n"
            "if child == 0:\n"
            "    die_with_parent(signal.SIGKILL, parent); print(os.getpid(), flush=True); " + SLEEP + "\n" + SLEEP)
    with python(code) as parent:
        child = psutil.Process(int(first_line(parent)))
        assert alive(child)
        parent.kill()
    assert ends(child)


def test_a_process_whose_parent_is_gone_already_does_not_stay() -> None:
    with python("die_with_parent(signal.SIGKILL, 1 << 22); print('still here')") as orphan:
        assert first_line(orphan) == ""
    assert orphan.returncode == 1


def test_orphans_come_to_whoever_adopts_them() -> None:
    code = ("adopt_orphans()\n"
            "start = 'import subprocess; subprocess.Popen([\"sleep\", \"3600\"])'\n"
            "subprocess.run([sys.executable, '-c', start])\n"
            "print(*[p.name() for p in psutil.Process().children()], flush=True)\n"
            "end_below()\n"
            "print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)")
    with python(code) as parent:
        assert first_line(parent) == "sleep"
        assert first_line(parent) == str(-signal.SIGKILL)


def test_a_tree_ends_whole_also_what_left_its_session() -> None:
    start = "print(subprocess.Popen(['sleep', '3600'], start_new_session=True).pid, flush=True)"
    code = f"subprocess.run([sys.executable, '-c', {f'import subprocess, time; {start}; {SLEEP}'!r}])"
    with python(code) as root:
        grandchild = psutil.Process(int(first_line(root)))
        tree = psutil.Process(root.pid)
        assert len(tree.children(recursive=True)) == 2
        end_tree(tree)
    assert ends(grandchild)


def test_a_process_that_is_gone_is_no_error() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    gone = psutil.Process(process.pid)
    process.wait()
    end_tree(gone)


def test_a_process_can_say_what_it_is() -> None:
    with python("call_this('gw-worker'); print(os.getpid(), flush=True); " + SLEEP) as named:
        first_line(named)
        assert Path(f"/proc/{named.pid}/comm").read_text() == "gw-worker\n"
        os.kill(named.pid, signal.SIGKILL)


def test_who_gives_way_twice_comes_after_who_gave_way_once() -> None:
    with python("print(os.nice(0)); give_way(); print(os.nice(0)); give_way(); print(os.nice(0))") as polite:
        before, once, twice = (int(first_line(polite)) for _ in range(3))
    assert before < once < twice or once == 19  # which is the lowest there is


@pytest.mark.skipif(not os.access("/proc/self/autogroup", os.W_OK), reason="this kernel has no groups of sessions")
def test_a_session_follows_the_priority_of_who_started_it() -> None:
    code = ("give_way()\nother = subprocess.Popen(['sleep', '600'], start_new_session=True)\nfollow(other.pid)\n"
            "print(open(f'/proc/{other.pid}/autogroup').read().split()[-1], os.nice(0))\nother.kill(); other.wait()")
    with python(code) as polite:
        session, own = first_line(polite).split()
    assert session == own


def test_a_session_that_is_gone_is_nobodys_failure() -> None:
    with python("follow(2 ** 22 - 1); print('fine')") as polite:
        assert first_line(polite) == "fine"
