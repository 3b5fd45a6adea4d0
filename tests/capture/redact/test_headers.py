"""Headers keep their form and their request ids and lose their secrets."""

import re

import pytest

from capture.record.base import Header
from capture.redact import Redactor
from tests.capture.redact.samples import PRINTED, REQUEST_IDS, TOKEN


@pytest.mark.parametrize("name", REQUEST_IDS)
def test_what_support_asks_for_stays_in_headers(name: str, redactor: Redactor) -> None:
    assert redactor.header(name, REQUEST_IDS[name], "response header") == REQUEST_IDS[name]
    assert redactor.header(name.title(), REQUEST_IDS[name], "response header") == REQUEST_IDS[name]
    record = {"headers": [{"name": name, "value": REQUEST_IDS[name]}]}
    assert redactor.deep(record, "evidence") == record
    assert redactor.ledger() == ()


@pytest.mark.parametrize("mime", ["text/html; charset=utf-8", "application/xml", "text/plain"])
def test_what_support_asks_for_stays_in_printed_pages(mime: str, redactor: Redactor) -> None:
    assert redactor.body(PRINTED.encode(), mime, "response body") == (PRINTED.encode(), False)
    assert redactor.text(PRINTED, "dom") == PRINTED
    assert redactor.deep({"html": PRINTED}, "evidence") == {"html": PRINTED}


def test_request_ids_stay_even_when_a_secret_of_equal_value_was_seen() -> None:
    redactor = Redactor()
    ray = "8c1f2a3b4c5d6e7f-FRA"
    redactor.learn(ray, "token")
    redactor.header("CF-RAY", ray, "response header")
    redactor.learn(ray, "token")
    assert redactor.text(f"Ray ID: {ray}", "dom") == f"Ray ID: {ray}"


@pytest.mark.parametrize(
    ("name", "value", "pattern"),
    [
        ("Authorization", "Bearer abc.def-1", r"Bearer ¤"),
        ("Authorization", "opaque-value", r"¤"),
        ("Proxy-Authorization", "Basic dXNlcjpodW50ZXIy", r"Basic ¤"),
        ("Authorization", 'Digest username="u", nonce="n"', r"Digest ¤"),
        ("Cookie", "sid=abc; theme=dark; bare", r"sid=¤; theme=¤; ¤"),
        (
            "Set-Cookie",
            "sid=abc; Path=/; Domain=.shop.example; Max-Age=60; Secure; HttpOnly; SameSite=Lax; Partitioned",
            r"sid=¤; Path=/; Domain=\.shop\.example; Max-Age=60; Secure; HttpOnly; SameSite=Lax; Partitioned",
        ),
        ("set-cookie", "a.b*=x1\nc=x2; Path=/", r"a\.b\*=¤\nc=¤; Path=/"),
        ("Set-Cookie", "sid=; Max-Age=0", r"sid=; Max-Age=0"),
        (
            "WWW-Authenticate",
            'Digest realm="staff", nonce="dcd98b71", opaque="5ccc", qop="auth"',
            r'Digest realm="staff", nonce="¤", opaque="¤", qop="auth"',
        ),
        ("WWW-Authenticate", 'Basic realm="staff only"', r'Basic realm="staff only"'),
        ("WWW-Authenticate", "NTLM TlRMTVNTUAACAAAA", r"NTLM ¤"),
        ("X-API-Key", "k1", r"¤"),
        ("X-Auth-Token", "k1", r"¤"),
        ("x-csrf-token", "k1", r"¤"),
        ("X-Session", "k1", r"¤"),
        ("X-Amz-Security-Token", "k1", r"¤"),
        ("X-Goog-IAP-JWT-Assertion", "k1", r"¤"),
        ("Ocp-Apim-Subscription-Key", "k", r"¤"),
        ("X-Client-Data", "CIa2yQEI", r"¤"),
        ("X-Ms-Token-Aad-Access-Token", "k1", r"¤"),
        ("cf-access-jwt-assertion", "k", r"¤"),
        ("Location", "/login?token=abc&next=%2F", r"/login\?token=¤&next=%2F"),
        ("Referer", "https://h.example/cb?code=Zx81aaQQ11bb", r"https://h\.example/cb\?code=¤"),
        (
            "Link",
            '</a?token=abc>; rel="next", </app.css>; rel=preload',
            r'</a\?token=¤>; rel="next", </app\.css>; rel=preload',
        ),
        ("Refresh", "5; url=/x?session=abc", r"5; url=/x\?session=¤"),
        (
            "Report-To",
            '{"endpoints":[{"url":"https://r.example/?key=abcdef123456"}]}',
            r'\{"endpoints":\[\{"url":"https://r\.example/\?key=¤"\}\]\}',
        ),
        (
            "Content-Security-Policy",
            "default-src 'self'; report-uri https://r.example/csp?access_token=abc",
            r"default-src 'self'; report-uri https://r\.example/csp\?access_token=¤",
        ),
        ("Access-Control-Allow-Credentials", "true", r"true"),
        ("Access-Control-Allow-Headers", "Authorization, X-CSRF-Token", r"Authorization, X-CSRF-Token"),
        ("X-Auth-Status", "denied", r"denied"),
        ("X-Cookie-Consent", "true", r"true"),
        ("Permissions-Policy", "usb=()", r"usb=\(\)"),
    ],
)
def test_headers_keep_their_form_and_lose_their_secrets(
    name: str, value: str, pattern: str, redactor: Redactor
) -> None:
    masked = redactor.header(name, value, "request header")
    assert re.fullmatch(pattern.replace("¤", TOKEN.pattern), masked), masked
    assert redactor.header(name, masked, "request header") == masked


def test_header_lines_keep_order_case_and_duplicates(redactor: Redactor) -> None:
    lines = (
        Header(name="SET-cookie", value="a=Zx81aaQQ"),
        Header(name="Server", value="nginx"),
        Header(name="Set-Cookie", value="a=Zx81aaQQ"),
    )
    masked = redactor.headers(lines, "response header")
    assert [line.name for line in masked] == ["SET-cookie", "Server", "Set-Cookie"]
    assert masked[0].value == masked[2].value != lines[0].value
    assert masked[1] is lines[1]
    (entry,) = redactor.ledger()
    assert (entry.kind, entry.place, entry.count) == ("cookie", "response header set-cookie", 2)
