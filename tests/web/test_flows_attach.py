"""From the case page into a ticket, in a real browser, with script and without."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.web import desk
from tests.web.browsing import launched, served
from tests.web.pages import made
from tests.web.pages.made import Bundles
from web import targets
from web.workers.outbox import Outbox
from web.workers.slot import Store

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine."""
    with launched() as found:
        yield found


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_dossier_is_attached_refused_and_attached_again(
    tmp_path: Path, browser: Browser, bundles: Bundles, monkeypatch: pytest.MonkeyPatch, script: bool
) -> None:
    desk.register(monkeypatch)
    with desk.opened() as office, ThreadPoolExecutor(1) as elsewhere, served(
            tmp_path, browser, targets=desk.targets_file(tmp_path / "targets.toml", office.address)) as site:
        service = site.service
        store, known = Store(service.database, service.files, service.key), targets.load(service.config)
        outbox = Outbox(store, service.config, known)
        case = made.add(service, bundles)
        office.refusals.append((403, "comments are closed"))
        page = site.tab(script=script).open(f"/cases/{case.id}")
        page.get_by_label("Ticket optional").fill("13")
        page.get_by_label("Put a share link into the message", exact=False).check()
        page.get_by_role("button", name="Attach the dossier").click()
        expect(page.get_by_text("The dossier is on its way to ops 13.")).to_be_visible()
        rows = page.get_by_role("region", name="Deliveries").get_by_role("row")
        expect(rows.nth(1)).to_contain_text("waiting")
        assert elsewhere.submit(outbox.turn).result()
        page.get_by_role("button", name="Look again").click()
        expect(rows.nth(1)).to_contain_text("Desk does not allow this")
        page.get_by_role("button", name="Try again").click()
        assert elsewhere.submit(outbox.turn).result()
        page.get_by_role("button", name="Look again").click()
        expect(rows.nth(1)).to_contain_text("delivered, with a share link")
        expect(rows.nth(1).get_by_role("link")).to_have_attribute("href", f"{office.address}/tickets/13")
        found = re.search(re.escape(site.base) + r"/s/[\w-]{22}", office.tickets["13"][0])
        assert found is not None
        stranger = site.tab(script=script).page
        stranger.goto(found[0])
        expect(stranger.get_by_role("button", name="Show it")).to_be_visible()
