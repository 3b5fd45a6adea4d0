"""The opened file: silent, usable on a phone, by keyboard and by screen readers, with script and without."""

import importlib.resources
import io
import re
from pathlib import Path
from typing import Literal

import pypdf
import pytest
from playwright.sync_api import Browser, FloatRect, Locator

from capture.record.seal import manifest
from report import html
from report.dossier import Dossier
from report.text import short
from report.view import FACT_CHARS
from tests.report.browsing import opened
from tests.report.examples import EXAMPLES
from tests.report.parts import finding
from tests.report.test_html import HOSTILE, poisoned

pytestmark = pytest.mark.browser

AXE = (importlib.resources.files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8")
"""axe-core 4 (MPL-2.0), as the Python package carries it."""
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS: list[tuple[int, int, Literal["light", "dark"]]] = [
    (360, 740, "light"), (1280, 800, "light"), (1280, 800, "dark"), (1920, 1080, "light"),
]  # fmt: skip
"""Width and height of the window, and what the system prefers."""


GROUP = 8
"""Hostile texts that one window opens one after the other, each in a dossier of its own."""


@pytest.mark.parametrize("which", ["dossier", "long_dossier"])
def test_nothing_leaves_the_file_and_nothing_overflows(
    browser: Browser, which: str, request: pytest.FixtureRequest
) -> None:
    page, asked, said = opened(browser, request.getfixturevalue(which), viewport={"width": 360, "height": 800})
    for width in (360, 768, 1600, 1920):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate("[...document.images].every(image => image.complete && image.naturalWidth > 0)")
    assert asked.count("file") == 1
    assert set(asked) <= {"file", "data"}
    assert said == []
    page.context.close()


def test_the_path_turns_on_a_phone(browser: Browser, dossier: Dossier) -> None:
    for width, shown, hidden in ((360, "tall", "wide"), (1000, "wide", "tall")):
        page, _, _ = opened(browser, dossier, viewport={"width": width, "height": 800})
        assert page.locator(f"svg.{shown}").is_visible()
        assert not page.locator(f"svg.{hidden}").is_visible()
        page.context.close()


CONTRAST = """() => {
  const channel = v => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4 };
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number); return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b) };
  const ground = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$|transparent/.test(c)) return c } return 'rgb(255, 255, 255)' };
  const low = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    const style = getComputedStyle(e), ink = e.namespaceURI.includes('svg') ? style.fill : style.color;
    const [a, b] = [light(ink), light(ground(e))].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) low.push(e.tagName + ' ' + e.textContent.trim().slice(0, 30) + ' ' + ratio.toFixed(2));
  }
  return low;
}"""  # noqa: E501
"""Texts whose contrast with what lies behind is below 4.5 (WCAG 2.2, 1.4.3)."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("which", ["dossier", "long_dossier"])
def test_all_text_has_contrast(browser: Browser, which: str, scheme: str, request: pytest.FixtureRequest) -> None:
    page, _, _ = opened(browser, request.getfixturevalue(which), color_scheme=scheme)
    assert page.evaluate(CONTRAST) == []
    page.context.close()


def test_every_scrolling_table_is_reached_by_keyboard_and_named(browser: Browser, dossier: Dossier) -> None:
    page, _, _ = opened(browser, dossier)
    regions = page.locator(".scroll")
    assert regions.count() > 3
    for i in range(regions.count()):
        assert regions.nth(i).get_attribute("tabindex") == "0"
        assert regions.nth(i).get_attribute("aria-label")
    assert re.search("Failure path:", page.locator("svg.wide title").text_content() or "")
    page.context.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("which", ["dossier", "long_dossier", "without script"])
def test_axe_finds_nothing(browser: Browser, which: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    made: Dossier = request.getfixturevalue("dossier" if which == "without script" else which)
    text = made.paths["dossier.html"].read_text()
    shown = tmp_path / "dossier.html"
    shown.write_text(re.sub("<script>.*</script>", "", text, flags=re.DOTALL) if which == "without script" else text)
    page = browser.new_context(has_touch=True).new_page()
    page.goto(shown.as_uri())
    page.evaluate(AXE)
    for width, height, scheme in LOOKS:
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        found = page.evaluate("rules => axe.run({runOnly: rules, resultTypes: ['violations']})", RULES)
        assert len(found["passes"]) > 15
        wrong = [(v["id"], v["nodes"][0]["html"]) for v in found["violations"]]
        assert wrong == [], f"{scheme}, {width} wide"
    page.context.close()


IN_VIEW = """link => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const box = target.getBoundingClientRect(), look = getComputedStyle(target);
  const marked = look.boxShadow !== 'none' && !/, 0\\)$/.test(look.backgroundColor);
  return target.matches(':target') && marked && box.height > 0 && box.bottom > 0 && box.top < innerHeight;
}"""
"""Whether the place that was led to is there, in view and highlighted."""


@pytest.mark.parametrize("script", [True, False])
def test_every_citation_leads_to_its_place(browser: Browser, dossier: Dossier, script: bool) -> None:
    page, _, _ = opened(browser, dossier, java_script_enabled=script)
    links = page.locator("a.pointer")
    cited = [c for each in dossier.diagnosis.findings for c in each.cites]
    cited += [c for hop in dossier.diagnosis.hops for c in (*hop.evidence_for, *hop.evidence_against)]
    assert links.count() == len(cited) > 5
    for i in range(links.count()):
        links.nth(i).click()
        assert page.evaluate(IN_VIEW), links.nth(i).text_content()
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("script", [True, False])
def test_a_citation_of_the_picture_opens_it_and_marks_the_region(
    browser: Browser, dossier: Dossier, script: bool, scheme: str
) -> None:
    page, _, _ = opened(browser, dossier, java_script_enabled=script, color_scheme=scheme)
    region = next(c.region for f in dossier.diagnosis.findings for c in f.cites if c.region)
    picture = page.locator(".first .shot img")
    small = box_of(picture)
    page.locator("a.pointer", has_text="/screenshot").first.click()
    assert page.evaluate(IN_VIEW)
    large, box = box_of(picture), box_of(page.locator(".box:target"))
    assert large["width"] > 1.5 * small["width"]
    scale = large["width"] / 1280
    assert abs(box["y"] - large["y"] - (region.y - 4) * scale) < 3
    assert abs(box["height"] - (region.height + 8) * scale) < 6
    page.get_by_text("Smaller again").click()
    assert box_of(picture)["width"] == small["width"]
    page.locator(".first .zoom").click(position={"x": 5, "y": 5})
    assert box_of(picture)["width"] == large["width"]
    page.context.close()


def box_of(element: Locator) -> FloatRect:
    found = element.bounding_box()
    assert found is not None
    return found


def test_the_words_cited_are_marked(browser: Browser, dossier: Dossier) -> None:
    page, _, _ = opened(browser, dossier)
    page.locator("a.pointer", has_text="/response/body/text").first.click()
    page.wait_for_function("CSS.highlights.has('cited')")
    marked = page.evaluate("[...CSS.highlights.get('cited')].map(range => range.toString())")
    cited = {c.excerpt for f in dossier.diagnosis.findings for c in f.cites if c.pointer.endswith("/body/text")}
    assert set(marked) <= cited
    assert marked
    page.context.close()


def test_words_cited_from_what_may_break_are_marked_whole(browser: Browser, tmp_path: Path) -> None:
    example = EXAMPLES["cloudflare_522"]()
    url = example.evidence.request.url
    claim = finding("a.b", "app", "A claim.", "/request/url", url)
    made = example.diagnosis.model_copy(update={"findings": (claim,)})
    shown = tmp_path / "dossier.html"
    shown.write_text(html.render(example.evidence, made, manifest(()), paper=False))
    page = browser.new_context().new_page()
    page.goto(shown.as_uri())
    page.locator("a.pointer", has_text="/request/url").click()
    page.wait_for_function("CSS.highlights.has('cited')")
    assert page.evaluate("[...CSS.highlights.get('cited')].map(range => range.toString())") == [url]
    page.context.close()


def test_requests_can_be_filtered_and_sorted(browser: Browser, dossier: Dossier) -> None:
    page, _, _ = opened(browser, dossier)
    rows = page.locator("table.requests tbody tr")
    whole = rows.count()
    page.get_by_label("Filter: Requests, strict load").fill("browser-bar")
    assert rows.locator("visible=true").count() == 1
    assert page.locator(".tools [role=status]").first.text_content() == f"1 of {whole}"
    page.get_by_label("Filter: Requests, strict load").fill("")
    page.locator(".tools").first.get_by_label("only failed").check()
    assert rows.locator("visible=true").count() == 2
    page.locator(".tools").first.get_by_label("only failed").uncheck()
    page.locator("table.requests").get_by_role("button", name="Time").click()
    times = [float(row.locator("td").nth(5).get_attribute("data-v") or "") for row in rows.all()]
    assert times == sorted(times)
    page.locator("table.requests").get_by_role("button", name="Time").click()
    assert page.locator("table.requests th[aria-sort=descending]").count() == 1
    times = [float(row.locator("td").nth(5).get_attribute("data-v") or "") for row in rows.all()]
    assert times == sorted(times, reverse=True)
    page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_request_opens_on_a_click(browser: Browser, dossier: Dossier, script: bool) -> None:
    page, _, _ = opened(browser, dossier, java_script_enabled=script)
    row = page.locator("table.requests tbody tr").first
    assert not row.get_by_text("Answered by").is_visible()
    row.locator("summary").click()
    assert row.get_by_text("Answered by").is_visible()
    page.context.close()


def test_light_and_dark_can_be_chosen(browser: Browser, dossier: Dossier) -> None:
    page, _, _ = opened(browser, dossier, color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Light").click()
    assert page.evaluate(ground) == "rgb(255, 255, 255)"
    page.get_by_role("button", name="Dark").click()
    assert page.evaluate(ground) == dark != "rgb(255, 255, 255)"
    page.context.close()


def test_without_script_there_is_nothing_that_needs_it(browser: Browser, dossier: Dossier) -> None:
    page, asked, said = opened(browser, dossier, java_script_enabled=False)
    assert page.locator("button, input").count() == 0
    assert page.locator("table.requests tbody tr").first.is_visible()
    read = page.locator("main").inner_text()
    for part in (dossier.diagnosis.verdict.summary, dossier.diagnosis.repair, *dossier.diagnosis.next_steps):
        assert part in read
    for fact in dossier.diagnosis.support:
        assert page.get_by_role("cell", name=fact.value, exact=True).first.is_visible()
    for heading in page.locator("nav a").all():
        assert page.locator("h2", has_text=re.compile(f"^{re.escape(heading.inner_text())}$")).is_visible()
    for closed in page.locator("#texts details").all():
        closed.locator("summary").click()
        assert closed.locator("pre").is_visible()
    assert set(asked) <= {"file", "data"}
    assert said == []
    page.context.close()


def test_what_is_closed_is_open_on_paper(browser: Browser, dossier: Dossier) -> None:
    page, _, _ = opened(browser, dossier)
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.locator("details:not([open])").count() == page.locator("tr:not(.bad) details").count()
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator("details[open]").count() == 0
    page.emulate_media(media="print")
    assert not page.locator(".copy, .tools, .theme, nav").locator("visible=true").count()
    page.context.close()


@pytest.mark.parametrize("which", ["dossier", "long_dossier"])
def test_it_prints_cleanly_whatever_the_screen_looks_like(
    browser: Browser, which: str, request: pytest.FixtureRequest
) -> None:
    made: Dossier = request.getfixturevalue(which)
    page, asked, _ = opened(browser, made, color_scheme="dark", viewport={"width": 680, "height": 980})
    page.get_by_role("button", name="Light").click()
    page.get_by_role("button", name="Dark").click()
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True)))
    text = "".join("".join(sheet.extract_text().split()) for sheet in printed.pages)
    assert len(printed.pages) < 40
    for fact in made.diagnosis.support[:4]:
        assert "".join(short(fact.value, FACT_CHARS).split()) in text
    assert "Custody" in text
    assert "Filter" not in text
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("document.documentElement.scrollWidth") <= 680
    assert page.evaluate(CUT) == []
    assert set(asked) <= {"file", "data"}
    page.context.close()


CUT = """() => [...document.querySelectorAll('h1, h2, h3, p, td, th, pre, li, figcaption')]
  .filter(e => e.scrollWidth > e.clientWidth + 1 && !e.closest('.unseen') && getComputedStyle(e).display !== 'inline')
  .map(e => e.outerHTML.slice(0, 90))"""
"""What is wider than its place."""


def test_the_keyboard_reaches_everything_in_order(browser: Browser, dossier: Dossier) -> None:
    page, _, _ = opened(browser, dossier)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the contents"
    assert page.evaluate("document.activeElement.getBoundingClientRect().width") > 50
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'contents'")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.matches('nav a')")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0
    page.context.close()


SMALL = """() => [...document.querySelectorAll('button, input, summary, nav a, a.pointer')].filter(e => {
  const box = (e.closest('label') ?? e).getBoundingClientRect();
  return box.height > 0 && (box.height < 24 || box.width < 24);
}).map(e => e.outerHTML.slice(0, 80))"""


@pytest.mark.parametrize("which", ["dossier", "long_dossier"])
def test_a_thumb_can_hit_everything(browser: Browser, which: str, request: pytest.FixtureRequest) -> None:
    page, _, _ = opened(browser, request.getfixturevalue(which), viewport={"width": 360, "height": 740})
    assert page.evaluate(SMALL) == []
    page.context.close()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, len(HOSTILE), GROUP))
def test_hostile_text_runs_nothing_and_asks_for_nothing(browser: Browser, first: int, tmp_path: Path) -> None:
    page = browser.new_context(viewport={"width": 360, "height": 740}).new_page()
    asked: list[str] = []
    page.on("request", lambda sent: asked.append(sent.url.partition(":")[0]))
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    for number, text in enumerate(HOSTILE[first : first + GROUP], first):
        example = poisoned(text)
        shown = tmp_path / f"{number}.html"
        shown.write_bytes(html.render(example.evidence, example.diagnosis, manifest(()), paper=False).encode())
        page.goto(shown.as_uri())
        page.evaluate("for (const each of document.querySelectorAll('summary')) each.click()")
        assert page.locator("details:not([open])").count() == 0, text
        assert set(asked) <= {"file", "data"}, text
        assert page.url == shown.as_uri(), text
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, text
        assert page.locator("script").count() == 1, text
    page.context.close()
