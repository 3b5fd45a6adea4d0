"""What may be contacted: the inputs of the safety catalogue that need no browser, and every special block of IANA."""

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import BadInput, Refused
from capture.policy import ALLOW_ALL, URL_BYTES, Policy, admit, machine_addresses

PUBLIC = Policy(own_addresses=())
OPEN = Policy(ALLOW_ALL)

# IANA IPv4 and IPv6 Special-Purpose Address Registries as of 2026-08, global ones included, written down here a second
# time so that a slip in the shipped list shows; and what lies outside 2000::/3 by the IPv6 Address Space registry.
SPECIAL = """
0.0.0.0/8 0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.0.0/29
192.0.0.8/32 192.0.0.9/32 192.0.0.10/32 192.0.0.170/32 192.0.0.171/32 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24
192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
255.255.255.255/32
::1/128 ::/128 ::/96 ::ffff:0:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 100:0:0:1::/64 2001::/23 2001::/32
2001:1::1/128 2001:1::2/128 2001:1::3/128 2001:2::/48 2001:3::/32 2001:4:112::/48 2001:10::/28 2001:20::/28
2001:30::/28 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20 5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
4000::/2 8000::/1 200::/7 400::/6 800::/5 1000::/4
""".split()
NEVER = """
169.254.169.254 169.254.170.2 169.254.170.23 100.100.100.200 168.63.129.16 192.0.0.192 fd00:ec2::254 fd00:ec2::23
fd20:ce::254 224.0.0.1 239.255.255.250 255.255.255.255 ff02::1 ff0e::1
""".split()


@st.composite
def members(draw: st.DrawFn, block: str) -> str:
    network: IPv4Network | IPv6Network = ip_network(block)
    first, last = int(network.network_address), int(network.broadcast_address)
    return str(type(network.network_address)(draw(st.integers(first, last))))


@pytest.mark.parametrize("block", SPECIAL)
def test_every_member_of_a_special_block_is_refused(block: str) -> None:
    network = ip_network(block)

    @given(members(block))
    def refused(address: str) -> None:
        assert PUBLIC.refuse_address(address), address

    refused()
    assert PUBLIC.refuse_address(str(network[0]))
    assert PUBLIC.refuse_address(str(network[-1]))


@given(st.sampled_from([b for b in SPECIAL if ":" not in b]).flatmap(members))
def test_an_ipv4_mapped_address_is_judged_as_the_ipv4_address(address: str) -> None:
    assert PUBLIC.refuse_address(f"::ffff:{address}") == PUBLIC.refuse_address(address) is not None


@pytest.mark.parametrize("address", [
    "1.1.1.1", "9.255.255.255", "11.0.0.1", "100.63.255.254", "100.128.0.1", "126.255.255.255", "128.0.0.1",
    "169.253.255.255", "169.255.0.1", "172.15.255.255", "172.32.0.1", "192.0.1.1", "192.0.3.1", "192.167.255.255",
    "192.169.0.1", "198.17.255.255", "198.20.0.1", "223.255.255.255", "::ffff:8.8.8.8", "2001:200::1", "2001:db9::1",
    "2003::1", "2606:4700::1111", "2620:4f:8001::1", "3ffe:ffff::1", "3fff:1000::1",
])
def test_public_addresses_next_to_special_blocks_are_allowed(address: str) -> None:
    assert PUBLIC.refuse_address(address) is None


@pytest.mark.parametrize("address", ["fe80::1%eth0", "2606:4700::1%1", "127.1", "0x7f.1", "1.2.3", "", "site.test"])
def test_what_is_not_a_plain_address_is_refused_even_when_everything_is_open(address: str) -> None:
    assert OPEN.refuse_address(address)


def test_the_rule_names_the_block() -> None:
    assert PUBLIC.refuse_address("127.0.0.1") == "loopback 127.0.0.0/8"
    assert PUBLIC.refuse_address("::1") == "loopback ::1/128"
    assert PUBLIC.refuse_address("4000::1") == "outside 2000::/3"
    assert PUBLIC.refuse_port(6379) == "port 6379"
    assert PUBLIC.refuse_name("printer.local") == "name under local"


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_multicast_stay_refused_however_much_is_opened(address: str) -> None:
    only_it = f"{address}/{ip_address(address).max_prefixlen}"
    forms = (address,) if ":" in address else (address, f"::ffff:{address}", f"64:ff9b::{address}")
    for policy in (PUBLIC, OPEN, Policy((*ALLOW_ALL, only_it))):
        assert [form for form in forms if policy.refuse_address(form) is None] == []


