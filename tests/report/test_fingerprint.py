"""Fingerprints of failures: ten tickets of one outage are one group, and two outages are two."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from report.fingerprint import fingerprint, place
from tests.builders import answered
from tests.report.examples import EXAMPLES

URL = "https://shop.example/orders/1042"
BROKEN = diagnose(answered(502, [("Server", "nginx")], "<title>502 Bad Gateway</title><center><h1>502 Bad Gateway</h1>"
                           "</center><hr><center>nginx</center>", url=URL))
FINE = diagnose(answered(200, [], "<title>Shop</title><h1>Shop</h1><p>Everything for your garden.</p>", url=URL))


def changed(**given: object) -> Diagnosis:
    return BROKEN.model_copy(update={"verdict": BROKEN.verdict.model_copy(update=given)})


def test_it_is_short_and_always_the_same() -> None:
    first = fingerprint(BROKEN, URL)
    assert first is not None
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert fingerprint(BROKEN, URL) == first


def test_a_page_that_works_is_no_failure() -> None:
    assert fingerprint(FINE, URL) is None


@pytest.mark.parametrize("interstitial", ["block", "challenge", "maintenance"])
def test_what_stands_before_the_page_is_one(interstitial: str) -> None:
    said = FINE.model_copy(update={"verdict": FINE.verdict.model_copy(update={"interstitial": interstitial})})
    assert fingerprint(said, URL) is not None
    assert fingerprint(said, URL) != fingerprint(BROKEN, URL)


@pytest.mark.parametrize("said", [
    {"certainty": "possible"}, {"summary": "Other words."}, {"request_id": "8c1f-FRA"},
    {"failing_handoff": ("cdn", "origin")}])
def test_words_certainty_and_request_ids_do_not_count(said: dict[str, object]) -> None:
    assert fingerprint(changed(**said), URL) == fingerprint(BROKEN, URL)


@pytest.mark.parametrize("said", [{"generator": "apache"}, {"generator": None}, {"vendor_code": "521"},
                                  {"fault_code": "tls.expired"}])
def test_vendor_and_code_count(said: dict[str, object]) -> None:
    assert fingerprint(changed(**said), URL) != fingerprint(BROKEN, URL)


def test_the_vendors_own_code_says_more_than_ours() -> None:
    ours, others = changed(vendor_code="521"), changed(vendor_code="521", fault_code="origin.unreachable")
    assert fingerprint(ours, URL) == fingerprint(others, URL)


def test_the_status_counts_when_there_is_no_code() -> None:
    codes = {fingerprint(changed(vendor_code=None, fault_code=None, status=status), URL) for status in (500, 502)}
    assert len(codes) == 2


SAME = [
    ("/orders/1042", "/orders/7"),
    ("/orders/1042/", "/orders/1042"),
    ("/orders/1042", "/orders/1042?utm=1&token=x#top"),
    ("/users/550e8400-e29b-41d4-a716-446655440000/cart", "/users/123E4567-E89B-12D3-A456-426614174000/cart"),
    ("/app.3f2a91bc.js", "/app.99e0c1d2.js"),
    ("/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/commit/0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33"),
    ("/2026/03/04/news", "/2025/12/31/news"),
    ("/log-2026-03-04.txt", "/log-2025-12-31.txt"),
    ("/v/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/v/01BX5ZZKBKACTAV9WEVGEMMVRZ"),
    ("/watch/dQw4w9WgXcQ1", "/watch/a8Bc7dEf6Gh5"),
    ("/u/ann@shop.example", "/u/bob.smith@mail.example"),
    ("/u/ann%40shop.example", "/u/ann@shop.example"),
    ("/reset/[redacted:token:46:e988da69]/x", "/reset/[redacted:token:40:00000000]/x"),
    ("/reset/%5Bredacted:token:46:e988da69%5D/x", "/reset/[redacted:token:40:00000000]/x"),
    ("/item-1042-red", "/item-7-red"),
    ("//orders//1042", "/orders/1042"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_ids_in_the_path_do_not_count(one: str, other: str) -> None:
    assert place(f"https://shop.example{one}") == place(f"https://shop.example{other}")


OTHER = [
    ("/orders/1042", "/invoices/1042"), ("/orders", "/orders/1042"), ("/v1/users", "/v2/users"),
    ("/privacy-policy", "/terms-of-service"), ("/checkout", "/"), ("/de/checkout", "/en/checkout"),
    ("/facade", "/decade"), ("/a/b", "/a%2Fc"), ("/App", "/app"), ("/deadbeef", "/feedface"),
]


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_words_in_the_path_count(one: str, other: str) -> None:
    assert place(f"https://shop.example{one}") != place(f"https://shop.example{other}")


def test_the_host_counts_and_its_port_and_case_as_browsers_see_them() -> None:
    assert place("https://shop.example/") == place("http://SHOP.example")
    assert place("https://shop.example/")[0] == "shop.example"
    assert place("https://shop.example:8443/")[0] == "shop.example:8443"
    assert place("https://www1.shop.example/") != place("https://www2.shop.example/")
    assert place("http://[2001:db8::1]:8080/x") == ("2001:db8::1:8080", "/x")


@pytest.mark.parametrize("url", ["", "not a url", "http://[", "http://h.example:99999/", "http://\ud800.example/\ud800",
                                 "http://[redacted:secret:11:23b145f6].example/"])
def test_what_is_no_address_is_still_one_place(url: str) -> None:
    assert place(url) == place(url)
    assert fingerprint(BROKEN, url) is not None


@given(st.integers(0), st.uuids(), st.binary(min_size=20, max_size=20))
def test_any_number_uuid_and_hash_is_the_same_place(number: int, uuid: object, digest: bytes) -> None:
    shapes = {place(f"https://shop.example/a/{text}/b")[1] for text in (number, uuid, digest.hex() + "0")}
    assert shapes == {"/a/*/b"}


@given(st.text(max_size=60))
def test_a_shape_is_its_own_shape(path: str) -> None:
    shape = place(f"https://shop.example/{path}")[1]
    again = place(f"https://shop.example{shape.replace('%', '%25').replace('?', '%3F').replace('#', '%23')}")[1]
    assert again == shape


def test_every_example_has_one_unless_its_page_works() -> None:
    made = {name: diagnose(make().evidence) for name, make in EXAMPLES.items()}
    for name, diagnosis in made.items():
        failed = diagnosis.verdict.is_error_page or diagnosis.verdict.fault_code or diagnosis.verdict.interstitial
        assert (fingerprint(diagnosis, URL) is not None) == bool(failed), name
