from pathlib import Path

import pytest

from capture.chromium import SYSTEM_BROWSERS, Browser, find
from capture.errors import NotInstalled


def executable(path: Path, script: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def download(cache: Path, build: str, complete: bool = True) -> Path:
    if complete:
        (cache / build).mkdir(parents=True)
        (cache / build / "INSTALLATION_COMPLETE").touch()
    return executable(cache / build / "chrome-linux64" / "chrome")


def test_the_browser_named_in_the_environment_comes_first(tmp_path: Path) -> None:
    download(tmp_path, "chromium-1255")
    named = executable(tmp_path / "mine")
    environment = {"GATEWITNESS_BROWSER": str(named), "PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}
    assert find(environment) == Browser(named, "environment")


def test_a_wrong_name_in_the_environment_is_an_error_and_not_passed_over(tmp_path: Path) -> None:
    other = executable(tmp_path / "chromium")
    with pytest.raises(NotInstalled, match=r"GATEWITNESS_BROWSER names .*missing"):
        find({"GATEWITNESS_BROWSER": str(tmp_path / "missing")}, system=(str(other),))


def test_the_newest_download_wins_by_number_and_not_by_spelling(tmp_path: Path) -> None:
    download(tmp_path, "chromium-999")
    newest = download(tmp_path, "chromium-1255")
    assert find({"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}) == Browser(newest, "playwright")


def test_an_interrupted_download_does_not_count(tmp_path: Path) -> None:
    download(tmp_path, "chromium-1255", complete=False)
    system = executable(tmp_path / "chromium")
    assert find({"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}, (str(system),)) == Browser(system, "system")


def test_the_headless_shell_is_not_taken_for_the_browser(tmp_path: Path) -> None:
    shell = executable(tmp_path / "chromium_headless_shell-1255" / "chrome-linux" / "headless_shell")
    (shell.parents[1] / "INSTALLATION_COMPLETE").touch()
    with pytest.raises(NotInstalled):
        find({"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}, ())


def test_downloads_are_looked_for_in_the_cache_of_the_user(tmp_path: Path) -> None:
    path = download(tmp_path / "ms-playwright", "chromium-1")
    assert find({"XDG_CACHE_HOME": str(tmp_path)}).path == path


def test_system_browsers_are_taken_in_order(tmp_path: Path) -> None:
    first, second = executable(tmp_path / "first"), executable(tmp_path / "second")
    environment = {"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path / "none")}
    assert find(environment, (str(tmp_path / "missing"), str(first), str(second))).path == first


def test_chrome_comes_before_a_chromium_that_nobody_packaged() -> None:
    assert SYSTEM_BROWSERS.index("/opt/google/chrome/chrome") < SYSTEM_BROWSERS.index("/usr/bin/chromium")


def test_without_a_browser_the_message_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match=r"\./run setup"):
        find({"PLAYWRIGHT_BROWSERS_PATH": str(tmp_path)}, ())


def test_the_version_is_what_the_browser_says(tmp_path: Path) -> None:
    chrome = executable(tmp_path / "chrome", 'echo "Google Chrome for Testing 159.0.8154.6 "')
    assert Browser(chrome, "system").version() == "Google Chrome for Testing 159.0.8154.6"


@pytest.mark.parametrize(("script", "reason"), [
    ("echo cannot load libnss3 >&2; exit 127", "cannot load libnss3"),
    ("exit 1", "exit status 1"),
    ("exec sleep 5", "timed out"),
])
def test_a_browser_that_does_not_run_says_why(tmp_path: Path, script: str, reason: str) -> None:
    with pytest.raises(NotInstalled, match=reason):
        Browser(executable(tmp_path / "chrome", script), "system").version(
            timeout_s=0.5 if "sleep" in script else 60)
