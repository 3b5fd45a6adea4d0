"""One entry of a HAR, in every dialect."""

from typing import Any

import pytest

from capture.importers.har_entry import Entry, protocol
from capture.importers.part import Call
from capture.record.page import Exchange
from tests.capture.importers import files
from tests.capture.importers.files import entry, lines, named, read


def first(made: files.Json) -> Call:
    return read(made).calls[0]


def test_chromium_leaves_out_pseudo_headers_and_what_it_does_not_know() -> None:
    seen = first(files.chrome()).exchange
    assert lines(seen.request_headers) == [("accept", "text/html,*/*;q=0.8"), ("sec-fetch-dest", "document"),
                                           ("user-agent", "Mozilla/5.0")]
    assert seen.response is not None
    assert (seen.response.protocol, seen.response.encoded_bytes, seen.response.status_text) == ("h2", 777, "")
    assert lines(seen.response.headers) == [("content-type", "text/html"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]
    assert (seen.remote_address, seen.duration_ms, seen.error) == ("[2001:db8::7]:443", None, None)
    assert seen.timings is not None
    assert (seen.timings.blocked, seen.timings.connect, seen.timings.ssl) == (None, 30.25, 12.5)


def test_chromium_names_cache_initiator_and_place_in_time() -> None:
    seen = read(files.chrome()).calls[1].exchange
    assert (seen.from_cache, seen.resource_type, seen.started_ms) == (True, "script", 209.0)
    assert seen.initiator is not None
    assert (seen.initiator.type, seen.initiator.url, seen.initiator.line) == ("parser", files.URL, 5)


@pytest.mark.parametrize("error", ["net::ERR_CONNECTION_REFUSED", "net::ERR_NAME_NOT_RESOLVED"])
def test_status_0_is_no_answer_and_its_error_the_reason(error: str) -> None:
    seen = first(files.chrome_failed(error)).exchange
    assert (seen.response, seen.error) == (None, error)


def test_firefox_times_have_offsets_and_blocked_requests_a_reason() -> None:
    document, blocked = (call.exchange for call in read(files.firefox()).calls)
    assert document.started_at.isoformat() == "2026-03-04T05:06:07.891000+00:00"
    assert document.response is not None
    assert document.response.protocol == "h2"
    assert (blocked.response, blocked.blocked, blocked.error) == (None, "3001", None)


def test_safari_fails_in_words() -> None:
    failed = read(files.safari()).calls[1].exchange
    assert (failed.response, failed.error) == (None, "net::ERR_NAME_NOT_RESOLVED")


def test_charles_knows_no_phrase_and_takes_json_for_a_parameter() -> None:
    document, failed = read(files.charles()).calls
    assert document.exchange.response is not None
    assert (document.exchange.response.status_text, document.exchange.response.protocol) == ("", "h2")
    assert document.asked is not None
    assert (document.asked.data, document.asked.mime) == (b'{"password":"Tr0ub4dor"}', "application/json")
    assert failed.exchange.response is None


def test_fiddler_counts_ten_millionths_and_answers_for_the_server() -> None:
    # Year 1 sorts nowhere, so the order is that of the file.
    document, failed = read(files.fiddler()).calls
    assert document.exchange.started_at.microsecond == 891234
    assert (document.exchange.duration_ms, document.exchange.timings) == (None, None)
    assert (failed.exchange.response, failed.exchange.error) == (None, "net::ERR_NAME_NOT_RESOLVED")


def test_playwright_tells_port_and_certificate_and_writes_minus_one_for_no_answer() -> None:
    document, failed, aborted = (call.exchange for call in read(files.playwright()[0]).calls)
    assert document.remote_address == "192.0.2.10:8443"
    assert document.security is not None
    assert (document.security.issuer, document.security.cipher) == ("Example CA", None)
    assert document.security.valid_to.isoformat() == "2027-01-01T00:00:00+00:00"
    assert (failed.response, failed.error, failed.canceled) == (None, "net::ERR_CONNECTION_RESET", False)
    assert (aborted.error, aborted.canceled) == ("net::ERR_ABORTED", True)


@pytest.mark.parametrize("name", files.DIALECTS)
def test_every_dialect_gives_records_that_can_be_read_again(name: str) -> None:
    for call in read(files.DIALECTS[name]()).calls:
        assert Exchange.model_validate_json(call.exchange.model_dump_json(), strict=True).url == call.exchange.url


@pytest.mark.parametrize(("written", "meant"), [
    ("http/2.0", "h2"), ("HTTP/2", "h2"), ("h2", "h2"), ("h3", "h3"), ("HTTP/3", "h3"), ("h3-29", "h3"),
    ("HTTP/1.1", "http/1.1"), ("http/1.0", "http/1.0"), ("unknown", "unknown"), ("", "unknown")])
def test_protocols_are_named_in_one_way(written: str, meant: str) -> None:
    raw = entry(request={"httpVersion": ""}, response={"httpVersion": written})
    assert protocol(Entry(raw, 0)) == meant


@pytest.mark.parametrize(("written", "address"), [
    ("192.0.2.1", "192.0.2.1:443"), ("192.0.2.1:8080", "192.0.2.1:443"), ("[2001:db8::1]", "[2001:db8::1]:443"),
    ("2001:db8::1", "[2001:db8::1]:443"), ("", None), ("proxy.example", None), ("999.1.1.1", None)])
def test_addresses_are_read_in_every_form(written: str, address: str | None) -> None:
    assert first(files.har(entry(serverIPAddress=written))).exchange.remote_address == address


JUNK: list[Any] = [None, True, -1, 1e400, "x" * 10, [], {}, [None, 3, {"name": None}], {"name": 7}]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize("where", ["request", "response"])
@pytest.mark.parametrize("key", ["headers", "content", "postData", "httpVersion", "status", "cookies", "statusText"])
def test_a_field_of_the_wrong_type_is_a_field_that_is_not_there(where: str, key: str, junk: Any) -> None:
    made = entry()
    made[where][key] = junk
    assert len(read(files.har(made)).calls) == 1


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize("key", ["time", "timings", "startedDateTime", "_initiator", "serverIPAddress", "pageref",
                                 "_securityDetails", "response", "_blockedReason", "_resourceType", "_fromCache"])
def test_an_entry_of_the_wrong_shape_is_still_read(key: str, junk: Any) -> None:
    assert len(read(files.har(entry() | {key: junk})).calls) == 1


def test_a_form_without_its_text_is_put_together_again() -> None:
    params = named(("user", "alice"), ("password", "a b&c"))
    asked = first(files.har(entry(request={"method": "POST", "postData": {"mimeType": "x", "params": params}}))).asked
    assert asked is not None
    assert (asked.data, asked.mime) == (b"user=alice&password=a+b%26c", "application/x-www-form-urlencoded")


def test_cookies_are_told_as_secrets_even_where_the_headers_have_none() -> None:
    call = first(files.har(entry(request={"headers": [], "cookies": named(("sid", "8f14e45fceea167a"))})))
    assert call.secrets == ("8f14e45fceea167a",)
