"""A dossier opened in a browser. In: a browser, a dossier. Out: the page, the schemes it asked for, what it said."""

from playwright.sync_api import Browser, Page

from report.dossier import Dossier


def opened(browser: Browser, dossier: Dossier, **options: object) -> tuple[Page, list[str], list[str]]:
    """Opens the file in a context with these options."""
    page = browser.new_context(**options).new_page()  # type: ignore[arg-type]
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition(":")[0]))
    page.on("console", lambda message: said.append(message.text))
    page.goto(dossier.paths["dossier.html"].as_uri())
    return page, asked, said
