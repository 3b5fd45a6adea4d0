"""What people do with the service, in a real browser, with script and without."""

import io
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.browsing import Site, launched, saved, served
from tests.web.pages import made
from tests.web.pages.made import Bundles
from web.pages import casepage, progress
from web.store import cases, jobs
from web.store.tables import Case

pytestmark = pytest.mark.browser
SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine."""
    with launched() as found:
        yield found


@pytest.fixture
def site(tmp_path: Path, browser: Browser) -> Iterator[Site]:
    """A service in local mode that listens at a free port; a case there is worked on by the test itself."""
    with served(tmp_path, browser) as found:
        yield found


@pytest.fixture
def reloads_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without script loads itself again every second; only for tests that press nothing meanwhile."""
    monkeypatch.setattr(casepage, "RELOAD_S", 1)


def fill(page: Page, url: str = "https://shop.example/checkout?step=2") -> None:
    page.get_by_label("Address of the page").fill(url)
    page.get_by_label("What did you see?").fill("white page after paying")


def only_case(site: Site) -> Case:
    with site.service.database.reading() as db:
        return db.query(Case).one()


@SCRIPT
@pytest.mark.usefixtures("reloads_often")
def test_from_the_form_to_the_dossier(site: Site, bundles: Bundles, script: bool) -> None:
    tab = site.tab(script=script)
    page = tab.open("/")
    fill(page)
    page.get_by_role("button", name="Capture", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at shop.example")
    expect(page.get_by_text("Waiting", exact=True)).to_be_visible()
    case_id, fence = made.begin(site.service)
    made.tell(site.service, case_id, "step", name="dns", status="done", duration_ms=120.0)
    expect(page.locator("[data-step=dns]")).to_contain_text("✓ done, 0.1 s")
    expect(page.locator("[data-step=page]")).to_contain_text("under way")
    staged = site.service.files.staging(case_id, fence)
    (staged / "screenshot.png").write_bytes((bundles("cloudflare_522") / "screenshot.png").read_bytes())
    made.tell(site.service, case_id, "picture")
    expect(page.get_by_role("img", name="Screenshot of the page")).to_be_visible()
    if script:
        page.wait_for_function("document.images[0].naturalWidth > 100")
    made.finish(site.service, bundles, "cloudflare_522", case_id, fence)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Cloudflare answered, but could not connect")
    expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_contain_text("Cloudflare answered")
    assert only_case(site).request["seen"] == "white page after paying"
    assert tab.said == []


def test_a_lost_connection_loses_nothing(site: Site, bundles: Bundles, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "RETRY_MS", 100)
    case = made.ask(site.service)
    page = site.tab().open(f"/cases/{case.id}")
    case_id, fence = made.begin(site.service)
    made.tell(site.service, case_id, "step", name="dns", status="done")
    expect(page.locator("[data-step=dns]")).to_contain_text("✓ done")
    page.evaluate("window.same = true")
    site.interrupt()
    made.tell(site.service, case_id, "step", name="tcp", status="failed", reason="no answer within 10 s")
    expect(page.locator("[data-step=tcp]")).to_contain_text("× could not look: no answer within 10 s")
    assert page.evaluate("window.same")
    page.reload()
    expect(page.locator("[data-step=tcp]")).to_contain_text("× could not look: no answer within 10 s")
    made.finish(site.service, bundles, "nginx_502", case_id, fence)
    expect(page.get_by_role("heading", name="Dossier", exact=True)).to_be_visible()


def test_a_connection_that_stays_away_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "RETRY_MS", 100)
    case = made.ask(site.service)
    page = site.tab().open(f"/cases/{case.id}")
    case_id, _ = made.begin(site.service)
    made.tell(site.service, case_id, "step", name="dns", status="done")
    expect(page.locator("[data-step=dns]")).to_contain_text("✓ done")
    page.context.set_offline(True)
    site.interrupt()
    expect(page.get_by_text("The connection is lost")).to_be_visible()
    page.context.set_offline(False)
    expect(page.get_by_text("The connection is lost")).to_be_hidden()


def test_a_stream_that_ends_is_taken_up_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "STREAM_S", 0.0)
    monkeypatch.setattr(progress, "RETRY_MS", 100)
    case = made.ask(site.service)
    page = site.tab().open(f"/cases/{case.id}")
    made.begin(site.service)
    for name in ("vantage", "dns", "tcp"):
        made.tell(site.service, case.id, "step", name=name, status="done")
        expect(page.locator(f"[data-step={name}]")).to_contain_text("✓ done")


