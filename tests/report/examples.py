"""Example bundles: what captures of well-known failures look like on disk. In: a name. Out: a sealed bundle."""

from collections.abc import Callable
from typing import Final

from capture.record.page import PageLoad
from capture.record.request import RequestRecord, StepRecord
from report.diagnosis import Alternative, SupportFact, Verdict
from tests.report.failures import cloudflare_522, nginx_502, nxdomain
from tests.report.parts import (
    START,
    Example,
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
    screenshot,
)


def expired() -> Example:
    """A certificate that ended twelve days before; the browser's own page, and what lies behind."""
    host, url = "mail.example", "https://mail.example/"
    native = picture("Your connection is not private", ("NET::ERR_CERT_DATE_INVALID",), colour="#f8f8f8")
    behind = picture("Webmail", ("Sign in",), colour="#eef6ff")
    strict = PageLoad(
        label="strict",
        started_at=START,
        ended="failed",
        error="net::ERR_CERT_DATE_INVALID",
        duration_ms=80,
        exchanges=(exchange(1, url, None, error="net::ERR_CERT_DATE_INVALID"),),
        screenshot=screenshot(native),
    )
    lenient = PageLoad(
        label="lenient",
        started_at=START,
        ended="load",
        duration_ms=300,
        exchanges=(exchange(1, url, 200),),
        screenshot=screenshot(behind, "screenshot-lenient.png"),
        title="Webmail",
        main_exchange="E1",
    )
    facts = evidence(
        url,
        (strict, lenient),
        dns=dns(host),
        tls=(handshake(host, -12, trusted=False, problems=("expired",), error="certificate has expired"),),
        dials=(dial(0, host),),
    )
    return Example(
        facts,
        diagnosis(
            Verdict(
                is_error_page=True,
                layer="tls",
                fault_side="tls",
                certainty="proven",
                fault_code="tls.expired",
                failing_handoff=("network", "tls"),
                summary="The certificate of mail.example expired 12 days ago.",
            ),
            (
                hop("Visitor", "visitor"),
                hop("DNS", "dns", detail="2 addresses"),
                hop("TLS", "tls", "faulty", "expired 12 days ago"),
                hop("Server", "app", "undetermined", "answers when the error is ignored"),
            ),
            "Whoever renews the certificates of mail.example.",
            findings=(
                finding(
                    "tls.expired",
                    "tls",
                    "The leaf certificate is past its end.",
                    "/tls/0/chain/0/not_after",
                    "2026-11-08T07:41:02.000Z",
                ),
            ),
            support=(
                SupportFact(label="URL", value=url, mono=True),
                SupportFact(label="Certificate", value="CN=mail.example, serial 04a1", mono=True),
                SupportFact(label="Ended", value="2026-11-08 07:41:02 UTC"),
            ),
            next_steps=(
                "Renew the certificate: `certbot renew`",
                "Reload the web server so that it takes the new one.",
                "Find out why the renewal did not run.",
            ),
        ),
        {"screenshot.png": native, "screenshot-lenient.png": behind},
    )


def healthy() -> Example:
    """A page that works."""
    host, url = "www.example", "https://www.example/"
    shot = picture(
        "Example bakery", ("Fresh bread every morning from six.", "Open Monday to Saturday."), colour="#fffaf0"
    )
    page = PageLoad(
        label="strict",
        started_at=START,
        duration_ms=900,
        ended="load",
        main_exchange="E1",
        final_url=url,
        title="Example bakery",
        screenshot=screenshot(shot),
        exchanges=(
            exchange(1, url),
            *(exchange(n, f"{url}img/bread-{n}.jpg", 200, "image", duration_ms=20.0 + n * 3) for n in range(2, 14)),
        ),
    )
    return Example(
        evidence(url, (page,), dns=dns(host), tls=(handshake(host),), dials=(dial(0, host),)),
        diagnosis(
            Verdict(
                is_error_page=False,
                layer="none",
                fault_side="unknown",
                certainty="proven",
                status=200,
                summary="www.example loads and shows no error.",
            ),
            (
                hop("Visitor", "visitor"),
                hop("DNS", "dns", detail="2 addresses"),
                hop("TLS", "tls", detail="1.3"),
                hop("Site", "app", detail="200 in 31 ms"),
            ),
            "There is nothing to repair as seen from here.",
            support=(SupportFact(label="URL", value=url, mono=True), SupportFact(label="Status", value="200 OK")),
        ),
        {"screenshot.png": shot},
    )


