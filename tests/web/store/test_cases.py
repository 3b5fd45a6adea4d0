"""Cases and their history: what somebody may see, what is found, what is left when one is deleted."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from capture.errors import BadInput
from tests.web.store.made import Somebody, Store, add_user
from web.errors import Conflict, NotFound
from web.store import cases, events, ids, jobs
from web.store.cases import Query
from web.store.results import address
from web.store.tables import Case, Event, LogExcerpt, Note, Row, Share, ShareView

DAY = datetime(2026, 11, 20, tzinfo=UTC)


def add(db: Session, owner_id: str, minute: int = 0, **given: Any) -> Case:
    url = given.get("url", f"https://{given.get('host', 'shop.example')}/checkout")
    row = {"id": ids.new_id(), "owner_id": owner_id, "kind": "capture", "created_at": DAY + timedelta(minutes=minute),
           "url": url, "host": "shop.example", "address": address(url), "request": {}, "source": "form",
           "state": "done", **given}
    case = Case(**row)
    db.add(case)
    db.flush()
    return case


def found(store: Store, who: Somebody, **query: Any) -> set[str]:
    with store.database.reading() as db:
        return {case.id for case in cases.search(db, who, Query(**query)).rows}


@pytest.fixture
def people(store: Store) -> dict[str, Somebody]:
    with store.database.transaction() as db:
        return {name: Somebody(add_user(db, name, role), role)
                for name, role in (("ann", "member"), ("bob", "member"), ("eve", "viewer"), ("root", "admin"))}


class TestVisible:
    """Who sees what."""

    @pytest.fixture
    def made(self, store: Store, people: dict[str, Somebody]) -> dict[str, str]:
        with store.database.transaction() as db:
            return {"ann's": add(db, people["ann"].user_id, 1, failure="f1", host="h", url="u", address="a").id,
                    "ann's, team": add(db, people["ann"].user_id, 2, team=True, failure="f1", address="a").id,
                    "bob's": add(db, people["bob"].user_id, 3, failure="f1", address="a").id}

    @pytest.mark.parametrize(("who", "sees"), [
        ("ann", {"ann's", "ann's, team"}), ("bob", {"bob's", "ann's, team"}), ("eve", {"ann's, team"}),
        ("root", {"ann's", "ann's, team", "bob's"})])
    def test_only_ones_own_the_teams_and_for_admins_all(self, store: Store, people: dict[str, Somebody],
                                                        made: dict[str, str], who: str, sees: set[str]) -> None:
        somebody, expected = people[who], {made[name] for name in sees}
        assert found(store, somebody) == expected
        with store.database.reading() as db:
            for case_id in expected:
                assert cases.get(db, somebody, case_id).id == case_id
            for case_id in set(made.values()) - expected:
                with pytest.raises(NotFound, match="no such case"):
                    cases.get(db, somebody, case_id)
            assert sum(group.count for group in cases.groups(db, somebody).rows) == len(expected)
            assert {case.id for group in cases.groups(db, somebody).rows for case in [group.newest]} <= expected
            first = db.get_one(Case, made["ann's"])
            assert {case.id for case in cases.timeline(db, somebody, first)} == expected

    @pytest.mark.parametrize("case_id", ["", "x", "0" * 26, "'; --", "\ud800", "٠" * 26, "\0"])
    def test_what_does_not_exist_is_not_found_in_the_same_words(self, store: Store, people: dict[str, Somebody],
                                                                case_id: str) -> None:
        with store.database.reading() as db, pytest.raises(NotFound, match=r"\Athere is no such case\Z"):
            cases.get(db, people["root"], case_id)


class TestSearch:
    """What is found."""

    @pytest.fixture
    def who(self, people: dict[str, Somebody]) -> Somebody:
        return people["ann"]

    @pytest.fixture
    def made(self, store: Store, who: Somebody) -> dict[str, str]:
        given: dict[str, dict[str, Any]] = {
            "cloudflare": {"generator": "cloudflare", "vendor_code": "521", "fault_code": "origin.refused",
                           "fault_side": "origin", "status": 521, "summary": "The origin refuses Cloudflare.",
                           "number": "GW-7K3F-22QD", "failure": "f1"},
            "nginx": {"generator": "nginx", "host": "www.shop.example", "fault_side": "origin", "status": 502,
                      "fault_code": "nginx.502", "summary": "50% of all Requests fail_here.", "failure": "f2"},
            "aws": {"generator": "aws-s3", "host": "notshop.example", "vendor_code": "NoSuchKey", "status": 404},
            "failed": {"state": "failed", "host": "shop.example.evil.example"},
            "fine": {"fault_side": "unknown", "host": "192.0.2.1", "status": 200}}
        with store.database.transaction() as db:
            return {name: add(db, who.user_id, minute, **row).id for minute, (name, row) in enumerate(given.items())}

    @pytest.mark.parametrize(("query", "names"), [
        ({}, {"cloudflare", "nginx", "aws", "failed", "fine"}),
        ({"host": "shop.example"}, {"cloudflare", "nginx"}),
        ({"host": "SHOP.example."}, {"cloudflare", "nginx"}),
        ({"host": "www.shop.example"}, {"nginx"}),
        ({"host": "%"}, set()),
        ({"host": "_hop.example"}, set()),
        ({"vendor": "cloudflare"}, {"cloudflare"}),
        ({"code": "521"}, {"cloudflare"}),
        ({"code": "502"}, {"nginx"}),
        ({"code": "nosuchkey"}, {"aws"}),
        ({"code": "nginx.502"}, {"nginx"}),
        ({"code": "99999999999999999999"}, set()),
        ({"verdict": "origin"}, {"cloudflare", "nginx"}),
        ({"verdict": "origin", "vendor": "nginx"}, {"nginx"}),
        ({"state": "failed"}, {"failed"}),
        ({"failure": "f1"}, {"cloudflare"}),
        ({"since": DAY + timedelta(minutes=3)}, {"failed", "fine"}),
        ({"until": DAY + timedelta(minutes=1)}, {"cloudflare"}),
        ({"since": DAY + timedelta(minutes=1), "until": DAY + timedelta(minutes=2)}, {"nginx"}),
        ({"text": "refuses cloudFLARE"}, {"cloudflare"}),
        ({"text": "gw-7k3f"}, {"cloudflare"}),
        ({"text": "/checkout"}, {"cloudflare", "nginx", "aws", "failed", "fine"}),
        ({"text": "50%"}, {"nginx"}),
        ({"text": "fail_here"}, {"nginx"}),
        ({"text": "failxhere"}, set()),
        ({"text": "%"}, {"nginx"}),
        ({"text": "' OR 1=1 --"}, set()),
        ({"text": "\ud800\0"}, set()),
        ({"text": "  "}, {"cloudflare", "nginx", "aws", "failed", "fine"}),
    ])
    def test_everything_given_must_hold(self, store: Store, who: Somebody, made: dict[str, str], query: dict[str, Any],
                                        names: set[str]) -> None:
        assert found(store, who, **query) == {made[name] for name in names}

    def test_by_its_own_id(self, store: Store, who: Somebody, made: dict[str, str]) -> None:
        assert found(store, who, text=made["aws"].lower()) == {made["aws"]}

    @given(st.text(max_size=20))
    def test_no_text_breaks_it(self, one_store: tuple[Store, Somebody], text: str) -> None:
        store, who = one_store
        for field in ("host", "vendor", "code", "verdict", "state", "failure", "text"):
            assert found(store, who, **{field: text}) <= found(store, who)

    def test_groups_are_those_of_one_failure(self, store: Store, who: Somebody) -> None:
        with store.database.transaction() as db:
            rows = {minute: add(db, who.user_id, minute, failure=failure)
                    for minute, failure in enumerate(["f1", "f2", "f1", None, "f3", "f1", "f2"])}
            add(db, who.user_id, 99, failure="f3", deleted_at=DAY)
        with store.database.reading() as db:
            groups = cases.groups(db, who).rows
            assert [(group.failure, group.count, group.first, group.last, group.newest.id) for group in groups] == [
                ("f2", 2, rows[1].created_at, rows[6].created_at, rows[6].id),
                ("f1", 3, rows[0].created_at, rows[5].created_at, rows[5].id),
                ("f3", 1, rows[4].created_at, rows[4].created_at, rows[4].id)]
            assert [group.failure for group in cases.groups(db, who, limit=2).rows] == ["f2", "f1"]
            later = cases.groups(db, who, Query(since=rows[5].created_at)).rows
            assert [(group.failure, group.count) for group in later] == [("f2", 1), ("f1", 1)]


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Somebody]:
    """One store for many searches."""
    from tests.web.store.made import open_store

    store = open_store(tmp_path_factory.mktemp("data"))
    with store.database.transaction() as db:
        who = Somebody(add_user(db, "ann"))
        for minute in range(3):
            add(db, who.user_id, minute, generator="nginx", summary="A summary.")
    return store, who


class TestPages:
    """Page after page."""

    def pages(self, store: Store, who: Somebody, limit: int) -> list[list[str]]:
        pages, cursor = [], None
        with store.database.reading() as db:
            while True:
                page = cases.search(db, who, None, cursor, limit)
                pages.append([case.id for case in page.rows])
                cursor = page.next
                if cursor is None:
                    return pages

    @pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 200])
    def test_each_case_comes_once_even_when_times_are_equal(self, store: Store, people: dict[str, Somebody],
                                                            limit: int) -> None:
        who = people["ann"]
        with store.database.transaction() as db:
            rows = [add(db, who.user_id, minute // 3) for minute in range(7)]
        rows.sort(key=lambda case: (case.created_at, case.id), reverse=True)
        pages = self.pages(store, who, limit)
        assert [case_id for page in pages for case_id in page] == [case.id for case in rows]
        assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
        assert len(pages) == -(-7 // limit)

    def test_a_new_case_does_not_shift_the_next_page(self, store: Store, people: dict[str, Somebody]) -> None:
        who = people["ann"]
        with store.database.transaction() as db:
            rows = [add(db, who.user_id, minute) for minute in range(4)]
        with store.database.reading() as db:
            first = cases.search(db, who, limit=2)
        with store.database.transaction() as db:
            add(db, who.user_id, 99)
        with store.database.reading() as db:
            rest = cases.search(db, who, None, first.next, 2)
        assert [case.id for case in rest.rows] == [rows[1].id, rows[0].id]

    def test_nothing_found_is_one_empty_page(self, store: Store, people: dict[str, Somebody]) -> None:
        assert self.pages(store, people["ann"], 10) == [[]]

    @pytest.mark.parametrize("limit", [-5, 0])
    def test_a_page_has_at_least_one_row(self, store: Store, people: dict[str, Somebody], limit: int) -> None:
        with store.database.transaction() as db:
            add(db, people["ann"].user_id)
        assert [len(page) for page in self.pages(store, people["ann"], limit)] == [1]

    @pytest.mark.parametrize("cursor", ["", "x", "!", "AAAA", "é", "MTIzLng", "OTk5OTk5OTk5OTk5OTk5OTk5OS4w", "\ud800",
                                        "LTEuMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA"])
    def test_a_cursor_that_is_not_ours_is_bad_input(self, store: Store, people: dict[str, Somebody],
                                                    cursor: str) -> None:
        with store.database.reading() as db, pytest.raises(BadInput, match="cursor"):
            cases.search(db, people["ann"], None, cursor)
        with store.database.reading() as db, pytest.raises(BadInput, match="cursor"):
            cases.groups(db, people["ann"], None, cursor)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 200])
    def test_each_failure_comes_once_even_when_times_are_equal(self, store: Store, people: dict[str, Somebody],
                                                               limit: int) -> None:
        who = people["ann"]
        with store.database.transaction() as db:
            for minute, failure in enumerate(["f1", "f2", "f3", "f4", "f5", "f1", "f2"]):
                add(db, who.user_id, minute // 2, failure=failure)
        pages: list[list[tuple[str, int]]] = []
        cursor: str | None = None
        with store.database.reading() as db:
            while cursor is not None or not pages:
                page = cases.groups(db, who, None, cursor, limit)
                pages.append([(group.failure, group.count) for group in page.rows])
                cursor = page.next
        assert [group for found in pages for group in found] == [
            ("f2", 2), ("f1", 2), ("f5", 1), ("f3", 1), ("f4", 1)]
        assert [len(found) for found in pages[:-1]] == [limit] * (len(pages) - 1)
        assert len(pages) == -(-5 // limit)

    @given(st.text(max_size=60))
    def test_no_cursor_breaks_it(self, one_store: tuple[Store, Somebody], cursor: str) -> None:
        store, who = one_store
        with store.database.reading() as db:
            try:
                assert len(cases.search(db, who, None, cursor).rows) <= 3
            except BadInput:
                pass


def test_the_timeline_is_newest_first_and_only_of_one_page(store: Store, people: dict[str, Somebody]) -> None:
    who = people["ann"]
    with store.database.transaction() as db:
        rows = [add(db, who.user_id, minute) for minute in range(3)]
        add(db, who.user_id, 5, url="https://shop.example/other")
        add(db, who.user_id, 6, deleted_at=DAY)
    with store.database.reading() as db:
        assert [case.id for case in cases.timeline(db, who, rows[1])] == [case.id for case in reversed(rows)]
        assert len(cases.timeline(db, who, rows[1], limit=2)) == 2


def test_a_case_without_an_address_has_no_timeline_but_itself(store: Store, people: dict[str, Somebody]) -> None:
    """Imports that are not read yet, and tombstones."""
    who = people["ann"]
    with store.database.transaction() as db:
        one, _ = (add(db, who.user_id, minute, url="", address="") for minute in range(2))
    with store.database.reading() as db:
        assert [case.id for case in cases.timeline(db, who, one)] == [one.id]


def test_rechecks_lead_from_the_first_look_to_the_later_ones(store: Store, people: dict[str, Somebody]) -> None:
    who = people["ann"]
    with store.database.transaction() as db:
        first = add(db, who.user_id)
        later = [add(db, who.user_id, minute, recheck_of=first.id) for minute in (2, 1)]
        add(db, people["bob"].user_id, 3, recheck_of=first.id)
    with store.database.reading() as db:
        assert [case.id for case in cases.rechecks(db, who, first.id)] == [later[1].id, later[0].id]


def test_counts_leave_tombstones_out(store: Store, people: dict[str, Somebody]) -> None:
    with store.database.transaction() as db:
        for state in ("done", "done", "failed"):
            add(db, people["ann"].user_id, state=state)
        add(db, people["ann"].user_id, deleted_at=DAY)
    with store.database.reading() as db:
        assert cases.counts(db) == {"done": 2, "failed": 1}


class TestTombstone:
    """What is left."""

    @pytest.fixture
    def case(self, store: Store, people: dict[str, Somebody]) -> Case:
        """One with everything that can hang on it."""
        ann = people["ann"].user_id
        with store.database.transaction() as db:
            case = add(db, ann, summary="planted-secret", url="https://shop.example/planted-secret", number="GW-1",
                       request={"note": "planted-secret"}, failure="f1", manifest_sha256="m" * 64, size_bytes=5,
                       team=True, reason="planted-secret")
            share = Share(id=ids.new_id(), case_id=case.id, token_hash=b"t", created_by=ann, created_at=DAY,
                          expires_at=DAY)
            db.add_all([share, Note(id=ids.new_id(), case_id=case.id, user_id=ann, at=DAY, text="planted-secret"),
                        LogExcerpt(case_id=case.id, text="planted-secret")])
            db.flush()
            db.add(ShareView(share_id=share.id, at=DAY, address="192.0.2.1", agent="planted-secret"))
            events.append(db, case.id, "step", {"reason": "planted-secret"})
            return case

    def test_content_goes_and_custody_stays(self, store: Store, people: dict[str, Somebody], case: Case) -> None:
        with store.database.transaction() as db:
            cases.tombstone(db, case.id, "ann", "the customer asked for it")
        with store.database.reading() as db:
            row = cases.get(db, people["ann"], case.id)
            assert (row.manifest_sha256, row.number, row.state, row.host) == ("m" * 64, "GW-1", "done", "shop.example")
            assert (row.deleted_by, row.deleted_why) == ("ann", "the customer asked for it")
            assert row.deleted_at is not None
            assert [db.scalar(select(func.count()).select_from(table)) for table in (
                Share, ShareView, Note, LogExcerpt, Event)] == [0] * 5
            rows = [repr(row) for table in Row.metadata.sorted_tables for row in db.execute(select(table))]
        assert "planted-secret" not in "".join(rows)

    def test_it_is_found_only_when_asked_for(self, store: Store, people: dict[str, Somebody], case: Case) -> None:
        with store.database.transaction() as db:
            cases.tombstone(db, case.id, "ann", "")
        assert found(store, people["ann"]) == set()
        assert found(store, people["ann"], deleted=True) == {case.id}
        assert found(store, people["bob"], deleted=True) == set(), "and not by the team any more"

    def test_deleting_twice_changes_nothing(self, store: Store, case: Case) -> None:
        with store.database.transaction() as db:
            first = cases.tombstone(db, case.id, "ann", "because")
            at = first.deleted_at
        with store.database.transaction() as db:
            again = cases.tombstone(db, case.id, "bob", "another reason")
        assert (again.deleted_by, again.deleted_why, again.deleted_at) == ("ann", "because", at)

    def test_a_case_on_hold_stays(self, store: Store, case: Case) -> None:
        with store.database.transaction() as db:
            db.get_one(Case, case.id).hold = True
        with store.database.transaction() as db, pytest.raises(Conflict, match="on hold"):
            cases.tombstone(db, case.id, "ann", "")

    def test_a_capture_is_cancelled_before_it_is_deleted(self, store: Store, people: dict[str, Somebody]) -> None:
        case = store.submit(people["ann"].user_id)
        with store.database.transaction() as db, pytest.raises(Conflict, match="cancel it"):
            cases.tombstone(db, case.id, "ann", "")
        with store.database.transaction() as db:
            jobs.ask_cancel(db, case.id)
            cases.tombstone(db, case.id, "ann", "")

    def test_what_is_not_there_cannot_be_deleted(self, store: Store) -> None:
        with store.database.transaction() as db, pytest.raises(NotFound):
            cases.tombstone(db, "0" * 26, "ann", "")
