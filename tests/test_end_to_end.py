"""From a broken site to the verdict: real gateways, a real browser, the whole pipeline, the picture a visitor gets."""

import asyncio
import errno
import socket
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from capture.dialer import connect_tcp
from capture.guard import Guard
from capture.record.bundle import Bundle
from report.diagnosis import Diagnosis
from report.dossier import build
from tests.brokensite import BrokenSite
from tests.capturing import captured
from tests.certs import root_pem
from tests.dnsserver import DnsServer
from tests.gateways import gateway
from tests.gateways.matrix import MATRIX
from tests.gateways.upstream import MISBEHAVIOURS, upstream
from tests.processes import no_process_left
from tests.tlssite import TlsSite

pytestmark = pytest.mark.browser

LOST = "192.0.2.1"
"""An address of the documentation network (RFC 5737) to which nothing is ever sent: the connect is a fake."""


@dataclass(frozen=True)
class Expected:
    """What a gateway's answer lets one say, per misbehaviour of the upstream in the order of MISBEHAVIOURS."""

    generator: str
    layer: str
    faults: tuple[str, str, str, str]


EXPECTED = {
    # One page for every broken upstream but the silent one.
    "nginx": Expected("nginx", "reverse-proxy", (
        "origin.bad-gateway", "origin.bad-gateway", "origin.bad-gateway", "origin.response-timeout")),
    # A refused connect gives the page of any 503. A broken read gives one reason for an early close and for silence;
    # a wait of one second is no evidence. Broken header lines have a page of their own.
    "apache2": Expected("apache", "reverse-proxy", (
        "origin.unavailable", "origin.no-valid-answer", "origin.invalid-response", "origin.no-valid-answer")),
    # 503 also when every server is marked down; "invalid or incomplete" covers garbage and an early close.
    "haproxy": Expected("haproxy", "load-balancer", (
        "origin.unavailable", "origin.no-valid-answer", "origin.no-valid-answer", "origin.response-timeout")),
    # "Backend fetch failed", whatever happened; only a long wait would tell of silence.
    "varnish": Expected("varnish", "reverse-proxy", (
        "origin.fetch-failed", "origin.fetch-failed", "origin.fetch-failed", "origin.fetch-failed")),
    # Says it all: ERR_CONNECT_FAIL 111, ERR_ZERO_SIZE_OBJECT, ERR_INVALID_RESP, ERR_READ_TIMEOUT.
    "squid": Expected("squid", "reverse-proxy", (
        "origin.connection-refused", "origin.closed-early", "origin.invalid-response", "origin.response-timeout")),
    # 503 for a refused connect as for every backend that is off; 500 for a backend that hangs up.
    "lighttpd": Expected("lighttpd", "reverse-proxy", (
        "origin.unavailable", "origin.bad-gateway", "origin.bad-gateway", "origin.response-timeout")),
    # An empty 502 for everything but silence.
    "caddy": Expected("caddy", "reverse-proxy", (
        "origin.bad-gateway", "origin.bad-gateway", "origin.bad-gateway", "origin.response-timeout")),
    # "Could Not Connect" tells no refusal from silence; "did not return the document correctly" covers the next two.
    "trafficserver": Expected("trafficserver", "reverse-proxy", (
        "origin.unreachable", "origin.no-valid-answer", "origin.no-valid-answer", "origin.response-timeout")),
}


def diagnosed(bundle: Bundle) -> Diagnosis:
    """The diagnosis, by way of a dossier."""
    dossier = build(bundle.directory, pdf=False)
    assert dossier.paths["dossier.html"].stat().st_size > 10_000
    return dossier.diagnosis


def assert_pictured(bundle: Bundle) -> None:
    """The visitor's own picture is in the bundle, and it shows something."""
    loads = {load.label: load for load in bundle.evidence.pages}
    shot = loads.get("native", loads["strict"]).screenshot
    assert shot is not None
    assert shot.blank is False
    assert bundle.read(shot.path).startswith(b"\x89PNG")


