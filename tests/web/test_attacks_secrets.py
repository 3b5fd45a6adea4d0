"""Secrets that users type, paste or hand in: masked before anything is kept, wherever they come in."""

from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.web.pages.made import Bundles, add, ask
from tests.web.serving import Served
from web.store.tables import Case, LogExcerpt, Note

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4iLCJuIjoiMTcifQ.3xmVQk9sTn0aZb8cYd7eWf6gVh5iUj4kTl3mSn2oRp1"
SECRETS = ("S1d0c0oK1eVa1ueQx7", "Be4rerV4lueZz81kLm", "sw0rdf1shKnock9", "us3rinf0Pass77", "qu3ryT0kenVa1ue55Hk", JWT)
PASTED = (f"It fails since 14:03 \N{EM DASH} ticket 4711\nCookie: sid={SECRETS[0]}; theme=dark\n"
          f"Authorization: Bearer {SECRETS[1]}\nDB_PASSWORD={SECRETS[2]}\n"
          f"https://ann:{SECRETS[3]}@shop.example/pay?access_token={SECRETS[4]}\nid_token: {JWT}\n")
"""What somebody who is in a hurry pastes."""
HAR = b'{"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": []}}'
URL = "https://shop.example/"
Door = Callable[[Served, Bundles], object]


def planted(data: Path, secrets: Iterable[str] = SECRETS) -> list[str]:
    """Which secrets lie in any file of the service, the database and its log among them."""
    kept = b"\n".join(path.read_bytes() for path in data.rglob("*") if path.is_file())
    return [secret for secret in secrets if secret.encode() in kept]


def form(path: str, *fields: str) -> Door:
    """A form of ours, with the text in those fields."""
    def send(service: Served, bundles: Bundles) -> object:
        sent: dict[str, Any] = {"url": URL, **dict.fromkeys(fields, PASTED)}
        if path == "/import":
            sent["files"] = (BytesIO(HAR), "page.har")
        return service.browser().post(path, sent, seen="/account").status_code

    return send


def log_file(service: Served, bundles: Bundles) -> object:
    sent = {"url": URL, "log_file": (BytesIO(PASTED.encode()), "error.log")}
    return service.browser().post("/", sent, seen="/account").status_code


def api(path: str, **members: Any) -> Door:
    """A body of the API."""
    def send(service: Served, bundles: Bundles) -> object:
        return service.app.test_client().post(f"/api/v1/{path}", json=members).status_code

    return send


def api_import(service: Served, bundles: Bundles) -> object:
    sent = {"files": (BytesIO(HAR), "page.har"), "seen": PASTED, "note": PASTED, "log": PASTED}
    return service.app.test_client().post("/api/v1/imports", data=sent).status_code


def note(service: Served, bundles: Bundles) -> object:
    case = add(service, bundles)
    return service.browser().post(f"/cases/{case.id}/notes", {"text": PASTED}, seen="/account").status_code


def reason(service: Served, bundles: Bundles) -> object:
    case = add(service, bundles)
    return service.browser().post(f"/cases/{case.id}/delete", {"why": PASTED}, seen="/account").status_code


def api_reason(service: Served, bundles: Bundles) -> object:
    case = add(service, bundles)
    return service.app.test_client().delete(
        f"/api/v1/captures/{case.id}", query_string={"reason": PASTED}).status_code


DOWN = {"status": 0, "time": "2026-11-20 10:15:00", "msg": PASTED}
ALERT = {"status": "firing", "labels": {"instance": URL}, "annotations": {"summary": PASTED}, "fingerprint": "1"}
DOORS: dict[str, Door] = {
    "form": form("/", "seen", "note", "log"), "log file": log_file, "form, address": form("/", "url", "secret_is_fine"),
    "import": form("/import", "seen", "note", "log"), "API": api("captures", url=URL, seen=PASTED, note=PASTED,
                                                                log=PASTED),
    "API, import": api_import, "hook": api("hooks/generic", url=URL, message=PASTED),
    "Uptime Kuma": api("hooks/uptime-kuma", heartbeat=DOWN, monitor={"id": 1, "url": URL}),
    "Alertmanager": api("hooks/alertmanager", alerts=[ALERT]), "note": note, "reason": reason,
    "API, reason": api_reason}


@pytest.mark.parametrize("door", DOORS)
def test_a_secret_that_is_pasted_is_nowhere_on_disk(service: Served, bundles: Bundles, door: str) -> None:
    assert DOORS[door](service, bundles) in ((200, 202, 303) if "address" not in door else (422,))
    assert planted(service.config.data) == []


def test_an_address_with_secrets_is_nowhere_on_disk(service: Served) -> None:
    url = f"https://ann:{SECRETS[3]}@shop.example/pay?access_token={SECRETS[4]}&next=1"
    ask(service, url=url, headers=({"name": "X-Key", "value": SECRETS[1]}, {"name": "Cookie", "value": f"a={JWT}"}))
    assert service.count(Case) == 1
    assert planted(service.config.data) == []


def test_what_is_no_secret_stays_and_what_was_masked_is_told(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles, log=PASTED)
    browser = service.browser()
    browser.post(f"/cases/{case.id}/notes", {"text": PASTED}, seen="/account")
    browser.post(f"/cases/{case.id}/notes", {"text": "Ray 8f2a1c9b7d3e4f50: the hoster looks at it"}, seen="/account")
    with service.database.reading() as db:
        kept = [found.text for found in (*db.query(Note), *db.query(LogExcerpt))]
    assert len(kept) == 3
    for text in kept[:1] + kept[2:]:
        assert "It fails since 14:03 \N{EM DASH} ticket 4711\nCookie: sid=[redacted:cookie:18:" in text
        assert "@shop.example/pay?access_token=[redacted:" in text
    assert "Ray 8f2a1c9b7d3e4f50: the hoster looks at it" in kept
    shown = browser.get(f"/cases/{case.id}").text
    assert shown.count("Masked before it was kept: ") == 2
    assert shown.count("authorization, cookie × 2, password, token × 2, userinfo.") == 2
