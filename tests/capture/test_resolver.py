"""Names to addresses, asked of a real server on loopback."""

import asyncio
import time
from pathlib import Path

import pytest

from capture.errors import BadInput
from capture.resolver import CACHE_S, Resolver
from tests.dnsserver import Answer, DnsServer


@pytest.fixture
def no_hosts(tmp_path: Path) -> Path:
    return tmp_path / "hosts"


async def test_a_name_has_every_ipv4_and_ipv6_address_and_both_answers_are_kept(no_hosts: Path) -> None:
    with DnsServer({"site.test": ("A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1")}) as server:
        found = await Resolver((server.address,), hosts_file=no_hosts).addresses("Site.Test.")
    assert found.host == "site.test"
    assert found.addresses == ("192.0.2.1", "192.0.2.2", "2001:db8::1")
    assert (found.source, found.rcode) == ("resolver", "NOERROR")
    assert found.duration_ms is not None
    assert [(answer.type, len(answer.records), answer.resolver) for answer in found.answers] == [
        ("A", 2, "system"),
        ("AAAA", 1, "system"),
    ]
    record = found.answers[0].records[0]
    assert (record.name, record.type, record.ttl, record.data) == ("site.test", "A", 60, "192.0.2.1")


async def test_aliases_are_followed_inside_the_answer_only(no_hosts: Path) -> None:
    zone: dict[str, Answer] = {
        "www.test": ("CNAME edge.test.",),
        "edge.test": ("CNAME pop.test.",),
        "pop.test": ("A 192.0.2.7",),
        "lost.test": ("CNAME nowhere.test.",),
    }
    with DnsServer(zone) as server:
        resolver = Resolver((server.address,), hosts_file=no_hosts)
        followed, lost = await resolver.addresses("www.test"), await resolver.addresses("lost.test")
    assert followed.addresses == ("192.0.2.7",)
    assert [r.type for r in followed.answers[0].records] == ["CNAME", "CNAME", "A"]
    assert lost.addresses == ()
    assert lost.rcode == "NOERROR"
    assert {name for name, _ in server.queries} == {"www.test", "lost.test"}


async def test_an_address_of_another_name_in_the_answer_is_not_taken(no_hosts: Path) -> None:
    with DnsServer({"a.test": ("@evil.test A 192.0.2.66",)}) as server:
        found = await Resolver((server.address,), hosts_file=no_hosts).addresses("a.test")
    assert [record.name for record in found.answers[0].records] == ["evil.test"]
    assert (found.addresses, found.rcode) == ((), "NOERROR")


@pytest.mark.parametrize("rcode", ["NXDOMAIN", "SERVFAIL", "REFUSED", "FORMERR"])
async def test_a_bad_answer_is_recorded_by_its_code(no_hosts: Path, rcode: str) -> None:
    with DnsServer({"bad.test": rcode}) as server:
        found = await Resolver((server.address,), hosts_file=no_hosts).addresses("bad.test")
    assert (found.addresses, found.rcode) == ((), rcode)
    assert {answer.rcode for answer in found.answers} == {rcode}


async def test_silence_ends_in_time_and_is_called_timeout(no_hosts: Path) -> None:
    with DnsServer({"mute.test": None}) as server:
        started = time.monotonic()
        found = await Resolver((server.address,), timeout_s=0.3, hosts_file=no_hosts).addresses("mute.test")
    assert time.monotonic() - started < 30
    assert (found.addresses, found.rcode) == ((), "TIMEOUT")
    assert found.answers[0].error == "no answer within 0.3 s"
    assert server.queries.count(("mute.test", "A")) == 2


@pytest.mark.parametrize("bad", ["SERVFAIL", None, "NXDOMAIN"])
async def test_a_failing_ipv6_question_does_not_fail_the_name(no_hosts: Path, bad: str | None) -> None:
    with DnsServer({"half.test": ("A 192.0.2.1",), "half.test/aaaa": bad}) as server:
        timeout_s = 20.0 if bad else 1.0
        found = await Resolver((server.address,), timeout_s=timeout_s, hosts_file=no_hosts).addresses("half.test")
    assert (found.addresses, found.rcode) == (("192.0.2.1",), "NOERROR")
    assert [answer.rcode for answer in found.answers] == ["NOERROR", bad or "TIMEOUT"]


