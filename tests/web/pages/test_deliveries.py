"""The Attach panel: only named targets, what becomes of each delivery, and nothing for those who may not change."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.web import desk
from tests.web.pages.made import Bundles, add
from tests.web.serving import Browser, Served
from web.store import deliveries
from web.store.tables import Audit, Case, Delivery, Share

AsUser = Callable[..., Browser]


@pytest.fixture
def service(service: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """One with two targets."""
    desk.register(monkeypatch)
    return service.configured(targets=desk.targets_file(tmp_path / "targets.toml", "http://desk.example:8080"))


@pytest.fixture
def case(service: Served, bundles: Bundles) -> Case:
    """A case with a dossier."""
    return add(service, bundles)


def attach(service: Served, case: Case, **fields: str) -> str:
    """Asks for a delivery; the page that comes."""
    browser = service.browser()
    answer = browser.post(f"/cases/{case.id}/deliveries", {"target": "ops", **fields}, seen="/account")
    assert answer.status_code == 303, answer.get_data(as_text=True)
    assert answer.location == f"/cases/{case.id}#attach"
    return browser.get(f"/cases/{case.id}").get_data(as_text=True)


def end(service: Served, link: str = "http://desk.example:8080/tickets/12", **given: str) -> None:
    """Ends what is next as delivered, or as failed when `said`."""
    with service.database.transaction() as db:
        row = deliveries.claim(db)
        assert row is not None
        if "said" in given:
            deliveries.fail(db, row.id, row.fence, given["said"])
        else:
            deliveries.done(db, row.id, row.fence, link, "written", ["page.har is left out: <b>too</b> large."])


def test_without_targets_there_is_no_panel(service: Served, case: Case) -> None:
    bare = service.configured(targets=None)
    assert 'id="attach"' not in bare.browser().get(f"/cases/{case.id}").get_data(as_text=True)
    assert 'id="attach"' in service.browser().get(f"/cases/{case.id}").get_data(as_text=True)


def test_what_is_asked_for_stands_on_the_page(service: Served, case: Case) -> None:
    text = attach(service, case)
    assert "The dossier is on its way to ops 12." in text
    assert "Look again" in text
    for hidden in (desk.TOKEN, "desk.example"):
        assert hidden not in text
    with service.database.reading() as db:
        line = db.query(Audit).one()
        assert (line.action, line.subject, "to ops 12" in line.detail) == ("attach", case.id, True)


def test_another_ticket_of_the_same_place_may_be_named(service: Served, case: Case) -> None:
    assert "ops 13" in attach(service, case, to_ticket="#13")


def test_what_arrived_is_linked_and_what_was_left_out_is_told(service: Served, case: Case) -> None:
    attach(service, case)
    end(service)
    text = service.browser().get(f"/cases/{case.id}").get_data(as_text=True)
    link = re.search(r'<a href="http://desk.example:8080/tickets/12"[^>]*>', text)
    assert link is not None
    assert 'rel="noopener noreferrer"' in link[0]
    assert "page.har is left out: &lt;b&gt;too&lt;/b&gt; large." in text
    assert "It was delivered to ops 12 already" in attach(service, case)
    assert service.count(Delivery) == 1
    attach(service, case, again="yes")
    assert service.count(Delivery) == 2


@pytest.mark.parametrize("link", ["javascript:alert(1)", "mailto:help@desk.example", "data:text/html,x"])
def test_only_web_addresses_are_links(service: Served, case: Case, link: str) -> None:
    attach(service, case)
    end(service, link)
    text = service.browser().get(f"/cases/{case.id}").get_data(as_text=True)
    assert link in text
    assert f'href="{link}' not in text


def test_what_failed_says_why_and_can_be_tried_again(service: Served, case: Case) -> None:
    attach(service, case)
    end(service, said="Desk does not allow this <script>")
    text = service.browser().get(f"/cases/{case.id}").get_data(as_text=True)
    assert "Desk does not allow this &lt;script&gt;." in text
    assert "Try again" in text
    attach(service, case)
    assert service.count(Delivery) == 2


def test_one_that_waits_can_be_cancelled(service: Served, case: Case) -> None:
    text = attach(service, case, with_link="yes", link_days="3")
    found = re.search(r"/deliveries/(\w{26})/cancel", text)
    assert found is not None
    browser = service.browser()
    assert browser.post(f"/cases/{case.id}/deliveries/{found[1]}/cancel", seen="/account").status_code == 303
    assert "The delivery was cancelled." in browser.get(f"/cases/{case.id}").get_data(as_text=True)
    with service.database.reading() as db:
        assert db.query(Share).one().revoked_at is not None


@pytest.mark.parametrize(("public", "ticked"), [(None, False), ("http://localhost", True)])
def test_a_link_goes_along_by_itself_where_the_service_knows_its_address(
    service: Served, case: Case, public: str | None, ticked: bool
) -> None:
    reached = service.configured(public_url=public)
    text = reached.log_in("admin").get(f"/cases/{case.id}").get_data(as_text=True)
    box = re.search(r'<input type="checkbox" name="with_link"[^>]*>', text)
    assert box is not None
    assert ("checked" in box[0]) is ticked


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"target": "prod"}, "Choose one of the targets of this service."),
    ({"target": "desk+http://evil.example/"}, "Choose one of the targets of this service."),
    ({"to_ticket": "../13"}, "No ticket of ops can be called so; its own is 12."),
    ({"target": "dev", "to_ticket": "13"}, "Leave this empty: dev has no ticket to choose."),
    ({"with_link": "yes", "link_days": "31"}, "A link lives 1 to 30 days."),
    ({"with_link": "yes", "link_days": "²"}, "A number of days from 1 to 30.")])
def test_what_is_wrong_is_told_on_the_page_of_the_case(
    service: Served, case: Case, fields: dict[str, str], sentence: str
) -> None:
    answer = service.browser().post(f"/cases/{case.id}/deliveries", {"target": "ops", **fields}, seen="/account")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert sentence in text
    assert 'id="attach"' in text
    assert (service.count(Delivery), service.count(Share)) == (0, 0)


def test_who_may_not_change_the_case_sees_nothing_of_it(service: Served, bundles: Bundles, as_user: AsUser) -> None:
    ann, bob, eve = service.log_in("member", "ann"), service.log_in("member", "bob"), service.log_in("viewer", "eve")
    case = add(service, bundles, owner_id=ann.user.id if ann.user else "")
    assert ann.post(f"/cases/{case.id}/deliveries", {"target": "ops"}, seen="/account").status_code == 303
    with service.database.transaction() as db:
        sent = db.query(Delivery).one().id
        db.get_one(Case, case.id).team = True
    for team, status in ((True, 403), (False, 404)):
        with service.database.transaction() as db:
            db.get_one(Case, case.id).team = team
        for other in (bob, eve):
            text = other.get(f"/cases/{case.id}").get_data(as_text=True)
            assert 'id="attach"' not in text
            for path in (f"/cases/{case.id}/deliveries", f"/cases/{case.id}/deliveries/{sent}/cancel"):
                assert other.post(path, {"target": "ops"}, seen="/account").status_code == status
    with service.database.reading() as db:
        assert db.query(Delivery).one().state == "queued"


def test_a_delivery_of_another_case_is_not_found(service: Served, bundles: Bundles, case: Case) -> None:
    other = add(service, bundles, "nginx_502")
    attach(service, case)
    with service.database.reading() as db:
        sent = db.query(Delivery).one().id
    answer = service.browser().post(f"/cases/{other.id}/deliveries/{sent}/cancel", seen="/account")
    assert answer.status_code == 404


def test_without_the_token_of_a_form_nothing_is_asked_for(service: Served, case: Case) -> None:
    answer = service.app.test_client().post(f"/cases/{case.id}/deliveries", data={"target": "ops"})
    assert answer.status_code == 400
    assert service.count(Delivery) == 0
