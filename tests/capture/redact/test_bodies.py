"""Bodies lose their secrets and keep every other byte."""

import re

import pytest

from capture.redact import Redactor


@pytest.mark.parametrize(
    ("mime", "body", "secret"),
    [
        ("application/json", '{"accessToken":"x9y8z7"}', "x9y8z7"),
        ("application/json", '{ "a" : [ { "PASSWORD" : "pw" } ] , "n" : 1.0E5 }', '"pw"'),
        ("application/json", '{"data":{"session":{"id":"s-1"}}}', "s-1"),
        ("application/json", '{"tokens":["first1","second2"]}', "second2"),
        ("application/json", '{"pin":4321}', "4321"),
        ("application/json", '{"client-secret":"a\\"b\\u0041c"}', "u0041c"),
        ("application/json", '{"password":"cut off her', "cut off"),
        ("application/problem+json", '{"detail":"token=abcdef99 is bad"}', "abcdef99"),
        ("application/json", '{"next":"https:\\/\\/h.example\\/?token=abc"}', "abc"),
        ("application/graphql+json", '{"query":"mutation","variables":{"otp":"123456"}}', "123456"),
        ("text/plain", '{"refresh_token":"x9y8z7"}', "x9y8z7"),
        ("application/x-www-form-urlencoded", "user=joe&password=p%26w&remember=1", "p%26w"),
        ("application/x-www-form-urlencoded", "_csrf=Zx81aaQQ&a=b", "Zx81aaQQ"),
        (
            "multipart/form-data; boundary=b",
            '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--b--\r\n',
            "hunter2",
        ),
        ("text/html", "<input type=password name=x value=hunter2>", "hunter2"),
        ("text/html", "<input type='hidden' name='csrfmiddlewaretoken' value='Zx8'>", "Zx8"),
        ("text/html", '<INPUT value="a&amp;b>c" NAME="authenticity_token">', "b>c"),
        ("text/html", '<meta name="csrf-token" content="Zx8"/>', "Zx8"),
        ("text/html", '<div data-session-token="Zx81aaQQ">', "Zx81aaQQ"),
        ("text/html", '<div data-page="{&quot;apiToken&quot;:&quot;Zx81aaQQ&quot;}">', "Zx81aaQQ"),
        ("text/html", '<a href="/x?a=1&amp;token=Zx81aaQQ">x</a>', "Zx81aaQQ"),
        ("text/html", "<script>window.apiKey = 'Zx81aaQQ';</script>", "Zx81aaQQ"),
        ("text/html", '<script>var s={"csrfToken":"Zx81aaQQ"}</script>', "Zx81aaQQ"),
        ("application/xml", "<r><SecretKey>Zx81aaQQ</SecretKey></r>", "Zx81aaQQ"),
        ("text/javascript", "var password = 'hunter22';", "hunter22"),
        ("", "api_key: Zx81aaQQ", "Zx81aaQQ"),
        ("application/octet-stream", "api_key: Zx81aaQQ", "Zx81aaQQ"),
        ("image/svg+xml", '<svg data-token="Zx81aaQQ"/>', "Zx81aaQQ"),
    ],
)
def test_bodies_lose_their_secrets_and_keep_every_other_byte(mime: str, body: str, secret: str) -> None:
    redactor = Redactor()
    masked, changed = redactor.body(body.encode(), mime, "request body")
    assert changed
    assert secret.encode() not in masked
    parts = re.split(re.escape(secret.strip('"')), body)
    if "json" not in mime and len(parts) == 2:
        assert masked.decode().startswith(parts[0][:6])
    assert redactor.body(masked, mime, "request body") == (masked, False)
    assert all(entry.place.startswith("request body") for entry in redactor.ledger())


@pytest.mark.parametrize(
    ("mime", "body"),
    [
        (
            "application/json",
            b'{"token_type":"bearer","expires_in":3600,"tokens":120,"session":null,"password":false,"x":1.0E5}',
        ),
        ("application/json", b'{"code":"ECONNREFUSED","state":"failed","key":"value","n":12345678901}'),
        ("application/json", b"{broken, json: [}"),
        ("application/json", b"not json at all"),
        ("application/json", b""),
        ("text/html", b'<input type=hidden name=q value=1><meta name="csrf-param" content="authenticity_token">'),
        ("text/html", b"<input type=password name=password value=''><label>Password: </label>"),
        ("text/html", b"<script>function token(a){return a.token=b(token:c)}</script>"),
        ("text/javascript", b"var a={token:b.token,password:e.target.value};token=getToken();"),
        ("image/png", b"\x89PNG password=hunter22"),
        ("", b"\0\1\2 password=hunter22"),
        ("text/plain", b"\xff\xfe\xfd latin \xe9 text"),
    ],
)
def test_bodies_without_secrets_stay_byte_for_byte(mime: str, body: bytes, redactor: Redactor) -> None:
    assert redactor.body(body, mime, "response body") == (body, False)


def test_bodies_that_are_not_utf8_are_masked_without_touching_their_bytes(redactor: Redactor) -> None:
    masked, changed = redactor.body(
        b"caf\xe9 password=hunter22 caf\xe9", "text/plain; charset=iso-8859-1", "response body"
    )
    assert changed
    assert masked.startswith(b"caf\xe9 password=[redacted:password:8:")
    assert masked.endswith(b" caf\xe9")
    wide, changed = redactor.body('<p>password="hunter22"'.encode("utf-16"), "text/html", "response body")
    assert changed
    assert "hunter22" not in wide.decode("utf-16")
