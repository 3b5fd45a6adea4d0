"""The lines repeat what was seen, and nothing that a page supplied gets out of its quotes."""

import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture.record.base import Header
from capture.record.evidence import Evidence
from capture.record.network import Dns, DnsAnswer, PlainHop, PlainHttp
from capture.record.page import Exchange
from report.diagnose import diagnose
from report.reproduce import LINES, Line, lines, place, shell, text
from tests import builders
from tests.brokensite import BrokenSite, Server, in_thread
from tests.report.examples import EXAMPLES
from tests.report.shellcanary import Canary

HOSTILE = (
    "https://shop.example/$(touch%20/tmp/x)`id`",
    "https://shop.example/'; touch x; '",
    'https://shop.example/"&&touch x||"',
    "https://shop.example/a\nb\r\nc\x00d\x1b[31m",
    "https://shop.example/\u202egnp.exe",
    "https://shop.example/\ud800",
    "https://shop.example/{a,b}[1-9]/../..?x=*&y=~!#frag",
    "https://shop.example/" + "x" * 5000,
    "https://[bad",
    "",
)


@pytest.fixture(scope="module")
def site() -> Iterator[Server]:
    with in_thread(BrokenSite()) as running:
        yield running


def found(evidence: Evidence) -> tuple[Line, ...]:
    return lines(evidence, diagnose(evidence))


def of(evidence: Evidence, kind: str) -> list[Line]:
    return [line for line in found(evidence) if line.kind == kind]


def statuses(command: str) -> list[int]:
    """The statuses that the shell line prints, the last hop's last."""
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=False, timeout=20)
    return [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith(b"HTTP/")]


def document(site: Server, row: str, status: int) -> Exchange:
    """An exchange as the browser would have recorded it, under a name that only --resolve can find."""
    url = f"http://shop.example:{site.port}/{row}"
    return builders.exchange(url, builders.response(status), remote_address=f"127.0.0.1:{site.port}")


@pytest.mark.parametrize(("row", "status"), [
    ("ok", 200), ("empty-500", 500), ("basic-401", 401), ("length-too-long", 200), ("huge-headers", 200),
    ("no-content-204", 204), ("gzip", 200), ("status-999", 999), ("redirect-no-location", 302)])
def test_the_line_for_the_page_gets_the_same_status(row: str, status: int, site: Server) -> None:
    seen = document(site, row, status)
    line = of(builders.evidence(builders.page_load(seen), url=seen.url), "browser")[0]
    assert statuses(line.command) == [status]
    assert line.saw.startswith(str(status))


def test_the_line_for_a_failure_below_http_fails_too(site: Server) -> None:
    url = f"http://shop.example:{site.port}/reset"
    seen = builders.exchange(url, error="net::ERR_CONNECTION_RESET", remote_address=f"127.0.0.1:{site.port}")
    line = of(builders.evidence(builders.page_load(seen), url=url), "browser")[0]
    assert statuses(line.command) == []
    assert "net::ERR_CONNECTION_RESET" in line.saw


def chain(site: Server, *rows: tuple[str, int]) -> PlainHttp:
    """A plain request that went over these rows."""
    head = f"GET /x HTTP/1.1\r\nHost: shop.example:{site.port}\r\nUser-Agent: probe\r\nX-Empty: \r\nConnection: close"
    hops = (PlainHop(url=f"http://shop.example:{site.port}/{row}", address="127.0.0.1", request_head=head,
                     status=status, status_line=f"HTTP/1.1 {status} X") for row, status in rows)
    return PlainHttp(protocol="http/1.1", family="ipv4", hops=tuple(hops))


def test_the_line_for_a_plain_request_follows_the_chain_with_its_cookies(site: Server) -> None:
    probe = chain(site, ("cookie-wall", 302), ("cookie-wall", 200))
    line = of(builders.evidence(url=probe.hops[0].url, plain_http=(probe,)), "plain")[0]
    assert statuses(line.command) == [302, 200]
    assert line.saw == "HTTP/1.1 200 X after 1 redirects"


def test_a_plain_request_without_redirect_is_not_followed_further(site: Server) -> None:
    probe = chain(site, ("redirect-19", 302))
    line = of(builders.evidence(url=probe.hops[0].url, plain_http=(probe,)), "plain")[0]
    assert statuses(line.command) == [302]


def test_headers_go_out_as_they_were_sent(site: Server) -> None:
    assert isinstance(site, BrokenSite)
    probe = chain(site, ("ok", 200))
    line = of(builders.evidence(url=probe.hops[0].url, plain_http=(probe,)), "plain")[0]
    statuses(line.command)
    head = site.seen[-1].head.decode()
    assert "\r\nUser-Agent: probe\r\n" in head
    assert "\r\nX-Empty:\r\n" in head
    assert "\r\nAccept" not in head
    assert f"\r\nHost: shop.example:{site.port}\r\n" in head


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_address_is_one_word_and_does_nothing(url: str) -> None:
    word = shell(url)
    assert word.isascii()
    assert word.isprintable()
    assert "\n" not in word
    assert len(shlex.split(word)) == 1
    printed = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True, check=True)
    assert printed.stdout.decode() == shlex.split(word)[0]
    assert printed.stderr == b""


