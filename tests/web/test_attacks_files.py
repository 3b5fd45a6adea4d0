"""Attacks by file names, uploads, sizes and addresses to capture: each is refused, and nothing is stored."""

import io
import json
import stat
import threading
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from capture import importers
from capture.errors import BadInput
from tests.hostile import image_bomb
from tests.web.pages.made import Bundles, add
from tests.web.serving import Browser, Served
from tests.web.workers.puppets import BEGAN, DONE, PATIENCE_S, READY, Puppet, Stage, says, until
from web.access import guards, limits
from web.store.submission import LOG_CHARS
from web.store.tables import Case, Job
from web.workers.protocol import Order, Told
from web.workers.runner import Runner
from web.workers.slot import Store

SECRET = b"-----BEGIN PRIVATE KEY-----"
OUTSIDE = (
    "../instance.key", "../../instance.key", "../../../../../../etc/passwd", "/etc/passwd", "//etc/passwd",
    "report/../../../instance.key", "..%2f..%2finstance.key", "%2e%2e/%2e%2e/instance.key", "..%5c..%5cinstance.key",
    "..\\..\\instance.key", "%252e%252e%252finstance.key", "....//....//instance.key", "evidence.json%00.png",
    "report/dossier.html/../../../../instance.key", "file:///etc/passwd", "~/.ssh/id_rsa", "CON", ".", "..",
    "..;/instance.key", "%c0%ae%c0%ae/instance.key", "report", "\uff0e\uff0e/instance.key")


@pytest.fixture
def secret(service: Served) -> None:
    """Something beside the cases that nobody may read."""
    (service.config.data / "cases" / "instance.key").write_bytes(SECRET)
    (service.config.data / "secret").write_bytes(SECRET)


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("name", OUTSIDE)
def test_a_file_name_that_leads_out_of_the_case(service: Served, bundles: Bundles, name: str) -> None:
    case, client = add(service, bundles), service.app.test_client()
    for path in (f"/cases/{case.id}/files/{name}", f"/api/v1/captures/{case.id}/files/{name}", f"/static/{name}",
                 f"/cases/{case.id}/packs/{name}.zip"):
        answer = client.get(path)
        assert answer.status_code in (308, 400, 404, 422), path
        assert SECRET not in answer.get_data()
        assert b"root:" not in answer.get_data()


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("case_id", ["..", ".", "%2e%2e", "../cases", "..%2ftmp", "0" * 26, "%00", "x" * 300])
def test_a_case_that_is_a_path(service: Served, case_id: str) -> None:
    client = service.app.test_client()
    with service.unchanged():
        for path in (f"/cases/{case_id}", f"/cases/{case_id}/files/secret", f"/cases/{case_id}/picture",
                     f"/api/v1/captures/{case_id}/files/secret"):
            answer = client.get(path, follow_redirects=True)
            assert SECRET not in answer.get_data()
            assert answer.status_code in (400, 404, 422) or answer.request.path in ("/cases", "/"), path


