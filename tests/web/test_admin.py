"""`admin`: what it prints, how it ends, and what it leaves."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from capture.errors import BadInput
from tests.web.serving import Served
from web import admin


def run(*words: str) -> Result:
    return CliRunner().invoke(admin.app, list(words))


def test_a_copy_is_restored_and_every_case_checked(service: Served, tmp_path: Path) -> None:
    data, copy, again = str(service.config.data), str(tmp_path / "copy.tar"), str(tmp_path / "again")
    made, restored = run("backup", copy, "--data", data), run("restore", copy, "--data", again)
    assert (made.exit_code, made.output) == (0, f"{copy}: 0 cases\n")
    assert (restored.exit_code, restored.output) == (0, f"{again}: 0 cases\nevery case is as it was sealed\n")


def test_what_differs_is_told_and_is_exit_status_1(service: Served) -> None:
    (service.config.data / "cases" / ("0" * 26)).mkdir(parents=True)
    done = run("verify-all", "--data", str(service.config.data))
    assert (done.exit_code, done.output) == (1, f"{'0' * 26}: files without a row\n")


def test_retention_can_be_asked_for(service: Served) -> None:
    assert run("expire", "--data", str(service.config.data)).output == "deleted: 0 cases\n"


def test_a_link_for_the_first_administrator_and_later_for_a_name_only(service: Served) -> None:
    data = str(service.config.data)
    first = run("link", "--data", data)
    assert first.output.startswith("http://127.0.0.1:8502/setup/")
    service.log_in("admin", "ann")
    assert isinstance(run("link", "--data", data).exception, BadInput)
    assert run("link", "ANN", "--data", data).output.startswith("http://127.0.0.1:8502/setup/")
    assert str(run("link", "bob", "--data", data).exception) == "there is no user 'bob'"


@pytest.mark.parametrize("words", [("verify-all",), ("expire",), ("link",), ("backup", "copy.tar")])
def test_a_place_without_a_database_is_one_sentence(tmp_path: Path, words: tuple[str, ...],
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*words, "--data", str(tmp_path))
    assert isinstance(done.exception, BadInput)
    assert "is no data directory of gatewitness" in str(done.exception)
    assert list(tmp_path.iterdir()) == []
