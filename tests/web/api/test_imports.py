"""Imports by the API: files become a case that waits; what is missing, empty or unknown is named."""

import io

import pytest

from tests.web.api.calls import Api, problem
from tests.web.serving import Served
from web.store.submission import UPLOADS
from web.store.tables import Case, LogExcerpt

IMPORTS = "/api/v1/imports"


def some(count: int = 1, data: bytes = b"{}") -> list[tuple[io.BytesIO, str]]:
    return [(io.BytesIO(data), f"C:\\fakepath\\{number}.har") for number in range(count)]


def test_files_become_a_case_that_waits(api: Api, service: Served) -> None:
    answer = api.post(IMPORTS, data={"files": some(2), "url": "https://shop.example/", "seen": "502", "log": "a line"})
    told = answer.get_json()
    assert (answer.status_code, told["kind"], told["source"], told["state"]) == (202, "import", "import", "queued")
    assert service.files.upload(told["id"], 1).read_bytes() == b"{}"
    assert service.count(LogExcerpt) == 1
    assert api.get(answer.headers["Location"]).status_code == 200


def test_the_same_key_with_the_same_files_makes_nothing_new(api: Api, service: Served) -> None:
    key = {"Idempotency-Key": "a key"}
    first, second = (api.post(IMPORTS, data={"files": some()}, headers=key).get_json()["id"] for _ in range(2))
    assert first == second
    problem(api.post(IMPORTS, data={"files": some(data=b"other")}, headers=key), 409, "conflict")
    assert service.count(Case) == 1


def test_what_is_wrong_is_named(api: Api, service: Served) -> None:
    for data, field in (
            ({"note": "no files"}, "files"), ({"files": some(data=b"")}, "files"),
            ({"files": some(UPLOADS + 1)}, "uploads"), ({"files": some(), "wrong": "1"}, "wrong"),
            ({"files": some(), "other": some()}, "other"), ({"files": some(), "note": "x" * 5_000}, "note"),
            ({"files": some(), "url": "ftp://x/"}, "url"), ({"files": some(), "url": "x" * 9_000}, "url"),
            ({"files": some(), "note": ["a", "b"]}, "note")):
        found = problem(api.post(IMPORTS, data=data, content_type="multipart/form-data"), 422, "wrong-input")
        assert found["errors"][0]["field"] == field
    assert service.count(Case) == 0


def test_parts_without_end_are_refused(api: Api) -> None:
    answer = api.post(IMPORTS, data={"note": ["x"] * 100}, content_type="multipart/form-data")
    problem(answer, 413, "too-large")


@pytest.mark.parametrize("body", [b"", b"no part", b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--"])
def test_a_form_that_cannot_be_read_is_no_failure_of_ours(api: Api, body: bytes) -> None:
    answer = api.post(IMPORTS, data=body, content_type="multipart/form-data; boundary=x")
    problem(answer, 422, "wrong-input")
