"""What a plain request says of every kind of broken answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from capture.record.base import Header
from capture.record.network import PlainHop, PlainHttp
from capture.record.request import Limits
from capture.steps import plain_http
from tests.brokensite import BrokenSite, page
from tests.capture.steps.conftest import Make
from tests.h2site import H2Site
from tests.tlssite import TlsSite

QUICK = Limits(probe_s=5.0)
"""For a server that never comes to an end; long enough for what it says before."""


@pytest_asyncio.fixture
async def site() -> AsyncIterator[BrokenSite]:
    async with BrokenSite() as running:
        yield running


async def chain(make: Make, url: str, **options: Any) -> PlainHttp:
    (plain,) = await plain_http.run(make(url, **options))
    return plain


async def last(make: Make, site: BrokenSite, name: str, **options: Any) -> PlainHop:
    return (await chain(make, site.url(name), **options)).hops[-1]


FACTS: dict[str, dict[str, object]] = {
    "ok": {"status": 200, "status_line": "HTTP/1.1 200 OK", "framing": "ok", "error": None, "decode_error": None},
    "empty-500": {"status": 500, "body_bytes": 0, "framing": "ok", "declared_bytes": 0, "error": None},
    "empty-404": {"status": 404, "body_bytes": 0, "framing": "ok", "error": None},
    "basic-401": {"status": 401, "framing": "ok", "error": None},
    "no-content-204": {"status": 204, "framing": "none", "body_bytes": 0, "error": None},
    "reset-content-205": {"status": 205, "framing": "ok", "error": None},
    "not-modified-304": {"status": 304, "framing": "none", "error": None},
    "download": {"status": 200, "text": "file\n", "framing": "ok"},
    "pdf": {"status": 200, "text": None, "framing": "ok"},
    "redirect-no-location": {"status": 302, "framing": "ok"},
    "redirect-to-file": {"status": 302},
    "redirect-to-data": {"status": 302},
    "redirect-to-javascript": {"status": 302},
    "redirect-bad-location": {"status": 302},
    "redirect-unsafe-port": {"status": None, "error": "policy"},
    "garbage": {"status": None, "error": "not-http"},
    "ssh-banner": {"status": None, "error": "not-http", "first_bytes": "SSH-2.0-OpenSSH_9.2p1\\r\\n"},
    "http-0.9": {"status": None, "error": "not-http"},
    "empty-reply": {"status": None, "error": "closed", "first_bytes": None, "first_byte_ms": None},
    "early-hints-only-103": {"status": None, "error": "closed", "informational": (103,)},
    "early-hints": {"status": 200, "informational": (103, 103), "framing": "ok"},
    "reset": {"status": None, "error": "reset"},
    "truncated-chunk": {"status": 200, "framing": "truncated", "error": None},
    "bad-chunk-size": {"status": 200, "framing": "bad-chunk", "body_bytes": 0},
    "length-too-long": {"status": 200, "framing": "truncated", "declared_bytes": 5000},
    "length-too-short": {"status": 200, "framing": "surplus", "declared_bytes": 20, "body_bytes": 20},
    "two-lengths": {"status": 200, "framing": "surplus", "declared_bytes": 20},
    "two-dispositions": {"status": 200, "framing": "ok"},
    "huge-headers": {"status": None, "status_line": "HTTP/1.1 200 OK", "error": "headers-too-big"},
    "nul-in-header": {"status": 200, "framing": "ok"},
    "gzip": {"status": 200, "decode_error": None, "text": page("Zipped").decode() * 40},
    "bad-gzip": {"status": 200, "decode_error": "gzip: Error -3 while decompressing data: incorrect header check"},
    "bad-br": {"status": 200, "decode_error": "br: not a coding that this probe can undo", "text": None},
    "truncated-gzip": {"status": 200, "decode_error": "gzip: truncated", "framing": "ok"},
    "unknown-encoding": {"status": 200, "decode_error": "rot13: not a coding that this probe can undo", "text": None},
    "status-999": {"status": 999, "status_line": "HTTP/1.1 999 Request Denied"},
    "status-42": {"status": 42, "error": None},
    "utf-16": {"text": page("Größe").decode()},
    "latin-1-no-charset": {"text": page("Größe").decode()},
    "until-close": {"framing": "until-close", "error": None, "declared_bytes": None},
    "chunked": {"framing": "ok", "text": page("Chunked").decode()},
}


@pytest.mark.parametrize("name", FACTS)
async def test_every_answer_is_told_apart(make: Make, site: BrokenSite, name: str) -> None:
    hop = await last(make, site, name)
    assert {field: getattr(hop, field) for field in FACTS[name]} == FACTS[name]


@pytest.mark.parametrize(
    ("name", "facts"),
    {
        "never-answers": {"status": None, "error": "timed-out", "first_bytes": None, "framing": None},
        "half-header": {"status": None, "error": "timed-out", "first_bytes": "HTTP/1.1 200 OK\\r\\nContent-Ty"},
        "drip": {"status": 200, "error": "timed-out", "framing": None},
    }.items(),
)
async def test_a_server_that_stalls_leaves_what_came(
    make: Make, site: BrokenSite, name: str, facts: dict[str, object]
) -> None:
    hop = await last(make, site, name, limits=QUICK)
    assert {field: getattr(hop, field) for field in facts} == facts


async def test_an_endless_body_is_read_up_to_the_limit(make: Make, site: BrokenSite) -> None:
    context = make(site.url("endless"), limits=Limits(body_bytes=200_000))
    (plain,) = await plain_http.run(context)
    assert (plain.hops[0].status, plain.hops[0].framing, plain.hops[0].error) == (200, None, None)
    assert plain.hops[0].body_bytes is not None
    assert 200_000 < plain.hops[0].body_bytes < 400_000
    assert "body_bytes" in [hit.limit for hit in context.limits_hit]


async def test_header_lines_keep_order_case_and_duplicates(make: Make, site: BrokenSite) -> None:
    hop = await last(make, site, "headers")
    assert [(header.name, header.value) for header in hop.headers] == [
        ("x-FIRST", "1"), ("Content-Type", "text/html"), ("X-Twice", "a"), ("x-first", "2"), ("X-twice", "b"),
        ("VIA", "1.1 one"), ("via", "1.1 two"), ("X-Empty", ""), ("X-Spaces", "wide"), ("X-Latin", "caf\xe9"),
        ("content-LENGTH", "3"), ("Connection", "close"),
    ]  # fmt: skip


async def test_both_of_two_locations_are_kept_and_the_first_is_followed(make: Make, site: BrokenSite) -> None:
    plain = await chain(make, site.url("two-locations"))
    assert [header.value for header in plain.hops[0].headers if header.name == "Location"] == ["/ok", "/empty-404"]
    assert [hop.url for hop in plain.hops] == [site.url("two-locations"), site.url("ok")]


async def test_nineteen_redirects_are_followed(make: Make, site: BrokenSite) -> None:
    plain = await chain(make, site.url("redirect-19"))
    assert len(plain.hops) == 20
    assert (plain.hops[-1].url, plain.hops[-1].status) == (site.url("ok"), 200)


async def test_a_redirect_loop_ends_at_the_limit_and_says_so(make: Make, site: BrokenSite) -> None:
    context = make(site.url("redirect-loop"), limits=Limits(redirects=5))
    (plain,) = await plain_http.run(context)
    assert [hop.status for hop in plain.hops] == [302] * 6
    assert [hit.limit for hit in context.limits_hit] == ["redirects"]


@pytest.mark.parametrize("name", ["redirect-to-file", "redirect-to-data", "redirect-to-javascript"])
async def test_a_redirect_to_another_scheme_is_recorded_and_not_followed(
    make: Make, site: BrokenSite, name: str
) -> None:
    assert len((await chain(make, site.url(name))).hops) == 1


async def test_a_refused_port_is_never_dialled(make: Make, site: BrokenSite) -> None:
    context = make(site.url("redirect-unsafe-port"))
    (plain,) = await plain_http.run(context)
    dial = context.guard.dials()[plain.hops[1].dial or 0]
    assert (dial.port, dial.verdict, dial.rule, dial.address) == (6000, "refused", "port 6000", None)


async def test_the_request_is_recorded_as_sent(make: Make, site: BrokenSite) -> None:
    hop = await last(make, site, "ok?a=1")
    assert hop.request_head.encode() + b"\r\n\r\n" == site.seen[0].head
    assert hop.request_head.startswith(f"GET /ok?a=1 HTTP/1.1\r\nHost: 127.0.0.1:{site.port}\r\n")


async def test_a_user_header_goes_to_the_own_host_alone_and_is_never_written(make: Make, site: BrokenSite) -> None:
    secret = "Bearer canary-7c1d0e5a92"
    async with BrokenSite("127.0.0.2") as other:
        hosts = "127.0.0.1 one.test\n127.0.0.2 two.test\n"
        headers = (Header(name="Authorization", value=secret), Header(name="User-Agent", value="mine/1"))
        plain = await chain(make, f"http://one.test:{site.port}/ok", hosts=hosts, headers=headers)
        away = await chain(make, f"http://two.test:{other.port}/redirect-ok", hosts=hosts, headers=headers)
    assert b"Authorization: " + secret.encode() in site.seen[0].head
    assert site.seen[0].head.count(b"User-Agent") == 1
    assert [b"Authorization" in visit.head for visit in other.seen] == [True, False]
    assert "canary" not in plain.model_dump_json() + away.model_dump_json()


async def test_cookies_that_a_site_sets_are_masked(make: Make, site: BrokenSite) -> None:
    hop = await last(make, site, "set-cookie")
    assert "s3cretvalue0815" not in hop.model_dump_json()
    assert [header.name for header in hop.headers].count("Set-Cookie") == 2


async def test_cookies_come_back_within_the_chain_and_are_masked(make: Make, site: BrokenSite) -> None:
    plain = await chain(make, site.url("cookie-wall"))
    assert [hop.status for hop in plain.hops] == [302, 200]
    assert "Cookie: seen=" in plain.hops[1].request_head
    assert "y3scookie0815" not in plain.model_dump_json()


async def test_a_slow_chain_is_not_followed_for_ever(
    make: Make, site: BrokenSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_http, "PATIENCE", 0.01)
    context = make(site.url("redirect-loop"), limits=Limits(probe_s=1.0, redirects=10_000))
    (plain,) = await plain_http.run(context)
    assert len(plain.hops) < 10_000
    assert [hit.limit for hit in context.limits_hit] == ["probe_s"]


async def test_a_refused_connect_and_a_name_without_address_say_so(make: Make) -> None:
    async with BrokenSite() as gone:
        pass
    assert (await chain(make, gone.url("ok"))).hops[0].error == "refused"
    nameless = await chain(make, "http://nowhere.test/")
    assert (nameless.hops[0].error or "").startswith("name: ")


async def test_ipv4_and_ipv6_are_asked_apart(make: Make) -> None:
    hosts = "127.0.0.1 both.test\n::1 both.test\n"
    async with BrokenSite("::1") as six:
        plain = await plain_http.run(make(f"http://both.test:{six.port}/ok", hosts=hosts))
    assert [(one.family, one.hops[0].error, one.hops[0].status) for one in plain] == [
        ("ipv4", "refused", None),
        ("ipv6", None, 200),
    ]


async def test_the_second_address_is_tried_when_the_first_refuses(make: Make, site: BrokenSite) -> None:
    hosts = "127.0.0.9 two.test\n127.0.0.1 two.test\n"
    hop = (await chain(make, f"http://two.test:{site.port}/ok", hosts=hosts)).hops[0]
    assert (hop.address, hop.status, hop.error) == ("127.0.0.1", 200, None)


@pytest.mark.parametrize("kind", ["ok", "expired", "self-signed", "wrong-name", "tls-1.0"])
async def test_certificates_do_not_stop_a_plain_request(make: Make, kind: str) -> None:
    async with TlsSite(kind) as site:
        hop = (await chain(make, site.url(""))).hops[0]
    assert (hop.status, hop.error, hop.framing) == (200, None, "ok")
    assert "hello" in (hop.text or "")


@pytest.mark.parametrize(
    ("kind", "error", "first_bytes"),
    [
        ("plaintext", "tls: ", "HTTP/1.1 400 Bad Request\\r\\n"),
        ("talks-first", "tls: ", "220 mail.test ESMTP\\r\\n"),
        ("alert", "tls: ", None),
        ("closes", "tls: ", None),
        ("silent", "timed-out", None),
    ],
)
async def test_tls_that_fails_says_how(make: Make, kind: str, error: str, first_bytes: str | None) -> None:
    async with TlsSite(kind) as site:
        (plain,) = await plain_http.run(make(site.url(""), limits=QUICK if error == "timed-out" else None))
    assert (plain.hops[0].error or "").startswith(error)
    assert (plain.hops[0].first_bytes or "").startswith(first_bytes or "")
    assert (plain.hops[0].first_bytes is None) == (first_bytes is None)


async def test_a_redirect_keeps_to_the_family_it_came_from(make: Make, site: BrokenSite) -> None:
    async with BrokenSite("::1") as six:
        plain = await chain(make, six.url("redirect-ok"))
    assert [hop.address for hop in plain.hops] == ["::1", "::1"]
    assert [hop.status for hop in plain.hops] == [302, 200]


async def test_a_plain_request_on_loopback_takes_little_time(make: Make, site: BrokenSite) -> None:
    await last(make, site, "ok")
    contexts = [make(site.url("ok")) for _ in range(5)]
    started = time.process_time()
    await asyncio.gather(*(plain_http.run(context) for context in contexts))
    assert (time.process_time() - started) / 5 < 0.06


async def over_h2(make: Make, path: str, **options: Any) -> PlainHttp:
    async with H2Site() as site:
        found = await plain_http.run(make(site.url(path), **options))
    return next(plain for plain in found if plain.protocol == "h2")


async def test_http2_is_spoken_when_tls_agrees_on_it(make: Make) -> None:
    plain = await over_h2(make, "hints")
    hop = plain.hops[0]
    assert (plain.family, hop.status, hop.status_line, hop.framing, hop.error) == ("ipv4", 200, None, "ok", None)
    assert hop.request_head.startswith("GET /hints HTTP/2\r\n")
    assert [(header.name, header.value) for header in hop.headers] == [
        ("content-type", "text/html"),
        ("x-twice", "a"),
        ("x-twice", "b"),
    ]
    assert hop.informational == (103,)
    assert hop.text == page("over h2").decode()


async def test_http2_is_not_claimed_where_it_is_not_spoken(make: Make) -> None:
    async with TlsSite("ok") as site:
        assert [plain.protocol for plain in await plain_http.run(make(site.url("")))] == ["http/1.1"]


async def test_redirects_are_followed_over_http2(make: Make) -> None:
    assert [hop.status for hop in (await over_h2(make, "redirect")).hops] == [302, 200]


@pytest.mark.parametrize(
    ("path", "status", "framing", "error"),
    [
        ("reset", None, None, "h2: stream reset, INTERNAL_ERROR"),
        ("goaway", None, None, "h2: connection closed, ENHANCE_YOUR_CALM"),
        ("cut", 200, "truncated", None),
        ("short", 200, "truncated", None),
        ("silent", None, None, "timed-out"),
    ],
)
async def test_every_broken_http2_answer_is_told_apart(
    make: Make, path: str, status: int | None, framing: str | None, error: str | None
) -> None:
    hop = (await over_h2(make, path, limits=QUICK if error == "timed-out" else None)).hops[0]
    assert (hop.status, hop.framing, hop.error) == (status, framing, error)


async def test_bytes_that_are_not_http2_are_a_protocol_error(make: Make) -> None:
    assert ((await over_h2(make, "garbage")).hops[0].error or "").startswith("h2: ")
