"""Small records for tests of the report: fixed clocks, documentation addresses, every value can be given.

In: the few facts that a test is about. Out: records of `capture.record`, filled with harmless defaults.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from bench.pagetext import rendered
from capture.record.base import Header
from capture.record.evidence import Clock, Evidence, Vantage
from capture.record.network import Certificate, Dial, Dns, DnsAnswer, DnsRecord, PlainHop, PlainHttp, TcpProbe, TlsProbe
from capture.record.page import Body, Exchange, PageLoad, Response
from capture.record.request import RequestRecord, StepRecord

NOW = datetime(2026, 3, 4, 5, 6, 7, 891000, tzinfo=UTC)
URL = "https://shop.example/checkout"
ADDRESS = "192.0.2.10"
Pairs = Iterable[Sequence[str]]


def headers(*pairs: Sequence[str]) -> tuple[Header, ...]:
    """Header lines from (name, value) pairs."""
    return tuple(Header(name=pair[0], value=pair[1]) for pair in pairs)


def response(status: int = 200, pairs: Pairs = (), body: str | None = "", **given: Any) -> Response:
    """An answer; the media type comes from its Content-Type."""
    lines = headers(*pairs)
    kinds = [line.value.split(";")[0].strip() for line in lines if line.name.lower() == "content-type"]
    mime = kinds[0] if kinds else "text/html"
    kept = None if body is None else Body(size=len(body.encode()), text=body)
    defaults: dict[str, Any] = {"status_text": "", "protocol": "http/1.1", "header_source": "wire", "mime_type": mime}
    return Response(status=status, headers=lines, body=kept, **{**defaults, **given})


def exchange(url: str = URL, answer: Response | None = None, **given: Any) -> Exchange:
    """The request of a document, E1 unless another id is given."""
    defaults: dict[str, Any] = {
        "id": "E1",
        "method": "GET",
        "resource_type": "document",
        "main_document": True,
        "started_at": NOW,
        "started_ms": 0.0,
        "duration_ms": 120.0,
    }
    return Exchange(url=url, response=answer, **{**defaults, **given})


def page_load(*exchanges: Exchange, **given: Any) -> PageLoad:
    """A strict load whose document is the last exchange; title and text are taken from its body."""
    last = exchanges[-1] if exchanges else None
    body = last.response.body if last and last.response else None
    seen = rendered(body.text or "") if body else ("", "")
    answered = last is not None and last.response is not None
    defaults: dict[str, Any] = {
        "label": "strict",
        "started_at": NOW,
        "duration_ms": 800.0,
        "ended": "load" if answered else "failed",
        "error": last.guard_error or last.error if last else None,
        "main_exchange": last.id if last else None,
        "final_url": last.url if last else None,
        "exchanges": exchanges,
    }
    if answered:
        defaults |= {"title": seen[0], "text": seen[1]}
    return PageLoad(**{**defaults, **given})


def evidence(*pages: PageLoad, url: str = URL, **given: Any) -> Evidence:
    """All facts of one capture; `request` may be a dict of fields of RequestRecord."""
    request = RequestRecord(url=url, **given.pop("request", {}))
    defaults: dict[str, Any] = {
        "id": "0123456789abcdef",
        "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=3),
        "outcome": "complete",
        "steps": (StepRecord(name="page", status="done", started_ms=0.0, duration_ms=800.0),),
        "redaction_ruleset": "test",
        "dns": dns(urlsplit(url).hostname or "", ADDRESS),
    }
    return Evidence(request=request, pages=pages, **{**defaults, **given})


def answered(status: int, pairs: Pairs = (), body: str = "", url: str = URL, **given: Any) -> Evidence:
    """Evidence of one page that was answered with this status, these headers and this body."""
    document = exchange(url, response(status, pairs, body), remote_address=f"{ADDRESS}:443")
    return evidence(page_load(document), url=url, **given)


def failed(error: str, url: str = URL, **given: Any) -> Evidence:
    """Evidence of one page that failed below HTTP, for example with net::ERR_CONNECTION_REFUSED."""
    return evidence(page_load(exchange(url, error=error, duration_ms=30.0)), url=url, **given)


def dns(host: str, *addresses: str, rcode: str = "NOERROR", **given: Any) -> Dns:
    """The system resolver's word on a name."""
    records = tuple(DnsRecord(name=host, type="AAAA" if ":" in a else "A", ttl=60, data=a) for a in addresses)
    answer = DnsAnswer(resolver="system", question=host, type="A", rcode=rcode, records=records, duration_ms=12.0)
    return Dns(**{"host": host, "answers": (answer,), "addresses": addresses, "source": "resolver", **given})


def dial(error: str | None = None, errno: str | None = None, **given: Any) -> Dial:
    """One connection in the guard's log; failed when an error is given."""
    defaults: dict[str, Any] = {
        "id": 0,
        "purpose": "page",
        "host": "shop.example",
        "port": 443,
        "started_at": NOW,
        "answers": (ADDRESS,),
        "verdict": "failed" if error else "allowed",
        "error": error,
        "errno": errno,
        "address": ADDRESS,
        "connect_ms": 9.0,
    }
    return Dial(**{**defaults, **given})


def tcp(outcome: str = "connected", **given: Any) -> TcpProbe:
    """One connect."""
    return TcpProbe(**{"address": ADDRESS, "port": 443, "outcome": outcome, "connect_ms": 9.0, **given})


def certificate(**given: Any) -> Certificate:
    """A leaf for shop.example that is valid at NOW."""
    defaults: dict[str, Any] = {
        "subject": "CN=shop.example",
        "issuer": "CN=Example CA",
        "names": ("shop.example",),
        "serial": "0a",
        "not_before": NOW - timedelta(days=30),
        "not_after": NOW + timedelta(days=60),
        "key": "EC secp256r1",
        "signature_algorithm": "ecdsa-with-SHA256",
        "sha256": "ab" * 32,
    }
    return Certificate(**{**defaults, **given})


def tls(*problems: str, **given: Any) -> TlsProbe:
    """One handshake; with problems the certificate does not validate."""
    defaults: dict[str, Any] = {
        "address": ADDRESS,
        "port": 443,
        "server_name": "shop.example",
        "outcome": "completed",
        "version": "TLSv1.3",
        "cipher": "TLS_AES_128_GCM_SHA256",
        "alpn": "h2",
        "handshake_ms": 20.0,
        "chain": (certificate(),),
        "trusted": not problems,
        "name_matches": "wrong-name" not in problems,
        "problems": problems,
    }
    return TlsProbe(**{**defaults, **given})


def plain(status: int | None = 200, pairs: Pairs = (), text: str = "", url: str = URL, **given: Any) -> PlainHttp:
    """One request without a browser, one hop."""
    hop: dict[str, Any] = {
        "url": url,
        "address": ADDRESS,
        "request_head": "GET / HTTP/1.1\r\n\r\n",
        "status": status,
        "text": text,
        "headers": headers(*pairs),
        "framing": "ok" if status else None,
        "duration_ms": 40.0,
    }
    return PlainHttp(protocol="http/1.1", family="ipv4", hops=(PlainHop(**{**hop, **given}),))


def vantage(**given: Any) -> Vantage:
    """A machine."""
    defaults: dict[str, Any] = {
        "tool": "gatewitness 0.1.0",
        "browser": "Chromium 150",
        "browser_path": "chromium",
        "system": "Linux 6.1",
        "timezone": "Europe/Berlin",
        "utc_offset": "+01:00",
        "clock": Clock(),
    }
    return Vantage(**{**defaults, **given})
