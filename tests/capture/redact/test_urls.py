"""URLs lose their secrets and nothing else."""

import re
from urllib.parse import urlsplit

import pytest

from capture.redact import Redactor
from tests.capture.redact.samples import JWT, TOKEN


@pytest.mark.parametrize(
    ("url", "pattern"),
    [
        ("https://joe:pw@h.example:8443/a", r"https://%5BU%5D@h\.example:8443/a"),
        ("/a?Password=x&b=1#frag", r"/a\?Password=¤&b=1#frag"),
        ("/a?user[password]=x", r"/a\?user\[password\]=¤"),
        ("/a?accessToken=x&ACCESS_TOKEN=y&access-token=z", r"/a\?accessToken=¤&ACCESS_TOKEN=¤&access-token=¤"),
        ("/a?x=1;sid=abc", r"/a\?x=1;sid=¤"),
        ("/a?x=1&amp;sid=abc", r"/a\?x=1&amp;sid=¤"),
        ("/cb#access_token=x&token_type=bearer", r"/cb#access_token=¤&token_type=bearer"),
        ("/app#/route?id_token=x", r"/app#/route\?id_token=¤"),
        (
            "/l?next=https%3A%2F%2Fa.example%2F%3Ftoken%3Dx%26b%3D1",
            r"/l\?next=https:%2F%2Fa\.example%2F%3Ftoken%3D¤%26b%3D1",
        ),
        ("/reset/Zx81aaQQ", r"/reset/¤"),
        ("/password/reset/MQ/c8x4fa-9b8c7d6e5f/", r"/password/reset/MQ/¤/"),
        ("/invite/550e8400-e29b-41d4-a716-446655440000", r"/invite/¤"),
        ("/verify/aB3dE5fG?x=1", r"/verify/¤\?x=1"),
        (f"/x/{JWT}/y", r"/x/¤/y"),
        (f"/x/{'aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xYzZ-_cDeF'}", r"/x/¤"),
        (
            "https://a.blob.example/c?sv=2024-01-01&sig=abc%2Fdef%3D&se=2026",
            r"https://a\.blob\.example/c\?sv=2024-01-01&sig=¤&se=2026",
        ),
        (
            "https://c.example/f?Policy=eyJ1aaaaaaaa1&Signature=x&Key-Pair-Id=K2",
            r"https://c\.example/f\?Policy=¤&Signature=¤&Key-Pair-Id=¤",
        ),
        (
            "https://s3.example/f?X-Amz-Signature=00ff&X-Amz-Date=20261120T000000Z",
            r"https://s3\.example/f\?X-Amz-Signature=¤&X-Amz-Date=20261120T000000Z",
        ),
    ],
)
def test_urls_lose_their_secrets_and_nothing_else(url: str, pattern: str, redactor: Redactor) -> None:
    masked = redactor.url(url, "request url")
    pattern = pattern.replace("¤", TOKEN.pattern).replace("%5BU%5D", r"%5Bredacted:userinfo:\d+:[0-9a-f]{8}%5D")
    assert re.fullmatch(pattern, masked), masked
    assert redactor.url(masked, "request url") == masked
    assert urlsplit(masked).hostname == urlsplit(url).hostname


@pytest.mark.parametrize(
    "url",
    [
        "https://h.example/",
        "https://h.example:8443/a/b.html?x=1&y=%20z#top",
        "/static/app.3f2b9c0d.js",
        "/error?code=521&state=failed",
        "/o/550e8400-e29b-41d4-a716-446655440000/items/42",
        "/reset/password",
        "/verify/email",
        "/verify/app.3f2b9c0d.js",
        "/assets/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855.css",
        "//cdn.example/x?v=3f2b9c0d1e2f",
        "/a?token=&b",
        "/a?token",
        "/a?key=header-logo",
        "/how-to-repair-a-web-server-that-says-502-bad-gateway-in-2026",
        "about:blank",
        "data:text/plain,hello?token=abc",
        "http://[2001:db8::1]:80/?",
        "http://[broken",
        "::::",
        "",
        "?",
        "#",
        "/a?redirect=%2Fcart%3Fstep%3D2",
        "/a?code=ERR_521_ORIGIN",
        "/search?q=a@b",
        "mailto:",
        "/cdn-cgi/trace",
    ],
)
def test_urls_without_secrets_stay(url: str, redactor: Redactor) -> None:
    assert redactor.url(url, "request url") == url
