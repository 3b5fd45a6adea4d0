"""The service as a process: it starts, answers, captures, stops; and when it cannot begin, it says why."""

import contextlib
import fcntl
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bench.soak import Service
from capture.errors import BadInput, CaptureError
from tests.brokensite import BrokenSite, Server, in_thread
from tests.web import desk
from tests.web.workers.puppets import Stage, until
from web.client import Client
from web.config import Config
from web.store import retention
from web.store.database import Database
from web.store.tables import Job
from web.workers import runner as runners
from web.workers import serve as serving
from web.workers.listening import Listener
from web.workers.outbox import Outbox
from web.workers.pool import scratch_for
from web.workers.runner import Runner
from web.workers.serve import serve


@pytest.fixture
def site() -> Iterator[Server]:
    with in_thread(BrokenSite()) as running:
        yield running


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """One that runs; killed at the end when the test has not stopped it."""
    (tmp_path / "data").mkdir()
    made = Service(tmp_path / "data", workers=1, more=("--patience", "0"))
    made.start()
    yield made
    if made.process is not None and made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """Nothing is captured, and nothing changes in how this process logs."""
    monkeypatch.setattr(serving, "_log_to_standard_error", lambda: None)
    stage = Stage()
    monkeypatch.setattr(serving, "Pool", lambda *_: stage)
    return stage


def job(data: Path, case_id: str) -> Job:
    database = Database(data)
    with database.reading() as db:
        found = db.get_one(Job, case_id)
    database.close()
    return found


def left(data: Path) -> list[str]:
    """Command lines of what still runs."""
    lines = [" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"])]
    return [line for line in lines if str(scratch_for(data)) in line]


