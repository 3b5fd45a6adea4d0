"""A page that a browser saved as MHTML."""

import pytest

from capture.errors import BadInput
from capture.importers import mhtml as importer
from capture.importers.mhtml import part
from tests.builders import NOW
from tests.capture.importers.files import PAGE, URL, mhtml


def test_it_gives_source_address_time_and_maker() -> None:
    made = part("x.mhtml", mhtml())
    assert (made.source, made.url, made.creator) == (PAGE, URL, "Blink")
    assert made.recorded_at == NOW.replace(microsecond=0)
    assert any("2 parts" in note for note in made.notes)


def test_line_feeds_alone_do_too() -> None:
    assert part("x", mhtml().replace(b"\r\n", b"\n")).source == PAGE


def test_the_page_is_the_part_that_the_file_speaks_of() -> None:
    frame = mhtml("<p>frame").replace(URL.encode(), b"https://ads.example/frame")
    both = mhtml().replace(b"------Part\r\nContent-Type: text/css",
                           frame.partition(b"------Part\r\n")[1] + frame.partition(b"------Part\r\n")[2].partition(
                               b"------Part\r\nContent-Type: text/css")[0] + b"------Part\r\nContent-Type: text/css")
    assert part("x", both).source == PAGE


def test_its_charset_is_kept_to() -> None:
    data = mhtml("<p>GR").replace(b"Content-Type: text/html\r\n", b'Content-Type: text/html; charset="iso-8859-1"\r\n')
    assert part("x", data.replace(b"<p>GR", b"<p>Gr=FC=DFe")).source == "<p>Gr\u00fc\u00dfe"


@pytest.mark.parametrize("data", [
    b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n",
    b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: image/png\r\n\r\nx\r\n--x--",
    b"Content-Type: multipart/related; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n\r\n--x--"])
def test_a_file_without_a_page_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput, match="holds no page"):
        part("x", data)


def test_a_file_that_is_cut_off_keeps_what_is_there() -> None:
    data = mhtml("<p>a</p>" * 500)
    assert (part("x", data[:2_000]).source or "").startswith("<p>a</p>")


def test_parts_inside_parts_without_end_are_refused() -> None:
    head = b"".join(b"Content-Type: multipart/related; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(4_000))
    with pytest.raises(BadInput):
        part("x", head)


def test_too_many_parts_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "PARTS", 1)
    with pytest.raises(BadInput, match="more than 1 parts"):
        part("x", mhtml())


@pytest.mark.parametrize("date", ["", "never", "Wed, 04 Mar 2026 05:06:07"])
def test_a_date_that_is_none_is_not_known(date: str) -> None:
    assert part("x", mhtml(Date=date)).recorded_at is None
