"""What a finished case looks like in the database: everything that history is searched by, and nothing invented."""

import hashlib
from pathlib import Path

import pytest

from capture.record.bundle import BundleError
from capture.record.codec import UnreadableRecord
from capture.redact import Redactor
from report.fingerprint import fingerprint
from tests.builders import answered, failed
from tests.web.store.made import URL, fill
from web.store.results import MASKED, Result, address, host, read
from web.store.tables import Case


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("bundle")
    fill(made)
    return made


def test_columns_follow_from_the_files(directory: Path) -> None:
    result = read(directory)
    verdict = result.diagnosis.verdict
    case = Case(url=URL, host="shop.example", address=address(URL))
    result.write(case)
    assert (case.is_error_page, case.status, case.generator) == (True, 502, "nginx")
    assert (case.summary, case.fault_side, case.fault_code, case.vendor_code, case.certainty) == (
        verdict.summary, verdict.fault_side, verdict.fault_code, verdict.vendor_code, verdict.certainty)
    assert case.failure == fingerprint(result.diagnosis, URL) is not None
    assert case.manifest_sha256 == hashlib.sha256((directory / "manifest.json").read_bytes()).hexdigest()
    assert case.number is not None
    assert case.number.startswith("GW-")
    assert case.size_bytes == sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())


def test_an_unreachable_site_is_a_result(tmp_path: Path) -> None:
    fill(tmp_path, failed("net::ERR_CONNECTION_REFUSED"))
    result = read(tmp_path)
    case = Case(url=URL)
    result.write(case)
    assert (result.state, case.status, case.is_error_page is None) == ("done", None, False)


def test_an_import_learns_its_address_from_what_was_imported(directory: Path) -> None:
    case = Case(url="", host="", address="")
    read(directory).write(case)
    assert (case.url, case.host, case.address) == (URL, "shop.example", address(URL))


def test_the_address_that_was_asked_for_stays(directory: Path) -> None:
    case = Case(url="https://asked.example/", host="asked.example", address="a")
    read(directory).write(case)
    assert (case.url, case.host, case.address) == ("https://asked.example/", "asked.example", "a")


def test_long_names_fit_into_their_columns(directory: Path) -> None:
    result = read(directory)
    said = result.diagnosis.verdict.model_copy(update={"vendor_code": "x" * 500})
    case = Case(url=URL)
    Result(**{**vars(result), "diagnosis": result.diagnosis.model_copy(update={"verdict": said})}).write(case)
    assert case.vendor_code == "x" * 64


@pytest.mark.parametrize(("name", "data", "error"), [
    ("evidence.json", None, BundleError), ("manifest.json", None, BundleError),
    ("report/diagnosis.json", None, BundleError), ("evidence.json", b"{}", UnreadableRecord),
    ("manifest.json", b"[]", UnreadableRecord), ("report/diagnosis.json", b'{"verdict": 1}', UnreadableRecord)])
def test_half_a_case_is_none(tmp_path: Path, name: str, data: bytes | None, error: type[Exception]) -> None:
    fill(tmp_path)
    (tmp_path / name).unlink() if data is None else (tmp_path / name).write_bytes(data)
    with pytest.raises(error):
        read(tmp_path)


def test_captures_of_one_page_have_one_address_whatever_its_secrets() -> None:
    """Each case masks with a key of its own."""
    urls = ["https://shop.example/pay?token=abcdef1234567890", "https://shop.example/pay?token=zzzzzz0987654321zzzz"]
    masked = [Redactor().url(url, "x") for url in (*urls, urls[0])]
    assert len(set(masked)) == 3
    assert all(MASKED.search(url) for url in masked)
    assert len({address(url) for url in masked}) == 1
    other = Redactor().url("https://shop.example/pay?token=abcdef1234567890&step=2", "x")
    assert address(other) != address(masked[0])


def test_a_secret_in_the_user_information_is_no_part_of_the_address() -> None:
    masked = {Redactor().url(f"https://ann:{word}@shop.example/", "x") for word in ("first-secret", "other-secret-99")}
    assert len({address(url) for url in masked}) == 1


@pytest.mark.parametrize(("url", "expected"), [
    ("https://SHOP.example:8443/x", "shop.example"), ("https://shop.example./", "shop.example"),
    ("http://[2001:db8::1]/", "2001:db8::1"), ("", ""), ("http://[", ""), ("screenshot.png", ""),
    ("http://[redacted:secret:11:23b145f6].example/", ""),
    ("http://" + "a" * 300, "a" * 255)])
def test_the_host_of_an_address(url: str, expected: str) -> None:
    assert host(url) == expected


def test_a_working_page_has_no_failure(tmp_path: Path) -> None:
    fill(tmp_path, answered(200, [], "<title>Shop</title><h1>Shop</h1><p>Everything for your garden.</p>"))
    assert read(tmp_path).failure is None
