"""Every real gateway, in front of every misbehaving upstream, says so in its own way and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
from itertools import product

import psutil
import pytest

from tests.gateways import GATEWAYS, TABLE, GatewayDown, gateway
from tests.gateways.client import fetch
from tests.gateways.matrix import MATRIX
from tests.gateways.upstream import upstream
from tests.processes import alive, no_process_left

pytestmark = pytest.mark.gateways

STATUSES = {
    "refuses": {502, 503},
    # lighttpd blames itself when its upstream hangs up: 500.
    "closes-early": {500, 502, 503},
    "garbage": {500, 502, 503},
    # Varnish says 503 whatever happened, Apache 502 for every broken read.
    "never-answers": {502, 503, 504},
}
MARKS = {
    "nginx": b"<center>nginx/",
    "apache2": b"<address>Apache/",
    "haproxy": b"<html><body><h1>50",
    "varnish": b"<p>Varnish cache server</p>",
    "squid": b"<!-- ERR_",
    "lighttpd": b'<h1>50',
    "caddy": b"",
    "trafficserver": b'FACE="Helvetica,Arial"',
}
"""Bytes that the gateway's own error page holds."""


@pytest.fixture(autouse=True)
async def nothing_left() -> AsyncIterator[None]:
    """Fails the test that leaves a process behind."""
    async with no_process_left():
        yield


@pytest.mark.parametrize(("name", "behaviour"), MATRIX)
async def test_a_gateway_answers_a_server_error_of_its_own_for_a_broken_upstream(name: str, behaviour: str) -> None:
    async with upstream(behaviour) as port, gateway(name, port) as url:
        answer = await fetch(url)
    assert answer.status in STATUSES[behaviour]
    assert MARKS[name] in answer.body


@pytest.mark.parametrize("name", GATEWAYS)
async def test_a_gateway_relays_what_a_healthy_upstream_says(name: str) -> None:
    async with upstream("healthy") as port, gateway(name, port) as url:
        answer = await fetch(url)
    assert answer.status == 200
    assert b"All shelves are full" in answer.body


@pytest.mark.parametrize("name", ["nginx", "squid"])
async def test_some_gateways_relay_bytes_that_are_not_http_as_they_are(name: str) -> None:
    async with upstream("not-http") as port, gateway(name, port) as url:
        answer = await fetch(url)
    assert b"this is not HTTP" in answer.body
    assert answer.status in {None, 200}


async def test_two_gateways_run_side_by_side_and_every_process_of_both_ends() -> None:
    async with upstream("refuses") as port, gateway("nginx", port) as first, gateway("varnish", port) as second:
        family = psutil.Process().children(recursive=True)
        answers = await asyncio.gather(fetch(first), fetch(second))
    assert [answer.status for answer in answers] == [502, 503]
    assert len(family) >= 4
    assert not any(alive(process) for process in family)


async def test_a_gateway_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TABLE["nginx"]["files"], "nginx.conf", "nonsense;")
    with pytest.raises(GatewayDown, match='unknown directive "nonsense"'):
        async with gateway("nginx", 1):
            pass


def test_the_matrix_holds_every_gateway_with_every_misbehaviour_once() -> None:
    pairs = [entry.values for entry in MATRIX]
    assert len(pairs) == 32
    assert set(pairs) == set(product(GATEWAYS, STATUSES))
