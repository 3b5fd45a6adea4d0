"""`./run gallery`: pictures of dossiers for docs. In: eight invented failures. Out: PNG files.

Per case the first sheet of the PDF and the HTML in light, in dark and on a phone; and a page that lists them. The
browser draws the failed pages; hosts and addresses are those reserved for documentation; nothing leaves this machine.
"""

import io
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageOps
from playwright.sync_api import Browser, sync_playwright
from playwright.sync_api import Error as BrowserError

from capture import chromium
from capture.record.evidence import Evidence
from capture.record.page import ConsoleEntry, Exchange, PageLoad
from report.diagnose import diagnose
from report.dossier import build
from tests.report.examples import EXAMPLES
from tests.report.parts import (
    START,
    Example,
    dial,
    dns,
    evidence,
    exchange,
    handshake,
    headers,
    plain,
    screenshot,
)

PAGES: Final = Path(__file__).parent / "pages"
TARGET: Final = Path(__file__).parents[2] / "docs" / "gallery"
README_PICTURE: Final = Path(__file__).parents[2] / "docs" / "images" / "dossier.png"
LOOKS: Final[dict[str, dict[str, Any]]] = {
    "light": {"viewport": {"width": 1280, "height": 1500}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 1500}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 1700}, "color_scheme": "light"},
}
FLAT, OTHERS = 160, 96
"""Colours kept in a picture: the most frequent ones as they are, and some for the screenshot inside it."""


@dataclass(frozen=True)
class Case:
    """One failure with a page."""

    title: str
    """What the list calls it."""
    url: str
    status: int
    lines: tuple[str, ...]
    """Header lines of the answer."""
    phrase: str = ""
    took_ms: float = 31.0
    parts: tuple[tuple[str, int | None, str], ...] = ()
    """What the page asked for besides: path, status or none, type."""
    console: tuple[tuple[str, str, str], ...] = ()
    """Source, level and text of each line."""
    seen: str | None = None
    """What the visitor says."""


CASES: Final[dict[str, Case]] = {
    "cloudflare-521": Case(
        "Cloudflare 521, branded", "https://tickets.example/orders/new", 521,
        ("date: Fri, 20 Nov 2026 07:41:02 GMT", "content-type: text/html; charset=UTF-8", "server: cloudflare",
         "cf-ray: 9a0b1c2d3e4f5071-FRA", "cache-control: private, no-store"),
        parts=(("/cdn-cgi/styles/main.css", 200, "stylesheet"), ("/favicon.ico", 521, "other")), took_ms=240,
        console=(("log", "error", "Failed to load resource: the server responded with a status of 521 ()"),)),
    "nginx-502": Case(
        "nginx 502", "http://intranet.example/reports", 502,
        ("Server: nginx/1.22.1", "Date: Fri, 20 Nov 2026 07:41:02 GMT", "Content-Type: text/html",
         "Content-Length: 157", "Connection: keep-alive"), phrase="Bad Gateway", took_ms=12,
        seen="Since lunch none of the reports opens."),
    "cloudfront-504": Case(
        "CloudFront 504", "https://media.example/player", 504,
        ("content-type: text/html", "server: CloudFront", "date: Fri, 20 Nov 2026 07:41:32 GMT",
         "x-cache: Error from cloudfront", "via: 1.1 5f0a11c2d3e4b5a6978812345678abcd.cloudfront.net (CloudFront)",
         "x-amz-cf-pop: FRA56-P4", "x-amz-cf-id: Zq3Xk9Lw5tYc7RbN2mVd8JhPfGsAeUiO4yT6xKq1BnWzCvMlErDuQg=="),
        took_ms=30_120),
    "application-500": Case(
        "An application's own 500 with console errors", "https://harbour.example/checkout", 500,
        ("server: nginx", "date: Fri, 20 Nov 2026 07:41:02 GMT", "content-type: text/html; charset=utf-8",
         "x-powered-by: Express", "x-request-id: 7c1e5b2a-40f1-4c8e-9d53-a1f0c3d2e4b5",
         "set-cookie: session=[redacted:cookie:64:5f0a11c2]; Path=/; HttpOnly"), took_ms=812,
        parts=(("/assets/app.css", 200, "stylesheet"), ("/assets/app.js", 200, "script"), ("/api/cart", 500, "fetch"),
               ("/api/prices?currency=EUR", 200, "fetch"), ("/assets/stripes.woff2", 404, "font"),
               ("/assets/logo.svg", 200, "image"), ("/api/telemetry", None, "ping")),
        console=(("exception", "error", "TypeError: Cannot read properties of undefined (reading 'total')"),
                 ("log", "error", "Failed to load resource: the server responded with a status of 500 ()"),
                 ("issue", "warning", "A cookie was not sent because its SameSite attribute is missing"),
                 ("console", "info", "harbour 4.18.2 started"))),
    "block-403": Case(
        "Bot block", "https://fares.example/search", 403,
        ("Server: AkamaiGHost", "Mime-Version: 1.0", "Content-Type: text/html", "Date: Fri, 20 Nov 2026 07:41:02 GMT"),
        phrase="Forbidden", took_ms=44),
    "healthy": Case(
        "A healthy page", "https://bakery.example/", 200,
        ("server: nginx", "content-type: text/html; charset=utf-8", "date: Fri, 20 Nov 2026 07:41:02 GMT",
         "cache-control: max-age=600"), took_ms=64,
        parts=(*((f"/img/bread-{n}.jpg", 200, "image") for n in range(1, 12)), ("/site.css", 200, "stylesheet"))),
}  # fmt: skip
BROWSERS_OWN: Final = {"nxdomain": "NXDOMAIN", "expired": "Expired certificate"}
ORDER: Final = ("cloudflare-521", "nginx-502", "cloudfront-504", "nxdomain", "expired", "application-500", "block-403",
                "healthy")


