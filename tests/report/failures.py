"""Examples of failures that everybody knows, as evidence and diagnosis."""

from PIL import ImageDraw, ImageFont

from capture.record.evidence import Redaction
from capture.record.network import Dns, TcpProbe
from capture.record.page import ConsoleEntry, PageLoad
from capture.record.request import LimitHit, StepRecord
from report.diagnosis import Alternative, SupportFact, Verdict
from tests.report.parts import (
    START,
    Example,
    answer,
    diagnosis,
    dial,
    dns,
    evidence,
    exchange,
    finding,
    handshake,
    headers,
    hop,
    picture,
    plain,
    screenshot,
)

CLOUDFLARE_PAGE = """<!DOCTYPE html><html><head><title>shop.example | 522: Connection timed out</title></head><body>
<div id="cf-wrapper"><div id="cf-error-details"><h1>Connection timed out <span>Error code 522</span></h1></div></div>
</body></html>"""
NGINX_PAGE = """<html>
<head><title>502 Bad Gateway</title></head>
<body>
<center><h1>502 Bad Gateway</h1></center>
<hr><center>nginx/1.22.1</center>
</body>
</html>
"""


def _cloudflare(draw: ImageDraw.ImageDraw) -> None:
    draw.rectangle((0, 240, 1280, 520), fill="#ebebeb")
    for x, name, word, colour in (
        (260, "Browser", "Working", "#9bca3e"),
        (620, "Cloudflare", "Working", "#9bca3e"),
        (980, "Host", "Error", "#bd2426"),
    ):
        draw.ellipse((x, 290, x + 90, 380), fill="#a0a0a0")
        draw.ellipse((x + 52, 340, x + 92, 380), fill=colour)
        draw.text((x, 400), name, fill="#888", font=ImageFont.load_default(24))
        draw.text((x, 436), word, fill=colour, font=ImageFont.load_default(24))
    draw.text((80, 560), "What happened?", fill="#333", font=ImageFont.load_default(30))
    draw.text((680, 560), "What can I do?", fill="#333", font=ImageFont.load_default(30))


