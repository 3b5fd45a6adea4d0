"""History: what was captured is found again, page by page, and nobody finds what they may not see."""

import re
from collections.abc import Callable

import pytest

from tests.web.pages.made import Bundles, add, ask
from tests.web.serving import Browser, Served
from web.store import cases

AsUser = Callable[..., Browser]


def found(browser: Browser, address: str) -> list[str]:
    answer = browser.get(address)
    assert answer.status_code == 200
    return re.findall(r'<a href="/cases/([0-9A-Z]{26})">', answer.get_data(as_text=True))


def test_an_empty_history_says_what_to_do(service: Served) -> None:
    browser = service.browser()
    assert "There is no case yet." in browser.get("/cases").get_data(as_text=True)
    assert "No failure was recorded yet." in browser.get("/groups").get_data(as_text=True)
    assert "No case matches." in browser.get("/cases?host=shop.example").get_data(as_text=True)


def test_cases_are_found_by_what_they_say(service: Served, bundles: Bundles) -> None:
    edge, gateway, name = (add(service, bundles, which) for which in ("cloudflare_522", "nginx_502", "nxdomain"))
    waiting = ask(service, url="https://www.shop.example/")
    browser = service.browser()
    assert found(browser, "/cases") == [waiting.id, name.id, gateway.id, edge.id]
    assert found(browser, "/cases?host=shop.example") == [waiting.id, edge.id]
    assert found(browser, "/cases?vendor=cloudflare") == [edge.id]
    assert found(browser, "/cases?code=522") == [edge.id]
    assert found(browser, "/cases?verdict=dns") == [name.id]
    assert found(browser, "/cases?state=queued") == [waiting.id]
    assert found(browser, f"/cases?text={edge.number}") == [edge.id]
    assert found(browser, f"/cases?failure={gateway.failure}") == [gateway.id]
    assert found(browser, "/cases?since=2000-01-01&until=2000-12-31") == []
    assert len(found(browser, "/cases?since=2000-01-01")) == 4


def test_what_was_looked_for_stays_in_the_form(service: Served) -> None:
    text = service.browser().get("/cases?text=%22%3E%3Cscript%3E&verdict=dns&deleted=yes").get_data(as_text=True)
    assert 'value="&#34;&gt;&lt;script&gt;"' in text
    assert '<option value="dns" selected>' in text
    assert '<details class="options" open>' in text
    assert "checked" in text


@pytest.mark.parametrize(("query", "sentence"), [
    ("since=yesterday", "A day is written as 2026-11-20."), ("until=2026-02-30", "A day is written as 2026-11-20."),
    ("since=2026-02-02&until=2026-02-01", "The last day lies before the first."),
    ("cursor=none", "This is no cursor of ours; begin with the first page."),
    ("since=0000-01-01", "A day is written as")])
def test_what_makes_no_sense_is_told(service: Served, query: str, sentence: str) -> None:
    answer = service.browser().get(f"/cases?{query}")
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)


def test_pages_follow_each_other_and_keep_what_was_looked_for(
    service: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = [ask(service).id for _ in range(5)]
    monkeypatch.setattr(cases.search, "__defaults__", (None, None, 2))
    browser, address, seen = service.browser(), "/cases?host=shop.example", []
    for _ in range(3):
        seen += found(browser, address)
        text = browser.get(address).get_data(as_text=True)
        links = re.findall(r'href="([^"]+)" rel="next"', text)
        assert all("host=shop.example" in link for link in links)
        address = links[0].replace("&amp;", "&") if links else address
    assert seen == made[::-1]
    assert "Newest" in browser.get(address).get_data(as_text=True)


def test_deleted_cases_are_shown_when_asked_for(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    with service.database.transaction() as db:
        cases.tombstone(db, case.id, "ann", "enough")
    browser = service.browser()
    assert found(browser, "/cases") == []
    assert found(browser, "/cases?deleted=yes") == [case.id]
    assert "deleted" in browser.get("/cases?deleted=yes").get_data(as_text=True)


def test_ten_tickets_of_one_outage_are_one(service: Served, bundles: Bundles) -> None:
    same = [add(service, bundles).id for _ in range(3)]
    other = add(service, bundles, "nginx_502")
    add(service, bundles, "healthy")
    text = service.browser().get("/groups").get_data(as_text=True)
    assert re.findall(r"<b>(\d+)</b> case", text) == ["1", "3"]
    group = re.findall(r'href="(/cases\?failure=[0-9a-f]+)"', text)
    assert found(service.browser(), group[1]) == same[::-1]
    assert found(service.browser(), group[0]) == [other.id]


def test_groups_of_a_host(service: Served, bundles: Bundles) -> None:
    add(service, bundles)
    add(service, bundles, "nginx_502")
    text = service.browser().get("/groups?host=shop.example").get_data(as_text=True)
    assert len(re.findall(r"<b>(\d+)</b> case", text)) == 1


def test_pages_of_failures_follow_each_other(
    service: Served, bundles: Bundles, monkeypatch: pytest.MonkeyPatch
) -> None:
    for which in ("cloudflare_522", "nginx_502", "nxdomain"):
        add(service, bundles, which)
    monkeypatch.setattr(cases.groups, "__defaults__", (None, None, 1))
    browser, address, seen = service.browser(), "/groups", []
    while address:
        text = browser.get(address).get_data(as_text=True)
        seen += re.findall(r'href="/cases\?failure=([0-9a-f]+)"', text)
        links = re.findall(r'href="([^"]+)" rel="next"', text)
        address = links[0] if links else ""
    assert len(seen) == len(set(seen)) == 3
    assert 'href="/groups">Newest' in text
    answer = browser.get("/groups?cursor=none")
    assert answer.status_code == 422
    assert "This is no cursor of ours; begin with the first page." in answer.get_data(as_text=True)


def test_nobody_finds_what_they_may_not_see(service: Served, bundles: Bundles, as_user: AsUser) -> None:
    ann, bob, admin = as_user("member", "ann"), as_user("member", "bob"), as_user("admin", "eve")
    case = add(service, bundles, owner_id=ann.user.id if ann.user else "")
    for address in ("/cases", "/cases?deleted=yes", f"/cases?text={case.number}", f"/cases?failure={case.failure}"):
        assert found(bob, address) == []
        assert found(admin, address) == found(ann, address) == [case.id]
    assert "<b>1</b> case" not in bob.get("/groups").get_data(as_text=True)
    ann.post(f"/cases/{case.id}/team", {"team": "yes"}, seen="/account")
    assert found(bob, "/cases") == [case.id]


def test_a_full_page_is_below_100_kb(service: Served) -> None:
    for _ in range(cases.PAGE):
        ask(service, url="https://shop.example/" + "long-path/" * 40)
    assert len(service.browser().get("/cases").data) < 100_000
