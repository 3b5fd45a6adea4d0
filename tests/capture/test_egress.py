"""On the browser in use: a page that tries every way out reaches nothing but the guard, and the guard refuses it."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from capture import chromium
from capture.browser import Browser
from capture.pipeline import capture
from capture.record.request import CaptureRequest, Limits
from tests.canary import CANARIES, LONGEST_S, SITE, ZONE, CanarySite
from tests.dnsserver import DnsServer

pytestmark = pytest.mark.browser

LIMITS = Limits(total_s=90, load_s=60, idle_s=30, connections=5_000, parallel_connections=1_000)

TRIED = set("""
    audio background beacon csp-report css-font css-import css-url embed event-source fetch fetch-keepalive
    form frame-location iframe iframe-backslash iframe-refresh img input-image link-preload module
    modulepreload object preload redirect script service-worker shared-worker srcset stylesheet svg-image
    video websocket worker worker-import xhr
""".split())
"""Vectors that must turn up at the guard, so that silence at the canaries means something. The others are held back by
the browser itself: hints, pings and reports by flags or for a minute, UDP by the WebRTC policy, TURN where the machine
has no network, windows for want of a click."""

CALLS = "connect,sendto,sendmsg,sendmmsg"
CONNECT = re.compile(r"connect\(\d+<(TCP|UDP)[^>]*>, \{sa_family=AF_INET6?, sin6?_port=htons\((\d+)\)"
                     r'.*?"([0-9a-f.:]+)"')
DATAGRAM = re.compile(r"send(?:to|msg|mmsg)\(\d+<(?:UDP|ICMP|RAW|PING)")


@asynccontextmanager
async def traced_browser(directory: Path) -> AsyncIterator[tuple[Browser, Path]]:
    """The browser in use under strace, and the file of its system calls that open a connection or send a packet."""
    strace = shutil.which("strace")
    assert strace, "this test needs strace"
    trace, program = directory / "trace", directory / "chromium"
    program.write_text(f"#!/bin/sh\nexec {strace} -f -qq -yy --seccomp-bpf -s 40 -e trace={CALLS} -o {trace} "
                       f'{chromium.find().path} "$@"\n')
    program.chmod(0o755)
    browser = await Browser.start(program)
    try:
        yield browser, trace
    finally:
        await browser.kill()


def tcp_connects(trace: str) -> set[tuple[str, str]]:
    """Address and port of every TCP connect."""
    return {(address, port) for kind, port, address in CONNECT.findall(trace) if kind == "TCP"}


async def test_a_page_that_tries_every_way_out_reaches_nothing_but_the_guard(tmp_path: Path) -> None:
    async with CanarySite(TRIED) as site, traced_browser(tmp_path) as (browser, trace):
        port = browser.exit_socket.getsockname()[1]
        request = CaptureRequest(url=site.base, allow_networks=(f"{SITE}/32",), system_resolvers=(site.dns.address,),
                                 limits=LIMITS)
        bundle = await capture(request, tmp_path / "bundle", browser=browser)
    calls = trace.read_text(errors="replace")

    assert site.arrivals == []
    assert tcp_connects(calls) == {("127.0.0.1", str(port))}
    assert DATAGRAM.findall(calls) == [], "a packet left: UDP connects alone send none, a name asked of the system does"

    astray = [dial for dial in bundle.evidence.dials if dial.host != SITE]
    assert {dial.verdict for dial in astray} == {"refused"}
    assert {dial.host.removesuffix(f".{ZONE}") for dial in astray} >= TRIED | set(CANARIES)
    assert {name for name, _ in site.dns.queries} <= {dial.host for dial in astray}


async def test_the_browsers_own_page_for_a_name_that_does_not_exist_asks_nobody(tmp_path: Path) -> None:
    # Left alone, Chromium asks the system's resolver and a public one for its vendor's name when it shows this page.
    with DnsServer({"shop.test": "NXDOMAIN"}) as resolver:
        async with traced_browser(tmp_path) as (browser, trace):
            request = CaptureRequest(url="http://shop.test/", allow_networks=(f"{SITE}/32",),
                                     system_resolvers=(resolver.address,), limits=LIMITS)
            bundle = await capture(request, tmp_path / "bundle", browser=browser)
    calls = trace.read_text(errors="replace")

    assert [load.label for load in bundle.evidence.pages] == ["strict", "native"]
    assert DATAGRAM.findall(calls) == []
    assert [address for kind, port, address in CONNECT.findall(calls) if (kind, port) == ("UDP", "53")] == []


async def test_the_canaries_and_the_trace_would_tell_of_a_browser_without_guard(tmp_path: Path) -> None:
    async with CanarySite() as site, traced_browser(tmp_path) as (browser, trace):
        made = await browser.devtools.call("Target.createBrowserContext", timeout=10, proxyServer="direct://")
        await browser.devtools.call("Target.createTarget", timeout=10, url=f"http://{CANARIES[0]}:{site.tcp_port}/",
                                    browserContextId=made["browserContextId"])
        async with asyncio.timeout(LONGEST_S):
            while not any("GET" in arrival for arrival in site.arrivals):
                await asyncio.sleep(0.05)
    assert (CANARIES[0], str(site.tcp_port)) in tcp_connects(trace.read_text(errors="replace"))


def test_the_trace_tells_a_packet_from_a_mere_route_probe() -> None:
    name = r'7 sendmmsg(31<UDP:[127.0.0.1:4->127.0.0.53:53]>, [{msg_hdr={...}}], 2, MSG_NOSIGNAL) = 2'
    probe = '7 connect(31<UDP:[5]>, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("8.8.8.8")}, 16) = 0'
    assert DATAGRAM.search(name)
    assert not DATAGRAM.search(probe)
    assert tcp_connects(probe) == set()