def cloudflare_522() -> Example:
    """An edge that got no connection to the server behind it."""
    host, url = "shop.example", "https://shop.example/checkout?step=2"
    shot = picture("Error 522", ("Connection timed out",), draw_more=_cloudflare)
    lines = (
        "date: Fri, 20 Nov 2026 07:41:21 GMT",
        "content-type: text/html; charset=UTF-8",
        "server: cloudflare",
        "cf-ray: 615d3c2b1a0923e4-FRA",
        "cache-control: private, max-age=0, no-store",
        "set-cookie: __cf_bm=[redacted:cookie:152:5f0a11c2]; path=/; HttpOnly; Secure",
        'alt-svc: h3=":443"; ma=86400',
    )
    exchanges = (
        exchange(1, url, 522, phrase="", answer=headers(*lines), duration_ms=19321.0, body=CLOUDFLARE_PAGE),
        exchange(2, "https://shop.example/cdn-cgi/styles/main.css", 200, "stylesheet", started_ms=19340.0),
        exchange(3, "https://shop.example/cdn-cgi/images/browser-bar.png", 200, "image", started_ms=19362.0),
        exchange(
            4,
            "https://shop.example/favicon.ico",
            522,
            "other",
            started_ms=19410.0,
            phrase="",
            answer=headers(*lines),
            duration_ms=6020.0,
        ),
    )
    page = PageLoad(
        label="strict",
        started_at=START,
        duration_ms=25700,
        ended="load",
        main_exchange="E1",
        final_url=url,
        title="shop.example | 522: Connection timed out",
        exchanges=exchanges,
        screenshot=screenshot(shot),
        text="Connection timed out Error code 522",
        console=(
            ConsoleEntry(
                source="log",
                level="error",
                url=url,
                text=("Failed to load resource: the server responded with a status of 522 ()"),
            ),
        ),
    )
    facts = evidence(
        url,
        (page,),
        dns=dns(host),
        tls=(handshake(host),),
        tcp=(
            TcpProbe(address="203.0.113.80", port=443, outcome="connected", connect_ms=11.0),
            TcpProbe(address="2001:db8::80", port=443, outcome="connected", connect_ms=12.1),
        ),
        plain_http=plain(url, 522, *lines),
        dials=(dial(0, host), dial(1, host)),
        redactions=(Redaction(kind="cookie", rule="set-cookie", place="response header set-cookie", count=5),),
        limits_hit=(LimitHit(limit="load_s", sentence="stopped waiting for the load event after 20 s"),),
    )
    return Example(
        facts,
        diagnosis(
            Verdict(
                is_error_page=True,
                generator="cloudflare",
                layer="cdn",
                fault_side="origin",
                certainty="likely",
                status=522,
                failing_handoff=("cdn", "origin"),
                fault_code="origin.connect-timeout",
                vendor_code="522",
                request_id="615d3c2b1a0923e4-FRA",
                summary="Cloudflare answered for shop.example, but the server behind it did not accept a connection.",
            ),
            (
                hop("Visitor", "visitor", detail="Europe/Berlin"),
                hop("DNS", "dns", detail="2 addresses, 12 ms"),
                hop("TLS", "tls", detail="1.3, valid for 61 days"),
                hop("Cloudflare", "cdn", detail="POP FRA, 31 ms", vendor="cloudflare"),
                hop("Origin", "app", "faulty", "no connection in 19.3 s"),
                hop("Database", "database", "not-reached"),
            ),
            "The owner of shop.example or the host of its server. Cloudflare itself is working; its support helps only "
            "the owner of the zone.",
            findings=(
                finding(
                    "cloudflare.522",
                    "cdn",
                    "Cloudflare reports that the origin did not accept a TCP connection.",
                    "/pages/0/exchanges/0/response/status",
                    "522",
                ),
                finding(
                    "cdn.wrote-page",
                    "cdn",
                    "The page was written by Cloudflare, not by the site.",
                    "/pages/0/exchanges/0/response/headers/2",
                    "server: cloudflare",
                    "likely",
                ),
            ),
            alternatives=(
                Alternative(
                    sentence="A firewall at the origin drops Cloudflare's addresses only.",
                    decided_by="a load straight at the origin's address",
                ),
            ),
            unknowns=("Whether the origin answers others: its own address is not known.",),
            support=tuple(
                SupportFact(label=a, value=b, mono=c)
                for a, b, c in (
                    ("URL", url, True),
                    ("Time", "2026-11-20 07:41:02 UTC (08:41:02 Europe/Berlin)", False),
                    ("Status", "522, HTTP/2, 5,214 bytes", False),
                    ("Ray ID", "615d3c2b1a0923e4-FRA", True),
                    ("POP", "FRA", True),
                    ("Edge address", "203.0.113.80:443", True),
                    ("Server header", "cloudflare", True),
                    ("Time to answer", "19.3 s", False),
                )
            ),
            next_steps=(
                "Is the web server running and listening on 443? `ss -tlnp`",
                "Does its firewall admit Cloudflare's published ranges?",
                "Is the origin address in Cloudflare's DNS the present server?",
            ),
            send="This dossier to the owner of the site. Cloudflare keeps its logs of it for about 3 days.",
        ),
        {"screenshot.png": shot},
    )


