"""A ZIP archive from a stranger."""

import io
import stat
import zipfile

import pytest

from capture.errors import BadInput
from capture.importers import archive
from capture.importers.archive import Archive
from tests.capture.importers.files import har, packed, playwright, upload


def opened(data: bytes) -> Archive:
    return Archive(upload(data, "x.zip"))


def with_info(**given: object) -> bytes:
    """An archive with one member whose directory entry is made by hand."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        info = zipfile.ZipInfo("har.har")
        for name, value in given.items():
            setattr(info, name, value)
        made.writestr(info, "x")
    return out.getvalue()


def renamed(name: bytes) -> bytes:
    """An archive whose member bears a name that zipfile itself would not write; as long as "har.har"."""
    assert len(name) == 7
    return with_info().replace(b"har.har", name)


def test_it_gives_the_har_and_the_bodies_beside_it() -> None:
    made, bodies = playwright()
    found = opened(packed({"har.har": made, **bodies}))
    assert '"Playwright"' in found.har()
    assert found.read("6c1e.html") == bodies["6c1e.html"]
    assert found.read("other.html") is None


def test_the_har_is_found_by_its_content() -> None:
    assert '"log"' in opened(packed({"a/readme.txt": "har", "a/trace.bin": har(), "b.json": '{"a": 1}'})).har()


@pytest.mark.parametrize("name", [b"/ar.har", b"../.har", b"a\\b.har"[:7], b"C:a.har", b"a/../ha"])
def test_names_that_lead_out_of_it_are_refused(name: bytes) -> None:
    with pytest.raises(BadInput, match="leads out of it"):
        opened(renamed(name))


def test_a_name_with_a_zero_byte_is_refused() -> None:
    with pytest.raises(BadInput, match="leads out of it"):
        opened(renamed(b"ha\0.har"))


def test_links_are_refused() -> None:
    with pytest.raises(BadInput, match="a link"):
        opened(with_info(external_attr=(stat.S_IFLNK | 0o777) << 16))


def test_encrypted_archives_are_refused() -> None:
    data = bytearray(packed({"har.har": har()}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + offset] |= 1
    with pytest.raises(BadInput, match="encrypted"):
        opened(bytes(data))


@pytest.mark.parametrize(("members", "words"), [
    ({"a.har": har(), "b.har": har()}, "2 HARs"), ({"a.txt": "x"}, "no HAR"),
    ({"a.zip": packed({"har.har": har()})}, "another archive"),
    ({"a.har": har(), "b.gz": b"\x1f\x8b\x08"}, "another archive")])
def test_what_is_not_one_har_is_refused(members: dict[str, bytes], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        opened(packed(members)).har()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a", "1")
        made.writestr("a", "2")
    with pytest.raises(BadInput, match="same name"):
        opened(out.getvalue())


def test_a_bomb_is_noticed_by_how_it_grows() -> None:
    found = opened(packed({"har.har": har(), "bomb.html": b"\0" * 20_000_000}))
    with pytest.raises(BadInput, match="grows suspiciously"):
        found.read("bomb.html")


def test_all_members_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "UNPACKED_BYTES", 150_000)
    found = opened(packed({"a": "x" * 100_000, "b": "y" * 100_000}, zipfile.ZIP_STORED))
    assert len(found.read("a") or b"") == 100_000
    with pytest.raises(BadInput, match="unpacks to more than"):
        found.read("b")


def test_too_many_members_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MEMBERS", 2)
    with pytest.raises(BadInput, match="more than 2 files"):
        opened(packed({name: "x" for name in "abc"}))


def test_a_damaged_archive_is_refused_wherever_it_is_cut() -> None:
    whole = packed({"har.har": har(), "a.html": "x" * 3_000})
    for end in range(4, len(whole), 7):
        with pytest.raises(BadInput, match="damaged"):
            opened(whole[:end]).har()


def test_damaged_contents_are_refused() -> None:
    data = bytearray(packed({"har.har": har(comment="x" * 50)}))
    data[60:70] = b"\xff" * 10
    with pytest.raises(BadInput, match="damaged"):
        opened(bytes(data)).har()
