"""The one door: what is accepted is kept whole, what is not leaves nothing, and no secret lies open."""

import sqlite3
import threading
from contextlib import closing
from typing import Any

import pytest
from sqlalchemy import func, select

from capture.errors import BadInput, CaptureError, Refused
from capture.record.base import Header
from capture.record.request import RequestRecord
from tests.web.store.clock import Clock
from tests.web.store.made import URL, Store, add_user
from web.errors import Conflict, NoRoom, NotFound, ServiceError, TooLarge, TooMany
from web.store import cases, jobs
from web.store.files import Folder
from web.store.secrets import BadKey, Key
from web.store.submit import KEY_HOURS, Submission, Upload, forget_keys, opened, submit
from web.store.tables import Case, IdempotencyKey, Job, Row

PLANTED = "Xq7vR2mK9pL4wT8z"
"""A secret that must not be found anywhere."""


def size(store: Store) -> dict[str, int]:
    with store.database.reading() as db:
        return {table.name: db.scalar(select(func.count()).select_from(table)) or 0
                for table in Row.metadata.sorted_tables}


def everything(store: Store) -> bytes:
    """Every byte that is on disk, the database's own log too."""
    return b"".join(path.read_bytes() for path in store.config.data.rglob("*") if path.is_file())


def claimed(store: Store) -> Job:
    with store.database.transaction() as db:
        job = jobs.claim(db, "w")
    assert job is not None
    return job


def test_a_case_and_its_job_are_there_together(store: Store, owner: str) -> None:
    case = store.submit(owner, note="new firewall", seen="white page", source="api")
    assert (case.owner_id, case.kind, case.url, case.host, case.source, case.state) == (
        owner, "capture", URL, "shop.example", "api", "queued")
    assert (case.team, case.hold, case.deleted_at) == (False, False, None), "private unless opened"
    record = RequestRecord.model_validate(case.request)
    assert (record.url, record.note, record.seen) == (URL, "new firewall", "white page")
    job = claimed(store)
    assert job.case_id == case.id
    payload = opened(store.key, job)
    assert (payload.kind, payload.request.url, payload.uploads) == ("capture", URL, ())


def test_the_worker_gets_what_was_asked_secrets_included(store: Store, owner: str) -> None:
    url = f"https://ann:{PLANTED}@shop.example/pay?token={PLANTED}"
    store.submit(owner, url=url, headers=(Header(name="Authorization", value=f"Bearer {PLANTED}"),))
    request = opened(store.key, claimed(store)).request
    assert request.url == f"https://shop.example/pay?token={PLANTED}", "a user name is not sent in an address"
    assert request.headers == (Header(name="Authorization", value=f"Bearer {PLANTED}"),)


CARRIERS: list[dict[str, Any]] = [
    {"url": f"https://shop.example/pay?token={PLANTED}"},
    {"url": f"https://ann:{PLANTED}@shop.example/"},
    {"url": f"https://shop.example/#access_token={PLANTED}"},
    {"url": f"https://shop.example/reset/{PLANTED}{PLANTED}{PLANTED}"},
    {"headers": (Header(name="Authorization", value=f"Bearer {PLANTED}"),)},
    {"headers": (Header(name="X-Anything", value=PLANTED),), "note": f"we send {PLANTED}", "seen": f"it said {PLANTED}",
     "log": f"GET /x 401 {PLANTED}", "url": f"https://shop.example/?q={PLANTED}"},
    {"note": f"password={PLANTED}"}, {"seen": f"it printed api_key: {PLANTED}"},
    {"log": f"GET /x HTTP/1.1\nCookie: session={PLANTED}\n"},
    {"log": f'10.0.0.1 - - "GET /pay?token={PLANTED} HTTP/1.1" 502'},
    {"note": f"it says {PLANTED}", "log": f"password={PLANTED}"},
    {"log": f"later {PLANTED}", "url": f"https://shop.example/pay?token={PLANTED}"},
]


@pytest.mark.parametrize("given", CARRIERS, ids=range(len(CARRIERS)))
def test_no_secret_lies_open_at_any_time(store: Store, owner: str, given: dict[str, Any]) -> None:
    case = store.submit(owner, idempotency_key="k", **given)
    assert PLANTED.encode() not in everything(store)
    with store.database.reading() as db:
        kept = f"{case.url} {case.request} {cases.log_excerpt(db, case.id)}"
    assert "redacted:" in kept or given.get("headers") or "@" in given.get("url", "")
    job = claimed(store)
    with store.database.transaction() as db:
        jobs.finish(db, case.id, job.fence, "failed", "ended")
    assert PLANTED.encode() not in everything(store)
    with store.database.reading() as db:
        assert db.scalars(select(Job.payload)).all() == [None]


