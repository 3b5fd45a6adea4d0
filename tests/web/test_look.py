"""How the pages look and feel: readable in light, dark and on a phone, by keyboard and by screen readers, and small."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy.orm import Session

from tests.web import desk
from tests.web.browsing import LOOKS, Site, launched, served
from tests.web.pages import made
from tests.web.pages.made import Bundles
from tests.web.serving import PASSWORD
from web.store import cases, deliveries, jobs, shares
from web.store.deliveries import Wanted
from web.store.tables import Case

pytestmark = pytest.mark.browser
PAGES = ("form", "prefilled", "import", "cases", "found", "nothing found", "failures", "fails", "works", "cannot tell",
         "long", "runs", "waits", "refused", "deleted", "compared", "delete", "door", "missing")
STATUS = {"deleted": 410, "missing": 404}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine."""
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser, bundles: Bundles) -> Iterator[Site]:
    """A service in which there is something of everything."""
    place = tmp_path_factory.mktemp("look")
    with pytest.MonkeyPatch.context() as patch:
        desk.register(patch)
        with served(place, browser, targets=desk.targets_file(place / "targets.toml")) as found:
            yield found


@pytest.fixture(scope="module")
def pages(site: Site, bundles: Bundles) -> dict[str, str]:
    """Address of every page, by its name in PAGES."""
    service = site.service
    of = {name: made.add(service, bundles, name, log="upstream timed out\n" * 9).id
          for name in ("cloudflare_522", "undetermined", "long_host")}
    fails = of["cloudflare_522"]
    works = made.add(service, bundles, "healthy", recheck_of=fails).id
    token = _share(site, fails)
    _deliver(site, fails)
    refused = _refused(site)
    deleted = made.add(service, bundles, "nginx_502").id
    with service.database.transaction() as db:
        cases.tombstone(db, deleted, "ann", "asked for under ticket 4711")
    runs = made.ask(service).id
    made.begin(service)
    made.tell(service, runs, "step", name="dns", status="done", duration_ms=20.0)
    made.tell(service, runs, "step", name="tcp", status="failed", reason="no answer within 10 s")
    waits = made.ask(service).id
    return {
        "form": "/", "prefilled": "/?url=https://shop.example/", "import": "/import", "cases": "/cases?deleted=yes",
        "found": "/cases?vendor=cloudflare", "nothing found": "/cases?text=nothing-like-this", "failures": "/groups",
        "fails": f"/cases/{fails}", "works": f"/cases/{works}", "cannot tell": f"/cases/{of['undetermined']}",
        "long": f"/cases/{of['long_host']}", "runs": f"/cases/{runs}", "waits": f"/cases/{waits}",
        "refused": f"/cases/{refused}", "deleted": f"/cases/{deleted}", "compared": f"/compare/{fails}/{works}",
        "delete": f"/cases/{fails}/delete", "door": f"/s/{token}", "missing": "/cases/nothing"}


def _share(site: Site, case_id: str) -> str:
    with site.service.database.transaction() as db:
        case = db.get_one(Case, case_id)
        share, token = shares.create(db, case, case.owner_id, 3, 30, "hash")
        shares.look(db, share, "203.0.113.9", "Mozilla/5.0 (X11; Linux x86_64)")
        return token


def _deliver(site: Site, case_id: str) -> None:
    """One delivery of each state, with the longest that can be said of it."""
    long = "https://desk.example/" + "a-very-long-name-of-a-project/" * 6
    ends: list[Callable[[Session, str, int], bool]] = [
        partial(deliveries.done, link=long, what="seen again", left_out=["page.har is left out: it is too large."] * 2),
        partial(deliveries.fail, sentence=f"Desk has no such place or ticket (404: {long})"),
        partial(deliveries.later, sentence="Desk wants fewer requests (429)"), lambda db, row, fence: True]
    for number, end in enumerate(ends, 12):
        with site.service.database.transaction() as db:
            case = db.get_one(Case, case_id)
            wanted = Wanted("ops", b"", str(number), days=3, base="https://gw.example/")
            deliveries.ask(db, site.service.key, case, case.owner_id, wanted, 30)
            row = deliveries.claim(db)
            assert row is not None
            end(db, row.id, row.fence)


def _refused(site: Site) -> str:
    made.ask(site.service, url="https://internal.example/")
    case_id, fence = made.begin(site.service)
    with site.service.database.transaction() as db:
        jobs.finish(db, case_id, fence, "refused", "internal.example resolves to 10.0.0.8, which is private")
    return case_id


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(site: Site, pages: dict[str, str], name: str) -> None:
    tab = site.tab(bypass_csp=True, has_touch=True)
    page = tab.open(pages[name])
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    for look in LOOKS:
        tab.look(look)
        assert tab.axe() == [], look
    tab.close()


