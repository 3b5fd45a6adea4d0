"""Single-use browsers. In: the path of an executable. Out: a running Chromium with a DevTools pipe, killed whole.

A browser may be started ahead of its capture: its only way out is a loopback port on which nobody answers until the
capture's guard takes the port over.
"""

import asyncio
import contextlib
import os
import re
import resource
import shutil
import signal
import socket
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from capture.devtools import DevTools, DevToolsError
from capture.errors import CaptureError

FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-startup-window",
    # The walls of the egress guard; what each one closes was measured, and tests/capture/test_egress.py keeps it so.
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--disable-quic",
    "--dns-prefetch-disable",
    "--disable-features=AsyncDns,DnsOverHttps,DnsOverHttpsUpgrade,NetworkTimeServiceQuerying,MediaRouter,Translate,"
    "OptimizationHints,AutofillServerCommunication,CertificateTransparencyComponentUpdater,PrivacySandboxSettings4,"
    # And what it draws below an address bar that nobody sees: half of the work of its start (measured).
    "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,WebUIOmniboxPopup,WebUIOmniboxAimPopup",
    # Nothing of the browser's own life in the evidence.
    "--no-first-run",
    "--no-default-browser-check",
    "--no-pings",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-component-extensions-with-background-pages",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--disable-client-side-phishing-detection",
    "--disable-search-engine-choice-screen",
    "--metrics-recording-only",
    "--password-store=basic",
    "--use-mock-keychain",
    # No crash handlers: they leave the process group.
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--gaia-url=https://accounts.background.invalid",  # its own, not the page's accounts.google.com
    # A page is shown as a window in the foreground would show it.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--deny-permission-prompts",
    "--disable-notifications",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--mute-audio",
)
START_S = 20.0
CLOSE_S = 5.0
SHARED_MEMORY = Path("/dev/shm")
"""Where the profile lies when there is room: nothing of a page touches the disk, and it is gone 100 times faster."""
ROOM_BYTES = 256 << 20
LONGEST_TMP = 40
"""The browser puts a socket below its profile, and the path of a socket has at most 107 characters (unix(7))."""


@dataclass(frozen=True)
class Page:
    """An empty page in a private context of its own."""

    context: str
    """Browser context."""
    target: str
    """Target, which is also the id of its top frame."""
    session: str
    """DevTools session."""


# Of Chromium's content/browser/zygote_host and sandbox/linux.
_NO_SANDBOX = re.compile(r"Failed to move to new namespace|No usable sandbox|SUID sandbox helper")