@pytest.mark.parametrize("url", [url for url in HOSTILE if url != "https://[bad"])
def test_every_line_of_a_hostile_capture_is_one_command(url: str) -> None:
    hostile = builders.exchange(
        url, builders.response(500), request_headers=(Header(name="X-$(id)", value="';`id`\n"),))
    facts = builders.evidence(
        builders.page_load(hostile), url=url, tls=(builders.tls(server_name="$(id).example"),),
        tcp=(builders.tcp(),), dns=builders.dns("-x @evil +trace\n.example", "192.0.2.1"),
        plain_http=(builders.plain(url=url, address="192.0.2.1"),))
    made = lines(facts, EXAMPLES["cloudflare_522"]().diagnosis)
    assert {line.kind for line in made} >= {"browser", "plain", "tls", "tcp", "dns"}
    for line in made:
        assert line.command.isprintable()
        words = shlex.split(line.command.removesuffix(" </dev/null"))
        assert words[0] in ("curl", "openssl", "nc", "dig")
        if words[0] == "dig":
            assert words[words.index("-q") + 1].startswith("-x @evil")
        if words[0] == "curl" and url:
            assert words[-1] == shlex.split(shell(url if "cdn-cgi" not in words[-1] else words[-1]))[0]


def test_no_line_of_a_hostile_capture_runs_anything_else(tmp_path: Path) -> None:
    canary = Canary(tmp_path)
    for value in canary.values:
        header = Header(name=value, value=value)
        url = f"https://{value}/{value}?{value}#{value}"
        document = builders.exchange(url, builders.response(500), method=value, request_headers=(header,))
        part = builders.exchange(url, builders.response(500), id="E2", main_document=False, remote_address=value)
        facts = builders.evidence(
            builders.page_load(part, document), url=url, dns=builders.dns(value, value),
            tls=(builders.tls(server_name=value, address=value),), tcp=(builders.tcp(address=value),),
            plain_http=(builders.plain(url=url, address=value, request_head=f"GET / HTTP/1.1\r\n{value}: {value}"),))
        found = lines(facts, EXAMPLES["cloudflare_522"]().diagnosis)
        assert {line.kind for line in found} >= {"browser", "plain", "tls", "tcp", "dns"}
        for line in found:
            canary.run(line.command)
        canary.run(text(found))
    assert canary.is_untouched()


def test_nothing_is_taken_for_an_option_or_for_a_file_to_read(site: Server) -> None:
    headers = (Header(name="@/etc/hostname", value=""), Header(name="X-At", value="@/etc/hostname"))
    seen = builders.exchange("--config=/etc/hostname", builders.response(500), request_headers=headers)
    line = of(builders.evidence(builders.page_load(seen)), "browser")[0]
    assert line.command.endswith(" -- --config=/etc/hostname")
    assert "-H @" not in line.command
    assert "-H 'X-At: @/etc/hostname'" in line.command


def test_what_the_page_asked_for_in_vain_has_its_line_too() -> None:
    def part(number: int, status: int | None = 500, **more: Any) -> Exchange:
        answer = builders.response(status) if status else None
        return builders.exchange(f"https://shop.example/api/{number}", answer, id=f"E{number}", main_document=False,
                                 resource_type="fetch", **more)

    parts = (part(2, 200), part(3), part(4, None, error="net::ERR_CONNECTION_RESET"),
             part(5, None, error="net::ERR_BLOCKED_BY_CLIENT"), part(6, None, blocked="policy: private", error="x"),
             part(7, None, canceled=True, error="net::ERR_ABORTED"), *(part(n) for n in range(8, 20)))
    document = builders.exchange(answer=builders.response(500))
    found = of(builders.evidence(builders.page_load(*parts, document)), "browser")
    assert [line.what.split(",")[0] for line in found] == [
        "GET E1", "GET E3", "GET E4", "GET E8", "GET E9", "GET E10"]
    assert found[2].saw.startswith("net::ERR_CONNECTION_RESET")


def test_a_plain_address_comes_through_letter_by_letter() -> None:
    url = "https://shop.example/a?b=c%20d&e={1}#f"
    assert shlex.split(shell(url)) == [url]