async def test_the_next_nameserver_is_asked_when_the_first_is_mute_or_fails(no_hosts: Path) -> None:
    for first in (None, "SERVFAIL"):
        with DnsServer({"site.test": first}) as bad, DnsServer({"site.test": ("A 192.0.2.1",)}) as good:
            resolver = Resolver((bad.address, good.address), timeout_s=8.0, hosts_file=no_hosts)
            assert (await resolver.addresses("site.test")).addresses == ("192.0.2.1",)
        assert bad.queries


async def test_without_any_nameserver_the_answer_is_an_error_that_says_so(tmp_path: Path) -> None:
    resolver = Resolver(hosts_file=tmp_path / "hosts", resolv_conf=tmp_path / "resolv.conf")
    found = await resolver.addresses("site.test")
    assert (resolver.nameservers, found.rcode) == ((), "ERROR")
    assert found.answers[0].error == "no nameserver is configured"


def test_nameservers_come_from_resolv_conf_unless_they_are_given(tmp_path: Path) -> None:
    conf = tmp_path / "resolv.conf"
    conf.write_text("search corp.example\nnameserver 127.0.0.53\nnameserver ::1\n")
    assert Resolver(resolv_conf=conf).nameservers == ("127.0.0.53", "::1")
    assert Resolver(("127.0.0.1:5353",), resolv_conf=conf).nameservers == ("127.0.0.1:5353",)


@pytest.mark.parametrize("text", ["dns.example", "127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "[::1]:x", "1.2.3"])
def test_a_nameserver_that_is_none_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="is not a nameserver"):
        Resolver((text,))


@pytest.mark.parametrize("text", ["127.0.0.1", "127.0.0.1:53", "::1", "[::1]", "[::1]:5353"])
def test_nameservers_are_taken_with_and_without_port(text: str) -> None:
    assert Resolver((text,)).nameservers == (text,)


async def test_search_domains_never_apply(tmp_path: Path) -> None:
    with DnsServer({"intranet.corp.example": ("A 10.0.0.1",)}) as server:
        conf = tmp_path / "resolv.conf"
        conf.write_text("search corp.example\noptions ndots:5\nnameserver 127.0.0.1\n")
        resolver = Resolver((server.address,), hosts_file=tmp_path / "hosts", resolv_conf=conf)
        assert (await resolver.addresses("intranet")).rcode == "NXDOMAIN"
    assert {name for name, _ in server.queries} == {"intranet"}


async def test_the_hosts_file_comes_first_and_nobody_is_asked(tmp_path: Path) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text("# comment\n192.0.2.9 Shop.test alias.test # why\n2001:db8::9 shop.test\nnonsense shop.test\n\n")
    with DnsServer({"shop.test": ("A 192.0.2.1",)}) as server:
        found = await Resolver((server.address,), hosts_file=hosts).addresses("shop.test")
    assert (found.addresses, found.source, found.rcode) == (("192.0.2.9", "2001:db8::9"), "hosts-file", None)
    assert server.queries == []


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "app.localhost"])
async def test_localhost_is_loopback_and_never_asked_for(no_hosts: Path, host: str) -> None:
    with DnsServer({}) as server:
        found = await Resolver((server.address,), hosts_file=no_hosts).addresses(host)
    assert found.addresses == ("127.0.0.1", "::1")
    assert server.queries == []


@pytest.mark.parametrize(("host", "address"), [("192.0.2.1", "192.0.2.1"), ("[2001:db8::1]", "2001:db8::1")])
async def test_literals_are_themselves(host: str, address: str) -> None:
    found = await Resolver(("127.0.0.1",)).addresses(host)
    assert (found.addresses, found.source, found.rcode, found.answers) == ((address,), "literal", None, ())


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "１２７.0.0.1"])
async def test_loose_spellings_of_addresses_are_names_and_not_addresses(no_hosts: Path, host: str) -> None:
    with DnsServer({}) as server:
        found = await Resolver((server.address,), hosts_file=no_hosts).addresses(host)
    assert found.addresses == ()


