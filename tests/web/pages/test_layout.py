"""What every page shares: the menu of who asks, addresses of static files, one look with the dossier."""

import re
from collections.abc import Callable

import pytest

from report.html import TEMPLATES
from tests.web.serving import Browser, Served
from web.pages.layout import STATIC, asset

AsUser = Callable[..., Browser]


def menu(browser: Browser, address: str = "/") -> list[tuple[str, bool]]:
    text = browser.get(address).get_data(as_text=True)
    links = re.search(r'<nav aria-label="Main">(.*?)</nav>', text, re.DOTALL)
    entries = re.findall(r"<a ([^>]*)>([^<]+)</a>", links[1]) if links else []
    return [(title, "aria-current" in rest) for rest, title in entries]


def test_the_menu_is_what_one_may_open(service: Served, as_user: AsUser) -> None:
    common = ["New capture", "Cases", "Failures", "Account"]
    assert [title for title, _ in menu(service.browser())] == [*common, "Administration"]
    assert [title for title, _ in menu(as_user("admin"))] == [*common, "Administration"]
    assert [title for title, _ in menu(as_user("member"))] == common
    assert menu(service.browser(), "/login") == []


@pytest.mark.parametrize(("address", "title"), [
    ("/", "New capture"), ("/import", "New capture"), ("/cases", "Cases"), ("/groups", "Failures")])
def test_the_menu_says_where_one_is(service: Served, address: str, title: str) -> None:
    assert [name for name, here in menu(service.browser(), address) if here] == [title]


def test_the_address_of_a_static_file_changes_with_its_content(service: Served) -> None:
    address = asset("style.css")
    assert re.fullmatch(r"/static/style\.css\?v=[0-9a-f]{12}", address)
    got = service.browser().get(address, buffered=True)
    assert got.data == (STATIC / "style.css").read_bytes()
    assert "immutable" in got.headers["Cache-Control"]


def test_style_and_scripts_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in STATIC.iterdir()}
    assert sizes["style.css"] < 24_000
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) < 20_000


def colours(text: str) -> list[dict[str, str]]:
    """Light, then dark."""
    blocks = re.findall(r"\{[^{}]*--ink:[^{}]*\}", text)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]+)", block)) for block in blocks[:2]]


def test_the_colours_are_those_of_the_dossier() -> None:
    ours, theirs = (colours(path.read_text()) for path in (STATIC / "style.css", TEMPLATES / "dossier.css"))
    for mine, other in zip(ours, theirs, strict=True):
        assert len(mine) > 10
        assert {name: other[name] for name in mine} == mine


def test_nothing_is_inline_that_the_policy_would_block(service: Served) -> None:
    templates = STATIC.parent / "templates"
    for path in templates.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<style|\sstyle=|<script(?! src=)|\son[a-z]+=", text), path.name


def test_no_page_asks_another_host_for_anything() -> None:
    for path in (*STATIC.iterdir(), *(STATIC.parent / "templates").rglob("*.html")):
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"""(?:src|href|url\()=?["']?(?:https?:)?//""", text), path.name
