"""Small parts of which examples of evidence and of diagnoses are put together, with fixed clocks and defaults.

Everything in them is invented; names and addresses are those reserved for documentation (RFC 2606, 5737, 3849).
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont

from capture.record import codec
from capture.record.base import Header
from capture.record.bundle import Bundle, BundleWriter
from capture.record.evidence import Clock, Evidence, Vantage
from capture.record.network import Certificate, Dial, Dns, DnsAnswer, DnsRecord, Origin, PlainHop, PlainHttp, TlsProbe
from capture.record.page import Body, Exchange, Initiator, PageLoad, Response, Screenshot, Timings
from capture.record.request import RequestRecord, StepRecord
from report.diagnosis import Citation, Diagnosis, Finding, HopVerdict, Verdict

START: Final = datetime(2026, 11, 20, 7, 41, 2, tzinfo=UTC)
EVIDENCE_HASH: Final = "0" * 64


def headers(*lines: str) -> tuple[Header, ...]:
    """Header fields from lines."""
    return tuple(Header(name=name, value=value.strip()) for name, _, value in (line.partition(":") for line in lines))


def picture(
    title: str,
    lines: tuple[str, ...],
    size: tuple[int, int] = (1280, 800),
    colour: str = "#fff",
    draw_more: Callable[[ImageDraw.ImageDraw], None] | None = None,
) -> bytes:
    """A drawn error page as PNG."""
    image = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(image)
    draw.text((80, 60), title, fill="#333", font=ImageFont.load_default(54))
    for i, line in enumerate(lines):
        draw.text((80, 150 + 34 * i), line, fill="#666", font=ImageFont.load_default(24))
    if draw_more:
        draw_more(draw)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def screenshot(data: bytes, path: str = "screenshot.png") -> Screenshot:
    """The record of a picture."""
    with Image.open(io.BytesIO(data)) as image:
        width, height = image.size
    return Screenshot(path=path, width=width, height=height, at=START + timedelta(seconds=20), sha256=EVIDENCE_HASH)


def exchange(number: int, url: str, status: int | None = 200, kind: str = "document", **more: Any) -> Exchange:
    """One request; E1 is the document."""
    started = more.pop("started_ms", 4.0 if number == 1 else 60.0 + 37 * number)
    duration = more.pop("duration_ms", 31.0)
    answer = (
        None
        if status is None
        else Response(
            status=status,
            status_text=more.pop("phrase", "OK"),
            protocol=more.pop("protocol", "h2"),
            headers=more.pop("answer", headers("content-type: text/html; charset=UTF-8", "server: example")),
            header_source="wire",
            mime_type="text/html",
            body=Body(size=5214, sha256=EVIDENCE_HASH, text=more.pop("body", None)),
            encoded_bytes=2410,
        )
    )
    return Exchange(
        id=f"E{number}",
        url=url,
        method="GET",
        resource_type=kind,
        main_document=kind == "document",
        started_at=START + timedelta(milliseconds=started),
        started_ms=started,
        duration_ms=duration,
        response=answer,
        request_headers=headers("accept: text/html", "user-agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0"),
        remote_address=None if status is None else "203.0.113.80:443",
        timings=Timings(wait=duration * 0.7, receive=duration * 0.2) if status else None,
        initiator=Initiator(type="other"),
        **more,
    )


def evidence(url: str, pages: tuple[PageLoad, ...], **more: Any) -> Evidence:
    """Evidence with the parts that every capture has."""
    parts: dict[str, Any] = {
        "id": "f1c0ffee",
        "request": RequestRecord(url=url),
        "started_at": START,
        "finished_at": START + timedelta(seconds=29),
        "outcome": "complete",
        "steps": tuple(
            StepRecord(name=n, status="done") for n in ("vantage", "dns", "tcp", "tls", "plain_http", "page")
        ),
        "vantage": Vantage(
            tool="gatewitness 0.1.0",
            browser="Chromium 156.0.7390.54",
            browser_path="chromium",
            sandbox=True,
            user_agent="Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36",
            system="Debian GNU/Linux 12, kernel 6.1",
            libraries=("playwright 1.65.0", "weasyprint 70.0"),
            timezone="Europe/Berlin",
            utc_offset="+01:00",
            resolvers=("192.0.2.53",),
            egress=("192.0.2.10",),
            clock=Clock(synchronised=True, error_ms=4.1, date_header_offset_s=0.0),
        ),
        "redaction_ruleset": "1",
        **more,
    }
    return Evidence(pages=pages, **parts)


def answer(
    host: str,
    kind: str = "A",
    rcode: str = "NOERROR",
    data: tuple[str, ...] = ("203.0.113.80",),
    resolver: str = "system",
) -> DnsAnswer:
    """What a resolver said."""
    authority = (
        ()
        if rcode == "NOERROR"
        else (
            DnsRecord(
                name="example",
                type="SOA",
                ttl=900,
                data="ns1.nic.example. hostmaster.nic.example. 1 7200 900 86400 900",
            ),
        )
    )
    return DnsAnswer(
        resolver=resolver,
        question=host,
        type=kind,
        rcode=rcode,
        duration_ms=12.4,
        authority=authority,
        records=tuple(DnsRecord(name=host, type=kind, ttl=300, data=d) for d in data),
    )


def dns(host: str, **more: Any) -> Dns:
    """A name that resolves."""
    return Dns(
        host=host,
        answers=(
            answer(host),
            answer(host, "AAAA", data=("2001:db8::80",)),
            answer(host, resolver="192.0.2.54"),
            answer(host, "CAA", data=()),
        ),
        addresses=("203.0.113.80", "2001:db8::80"),
        source="resolver",
        origins=(Origin(address="203.0.113.80", asn=64500, prefix="203.0.113.0/24", name="SHOP-HOSTING, DE"),),
        **more,
    )


def dial(number: int, host: str, **more: Any) -> Dial:
    """One connection."""
    facts: dict[str, Any] = {
        "verdict": "allowed",
        "address": "203.0.113.80",
        "connect_ms": 11.2,
        "bytes_up": 1820,
        "bytes_down": 7410,
        "answers": ("203.0.113.80",),
        "rcode": "NOERROR",
        "resolve_ms": 12.0,
        **more,
    }
    return Dial(id=number, purpose="page", host=host, port=443, started_at=START, **facts)


def certificate(subject: str, issuer: str, names: tuple[str, ...] = (), days: int = 61) -> Certificate:
    """One certificate that ends DAYS after the capture."""
    end = START + timedelta(days=days)
    return Certificate(
        subject=subject,
        issuer=issuer,
        names=names,
        not_before=min(end, START) - timedelta(days=90 if days < 0 else 29),
        not_after=end,
        serial="04a1",
        key="EC secp256r1",
        signature_algorithm="ecdsa-with-SHA256",
        sha256="ab" * 32,
        self_signed=subject == issuer,
    )


def handshake(host: str, days: int = 61, **more: Any) -> TlsProbe:
    """A handshake with a chain of two."""
    facts: dict[str, Any] = {"trusted": True, "name_matches": True, **more}
    return TlsProbe(
        address="203.0.113.80",
        port=443,
        server_name=host,
        outcome="completed",
        version="TLSv1.3",
        handshake_ms=24.0,
        cipher="TLS_AES_128_GCM_SHA256",
        alpn="h2",
        ocsp_staple=False,
        chain=(
            certificate(f"CN={host}", "CN=Example Issuing CA 3,O=Example Trust", (host, f"www.{host}"), days),
            certificate("CN=Example Issuing CA 3,O=Example Trust", "CN=Example Root X1,O=Example Trust", days=1800),
        ),
        **facts,
    )


def plain(url: str, status: int, *lines: str, took_ms: float = 19_310.0) -> tuple[PlainHttp, ...]:
    """The same request over HTTP/1.1 and HTTP/2."""
    host, path = [*url.split("/", 3), "", "", ""][2:4]
    return tuple(
        PlainHttp(
            protocol=protocol,
            family=family,
            hops=(
                PlainHop(
                    url=url,
                    address=address,
                    request_head=f"GET /{path} HTTP/1.1\r\nHost: {host}\r\nAccept: */*\r\n",
                    status=status,
                    status_line=f"HTTP/1.1 {status}" if protocol == "http/1.1" else f"HTTP/2 {status}",
                    headers=headers(*lines),
                    body_bytes=5214,
                    body_sha256="cd" * 32,
                    framing="ok",
                    first_byte_ms=took_ms - 6,
                    duration_ms=took_ms,
                ),
            ),
        )
        for protocol, family, address in (
            ("http/1.1", "ipv4", "203.0.113.80"),
            ("h2", "ipv4", "203.0.113.80"),
            ("h2", "ipv6", "2001:db8::80"),
        )
    )


def hop(
    name: str, layer: Any, state: Any = "working", detail: str | None = None, vendor: str | None = None
) -> HopVerdict:
    """One hop of the path."""
    return HopVerdict(name=name, layer=layer, state=state, detail=detail, vendor=vendor)


def finding(code: str, layer: Any, sentence: str, pointer: str, excerpt: str, certainty: Any = "proven") -> Finding:
    """One claim with one citation."""
    return Finding(
        code=code,
        layer=layer,
        certainty=certainty,
        sentence=sentence,
        cites=(Citation(pointer=pointer, excerpt=excerpt),),
    )


def diagnosis(verdict: Verdict, hops: tuple[HopVerdict, ...], repair: str, **more: Any) -> Diagnosis:
    """A diagnosis with the parts that every one has."""
    return Diagnosis(
        verdict=verdict, hops=hops, repair=repair, evidence_sha256=EVIDENCE_HASH, rules_version="e" * 64, **more
    )


@dataclass
class Example:
    """One bundle to be and the diagnosis that goes with it."""

    evidence: Evidence
    diagnosis: Diagnosis
    files: dict[str, bytes] = field(default_factory=dict)

    def seal(self, directory: Path) -> Bundle:
        """Writes the bundle."""
        writer = BundleWriter(directory)
        for path, data in self.files.items():
            writer.add(path, data)
        writer.add(
            "page.har",
            codec.to_json({"log": {"version": "1.2", "creator": {"name": "example", "version": "1"}, "entries": []}}),
        )
        return writer.seal(self.evidence)