def half_an_upload(service: Service) -> socket.socket:
    """A client in the middle of a long request."""
    host, _, port = service.address.removeprefix("http://").strip("/").rpartition(":")
    client = socket.create_connection((host, int(port)), timeout=60)
    client.sendall(b"POST /api/v1/imports HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
                   b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n")
    return client


@pytest.mark.browser
def test_a_service_captures_tells_and_stops(service: Service, site: Server) -> None:
    setup = service.process.stdout.readline() if service.process and service.process.stdout else ""
    assert re.fullmatch(rf"Without a login .* open this link once: {re.escape(service.address)}setup/\S+\n", setup)
    client = Client(service.address, patience_s=170)
    case = client.wait(client.submit({"url": site.url("empty-500")}, "one key"))
    assert (case["state"], case["verdict"]["status"]) == ("done", 500)
    with urllib.request.urlopen(f"{service.address}cases/{case['id']}/events", timeout=60) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        told = stream.read().decode()
    assert "event: step" in told
    assert json.loads(told.split("data: ")[-1])["state"] == "done"
    behind_a_proxy = urllib.request.Request(f"{service.address}api/v1/captures", headers={"X-Forwarded-For": "::1"})
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(behind_a_proxy, timeout=60)
    assert service.stop() == 0
    assert left(service.data) == []
    assert not scratch_for(service.data).exists()
    assert list((service.data / "tmp").iterdir()) == []
    assert "Traceback" not in (service.data.parent / "serve.log").read_text()


@pytest.mark.browser
def test_what_does_not_end_in_time_is_done_after_the_next_start(service: Service, site: Server) -> None:
    client = Client(service.address, patience_s=170)
    case = client.submit({"url": site.url("never-answers")}, "one key")
    until(lambda: job(service.data, case["id"]).state == "leased", "the begin of the capture")
    with half_an_upload(service) as upload, urllib.request.urlopen(
            f"{service.address}cases/{case['id']}/events", timeout=60) as stream:
        assert stream.readline()
        assert service.stop() == 0, "nobody who still listens or sends can hold it"
        with contextlib.suppress(http.client.IncompleteRead):  # which tells a browser to come again
            stream.read()
        assert upload.recv(1) == b""
    given_back = job(service.data, case["id"])
    assert (given_back.state, given_back.attempts) == ("queued", 0)
    assert list((service.data / "tmp").iterdir()) == []
    assert left(service.data) == []
    service.start()
    until(lambda: job(service.data, case["id"]).state == "leased", "the second begin")


def test_one_service_works_with_a_directory_at_a_time(tmp_path: Path, no_worker: Stage, monkeypatch: pytest.MonkeyPatch
                                                      ) -> None:
    monkeypatch.setattr(serving, "LOCK_S", 0.0)
    with (tmp_path / serving.LOCK).open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(CaptureError, match="another service works with"):
            serve(Config(data=tmp_path, port=0), patience_s=0)


def test_what_is_left_of_a_killed_service_is_waited_for(tmp_path: Path) -> None:
    with subprocess.Popen(["flock", str(tmp_path / serving.LOCK), "sh", "-c", "echo here; sleep 0.3"],
                          stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with serving._locked(tmp_path):
            assert other.wait() == 0


def test_a_key_that_others_can_read_is_named_and_nothing_stays_open(tmp_path: Path, no_worker: Stage) -> None:
    (tmp_path / "instance.key").write_bytes(b"x" * 32)
    (tmp_path / "instance.key").chmod(0o644)
    with pytest.raises(CaptureError, match=r"instance\.key can be read by others"):
        serve(Config(data=tmp_path, port=0), patience_s=0)
    assert no_worker.closed
    with serving._locked(tmp_path):
        pass


def test_a_wrong_targets_file_is_one_sentence_and_nothing_begins(tmp_path: Path, no_worker: Stage) -> None:
    (tmp_path / "targets.toml").write_text("[ops]\nto = 'nowhere'\n")
    with pytest.raises(BadInput, match="the target 'ops'"):
        serve(Config(data=tmp_path / "data", port=0, targets=tmp_path / "targets.toml"), patience_s=0)
    assert not (tmp_path / "data").exists()


def test_what_can_be_delivered_is_while_it_runs_and_a_missing_credential_is_told(
    tmp_path: Path, no_worker: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    desk.register(monkeypatch)
    monkeypatch.setenv("GATEWITNESS_DEV_TOKEN", f"{desk.TOKEN}\n")
    turned = threading.Event()
    monkeypatch.setattr(Outbox, "turn", lambda _: turned.set())
    monkeypatch.setattr(serving._Signals, "wait_for_the_first", lambda *_: turned.wait(60))
    config = Config(data=tmp_path, port=0, workers=1, targets=desk.targets_file(tmp_path / "targets.toml"))
    serve(config, patience_s=0)
    assert turned.is_set()
    assert "deliveries will fail: the target 'dev'" in caplog.text
    assert "the target 'ops'" not in caplog.text
    assert desk.TOKEN not in caplog.text


def test_a_port_that_is_taken_is_named(tmp_path: Path, no_worker: Stage) -> None:
    other = Listener(Config(port=0))
    port = int(other.address.rpartition(":")[2])
    with pytest.raises(CaptureError, match=f"port {port}"):
        serve(Config(data=tmp_path, port=port), patience_s=0)
    other.stop()


def test_the_data_are_for_nobody_else(tmp_path: Path, no_worker: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving._Signals, "wait_for_the_first", lambda *_: None)
    serve(Config(data=tmp_path / "new" / "data", port=0, workers=1), patience_s=0)
    assert (tmp_path / "new" / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "new" / "data" / serving.LOCK).stat().st_mode & 0o777 == 0o600
    assert no_worker.closed


def test_cases_that_are_too_old_are_deleted_while_it_runs(tmp_path: Path, no_worker: Stage,
                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    expired = threading.Event()
    monkeypatch.setattr(runners, "FIRST_S", 0.01)
    monkeypatch.setattr(retention, "expire", lambda *_: expired.set())
    monkeypatch.setattr(serving._Signals, "wait_for_the_first", lambda *_: expired.wait(60))
    serve(Config(data=tmp_path, port=0, workers=1), patience_s=0)
    assert expired.is_set()


def test_the_first_signal_stops_and_the_second_hurries() -> None:
    hurried: list[bool] = []

    class Waits:
        def hurry(self) -> None:
            hurried.append(True)

    before = signal.getsignal(signal.SIGTERM)
    runner: Runner = Waits()  # type: ignore[assignment]
    with serving._signals() as signals:
        os.kill(os.getpid(), signal.SIGTERM)
        signals.wait_for_the_first(runner)
        assert hurried == []
        os.kill(os.getpid(), signal.SIGINT)
        assert hurried == [True]
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize(("given", "setup", "said"), [
    ({}, "/setup/t", "gatewitness: http://127.0.0.1:1/\nWithout a login it answers this machine only. To set up the"
                     " first administrator, open this link once: http://127.0.0.1:1/setup/t\n"),
    ({"host": "0.0.0.0"}, "/setup/t", "gatewitness: http://127.0.0.1:1/\nNobody can log in yet. To set up the"
                                      " first administrator, open this link once: http://127.0.0.1:1/setup/t\n"),
    ({"public_url": "https://w.example/"}, None, "gatewitness: https://w.example/\n")])
def test_the_greeting_tells_where_to_go(given: dict[str, str], setup: str | None, said: str,
                                        capsys: pytest.CaptureFixture[str]) -> None:
    serving._greet(Config.model_validate(given), "http://127.0.0.1:1", setup)
    assert capsys.readouterr().out == said