def drawn(browser: Browser, name: str, case: Case) -> Example:
    """The bundle of a case, its page drawn by the browser."""
    text = (PAGES / f"{name}.html").read_text(encoding="utf-8")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_content(text)
    shot, title, shown = page.screenshot(), page.title(), page.inner_text("body")
    page.context.close()
    load = PageLoad(
        label="strict", started_at=START, duration_ms=case.took_ms + 900, ended="load", main_exchange="E1",
        final_url=case.url, title=title, text=shown, screenshot=screenshot(shot), exchanges=exchanges(case, text),
        dom_content_loaded_ms=case.took_ms + 60, load_ms=case.took_ms + 420,
        console=tuple(ConsoleEntry(source=source, level=level, text=line, url=case.url)
                      for source, level, line in case.console))  # fmt: skip
    facts = facts_of(case, load)
    return Example(facts, diagnose(facts), {"screenshot.png": shot})


def exchanges(case: Case, text: str) -> tuple[Exchange, ...]:
    """The document, then what it asked for."""
    first = exchange(1, case.url, case.status, phrase=case.phrase, answer=headers(*case.lines), body=text,
                     protocol="http/1.1" if case.phrase else "h2", duration_ms=case.took_ms)  # fmt: skip
    base = "/".join(case.url.split("/")[:3])
    others = (exchange(n, base + path, status, kind, started_ms=case.took_ms + 20 + 31 * n,
                       duration_ms=25.0 + 47 * (n % 4),
                       **({"phrase": ""} if status else {"error": "net::ERR_BLOCKED_BY_CLIENT"}))
              for n, (path, status, kind) in enumerate(case.parts, 2))  # fmt: skip
    return (first, *others)


def facts_of(case: Case, load: PageLoad) -> Evidence:
    """All that a capture records of it."""
    host = case.url.split("/")[2]
    tls = (handshake(host),) if case.url.startswith("https") else None
    made = evidence(case.url, (load,), dns=dns(host), tls=tls, dials=(dial(0, host), dial(1, host)),
                    plain_http=plain(case.url, case.status, *case.lines, took_ms=case.took_ms))  # fmt: skip
    request = made.request.model_copy(update={"seen": case.seen})
    return made.model_copy(update={"request": request})


def browsers_own(browser: Browser, name: str) -> Example:
    """The examples that have no page of a site, with the page that the browser shows instead."""
    example = EXAMPLES[name]()
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    if name == "nxdomain":
        try:
            page.goto(example.evidence.request.url)
        except BrowserError:
            page.wait_for_timeout(500)
    else:
        page.set_content((PAGES / f"{name}.html").read_text(encoding="utf-8"))
    shot = page.screenshot()
    page.context.close()
    native = PageLoad(label="native", started_at=START, ended="failed", screenshot=screenshot(shot, "native.png"))
    strict, *others = example.evidence.pages
    pages = (strict.model_copy(update={"screenshot": None}), *others, native)
    facts = example.evidence.model_copy(update={"pages": pages})
    return Example(facts, diagnose(facts), {**example.files, "native.png": shot})


