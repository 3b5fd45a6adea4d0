"""What was seen once is masked everywhere; what is common is not; the ledger tells, without the value."""

import base64
import html
import json
import re
from urllib.parse import quote

import pytest

from capture.redact import RULESET, Redactor
from tests.capture.redact.samples import TOKEN


@pytest.mark.parametrize(
    "value",
    [
        "true",
        "en-US",
        "en-US,en;q=0.9",
        "1280",
        "123456789",
        "1763634227",
        "1763634227123",
        "essential",
        "light-mode",
        "accepted.all.cookies",
        "2026-11-20",
        "2026-11-20T10:00:00Z",
        "application/json",
        "shop.example",
        "https://shop.example/x1",
        "Europe/Berlin",
        "1280x720",
        "v2.1.3",
        "short1",
    ],
)
def test_a_common_cookie_value_does_not_garble_the_evidence(value: str, redactor: Redactor) -> None:
    assert value not in redactor.header("Set-Cookie", f"a={value}; Path=/", "response header").replace("redacted", "")
    text = f"before {value} after"
    assert redactor.text(text, "dom") == text


def test_the_host_of_an_address_is_never_remembered_as_a_secret(redactor: Redactor) -> None:
    redactor.url("https://cdn7.shop-x1.example/a", "request url")
    redactor.header("Set-Cookie", "h=cdn7.shop-x1.example", "response header")
    assert redactor.text("cdn7.shop-x1.example", "dom") == "cdn7.shop-x1.example"


VALUE = "Zx8\"<1a/Q+q='9"


@pytest.mark.parametrize(
    "form",
    [
        VALUE,
        quote(VALUE, safe=""),
        quote(VALUE),
        re.sub("%..", lambda m: m[0].lower(), quote(VALUE, safe="")),
        html.escape(VALUE),
        json.dumps(VALUE),
        json.dumps(VALUE).replace("/", "\\/"),
    ],
)
def test_a_value_seen_once_is_masked_in_every_form(form: str, redactor: Redactor) -> None:
    redactor.learn(VALUE, "cookie")
    masked = redactor.text(f"<p>{form}</p>", "dom")
    assert TOKEN.search(masked)
    assert "Zx8" not in masked


@pytest.mark.parametrize("before", ["", "a", "ab", '{"user":1,"session":"'])
def test_a_value_seen_once_is_masked_inside_base64(before: str, redactor: Redactor) -> None:
    value = "Zx81aaQQ-77bb-ccDD"
    redactor.learn(value, "cookie")
    encoded = base64.b64encode(f'{before}{value}"}}'.encode()).decode()
    masked = redactor.text(f"x {encoded} y", "console")
    assert TOKEN.search(masked)
    assert len(TOKEN.sub("", masked)) <= len(f"x {encoded} y") - len(value)


def test_the_parts_of_a_signed_cookie_are_secrets_too(redactor: Redactor) -> None:
    redactor.header("Set-Cookie", "connect.sid=s%3AaB3dE5fG7hJ9kL1mN2pQ.c2lnbmF0dXJlMTIzNDU2Nzg5", "response header")
    assert "aB3dE5fG7hJ9kL1mN2pQ" not in redactor.text("session aB3dE5fG7hJ9kL1mN2pQ opened", "console")


def test_equal_secrets_have_equal_tokens_in_one_case_and_others_in_the_next(redactor: Redactor) -> None:
    header = redactor.header("Cookie", "sid=Zx81aaQQ77", "request header")
    printed = redactor.text("id Zx81aaQQ77", "dom")
    token = TOKEN.search(header)
    assert token is not None
    assert token[0] == "[redacted:cookie:10:" + token[0][20:]
    assert token[0] in printed
    assert token[0] not in Redactor().header("Cookie", "sid=Zx81aaQQ77", "request header")


def test_values_given_by_the_user_are_masked_even_when_they_look_common() -> None:
    redactor = Redactor(known=["swordfish", "letmein", "abc"])
    masked = redactor.text("the swordfish said letmein to abc", "dom")
    assert re.fullmatch(rf"the {TOKEN.pattern} said {TOKEN.pattern} to abc", masked)


def test_what_was_learned_late_is_masked_where_it_appeared_early(redactor: Redactor) -> None:
    evidence = {
        "early": "id Zx81aaQQ77",
        "list": ("Zx81aaQQ77", 1, None, True),
        "headers": [{"name": "x-request-id", "value": "r-1"}],
    }
    redactor.header("Cookie", "sid=Zx81aaQQ77", "request header")
    masked = redactor.deep(evidence, "evidence")
    assert "Zx81aaQQ77" not in str(masked)
    assert masked["list"][1:] == (1, None, True)
    assert redactor.deep(masked, "evidence") == masked
    assert evidence["early"] == "id Zx81aaQQ77"


def test_the_ledger_says_what_where_and_by_which_rule_but_not_the_value(redactor: Redactor) -> None:
    redactor.url("/a?token=Zx81aaQQ", "request url")
    redactor.text("mail jane@customer.example", "console")
    redactor.body(b'{"password":"hunter22"}', "application/json", "request body")
    redactor.header("Cookie", "a=1x; b=2x", "request header")
    rows = [(e.kind, e.rule, e.place, e.count) for e in redactor.ledger()]
    assert rows == [
        ("cookie", "cookie", "request header cookie", 2),
        ("email", "email", "console", 1),
        ("password", "json-name", "request body json", 1),
        ("token", "parameter-name", "request url query", 1),
    ]
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", RULESET)