@pytest.mark.parametrize("name", ["form", "import", "cases", "fails", "runs", "door"])
def test_axe_finds_nothing_where_no_script_runs(site: Site, pages: dict[str, str], name: str) -> None:
    tab = site.tab(**LOOKS["phone"], bypass_csp=True)
    tab.page.route("**/static/*.js*", lambda route: route.abort())
    tab.open(pages[name])
    assert tab.axe() == []
    tab.close()


@pytest.mark.timeout(600)
def test_nothing_overflows_nothing_is_said_and_nobody_else_is_asked(site: Site, pages: dict[str, str]) -> None:
    tab = site.tab()
    for name in PAGES:
        tab.look("phone")
        page = tab.open(pages[name])
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        for width in (360, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        page.wait_for_function("[...document.images].every(image => image.hidden || image.complete)")
    assert {line for line in tab.said if "status of 4" not in line} == set()
    assert tab.hosts == {site.base.partition("//")[2]}
    tab.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_with_style_and_script_is_below_100_kb(site: Site, pages: dict[str, str], name: str) -> None:
    client = site.service.app.test_client()
    answer = client.get(pages[name])
    assert answer.status_code == STATUS.get(name, 200)
    parts = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', answer.get_data(as_text=True)))
    assert len(parts) >= 2
    sizes = [len(client.get(part, buffered=True).data) for part in parts]
    assert min(sizes) > 100
    assert len(answer.data) + sum(sizes) < 100_000


SMALL = """() => [...document.querySelectorAll(
  'button, input:not([type=hidden]), select, textarea, summary, nav a, .button')]
  .filter(e => {
    const box = (e.closest('label') ?? e).getBoundingClientRect();
    return box.height > 0 && (box.height < 24 || box.width < 24);
  }).map(e => e.outerHTML.slice(0, 80))"""


def test_a_thumb_can_hit_everything(site: Site, pages: dict[str, str]) -> None:
    tab = site.tab(**LOOKS["phone"])
    for name in PAGES:
        page = tab.open(pages[name])
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        assert page.evaluate(SMALL) == [], name
    tab.close()


def test_the_keyboard_skips_to_the_content_and_shows_where_it_is(site: Site, pages: dict[str, str]) -> None:
    tab = site.tab()
    page = tab.open(pages["cases"])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().width") > 50
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'content'")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.name") == "text"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    tab.close()


def test_the_path_turns_and_the_dossier_is_a_link_on_a_phone(site: Site, pages: dict[str, str]) -> None:
    for look, shown, hidden in (("phone", "tall", "wide"), ("light", "wide", "tall")):
        tab = site.tab(**LOOKS[look])
        page = tab.open(pages["fails"])
        assert page.locator(f"svg.{shown}").is_visible()
        assert not page.locator(f"svg.{hidden}").is_visible()
        assert page.locator("iframe").is_visible() == (look != "phone")
        assert page.get_by_role("link", name="Open it alone").is_visible()
        tab.close()


def test_the_light_and_the_dark_ground_are_those_of_the_dossier(site: Site, pages: dict[str, str]) -> None:
    for look in ("light", "dark"):
        tab = site.tab(**LOOKS[look])
        ours = tab.open(pages["fails"]).evaluate("getComputedStyle(document.body).backgroundColor")
        dossier = tab.open(f"{pages['fails']}/files/dossier.html")
        assert dossier.evaluate("getComputedStyle(document.body).backgroundColor") == ours
        tab.close()


def test_what_is_marked_to_be_copied_is_copied(site: Site, pages: dict[str, str]) -> None:
    tab = site.tab(permissions=["clipboard-read", "clipboard-write"])
    page = tab.open(pages["fails"])
    page.get_by_text("The summary, in Markdown").click()
    page.get_by_role("button", name="Copy the summary").click()
    page.get_by_text("Copied: the summary").wait_for(state="attached")
    assert page.evaluate("navigator.clipboard.readText()").startswith("**")
    tab.close()


TEAM = {"account": "/account", "users": "/admin/users", "audit log": "/admin/audit", "form": "/", "API": "/api/v1/"}


@pytest.mark.timeout(600)
def test_axe_finds_nothing_in_a_team(browser: Browser, tmp_path: Path) -> None:
    with served(tmp_path, browser, logins_per_minute=50) as site:
        site.service.add_user("admin", "eve")
        site.service.add_user("viewer", "bob")
        tab = site.tab(bypass_csp=True, has_touch=True)
        page = tab.open("/cases")
        for password, sign in (("wrong wrong wrong", page.get_by_role("alert")),
                               (PASSWORD, page.get_by_role("link", name="Administration"))):
            for look in LOOKS:
                tab.look(look)
                assert tab.axe() == [], look
            page.get_by_label("Name").fill("eve")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Log in").click()
            expect(sign).to_be_visible()
        for name, address in TEAM.items():
            page = tab.open(address)
            for look, worn in LOOKS.items():
                tab.look(look)
                assert tab.axe() == [], (name, look)
                assert page.evaluate("document.documentElement.scrollWidth") <= worn["viewport"]["width"], name
