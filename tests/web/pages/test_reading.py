"""Reading the form: each wrong field gets its own plain sentence, the right ones are kept."""

import pytest

from capture.record.base import Header
from capture.record.request import CaptureRequest, Viewport
from web.pages.reading import complete, read, secret_place, sentence


def test_an_untouched_form_with_an_address_is_a_capture_with_defaults() -> None:
    result = read({"url": " https://shop.example/checkout "})
    assert result.errors == {}
    assert CaptureRequest(**result.parts) == CaptureRequest(url="https://shop.example/checkout")


def test_every_option_arrives() -> None:
    result = read({"url": "https://shop.example/", "seen": "white page", "note": "new firewall",
                   "headers": "X-Test: 1\n\n  Authorization: Bearer abc", "user_agent": "Probe/1", "width": "360",
                   "height": "740", "locale": "de-DE", "timezone": "Europe/Berlin",
                   "resolvers": "9.9.9.9, 1.1.1.1:53\n[2620:fe::fe]:53"})
    assert result.errors == {}
    assert CaptureRequest(**result.parts) == CaptureRequest(
        url="https://shop.example/", seen="white page", note="new firewall",
        headers=(Header(name="X-Test", value="1"), Header(name="Authorization", value="Bearer abc")),
        user_agent="Probe/1", viewport=Viewport(width=360, height=740), locale="de-DE", timezone="Europe/Berlin",
        resolvers=("9.9.9.9", "1.1.1.1:53", "[2620:fe::fe]:53"))


@pytest.mark.parametrize(("field", "value", "sentence"), [
    ("url", "", "Fill in the address of the page."),
    ("url", "javascript:alert(1)", "Only http and https addresses can be captured, not javascript."),
    ("url", "ftp://files.example/", "Only http and https addresses can be captured, not ftp."),
    ("url", "https://exa mple/", "The URL has no valid host or port."),
    ("url", "http://127.0.0.1/", "127.0.0.1 is not allowed by policy: loopback 127.0.0.0/8."),
    ("headers", "X-Test: 1\nno colon", "Line 2 is not of the form Name: value."),
    ("headers", "X Test: 1", "Line 1 is not of the form Name: value."),
    ("headers", "\n".join(f"X-{n}: 1" for n in range(33)), "At most 32 headers."),
    ("width", "99", "A number from 100 to 7680."),
    ("width", "٣٦٠", "A number from 100 to 7680."),
    ("height", "high", "A number from 100 to 4320."),
    ("locale", "german", "A language tag, for example de-DE."),
    ("timezone", "Mars/Base", "This time zone is not known; an example is Europe/Berlin."),
    ("timezone", "../../etc/passwd", "This time zone is not known; an example is Europe/Berlin."),
    ("resolvers", "dns.example", "dns.example is not the address of a resolver; an example is 9.9.9.9."),
    ("resolvers", " ".join(["9.9.9.9"] * 9), "At most 8 resolvers."),
    ("user_agent", "a\x07b", "One line of at most 512 ASCII characters."),
    ("user_agent", "Prüfer/1", "One line of at most 512 ASCII characters."),
    ("log", "x" * 262_145, "At most 262,144 characters; this has 262,145."),
    ("seen", "x" * 4001, "At most 4,000 characters; this has 4,001."),
])
def test_a_wrong_field_gets_one_sentence_and_what_was_typed_stays(field: str, value: str, sentence: str) -> None:
    form = {"url": "https://shop.example/", field: value}
    result = read(form)
    assert result.errors == {field: sentence}
    assert result.values[field] == value


def test_all_wrong_fields_are_told_at_once_in_the_order_of_the_form() -> None:
    result = read({"url": "", "height": "0", "headers": "?"})
    assert list(result.errors) == ["url", "headers", "height"]


def test_a_network_that_was_opened_may_be_captured() -> None:
    assert read({"url": "http://127.0.0.1/"}, ("127.0.0.0/8",)).errors == {}


def test_an_import_needs_no_address_but_not_a_wrong_one() -> None:
    assert read({}, is_import=True).errors == {}
    assert read({"url": "http://intranet/"}, is_import=True).errors == {}
    assert list(read({"url": "ftp://files.example/"}, is_import=True).errors) == ["url"]


@pytest.mark.parametrize(("told", "shown"), [
    ("the URL has no scheme", "The URL has no scheme."), ("a case.", "A case."),
    ("shop.example is not allowed", "shop.example is not allowed."), ("page.har: no HAR", "page.har: no HAR."),
    ("", "."), ("10.0.0.1 is private", "10.0.0.1 is private.")])
def test_an_error_becomes_a_sentence_and_a_name_keeps_its_letters(told: str, shown: str) -> None:
    assert sentence(ValueError(told)) == shown


@pytest.mark.parametrize(("typed", "meant"), [
    ("shop.example/checkout", "https://shop.example/checkout"),
    ("shop.example:8443", "https://shop.example:8443"),
    ("http://shop.example", "http://shop.example"),
    ("javascript:alert(1)", "javascript:alert(1)"),
    ("  ", ""),
])
def test_a_missing_scheme_is_added(typed: str, meant: str) -> None:
    assert complete(typed) == meant


@pytest.mark.parametrize(("url", "place"), [
    ("https://shop.example/checkout?step=2", ""),
    ("https://shop.example/?token=abc123def456ghi789", "the query (after “?”)"),
    ("https://shop.example/reset/9f8e7d6c5b4a39281706abcd", "the path"),
    ("https://shop.example/#access_token=abc123def456ghi789", "the fragment (after “#”)"),
    ("https://user:geheim77@shop.example/", "the user name and password"),
])
def test_a_secret_in_the_address_is_noticed(url: str, place: str) -> None:
    assert secret_place(url) == place
