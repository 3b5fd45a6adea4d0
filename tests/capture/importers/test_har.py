"""A HAR as a whole."""

import json

import pytest

from capture.errors import BadInput
from capture.importers.given import Options
from capture.importers.har import part
from capture.record.request import Limits
from tests.builders import NOW
from tests.capture.importers import files
from tests.capture.importers.files import entry, har, read


@pytest.mark.parametrize(("name", "creator", "browser"), [
    ("chrome", "WebInspector 537.36", None), ("firefox", "Firefox 140.0", "Firefox 140.0"),
    ("safari", "WebKit Web Inspector 1.0", None), ("charles", "Charles Proxy 4.6.4", None),
    ("fiddler", "Fiddler 5.0.2", None), ("playwright", "Playwright 1.60.0", "chromium 150.0")])
def test_it_tells_who_made_the_file(name: str, creator: str, browser: str | None) -> None:
    made = read(files.DIALECTS[name]())
    assert (made.creator, made.browser) == (creator, browser)


def test_it_tells_when_and_the_times_of_the_page() -> None:
    made = read(files.chrome())
    assert (made.recorded_at, made.dom_ms, made.load_ms) == (NOW, 310.25, 402.5)
    assert read(files.firefox()).dom_ms is None


def test_a_time_without_a_zone_is_none() -> None:
    assert read(har(entry(startedDateTime="2026-03-04T05:06:07"))).recorded_at is None


def test_the_title_is_taken_only_where_no_body_could_tell_it() -> None:
    page = {"id": "p", "title": "502 Bad Gateway"}
    assert read(har(entry(pageref="p", body=None), pages=[page])).title == "502 Bad Gateway"
    assert read(har(entry(pageref="p"), pages=[page])).title is None
    assert read(har(entry(pageref="p", body=None), pages=[page | {"title": files.URL}])).title is None


def test_past_the_limit_failures_stay_and_the_rest_is_counted() -> None:
    failed = entry("https://shop.example/api", 500, request={"headers": []})
    others = [entry(f"https://shop.example/{n}.js", 200, request={"headers": []}) for n in range(20)]
    made = read(har(*others[:10], failed, *others[10:], entry()), limits=Limits(exchanges=5))
    assert {"https://shop.example/api", files.URL} <= {call.exchange.url for call in made.calls}
    assert (len(made.calls), made.dropped) == (5, 17)


def test_what_is_no_web_address_is_left_out_and_said() -> None:
    made = read(har(entry(), entry("data:text/html,x"), entry("chrome-extension://abc/x.js"), entry("about:blank")))
    assert len(made.calls) == 1
    assert any("3 entries" in note for note in made.notes)


@pytest.mark.parametrize(("text", "words"), [
    ("{", "cut off"), ('{"log": {"entries": [}', "cut off"), ("[1, 2]", "no HAR"), ("{}", "no HAR"),
    ('{"log": {"entries": {}}}', "no HAR"), ('{"log": {"entries": []}}', "no request"),
    ('{"log": {"entries": [1, null, {"request": {"url": "data:,"}}]}}', "no request"),
    ("[" * 200_000, "too deeply"), ('{"log": ' * 100_000, "too deeply"),
    ('{"a": ' + "9" * 5_000 + "}", "cannot be read")])
def test_what_is_no_har_is_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(BadInput, match=words) as caught:
        part("x.har", text, Options(), NOW)
    assert str(caught.value).startswith("x.har: ")
    assert "\n" not in str(caught.value)


def test_an_address_that_is_not_in_it_is_refused() -> None:
    with pytest.raises(BadInput, match="no request to the address given"):
        read(files.chrome(), url="https://other.example/")


def test_more_requests_than_anybody_made_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.importers.har.ENTRIES", 3)
    with pytest.raises(BadInput, match="more than 3 requests"):
        read(har(*[entry()] * 4))


def test_lone_surrogates_become_characters() -> None:
    text = json.dumps(har(entry(body="<p>x</p>"))).replace("<p>x</p>", "<p>\\ud800</p>")
    answer = part("x.har", text, Options(), NOW).calls[0].answer
    assert answer is not None
    assert answer.data == b"<p>?</p>"
