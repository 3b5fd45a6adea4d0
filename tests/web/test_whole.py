"""The whole service at work: a form, a real capture, its dossier; files, a real import, its dossier."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.brokensite import BrokenSite, in_thread
from tests.capture.importers import files
from tests.web.browsing import Site, launched, saved, served
from web.store.tables import Case
from web.workers.pool import Pool, scratch_for
from web.workers.runner import Runner
from web.workers.slot import Store

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PATIENCE_MS = 400_000
"""Longest wait for something that a worker does."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine."""
    with launched() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """A service with a runner and one warm worker; it may capture what listens on loopback."""
    with served(tmp_path_factory.mktemp("whole"), browser, allow_networks=("127.0.0.0/8",)) as found:
        service = found.service
        runner = Runner(Store(service.database, service.files, service.key), Pool(scratch_for(service.config.data)), 1)
        runner.start()
        yield found
        runner.stop(0.0)


def case(site: Site, address: str) -> Case:
    with site.service.database.reading() as db:
        return db.get_one(Case, address.rpartition("/")[2])


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_capture(site: Site, script: bool) -> None:
    with in_thread(BrokenSite()) as broken:
        tab = site.tab(script=script)
        page = tab.open("/")
        page.get_by_label("Address of the page").fill(f"{broken.base}/empty-500")
        page.get_by_label("What did you see?").fill("an empty page")
        page.get_by_role("button", name="Capture", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Looking at 127.0.0.1")
        expect(page.locator("iframe")).to_be_visible(timeout=PATIENCE_MS)
        inside = page.frame_locator("iframe")
        expect(inside.get_by_text("In the visitor’s words: “an empty page”")).to_be_visible()
        expect(page.get_by_role("heading", level=1)).to_have_text(
            inside.get_by_role("heading", level=1).inner_text())
        found = case(site, page.url)
        assert found.state in ("done", "cut-short")
        assert found.number
        assert found.number in page.content()
        assert tab.said == []


def test_an_import(site: Site, tmp_path: Path) -> None:
    har = tmp_path / "page.har"
    har.write_text(json.dumps(files.chrome()))
    page = site.tab().open("/import")
    page.get_by_label("Files", exact=True).set_input_files(har)
    page.get_by_role("button", name="Make the dossier").click()
    expect(page.locator("iframe")).to_be_visible(timeout=PATIENCE_MS)
    found = case(site, page.url)
    assert (found.kind, found.state) == ("import", "done")
    assert saved(page, "ZIP with everything", tmp_path)[1].startswith(b"PK")


def test_files_that_nobody_understands_are_told_so(site: Site, tmp_path: Path) -> None:
    odd = tmp_path / "page.har"
    odd.write_text("this is no HAR")
    page = site.tab().open("/import")
    page.get_by_label("Files", exact=True).set_input_files(odd)
    page.get_by_role("button", name="Make the dossier").click()
    expect(page.get_by_role("heading", level=1)).not_to_have_text("Looking at your files", timeout=PATIENCE_MS)
    assert case(site, page.url).state in ("refused", "failed")
    expect(page.get_by_role("heading", level=1)).to_have_text("No dossier could be made of these files.")
    expect(page.get_by_text("page.har: this is neither a HAR")).to_be_visible()