def test_a_second_attempt_is_seen_to_begin_anew(site: Site) -> None:
    case = made.ask(site.service)
    page = site.tab().open(f"/cases/{case.id}")
    _, fence = made.begin(site.service)
    made.tell(site.service, case.id, "step", name="dns", status="done")
    expect(page.locator("[data-step=dns]")).to_contain_text("✓ done")
    with site.service.database.transaction() as db:
        jobs.fail(db, case.id, fence, "the browser did not come up")
    expect(page.locator("[data-step=dns]")).to_contain_text("waiting")
    expect(page.locator("#now")).to_have_text("Waiting: the browser did not come up")


@SCRIPT
def test_cancelling(site: Site, script: bool) -> None:
    case = made.ask(site.service)
    page = site.tab(script=script).open(f"/cases/{case.id}?reload=no")  # it is not to go while it is clicked on
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The capture was cancelled.")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at shop.example")


@SCRIPT
def test_what_is_wrong_is_told_where_it_is(site: Site, script: bool) -> None:
    tab = site.tab(script=script)
    page = tab.open("/")
    page.get_by_text("Options of the capture").click()
    page.get_by_label("Address of the page").fill("ftp://shop.example/")
    page.get_by_label("Window width").fill("9")
    page.get_by_label("What did you see?").fill("typed long")
    page.get_by_role("button", name="Capture", exact=True).click()
    for field, sentence in (("url", "http"), ("width", "A number from 100 to 7680.")):
        expect(page.locator(f"#{field}-error")).to_contain_text(sentence)
        expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
        assert f"{field}-error" in str(page.locator(f"#{field}").get_attribute("aria-describedby"))
    expect(page.get_by_label("What did you see?")).to_have_value("typed long")
    if script:
        expect(page.get_by_label("Address of the page")).to_be_focused()
        page.get_by_label("Window width").fill("360")
        expect(page.locator("#width-error")).to_be_hidden()
    page.get_by_label("Window width").fill("360")
    page.get_by_label("Address of the page").fill("shop.example/checkout")
    page.get_by_role("button", name="Capture", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at shop.example")
    assert only_case(site).request["viewport"]["width"] == 360


@SCRIPT
def test_a_secret_in_the_address_is_warned_of(site: Site, script: bool) -> None:
    page = site.tab(script=script).open("/?url=https://shop.example/reset%3Ftoken%3Dabc123def456ghi789")
    page.get_by_role("button", name="Capture", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("looks like a secret")
    page.get_by_label("Capture it with the secret").check()
    page.get_by_role("button", name="Capture", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at shop.example")
    expect(page.locator("p.mono")).to_contain_text("[redacted:token")


def test_two_clicks_are_one_capture(site: Site) -> None:
    page = site.tab().open("/")
    fill(page)
    page.get_by_role("button", name="Capture", exact=True).dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at shop.example")
    assert only_case(site)


def test_the_bookmarklet_brings_the_address_of_a_broken_page(site: Site) -> None:
    tab = site.tab()
    code = str(tab.open("/").get_by_role("link", name="Capture this page").get_attribute("href"))
    tab.page.route("https://broken.example/**", lambda route: route.fulfill(body="broken", status=502))
    tab.page.goto("https://broken.example/pay?step=2&x=%22#top")
    tab.page.evaluate(code.removeprefix("javascript:"))
    expect(tab.page.get_by_label("Address of the page")).to_have_value("https://broken.example/pay?step=2&x=%22#top")


PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
GIVE = """([kind, name, type, data]) => {
  const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
  const given = new DataTransfer();
  given.items.add(new File([bytes], name, {type}));
  const event = kind === "paste" ? new ClipboardEvent("paste", {clipboardData: given, bubbles: true, cancelable: true})
    : new DragEvent("drop", {dataTransfer: given, bubbles: true, cancelable: true});
  document.body.dispatchEvent(event);
}"""


def test_files_are_chosen_dropped_and_pasted(site: Site, tmp_path: Path) -> None:
    (tmp_path / "page.har").write_text("{}")
    page = site.tab().open("/import")
    page.get_by_role("button", name="Make the dossier").click()
    expect(page.locator("#files-error")).to_have_text("Choose at least one file.")
    page.get_by_label("Files", exact=True).set_input_files(tmp_path / "page.har")
    expect(page.locator("#files-error")).to_be_hidden()
    page.evaluate(GIVE, ["paste", "image.png", "image/png", PNG])
    page.evaluate(GIVE, ["drop", "saved page.html", "text/html", ""])
    expect(page.get_by_role("list", name="Chosen files").get_by_role("listitem")).to_have_count(3)
    page.get_by_role("button", name="Remove saved page.html").click()
    expect(page.get_by_role("list", name="Chosen files").get_by_role("listitem")).to_have_count(2)
    page.get_by_role("button", name="Make the dossier").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at your files")
    case = only_case(site)
    assert site.service.files.upload(case.id, 0).read_text() == "{}"
    assert site.service.files.upload(case.id, 1).read_bytes().startswith(b"\x89PNG")


def test_files_that_are_too_large_are_told_before_they_are_sent(tmp_path: Path, browser: Browser) -> None:
    (tmp_path / "page.har").write_text("x" * 2_000)
    with served(tmp_path, browser, upload_bytes=1_000) as site:
        page = site.tab().open("/import")
        page.get_by_label("Files", exact=True).set_input_files(tmp_path / "page.har")
        expect(page.locator("#files-error")).to_have_text("Together these files are larger than 1.0 kB.")


def test_without_script_files_are_chosen(site: Site, tmp_path: Path) -> None:
    for name in ("page.har", "shot.png"):
        (tmp_path / name).write_text(name)
    page = site.tab(script=False).open("/import")
    page.get_by_label("Files", exact=True).set_input_files([tmp_path / "page.har", tmp_path / "shot.png"])
    page.get_by_role("button", name="Make the dossier").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at your files")
    assert site.service.files.upload(only_case(site).id, 1).read_text() == "shot.png"


def test_a_log_file_dropped_on_its_field_becomes_its_text(site: Site) -> None:
    page = site.tab().open("/")
    page.get_by_text("Log excerpt").click()
    page.evaluate(GIVE.replace("document.body", "document.getElementById('log')"),
                  ["drop", "error.log", "text/plain", "dXBzdHJlYW0gdGltZWQgb3V0"])
    expect(page.get_by_label("Lines of your own logs")).to_have_value("upstream timed out")


def test_of_a_long_log_file_its_end_is_sent(site: Site, tmp_path: Path) -> None:
    (tmp_path / "error.log").write_text("an old line\n" * 400_000 + "upstream timed out")
    page = site.tab().open("/")
    fill(page)
    page.get_by_text("Log excerpt").click()
    page.get_by_label("Or a file").set_input_files(tmp_path / "error.log")
    page.get_by_role("button", name="Capture", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at shop.example")
    with site.service.database.reading() as db:
        assert (cases.log_excerpt(db, only_case(site).id) or "").endswith("upstream timed out")


@SCRIPT
def test_everything_of_a_case_can_be_saved(site: Site, bundles: Bundles, tmp_path: Path, script: bool) -> None:
    case = made.add(site.service, bundles)
    page = site.tab(script=script).open(f"/cases/{case.id}")
    for link, name, begin in (("PDF", "dossier.pdf", b"%PDF-"), ("HTML", "dossier.html", b"<!doctype html>"),
                              ("ZIP with everything", "dossier.zip", b"PK"), ("HAR", "page.har", b"{")):
        suggested, data = saved(page, link, tmp_path)
        assert suggested == f"{case.number}-{name}"
        assert data.startswith(begin)
    suggested, data = saved(page, "for Cloudflare", tmp_path)
    with zipfile.ZipFile(io.BytesIO(data)) as pack:
        assert "cloudflare/letter-vendor.md" in pack.namelist()


def test_the_dossier_inside_works_and_reaches_nothing_of_ours(site: Site, bundles: Bundles) -> None:
    case = made.add(site.service, bundles)
    tab = site.tab(permissions=["clipboard-read", "clipboard-write"])
    page = tab.open(f"/cases/{case.id}")
    page.locator("iframe").scroll_into_view_if_needed()
    inside = page.frame_locator("iframe")
    expect(inside.get_by_role("heading", level=1)).to_be_visible()
    expect(inside.get_by_role("button", name="Copy URL", exact=True).first).to_be_visible()
    frame = page.frames[1]
    assert frame.evaluate("origin") == "null"
    for reach in ("document.cookie", "parent.document.title", "localStorage.length", "top.location.href"):
        attempt = f"(() => {{ try {{ return String({reach}) && 'reached' }} catch {{ return 'kept out' }} }})()"
        assert frame.evaluate(attempt) == "kept out", reach
    assert frame.evaluate(f"fetch('{site.base}/cases').then(() => 'reached', () => 'kept out')") == "kept out"
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open it alone").click()
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("Cloudflare answered")
    assert opened.value.evaluate("origin") == "null"


@SCRIPT
def test_notes_hold_and_deletion(site: Site, bundles: Bundles, script: bool) -> None:
    case = made.add(site.service, bundles)
    page = site.tab(script=script).open(f"/cases/{case.id}")
    page.get_by_label("New note").fill("hoster says: firewall")
    page.get_by_role("button", name="Add the note").click()
    expect(page.locator(".note")).to_contain_text("hoster says: firewall")
    page.get_by_role("button", name="Put it on hold").click()
    expect(page.get_by_text("The case is on hold.")).to_be_visible()
    expect(page.get_by_role("link", name="Delete this case")).to_have_count(0)
    page.get_by_role("button", name="Lift the hold").click()
    page.get_by_role("link", name="Delete this case").click()
    page.get_by_label("Reason").fill("ticket 4711")
    page.get_by_role("button", name="Delete it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This case was deleted")
    expect(page.get_by_text("ticket 4711")).to_be_visible()


@SCRIPT
@pytest.mark.usefixtures("reloads_often")
def test_a_re_check_links_both_and_compares_them(site: Site, bundles: Bundles, script: bool) -> None:
    first = made.add(site.service, bundles)
    page = site.tab(script=script).open(f"/cases/{first.id}")
    page.get_by_role("button", name="Re-check now").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Looking at shop.example")
    made.finish(site.service, bundles, "healthy", *made.begin(site.service))
    expect(page.get_by_text("The later capture shows no failure any more.")).to_be_visible()
    page.get_by_role("link", name="Compare the two in full").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The later capture shows no failure any more")
    expect(page.get_by_role("row", name="Answer ≠")).to_contain_text("200 OK")
    page.get_by_role("link", name=str(first.number)).click()
    expect(page.get_by_role("heading", name="Before and after")).to_be_visible()


@SCRIPT
def test_a_link_is_made_opened_and_revoked(site: Site, bundles: Bundles, tmp_path: Path, script: bool) -> None:
    case = made.add(site.service, bundles)
    page = site.tab(script=script).open(f"/cases/{case.id}")
    page.get_by_label("Days until it ends").fill("3")
    page.get_by_label("Passphrase").fill("three green bottles")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("pre").inner_text()
    assert re.fullmatch(re.escape(site.base) + r"/s/[\w-]{22}", link)
    stranger = site.tab(script=script).page
    stranger.goto(link)
    assert "Cloudflare" not in stranger.content()
    stranger.get_by_label("Passphrase").fill("wrong wrong")
    stranger.get_by_role("button", name="Show it").click()
    expect(stranger.get_by_text("This is not the passphrase.")).to_be_visible()
    stranger.get_by_label("Passphrase").fill("three green bottles")
    stranger.get_by_role("button", name="Show it").click()
    expect(stranger.frame_locator("iframe").get_by_role("heading", level=1)).to_contain_text("Cloudflare answered")
    assert saved(stranger, "PDF", tmp_path)[1].startswith(b"%PDF-")
    page.get_by_role("link", name="Back to the case").click()
    expect(page.get_by_text("1 time")).to_be_visible()
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("cell", name=re.compile("revoked"))).to_be_visible()
    stranger.reload()
    expect(stranger.get_by_text("This link does not work, or does not work any more.")).to_be_visible()


@SCRIPT
def test_history_is_searched_and_failures_are_grouped(site: Site, bundles: Bundles, script: bool) -> None:
    for name in ("cloudflare_522", "cloudflare_522", "nginx_502", "healthy"):
        made.add(site.service, bundles, name)
    page = site.tab(script=script).open("/cases")
    expect(page.locator("ol.cases > li")).to_have_count(4)
    page.get_by_text("More: vendor").click()
    page.get_by_label("Vendor").fill("cloudflare")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("ol.cases > li")).to_have_count(2)
    page.get_by_role("link", name="Failures").click()
    expect(page.locator("ol.cases > li")).to_have_count(2)
    page.get_by_role("link", name="Cloudflare answered").click()
    expect(page.get_by_text("Only cases of one failure.")).to_be_visible()
    expect(page.locator("ol.cases > li")).to_have_count(2)
