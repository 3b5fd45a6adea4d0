"""Workers as they are: warm, single-use, and gone with everything below them whatever ends them."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from capture.record.bundle import Bundle
from report.verify import verify
from tests.brokensite import BrokenSite, Server, in_thread
from tests.capturing import PATIENT
from tests.processes import alive
from tests.web.workers.orders import JOB_S, START_S, capture, ready, until
from web.workers import pool as pools
from web.workers.pool import Pool, Worker, WorkerGone, scratch_for
from web.workers.protocol import Told

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.browser
SECRET = "GATEWITNESS_TOKEN_OF_A_TEST"


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return scratch_for(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
def pool(scratch: Path) -> Iterator[Pool]:
    """One nursery for all tests."""
    os.environ[SECRET] = "s3cret"
    made = Pool(scratch)
    made.prepare()
    del os.environ[SECRET]
    yield made
    made.close()
    assert not scratch.exists()


@pytest.fixture
def worker(pool: Pool) -> Iterator[Worker]:
    """A worker whose browser is up; in the end nothing of it is left."""
    made = ready(pool.worker())
    below = family(made)
    yield made
    made.close()
    assert gone(below)


@pytest.fixture(scope="module")
def site() -> Iterator[Server]:
    with in_thread(BrokenSite()) as running:
        yield running


def family(worker: Worker) -> list[psutil.Process]:
    """The worker and everything below it."""
    assert worker.pid is not None
    root = psutil.Process(worker.pid)
    return [root, *root.children(recursive=True)]


def browser_of(worker: Worker) -> psutil.Process:
    """The main process of its browser."""
    children = family(worker)[0].children()
    return next(child for child in children if child.name() not in ("gw-renderer", "gw-worker"))


def gone(processes: list[psutil.Process]) -> bool:
    """Whether all of them end, soon."""
    end = time.monotonic() + START_S
    while any(map(alive, processes)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(alive, processes))


def test_a_capture_becomes_a_case_with_its_dossier(worker: Worker, scratch: Path, site: Server, tmp_path: Path) -> None:
    staging = tmp_path / "case"
    worker.give(capture(site.url("empty-500"), staging, note="new firewall"))
    told: list[Told] = []
    while not told or told[-1].kind != "done":
        told.append(worker.told(JOB_S))
        if told[-1].kind == "picture":
            assert (staging / "screenshot.png").read_bytes().startswith(b"\x89PNG")
    kinds = [line.kind for line in told]
    assert kinds[0] == "began"
    assert kinds[-2:] == ["captured", "done"]
    assert {line.step.name for line in told if line.step} == {"vantage", "dns", "tcp", "tls", "plain_http", "page"}
    assert kinds.count("picture") == 1
    assert told[-2].reason is None
    assert verify(staging) == []
    assert {path.name for path in (staging / "report").iterdir()} >= {"dossier.html", "dossier.pdf", "dossier.zip"}
    assert Bundle(staging).evidence.request.note == "new firewall"
    assert worker.ended.wait(START_S)
    assert not (scratch / str(worker.number)).exists()


def test_a_worker_knows_nothing_of_our_environment(worker: Worker) -> None:
    for process in family(worker):
        assert SECRET not in process.environ()
    assert SECRET.encode() not in Path(f"/proc/{worker.pid}/environ").read_bytes()


def test_a_worker_has_a_session_of_its_own_and_none_of_our_files(worker: Worker, pool: Pool) -> None:
    assert worker.pid is not None
    assert os.getsid(worker.pid) == worker.pid
    opened = {os.readlink(link) for link in Path(f"/proc/{worker.pid}/fd").iterdir()}
    ours = {os.readlink(f"/proc/self/fd/{pool._nursery._control.fileno()}")} if pool._nursery else set()
    assert opened & ours == set()


def test_pages_go_first_and_pictures_of_pages_before_dossiers(worker: Worker) -> None:
    itself, *below = family(worker)
    renderer = next(process for process in below if process.name() == "gw-renderer")
    levels = [os.nice(0), itself.nice(), renderer.nice()]
    assert levels == sorted(set(levels)) or levels[-1] == 19  # which is the lowest there is


@pytest.mark.parametrize(("url", "kind", "words"), [
    ("http://127.0.0.1/", "refused", "127.0.0.1"), ("file:///etc/hostname", "bad", "http")])
def test_what_is_not_allowed_is_said_and_nothing_is_left(url: str, kind: str, words: str, worker: Worker, tmp_path: Path
                                                         ) -> None:
    worker.give(capture(url, tmp_path / "case", allow_networks=()))
    told = until(worker, "refused", "bad")
    assert told.kind == kind or (told.kind == "refused" and kind == "bad")
    assert words in (told.reason or "")
    assert not (tmp_path / "case").exists()


def test_only_the_dossier_is_made_of_a_bundle_that_is_there(worker: Worker, pool: Pool, site: Server, tmp_path: Path
                                                            ) -> None:
    order = capture(site.url("ok"), tmp_path / "case")
    worker.give(order)
    until(worker, "captured")
    worker.kill()
    assert worker.ended.wait(START_S)
    sealed = (tmp_path / "case" / "manifest.json").read_bytes()
    other = ready(pool.worker())
    other.give(order.model_copy(update={"kind": "dossier"}))
    until(other, "done")
    other.close()
    assert verify(tmp_path / "case") == []
    assert (tmp_path / "case" / "manifest.json").read_bytes() == sealed


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGABRT])
def test_a_worker_that_dies_in_the_middle_takes_its_browser_with_it(
        number: signal.Signals, worker: Worker, site: Server, scratch: Path, tmp_path: Path) -> None:
    worker.give(capture(site.url("never-answers"), tmp_path / "case"))
    until(worker, "began")
    below = family(worker)
    assert len(below) > 3
    below[0].send_signal(number)
    with pytest.raises(WorkerGone):
        until(worker, "done")
    assert worker.ended.wait(START_S)
    assert gone(below)
    assert not (scratch / str(worker.number)).exists()


def test_a_browser_that_dies_in_the_middle_makes_us_doubt(worker: Worker, site: Server, tmp_path: Path) -> None:
    brief = PATIENT.model_copy(update={"probe_s": 0.5})  # the request without a browser goes on without it
    worker.give(capture(site.url("never-answers"), tmp_path / "case", limits=brief))
    until(worker, "step")
    browser_of(worker).kill()
    assert re.match("the browser (ended in the middle|could not look)", until(worker, "captured").reason or "")


def test_a_worker_ends_when_its_browser_dies_while_it_waits(worker: Worker) -> None:
    browser_of(worker).kill()
    assert worker.ended.wait(START_S)
    with pytest.raises(WorkerGone):
        worker.told(START_S)


def test_a_worker_that_hangs_is_ended_with_everything_below_it(worker: Worker, site: Server, tmp_path: Path) -> None:
    worker.give(capture(site.url("never-answers"), tmp_path / "case"))
    until(worker, "began")
    below = family(worker)
    below[0].suspend()
    worker.kill()
    assert worker.ended.wait(START_S)
    assert gone(below)


def test_who_listens_in_vain_hears_of_it(worker: Worker) -> None:
    with pytest.raises(TimeoutError):
        worker.told(0.01)


def test_a_worker_that_has_ended_takes_no_job(worker: Worker, tmp_path: Path) -> None:
    worker.close()
    worker.close()
    with pytest.raises(WorkerGone):
        worker.give(capture("http://a.example/", tmp_path))


def test_a_worker_that_says_strange_things_is_not_believed(monkeypatch: pytest.MonkeyPatch, pool: Pool) -> None:
    for said in (b'{"kind":"published"}\n', b"\xff\n", b"x" * 300):
        monkeypatch.setattr(pools, "LINE_BYTES", 100)
        ours, theirs = os.pipe()
        assert pool._nursery is not None
        strange = Worker(0, pool._nursery, os.dup(theirs), ours)
        os.write(theirs, said)
        with pytest.raises(WorkerGone):
            strange.told(START_S)
        strange.ended.set()
        strange.close()
        os.close(theirs)


def test_without_a_browser_a_worker_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATEWITNESS_BROWSER", "/bin/false")
    pool = Pool(scratch_for(tmp_path))
    try:
        told = pool.worker().told(START_S)
        assert told.kind == "fault"
        assert "did not come up" in (told.reason or "")
    finally:
        pool.close()


def test_when_the_nursery_dies_so_do_its_workers_and_the_next_one_begins(tmp_path: Path) -> None:
    pool = Pool(scratch_for(tmp_path))
    try:
        first = ready(pool.worker())
        below = family(first)
        nursery = below[0].parent()
        assert nursery is not None
        nursery.kill()
        assert first.ended.wait(START_S)
        assert gone(below)
        second = ready(pool.worker())
        assert second.pid not in {process.pid for process in below}
    finally:
        pool.close()
    assert not scratch_for(tmp_path).exists()


SERVER = """
import fcntl, sys, time
from pathlib import Path
from tests.web.workers.orders import capture, ready, until
from web.workers.pool import Pool, scratch_for
data, url = Path(sys.argv[1]), sys.argv[2]
lock = open(data / "lock", "w")
fcntl.flock(lock, fcntl.LOCK_EX)
pool = Pool(scratch_for(data), lock.fileno())
warm, busy = ready(pool.worker()), ready(pool.worker())
busy.give(capture(url, data / "case"))
until(busy, "began")
print(warm.pid, busy.pid, flush=True)
time.sleep(3600)
"""


def killed_server(tmp_path: Path, url: str, also: Callable[[psutil.Process], None]) -> list[psutil.Process]:
    """Everything below a server that was killed while a worker waited and another was at work."""
    with subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path), url], cwd=ROOT, stdout=subprocess.PIPE,
                          text=True) as server:
        assert server.stdout is not None
        assert server.stdout.readline().strip()
        root = psutil.Process(server.pid)
        below = root.children(recursive=True)
        assert len(below) > 6
        also(root)
        server.kill()
    return below


def test_when_the_server_is_killed_nothing_is_left_and_only_then_the_lock_is_free(site: Server, tmp_path: Path) -> None:
    below = killed_server(tmp_path, site.url("never-answers"), lambda _: None)
    taken = subprocess.run(["flock", "--timeout", str(START_S), str(tmp_path / "lock"), "true"], check=False)
    assert taken.returncode == 0
    assert gone(below)
    assert not scratch_for(tmp_path).exists()


def test_when_server_and_nursery_are_killed_together_workers_end_by_themselves(site: Server, tmp_path: Path) -> None:
    def kill_the_nursery(server: psutil.Process) -> None:
        server.suspend()
        server.children()[0].kill()

    below = killed_server(tmp_path, site.url("never-answers"), kill_the_nursery)
    assert gone(below)


def test_a_place_that_somebody_else_has_made_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "scratch_directory", lambda: Path("/tmp"))
    place = scratch_for(tmp_path)
    place.symlink_to(tmp_path)
    try:
        other = scratch_for(tmp_path)
        assert other != place
        assert other.stat().st_uid == os.geteuid()
        other.rmdir()
    finally:
        place.unlink()


def test_the_place_leaves_room_for_the_socket_of_a_browser(tmp_path: Path) -> None:
    assert len(str(scratch_for(tmp_path))) <= 40
    assert scratch_for(tmp_path) == scratch_for(tmp_path)
    with socket.socket(socket.AF_UNIX) as probe, pytest.raises(OSError, match="too long"):
        probe.bind("/tmp/" + "x" * 108)