@pytest.mark.parametrize("address", [
    "64:ff9b::a9fe:a9fe", "64:ff9b:1:a9fe:a9:fe00::", "64:ff9b:1:a9:fe:a9fe::", "64:ff9b:1::a9:fea9:fe00:0",
    "64:ff9b:1::a9fe:a9fe", "2002:a9fe:a9fe::1", "2001:0:a9fe:a9fe::1", "2001:0:808:808::5601:5601", "::a9fe:a9fe",
    "::ffff:0:a9fe:a9fe",
])
def test_metadata_inside_a_transition_address_stays_refused_when_everything_is_open(address: str) -> None:
    assert "169.254.169.254" in (OPEN.refuse_address(address) or "")


def test_an_allowed_network_opens_exactly_itself() -> None:
    policy = Policy(("10.1.2.0/24", "fd12::/16"), own_addresses=())
    assert [policy.refuse_address(a) for a in ("10.1.2.3", "::ffff:10.1.2.3", "fd12::1", "8.8.8.8")] == [None] * 4
    for address in ("10.1.3.3", "127.0.0.1", "::1", "192.168.0.1", "fd13::1", "169.254.169.254"):
        assert policy.refuse_address(address), address
    assert policy.refuse_port(6379)


def test_an_allowed_ipv4_network_does_not_open_its_ipv6_embeddings() -> None:
    policy = Policy(("10.0.0.0/8",))
    for address in (
        "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:a00:1::", "2001:0:a00:1::", "::a00:1", "::ffff:0:a00:1",
    ):
        assert policy.refuse_address(address), address


def test_an_opened_translation_prefix_is_judged_by_the_address_inside() -> None:
    policy = Policy(("64:ff9b::/96",), own_addresses=())
    assert policy.refuse_address("64:ff9b::808:808") is None
    assert policy.refuse_address("64:ff9b::a00:1") == "private 10.0.0.0/8"


def test_the_machines_own_addresses_are_refused_unless_their_network_is_opened() -> None:
    own = ("8.8.4.4", "2606:4700::99")
    assert Policy(own_addresses=own).refuse_address("8.8.4.4") == "this machine's own address 8.8.4.4"
    assert Policy(own_addresses=own).refuse_address("::ffff:8.8.4.4")
    assert Policy(own_addresses=own).refuse_address("2606:4700::99")
    assert Policy(("8.8.4.0/24",), own_addresses=own).refuse_address("8.8.4.4") is None
    assert {"127.0.0.1"} <= set(machine_addresses())
    assert Policy().own_addresses == {ip_address(a) for a in machine_addresses()}


@pytest.mark.parametrize("text", ["10.0.0.1/8", "10.0.0.0/33", "intranet", ""])
def test_an_allowed_network_that_is_none_is_bad_input(text: str) -> None:
    with pytest.raises(BadInput, match="is not a network"):
        Policy((text,))


@pytest.mark.parametrize("port", [80, 443, 1024, 8080, 8443, 65535])
def test_web_ports_are_allowed(port: int) -> None:
    assert PUBLIC.refuse_port(port) is None


@pytest.mark.parametrize("port", [0, -1, 22, 25, 53, 81, 445, 1023, 2375, 3306, 5432, 6000, 6379, 9200, 27017, 65536])
def test_other_ports_are_refused(port: int) -> None:
    assert PUBLIC.refuse_port(port) == f"port {port}"


def test_with_everything_open_only_the_browsers_own_unsafe_ports_are_left() -> None:
    assert [OPEN.refuse_port(p) for p in (81, 445, 6379, 27017)] == [None] * 4
    assert [OPEN.refuse_port(p) for p in (0, 22, 25, 6000, 10080, 65536)].count(None) == 0