def nginx_502() -> Example:
    """A reverse proxy whose upstream refuses."""
    host, url = "intranet.example", "http://intranet.example/reports"
    shot = picture("502 Bad Gateway", ("nginx/1.22.1",))
    lines = (
        "Server: nginx/1.22.1",
        "Date: Fri, 20 Nov 2026 07:41:02 GMT",
        "Content-Type: text/html",
        "Connection: keep-alive",
    )
    page = PageLoad(
        label="strict",
        started_at=START,
        duration_ms=210,
        ended="load",
        main_exchange="E1",
        final_url=url,
        title="502 Bad Gateway",
        screenshot=screenshot(shot),
        text="502 Bad Gateway\nnginx/1.22.1",
        exchanges=(
            exchange(1, url, 502, phrase="Bad Gateway", protocol="http/1.1", answer=headers(*lines), body=NGINX_PAGE),
        ),
    )
    return Example(
        evidence(url, (page,), dns=dns(host), dials=(dial(0, host),), plain_http=plain(url, 502, *lines)),
        diagnosis(
            Verdict(
                is_error_page=True,
                generator="nginx",
                layer="reverse-proxy",
                fault_side="origin",
                certainty="likely",
                status=502,
                failing_handoff=("reverse-proxy", "app"),
                fault_code="origin.bad-gateway",
                summary="nginx in front of intranet.example got no usable answer from the application behind it.",
            ),
            (
                hop("Visitor", "visitor"),
                hop("DNS", "dns", detail="2 addresses"),
                hop("nginx", "reverse-proxy", vendor="nginx", detail="answered in 31 ms"),
                hop("Application", "app", "faulty", "no usable answer"),
                hop("Database", "database", "not-reached"),
            ),
            "Whoever runs the server of intranet.example.",
            support=(
                SupportFact(label="URL", value=url, mono=True),
                SupportFact(label="Status", value="502 Bad Gateway"),
            ),
            findings=(
                finding(
                    "nginx.502",
                    "reverse-proxy",
                    "nginx wrote this page.",
                    "/pages/0/text",
                    "502 Bad Gateway nginx/1.22.1",
                ),
            ),
            next_steps=(
                "Read the last lines of nginx' error log: `tail -n 50 /var/log/nginx/error.log`",
                "Is the application running?",
                "Does it listen where proxy_pass points?",
                "Restart the application.",
                "Look into its own log for the reason it stopped.",
            ),
            send="This dossier to the administrator, with the time and the first line of nginx' error log.",
        ),
        {"screenshot.png": shot},
    )


def nxdomain() -> Example:
    """A name that does not exist; no page at all."""
    host, url = "shpo.example", "https://shpo.example/"
    strict = PageLoad(
        label="strict",
        started_at=START,
        ended="failed",
        error="net::ERR_NAME_NOT_RESOLVED",
        duration_ms=60,
        exchanges=(
            exchange(
                1, url, None, error="net::ERR_SOCKS_CONNECTION_FAILED", guard_error="net::ERR_NAME_NOT_RESOLVED", dial=0
            ),
        ),
    )
    facts = evidence(
        url,
        (strict,),
        dns=Dns(
            host=host,
            answers=(
                answer(host, "A", "NXDOMAIN", ()),
                answer(host, "AAAA", "NXDOMAIN", ()),
                answer(host, "A", "NXDOMAIN", (), "192.0.2.54"),
            ),
            source="resolver",
        ),
        dials=(
            dial(
                0,
                host,
                verdict="failed",
                address=None,
                connect_ms=None,
                error="net::ERR_NAME_NOT_RESOLVED",
                answers=(),
                rcode="NXDOMAIN",
                bytes_up=0,
                bytes_down=0,
            ),
        ),
        steps=(
            StepRecord(name="dns", status="done"),
            StepRecord(
                name="page",
                status="done",
                reason="The name does not exist, so there was no page to take a picture of.",
            ),
        ),
    )
    return Example(
        facts,
        diagnosis(
            Verdict(
                is_error_page=True,
                generator=None,
                layer="dns",
                fault_side="dns",
                certainty="proven",
                fault_code="dns.nxdomain",
                failing_handoff=("visitor", "dns"),
                summary="The name shpo.example does not exist.",
            ),
            (
                hop("Visitor", "visitor"),
                hop("DNS", "dns", "faulty", "NXDOMAIN from 2 resolvers"),
                hop("Server", "app", "not-reached"),
            ),
            "The owner of the domain, if the name is spelled as it should be; else whoever wrote the link.",
            findings=(
                finding(
                    "dns.nxdomain",
                    "dns",
                    "Two resolvers say that the name does not exist.",
                    "/dns/answers/0/rcode",
                    "NXDOMAIN",
                ),
            ),
            support=(
                SupportFact(label="Name", value=host, mono=True),
                SupportFact(label="Answer", value="NXDOMAIN"),
                SupportFact(label="Time", value="2026-11-20 07:41:02 UTC"),
            ),
            next_steps=("Is the name spelled as it should be?", "Is the domain still registered?"),
        ),
    )