def test_masked_secrets_become_names_to_fill_in() -> None:
    url = "https://shop.example/?token=[redacted:token:12:0123abcd]&next=%5Bredacted:api-key:9:0123abcd%5D"
    headers = (Header(name="Cookie", value="sid=[redacted:cookie:32:89abcdef]"), Header(name=":path", value="/"))
    seen = builders.exchange(url, builders.response(403), request_headers=headers)
    line = of(builders.evidence(builders.page_load(seen), url=url), "browser")[0]
    assert "redacted" not in line.command
    assert "?token=YOUR_TOKEN&next=YOUR_API_KEY" in line.command
    assert "-H 'Cookie: sid=YOUR_COOKIE'" in line.command
    assert ":path" not in line.command
    assert line.fill == ("YOUR_API_KEY", "YOUR_COOKIE", "YOUR_TOKEN")


def test_addresses_of_both_families_are_pinned() -> None:
    seen = [line.command for line in of(EXAMPLES["cloudflare_522"]().evidence, "plain")]
    assert "--resolve shop.example:443:203.0.113.80" in seen[0]
    assert "--resolve 'shop.example:443:[2001:db8::80]'" in seen[2]
    assert "--http1.1" in seen[0]
    assert "--http2" in seen[1]


def test_a_literal_needs_no_pin() -> None:
    url = "http://[2001:db8::1]:8080/"
    seen = builders.exchange(url, builders.response(200), remote_address="[2001:db8::1]:8080")
    line = of(builders.evidence(builders.page_load(seen), url=url), "browser")[0]
    assert "--resolve" not in line.command
    assert line.command.endswith("'http://[2001:db8::1]:8080/'")


def test_the_lenient_load_is_repeated_leniently_and_the_strict_one_is_not() -> None:
    strict, lenient = of(EXAMPLES["expired"]().evidence, "browser")
    assert "--insecure" not in strict.command
    assert "--insecure" in lenient.command


@pytest.mark.parametrize(("resolver", "server"), [
    ("system", ""), ("192.0.2.53", " @192.0.2.53"), ("192.0.2.53:5353", " @192.0.2.53 -p 5353"),
    ("2001:db8::53", " @2001:db8::53"), ("[2001:db8::53]:5353", " @2001:db8::53 -p 5353"),
    ("authoritative 192.0.2.1", " @192.0.2.1")])
def test_each_resolver_is_asked_by_address_and_port(resolver: str, server: str) -> None:
    answer = DnsAnswer(resolver=resolver, question="shop.example", type="AAAA", rcode="NOERROR")
    line = of(builders.evidence(dns=Dns(host="shop.example", answers=(answer,), source="resolver")), "dns")[0]
    assert line.command.startswith(f"dig{server} -q shop.example. -t AAAA ")
    assert ("+norecurse" in line.command) is resolver.startswith("authoritative")


def test_tls_is_repeated_with_and_without_server_name() -> None:
    probes = (builders.tls(), builders.tls("wrong-name", server_name=None))
    with_name, without = of(builders.evidence(tls=probes), "tls")
    assert "-servername shop.example -verify_hostname shop.example" in with_name.command
    assert "-noservername" in without.command
    assert without.saw == "TLSv1.3; certificate: wrong-name"


def test_the_origin_is_left_open_and_only_asked_past_somebody() -> None:
    line, trace = of(EXAMPLES["cloudflare_522"]().evidence, "origin")
    assert "--connect-to shop.example:443:ORIGIN_ADDRESS:443" in line.command
    assert line.fill == ("ORIGIN_ADDRESS",)
    assert trace.command.endswith("https://shop.example/cdn-cgi/trace")
    assert of(EXAMPLES["healthy"]().evidence, "origin") == []


def test_the_line_for_the_origin_works_once_its_address_is_filled_in(site: Server) -> None:
    url = f"http://shop.example:{site.port}/empty-500"
    line = lines(builders.evidence(url=url), EXAMPLES["nginx_502"]().diagnosis)[-1]
    assert statuses(line.command.replace("ORIGIN_ADDRESS", "127.0.0.1")) == [500]


def test_the_script_is_comments_and_commands_only() -> None:
    hostile = "https://shop.example/\n$(id)"
    facts = builders.answered(500, (), "", url=hostile)
    script = text(found(facts))
    assert all(line == "" or line.startswith(("# ", "curl ", "dig ")) for line in script.splitlines())
    assert subprocess.run(["bash", "-n"], input=script.encode(), capture_output=True, check=True).stderr == b""


def test_there_are_not_more_lines_than_one_can_read() -> None:
    answers = tuple(DnsAnswer(resolver="system", question="shop.example", type="A", rcode="NOERROR") for _ in range(99))
    facts = builders.evidence(dns=Dns(host="shop.example", answers=answers, source="resolver"))
    assert len(found(facts)) == LINES


@pytest.mark.parametrize(("url", "where"), [
    ("http://a.example/", ("a.example", 80)), ("https://a.example:8443/", ("a.example", 8443)),
    ("https://[bad", ("", 443)), ("https://a.example:99999/", ("", 443))])
def test_the_place_of_an_address(url: str, where: tuple[str, int]) -> None:
    assert place(url) == where
