"""The questions that are asked about a name, and those that are not."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from capture.policy import Policy
from capture.record.network import Dns, DnsAnswer, Origin
from capture.resolver import Resolver
from capture.steps import dns
from tests.capture.steps.conftest import Make
from tests.dnsserver import DnsServer

ZONE = {
    "www.shop.test": ("CNAME edge.cdn.test.",),
    "edge.cdn.test": ("A 127.0.0.1", "AAAA ::1"),
    "shop.test": (
        "A 127.0.0.1",
        "NS ns1.shop.test.",
        "NS ns2.shop.test.",
        "NS ns3.shop.test.",
        "MX 10 mail.shop.test.",
        'TXT "hello"',
    ),
    "shop.test/CAA": ('CAA 60 0 issue "ca.test"',),
    "ns1.shop.test": ("A 127.0.0.2",),
    "ns2.shop.test": ("A 127.0.0.3",),
    "ns3.shop.test": ("A 127.0.0.4",),
    "1.0.0.127.in-addr.arpa": ("PTR host.shop.test.",),
    "public.test": ("A 104.16.1.2", "A 104.16.1.3", "AAAA 2606:4700::1", "A 127.0.0.1"),
    "2.1.16.104.origin.asn.cymru.com": ('TXT "64496 64497 | 104.16.0.0/12 | XX | arin | 2014-03-28"',),
    "3.1.16.104.origin.asn.cymru.com": ('TXT "what is this"', "TXT <script>"),
    "1" + ".0" * 23 + ".0.0.7.4.6.0.6.2.origin6.asn.cymru.com": ('TXT "64498 | 2606:4700::/32 | XX | arin | "',),
    "as64496.asn.cymru.com": ('TXT "64496 | XX | arin | 2010-07-14 | EXAMPLENET, XX"',),
    "gone.test": "NXDOMAIN",
    "broken.test": "SERVFAIL",
    "silent.test": None,
}


class Redirected(Resolver):
    """Sends what is meant for a name server's port 53 to the test's server, and remembers whom it was meant for."""

    def __init__(self, server: DnsServer, timeout_s: float = 30) -> None:
        super().__init__((server.address,), timeout_s)
        self.meant_for: list[str] = []
        self._address = server.address

    async def ask(self, name: str, rdtype: str, server: str | None = None, label: str | None = None) -> DnsAnswer:
        if server is not None:
            self.meant_for.append(server)
            server = self._address
        return await super().ask(name, rdtype, server, label)


@pytest.fixture
def server() -> Iterator[DnsServer]:
    with DnsServer(ZONE) as running:
        yield running


@pytest_asyncio.fixture
async def resolver(server: DnsServer) -> AsyncIterator[Redirected]:
    yield Redirected(server)


def asked(found: Dns, resolver: str) -> set[tuple[str, str]]:
    return {(answer.question, answer.type) for answer in found.answers if answer.resolver == resolver}


async def test_every_type_is_asked_of_the_machines_resolver(make: Make, resolver: Redirected) -> None:
    found = await dns.run(make("http://shop.test/", resolver=resolver))
    types = {"A", "AAAA", "CNAME", "NS", "SOA", "MX", "CAA", "HTTPS", "TXT"}
    assert {("shop.test", kind) for kind in types} <= asked(found, "system")
    data = {(record.type, record.data) for answer in found.answers for record in answer.records}
    assert {("MX", "10 mail.shop.test."), ("CAA", '0 issue "ca.test"'), ("TXT", '"hello"')} <= data
    assert (found.host, found.addresses, found.source) == ("shop.test", ("127.0.0.1",), "resolver")


async def test_an_alias_is_kept_with_its_chain(make: Make, resolver: Redirected) -> None:
    found = await dns.run(make("http://www.shop.test/", resolver=resolver))
    first = next(answer for answer in found.answers if answer.type == "A" and answer.resolver == "system")
    assert [(record.name, record.type) for record in first.records] == [
        ("www.shop.test", "CNAME"),
        ("edge.cdn.test", "A"),
    ]
    assert found.addresses == ("127.0.0.1", "::1")


async def test_two_authoritative_servers_are_asked_for_the_addresses(make: Make, resolver: Redirected) -> None:
    found = await dns.run(make("http://www.shop.test/", resolver=resolver))
    assert asked(found, "authoritative 127.0.0.2") == {("www.shop.test", "A"), ("www.shop.test", "AAAA")}
    assert set(resolver.meant_for) == {"127.0.0.2", "127.0.0.3"}


async def test_an_authoritative_server_that_policy_refuses_is_not_asked(make: Make, resolver: Redirected) -> None:
    found = await dns.run(make("http://shop.test/", resolver=resolver, policy=Policy()))
    assert resolver.meant_for == []
    assert not [answer for answer in found.answers if answer.resolver.startswith("authoritative")]


async def test_the_resolvers_of_the_request_are_asked_side_by_side(
    make: Make, server: DnsServer, resolver: Redirected
) -> None:
    with DnsServer({"shop.test": ("A 127.0.0.77",)}) as other:
        plain = Resolver((server.address,), 30)
        found = await dns.run(make("http://shop.test/", resolver=plain, resolvers=(other.address,), policy=Policy()))
    assert asked(found, other.address) == {("shop.test", "A"), ("shop.test", "AAAA")}
    answers = {a.resolver: [r.data for r in a.records] for a in found.answers if a.type == "A"}
    assert answers == {"system": ["127.0.0.1"], other.address: ["127.0.0.77"]}


async def test_addresses_have_their_reverse_names(make: Make, resolver: Redirected) -> None:
    found = await dns.run(make("http://shop.test/", resolver=resolver))
    assert [(record.name, record.data) for record in found.reverse] == [("1.0.0.127.in-addr.arpa", "host.shop.test.")]


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]/", "http://localhost/", "http://app.localhost/"])
async def test_a_literal_and_localhost_cause_no_question(make: Make, server: DnsServer, url: str) -> None:
    found = await dns.run(make(url, resolver=Resolver((server.address,), 0.5)))
    assert (found.answers, server.queries) == ((), [])
    assert found.source == ("literal" if found.host in ("127.0.0.1", "::1") else "hosts-file")


async def test_a_name_of_the_hosts_file_causes_no_question(make: Make) -> None:
    found = await dns.run(make("http://shop.test/", hosts="127.0.0.5 shop.test\n"))
    assert (found.addresses, found.source, found.answers) == (("127.0.0.5",), "hosts-file", ())


@pytest.mark.parametrize(("name", "rcode"), [("gone.test", "NXDOMAIN"), ("broken.test", "SERVFAIL")])
async def test_a_name_that_fails_is_recorded_with_its_code(
    make: Make, resolver: Redirected, name: str, rcode: str
) -> None:
    found = await dns.run(make(f"http://{name}/", resolver=resolver))
    assert {answer.rcode for answer in found.answers if answer.question == name} == {rcode}
    assert found.addresses == ()


async def test_silence_ends_with_the_budget_and_is_an_answer(
    make: Make, server: DnsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dns, "BUDGET_S", 0.2)
    started = time.monotonic()
    found = await dns.run(make("http://silent.test/", resolver=Redirected(server, timeout_s=30)))
    assert time.monotonic() - started < 25
    assert {answer.rcode for answer in found.answers} == {"TIMEOUT"}
    assert {"A", "AAAA", "MX"} <= {answer.type for answer in found.answers}


async def test_questions_are_asked_at_the_same_time(make: Make) -> None:
    class Slow(Resolver):
        async def ask(self, name: str, rdtype: str, server: str | None = None, label: str | None = None) -> DnsAnswer:
            await asyncio.sleep(1)
            return DnsAnswer(resolver=label or "system", question=name, type=rdtype, rcode="NXDOMAIN")

    started = time.monotonic()
    await dns.run(make("http://shop.test/", resolver=Slow(("127.0.0.1:9",))))
    assert time.monotonic() - started < 6


async def test_the_networks_of_public_addresses_are_named_and_no_other_is_asked_for(
        make: Make, resolver: Redirected, server: DnsServer) -> None:
    found = await dns.run(make("http://public.test/", resolver=resolver))
    assert "127.0.0.1" in found.addresses
    assert set(found.origins) == {
        Origin(address="104.16.1.2", asn=64496, prefix="104.16.0.0/12", name="EXAMPLENET, XX"),
        Origin(address="2606:4700::1", asn=64498, prefix="2606:4700::/32")}
    assert [name for name, _ in server.queries if name.startswith("1.0.0.127.origin")] == []
    assert {("as64496.asn.cymru.com", "TXT"), ("as64498.asn.cymru.com", "TXT")} <= asked(found, "system")
