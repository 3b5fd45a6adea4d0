"""Single-use browsers: they come up, they are killed whole, and they know nothing of our environment."""

import asyncio
import contextlib
import os
import stat
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from capture import browser as module
from capture import chromium
from capture.browser import Browser
from capture.devtools import DevToolsError, Disconnected
from capture.errors import CaptureError
from tests.processes import alive, no_process_left


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Every profile is made below this directory, whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="gwt-", dir="/tmp") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        monkeypatch.setattr(module, "SHARED_MEMORY", Path(directory))
        yield Path(directory)


def program(directory: Path, script: str) -> Path:
    """An executable that is no browser."""
    path = directory / "not-a-browser"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def no_file_left() -> Iterator[None]:
    before = open_files()
    yield
    assert open_files() == before


@pytest.mark.browser
async def test_a_browser_comes_up_with_an_empty_page_and_is_killed_whole(temporary: Path) -> None:
    async with no_process_left() as seen:
        browser = await Browser.start(chromium.find().path)
        page = await browser.page()
        assert "Chrom" in browser.product
        assert "Mozilla" in browser.user_agent
        answer = await browser.devtools.call("Runtime.evaluate", page.session, timeout=10, expression="location.href",
                                             returnByValue=True)
        assert answer["result"]["value"] == "about:blank"
        another = await browser.page()
        assert another.context != page.context
        assert len(list(temporary.iterdir())) == 1
        await asyncio.sleep(0.05)
        await browser.kill()
        await browser.kill()
        assert len(seen) >= 3
        assert not browser.died
    assert list(temporary.iterdir()) == []
    with pytest.raises(Disconnected):
        await browser.devtools.call("Browser.getVersion", timeout=1)


@pytest.mark.browser
async def test_at_its_deadline_a_browser_is_killed_although_the_event_loop_is_busy(temporary: Path) -> None:
    async with no_process_left():
        browser = await Browser.start(chromium.find().path)
        root = psutil.Process(browser.process.pid)
        browser.kill_after(0.2)
        while alive(root):  # in all this time no other task of the loop runs
            time.sleep(0.02)
        await browser.kill()
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_a_browser_whose_killing_was_given_up_is_killed_the_second_time(temporary: Path) -> None:
    async with no_process_left():
        browser = await Browser.start(chromium.find().path)
        killing = asyncio.create_task(browser.kill())
        await asyncio.sleep(0)
        killing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await killing
        await browser.kill()
        assert browser.process.returncode is not None
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_a_browser_that_is_killed_in_time_has_no_deadline_any_more(temporary: Path) -> None:
    browser = await Browser.start(chromium.find().path)
    browser.kill_after(3600)
    await browser.kill()
    assert not any(isinstance(thread, threading.Timer) and thread.is_alive() and not thread.finished.is_set()
                   for thread in threading.enumerate())


@pytest.mark.browser
async def test_a_browser_whose_main_process_died_leaves_nobody_behind(temporary: Path) -> None:
    async with no_process_left():
        browser = await Browser.start(chromium.find().path)
        browser.process.kill()
        await browser.process.wait()
        with pytest.raises(DevToolsError):
            await browser.devtools.call("Browser.getVersion", timeout=60)
        await browser.kill()
        await browser.kill()
        assert browser.died
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_a_profile_lies_where_the_caller_wants_it(temporary: Path) -> None:
    elsewhere = temporary / "elsewhere"
    elsewhere.mkdir()
    browser = await Browser.start(chromium.find().path, elsewhere)
    assert browser.profile.parent == elsewhere
    await browser.kill()
    assert list(elsewhere.iterdir()) == []


@pytest.mark.browser
@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.15])
async def test_a_start_that_is_given_up_leaves_nothing_behind(after_s: float, temporary: Path, no_file_left: None
                                                              ) -> None:
    async with no_process_left():
        start = asyncio.create_task(Browser.start(chromium.find().path))
        await asyncio.sleep(after_s)
        start.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await (await start).kill()  # on a quick machine it is up already
    assert list(temporary.iterdir()) == []