def undetermined() -> Example:
    """A bare 500 that does not say who wrote it, cut short."""
    url = "https://app.example/api/v2/login"
    page = PageLoad(
        label="strict",
        started_at=START,
        ended="stopped",
        duration_ms=90000,
        exchanges=(exchange(1, url, 500, phrase="", answer=headers("content-length: 0")),),
    )
    facts = evidence(
        url,
        (page,),
        outcome="cut-short",
        outcome_reason="the capture took longer than 90 s",
        steps=(
            StepRecord(name="page", status="timed-out", reason="The browser did not answer when asked for a picture."),
            StepRecord(name="tls", status="skipped", reason="no time was left"),
        ),
    )
    return Example(
        facts,
        diagnosis(
            Verdict(
                is_error_page=True,
                layer="none",
                fault_side="unknown",
                certainty="undetermined",
                status=500,
                summary="app.example answered with an empty 500; which layer wrote it cannot be told from here.",
            ),
            (
                hop("Visitor", "visitor"),
                hop("DNS", "dns", "undetermined"),
                hop("Edge or server", "reverse-proxy", "undetermined"),
                hop("Application", "app", "undetermined", "500 without a body"),
            ),
            "Not known yet; start with whoever runs app.example.",
            support=(SupportFact(label="URL", value=url, mono=True), SupportFact(label="Status", value="500")),
            warning="This capture may have been taken for a bot: a visitor's own browser may see something else.",
            alternatives=(
                Alternative(sentence="The application itself failed.", decided_by="its log at 07:41:02 UTC"),
                Alternative(sentence="A proxy before it failed.", decided_by="a request straight at the application"),
            ),
            unknowns=("Whether TLS is in order: the step was skipped.",),
            next_steps=("Capture once more with a longer limit: `--timeout 180`.",),
        ),
    )


def long_host() -> Example:
    """Ten hops, a very long host and address, text that is not Latin."""
    host = ".".join(["a-very-long-label-that-goes-on-and-on"] * 6) + ".example"
    url = f"https://{host}/" + "/".join(f"segment-{n}" for n in range(60))
    shot = picture("Long", ("page",), size=(1280, 2400))
    small = picture("Long", ("page",))
    chain = tuple(
        exchange(n, f"{url}?hop={n}", 302, hop=n - 1, answer=headers(f"location: {url}?hop={n + 1}"))
        for n in range(1, 10)
    )
    page = PageLoad(
        label="strict",
        started_at=START,
        duration_ms=900,
        ended="load",
        title="シェル 🐚 مرحبا \u202eevil\x00\x1b[31m" * 5,
        exchanges=(*chain, exchange(10, url, 503, phrase="Service Unavailable", hop=9)),
        screenshot=screenshot(small),
        screenshot_full=screenshot(shot, "screenshot-full.png"),
    )
    names = (
        "Visitor",
        "DNS",
        "Network",
        "TLS",
        "Content delivery network of the far east",
        "Load balancer",
        "Reverse proxy",
        "Platform",
        "Application",
        "Database",
    )
    layers = (
        "visitor",
        "dns",
        "network",
        "tls",
        "cdn",
        "load-balancer",
        "reverse-proxy",
        "platform",
        "app",
        "database",
    )
    states = ["working"] * 6 + ["faulty", "undetermined", "not-reached", "not-reached"]
    hops = tuple(
        hop(n, layer, s, f"detail of {n}, 2001:db8:85a3:8d3:1319:8a2e:370:7348")
        for n, layer, s in zip(names, layers, states, strict=True)
    )
    facts = evidence(
        url,
        (page,),
        request=RequestRecord(
            url=url, note="moved to the new host last night " * 20, seen="<script>alert(1)</script> nothing works " * 10
        ),
    )
    return Example(
        facts,
        diagnosis(
            Verdict(
                is_error_page=True,
                layer="reverse-proxy",
                fault_side="edge",
                certainty="possible",
                status=503,
                failing_handoff=("load-balancer", "reverse-proxy"),
                fault_code="edge.unavailable",
                summary=f"The reverse proxy in front of {host} did not answer its load balancer in time. " * 2,
            ),
            hops,
            "The administrators of the reverse proxy, who are reached through the support of the platform. " * 6,
            support=tuple(
                SupportFact(label=f"Fact number {n} with a long label", value=f"{url}?{n}", mono=True)
                for n in range(16)
            ),
            next_steps=tuple(
                f"Step {n}: look at the thing that is described at some length in this sentence here. " * 4
                for n in range(9)
            ),
            send="Send this to the administrators. " * 20,
            warning="Something that must be known first. " * 12,
            alternatives=tuple(
                Alternative(sentence="Another explanation. " * 10, decided_by="an experiment " * 10) for _ in range(5)
            ),
            unknowns=("unknown " * 60,),
        ),
        {"screenshot.png": small, "screenshot-full.png": shot},
    )


EXAMPLES: Final[dict[str, Callable[[], Example]]] = {
    make.__name__: make for make in (cloudflare_522, nginx_502, nxdomain, expired, healthy, undetermined, long_host)
}