def test_only_the_names_of_headers_are_kept(store: Store, owner: str) -> None:
    case = store.submit(owner, headers=(Header(name="X-Key", value=PLANTED), Header(name="Accept", value="text/html")))
    assert case.request["header_names"] == ["X-Key", "Accept"]
    assert "headers" not in case.request


def test_what_support_needs_is_not_masked(store: Store, owner: str) -> None:
    log = '192.0.2.7 - - [20/Nov/2026:07:41:02 +0000] "GET /checkout HTTP/1.1" 502 ray=8c1f0a2b3c4d5e6f-FRA'
    case = store.submit(owner, log=log, note="new firewall rule at 02:10",
                        headers=(Header(name="Accept", value="checkout"),))
    with store.database.reading() as db:
        assert cases.log_excerpt(db, case.id) == log
    assert case.request["note"] == "new firewall rule at 02:10"


def test_a_case_without_a_log_has_none(store: Store, owner: str) -> None:
    case = store.submit(owner, log=" \n")
    with store.database.reading() as db:
        assert cases.log_excerpt(db, case.id) is None


REFUSED: list[tuple[dict[str, Any], type[Exception]]] = [
    ({"url": "nonsense"}, BadInput), ({"url": "http://127.0.0.1/"}, Refused), ({"resolvers": ("127.0.0.1",)}, Refused),
    ({"note": "x" * 5000}, BadInput), ({"uploads": (Upload(name="a", data=b"x" * 101),)}, TooLarge),
    ({"recheck_of": "0" * 26}, NotFound), ({"idempotency_key": ""}, BadInput)]


@pytest.mark.parametrize(("given", "error"), REFUSED)
def test_of_what_is_not_accepted_nothing_is_stored(store: Store, owner: str, given: dict[str, Any],
                                                   error: type[Exception]) -> None:
    store, before = store.configured(upload_bytes=100), size(store)
    with pytest.raises(error):
        store.submit(owner, **{"log": "a line", **given})
    assert size(store) == before
    assert list(store.files.uploads.iterdir()) == []