INTERNAL = """
localhost LOCALHOST localhost. foo.localhost intranet localhost6 loopback printer.local host.docker.internal
metadata.google.internal kubernetes.default.svc router.home.arpa nas.lan db.corp 1.0.0.127.in-addr.arpa
b.a.9.8.7.6.5.4.ip6.arpa
""".split()


@pytest.mark.parametrize("host", INTERNAL)
def test_names_outside_the_public_dns_are_refused_until_a_network_is_opened(host: str) -> None:
    assert PUBLIC.refuse_name(host)
    assert Policy(("10.0.0.0/8",)).refuse_name(host) is None


@pytest.mark.parametrize("host", ["a.onion", "a.alt", "a..b", ".a.test", "a b.test", "127.1", "a.0x7f", "a%00.test",
                                  "a" * 64 + ".test", ".".join(["a" * 49] * 6), "ü.test", "", "a.test\n"])
def test_names_that_are_none_or_never_in_dns_stay_refused(host: str) -> None:
    assert OPEN.refuse_name(host)


@pytest.mark.parametrize("host", ["site.test", "Site.Test.", "a_b.site.test", "xn--bcher-kva.example", "8.8.8.8"])
def test_public_names_and_literals_pass(host: str) -> None:
    assert PUBLIC.refuse_name(host) is None


# Numbers are the rows of the safety catalogue; each of these is stopped before anything is resolved or sent.
REFUSED_URLS = """
1 http://127.0.0.1/
2 http://127.1/
3 http://2130706433/
4 http://0x7f000001/
4 http://0x7f.1/
5 http://0177.0.0.1/
5 http://017700000001/
6 http://0/
6 http://0.0.0.0/
7 http://localhost/
7 http://LOCALHOST/
7 http://localhost./
8 http://foo.localhost/
9 http://[::1]/
9 http://[0:0:0:0:0:0:0:1]/
10 http://[::]/
11 http://[::ffff:127.0.0.1]/
12 http://[::ffff:7f00:1]/
13 http://[::127.0.0.1]/
14 http://[::ffff:0:127.0.0.1]/
15 http://[64:ff9b::7f00:1]/
16 http://[64:ff9b:1::a00:1]/
17 http://[2002:7f00:1::]/
18 http://[2001:0:7f00:1::]/
19 http://[fe80::1]/
20 http://[fec0::1]/
21 http://[fc00::1]/
21 http://[fd00:ec2::254]/
22 http://[ff02::1]/
23 http://[3fff::1]/
23 http://[5f00::1]/
23 http://[2001:db8::1]/
23 http://[100::1]/
24 http://10.0.0.1/
24 http://172.16.0.1/
24 http://172.31.255.255/
24 http://192.168.1.1/
26 http://100.64.0.1/
26 http://100.100.100.200/
27 http://169.254.169.254/latest/meta-data/
28 http://169.254.170.2/
29 http://168.63.129.16/
30 http://192.0.0.8/
30 http://192.88.99.1/
30 http://198.18.0.1/
31 http://224.0.0.1/
31 http://239.255.255.250/
31 http://255.255.255.255/
31 http://240.0.0.1/
32 http://metadata.google.internal/
33 http://１２７.0.0.1/
33 http://①②⑦.0.0.1/
34 http://127。0。0。1/
35 http://example.com%2f@127.0.0.1/
36 http://example.com@127.0.0.1/
37 http:\\\\127.0.0.1\\
37 http://127.0.0.1\\@example.com/
50 http://intranet/
51 http://host.docker.internal/
51 http://kubernetes.default.svc/
77 http://example.com:22/
77 http://example.com:6000/
78 http://8.8.8.8:6379/
78 http://example.com:9200/
""".replace("\\\\", "\\").strip().splitlines()


@pytest.mark.parametrize("row", REFUSED_URLS)
def test_urls_that_lead_inward_are_refused_with_one_sentence(row: str) -> None:
    url = row.split(" ", 1)[1]
    with pytest.raises(Refused, match=r"^\S+ is not allowed by policy: [^\n]+$"):
        admit(url)


