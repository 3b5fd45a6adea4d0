"""The copy buttons of the opened file: each copies exactly what stands beside it, whole."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from capture.record.bundle import Bundle
from capture.record.request import RequestRecord
from capture.record.seal import manifest
from report import html, packs, reproduce
from report.dossier import Dossier
from report.text import SHOWN_CHARS
from report.view import FACT_CHARS
from tests.report.browsing import opened
from tests.report.examples import EXAMPLES

pytestmark = pytest.mark.browser


def test_every_copy_button_copies_what_stands_beside_it(browser: Browser, dossier: Dossier) -> None:
    page, _, _ = opened(browser, dossier, permissions=["clipboard-read", "clipboard-write"])
    for fact in dossier.diagnosis.support:
        page.locator(".first").get_by_role("button", name=f"Copy {fact.label}", exact=True).click()
        assert page.evaluate("navigator.clipboard.readText()") == fact.value
        assert page.locator("p[role=status]").text_content() == f"Copied: {fact.label}"
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    buttons = page.locator(".copy")
    assert buttons.count() > len(dossier.diagnosis.support) + 5
    for button in buttons.element_handles():
        assert button.is_visible()
        beside = button.evaluate(BESIDE)
        assert beside.strip()
        assert button.evaluate(PRESSED) == beside
    page.context.close()


PRESSED = """async button => {
  const told = document.querySelector('p[role=status]');
  await navigator.clipboard.writeText('');
  told.textContent = '';
  const done = new Promise(resolve => new MutationObserver(resolve).observe(told, {childList: true}));
  button.click();
  await done;
  return navigator.clipboard.readText();
}"""
"""What a copy button leaves in the clipboard."""
BESIDE = """button => {
  const cell = button.closest('td');
  if (!cell) return button.previousElementSibling.textContent;
  const others = [...cell.childNodes].filter(node => node !== button);
  return cell.dataset.copy ?? others.map(node => node.textContent).join('').trim();
}"""
"""What stands beside a copy button: the rest of its cell, or the block or the command before it."""


def test_commands_letters_and_headers_are_copied_as_they_are(browser: Browser, dossier: Dossier) -> None:
    bundle = Bundle(dossier.paths["dossier.html"].parents[1])
    facts, said = bundle.evidence, dossier.diagnosis
    answer = facts.pages[0].exchanges[0].response
    assert answer is not None
    expected = {
        "reproduction": [line.command for line in reproduce.lines(facts, said)],
        "letters": [letter.text for letter in packs.written(facts, said, bundle.manifest)],
        "headers": ["\n".join(("h2 522 ", *(f"{field.name}: {field.value}" for field in answer.headers)))],
        "custody": [bundle.manifest.fingerprint, html.RECOUNT],
    }  # fmt: skip
    page, _, _ = opened(browser, dossier, permissions=["clipboard-read", "clipboard-write"])
    for section, texts in expected.items():
        taken = []
        for button in page.locator(f"#{section} .copy").all():
            button.click()
            taken.append(page.evaluate("navigator.clipboard.readText()"))
        assert texts
        assert [text for text in texts if text not in taken] == []
    page.context.close()


def test_a_long_command_and_a_long_letter_are_copied_whole(browser: Browser, tmp_path: Path) -> None:
    example = EXAMPLES["cloudflare_522"]()
    url = "https://shop.example/" + "a" * 3_000 + "?" + "b" * 3_000
    load = example.evidence.pages[0]
    first = load.exchanges[0].model_copy(update={"url": url})
    load = load.model_copy(update={"exchanges": (first,), "final_url": url})
    changes = {"pages": (load,), "request": RequestRecord(url=url)}
    facts = example.evidence.model_copy(update=changes)
    shown = tmp_path / "dossier.html"
    shown.write_text(html.render(facts, example.diagnosis, manifest(()), paper=False))
    command = reproduce.lines(facts, example.diagnosis)[0].command
    assert len(command) > SHOWN_CHARS
    page = browser.new_context(permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(shown.as_uri())
    page.locator("#reproduction .copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == command
    page.context.close()


def test_a_shortened_fact_is_copied_whole(browser: Browser, long_dossier: Dossier) -> None:
    page, _, _ = opened(browser, long_dossier, permissions=["clipboard-read", "clipboard-write"])
    fact = long_dossier.diagnosis.support[0]
    assert len(fact.value) > FACT_CHARS
    page.locator(".first .copy").first.click()
    assert page.evaluate("navigator.clipboard.readText()") == fact.value
    page.context.close()


def test_copying_works_without_the_clipboards_consent(browser: Browser, dossier: Dossier) -> None:
    page, _, _ = opened(browser, dossier)
    page.evaluate("void (navigator.clipboard.writeText = () => Promise.reject(new Error('denied')))")
    page.evaluate("void (document.execCommand = () => { window.taken = document.activeElement.value; return true })")
    page.locator(".first .copy").first.click()
    page.locator(".copy", has_text="Copied").wait_for()
    assert page.evaluate("window.taken") == dossier.diagnosis.support[0].value
    page.context.close()
