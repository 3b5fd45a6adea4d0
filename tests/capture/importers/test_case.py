"""Several files made into one case."""

from pathlib import Path
from typing import Any

import pytest

from capture.importers import Options, Upload, bring
from capture.record.evidence import Evidence
from capture.record.request import Limits
from tests.builders import NOW
from tests.capture.importers import files, talks
from tests.capture.importers.files import PAGE, URL, entry, har, mhtml, png, upload

HAR = upload(files.firefox(), "a.har")
SEEN = Upload("seen.png", png())
SAVED = upload(mhtml(), "page.mhtml")
CURL = upload(talks.ANSWERED, "curl.txt")


@pytest.fixture
def brought(tmp_path: Path) -> Any:
    def made(*given: Upload, **options: Any) -> Evidence:
        return bring(given, tmp_path / "case", Options(now=NOW, **options)).evidence

    return made


def test_a_picture_and_a_saved_page_join_the_load(brought: Any, tmp_path: Path) -> None:
    made = brought(SEEN, SAVED, HAR)
    (load,) = made.pages
    assert load.label == "imported"
    assert load.screenshot is not None
    assert (load.screenshot.path, load.dom, load.source) == ("screenshot.png", "page.html", PAGE)
    assert (tmp_path / "case" / "page.html").read_text() == PAGE
    assert len(load.exchanges) == 2
    assert [file.name for file in made.imported.files] == ["seen.png", "page.mhtml", "a.har"]


def test_a_saved_page_of_another_address_is_a_load_of_its_own(brought: Any) -> None:
    made = brought(upload(mhtml().replace(URL.encode(), b"https://other.example/"), "x"), HAR)
    assert [load.final_url for load in made.pages] == [URL, "https://other.example/"]
    assert made.pages[1].dom == "page-2.html"


def test_a_saved_page_without_address_joins_the_first_load(brought: Any) -> None:
    assert len(brought(HAR, upload(PAGE)).pages) == 1


def test_what_a_browser_recorded_comes_before_curl_and_what_failed_before_the_rest(brought: Any) -> None:
    fine = upload(har(entry("https://fine.example/", 200)), "fine.har")
    made = brought(CURL, fine, HAR)
    assert [load.final_url for load in made.pages] == [URL, "https://fine.example/", URL]
    assert made.request.url == URL
    assert made.tls is not None


def test_two_pictures_are_two_loads(brought: Any) -> None:
    made = brought(SEEN, Upload("b.png", png(20, 20)))
    assert [load.screenshot.path for load in made.pages] == ["screenshot.png", "screenshot-2.png"]


@pytest.mark.parametrize(("given", "clock", "time"), [
    (HAR, "files", NOW), (CURL, "server", NOW.replace(microsecond=0)), (SAVED, "files", NOW.replace(microsecond=0)),
    (SEEN, "unknown", NOW), (upload(PAGE), "unknown", NOW)])
def test_it_is_said_whose_time_it_is(brought: Any, given: Upload, clock: str, time: Any) -> None:
    made = brought(given)
    assert (made.imported.clock, made.started_at, made.imported.at) == (clock, time, NOW)


def test_the_original_is_named_with_size_and_hash_and_not_kept(brought: Any, tmp_path: Path) -> None:
    made = brought(HAR).imported.files[0]
    assert (made.format, made.size, made.creator) == ("har", len(HAR.data), "Firefox 140.0")
    assert len(made.sha256) == 64
    assert all(HAR.data not in path.read_bytes() for path in (tmp_path / "case").rglob("*") if path.is_file())


def test_notes_of_the_user_are_kept_masked(brought: Any) -> None:
    made = brought(HAR, note="password=Tr0ub4dor-3", seen="white page")
    assert "Tr0ub4dor" not in made.model_dump_json()
    assert made.request.seen == "white page"


@pytest.mark.parametrize(("given", "ended", "error"), [
    (HAR, "load", None), (upload(files.chrome_failed()), "failed", "net::ERR_CONNECTION_REFUSED"),
    (upload(talks.CUT), "broken-off", "net::ERR_CONTENT_LENGTH_MISMATCH"), (SEEN, "load", None),
    (upload(har(entry(status=204, body=None))), "no-content", None),
    (upload(files.chrome_failed("net::ERR_ABORTED")), "no-content", None)])
def test_it_is_said_how_the_load_ended(brought: Any, given: Upload, ended: str, error: str | None) -> None:
    load = brought(given).pages[0]
    assert (load.ended, load.error) == (ended, error)


def test_without_any_address_the_file_gives_its_name(brought: Any) -> None:
    assert brought(SEEN).request.url == "seen.png"


def test_the_address_given_counts(brought: Any) -> None:
    assert brought(SEEN, url="https://shop.example/").request.url == "https://shop.example/"


def test_requests_past_the_limit_are_counted_and_said(brought: Any) -> None:
    made = brought(upload(har(*[entry()] * 9)), limits=Limits(exchanges=4))
    assert (len(made.pages[0].exchanges), made.pages[0].exchanges_dropped) == (4, 5)
    assert [hit.limit for hit in made.limits_hit] == ["exchanges"]