async def test_a_browser_gets_no_secret_and_no_proxy_of_ours(tmp_path: Path, temporary: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "http_proxy", "SSH_AUTH_SOCK", "SSLKEYLOGFILE"):
        monkeypatch.setenv(name, "http://canary.invalid")
    with pytest.raises(CaptureError):
        await Browser.start(program(tmp_path, f"env >{tmp_path}/env"))
    given = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines())
    assert "canary" not in repr(given)
    assert given["HOME"].startswith(f"{temporary}/gatewitness-profile-")
    of_the_shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert set(given) - of_the_shell <= {
        "PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "FONTCONFIG_PATH", "FONTCONFIG_FILE", "HOME",
        "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "DBUS_SESSION_BUS_ADDRESS"}


@pytest.mark.parametrize(("script", "words"), [
    ("exit 0", "the browser is gone"),
    ("echo 'error while loading shared libraries: libnss3.so' >&2; exit 127", "libnss3.so"),
    (r"printf 'hello\0' >&4; sleep 60", "DevTools"),
    ("sleep 60", "no answer in 1 s"),
    ("head -c 10 <&3 >/dev/null; exit 1", "the browser is gone"),
    # As Chromium 156 wrote where Docker's seccomp profile was in force; the last lines have nothing to do with it.
    ("""cat >&2 <<'END'
Failed to move to new namespace: PID namespaces supported, Network namespace supported, but failed: errno = 1
[1:1:1/1.7:FATAL:content/browser/zygote_host/zygote_host_impl_linux.cc:228] Zygote process exited prematurely
[1:1:1/1.8:ERROR:third_party/crashpad/crashpad/util/file/file_io_posix.cc:145] open /sys/devices: No such file
[2:2:1/1.9:ERROR:content/zygote/zygote_linux.cc:662] write: Broken pipe (32)
END
exit 1""", "it cannot make its sandbox, because this user or container may not create user namespaces"),
    ("""cat >&2 <<'END'
[1:1:1/1.7:FATAL:content/app.cc:1] Out of ideas
[1:1:1/1.8:ERROR:third_party/crashpad/crashpad/util/file/file_io_posix.cc:145] open /sys/devices: No such file
END
exit 1""", "Out of ideas"),
])
async def test_a_program_that_is_no_browser_is_one_sentence_and_leaves_nothing_behind(
        script: str, words: str, tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch, no_file_left: None
) -> None:
    monkeypatch.setattr(module, "START_S", 1.0 if words == "no answer in 1 s" else 60.0)
    async with no_process_left():
        with pytest.raises(CaptureError, match=r"^the browser not-a-browser did not come up: ") as caught:
            await Browser.start(program(tmp_path, script))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(temporary.iterdir()) == []


async def test_a_program_that_cannot_be_run_is_one_sentence_too(tmp_path: Path, temporary: Path, no_file_left: None
                                                                ) -> None:
    async with no_process_left():
        with pytest.raises(CaptureError, match=r"^the browser missing did not come up: .*No such file"):
            await Browser.start(tmp_path / "missing")
    assert list(temporary.iterdir()) == []


async def test_without_room_for_another_process_it_is_one_sentence(
        tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch, no_file_left: None) -> None:
    async def refuses(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", refuses)
    with pytest.raises(CaptureError, match=r"^the browser b cannot be started: Resource temporarily unavailable$"):
        await Browser.start(tmp_path / "b")
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_whatever_the_browser_puts_into_the_temporary_directory_goes_with_the_profile(
        temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    browser = await Browser.start(chromium.find().path)
    await browser.page()
    await browser.kill()
    assert list(tmp_path.iterdir()) == []
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_without_shared_memory_the_profile_lies_where_temporary_files_do(
        temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SHARED_MEMORY", temporary / "missing")
    browser = await Browser.start(chromium.find().path)
    assert browser.profile.parent == temporary
    await browser.kill()
    assert list(temporary.iterdir()) == []
