"""Network events to exchanges, from small hand-made events: hops, the wire's view, failures, connections, times."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from capture.exchanges import Dials, Requests, endpoint, exchange, header_lines
from capture.record.network import Dial
from capture.record.page import Exchange
from capture.record.request import Limits
from tests import builders

START, WALL = 1000.0, 1_700_000_000.0
"""The load's start on the browser's clock and the offset of that clock to the epoch, seconds."""
URL = "https://shop.example/"
RAW = "HTTP/1.1 502 Bad Luck\r\nServer: nginx\r\nset-cookie: a=1\r\nSet-Cookie: b=2\r\nX-Empty:\r\n\r\n"
PARSED = {"Server": "nginx", "set-cookie": "a=1\nb=2", "X-Empty": ""}
Event = tuple[str, dict[str, Any]]


def sent(url: str = URL, at: float = START, request_id: str = "R", **given: Any) -> Event:
    request = {"url": url, "method": "GET", "headers": {"Accept": "*/*"}, **given.pop("request", {})}
    return "Network.requestWillBeSent", {"requestId": request_id, "loaderId": request_id, "frameId": "top",
                                         "type": "Document", "timestamp": at, "request": request, **given}


def received(status: int = 200, request_id: str = "R", *, extra: bool = True, **given: Any) -> Event:
    answer = {"status": status, "statusText": "OK", "headers": {"Server": "parsed"}, "mimeType": "text/html",
              "protocol": "http/1.1", "connectionId": 7, "connectionReused": False, **given}
    return "Network.responseReceived", {"requestId": request_id, "response": answer, "hasExtraInfo": extra}


def wire(status: int = 502, text: str = RAW, headers: dict[str, str] | None = None, request_id: str = "R") -> Event:
    return "Network.responseReceivedExtraInfo", {"requestId": request_id, "statusCode": status, "headersText": text,
                                                 "headers": PARSED if headers is None else headers}


def wire_request(request_id: str = "R", **headers: str) -> Event:
    return "Network.requestWillBeSentExtraInfo", {"requestId": request_id, "headers": headers}


def finished(at: float = START + 1, request_id: str = "R", size: float = 100) -> Event:
    return "Network.loadingFinished", {"requestId": request_id, "timestamp": at, "encodedDataLength": size}


def failed(error: str, at: float = START + 1, request_id: str = "R", **given: Any) -> Event:
    return "Network.loadingFailed", {"requestId": request_id, "timestamp": at, "errorText": error, **given}


def redirected(to: str, at: float, *, extra: bool = True) -> Event:
    answer = {"status": 302, "statusText": "Found", "headers": {"Location": to}, "mimeType": "", "protocol": "http/1.1",
              "encodedDataLength": 50}
    return sent(to, at, redirectResponse=answer, redirectHasExtraInfo=extra)


def told(*events: Event, limits: Limits | None = None) -> Requests:
    requests = Requests(limits or Limits(), top_frame="top")
    for method, params in events:
        requests.handle("S", method, params)
    return requests


def exchanges(*events: Event, dials: Sequence[Dial] = (), limits: Limits | None = None) -> list[Exchange]:
    requests = told(*events, limits=limits)
    requests.match_extras()
    log = Dials(dials)
    return [exchange(requests, draft, log, START, WALL) for draft in requests.drafts]


def one(*events: Event, dials: Sequence[Dial] = ()) -> Exchange:
    (only,) = exchanges(*events, dials=dials)
    return only


def dial(number: int = 0, host: str = "shop.example", after_s: float = 0.0, **given: Any) -> Dial:
    started = datetime.fromtimestamp(START + WALL + after_s, UTC)
    return builders.dial(**{"id": number, "host": host, "port": 443, "started_at": started, "resolve_ms": 5.0, **given})


def test_a_request_and_its_answer_are_one_exchange() -> None:
    told = one(sent(), wire_request(Host="shop.example"), wire(), received(), finished(size=321.0))
    assert (told.id, told.url, told.method, told.resource_type) == ("E1", URL, "GET", "document")
    assert told.main_document
    assert told.started_at == datetime.fromtimestamp(START + WALL, UTC)
    assert (told.started_ms, told.duration_ms) == (0, 1000)
    assert [(h.name, h.value) for h in told.request_headers] == [("Host", "shop.example")]
    assert told.response is not None
    assert told.response.encoded_bytes == 321
    assert told.error is None


def test_the_wire_wins_over_the_browsers_own_view() -> None:
    answer = one(sent(), wire(502), received(304), finished()).response
    assert answer is not None
    assert (answer.status, answer.status_text, answer.header_source) == (502, "Bad Luck", "wire")


def test_header_lines_keep_their_order_case_and_duplicates() -> None:
    answer = one(sent(), wire(), received(), finished()).response
    assert answer is not None
    assert [(h.name, h.value) for h in answer.headers] == [
        ("Server", "nginx"), ("set-cookie", "a=1"), ("Set-Cookie", "b=2"), ("X-Empty", "")]


def test_a_block_that_the_browser_garbled_gives_way_to_its_list_with_duplicates_apart() -> None:
    answer = one(sent(), wire(text="HTTP/1.1 200 OK\r\nServ"), received(), finished()).response
    assert answer is not None
    assert answer.header_source == "parsed"
    assert [(h.name, h.value) for h in answer.headers] == [
        ("Server", "nginx"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("X-Empty", "")]


def test_http_2_has_no_block_and_no_reason_phrase() -> None:
    answer = one(sent(), wire(200, "", {"server": "x"}), received(protocol="h2", statusText=""), finished()).response
    assert answer is not None
    assert (answer.protocol, answer.status_text, answer.header_source) == ("h2", "", "parsed")


def test_an_answer_without_word_from_the_wire_has_the_browsers_view() -> None:
    answer = one(sent(), received(204, extra=False), finished()).response
    assert answer is not None
    assert (answer.status, answer.header_source) == (204, "parsed")
    assert [(h.name, h.value) for h in answer.headers] == [("Server", "parsed")]


def test_an_answer_that_only_the_wire_saw_is_an_answer() -> None:
    """An empty error page: the navigation fails, and the browser never tells of a response."""
    told = one(sent(), wire(500, "HTTP/1.1 500 Internal Server Error\r\nServer: x\r\n\r\n", {"Server": "x"}),
               failed("net::ERR_HTTP_RESPONSE_CODE_FAILURE"))
    assert told.response is not None
    assert (told.response.status, told.response.protocol) == (500, "http/1.1")
    assert told.error == "net::ERR_HTTP_RESPONSE_CODE_FAILURE"


@pytest.mark.parametrize("late", [False, True])
def test_the_wires_word_may_come_before_or_after_the_event_it_belongs_to(late: bool) -> None:
    events = [sent(), received(), finished()]
    words = [wire_request(Host="shop.example"), wire()]
    told = one(*(events + words if late else words + events))
    assert told.response is not None
    assert told.response.status == 502
    assert [h.name for h in told.request_headers] == ["Host"]


def test_every_redirect_is_an_exchange_of_its_own() -> None:
    hops = exchanges(sent("http://shop.example/"), redirected("https://shop.example/", START + 0.25),
                     redirected("https://shop.example/en", START + 0.5), received(200), finished(START + 2))
    assert [(e.id, e.hop, e.url) for e in hops] == [
        ("E1", 0, "http://shop.example/"), ("E2", 1, "https://shop.example/"), ("E3", 2, "https://shop.example/en")]
    assert [e.response.status for e in hops if e.response] == [302, 302, 200]
    assert [e.duration_ms for e in hops] == [250, 250, 1500]
    assert all(e.main_document for e in hops)


def test_each_hop_gets_its_own_word_from_the_wire() -> None:
    first = wire(301, "HTTP/1.1 301 Moved\r\nX-Hop: 1\r\n\r\n", {"X-Hop": "1"})
    second = wire(200, "HTTP/1.1 200 Fine\r\nX-Hop: 2\r\n\r\n", {"X-Hop": "2"})
    hops = exchanges(sent("http://shop.example/"), wire_request(Hop="1"), first, redirected(URL, START + 0.5),
                     wire_request(Hop="2"), received(200), second, finished(START + 1))
    assert [(e.response.status, e.response.headers[0].value) for e in hops if e.response] == [(301, "1"), (200, "2")]
    assert [e.request_headers[0].value for e in hops] == ["1", "2"]


def test_a_hop_that_never_touched_the_wire_takes_no_word_from_the_next() -> None:
    """An upgrade to https by HSTS is answered inside the browser."""
    second = wire(200, "HTTP/1.1 200 Fine\r\nX-Hop: 2\r\n\r\n", {"X-Hop": "2"})
    hops = exchanges(sent("http://shop.example/"), redirected(URL, START + 0.1, extra=False), received(200), second,
                     finished())
    assert [e.response.status for e in hops if e.response] == [302, 200]
    assert [e.response.status_text for e in hops if e.response] == ["Found", "Fine"]


def test_a_failure_keeps_the_browsers_name() -> None:
    told = one(sent(), failed("net::ERR_CONNECTION_RESET"))
    assert (told.error, told.response, told.canceled) == ("net::ERR_CONNECTION_RESET", None, False)
    assert one(sent(), failed("net::ERR_ABORTED", canceled=True)).canceled
    assert one(sent(), failed("net::ERR_BLOCKED_BY_CSP", blockedReason="csp")).blocked == "csp"


def test_the_browsers_own_error_page_does_not_undo_the_failure() -> None:
    told = one(sent(), failed("net::ERR_CONNECTION_RESET", START + 1), finished(START + 2))
    assert (told.error, told.duration_ms) == ("net::ERR_CONNECTION_RESET", 1000)


def test_a_request_that_never_ended_has_no_duration_and_stays_open() -> None:
    assert one(sent(), received()).duration_ms is None
    assert told(sent(), received()).in_flight == {"R"}
    assert told(sent(), received(), finished()).in_flight == set()


def test_requests_past_the_limit_are_only_counted() -> None:
    requests = told(*[sent(f"{URL}{n}", request_id=str(n)) for n in range(5)], finished(request_id="4"),
                    limits=Limits(exchanges=3))
    assert (len(requests.drafts), requests.dropped) == (3, 2)


def test_addresses_that_are_not_loaded_from_the_network_are_no_requests() -> None:
    schemes = ("data:text/html,x", "blob:http://a/1", "chrome-error://chromewebdata/", "about:blank", "file:///etc")
    assert exchanges(*[sent(url, request_id=str(n)) for n, url in enumerate(schemes)]) == []


def test_events_of_requests_that_nobody_announced_are_passed_over() -> None:
    assert exchanges(received(), finished(), failed("net::ERR_FAILED"), wire()) == []


def test_only_documents_of_the_top_frame_are_the_main_document() -> None:
    inner = sent(URL + "frame", request_id="F", frameId="inner")
    script = sent(URL + "a.js", request_id="J", type="Script", loaderId="R")
    assert [e.main_document for e in exchanges(sent(), inner, script)] == [True, False, False]


def test_an_exchange_has_the_connection_that_the_guard_opened_for_it() -> None:
    seen = one(sent(), received(), finished(), dials=[dial(0, "other.example"), dial(1)])
    assert (seen.dial, seen.remote_address) == (1, f"{builders.ADDRESS}:443")


def test_exchanges_of_one_connection_share_its_dial_and_others_get_their_own() -> None:
    events = [event for n, connection in enumerate((7, 8, 7)) for event in (
        sent(f"{URL}{n}", START + n / 10, str(n)), received(request_id=str(n), connectionId=connection),
        finished(request_id=str(n)))]
    found = exchanges(*events, dials=[dial(0), dial(1, after_s=0.1)])
    assert [e.dial for e in found] == [0, 1, 0]


def test_connections_of_probes_and_of_the_browsers_own_traffic_are_not_the_pages() -> None:
    others = [dial(n, purpose=purpose) for n, purpose in enumerate(("tcp", "tls", "plain-http", "background", "dns"))]
    assert one(sent(), received(), finished(), dials=others).dial is None


def test_an_answer_from_memory_has_no_connection() -> None:
    cached = ("Network.requestServedFromCache", {"requestId": "R"})
    told = one(sent(), cached, received(extra=False), finished(), dials=[dial()])
    assert told.from_cache
    assert (told.dial, told.remote_address) == (None, None)


def test_an_ipv6_address_is_bracketed_before_its_port() -> None:
    told = one(sent("https://[2001:db8::1]:8443/"), received(), finished(),
               dials=[dial(host="2001:db8::1", port=8443, address="2001:db8::1")])
    assert told.remote_address == "[2001:db8::1]:8443"


def test_behind_a_failed_proxy_lies_the_guards_name_of_the_failure() -> None:
    gone = dial(error="net::ERR_CONNECTION_REFUSED", errno="ECONNREFUSED", after_s=0.01)
    told = one(sent(), failed("net::ERR_SOCKS_CONNECTION_FAILED"), dials=[gone])
    assert (told.error, told.guard_error, told.dial, told.blocked) == (
        "net::ERR_SOCKS_CONNECTION_FAILED", "net::ERR_CONNECTION_REFUSED", 0, None)


def test_the_failed_connection_nearest_in_time_is_the_one() -> None:
    early = dial(0, error="net::ERR_CONNECTION_REFUSED", after_s=-5)
    near = dial(1, error="net::ERR_CONNECTION_TIMED_OUT", after_s=0.02)
    assert one(sent(), failed("net::ERR_SOCKS_CONNECTION_FAILED"), dials=[early, near]).dial == 1


def test_a_connection_that_our_policy_refused_says_by_which_rule() -> None:
    refused = dial(verdict="refused", rule="loopback 127.0.0.0/8", error="net::ERR_BLOCKED_BY_ADMINISTRATOR")
    told = one(sent(), failed("net::ERR_SOCKS_CONNECTION_FAILED"), dials=[refused])
    assert told.blocked == "policy: loopback 127.0.0.0/8"


def test_a_failure_that_is_not_the_proxys_is_not_explained_by_the_guard() -> None:
    other = dial(error="net::ERR_CONNECTION_REFUSED")
    assert one(sent(), failed("net::ERR_CERT_DATE_INVALID"), dials=[other]).guard_error is None


TIMING = {"requestTime": START + 0.010, "connectStart": 2.0, "connectEnd": 40.0, "sslStart": 15.0, "sslEnd": 40.0,
          "sendStart": 41.0, "sendEnd": 42.0, "receiveHeadersEnd": 142.0}


def test_the_phases_follow_each_other_without_a_gap_that_is_counted_twice() -> None:
    told = one(sent(), received(timing=TIMING), finished(START + 0.252), dials=[dial(resolve_ms=5.0)])
    assert told.timings is not None
    phases = told.timings.model_dump()
    assert phases == {"blocked": 12.0, "dns": 5.0, "connect": 33.0, "ssl": 25.0, "send": 1.0, "wait": 100.0,
                      "receive": pytest.approx(100.0)}


def test_a_connection_used_again_has_neither_dns_nor_connect() -> None:
    reused = TIMING | {"connectStart": -1, "connectEnd": -1, "sslStart": -1, "sslEnd": -1}
    told = one(sent(), received(timing=reused), finished(START + 0.252), dials=[dial()])
    assert told.timings is not None
    assert (told.timings.dns, told.timings.connect, told.timings.ssl) == (None, None, None)
    assert told.timings.blocked == pytest.approx(51.0)


def test_without_tls_there_is_no_time_for_it() -> None:
    plain = TIMING | {"sslStart": -1, "sslEnd": -1}
    told = one(sent(), received(timing=plain), finished(), dials=[dial()])
    assert told.timings is not None
    assert told.timings.ssl is None
    assert told.timings.connect == pytest.approx(33.0)


def test_no_phase_is_ever_negative() -> None:
    odd = TIMING | {"receiveHeadersEnd": 5000.0, "sendEnd": 40.5}
    told = one(sent(at=START + 2), received(timing=odd), finished(START + 1), dials=[dial(resolve_ms=900.0)])
    assert told.timings is not None
    assert min(value for value in told.timings.model_dump().values() if value is not None) >= 0


def test_without_the_browsers_times_there_are_no_phases() -> None:
    assert one(sent(), received(), finished()).timings is None
    assert one(sent(), received(timing=TIMING)).timings is None


def test_the_browsers_word_on_tls_is_kept_with_its_times() -> None:
    details = {"protocol": "TLS 1.3", "cipher": "AES_128_GCM", "subjectName": "shop.example", "issuer": "Test CA",
               "validFrom": 1_700_000_000, "validTo": 1_700_086_400}
    security = one(sent(), received(securityDetails=details), finished()).security
    assert security is not None
    assert (security.protocol, security.valid_to - security.valid_from) == ("TLS 1.3", timedelta(days=1))
    assert one(sent(), received(), finished()).security is None


@pytest.mark.parametrize(("given", "url", "line"), [
    ({"type": "parser", "url": URL, "lineNumber": 4.0}, URL, 5),
    ({"type": "script", "stack": {"callFrames": [{"url": URL + "a.js", "lineNumber": 0}]}}, URL + "a.js", 1),
    ({"type": "script", "stack": {"callFrames": [{"url": "", "lineNumber": 2}]}}, None, 3),
    ({"type": "other"}, None, None),
])
def test_what_made_the_browser_ask_is_told(given: dict[str, Any], url: str | None, line: int | None) -> None:
    made = one(sent(initiator=given)).initiator
    assert made is not None
    assert (made.type, made.url, made.line) == (given["type"], url, line)


def test_what_was_posted_is_kept_with_its_size_in_bytes() -> None:
    body = one(sent(request={"postData": "näme=1", "hasPostData": True})).request_body
    assert body is not None
    assert (body.size, body.text) == (7, "näme=1")
    lost = one(sent(request={"hasPostData": True})).request_body
    assert lost is not None
    assert lost.dropped == "not-retained"
    assert one(sent()).request_body is None


def test_the_fragment_belongs_to_the_address() -> None:
    assert one(sent(request={"urlFragment": "#cart"})).url == URL + "#cart"


def test_long_headers_are_cut_and_too_many_are_left_out() -> None:
    limits = Limits(header_bytes=10, headers_bytes=100)
    kept, raw = header_lines(None, {f"X-{n}": "v" * 40 for n in range(5)}, limits)
    assert [len(header.value) for header in kept] == [10, 10]
    assert not raw


@pytest.mark.parametrize(("url", "host", "port"), [
    ("http://shop.example/", "shop.example", 80),
    ("https://shop.example", "shop.example", 443),
    ("https://shop.example:8443/a:1/b@c", "shop.example", 8443),
    ("ws://shop.example/", "shop.example", 80),
    ("wss://shop.example?x=@", "shop.example", 443),
    ("https://[2001:db8::1]/", "2001:db8::1", 443),
    ("https://[2001:db8::1]:444/#a", "2001:db8::1", 444),
    ("http://user:pa:ss@shop.example:81/", "shop.example", 81),
    ("http://shop.example:/", "shop.example", 80),
])
def test_an_address_leads_to_a_host_and_a_port(url: str, host: str, port: int) -> None:
    assert endpoint(url) == (host, port)
