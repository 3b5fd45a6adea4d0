"""Which load of a HAR is meant, and which request of it."""

from typing import Any

import pytest

from tests.capture.importers import files
from tests.capture.importers.files import Json, entry, har, named, read

DOCUMENT = named(("Sec-Fetch-Dest", "document"), ("Accept", "text/html"))
FRAME = named(("Sec-Fetch-Dest", "iframe"), ("Accept", "text/html"))
PLAIN = named(("Accept", "text/html"))
API = named(("Accept", "application/json"))


def asked(second: int, url: str, status: int = 200, headers: list[Json] = DOCUMENT, **given: Any) -> Json:
    response = given.pop("response", {})
    if "to" in given:
        response |= {"headers": named(("Location", given.pop("to")))}
    return entry(url, status, startedDateTime=f"2026-03-04T05:06:{second:02}.000Z", request={"headers": headers},
                 response=response, **given)


def judged(*entries: Json, url: str | None = None, **log: Any) -> str:
    return getattr(read(har(*entries, **log), url=url).exchange, "url", "")


def test_it_is_the_last_page_that_failed() -> None:
    assert judged(asked(1, "https://a.example/", pageref="p1"), asked(2, "https://b.example/", 502, pageref="p2"),
                  asked(3, "https://c.example/", pageref="p3")) == "https://b.example/"


def test_it_is_the_last_page_when_none_failed() -> None:
    assert judged(asked(1, "https://a.example/", pageref="p1"),
                  asked(2, "https://b.example/", pageref="p2")) == "https://b.example/"


def test_the_other_loads_are_left_out_and_named() -> None:
    part = read(har(asked(1, "https://a.example/?token=abcdef0123456789", pageref="p1"),
                    asked(2, "https://b.example/", 502, pageref="p2")))
    assert [call.exchange.url for call in part.calls] == ["https://b.example/"]
    assert any("https://a.example/" in note for note in part.notes)


def test_the_address_says_which_one_is_meant_with_or_without_fragment_slash_and_query() -> None:
    entries = (asked(1, "https://a.example/x?y=1", pageref="p1"), asked(2, "https://b.example/", 502, pageref="p2"))
    for url in ("https://a.example/x?y=1", "https://a.example/x?y=1#top", "https://a.example/x/"):
        assert judged(*entries, url=url) == "https://a.example/x?y=1"


def test_a_request_of_the_page_can_be_meant_too() -> None:
    part = read(har(asked(1, "https://a.example/"), asked(2, "https://a.example/api", 500, API)),
                url="https://a.example/api")
    assert part.exchange is not None
    assert (part.exchange.url, part.exchange.main_document) == ("https://a.example/api", True)


def test_redirects_belong_to_the_document_in_their_order() -> None:
    part = read(har(asked(1, "http://a.example/", 301, to="https://a.example/"),
                    asked(2, "https://a.example/", 302, to="/login#top"),
                    asked(2, "https://cdn.example/x.js", 404, API), asked(3, "https://a.example/login", 502)))
    assert [(call.exchange.url, call.exchange.hop) for call in part.calls if call.exchange.main_document] == [
        ("http://a.example/", 0), ("https://a.example/", 1), ("https://a.example/login", 2)]
    assert part.url == "http://a.example/"


def test_a_file_that_ends_at_a_redirect_says_so() -> None:
    part = read(har(asked(1, "https://a.example/", 302, to="/login?token=abcdef0123456789")))
    assert any("redirect to https://a.example/login" in note for note in part.notes)


def test_the_tunnel_through_a_proxy_is_no_request_to_a_site() -> None:
    tunnel = asked(1, "https://a.example:443", 200, API)
    tunnel["request"]["method"] = "CONNECT"
    assert judged(tunnel, asked(2, "https://a.example/api", 404, API)) == "https://a.example/api"


def test_redirects_in_a_circle_come_to_an_end() -> None:
    part = read(har(asked(1, "https://a.example/", 302, to="/b"), asked(2, "https://a.example/b", 302, to="/"),
                    asked(3, "https://a.example/", 302, to="/b")))
    assert part.main == "E3"


def test_a_frame_is_not_the_page() -> None:
    assert judged(asked(1, "https://a.example/"), asked(2, "https://ads.example/", 500, FRAME)) == "https://a.example/"
    assert judged(asked(1, "http://a.example/", 200, PLAIN),
                  asked(2, "http://ads.example/", 500, PLAIN)) == "http://a.example/"


def test_what_the_user_gave_up_has_not_failed() -> None:
    given_up = asked(2, "https://b.example/", 0, response={"_error": "net::ERR_ABORTED"}, pageref="p2")
    assert judged(asked(1, "https://a.example/", 500, pageref="p1"), given_up) == "https://a.example/"


def test_without_a_document_the_weightiest_failure_is_judged_and_the_reader_is_told() -> None:
    part = read(har(asked(1, "https://a.example/favicon.ico", 404, API), asked(2, "https://a.example/one", 404, API),
                    asked(3, "https://a.example/two", 503, API), asked(4, "https://a.example/three", 200, API)))
    assert part.exchange is not None
    assert part.exchange.url == "https://a.example/two"
    assert any("no request for a page" in note for note in part.notes)


def test_entries_may_come_in_any_order() -> None:
    assert judged(asked(3, "https://a.example/end", 502), asked(1, "https://a.example/", 302, to="/end")
                  ) == "https://a.example/end"


@pytest.mark.parametrize("name", files.DIALECTS)
def test_every_dialect_tells_its_document(name: str) -> None:
    part = read(files.DIALECTS[name]())
    assert (part.main, part.url) == ("E1", files.URL)


def test_many_redirects_are_followed_without_looking_at_every_pair() -> None:
    # Every pair would be 200 million comparisons; the test would not end in time.
    entries = [asked(1, f"https://a.example/{n}", 302, to=f"/{n + 1}") for n in range(20_000)]
    part = read(har(*entries))
    assert (part.dropped, part.main) == (18_000, "E2000")
    assert part.exchange is not None
    assert part.exchange.url == "https://a.example/19999"
