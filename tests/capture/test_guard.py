"""The only way out: what it refuses, what it dials and what it writes down. Every socket stays on loopback."""

import asyncio
import errno
from contextlib import suppress

import pytest

from capture.dialer import connect_tcp
from capture.guard import is_background
from capture.policy import ALLOW_ALL
from capture.resolver import Resolution
from tests.dnsserver import Answer, DnsServer
from tests.listening import streams
from tests.socksclient import (
    NO_HOST,
    NO_PORT,
    PUBLIC,
    PUBLIC_6,
    REFUSED,
    Connects,
    ask,
    guard,
    outcome,
    read_all,
    silent,
    until,
)

# Rows 1 to 31 of the safety catalogue as Chromium sends them (canonical, as text), and the loose forms it never sends.
INWARD = """
127.0.0.1 127.1 2130706433 0x7f.1 0177.0.0.1 0.0.0.0 localhost foo.localhost ::1 :: ::ffff:7f00:1 ::ffff:127.0.0.1
::7f00:1 ::ffff:0:7f00:1 64:ff9b::7f00:1 64:ff9b:1::a00:1 2002:7f00:1:: 2001:0:7f00:1:: fe80::1 fe80::1%1 fec0::1
fc00::1 fd00:ec2::254 ff02::1 3fff::1 5f00::1 2001:db8::1 100::1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1
100.64.0.1 100.100.100.200 169.254.169.254 169.254.170.2 168.63.129.16 192.0.0.8 192.88.99.1 198.18.0.1 224.0.0.1
239.255.255.250 255.255.255.255 240.0.0.1 metadata.google.internal intranet host.docker.internal localhost6
""".split()


@pytest.mark.parametrize("host", INWARD)
async def test_hosts_that_lead_inward_are_refused_and_nothing_is_dialled(host: str) -> None:
    connect = Connects()
    async with guard(connect) as subject:
        code, dial = await outcome(subject, host)
    assert code == REFUSED
    assert (dial.verdict, dial.error, dial.address) == ("refused", "net::ERR_BLOCKED_BY_ADMINISTRATOR", None)
    assert dial.rule
    assert connect.dialled == []


@pytest.mark.parametrize("host", ["172.32.0.1", "11.0.0.1", "100.63.255.254", "100.128.0.1", PUBLIC_6])
async def test_public_literals_are_dialled_as_they_are_and_never_resolved(host: str) -> None:
    connect = Connects(failures={host: errno.ECONNREFUSED})
    with DnsServer({}) as zone:
        async with guard(connect, zone=zone) as subject:
            code, dial = await outcome(subject, host)
    assert (code, connect.dialled, zone.queries) == (NO_PORT, [(host, 80)], [])
    assert (dial.address, dial.rcode, dial.answers, dial.resolve_ms) == (host, None, (), None)


NAMES_INWARD: dict[str, Answer] = {
    "127.0.0.1.nip.test": ("A 127.0.0.1",),
    "mixed.test": (f"A {PUBLIC}", "A 10.0.0.1"),
    "mixed6.test": (f"A {PUBLIC}", "AAAA ::1"),
    "mapped.test": (f"A {PUBLIC}", "AAAA ::ffff:10.0.0.1"),
    "alias.test": ("CNAME metadata.google.internal.",),
    "metadata.google.internal": ("A 169.254.169.254",),
    "nat64.test": ("AAAA 64:ff9b::a00:1",),
}


@pytest.mark.parametrize("name", [name for name in NAMES_INWARD if name.endswith(".test")])
async def test_one_bad_answer_refuses_the_whole_name(name: str) -> None:
    connect = Connects()
    with DnsServer(NAMES_INWARD) as zone:
        async with guard(connect, zone=zone) as subject:
            code, dial = await outcome(subject, name)
    assert (code, dial.verdict, connect.dialled) == (REFUSED, "refused", [])
    assert dial.rcode == "NOERROR"
    assert dial.answers


@pytest.mark.parametrize(("answer", "rcode"), [
    ("SERVFAIL", "SERVFAIL"), (None, "TIMEOUT"), ("NXDOMAIN", "NXDOMAIN"), ((), "NOERROR"),
    (("CNAME nowhere.test.",), "NOERROR"),
])
async def test_a_name_that_does_not_resolve_fails_and_nothing_is_dialled(answer: Answer, rcode: str) -> None:
    connect = Connects()
    with DnsServer({"site.test": answer}) as zone:
        async with guard(connect, zone=zone, timeout_s=30 if answer is not None else 0.4) as subject:
            code, dial = await outcome(subject, "site.test")
    assert (code, dial.verdict, dial.rcode, connect.dialled) == (NO_HOST, "failed", rcode, [])
    assert (dial.error, dial.errno, dial.address) == ("net::ERR_NAME_NOT_RESOLVED", None, None)
    assert dial.resolve_ms is not None


@pytest.mark.parametrize("ttl", [0, 300])
async def test_a_name_that_is_rebound_never_leads_inward(ttl: int) -> None:
    zone: dict[str, Answer] = {"site.test": [(f"A {ttl} {PUBLIC}",), (f"A {ttl} 127.0.0.1",)], "site.test/aaaa": ()}
    connect = Connects(failures={PUBLIC: errno.ECONNREFUSED})
    with DnsServer(zone) as server:
        async with guard(connect, zone=server) as subject:
            port = await subject.listen("page")
            replies = [await ask(port, "site.test") for _ in range(3)]
    for _, client in replies:
        client.close()
    assert set(connect.dialled) == {(PUBLIC, 80)}
    assert [code for code, _ in replies] == ([NO_PORT] * 3 if ttl else [NO_PORT, REFUSED, REFUSED])


