"""`submit` against a service: a real socket, a runner that does the work, exit statuses as `capture`."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

import gatewitness
from tests.web.api.calls import URL, listening, work
from tests.web.serving import Served
from web.store import jobs
from web.store.tables import Case


@pytest.fixture
def address(service: Served) -> Iterator[str]:
    """Where the service listens."""
    with listening(service.app) as found:
        yield found


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Somebody who does that again and again, until the block has ended."""
    done = threading.Event()

    def keep_on() -> None:
        while not done.wait(0.05):
            work()

    thread = threading.Thread(target=keep_on)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
        *arguments: str) -> tuple[int, str, str]:
    """Exit status and what was printed, through the front door."""
    monkeypatch.setattr("sys.argv", ["gatewitness", "submit", *arguments])
    with pytest.raises(SystemExit) as ended:
        gatewitness.main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def test_it_waits_tells_the_verdict_and_makes_the_directory(
        service: Served, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    with meanwhile(lambda: work(service)):
        status, printed, _ = run(monkeypatch, capsys, URL, "--server", address, "--wait", "--out", str(out))
        assert (status, out.is_dir()) == (0, True)
        assert "status: 502" in printed
        assert f"Case: {address}/cases/" in printed
        status, printed, _ = run(monkeypatch, capsys, URL, "--server", address, "--fail-on-fault", "--json")
    assert status == 1
    assert json.loads(printed)["verdict"]["status"] == 502


def test_without_waiting_it_says_where_to_follow(
        service: Served, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    token = service.token(service.add_user("member"), "capture")["Authorization"].removeprefix("Bearer ")
    monkeypatch.setenv("GATEWITNESS_TOKEN", token)
    monkeypatch.setenv("GATEWITNESS_SERVER", address)
    status, printed, _ = run(monkeypatch, capsys, URL, "--seen", "502")
    assert (status, printed.startswith(f"Accepted. Follow it under {address}/cases/")) == (0, True)
    assert service.count(Case) == 1


@pytest.mark.parametrize(("given", "status"), [
    ({"url": "ftp://shop.example/"}, 2), ({"url": "http://10.0.0.1/"}, 3), ({"token": "gw_wrong"}, 2)])
def test_refusals_have_the_exit_statuses_of_capture(
        address: str, given: dict[str, Any], status: int, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("GATEWITNESS_TOKEN", given.get("token", ""))
    ended, printed, told = run(monkeypatch, capsys, given.get("url", URL), "--server", address)
    assert (ended, printed) == (status, "")
    assert told.startswith("gatewitness: ")
    assert len(told.splitlines()) == 1


def test_a_capture_without_a_result_is_our_failure(
        service: Served, address: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def cancel() -> None:
        with service.database.transaction() as db:
            for case_id in list(db.scalars(select(Case.id))):
                jobs.ask_cancel(db, case_id)

    with meanwhile(cancel):
        status, _, told = run(monkeypatch, capsys, URL, "--server", address, "--wait")
    assert (status, told) == (5, "gatewitness: the capture ended as cancelled\n")


def test_a_directory_with_something_in_it_is_left_alone(
        service: Served, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("x")
    status, _, told = run(monkeypatch, capsys, URL, "--server", address, "--out", str(tmp_path))
    assert status == 2
    assert "not an empty directory" in told
    assert service.count(Case) == 0


def test_the_help_advises_the_variable_for_the_token() -> None:
    told = " ".join(CliRunner().invoke(gatewitness.app, ["submit", "--help"], env={"COLUMNS": "200"}).output.split())
    assert "GATEWITNESS_TOKEN" in told
