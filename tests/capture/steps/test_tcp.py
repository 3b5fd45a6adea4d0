"""Connects to each address on its own."""

import errno
import socket

from capture.guard import Guard
from capture.policy import ALLOW_ALL, Policy
from capture.record.network import TcpProbe
from capture.record.request import Limits
from capture.steps import tcp
from tests.brokensite import BrokenSite
from tests.capture.steps.conftest import Make


async def test_each_address_is_probed_on_its_own(make: Make) -> None:
    async with BrokenSite() as site:
        context = make(f"http://two.test:{site.port}/", hosts="127.0.0.9 two.test\n127.0.0.1 two.test\n")
        probes = await tcp.run(context)
    assert [(probe.address, probe.outcome, probe.errno) for probe in probes] == [
        ("127.0.0.9", "refused", "ECONNREFUSED"),
        ("127.0.0.1", "connected", None),
    ]
    assert [context.guard.dials()[probe.dial or 0].purpose for probe in probes] == ["tcp", "tcp"]
    assert all(probe.connect_ms is not None for probe in probes)


async def test_policy_is_an_outcome_of_its_own(make: Make) -> None:
    (probe,) = await tcp.run(make("http://127.0.0.1:8080/", policy=Policy()))
    assert (probe.outcome, probe.connect_ms, probe.errno) == ("policy", None, None)


async def test_a_name_without_address_has_no_probes(make: Make) -> None:
    assert await tcp.run(make("http://nowhere.test/")) == ()


async def test_at_most_eight_addresses_are_tried(make: Make) -> None:
    hosts = "".join(f"127.0.0.{n} many.test\n" for n in range(1, 12))
    assert len(await tcp.run(make("http://many.test:9/", hosts=hosts))) == 8


async def probe_with(make: Make, error: OSError) -> TcpProbe:
    """One probe whose connect ends with the error; nothing is dialled."""

    async def connect(address: str, port: int) -> socket.socket:
        raise error

    context = make("http://127.0.0.1:8080/")
    context.guard.connect = connect
    (probe,) = await tcp.run(context)
    return probe


async def test_silence_and_unreachable_networks_are_told_apart(make: Make) -> None:
    assert (await probe_with(make, TimeoutError())).outcome == "timed-out"
    assert (await probe_with(make, OSError(errno.ENETUNREACH, "unreachable"))).outcome == "unreachable"
    assert (await probe_with(make, OSError(errno.EHOSTUNREACH, "no route"))).outcome == "unreachable"
    assert (await probe_with(make, ConnectionResetError(errno.ECONNRESET, "reset"))).outcome == "reset"
    assert (await probe_with(make, OSError(errno.EPERM, "not permitted"))).outcome == "failed"


async def test_an_address_that_is_silent_takes_no_longer_than_the_limit(make: Make) -> None:
    import asyncio

    async def connect(address: str, port: int) -> socket.socket:
        await asyncio.sleep(60)
        raise AssertionError

    context = make("http://127.0.0.1:8080/", limits=Limits(probe_s=0.1, connect_s=5))
    context.guard.connect = connect
    (probe,) = await tcp.run(context)
    assert (probe.outcome, probe.dial) == ("timed-out", None)
    assert isinstance(context.guard, Guard)
    assert context.policy.allow_networks == Policy(ALLOW_ALL).allow_networks
