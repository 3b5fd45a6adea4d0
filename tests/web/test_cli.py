"""The commands of the service: what they accept, what they load, what they pass on."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import gatewitness
from web.config import Config
from web.workers import serve as serving

ROOT = Path(__file__).parents[2]
HEAVY = ("alembic", "flask", "playwright", "sqlalchemy", "waitress", "weasyprint")


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Config, float]]:
    """What `serve` would have been run with."""
    runs: list[tuple[Config, float]] = []
    monkeypatch.setattr(serving, "serve", lambda config, *, patience_s: runs.append((config, patience_s)))
    for name in Config.model_fields:
        monkeypatch.delenv(f"GATEWITNESS_{name.upper()}", raising=False)
    return runs


def run(*arguments: str) -> Any:
    return CliRunner().invoke(gatewitness.app, arguments)


def test_the_commands_stand_beside_the_others() -> None:
    told = run("--help").output
    assert "serve" in told
    assert "submit" in told
    assert "capture" in told


def test_a_capture_loads_nothing_of_the_service() -> None:
    code = f"import sys, gatewitness; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_without_options_the_defaults_hold(started: list[tuple[Config, float]]) -> None:
    assert run("serve").exit_code == 0
    assert started == [(Config(), 30.0)]


def test_options_reach_the_settings(started: list[tuple[Config, float]], tmp_path: Path) -> None:
    file = tmp_path / "service.toml"
    file.write_text('port = 1\nqueue_length = 7\n')
    done = run("serve", "--data", str(tmp_path), "--host", "::1", "--port", "0", "--workers", "3", "--threads", "9",
               "--public-url", "https://witness.example", "--trusted-host", "a.example", "--trusted-host", "b.example",
               "--proxies", "1", "--allow-network", "10.0.0.0/8", "--retention-days", "0", "--patience", "5",
               "--config", str(file))
    assert done.exit_code == 0, done.output
    assert started == [(Config(
        data=tmp_path, host="::1", port=0, workers=3, threads=9, public_url="https://witness.example",
        trusted_hosts=("a.example", "b.example"), proxies=1, allow_networks=("10.0.0.0/8",), retention_days=0,
        queue_length=7), 5.0)]


def test_a_wrong_setting_is_named(started: list[tuple[Config, float]]) -> None:
    done = run("serve", "--port", "70000")
    assert "the setting port is wrong" in str(done.exception)
    assert started == []
