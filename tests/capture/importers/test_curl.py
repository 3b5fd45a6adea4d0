"""The output of curl."""

from typing import Any

import pytest

from capture.errors import BadInput
from capture.importers.curl import GUESSED, part
from capture.importers.given import Options
from capture.importers.part import Part
from tests.builders import NOW
from tests.capture.importers import talks
from tests.capture.importers.files import lines


def read(text: str, **options: Any) -> Part:
    return part("x.txt", text, Options(**options), NOW)


def told(made: Part) -> list[tuple[str, int | None, str | None]]:
    """Address, status and failure of every request."""
    return [(call.exchange.url, call.exchange.response.status if call.exchange.response else None, call.exchange.error)
            for call in made.calls]


def body(made: Part) -> bytes | None:
    answer = made.calls[-1].answer
    assert answer is not None
    return answer.data


def test_an_answer_over_http_2_with_its_handshake() -> None:
    made = read(talks.ANSWERED)
    assert told(made) == [("https://shop.example/checkout", 502, None)]
    assert body(made) == b"<html>\n<title>502 Bad Gateway</title>\n* a line of the page\n> quoted\n</html>"
    seen = made.exchange
    assert seen is not None
    assert seen.response is not None
    assert seen.security is not None
    assert (seen.remote_address, seen.response.protocol) == ("192.0.2.10:443", "h2")
    assert seen.response.mime_type == "text/html"
    assert lines(seen.request_headers)[-1] == ("Cookie", "sid=8f14e45fceea167a5a36dedd4bea2543")
    assert (seen.security.protocol, seen.security.valid_to.date().isoformat()) == ("TLS 1.3", "2026-05-02")
    (probe,) = made.tls
    assert (probe.outcome, probe.version, probe.alpn, probe.trusted, probe.name_matches, probe.problems) == (
        "completed", "TLSv1.3", "h2", True, True, ())
    assert (made.creator, made.recorded_at, made.clock_is_server) == ("curl 8.9.1", NOW.replace(microsecond=0), True)


def test_a_chain_of_redirects_with_interim_answer_and_the_body_at_the_end() -> None:
    made = read(talks.REDIRECTED)
    assert told(made) == [("http://shop.example/", 301, None), ("https://shop.example/", 503, None)]
    assert body(made) == b"try later\n\nagain"
    assert [call.exchange.hop for call in made.calls] == [0, 1]
    assert [call.exchange.remote_address for call in made.calls] == ["192.0.2.10:80", "192.0.2.11:443"]


def test_head_and_body_printed_once_more_by_i() -> None:
    made = read(talks.BOTH)
    assert (told(made), body(made)) == ([("http://shop.example/x", 502, None)], b"<h1>502</h1>")


def test_the_proxy_is_not_the_site() -> None:
    made = read(talks.PROXIED)
    assert told(made) == [("https://shop.example/", 500, None)]
    assert (made.calls[0].exchange.remote_address, made.tls, made.tcp) == (None, (), ())
    assert body(made) == b""


def test_a_certificate_that_was_let_pass_is_no_good_one() -> None:
    made = read(talks.INSECURE)
    assert told(made) == [("https://shop.example/", 200, None)]
    assert made.calls[0].exchange.security is None
    assert (made.tls[0].problems, made.tls[0].trusted) == (("expired",), False)


def test_i_alone_needs_the_address() -> None:
    made = read(talks.INTERACTIVE, url="https://shop.example/cart")
    assert told(made) == [("https://shop.example/cart", 301, None), ("https://shop.example/login", 502, None)]
    assert body(made) == b"<h1>502</h1>\n\nHTTP/1.1 200 is quoted here"
    with pytest.raises(BadInput, match="give the address too"):
        read(talks.INTERACTIVE)


@pytest.mark.parametrize("name", talks.FAILURES)
def test_a_failure_gets_the_name_that_browsers_have_for_it(name: str) -> None:
    text, error, url = talks.FAILURES[name]
    assert told(read(text)) == [(url, None, error)]


@pytest.mark.parametrize("name", talks.FAILURES)
def test_the_last_line_alone_tells_it_too(name: str) -> None:
    text, error, _ = talks.FAILURES[name]
    last = next(line for line in text.splitlines() if line.startswith("curl: ("))
    # Without what came before it, curl's own last line says less of why it could not connect.
    known = "net::ERR_CONNECTION_FAILED" if name == "refused" else error
    assert told(read(last, url="https://shop.example/a")) == [("https://shop.example/a", None, known)]


def test_a_time_out_while_connecting_needs_the_address() -> None:
    with pytest.raises(BadInput, match="give the address too"):
        read(talks.TIMED_OUT)
    assert told(read(talks.TIMED_OUT, url="https://shop.example/")) == [
        ("https://shop.example/", None, "net::ERR_CONNECTION_TIMED_OUT")]


def test_a_guessed_address_is_said_to_be_one() -> None:
    assert read(talks.REFUSED).notes == (GUESSED,)
    assert read(talks.REFUSED, url="https://shop.example/cart").notes == ()
    assert read("$ curl -v https://shop.example/cart\n" + talks.REFUSED).url == "https://shop.example/cart"


def test_every_attempt_to_connect_is_kept() -> None:
    assert [(probe.address, probe.outcome) for probe in read(talks.REFUSED).tcp] == [
        ("2001:db8::1", "unreachable"), ("192.0.2.10", "refused")]


@pytest.mark.parametrize(("text", "outcome", "problems"), [
    (talks.EXPIRED, "failed", ("expired",)), (talks.WRONG_NAME, "failed", ("wrong-name",)),
    (talks.NOT_TLS, "not-tls", ())])
def test_a_failed_handshake_says_why(text: str, outcome: str, problems: tuple[str, ...]) -> None:
    (probe,) = read(text).tls
    assert (probe.outcome, probe.problems, probe.server_name) == (outcome, problems, "shop.example")


def test_a_body_that_broke_off_is_an_answer_with_an_error() -> None:
    made = read(talks.CUT)
    assert told(made) == [("http://shop.example/cut", 200, "net::ERR_CONTENT_LENGTH_MISMATCH")]
    assert body(made) == b"half"


def test_a_body_that_was_not_printed_is_not_known() -> None:
    text = talks.ANSWERED.partition("<html>")[0] + "{ [77 bytes data]\n* Connection #0 to host a left intact\n"
    assert body(read(text)) is None


def test_windows_line_ends_make_no_difference() -> None:
    assert told(read(talks.REDIRECTED.replace("\n", "\r\n"))) == told(read(talks.REDIRECTED))


def test_a_redirect_that_was_not_followed_is_said() -> None:
    made = read("HTTP/1.1 301 Moved\nLocation: /x\n\n", url="https://a.example/")
    assert any("did not follow" in note for note in made.notes)


def test_more_requests_than_curl_follows_are_refused() -> None:
    with pytest.raises(BadInput, match="more than 100 requests"):
        read("> GET / HTTP/1.1\n> Host: a.example\n>\n< HTTP/1.1 200 OK\n<\n" * 101)