class TestRoom:
    """Refused before it is accepted."""

    def refused(self, store: Store, owner: str, error: type[ServiceError], **given: Any) -> ServiceError:
        before = size(store)
        with pytest.raises(error) as caught:
            store.submit(owner, **given)
        assert size(store) == before
        return caught.value

    def test_a_full_disk(self, store: Store, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
        free = 1_000_000
        monkeypatch.setattr(Folder, "free_bytes", lambda self: free)
        store = store.configured(min_free_bytes=1_000_000)
        store.submit(owner)
        self.refused(store, owner, NoRoom, uploads=(Upload(name="a", data=b"1"),))
        assert list(store.files.uploads.iterdir()) == []
        free = 999_999
        self.refused(store, owner, NoRoom)

    def test_a_full_queue_of_one_user(self, store: Store, owner: str) -> None:
        store = store.configured(queue_length_per_user=2)
        with store.database.transaction() as db:
            other = add_user(db, "bob")
        store.submit(owner)
        store.submit(owner)
        error = self.refused(store, owner, TooMany)
        assert isinstance(error, TooMany)
        assert error.retry_after_s > 0
        assert "your" in str(error)
        store.submit(other)
        claimed(store)
        store.submit(owner)

    def test_a_full_queue(self, store: Store, owner: str) -> None:
        store = store.configured(queue_length=3)
        with store.database.transaction() as db:
            other = add_user(db, "bob")
        for user in (owner, other, owner):
            store.submit(user)
        self.refused(store, other, TooMany)
        claimed(store)
        store.submit(other)

    def test_a_target_is_not_flooded_however_many_ask(self, store: Store, clock: Clock) -> None:
        store = store.configured(target_host_per_minute=3)
        with store.database.transaction() as db:
            users = [add_user(db, name) for name in "abcde"]
        for number, user in enumerate(users[:3]):
            store.submit(user, url=f"http://SHOP.example:{8000 + number}/{number}")
            clock.move(10)
        error = self.refused(store, users[3], TooMany)
        assert isinstance(error, TooMany)
        assert error.retry_after_s == 30.0, "when the first of the three is a minute old"
        store.submit(users[3], url="https://other.example/")
        store.submit(users[3], url=URL, uploads=(Upload(name="a", data=b"an import contacts nobody"),))
        clock.move(30.001)
        store.submit(users[4])
        self.refused(store, users[4], TooMany)

    def test_deleting_a_case_does_not_give_its_target_free(self, store: Store, owner: str, clock: Clock) -> None:
        store = store.configured(target_host_per_minute=1)
        case = store.submit(owner)
        with store.database.transaction() as db:
            jobs.ask_cancel(db, case.id)
            cases.tombstone(db, case.id, "ann", "")
        self.refused(store, owner, TooMany)

    def test_limits_hold_when_many_ask_at_once(self, store: Store, owner: str) -> None:
        store = store.configured(queue_length=5)
        start = threading.Barrier(12)
        accepted: list[bool] = []

        def ask() -> None:
            start.wait()
            try:
                store.submit(owner)
                accepted.append(True)
            except TooMany:
                accepted.append(False)

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (accepted.count(True), accepted.count(False)) == (5, 7)


class TestIdempotency:
    """The same key, the same request: the same case."""

    def test_a_repeated_request_makes_nothing_new(self, store: Store, owner: str) -> None:
        first = store.submit(owner, idempotency_key="k", log="a line")
        before = size(store)
        assert store.submit(owner, idempotency_key="k", log="a line").id == first.id
        assert size(store) == before

    @pytest.mark.parametrize("other", [{"url": "https://shop.example/other"}, {"note": "x"}, {"locale": "de-DE"},
                                       {"log": "other"}, {"headers": (Header(name="A", value="b"),)}, {"source": "api"},
                                       {"uploads": (Upload(name="a", data=b"1"),)}])
    def test_the_key_of_another_request_is_a_conflict(self, store: Store, owner: str, other: dict[str, Any]) -> None:
        store.submit(owner, idempotency_key="k")
        before = size(store)
        with pytest.raises(Conflict, match="key was used for another request"):
            store.submit(owner, idempotency_key="k", **other)
        assert size(store) == before

    def test_files_count_by_their_content(self, store: Store, owner: str) -> None:
        first = store.submit(owner, idempotency_key="k", uploads=(Upload(name="a", data=b"1"),))
        assert store.submit(owner, idempotency_key="k", uploads=(Upload(name="a", data=b"1"),)).id == first.id
        with pytest.raises(Conflict):
            store.submit(owner, idempotency_key="k", uploads=(Upload(name="a", data=b"2"),))

    def test_keys_of_users_are_their_own(self, store: Store, owner: str) -> None:
        with store.database.transaction() as db:
            other = add_user(db, "bob")
        assert store.submit(owner, idempotency_key="k").id != store.submit(other, idempotency_key="k", note="x").id

    def test_without_a_key_each_request_is_a_new_one(self, store: Store, owner: str) -> None:
        assert store.submit(owner).id != store.submit(owner).id

    def test_a_repeated_request_is_answered_even_when_the_queue_is_full(self, store: Store, owner: str) -> None:
        store = store.configured(queue_length=1)
        first = store.submit(owner, idempotency_key="k")
        assert store.submit(owner, idempotency_key="k").id == first.id

    def test_a_key_runs_out_after_a_day(self, store: Store, owner: str, clock: Clock) -> None:
        first = store.submit(owner, idempotency_key="k")
        clock.move(KEY_HOURS * 3600)
        assert store.submit(owner, idempotency_key="k").id == first.id
        clock.move(0.001)
        second = store.submit(owner, idempotency_key="k", note="another request")
        assert second.id != first.id
        clock.move(KEY_HOURS * 3600 + 1)
        with store.database.transaction() as db:
            forget_keys(db)
            assert db.scalar(select(func.count()).select_from(IdempotencyKey)) == 0

    def test_of_many_at_once_one_is_made(self, store: Store, owner: str) -> None:
        start = threading.Barrier(8)
        made: list[str] = []

        def ask() -> None:
            start.wait()
            made.append(store.submit(owner, idempotency_key="k").id)

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 8
        assert len(set(made)) == 1
        assert size(store)["cases"] == 1


def test_an_import_keeps_its_files_until_its_job_has_ended(store: Store, owner: str) -> None:
    files = (Upload(name="../../etc/passwd", data=b"first"), Upload(name="page.har", data=b"second"))
    case = store.submit(owner, url="", source="import", uploads=files, note="what I saw")
    assert (case.kind, case.url, case.host) == ("import", "", "")
    payload = opened(store.key, claimed(store))
    assert (payload.kind, payload.uploads, payload.request.url) == ("import", ("../../etc/passwd", "page.har"), "")
    assert payload.request.note == "what I saw"
    assert [store.files.upload(case.id, number).read_bytes() for number in (0, 1)] == [b"first", b"second"]
    assert {path.name for path in (store.files.uploads / case.id).iterdir()} == {"0", "1"}


def test_files_that_cannot_be_kept_are_not_accepted(store: Store, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("web.store.files._sync", full)
    before = size(store)
    with pytest.raises(NoRoom, match="nothing was accepted"):
        store.submit(owner, uploads=(Upload(name="a", data=b"1"),))
    assert size(store) == before
    assert list(store.files.uploads.iterdir()) == []


def test_others_can_write_while_files_are_written(store: Store, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = store.files.keep_uploads

    def kept_while_somebody_writes(*given: Any) -> Any:
        with closing(sqlite3.connect(store.database.path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")
        return keep(*given)

    monkeypatch.setattr(store.files, "keep_uploads", kept_while_somebody_writes)
    case = store.submit(owner, uploads=(Upload(name="a", data=b"1"),))
    assert store.files.upload(case.id, 0).read_bytes() == b"1"


def test_of_files_without_a_case_nothing_stays(store: Store, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = {"idempotency_key": "k", "uploads": (Upload(name="a", data=b"1"),)}
    first = store.submit(owner, **asked)
    assert store.submit(owner, **asked).id == first.id
    with pytest.raises(TooMany):
        store.configured(queue_length=0).submit(owner, uploads=asked["uploads"])
    monkeypatch.setattr(store.files, "free_bytes", lambda: -1)
    assert store.submit(owner, **asked).id == first.id, "a repetition needs no room"
    assert store.files.uploaded(0) == {first.id}


def test_a_recheck_is_linked(store: Store, owner: str) -> None:
    first = store.submit(owner)
    second = store.submit(owner, recheck_of=first.id, source="recheck")
    assert second.recheck_of == first.id
    assert second.address == first.address


def test_a_job_of_another_instances_key_is_not_opened(store: Store, owner: str) -> None:
    store.submit(owner)
    job = claimed(store)
    with pytest.raises(BadKey):
        opened(Key(b"o" * 32), job)
    job.payload = None
    with pytest.raises(BadKey):
        opened(store.key, job)


def test_nothing_is_there_before_the_transaction_is_committed(store: Store, owner: str) -> None:
    asked = Submission(owner_id=owner, source="form", url=URL)
    before = size(store)
    with store.database.transaction() as db:
        submit(db, store.config, store.files, store.key, asked)
        db.rollback()
    assert size(store) == before


def test_others_can_write_while_a_long_log_is_masked(store: Store, owner: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from web.store import submit as module

    masked = module._masked

    def masked_while_somebody_writes(*given: Any) -> Any:
        with store.database.transaction() as db:
            add_user(db, "bob")
        return masked(*given)

    monkeypatch.setattr(module, "_masked", masked_while_somebody_writes)
    store.submit(owner, log="a line")
    assert size(store)["users"] == 2


@pytest.mark.parametrize("text", ["\ud800", "a\0b", "\ufffe", "𝕏" * 100, "\u202e"])
def test_no_text_breaks_it(store: Store, owner: str, text: str) -> None:
    case = store.submit(owner, note=text, seen=text, log=text)
    with store.database.reading() as db:
        assert db.get_one(Case, case.id).request["note"]


@pytest.mark.parametrize("text", ["\ud800", "\0", "é", "https://shop.example/\ud800"])
@pytest.mark.parametrize("field", ["url", "user_agent", "locale", "timezone", "idempotency_key", "recheck_of"])
def test_strange_characters_elsewhere_are_an_answer_and_no_failure_of_ours(store: Store, owner: str, field: str,
                                                                           text: str) -> None:
    with pytest.raises((CaptureError, ServiceError)):
        store.submit(owner, **{field: text})