async def test_an_allowed_network_opens_itself_and_nothing_next_to_it() -> None:
    zone: dict[str, Answer] = {
        "in.test": ("A 10.1.2.3",), "out.test": ("A 10.1.3.3",), "meta.test": ("A 169.254.169.254",),
        "turn.test": [("A 0 10.1.2.3",), ("A 0 127.0.0.1",)], "turn.test/aaaa": (),
    }
    connect = Connects(failures={"10.1.2.3": errno.EHOSTUNREACH})
    hosts = ("in.test", "10.1.2.3", "out.test", "10.1.3.3", "meta.test", "169.254.169.254", "turn.test", "turn.test")
    with DnsServer(zone) as server:
        async with guard(connect, zone=server, allow=("10.1.2.0/24",)) as subject:
            codes = [(await outcome(subject, host))[0] for host in hosts]
    assert codes == [NO_HOST, NO_HOST, REFUSED, REFUSED, REFUSED, REFUSED, NO_HOST, REFUSED]
    assert connect.dialled == [("10.1.2.3", 80)] * 3


@pytest.mark.parametrize("host", ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "site.test"])
async def test_the_guards_own_port_is_refused_by_every_name(host: str) -> None:
    connect = Connects()
    with DnsServer({"site.test": ("A 127.0.0.1",)}) as zone:
        async with guard(connect, zone=zone, allow=ALLOW_ALL) as subject:
            first = await subject.listen("page")
            code, dial = await outcome(subject, host, first)
    assert (code, dial.rule, connect.dialled) == (REFUSED, "the guard's own port", [])


@pytest.mark.parametrize("port", [22, 25, 6000, 6379, 9200])
async def test_ports_of_other_services_are_refused_before_the_name_is_resolved(port: int) -> None:
    connect = Connects()
    with DnsServer({"site.test": (f"A {PUBLIC}",)}) as zone:
        async with guard(connect, zone=zone) as subject:
            code, dial = await outcome(subject, "site.test", port)
    assert (code, dial.rule, connect.dialled, zone.queries) == (REFUSED, f"port {port}", [], [])


@pytest.mark.parametrize("host", ["update.googleapis.com", "clients2.google.com", "mtalk.google.com"])
async def test_the_browsers_own_traffic_is_refused_and_labelled(host: str) -> None:
    connect = Connects()
    async with guard(connect, target="shop.test") as subject:
        code, dial = await outcome(subject, host, 443)
    assert (code, dial.purpose, dial.verdict, connect.dialled) == (REFUSED, "background", "refused", [])
    assert dial.rule == "the browser's own traffic"


def test_the_pages_own_site_is_never_background_traffic() -> None:
    assert is_background("update.googleapis.com", None)
    assert not is_background("update.googleapis.com", "update.googleapis.com.")
    assert not is_background("clients2.google.com", "mail.google.com")
    assert not is_background("accounts.google.com", None)
    assert not is_background("shop.test", None)
    assert not is_background("clients6.google.com", "shop.test")


async def test_each_listener_labels_its_connections_and_can_be_relabelled() -> None:
    async with guard(Connects()) as subject:
        page, lenient = await subject.listen("page"), await subject.listen("lenient")
        for port in (page, lenient):
            (await ask(port, "10.0.0.1"))[1].close()
        subject.relabel(page, "tls")
        (await ask(page, "10.0.0.1"))[1].close()
    assert [(dial.id, dial.purpose) for dial in subject.dials()] == [(0, "page"), (1, "lenient"), (2, "tls")]


async def test_on_exit_every_connection_is_closed_and_no_task_is_left() -> None:
    connect = Connects(failures={PUBLIC: None})
    with DnsServer({"mute.test": None}) as zone:
        async with streams(silent) as connect.port:
            before = asyncio.all_tasks()
            async with guard(connect, zone=zone) as subject:
                port = await subject.listen("page")
                waiting = [asyncio.create_task(ask(port, host)) for host in (PUBLIC, "mute.test")]
                _, client = await ask(port, "11.0.0.1")
                opened = await subject.open("11.0.0.2", 80, "tcp")
                half = await connect_tcp("127.0.0.1", port)
                await until(lambda: len(subject.dials()) == 4)
            assert (await read_all(client))[0] == b""
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
            client.close()
            half.close()
            await opened.close()
            await until(lambda: asyncio.all_tasks() == before)
            with pytest.raises(ConnectionRefusedError):
                await connect_tcp("127.0.0.1", port)
    by_host = {dial.host: dial for dial in subject.dials()}
    assert [by_host[host].error for host in (PUBLIC, "mute.test")] == ["net::ERR_ABORTED"] * 2
    assert [by_host[host].closed_by for host in ("11.0.0.1", "11.0.0.2")] == ["us"] * 2
    assert all(dial.duration_ms is not None for dial in subject.dials())


async def test_on_exit_a_task_that_forgets_that_it_was_cancelled_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    async def answers_at_that_moment(name: str) -> Resolution:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        return Resolution(name, (PUBLIC,), "resolver")

    async with guard(Connects(failures={PUBLIC: None})) as subject:
        monkeypatch.setattr(subject.resolver, "addresses", answers_at_that_moment)
        waiting = asyncio.create_task(ask(await subject.listen("page"), "shop.test"))
        await until(lambda: len(subject.dials()) == 1)
        await asyncio.sleep(0)
    await asyncio.gather(waiting, return_exceptions=True)
    assert subject.dials()[0].error == "net::ERR_ABORTED"