BAD_URLS = [
    "http://[fe80::1%25eth0]/", "http://127.0.0.1%00.example.com/", "ht\ttp://example.com/", "\x01file:///etc/passwd",
    "http://exam\nple.com/", "http://example.com/\x7f", "http://example.com/\x85", "FILE:///etc/passwd",
    "file://localhost/", "view-source:http://example.com/", "chrome://version", "devtools://x", "about:blank",
    "data:text/html,x", "blob:http://example.com/1", "javascript:alert(1)", "filesystem:http://example.com/",
    "ftp://example.com/", "gopher://example.com/", "ws://example.com/", "intent://x", "mailto:a@example.com",
    "http://evil.com:99999/", "http://[::bad/", "http://example.com/" + "a" * URL_BYTES, "http://", "http:///",
    "http://?x", "https:#f", "", "example.com", "//example.com/", "http://a b/", "http://" + "a" * 64 + ".com/",
    "http://a..example.com/", "http://.example.com/", "http://example.com../", "http://1.2.3.4.5/", "http://\udc80/",
]


@pytest.mark.parametrize("url", BAD_URLS)
def test_urls_that_cannot_be_captured_are_bad_input_with_one_sentence(url: str) -> None:
    with pytest.raises(BadInput) as caught:
        admit(url)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(("url", "canonical"), [
    ("http://172.32.0.1", "http://172.32.0.1/"),
    ("http://11.0.0.1/", "http://11.0.0.1/"),
    ("  HTTPS://Example.COM:443/a?b=c d#e ", "https://example.com/a?b=c%20d#e"),
    ("https://Bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
    ("http://example.com\\a\\b", "http://example.com/a/b"),
    ("http:example.com", "http://example.com/"),
    ("http://134744072/", "http://8.8.8.8/"),
    ("http://[2606:4700::0:1111]:8080/", "http://[2606:4700::1111]:8080/"),
    ("http://example.com./", "http://example.com./"),
    ("http://" + "a" * 63 + ".example/", "http://" + "a" * 63 + ".example/"),
])
def test_other_urls_are_admitted_as_the_browser_understands_them(url: str, canonical: str) -> None:
    assert admit(url) == canonical
    assert admit(canonical) == canonical


@pytest.mark.parametrize("userinfo", ["user:s3cret@", "s3cret@", ":s3cret@"])
def test_user_name_and_password_are_dropped(userinfo: str) -> None:
    assert admit(f"https://{userinfo}example.com/") == "https://example.com/"


@pytest.mark.parametrize("url", ["https://u:s3cret@127.0.0.1/?k=s3cret#s3cret", "http://u:s3cret@h:x/"])
def test_no_secret_of_a_refused_url_is_repeated(url: str) -> None:
    with pytest.raises((BadInput, Refused)) as caught:
        admit(url)
    assert "s3cret" not in str(caught.value)


def test_opened_networks_admit_what_lies_in_them_and_nothing_else() -> None:
    assert admit("http://localhost:8000/", ALLOW_ALL) == "http://localhost:8000/"
    assert admit("http://127.1:6379/", ALLOW_ALL) == "http://127.0.0.1:6379/"
    assert admit("http://10.1.2.3/", ("10.1.2.0/24",)) == "http://10.1.2.3/"
    for url in ("http://10.1.3.3/", "http://169.254.169.254/", "http://127.0.0.1/"):
        with pytest.raises(Refused):
            admit(url, ("10.1.2.0/24",))
    with pytest.raises(Refused):
        admit("http://169.254.169.254/", ALLOW_ALL)


@given(st.text(max_size=60).map(lambda tail: f"http://{tail}") | st.text(max_size=40))
def test_admission_gives_a_public_http_url_or_one_of_its_two_errors(text: str) -> None:
    try:
        url = admit(text)
    except (BadInput, Refused):
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    assert parts.scheme in ("http", "https")
    assert parts.username is None
    assert parts.password is None
    assert host.isascii()
    assert PUBLIC.refuse_name(host) is None


@given(st.integers(0, 2**128 - 1))
def test_an_ipv6_address_that_is_allowed_lies_in_global_unicast_space(number: int) -> None:
    address = IPv6Address(number)
    assert PUBLIC.refuse_address(str(address)) or address in ip_network("2000::/3") or address.ipv4_mapped
