"""Ten kinds of secrets in ten carriers, captured for real: none of them is in any byte of anything that is written."""

import base64
import json
import random
import string
import zipfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pypdf
import pytest

from capture.record.base import Header
from report import dossier
from tests.brokensite import HTML, BrokenSite, Row, answer, says
from tests.capturing import captured

pytestmark = pytest.mark.browser

CARRIERS = ("header", "cookie", "query", "fragment", "json", "form", "html", "console", "websocket", "dom")
LETTERS = string.ascii_letters + string.digits


def _jwt(some: random.Random) -> str:
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}), json.dumps({"sub": _word(some, 12), "exp": 1893456000})]
    return ".".join([*(base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts),
                     _word(some, 43)])


def _word(some: random.Random, length: int, letters: str = LETTERS) -> str:
    return "".join(some.choice(letters) for _ in range(length))


def _card(some: random.Random) -> str:
    digits = [4, *(some.randrange(10) for _ in range(14))]
    total = sum(sum(divmod(d * 2, 10)) if i % 2 == 0 else d for i, d in enumerate(digits))
    return "".join(map(str, [*digits, -total % 10]))


KINDS: dict[str, Callable[[random.Random], str]] = {
    "jwt": _jwt,
    "aws": lambda some: "AKIA" + _word(some, 16, string.ascii_uppercase + "234567"),
    "github": lambda some: "ghp_" + _word(some, 36),
    "stripe": lambda some: "sk_live_" + _word(some, 24),
    "slack": lambda some: "xoxb-" + _word(some, 12, string.digits) + "-" + _word(some, 24),
    "google": lambda some: "AIza" + _word(some, 35),
    "gitlab": lambda some: "glpat-" + _word(some, 20),
    "sendgrid": lambda some: "SG." + _word(some, 22) + "." + _word(some, 43),
    "card": _card,
    "email": lambda some: f"{_word(some, 10, string.ascii_lowercase)}@customer.example",
}


def _planted(some: random.Random) -> dict[str, dict[str, str]]:
    return {carrier: {kind: make(some) for kind, make in KINDS.items()} for carrier in CARRIERS}


def _page(planted: dict[str, dict[str, str]]) -> Row:
    """A page that carries each carrier's secrets in it, and makes the browser carry the others."""
    values = {carrier: list(kinds.values()) for carrier, kinds in planted.items()}
    script = f"""
      console.error("failed with", ...{json.dumps(values["console"])});
      fetch("/ok?" + {json.dumps("&".join(f"k{i}={quote(v)}" for i, v in enumerate(values["query"])))});
      fetch("/json");
      fetch("/ok", {{method: "POST", headers: {{"Content-Type": "application/x-www-form-urlencoded"}},
                     body: {json.dumps("&".join(f"k{i}={quote(v)}" for i, v in enumerate(values["form"])))}}});
      const parts = {json.dumps([v[::-1] for v in values["dom"]])};
      for (const part of parts) {{
        document.body.append(Object.assign(document.createElement("p"), {{textContent: [...part].reverse().join("")}}));
      }}
      const socket = new WebSocket(`ws://${{location.host}}/socket`);
      const frames = {json.dumps([v[::-1] for v in values["websocket"]])};
      socket.onopen = () => frames.forEach((frame) => socket.send([...frame].reverse().join("")));
      location.hash = {json.dumps("&".join(f"k{i}={quote(v)}" for i, v in enumerate(values["fragment"])))};
    """
    body = ("<!doctype html><title>Canary</title><body>" + "".join(f"<p>{v}</p>" for v in values["html"])
            + f"<script>{script}</script>").encode()
    lines = [f"X-Detail-{i}: {v}" for i, v in enumerate(values["header"])]
    cookies = [f"Set-Cookie: c{i}={v}; Path=/" for i, v in enumerate(values["cookie"])]
    return says(answer("200 OK", HTML, *lines, *cookies, body=body))


def everything(directory: Path) -> dict[str, bytes]:
    """Every byte that was written, also what is packed inside the ZIP and the PDF."""
    found = {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    with zipfile.ZipFile(directory / "report/dossier.zip") as bag:
        found |= {f"zip:{name}": bag.read(name) for name in bag.namelist()}
    if not (directory / "report/dossier.pdf").is_file():
        return found
    reader = pypdf.PdfReader(directory / "report/dossier.pdf")
    found |= {f"pdf:{name}": b"".join(datas) for name, datas in reader.attachments.items()}
    found["pdf:text"] = "".join(page.extract_text() for page in reader.pages).encode()
    return found


async def test_ten_kinds_in_ten_carriers_are_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = random.Random(0)
    planted = _planted(some)
    from tests import brokensite, websocket

    monkeypatch.setitem(brokensite.ROWS, "canary", _page(planted))
    monkeypatch.setitem(brokensite.ROWS, "socket", websocket.echo)
    body = json.dumps({f"k{i}": v for i, v in enumerate(planted["json"].values())}).encode()
    monkeypatch.setitem(brokensite.ROWS, "json", says(answer("200 OK", "Content-Type: application/json", body=body)))
    async with BrokenSite() as site:
        bundle = await captured(site.url("canary"), tmp_path)
    dossier.build(bundle.directory)
    load = bundle.evidence.pages[0]
    assert load.websockets
    assert load.websockets[0].frames
    assert any(entry.source == "console" for entry in load.console)
    assert sum(exchange.method == "POST" for exchange in load.exchanges) == 1
    written = everything(bundle.directory)
    needles = {f"{kind} in {carrier}": value for carrier, kinds in planted.items() for kind, value in kinds.items()}
    leaks = sorted(f"{what}: {name}" for what, value in needles.items() for name, data in written.items()
                   for form in {value, quote(value), quote(value, safe="")} if form.encode() in data)
    assert leaks == [], "\n".join(leaks)
    assert bundle.evidence.redactions


async def test_what_the_user_gives_is_nowhere_and_a_session_is_masked_wherever_it_turns_up(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import brokensite

    session, password = "a8f5f167f44f4964e6c998dee827110c", "Tr0ub4dor-and-3"
    page = (f"<!doctype html><title>Shop {session}</title><form><input type=hidden name=csrf_token value={session}>"
            f"</form><p>session {session}</p><script>console.log('{session}')</script>").encode()
    monkeypatch.setitem(brokensite.ROWS, "login", says(answer(
        "500 Internal Server Error", HTML, f"Set-Cookie: PHPSESSID={session}; HttpOnly", "X-Request-Id: req-77aa01bc",
        body=page)))
    async with BrokenSite() as site:
        url = site.url("login").replace("http://", f"http://alice:{password}@") + "?reset_token=qX7bYz91KkL2&step=2"
        bundle = await captured(url, tmp_path, headers=(Header(name="Authorization", value="Bearer zK3-user-given-9"),),
                                note=f"the password is {password}", seen="it failed with api_key=9f8e7d6c5b4a3928")
    dossier.build(bundle.directory)
    written = everything(bundle.directory)
    for secret in (session, password, "qX7bYz91KkL2", "zK3-user-given-9", "9f8e7d6c5b4a3928"):
        assert [name for name, data in written.items() if secret.encode() in data] == []
    assert b"req-77aa01bc" in written["evidence.json"]
    assert b"step=2" in written["evidence.json"]
