"""Share links for people: nothing before a click, nothing without the passphrase, nothing after the end."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.web.pages.made import Bundles, add, ask
from tests.web.serving import Browser, Served
from web.access import passwords
from web.store import cases
from web.store.tables import Audit, Case, Share, ShareView

AsUser = Callable[..., Browser]
PASSPHRASE = "three green bottles"


@pytest.fixture
def case(service: Served, bundles: Bundles) -> Case:
    """A case with a dossier."""
    return add(service, bundles)


def make(service: Served, case: Case, **fields: Any) -> str:
    """The path of a new link."""
    answer = service.browser().post(f"/cases/{case.id}/shares", {"days": "3", **fields}, seen="/account")
    assert answer.status_code == 201, answer.get_data(as_text=True)
    found = re.search(r"http://localhost(/s/[\w-]{22})<", answer.get_data(as_text=True))
    assert found is not None
    return found[1]


def enter(browser: Browser, link: str, **fields: Any) -> TestResponse:
    return browser.post(link, fields, seen=link)


def test_a_link_is_shown_once_and_never_again(service: Served, case: Case) -> None:
    link = make(service, case)
    text = service.browser().get(f"/cases/{case.id}").get_data(as_text=True)
    assert "Revoke" in text
    assert link.rpartition("/")[2] not in text
    with service.database.reading() as db:
        assert [line.action for line in db.query(Audit)] == ["share"]
        assert link.rpartition("/")[2] not in str([line.detail for line in db.query(Audit)])


def test_before_a_click_nothing_of_the_case_is_told(service: Served, case: Case) -> None:
    link = make(service, case)
    stranger = service.browser()
    for answer in (stranger.get(link), stranger.client.head(link)):
        assert answer.status_code == 200
        for told in (case.summary, case.number, case.host, case.id, "Cloudflare"):
            assert str(told) not in answer.get_data(as_text=True)
        assert answer.headers["X-Robots-Tag"] == "noindex, noarchive"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer.headers["Cache-Control"]
    assert stranger.get(f"{link}/dossier").location == link
    assert stranger.get(f"{link}/files/dossier.html").status_code == 404
    assert service.count(ShareView) == 0


def test_a_click_opens_the_dossier_and_is_noted(service: Served, case: Case) -> None:
    link = make(service, case)
    stranger = service.browser()
    assert enter(stranger, link).location == f"{link}/dossier"
    page = stranger.get(f"{link}/dossier")
    text = page.get_data(as_text=True)
    assert str(case.summary) in text
    assert f'src="{link}/files/dossier.html"' in text
    assert case.id not in text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    for name in ("dossier.html", "dossier.pdf", "dossier.zip"):
        assert stranger.get(f"{link}/files/{name}", buffered=True).status_code == 200
    assert "1 time" in service.browser().get(f"/cases/{case.id}").get_data(as_text=True)
    assert service.count(ShareView) == 1


@pytest.mark.parametrize("name", [
    "page.har", "evidence.json", "screenshot.png", "summary.md", "manifest.json", "packs/owner/dossier.html",
    "../evidence.json", "report/dossier.html"])
def test_a_link_shows_the_dossier_and_nothing_else(service: Served, case: Case, name: str) -> None:
    link = make(service, case)
    stranger = service.browser()
    enter(stranger, link)
    assert stranger.get(f"{link}/files/{name}").status_code == 404
    assert stranger.get(f"/cases/{case.id}").status_code == 200  # local mode; the next test is of a team


def test_a_link_opens_nothing_but_itself_in_a_team(service: Served, bundles: Bundles, as_user: AsUser) -> None:
    ann = as_user("member", "ann")
    case = add(service, bundles, owner_id=ann.user.id if ann.user else "")
    made = ann.post(f"/cases/{case.id}/shares", {"days": "3"}, seen="/account").get_data(as_text=True)
    link = "/s/" + made.split("/s/")[1][:22]
    stranger = service.browser()
    enter(stranger, link)
    assert stranger.get(f"{link}/dossier").status_code == 200
    for address in (f"/cases/{case.id}", f"/cases/{case.id}/files/dossier.html", "/cases"):
        assert stranger.get(address).location.startswith("/login")


def test_a_cookie_of_one_link_opens_no_other(service: Served, bundles: Bundles, case: Case) -> None:
    one, two = make(service, case), make(service, add(service, bundles, "nginx_502"))
    stranger = service.browser()
    cookie = enter(stranger, one).headers["Set-Cookie"]
    assert f"Path={one}" in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    value = cookie.split("gw_share=")[1].split(";")[0]
    stranger.client.set_cookie("gw_share", value, path=two)
    assert stranger.get(f"{two}/dossier").location == two
    stranger.client.set_cookie("gw_share", value + "x", path=one)
    assert stranger.get(f"{one}/dossier").location == one


def test_a_passphrase_is_asked_for_and_a_wrong_one_opens_nothing(service: Served, case: Case) -> None:
    link = make(service, case, passphrase=PASSPHRASE)
    stranger = service.browser()
    assert "Passphrase" in stranger.get(link).get_data(as_text=True)
    for wrong in ("", "three green bottle", PASSPHRASE + "x" * 300):
        answer = enter(stranger, link, passphrase=wrong)
        assert answer.status_code == 403
        assert "This is not the passphrase." in answer.get_data(as_text=True)
        assert "Set-Cookie" not in answer.headers or "gw_share" not in answer.headers["Set-Cookie"]
    assert service.count(ShareView) == 0
    assert enter(stranger, link, passphrase=PASSPHRASE).location == f"{link}/dossier"
    with service.database.reading() as db:
        assert PASSPHRASE not in str(db.query(Share).one().passphrase_hash)


@pytest.mark.usefixtures("still")
def test_guessing_a_passphrase_is_slowed_down(service: Served, case: Case) -> None:
    link = make(service, case, passphrase=PASSPHRASE)
    stranger = service.browser()
    answers = [enter(stranger, link, passphrase="wrong wrong").status_code
               for _ in range(service.config.logins_per_minute + 1)]
    assert answers == [403] * service.config.logins_per_minute + [429]


def test_a_revoked_link_is_closed_at_once_also_for_who_is_inside(service: Served, case: Case) -> None:
    link = make(service, case)
    stranger, browser = service.browser(), service.browser()
    enter(stranger, link)
    share = re.search(r"/shares/(\w{26})/revoke", browser.get(f"/cases/{case.id}").get_data(as_text=True))
    assert share is not None
    assert browser.post(f"/cases/{case.id}/shares/{share[1]}/revoke", seen="/account").status_code == 303
    for address in (link, f"{link}/dossier", f"{link}/files/dossier.html"):
        assert stranger.get(address).status_code == 404
    assert "revoked" in browser.get(f"/cases/{case.id}").get_data(as_text=True)


def test_unknown_revoked_and_ended_links_are_answered_alike(service: Served, case: Case) -> None:
    link = make(service, case)
    with service.database.transaction() as db:
        share = db.query(Share).one()
        share.expires_at = share.created_at
    stranger = service.browser()
    texts = {stranger.get(address).get_data(as_text=True) for address in (link, "/s/" + "A" * 22, "/s/x")}
    assert len(texts) == 1
    assert "This link does not work, or does not work any more." in texts.pop()


@pytest.mark.parametrize(("fields", "sentence"), [
    ({"days": "0"}, "A link lives 1 to 30 days."), ({"days": "31"}, "A link lives 1 to 30 days."),
    ({"days": "soon"}, "A number of days from 1 to 30."), ({"days": "²"}, "A number of days from 1 to 30."),
    ({"passphrase": "short"}, "A passphrase has 8 to 200 characters.")])
def test_what_is_wrong_is_told_on_the_page_of_the_case(
    service: Served, case: Case, fields: dict[str, str], sentence: str
) -> None:
    answer = service.browser().post(f"/cases/{case.id}/shares", {"days": "3", **fields}, seen="/account")
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert service.count(Share) == 0


def test_a_case_without_a_dossier_cannot_be_shared(service: Served) -> None:
    case = ask(service)
    assert service.browser().post(f"/cases/{case.id}/shares", {"days": "3"}, seen="/account").status_code == 409


def test_a_stranger_cannot_revoke(service: Served, bundles: Bundles, as_user: AsUser) -> None:
    ann, bob = as_user("member", "ann"), as_user("member", "bob")
    case = add(service, bundles, owner_id=ann.user.id if ann.user else "")
    ann.post(f"/cases/{case.id}/shares", {"days": "3"}, seen="/account")
    with service.database.reading() as db:
        share = db.query(Share).one().id
    mine = add(service, bundles, owner_id=bob.user.id if bob.user else "")
    for case_id in (case.id, mine.id):
        assert bob.post(f"/cases/{case_id}/shares/{share}/revoke", seen="/account").status_code == 404
    with service.database.reading() as db:
        assert db.query(Share).one().revoked_at is None


def test_the_name_of_a_browser_is_shown_as_text(service: Served, case: Case) -> None:
    link = make(service, case)
    stranger = service.browser()
    token = stranger.csrf(link)
    stranger.client.post(link, data={"csrf_token": token}, headers={"User-Agent": "<script>alert(1)</script>"})
    assert "&lt;script&gt;alert(1)" in service.browser().get(f"/cases/{case.id}").get_data(as_text=True)


def test_a_link_that_ends_while_its_passphrase_is_tried_opens_nothing(
    service: Served, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = make(service, case, passphrase=PASSPHRASE)
    fits = passwords.fits

    def meanwhile(kept: str | None, given: str) -> bool:
        with service.database.transaction() as db:
            cases.tombstone(db, case.id, "ann", "asked to")
        return fits(kept, given)

    monkeypatch.setattr(passwords, "fits", meanwhile)
    assert enter(service.browser(), link, passphrase=PASSPHRASE).status_code == 404
