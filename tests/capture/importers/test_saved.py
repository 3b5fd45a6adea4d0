"""A page that a browser saved as one HTML file."""

import pytest

from capture.importers.saved import part
from tests.builders import NOW
from tests.capture.importers.files import PAGE

SINGLEFILE = ("<!DOCTYPE html> <html><!--\n Page saved with SingleFile \n url: https://shop.example/checkout \n"
              " saved date: Wed Mar 04 2026 06:06:07 GMT+0100 (Central European Standard Time)\n-->" + PAGE)
MARKED = "<!-- saved from url=(0029)https://shop.example/checkout -->\n" + PAGE
MONOLITH = "<!-- Saved from https://shop.example/checkout at 2026-03-04T05:06:07Z using monolith v2.8.3 -->\n" + PAGE


@pytest.mark.parametrize(("text", "kind", "creator", "dated"), [
    (SINGLEFILE, "singlefile", "SingleFile", True), (MARKED, "html", None, False),
    (MONOLITH, "html", "monolith v2.8.3", True)])
def test_the_comment_at_the_top_tells_address_and_time(text: str, kind: str, creator: str | None, dated: bool) -> None:
    made = part("x.html", text)
    assert (made.format, made.creator, made.url) == (kind, creator, "https://shop.example/checkout")
    assert made.recorded_at == (NOW.replace(microsecond=0) if dated else None)
    assert made.source == text


def test_without_a_comment_nobody_knows_whose_page_it_is() -> None:
    made = part("x.html", PAGE)
    assert (made.url, made.recorded_at, made.format) == (None, None, "html")


def test_files_inside_the_page_are_left_out_and_said() -> None:
    picture = f"data:image/png;base64,{'iVBORw0K' * 100}"
    short = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
    made = part("x", f"<img src='{picture}'><img src='{short}'><style>@font-face{{src:url({picture})}}</style>")
    kept = "data:image/png;base64,"
    assert made.source == f"<img src='{kept}'><img src='{short}'><style>@font-face{{src:url({kept})}}</style>"
    assert made.notes == ("2 files inside the page (pictures, fonts) are left out.",)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "file:///home/me/x.html", "about:blank", "http://", "https://[::1"])
def test_only_an_address_of_the_web_is_believed(url: str) -> None:
    assert part("x", f"<!-- Page saved with SingleFile\n url: {url}\n-->").url is None
    assert part("x", f"<!-- saved from url=({len(url):04}){url} -->").url is None


@pytest.mark.parametrize("date", ["yesterday", "Wed Foo 04 2026 06:06:07 GMT+0100", "Wed Mar 99 2026 06:06:07 GMT+0100",
                                  "Wed Mar 04 2026 06:06:07 GMT+9999", ""])
def test_a_date_that_is_none_is_not_known(date: str) -> None:
    assert part("x", f"<!-- Page saved with SingleFile\n url: https://a.example/\n saved date: {date}\n-->"
                ).recorded_at is None


def test_a_date_in_iso_form_is_read_too() -> None:
    made = part("x", "<!-- Page saved with SingleFile\n saved date: 2026-03-04T05:06:07.891Z\n-->")
    assert made.recorded_at == NOW