@pytest.mark.usefixtures("secret")
def test_a_link_that_was_put_among_the_files(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    picture = service.files.directory(case.id) / "screenshot.png"
    picture.unlink()
    picture.symlink_to(service.config.data / "secret")
    for path in (f"/cases/{case.id}/files/screenshot.png", f"/cases/{case.id}/picture",
                 f"/api/v1/captures/{case.id}/files/screenshot.png"):
        answer = service.app.test_client().get(path)
        assert answer.status_code == 404
        assert SECRET not in answer.get_data()


# Uploads.

def packed(*members: tuple[str | zipfile.ZipInfo, bytes], kind: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as made:
        for name, data in members:
            made.writestr(name, data)
    return out.getvalue()


def linked() -> bytes:
    info = zipfile.ZipInfo("har.har")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return packed((info, b"/etc/passwd"))


HAR = json.dumps({"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": []}}).encode()
UPLOADED: dict[str, bytes] = {
    "a ZIP whose member leads out": packed(("har.har", HAR), ("../../../evil", b"x")),
    "a ZIP whose member is absolute": packed(("har.har", HAR), ("/tmp/evil", b"x")),
    "a ZIP whose member has backslashes": packed(("har.har", HAR), ("..\\..\\evil", b"x")),
    "a ZIP with a link": linked(),
    "a ZIP bomb": packed(("har.har", b'{"log": {' + b" " * 60_000_000)),
    "a ZIP in a ZIP": packed(("har.har", packed(("har.har", HAR)))),
    "a ZIP with too many members": packed(*((f"{number}", b"") for number in range(6_000)), kind=zipfile.ZIP_STORED),
    "a ZIP that is none": b"PK\x03\x04" + b"\0" * 100,
    "a picture bomb": image_bomb(),
    "a picture that is none": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
    "a program": b"\x7fELF" + bytes(range(256)) * 10,
    "JSON nested without end": b"[" * 100_000,
}


def importing(order: Order) -> Told:
    """What a worker does with the files of an import, in this process."""
    uploads = [importers.Upload(name, path.read_bytes()) for name, path in order.uploads]
    try:
        importers.bring(uploads, order.staging)
    except BadInput as error:
        return says("bad", str(error))
    return says("captured")


@contextmanager
def working(service: Served) -> Iterator[None]:
    """A runner with such a worker works meanwhile."""
    stage = Stage(Puppet(READY, BEGAN, importing, DONE))
    runner = Runner(Store(service.database, service.files, service.key), stage.as_pool(), 1)
    runner.start()
    try:
        yield
    finally:
        runner.stop(0.0)


def hand_in(browser: Browser, *files: tuple[bytes, str], **given: str) -> TestResponse:
    kind, body = multipart(*files, csrf_token=browser.csrf("/account"), **given)
    return browser.client.post("/import", data=body, content_type=kind)


def multipart(*files: tuple[bytes, str], **fields: str) -> tuple[str, bytes]:
    """Content-Type and body of an upload."""
    uploads = [FileStorage(io.BytesIO(data), filename=name) for data, name in files]
    boundary, body = encode_multipart({**fields, "files": uploads})
    return f"multipart/form-data; boundary={boundary}", body


@pytest.mark.parametrize("kind", UPLOADED)
def test_an_upload_that_attacks_whoever_reads_it(service: Served, kind: str) -> None:
    browser = service.browser()
    assert hand_in(browser, (UPLOADED[kind], "x.zip")).status_code == 303
    with service.database.reading() as db:
        case_id = db.query(Case).one().id

    def ended() -> bool:
        with service.database.reading() as db:
            return db.get_one(Job, case_id).state == "ended" and not list(service.files.uploads.iterdir())

    with working(service):
        until(ended, "the end of the import")
    with service.database.reading() as db:
        case = db.get_one(Case, case_id)
    assert case.state == "failed"
    assert "x.zip: " in (case.reason or "")
    left = [path for directory in (service.files.cases, service.files.tmp, service.files.uploads)
            for path in directory.rglob("*")]
    assert left == []
    assert not (service.config.data.parent / "evil").exists()


@pytest.mark.parametrize("name", [
    "../../../evil", "/etc/cron.d/evil", "..\\..\\evil", "evil\0.png", "C:\\evil", "a" * 255, ".", "..", "",
    "\u202egnp.evil", "<script>alert(1)</script>", "evil\r\nX: y"])
def test_an_upload_whose_name_is_a_path(service: Served, name: str) -> None:
    browser = service.browser()
    before = {path for path in service.config.data.parent.rglob("*") if "evil" in path.name}
    hand_in(browser, (b"<html>", name))
    kept = [path.name for path in service.files.uploads.rglob("*") if path.is_file()]
    assert kept in ([], ["0"])
    assert {path for path in service.config.data.parent.rglob("*") if "evil" in path.name} == before


def test_an_upload_that_is_too_large(service: Served) -> None:
    served = service.configured(upload_bytes=10_000)
    too_large = b"x" * (10_000 + guards.WITH_LOG + 1)
    kind, body = multipart((too_large, "x.har"))
    with served.unchanged():
        assert hand_in(served.browser(), (too_large, "x.har")).status_code == 413
        answer = served.app.test_client().post("/api/v1/imports", data=body, content_type=kind)
        assert answer.status_code == 413


def import_one(service: Served, data: bytes) -> TestResponse:
    kind, body = multipart((data, "x.har"))
    return service.app.test_client().post("/api/v1/imports", data=body, content_type=kind)


def test_too_many_uploads_at_once(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """While as many are read as may be, each further one is told to come back, and nothing of it is kept."""
    keep, read, go_on = service.files.keep_uploads, threading.Semaphore(0), threading.Event()

    def kept_slowly(case_id: str, uploads: Sequence[bytes]) -> list[Path]:
        read.release()
        assert go_on.wait(PATIENCE_S)
        return keep(case_id, uploads)

    monkeypatch.setattr(service.files, "keep_uploads", kept_slowly)
    with ThreadPoolExecutor(limits.READ_AT_A_TIME) as pool, ExitStack() as at_the_end:
        at_the_end.callback(go_on.set)
        first = [pool.submit(import_one, service, HAR) for _ in range(limits.READ_AT_A_TIME)]
        assert all(read.acquire(timeout=PATIENCE_S) for _ in first)
        with service.unchanged():
            further = [import_one(service, HAR), hand_in(service.browser(), (HAR, "x.har"))]
        assert [(answer.status_code, answer.headers["Retry-After"]) for answer in further] == [(429, "5")] * 2
        assert service.browser().get("/").status_code == 200
    assert [answer.result().status_code for answer in first] == [202] * limits.READ_AT_A_TIME
    assert import_one(service, HAR).status_code == 202


def test_uploads_that_are_refused_hold_no_place(service: Served) -> None:
    with service.unchanged():
        assert [import_one(service, b"").status_code for _ in range(limits.READ_AT_A_TIME + 1)] == [422] * (
            limits.READ_AT_A_TIME + 1)


# Sizes and shapes of requests.

def test_forms_that_are_too_large(service: Served) -> None:
    browser = service.log_in("admin")
    huge = "x" * (guards.SMALL + 1)
    with service.unchanged():
        for path in ("/login", "/account/tokens", "/account/password", "/admin/users", "/logout"):
            answer = browser.post(path, {"name": huge}, seen="/account")
            assert answer.status_code == 413, path
        for field in ("log", "note", "url", "headers"):
            form = {"url": "https://shop.example/", field: "x" * (guards.WITH_LOG + 1)}
            answer = browser.post("/", form, seen="/account")
            assert answer.status_code == 413, field


@pytest.mark.parametrize(("field", "size"), [
    ("note", 4_001), ("seen", 4_001), ("log", LOG_CHARS + 1), ("url", 100_000), ("user_agent", 2_000),
    ("headers", 50_000), ("timezone", 1_000), ("locale", 1_000), ("resolvers", 5_000), ("width", 1_000)])
def test_fields_that_are_too_long(service: Served, field: str, size: int) -> None:
    with service.unchanged():
        sent = {"url": "https://shop.example/"} | {field: "x" * size}
        assert service.browser().post("/", sent, seen="/account").status_code in (413, 422)
        assert service.app.test_client().post("/api/v1/captures", json=sent).status_code in (413, 422)


def test_a_form_of_very_many_parts(service: Served) -> None:
    browser = service.log_in("admin")
    parts = {f"field-{number}": "x" for number in range(guards.PARTS + 1)}
    with service.unchanged():
        answer = browser.post("/account/tokens", parts, seen="/account", content_type="multipart/form-data")
        assert answer.status_code == 413


@pytest.mark.parametrize("body", [
    "[" * 30_000, '{"url":' * 5_000, "", "null", "[]", "1e999",
    '{"url": NaN}', '{"url": "\\ud800"}', '{"url": 1}', '{"url": {"$ne": null}}', "\xff\xfe", "{", '"x"',
    '{"__proto__": {}, "url": "https://shop.example/"}'])
def test_json_that_is_not_what_it_should_be(service: Served, body: str) -> None:
    with service.unchanged():
        for path in ("/api/v1/captures", "/api/v1/hooks/generic"):
            answer = service.app.test_client().post(
                path, data=body.encode("latin1"), content_type="application/json")
            assert answer.status_code in (400, 413, 422), path
            assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("text", [
    "\0", "x\0y", "\ud800", "\u202e", "\r\nX: y", "\x1b[2J", "%", "{{7*7}}", "\ufffe", "'"])
def test_text_that_breaks_what_handles_it(service: Served, text: str) -> None:
    """Whatever it is, the answer is one of ours and never a failure."""
    browser = service.log_in("admin")
    sent = text.encode("utf-8", "surrogatepass")
    for path in ("/login", "/account/tokens", "/admin/users", "/account/password", "/"):
        form = {"csrf_token": browser.csrf("/account").encode(), **{name: sent for name in (
            "name", "password", "role", "next", "old", "again", "url", "note", "seen", "log", "headers", "locale",
            "timezone", "resolvers", "width", "key", "user_agent", "scopes", "days")}}
        assert browser.client.post(path, data=form).status_code < 500, path
    for name in ("text", "host", "code", "since", "cursor", "url", "next", "before", "action", "again", "failure"):
        for path in ("/cases", "/", "/groups", "/login", "/admin/audit"):
            assert browser.client.get(path, query_string={name: sent}).status_code < 500, (path, name)


# Addresses to capture.

@pytest.mark.parametrize("url", [
    "http://127.0.0.1/", "http://localhost:8502/admin", "http://[::1]/", "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/", "http://192.168.1.1/", "http://[fe80::1]/", "http://[::ffff:127.0.0.1]/", "http://0/",
    "http://2130706433/", "http://0x7f.1/", "http://017700000001/", "file:///etc/passwd", "gopher://127.0.0.1/",
    "javascript:alert(1)", "data:text/html,x", "http://user@127.0.0.1/", "chrome://settings", "view-source:http://a/",
    "http://127.0.0.1\\@shop.example/", "http://shop.example:22/", "ftp://shop.example/", "http://100.64.0.1/"])
def test_an_address_inside(service: Served, url: str) -> None:
    client = service.app.test_client()
    with service.unchanged():
        answer = service.browser().post("/", {"url": url, "secret_is_fine": "yes"}, seen="/account")
        assert answer.status_code in (403, 422)
        for path, body in (("/api/v1/captures", {"url": url}), ("/api/v1/hooks/generic", {"url": url}),
                           ("/api/v1/hooks/uptime-kuma", {"heartbeat": {"status": 0}, "monitor": {"url": url}}),
                           ("/api/v1/hooks/alertmanager", {"alerts": [{"status": "firing", "labels": {
                               "instance": url}}]})):
            assert client.post(path, json=body).status_code in (200, 403, 422), path


@pytest.mark.parametrize(("field", "value"), [
    ("headers", "Host: evil.example\r\nX: y\x00"), ("headers", "X: a\nno colon"), ("headers", ": x"),
    ("user_agent", "x\r\nX-Evil: y"), ("resolvers", "127.0.0.1"), ("resolvers", "10.0.0.53"), ("resolvers", "x;id"),
    ("locale", "en\r\nX: y"), ("timezone", "../../etc/passwd"), ("width", "1e9"), ("height", "-1")])
def test_options_that_reach_further_than_the_page(service: Served, field: str, value: str) -> None:
    with service.unchanged():
        sent = {"url": "https://shop.example/", field: value}
        assert service.browser().post("/", sent, seen="/account").status_code in (403, 422)


def test_a_queue_that_is_filled_up(service: Served) -> None:
    served = service.configured(queue_length=3, queue_length_per_user=2)
    ann, bob = served.log_in("member", "ann"), served.log_in("member", "bob")
    form = {"url": "https://shop.example/"}
    assert [ann.post("/", form, seen="/account").status_code for _ in range(2)] == [303, 303]
    with served.unchanged():
        answer = ann.post("/", form, seen="/account")
        assert (answer.status_code, "Retry-After" in answer.headers) == (429, True)
    assert bob.post("/", form, seen="/account").status_code == 303
    with served.unchanged():
        assert bob.post("/", form, seen="/account").status_code == 429


def test_a_disk_that_is_filled_up(service: Served) -> None:
    served = service.configured(min_free_bytes=1 << 60)
    with served.unchanged():
        assert served.browser().post("/", {"url": "https://shop.example/"}, seen="/account").status_code == 507
        assert hand_in(served.browser(), (b"<html>", "x.html")).status_code == 507
        assert served.app.test_client().post("/api/v1/captures", json={"url": "https://a.example/"}).status_code == 507
