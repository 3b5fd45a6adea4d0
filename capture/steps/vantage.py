"""From where and with what the site is looked at. In: what the browser says of itself. Out: Vantage. No network."""

import ctypes
import os
import platform
from datetime import datetime
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final

from capture.context import Context
from capture.record.evidence import Clock, Vantage

VERSION: Final = "0.1.0"
"""This program's version."""
LIBRARIES: Final = ("playwright", "cryptography", "pyopenssl", "dnspython", "h2", "weasyprint")
"""Libraries that shape what is recorded."""
UNSYNCHRONISED: Final = 0x40
"""STA_UNSYNC of <sys/timex.h>: nothing disciplines the clock, adjtimex(2)."""


class _Timex(ctypes.Structure):
    """The beginning of struct timex of adjtimex(2); the rest is room that the kernel fills."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


async def run(
    context: Context, *, product: str, path: str, user_agent: str | None = None, sandbox: bool | None = None
) -> Vantage:
    """Describes this machine; the browser's facts (product, file name, User-Agent, sandbox) are given."""
    now = datetime.now().astimezone()
    return Vantage(
        tool=f"gatewitness {VERSION}",
        browser=product,
        browser_path=Path(path).name,
        user_agent=user_agent,
        sandbox=sandbox,
        system=_system(),
        libraries=_libraries(),
        timezone=_timezone() or now.tzname() or "unknown",
        utc_offset=now.isoformat()[-6:],
        clock=_clock(),
        resolvers=context.resolver.nameservers,
    )


@cache
def _system() -> str:
    name = platform.freedesktop_os_release().get("PRETTY_NAME", "") if Path("/etc/os-release").is_file() else ""
    kernel = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{name}, {kernel}" if name else kernel


@cache
def _libraries() -> tuple[str, ...]:
    return tuple(f"{name} {metadata.version(name)}" for name in LIBRARIES)


def _timezone() -> str | None:
    """The IANA name: from TZ, else from where /etc/localtime points."""
    named = os.environ.get("TZ", "").removeprefix(":")
    if named:
        return named
    _, found, name = str(Path("/etc/localtime").resolve()).partition("/zoneinfo/")
    return name if found else None


def _clock() -> Clock:
    """What the kernel knows about its clock; reading needs no privilege, but some containers forbid the call."""
    timex = _Timex()
    adjtimex = getattr(ctypes.CDLL(None, use_errno=True), "adjtimex", None)
    if adjtimex is None or adjtimex(ctypes.byref(timex)) < 0:
        return Clock()
    synchronised = not timex.status & UNSYNCHRONISED
    return Clock(synchronised=synchronised, error_ms=timex.maxerror / 1000 if synchronised else None)