def pictures(browser: Browser, directory: Path) -> Iterator[tuple[str, bytes]]:
    """The pictures of a dossier: name of the look, PNG."""
    yield "pdf", small(first_sheet(directory, 96))
    for look, options in LOOKS.items():
        page = browser.new_context(**options).new_page()
        page.goto((directory / "dossier.html").as_uri())
        yield look, small(page.screenshot())
        page.context.close()


def first_sheet(directory: Path, dpi: int) -> bytes:
    """The first sheet of the PDF as PNG."""
    return subprocess.run(["pdftoppm", "-singlefile", "-r", str(dpi), "-png", str(directory / "dossier.pdf")],
                          capture_output=True, check=True).stdout  # fmt: skip


def for_readme(directory: Path) -> bytes:
    """The first sheet of a Cloudflare 522, without the empty end of the paper."""
    EXAMPLES["cloudflare_522"]().seal(directory)
    made = build(directory)
    with Image.open(io.BytesIO(first_sheet(made.paths["dossier.pdf"].parent, 110))) as sheet:
        used = sheet.crop((0, 0, sheet.width, sheet.height * 19 // 20))
    bottom = (ImageOps.invert(used.convert("L")).getbbox() or (0, 0, 0, used.height))[3]
    out = io.BytesIO()
    used.crop((0, 0, used.width, min(used.height, bottom + 40))).save(out, "PNG")
    return small(out.getvalue())


def small(png: bytes) -> bytes:
    """The picture with few colours, the most frequent ones exactly as they are."""
    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    pixels = list(zip(*[iter(image.tobytes())] * 3, strict=True))
    counted = [colour for colour, _ in Counter(pixels).most_common()]
    # By coverage: the median would give the few pixels of a thin green line to grey.
    rest = image.quantize(OTHERS, Image.Quantize.MAXCOVERAGE).getpalette() or []
    palette = [*counted[:FLAT], *zip(*[iter(rest[: 3 * OTHERS])] * 3, strict=True)]
    near = {colour: min(range(len(palette)), key=lambda i: distance(palette[i], colour)) for colour in counted}
    kept = Image.frombytes("P", image.size, bytes(near[pixel] for pixel in pixels))
    kept.putpalette([part for colour in palette for part in colour])
    out = io.BytesIO()
    kept.save(out, "PNG", optimize=True)
    return out.getvalue()


def distance(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """How far apart two colours are."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def page_of(names: dict[str, str]) -> str:
    """The page that lists the pictures, as Markdown."""
    lines = ["# Gallery", "", "Dossiers of eight invented captures, drawn by `./run gallery`: the first sheet of the",
             "PDF, the HTML in light, in dark and on a phone.", ""]  # fmt: skip
    for name, title in names.items():
        shown = " ".join(f'<img src="{name}-{look}.png" width="{width}" alt="{title}: {look}">'
                         for look, width in (("pdf", 230), ("light", 270), ("dark", 270), ("phone", 90)))  # fmt: skip
        lines += [f"## {title}", "", shown, ""]
    return "\n".join(lines)


def main(target: Path = TARGET) -> None:
    """Draws everything anew."""
    target.mkdir(parents=True, exist_ok=True)
    titles = {name: CASES[name].title if name in CASES else BROWSERS_OWN[name] for name in ORDER}
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as directory:
        browser = playwright.chromium.launch(
            executable_path=chromium.find().path, args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"])
        for name in ORDER:
            example = drawn(browser, name, CASES[name]) if name in CASES else browsers_own(browser, name)
            example.seal(Path(directory) / name)
            made = build(Path(directory) / name)
            for look, png in pictures(browser, made.paths["dossier.html"].parent):
                (target / f"{name}-{look}.png").write_bytes(png)
        browser.close()
        README_PICTURE.write_bytes(for_readme(Path(directory) / "readme"))
    (target / "README.md").write_text(page_of(titles), encoding="utf-8")


if __name__ == "__main__":
    main()
