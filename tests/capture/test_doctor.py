import os
from importlib.metadata import version
from pathlib import Path

import pytest

from capture import doctor
from capture.errors import NotInstalled


def lock(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "requirements.lock"
    path.write_text(text)
    return path


@pytest.mark.browser
def test_on_a_machine_that_is_set_up_everything_is_there(tmp_path: Path) -> None:
    rows = doctor.check(tmp_path)
    assert [row.name for row in rows] == [
        "Python", "Libraries", "Browser", "Fonts", "PDF", "Disk", "Clock", "Resolvers", "Test servers"]
    assert [row for row in rows if not row.ok] == []
    assert all(row.detail for row in rows)


@pytest.mark.browser
def test_the_browser_row_tells_version_path_and_sandbox(tmp_path: Path) -> None:
    browser = next(row for row in doctor.check(tmp_path) if row.name == "Browser")
    assert "Chrom" in browser.detail
    assert ("its sandbox is off because this is root" in browser.detail) is (os.geteuid() == 0)


def test_a_missing_browser_is_a_row_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def find() -> None:
        raise NotInstalled("no browser here")

    monkeypatch.setattr("capture.chromium.find", find)
    browser = next(row for row in doctor.check(tmp_path) if row.name == "Browser")
    assert browser == doctor.Row("Browser", False, "no browser here", "./run setup")


def test_libraries_are_compared_with_the_lock_by_version(tmp_path: Path) -> None:
    row = doctor.libraries(lock(tmp_path, "pytest==0.0.1 \\\n    --hash=sha256:00\nno-such-library==2.0 \\\n"))
    assert not row.ok
    assert "instead of 0.0.1" in row.detail
    assert "no-such-library missing instead of 2.0" in row.detail
    assert row.remedy == "./run setup"


def test_a_library_for_other_systems_may_be_missing(tmp_path: Path) -> None:
    assert doctor.libraries(lock(tmp_path, "no-such-library==2.0 ; sys_platform == 'win32' \\\n")).ok


def test_of_several_locked_versions_the_one_for_this_python_counts(tmp_path: Path) -> None:
    here = version("pytest")
    lines = f"pytest=={here} ; python_version < '9' \\\npytest==99.0 ; python_version >= '9' \\\n"
    assert doctor.libraries(lock(tmp_path, lines)).ok


def test_missing_fonts_are_named_with_their_use() -> None:
    row = doctor.fonts({"No Such Family": "pages"})
    assert (row.ok, row.detail, row.remedy) == (False, "missing: No Such Family (pages)", "./run setup")


def test_fonts_are_unknown_without_fontconfig(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert doctor.fonts().detail == "fc-list is missing, so nothing is known about fonts"


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISK_BYTES", 1 << 60)
    row = doctor.disk(tmp_path)
    assert not row.ok
    assert "a large capture may not fit" in row.detail


def test_missing_test_servers_stop_no_capture() -> None:
    row = doctor.servers(("no-such-server",))
    assert row.ok
    assert row.detail == "only the tests need them; missing: no-such-server"
    assert row.remedy == "./run setup test"
