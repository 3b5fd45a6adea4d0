"""Secrets with a form of their own and secrets named in free text; near misses stay byte for byte."""

import pytest

from capture.redact import Redactor
from tests.capture.redact.samples import SECRETS, TOKEN


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_with_a_form_of_its_own_is_masked_in_any_text(name: str) -> None:
    masked = Redactor().text(f"before {SECRETS[name]} after", "console")
    assert SECRETS[name] not in masked
    assert TOKEN.search(masked)
    assert masked.startswith("before ")
    assert masked.endswith(" after") or name == "private-key"


@pytest.mark.parametrize(
    "text",
    [
        "eyJ is how it starts",
        "eyJhbGciOiJIUzI1NiJ9 has no second part",
        "-----BEGIN CERTIFICATE-----\nMIIB\n",
        "-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----",
        "AKIA is a prefix",
        "AKIAQ2W3",
        "AIzaShort",
        "ghp_short",
        "xoxb-",
        "sk_live_",
        "SK" + "z" * 32,
        "SG.a.b",
        "npm_config_cache=/var/cache",
        "pypi-simple",
        "class sk-circle-fade-dot-animation",
        "12:AA",
        "shpat_xyz",
        "EAAs are short",
        "hvs.short",
        "4111 1111 1111 1112",
        "1763634227123456",
        "0000000000000000",
        "DE89 3704 0044 0532 0130 01",
        "GB82",
        "icon@2x.png",
        "lodash@4.17.21",
        "@media screen",
        "@scope/package",
        "webmaster@broken.example",
        "Bearer authentication is required",
        "basic authentication",
        "Basic realm of things",
        "invalid token: expired",
        "Password: required",
        "the token is missing",
        "csrf token: mismatch",
        "tokenType=bearer_token_kind",
        "password_min_length=12345678",
        "session_timeout=1800000",
        "The session has expired: please log in",
        "author: Someone-Important",
        "keyboard=qwertz-layout",
        "status code: ERR_CONNECTION_RESET",
        "const token = getToken(request)",
        "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "SHA-256 fingerprint 3B:0C:44:29:8F:C1:C1:49:AF:BF:4C:89:96:FB:92:42",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b",
        "GET /static/app.3f2b9c0d.js 502",
        "550e8400-e29b-41d4-a716-446655440000",
        "2026-11-20T10:23:47.123Z",
        "192.0.2.7:443",
        "<tr><td>DB_HOST</td><td>db7.example</td></tr>",
        "<th>Password</th><td>not set here</td>",
        "proxy_pass http://10.0.0.7:8080;",
        "<td>HTTP_CF_RAY</td><td>8c1f2a3b4c5d6e7f-FRA</td>",
        "http://h.example:8080/a@b",
        "at https://h.example/a.js:12:7 (x@y)",
    ],
)
def test_a_near_miss_stays_byte_for_byte(text: str, redactor: Redactor) -> None:
    assert redactor.text(text, "console") == text
    assert redactor.ledger() == ()


@pytest.mark.parametrize(
    "line",
    [
        "password=swordfish",
        "Set-Cookie: sid=abc99def; Path=/",
        "curl -H 'Cookie: theme=dark99; b=x1y2z3'",
        "> Authorization: Basic dXNlcjpodW50ZXIy",
        "Authorization: Bearer abcdefghijklmnop",
        "sent bearer Zx81aaQQ11bb",
        'payload {"apiKey":"Zx81aaQQ"}',
        '{\\"token\\":\\"Zx81aaQQ\\"}',
        "api-key => 'Zx81aaQQ'",
        "failed: password: hunter22",
        "GET https://h.example/?token=abc",
        "at https://joe:pw@h.example/app.js:1:2",
        "cannot connect to postgres://app:hunter22@db.example:5432/shop",
        "Array ( [password] => hunter22 )",
        "<tr><td>DB_PASSWORD</td><td><code>hunter22</code></td></tr>",
        "<th>HTTP_COOKIE</th>\n <td>theme=dark99; a=b</td>",
        "APP_KEY=base64:Zx81aaQQ11bb",
    ],
)
def test_console_lines_lose_their_secrets(line: str, redactor: Redactor) -> None:
    masked = redactor.text(line, "console")
    for secret in (
        "swordfish",
        "abc99def",
        "dark99",
        "x1y2z3",
        "dXNlcjpodW50ZXIy",
        "abcdefghijklmnop",
        "Zx81aaQQ",
        "hunter22",
        "token=abc",
        "joe:pw",
    ):
        assert secret not in masked
    assert TOKEN.search(masked.replace("%5B", "[").replace("%5D", "]"))
    assert redactor.text(masked, "console") == masked
