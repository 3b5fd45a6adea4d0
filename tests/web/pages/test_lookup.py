"""Finding a case: who may not see it learns nothing, who may not change it is told so."""

from collections.abc import Iterator

import pytest
from flask import g

from tests.web.pages.made import Bundles, add
from tests.web.serving import Served
from web.access.principal import SCOPES, Principal, Role
from web.errors import Forbidden, Gone, NotFound
from web.pages import lookup
from web.store import cases
from web.store.tables import Case


@pytest.fixture
def case(service: Served, bundles: Bundles) -> Iterator[Case]:
    """A case of ann, inside of a request."""
    made = add(service, bundles, owner_id=service.add_user("member", "ann").id)
    with service.app.test_request_context("/"):
        yield made


def be(user_id: str, role: Role = "member") -> None:
    g.principal = Principal(user_id, "somebody", role, frozenset(SCOPES[role]), "login")


def test_the_owner_sees_and_changes(service: Served, case: Case) -> None:
    be(case.owner_id)
    with service.database.reading() as db:
        assert lookup.seen(db, case.id).id == lookup.living(db, case.id).id == lookup.changeable(db, case.id).id


def test_others_learn_nothing(service: Served, case: Case) -> None:
    be("X" * 26)
    with service.database.reading() as db:
        for find in (lookup.seen, lookup.living, lookup.changeable):
            with pytest.raises(NotFound):
                find(db, case.id)


def test_an_owner_who_may_only_look_now_changes_nothing(service: Served, case: Case) -> None:
    be(case.owner_id, "viewer")
    with service.database.reading() as db:
        assert lookup.living(db, case.id).id == case.id
        with pytest.raises(Forbidden):
            lookup.changeable(db, case.id)


def test_a_tombstone_is_seen_and_not_more(service: Served, case: Case) -> None:
    be("X" * 26, "admin")
    with service.database.transaction() as db:
        cases.tombstone(db, case.id, "ann", "enough")
    with service.database.reading() as db:
        assert lookup.seen(db, case.id).deleted_at is not None
        for find in (lookup.living, lookup.changeable):
            with pytest.raises(Gone):
                find(db, case.id)


def test_a_verdict_that_cannot_be_read_is_none(service: Served, case: Case) -> None:
    directory = service.files.directory(case.id)
    assert lookup.diagnosis(directory.parent / "nothing") is None
    told = lookup.diagnosis(directory)
    assert told is not None
    assert told.verdict.summary == case.summary
    broken = directory.parent / "broken"
    (broken / "report").mkdir(parents=True)
    (broken / lookup.DIAGNOSIS).write_text("{}")
    assert lookup.diagnosis(broken) is None
