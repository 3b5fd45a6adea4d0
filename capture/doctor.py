"""What this machine has and lacks. In: the machine. Out: one Row a thing, in the order in which set-up brings them.

Starts the browser once, on nothing, with no way out; contacts nobody.
"""

import asyncio
import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

from capture import chromium
from capture.browser import Browser
from capture.errors import CaptureError
from capture.resolver import Resolver
from capture.steps.vantage import _clock as kernel_clock

SETUP: Final = "./run setup"
SETUP_TEST: Final = "./run setup test"
LOCK: Final = Path(__file__).parents[1] / "requirements.lock"
NAMED: Final = ("playwright", "weasyprint", "cryptography", "dnspython")
"""Libraries whose versions are worth a look."""
FONTS: Final = {"Inter": "dossier", "Noto Sans Mono": "dossier", "Noto Sans CJK": "pages", "Noto Color Emoji": "pages"}
"""Families by the beginning of their name, and what is drawn with them."""
SERVERS: Final = ("nginx", "apache2", "haproxy", "varnishd", "squid", "lighttpd", "caddy", "traffic_server")
DISK_BYTES: Final = 500_000_000
"""Free space under which a large capture may not fit, bytes."""


@dataclass(frozen=True)
class Row:
    """One thing that was looked at."""

    name: str
    """What."""
    ok: bool
    """Whether a capture can be made with it; a reservation that stops nothing is ok and said in `detail`."""
    detail: str
    """What was found."""
    remedy: str | None = None
    """What to run or do when something is missing."""


def check(directory: Path | None = None) -> tuple[Row, ...]:
    """Looks at everything; `directory` is where captures will be written, the current one when absent."""
    looks: tuple[Callable[[], Row], ...] = (
        _python, libraries, _browser, fonts, _pdf, lambda: disk(directory or Path.cwd()), _clock, _resolvers, servers)
    return tuple(look() for look in looks)


def _python() -> Row:
    return Row("Python", sys.version_info >= (3, 11), f"{sys.version.split()[0]}, {sys.executable}")


def libraries(lock: Path = LOCK) -> Row:
    """Compares what is installed with the lock file, name and version."""
    wanted = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+) *(;)?", lock.read_text(), re.MULTILINE)
    found = {name: _installed(name) for name, _, _ in wanted}
    versions = {name: [version for other, version, _ in wanted if other == name] for name in found}
    # A line with a condition may be meant for another system: nothing there is no difference then, and of several
    # lines for one library any may be the one that is meant.
    wrong = [f"{name} {found[name] or 'missing'} instead of {version}" for name, version, condition in wanted
             if found[name] not in versions[name] and not (condition and found[name] is None)]
    if wrong:
        return Row("Libraries", False, "; ".join(wrong), SETUP)
    named = ", ".join(f"{name} {found[name]}" for name in NAMED if name in found)
    return Row("Libraries", True, f"{sum(version is not None for version in found.values())} as locked: {named}")


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _browser() -> Row:
    try:
        found = chromium.find()
        product, sandbox = asyncio.run(_start(found.path))
    except CaptureError as error:
        return Row("Browser", False, str(error), SETUP)
    walls = "its sandbox is on" if sandbox else "its sandbox is off because this is root; another user has it on"
    return Row("Browser", True, f"{product}, {found.path} ({found.source}); {walls}")


async def _start(path: Path) -> tuple[str, bool]:
    browser = await Browser.start(path)
    try:
        return browser.product, browser.sandbox
    finally:
        await browser.kill()


def fonts(families: dict[str, str] | None = None) -> Row:
    """Which families are missing; a missing one does not stop a capture, but boxes stand for letters then."""
    wanted = FONTS if families is None else families
    if shutil.which("fc-list") is None:
        return Row("Fonts", False, "fc-list is missing, so nothing is known about fonts", SETUP)
    listed = subprocess.run(["fc-list", ":", "family"], capture_output=True, text=True, check=False).stdout
    there = {name.strip() for line in listed.splitlines() for name in line.split(",")}
    missing = [f"{family} ({use})" for family, use in wanted.items()
               if not any(name.startswith(family) for name in there)]
    if missing:
        return Row("Fonts", False, f"missing: {', '.join(missing)}", SETUP)
    return Row("Fonts", True, ", ".join(wanted))


def _pdf() -> Row:
    try:
        version = importlib.import_module("weasyprint").__version__
    except (ImportError, OSError) as error:
        return Row("PDF", False, f"WeasyPrint cannot be loaded: {error}", SETUP)
    return Row("PDF", True, f"WeasyPrint {version} with its system libraries")


def disk(directory: Path) -> Row:
    """Room for a capture, and whether this user may write there."""
    free = shutil.disk_usage(directory).free
    detail = f"{free / 1e9:.1f} GB free in {directory}"
    if not os.access(directory, os.W_OK):
        return Row("Disk", False, f"{directory} is not writable", "give another directory with --out")
    if free < DISK_BYTES:
        return Row("Disk", False, f"{detail}; a large capture may not fit", "make room, or give --out")
    return Row("Disk", True, detail)


def _clock() -> Row:
    known = kernel_clock()
    if known.synchronised is None:
        return Row("Clock", True, "the kernel does not say whether it is disciplined; the dossier says so too")
    if not known.synchronised:
        return Row("Clock", True, "nothing disciplines it; the dossier says so too", "start a time service (NTP)")
    return Row("Clock", True, f"disciplined, error at most {known.error_ms or 0:.0f} ms")


def _resolvers() -> Row:
    used = Resolver().nameservers
    if not used:
        return Row("Resolvers", False, "no name server is configured", "name one in /etc/resolv.conf")
    return Row("Resolvers", True, ", ".join(used))


def servers(names: tuple[str, ...] = SERVERS) -> Row:
    """The gateways that the tests run; a capture needs none of them."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    missing = [name for name in names if shutil.which(name, path=path) is None]
    if missing:
        return Row("Test servers", True, f"only the tests need them; missing: {', '.join(missing)}", SETUP_TEST)
    return Row("Test servers", True, ", ".join(names))