class Browser:
    """One Chromium process tree, used for one capture."""

    def __init__(self, executable: Path, process: asyncio.subprocess.Process, profile: Path,
                 exit_socket: socket.socket) -> None:
        """Use `Browser.start`."""
        self.executable = executable
        self.exit_socket = exit_socket
        self.process = process
        self.profile = profile
        self.sandbox = os.geteuid() != 0
        self.product = ""
        self.user_agent = ""
        self.died = False
        """Whether it was gone already when it was to be killed."""
        self.devtools: DevTools
        self._watchdog: threading.Timer | None = None
        self._ready: Page | None = None
        self._ended = False

    @classmethod
    async def start(cls, executable: Path, scratch: Path | None = None) -> "Browser":
        """Starts a browser; raises CaptureError when it does not come up. Its profile lies in `scratch`, when given."""
        with contextlib.ExitStack() as unless_started:
            profile = _profile(scratch or scratch_directory())
            unless_started.callback(_remove, profile)
            exit_socket = unless_started.enter_context(socket.create_server(("127.0.0.1", 0), backlog=256))
            (to_browser, our_write), (our_read, from_browser) = os.pipe(), os.pipe()
            unless_started.callback(os.close, our_write)
            unless_started.callback(os.close, our_read)
            spawning = asyncio.ensure_future(_spawn(executable, profile, exit_socket, to_browser, from_browser))
            try:
                process = await asyncio.shield(spawning)
            except OSError as error:
                raise CaptureError(f"the browser {executable.name} cannot be started: {error.strerror}") from error
            except asyncio.CancelledError:
                await _end(spawning)
                raise
            finally:
                os.close(to_browser)
                os.close(from_browser)
            unless_started.pop_all()
        browser = cls(executable, process, profile, exit_socket)
        browser.devtools = DevTools(our_write)
        try:
            await browser._come_up(our_read)
        except (DevToolsError, TimeoutError) as error:
            said = (profile / "stderr.log").read_text(errors="replace").strip().splitlines()
            await browser.kill()
            reason = _reason(said) or str(error) or f"no answer in {START_S:g} s"
            raise CaptureError(f"the browser {executable.name} did not come up: {reason}") from error
        except BaseException:
            await browser.kill()
            raise
        return browser

    async def _come_up(self, read_fd: int) -> None:
        await self.devtools.attach(read_fd)
        version = await self.devtools.call("Browser.getVersion", timeout=START_S)
        self.product, self.user_agent = version["product"], version["userAgent"]
        self._ready = await self._fresh()

    async def page(self) -> Page:
        """An empty page in a fresh, private context, all of whose traffic goes to `exit_socket`.

        The first one was made ready at the start. Raises DevToolsError, TimeoutError.
        """
        ready, self._ready = self._ready, None
        return ready or await self._fresh()

    async def _fresh(self) -> Page:
        call = self.devtools.call
        made = await call("Target.createBrowserContext", timeout=START_S, disposeOnDetach=True,
                          proxyServer=_proxy(self.exit_socket), proxyBypassList="<-loopback>")
        context = made["browserContextId"]
        opened = await call("Target.createTarget", timeout=START_S, url="about:blank", browserContextId=context)
        attached = await call("Target.attachToTarget", timeout=START_S, targetId=opened["targetId"], flatten=True)
        return Page(context, opened["targetId"], attached["sessionId"])

    def relieve(self, memory_bytes: int, processes: int) -> str | None:
        """Ends the largest process of a tree that has grown past a limit; says which limit, a field of Limits."""
        sizes = {child: _private_bytes(child.pid) for child in _tree(self.process.pid) if child.pid != self.process.pid}
        over = "memory_bytes" if sum(sizes.values()) > memory_bytes else "processes" if len(sizes) > processes else None
        if over is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                max(sizes, key=lambda child: sizes[child]).kill()
        return over

    def kill_after(self, seconds: float) -> None:
        """Kills the tree at this deadline from a thread of its own, whatever the event loop is busy with then."""
        self._watchdog = threading.Timer(seconds, _kill_tree, [self.process.pid])
        self._watchdog.daemon = True
        self._watchdog.start()

    async def kill(self) -> None:
        """Ends the whole tree at once and removes the profile; may be called twice."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        if not self._ended:
            self._ended = True
            self.died = not _is_alive(self.process.pid)
            (_kill_tree if self.process.returncode is None else _kill_group)(self.process.pid)
        await self.process.wait()
        await self.devtools.close()
        self.exit_socket.close()
        await asyncio.to_thread(_remove, self.profile)


async def _spawn(executable: Path, profile: Path, exit_socket: socket.socket, to_browser: int, from_browser: int
                 ) -> asyncio.subprocess.Process:
    flags = [*FLAGS, f"--proxy-server={_proxy(exit_socket)}", f"--user-data-dir={profile}"]
    flags += ["--no-sandbox"] if os.geteuid() == 0 else []
    # The browser reads file descriptor 3 and writes 4; bash moves ours there, because a Python callback between
    # fork and exec is not safe in a process with threads.
    moved = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
    with (profile / "stderr.log").open("wb") as stderr:
        return await asyncio.create_subprocess_exec(
            "/bin/bash", "-c", moved, "bash", str(executable), *flags, pass_fds=(to_browser, from_browser),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=stderr,
            start_new_session=True, env=_environment(profile))


async def _end(spawning: asyncio.Future[asyncio.subprocess.Process]) -> None:
    """Kills what is being started: given up half-way, asyncio would kill its first process and none of its children."""
    with contextlib.suppress(OSError):
        process = await spawning
        _kill_tree(process.pid)
        await process.wait()


def _reason(said: list[str]) -> str:
    """Why it did not come up, of what it wrote: its crash handler writes more, and later, than what went wrong."""
    if any(_NO_SANDBOX.search(line) for line in said):
        return "it cannot make its sandbox, because this user or container may not create user namespaces"
    told = [line for line in said if "crashpad" not in line]
    return next((line for line in told if ":FATAL:" in line), (told or said or [""])[-1])


def _proxy(listener: socket.socket) -> str:
    return f"socks5://127.0.0.1:{listener.getsockname()[1]}"


def _kill_tree(pid: int) -> None:
    """The process group and whatever left it."""
    for process in _tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _kill_group(pid)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _tree(pid: int) -> list[psutil.Process]:
    try:
        root = psutil.Process(pid)
        return [*root.children(recursive=True), root]
    except psutil.NoSuchProcess:
        return []


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def scratch_directory() -> Path:
    """Where profiles lie, unless somebody says otherwise."""
    with contextlib.suppress(OSError):
        if os.access(SHARED_MEMORY, os.W_OK) and shutil.disk_usage(SHARED_MEMORY).free > ROOM_BYTES:
            return SHARED_MEMORY
    usual = tempfile.gettempdir()
    return Path(usual if len(usual) < LONGEST_TMP else "/tmp")


def _profile(scratch: Path) -> Path:
    """A fresh profile. Without this preference the browser's own error page for a name that does not exist sends a
    DNS query for a name of the browser maker's to the machine's resolver and to a public one, past every flag."""
    profile = Path(tempfile.mkdtemp(prefix="gatewitness-profile-", dir=scratch))
    (profile / "Default").mkdir()
    (profile / "Default" / "Preferences").write_text('{"alternate_error_pages":{"enabled":false}}')
    return profile


def _remove(profile: Path) -> None:
    """Until it is gone: a process that was killed may still write for a moment."""
    end = time.monotonic() + CLOSE_S
    while profile.exists() and time.monotonic() < end:
        shutil.rmtree(profile, ignore_errors=True)
        time.sleep(0.01 if profile.exists() else 0)


def _private_bytes(pid: int) -> int:
    """Memory of a process that it shares with no other, bytes (proc(5), statm); 0 when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/statm").read_text().split()
    except OSError:
        return 0
    return (int(fields[1]) - int(fields[2])) * resource.getpagesize() if len(fields) > 2 else 0


def _environment(profile: Path) -> dict[str, str]:
    """Only what a browser needs: no secrets, no proxies of ours, a home of its own."""
    kept = {name: value for name, value in os.environ.items()
            if name in {"PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ", "FONTCONFIG_PATH", "FONTCONFIG_FILE"}}
    return {**kept, "HOME": str(profile), "TMPDIR": str(profile), "XDG_CONFIG_HOME": str(profile / "config"),
            "XDG_CACHE_HOME": str(profile / "cache"), "DBUS_SESSION_BUS_ADDRESS": "disabled:"}