@pytest.mark.gateways
@pytest.mark.parametrize(("name", "behaviour"), MATRIX)
async def test_a_gateway_is_named_and_the_fault_laid_behind_it(name: str, behaviour: str, tmp_path: Path) -> None:
    async with no_process_left(), upstream(behaviour) as port, gateway(name, port) as url:
        bundle = await captured(url, tmp_path)
    verdict = diagnosed(bundle).verdict
    expected = EXPECTED[name]
    assert verdict.is_error_page
    assert (verdict.generator, verdict.layer) == (expected.generator, expected.layer)
    assert verdict.fault_side == "origin"
    assert verdict.fault_code == expected.faults[MISBEHAVIOURS.index(behaviour)]
    # What happened behind a gateway is hearsay; only Squid prints the system's own error.
    assert verdict.certainty in ({"proven", "likely"} if name == "squid" else {"likely", "possible"})


@pytest.mark.gateways
async def test_a_healthy_site_behind_a_gateway_is_not_accused(tmp_path: Path) -> None:
    async with upstream("healthy") as port, gateway("nginx", port) as url:
        bundle = await captured(url, tmp_path)
    verdict = diagnosed(bundle).verdict
    assert not verdict.is_error_page
    assert verdict.fault_code is None
    assert_pictured(bundle)


@pytest.mark.parametrize(("rcode", "fault"), [("NXDOMAIN", "dns.nxdomain"), ("SERVFAIL", "dns.servfail")])
async def test_a_name_that_does_not_resolve_is_a_fault_of_dns(rcode: str, fault: str, tmp_path: Path) -> None:
    with DnsServer({"shop.test": rcode}) as resolver:
        bundle = await captured("http://shop.test/", tmp_path, system_resolvers=(resolver.address,))
    verdict = diagnosed(bundle).verdict
    assert (verdict.layer, verdict.fault_side, verdict.fault_code) == ("dns", "dns", fault)
    assert verdict.status is None
    assert_pictured(bundle)


async def test_a_closed_port_is_a_fault_of_the_network_layer(tmp_path: Path) -> None:
    async with upstream("refuses") as port:
        bundle = await captured(f"http://127.0.0.1:{port}/", tmp_path)
    verdict = diagnosed(bundle).verdict
    assert (verdict.layer, verdict.fault_code) == ("network", "network.connection-refused")
    assert_pictured(bundle)


async def test_an_address_without_a_route_is_a_fault_of_the_network_layer(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dialled: list[str] = []

    async def connect(address: str, port: int) -> socket.socket:
        dialled.append(address)
        if address == LOST:
            await asyncio.sleep(0)
            raise OSError(errno.EHOSTUNREACH, "No route to host")
        return await connect_tcp(address, port)

    monkeypatch.setattr("capture.pipeline.Guard", partial(Guard, connect=connect))
    with DnsServer({"shop.test/A": (f"A {LOST}",), "shop.test": ()}) as resolver:
        bundle = await captured("http://shop.test/", tmp_path, system_resolvers=(resolver.address,))
    verdict = diagnosed(bundle).verdict
    assert set(dialled) == {LOST}
    assert (verdict.layer, verdict.fault_code) == ("network", "network.unreachable")
    assert_pictured(bundle)


@pytest.mark.parametrize(("row", "fault"), [("reset", "network.reset"), ("empty-reply", "network.empty-response")])
async def test_a_connection_that_ends_without_an_answer_is_a_fault_of_the_network_layer(
        row: str, fault: str, tmp_path: Path) -> None:
    async with BrokenSite() as site:
        bundle = await captured(site.url(row), tmp_path)
    verdict = diagnosed(bundle).verdict
    assert (verdict.layer, verdict.fault_code) == ("network", fault)
    assert verdict.status is None
    assert_pictured(bundle)


@pytest.mark.parametrize(("kind", "fault"), [
    ("expired", "tls.expired"), ("wrong-name", "tls.wrong-name"), ("self-signed", "tls.self-signed"),
    ("untrusted-root", "tls.untrusted-root"), ("incomplete-chain", "tls.incomplete-chain")])
async def test_a_bad_certificate_is_a_fault_of_tls_and_named(kind: str, fault: str, tmp_path: Path) -> None:
    async with TlsSite(kind) as site:
        bundle = await captured(site.base, tmp_path, extra_roots=(root_pem(),))
    verdict = diagnosed(bundle).verdict
    assert (verdict.layer, verdict.fault_side, verdict.fault_code) == ("tls", "tls", fault)
    assert_pictured(bundle)