async def test_a_name_is_asked_once_for_everybody_who_asks_at_the_same_time(no_hosts: Path) -> None:
    with DnsServer({"site.test": [("A 192.0.2.1",), ("A 127.0.0.1",)], "site.test/AAAA": ()}) as server:
        resolver = Resolver((server.address,), hosts_file=no_hosts)
        found = await asyncio.gather(*(resolver.addresses("site.test") for _ in range(20)))
        later = await resolver.addresses("SITE.test")
    assert {one.addresses for one in (*found, later)} == {("192.0.2.1",)}
    assert later.duration_ms is None
    assert server.queries.count(("site.test", "A")) == 1


async def test_an_answer_is_kept_as_long_as_its_records_live_and_a_minute_at_most(
    no_hosts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone: dict[str, Answer] = {
        "short.test": ("A 0 192.0.2.1",),
        "long.test": ("A 86400 192.0.2.2",),
        "gone.test": "NXDOMAIN",
    }
    with DnsServer(zone) as server:
        resolver = Resolver((server.address,), hosts_file=no_hosts)
        for _ in range(2):
            for name in zone:
                await resolver.addresses(name)
        assert [server.queries.count((name, "A")) for name in zone] == [2, 1, 1]
        now = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now + CACHE_S + 1)
        await resolver.addresses("long.test")
        monkeypatch.undo()
    assert server.queries.count(("long.test", "A")) == 2


async def test_an_asker_who_gives_up_leaves_the_name_to_the_others(no_hosts: Path) -> None:
    with DnsServer({"site.test": [None, ("A 192.0.2.1",)], "site.test/AAAA": ()}) as server:
        resolver = Resolver((server.address,), timeout_s=2.0, hosts_file=no_hosts)
        first = asyncio.create_task(resolver.addresses("site.test"))
        await asyncio.sleep(0.05)
        second = asyncio.create_task(resolver.addresses("site.test"))
        await asyncio.sleep(0)
        first.cancel()
        assert (await second).addresses == ("192.0.2.1",)


async def test_a_long_answer_is_fetched_again_over_tcp(no_hosts: Path) -> None:
    records = tuple(f"A 192.0.{block}.{last}" for block in (2, 3) for last in range(100))
    with DnsServer({"wide.test": records}) as server:
        found = await Resolver((server.address,), hosts_file=no_hosts).addresses("wide.test")
    assert len(found.addresses) == 200


async def test_one_question_to_one_server_is_labelled_and_keeps_the_authority_section() -> None:
    with DnsServer({"site.test": ("MX 10 mail.site.test.", 'TXT "v=spf1 -all"')}) as server:
        resolver = Resolver(("127.0.0.1:9",))
        gone = await resolver.ask("gone.test", "A", server.address)
        mail = await resolver.ask("site.test", "MX", server.address)
        text = await resolver.ask("site.test.", "TXT", server.address, "authoritative 192.0.2.53")
    assert (mail.resolver, mail.rcode, mail.records[0].data) == (server.address, "NOERROR", "10 mail.site.test.")
    assert (text.resolver, text.question, text.records[0].data) == (
        "authoritative 192.0.2.53", "site.test", '"v=spf1 -all"'
    )
    assert [(record.type, record.name) for record in gone.authority] == [("SOA", "test")]


@pytest.mark.parametrize("name", ["a" * 64 + ".test", "a..test", ".".join(["a" * 60] * 6)])
async def test_a_name_that_cannot_be_asked_is_an_error_and_never_raises(no_hosts: Path, name: str) -> None:
    found = await Resolver(("127.0.0.1:9",), timeout_s=0.3, hosts_file=no_hosts).addresses(name)
    assert (found.addresses, found.rcode) == ((), "ERROR")


async def test_an_unknown_record_type_is_an_error_and_never_raises() -> None:
    assert (await Resolver(("127.0.0.1:9",), timeout_s=0.3).ask("site.test", "NOSUCH")).rcode == "ERROR"
