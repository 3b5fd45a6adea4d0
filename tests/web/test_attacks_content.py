"""Attacks by what a page or a user supplies, on cases of others and on share links: refused, and nothing is stored."""

import logging
import re
from contextlib import closing
from typing import Any

import pytest
from flask import request

from tests.report.test_html import Tags
from tests.web.attacking import HOSTILE, SCRIPT, about_cases, hostile_case, routes
from tests.web.pages.made import Bundles, add, ask, local_user
from tests.web.serving import PASSWORD, Browser, Served
from web.access import limits, users
from web.access.principal import Role
from web.logs import Plain
from web.store import cases, shares
from web.store.tables import Audit, Case, Login, Share, Token

HARMLESS = set(
    "html head meta title link style body main article header footer nav span b i em strong h1 h2 h3 h4 p div svg "
    "circle path g text rect line polyline section table caption colgroup col thead tbody tr th td br hr figure img "
    "figcaption ol ul li code pre a script details summary dl dt dd wbr form input textarea select option label button "
    "fieldset legend iframe time datalist noscript kbd small marker defs polygon tspan".split())


def act(page: str) -> list[str]:
    """What of a page is not ours: elements that we have not, attributes that run, addresses that lead elsewhere."""
    found = []
    for tag, attributes in Tags(page).found:
        if tag not in HARMLESS:
            found.append(tag)
        for name, value in attributes.items():
            where = value.strip().lower()
            outside = name in ("src", "href", "action") and not where.startswith(("/", "#", "?")) and where
            bookmark = attributes.get("class") == "button bookmarklet" and where.startswith("javascript:location.href=")
            if name.startswith("on") or name in ("srcdoc", "formaction", "style") or (outside and not bookmark):
                found.append(f"{tag} {name}={value[:80]}")
        if tag == "script" and not attributes.get("src", "").startswith("/static/"):
            found.append(f"script {attributes}")
    return found


def pages_about(service: Served, case: Case) -> list[str]:
    paths = routes(service, "GET", api=False, case_id=case.id, first_id=case.id, second_id=case.id, name="page.html")
    return [*paths, f"/cases?text={SCRIPT}&host={SCRIPT}&code={SCRIPT}", f"/?url={HOSTILE}", f"/?again={case.id}",
            f"/login?next=/{SCRIPT}", f"/groups?host={SCRIPT}", f"/admin/audit?action={SCRIPT}&user={SCRIPT}",
            f"/nowhere/{SCRIPT}", f"/cases?failure={case.failure}"]


def test_script_in_every_field_that_a_page_fills(service: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = hostile_case(service, tmp_path_factory.mktemp("made"))
    browser, seen = service.browser(), 0
    for path in pages_about(service, case):
        with closing(browser.get(path)) as answer:
            if answer.mimetype == "text/html":
                assert act(answer.text) == [], path
                assert SCRIPT not in answer.text, path
                seen += "alert(1)" in answer.text
    assert seen > 5, "the text is shown, only not as markup"


def test_script_in_every_field_that_a_user_fills(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles, note=HOSTILE, seen=HOSTILE, log=HOSTILE)
    browser = service.browser()
    with service.database.transaction() as db:
        row = db.get_one(Case, case.id)
        row.reason, row.deleted_by = HOSTILE, HOSTILE
    assert browser.post(f"/cases/{case.id}/notes", {"text": HOSTILE}, seen="/account").status_code == 303
    token = {"name": HOSTILE[:64], "scopes": "read", "days": "30"}
    assert browser.post("/account/tokens", token, seen="/account").status_code == 201
    browser.post("/login", {"name": HOSTILE, "password": HOSTILE, "next": f"/{SCRIPT}"}, seen="/account")
    for path in pages_about(service, case):
        with closing(browser.get(path, headers={"User-Agent": HOSTILE})) as answer:
            assert answer.mimetype != "text/html" or act(answer.text) == [], path
    browser.post(f"/cases/{case.id}/delete", {"why": HOSTILE[:200]}, seen="/account")
    assert act(browser.get(f"/cases/{case.id}").text) == []


def test_script_in_the_name_of_a_browser_that_logs_in_or_looks(service: Served, bundles: Bundles) -> None:
    owner = service.log_in("admin", "ann")
    assert owner.user is not None
    case, link = shared(service, bundles, owner)
    stranger = service.browser()
    stranger.post(link, seen=link, headers={"User-Agent": HOSTILE})
    service.add_user("member", "bob")
    browser = service.browser()
    sent = {"name": "bob", "password": PASSWORD}
    assert browser.post("/login", sent, headers={"User-Agent": HOSTILE}).status_code == 303
    assert act(browser.get("/account").text) == []
    for path in (f"/cases/{case.id}", "/admin/audit"):
        text = owner.get(path).text
        assert act(text) == []
        assert SCRIPT not in text


def test_what_was_captured_never_acts_on_our_origin(service: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    case = hostile_case(service, tmp_path_factory.mktemp("made"))
    with service.database.reading():
        names = [entry.path for entry in service.files.names(case.id)]
    assert len(names) > 5
    for base in (f"/cases/{case.id}", f"/api/v1/captures/{case.id}"):
        for name in names:
            with closing(service.app.test_client().get(f"{base}/files/{name}")) as answer:
                policy = answer.headers["Content-Security-Policy"]
                is_dossier = name == "report/dossier.html"
                assert policy.startswith("sandbox")
                assert "allow-same-origin" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert (answer.mimetype == "text/html") == is_dossier, name
                assert answer.mimetype not in ("image/svg+xml", "application/xhtml+xml", "text/xml", "text/javascript")
                attached = (answer.headers.get("Content-Disposition") or "").startswith("attachment")
                assert attached or is_dossier or (answer.mimetype or "").startswith("image/"), name


def test_a_header_that_a_file_name_writes(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    for name in ("x%0d%0aSet-Cookie:%20a=b", "page.har%0d%0aX:%20y", "x%00.html", "%E2%80%A8"):
        answer = service.app.test_client().get(f"/cases/{case.id}/files/{name}")
        assert answer.status_code == 404
        assert "a=b" not in str(answer.headers)


# Cases of others.

@pytest.mark.parametrize("role", ["viewer", "member"])
def test_cases_of_others_by_their_address(service: Served, bundles: Bundles, role: Role) -> None:
    case = add(service, bundles, owner_id=service.add_user("member", "bob").id)
    thief = service.log_in(role, "eve")
    assert thief.user is not None
    token = service.token(thief.user, "read", *(["capture"] if role == "member" else []))
    own = ask(service, thief.user.id)
    known = {"case_id": case.id, "first_id": case.id, "second_id": own.id, "name": "report/dossier.html"}
    with service.unchanged():
        for method in ("GET", "POST"):
            for path in about_cases(routes(service, method, api=False, **known), case.id):
                answer = thief.get(path) if method == "GET" else thief.post(path, {"why": "x"}, seen="/account")
                assert answer.status_code in (403, 404), path
                assert answer.status_code == 404 or role == "viewer", path
        for method in ("GET", "POST", "DELETE"):
            for path in about_cases(routes(service, method, api=True, **known), case.id):
                answer = service.app.test_client().open(
                    path, method=method, headers=token, query_string={"reason": "x"} if method == "DELETE" else {},
                    json={} if method == "POST" else None)
                assert answer.status_code in (403, 404), path
        assert thief.get(f"/?again={case.id}").status_code == 404
        for path in ("/cases", f"/cases?text={case.id}", f"/cases?failure={case.failure}", "/groups"):
            assert f"/cases/{case.id}" not in thief.get(path).text
            assert (case.number or "-") not in thief.get(path).text
        listed = service.app.test_client().get("/api/v1/captures", headers=token)
        assert case.id not in listed.text


def test_an_unknown_case_looks_like_one_of_somebody_else(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles, owner_id=service.add_user("member", "bob").id)
    thief = service.log_in("member", "eve")
    known, unknown = (thief.get(f"/cases/{name}") for name in (case.id, "0" * 26))
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert known.status_code == 404


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_cases_of_the_team_are_read_and_not_changed(service: Served, bundles: Bundles, role: Role) -> None:
    case = add(service, bundles, owner_id=service.add_user("member", "bob").id)
    with service.database.transaction() as db:
        db.get_one(Case, case.id).team = True
    other = service.log_in(role, "eve")
    assert other.get(f"/cases/{case.id}").status_code == 200
    with service.unchanged():
        for change in ("delete", "hold", "team", "shares", "cancel"):
            fields = {"why": "x", "hold": "yes", "days": "1"}
            assert other.post(f"/cases/{case.id}/{change}", fields, seen="/account").status_code == 403
        assert other.get(f"/cases/{case.id}/delete").status_code == 403


def test_a_viewer_who_captures_or_writes(service: Served, bundles: Bundles) -> None:
    viewer = service.log_in("viewer", "eve")
    assert viewer.user is not None
    case = add(service, bundles, owner_id=viewer.user.id)
    with service.unchanged():
        for path in ("/", "/import", *about_cases(routes(service, "POST", api=False, case_id=case.id), case.id)):
            fields = {"url": "https://shop.example/", "text": "x", "why": "x", "days": "1"}
            assert viewer.post(path, fields, seen="/account").status_code == 403, path


def test_tokens_and_logins_of_others(service: Served) -> None:
    bob, eve = service.log_in("member", "bob"), service.log_in("member", "eve")
    assert bob.user is not None
    service.token(bob.user)
    with service.database.reading() as db:
        token, login = db.query(Token).one().id, db.query(Login).filter(Login.user_id == bob.user.id).one().id
    with service.unchanged():
        assert eve.post(f"/account/tokens/{token}/revoke", seen="/account").status_code == 404
        assert eve.post(f"/account/logins/{login}/end", seen="/account").status_code == 404
    assert bob.get("/account").status_code == 200


def test_fields_that_nobody_asked_for(service: Served) -> None:
    """A case is nobody else's and opened to nobody because a request says so."""
    bob = service.add_user("member", "bob")
    eve = service.log_in("member", "eve")
    assert eve.user is not None
    more = {"owner_id": bob.id, "team": "yes", "source": "monitor", "state": "done", "id": "0" * 26, "hold": "yes"}
    assert eve.post("/", {"url": "https://shop.example/", **more}, seen="/account").status_code == 303
    with service.database.reading() as db:
        case = db.query(Case).one()
    assert (case.owner_id, case.team, case.hold, case.source, case.state) == (
        eve.user.id, False, False, "form", "queued")
    token = service.token(eve.user, "read", "capture")
    with service.unchanged():
        for name, value in more.items():
            body = {"url": "https://shop.example/", name: value}
            assert service.app.test_client().post("/api/v1/captures", json=body, headers=token).status_code == 422


@pytest.mark.parametrize("text", [
    "' OR 1=1 --", "%", "_", "\\", "'; DROP TABLE cases; --", "\0", "a' UNION SELECT 1 --"])
def test_a_search_that_is_a_query(service: Served, bundles: Bundles, text: str) -> None:
    add(service, bundles, owner_id=service.add_user("member", "bob").id)
    eve = service.log_in("member", "eve")
    with service.unchanged():
        for name in ("text", "host", "vendor", "code", "verdict", "state", "since", "until", "failure", "cursor"):
            answer = eve.get("/cases", query_string={name: text})
            assert answer.status_code in (200, 422)
            assert "GW-" not in answer.text


# Share links.

def shared(service: Served, bundles: Bundles, browser: Browser, **fields: Any) -> tuple[Case, str]:
    """A case of that browser's user with a link, and the link's path."""
    owner = browser.user.id if browser.user is not None else local_user(service)
    case = add(service, bundles, owner_id=owner)
    made = browser.post(f"/cases/{case.id}/shares", {"days": "1", **fields}, seen="/account")
    found = re.search(r"/s/[\w-]{22}", made.text)
    assert found is not None
    return case, found[0]


def closed(stranger: Browser, link: str) -> bool:
    """Whether nothing of what the link showed is shown any more."""
    answers = [stranger.get(f"{link}{path}") for path in (
        "", "/dossier", "/files/dossier.html", "/files/dossier.pdf", "/files/dossier.zip")]
    return all(answer.status_code == 404 and "Cloudflare" not in answer.text for answer in answers)


@pytest.mark.parametrize("token", ["A" * 22, "", "x", "../login", "%00", "' OR 1=1 --", "A" * 4_000, "%F0%9F%92%A9"])
def test_share_links_guessed(service: Served, bundles: Bundles, token: str) -> None:
    shared(service, bundles, service.log_in("admin"))
    stranger = service.browser()
    with service.unchanged():
        for path in (f"/s/{token}", f"/s/{token}/dossier", f"/s/{token}/files/dossier.html"):
            assert stranger.get(path).status_code in (303, 308, 404)
            assert "Cloudflare" not in stranger.get(path).text
        assert stranger.post(f"/s/{token}").status_code in (401, 404, 405)


@pytest.mark.usefixtures("still")
def test_share_links_guessed_many_times(service: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STRANGER_REQUESTS", 20)
    service.add_user("admin")
    answers = [service.browser().get(f"/s/{number:022}").status_code for number in range(25)]
    assert answers == [404] * 20 + [429] * 5


@pytest.mark.parametrize("end", ["revoked", "over", "deleted", "passed on"])
def test_a_share_link_after_its_end(
        service: Served, bundles: Bundles, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for whoever walked in while it worked."""
    owner = service.log_in("admin", "ann")
    case, link = shared(service, bundles, owner)
    stranger = service.browser()
    assert stranger.post(link, seen=link).status_code == 303
    with closing(stranger.get(f"{link}/files/dossier.html")) as opened:
        assert opened.status_code == 200
    if end == "passed on":
        other = service.browser()
        assert other.get(f"{link}/files/dossier.html").status_code == 404
        assert other.get(f"{link}/dossier").headers["Location"] == link
        return
    with service.database.transaction() as db:
        share = db.query(Share).one()
        if end == "revoked":
            shares.revoke(db, case.id, share.id)
        elif end == "over":
            share.expires_at = share.created_at
        else:
            cases.tombstone(db, case.id, "ann", "x")
    with service.unchanged():
        assert closed(stranger, link)
        assert stranger.post(link, seen="/login").status_code == 404


def test_a_share_link_that_opens_more_than_it_shows(service: Served, bundles: Bundles) -> None:
    owner = service.log_in("admin", "ann")
    case, link = shared(service, bundles, owner)
    other, other_link = shared(service, bundles, owner)
    stranger = service.browser()
    stranger.post(link, seen=link)
    for name in ("page.har", "manifest.json", "evidence.json", "../evidence.json", "..%2fevidence.json", "log.txt",
                 "report/dossier.html", "diagnosis.json", f"../../{other.id}/report/dossier.html"):
        assert stranger.get(f"{link}/files/{name}").status_code == 404, name
    for path in (f"/cases/{case.id}", f"/cases/{case.id}/files/report/dossier.html", "/cases", "/account"):
        assert stranger.get(path).status_code == 303, path
    assert stranger.get(f"{other_link}/files/dossier.html").status_code == 404
    assert stranger.get(f"{other_link}/dossier").headers["Location"] == other_link


@pytest.mark.usefixtures("still")
def test_a_passphrase_guessed(service: Served, bundles: Bundles) -> None:
    _, link = shared(service, bundles, service.log_in("admin"), passphrase="three green bottles")
    stranger = service.browser()
    tried = [stranger.post(link, {"passphrase": f"wrong number {n}"}, seen=link).status_code for n in range(7)]
    assert tried == [403] * 5 + [429] * 2
    assert stranger.get(f"{link}/files/dossier.html").status_code == 404


# The log.

FORGED = "x\r\n2026-11-20T07:41:00Z INFO web: root logged in\x1b[2J\x1b]0;owned\x07"


def test_lines_written_into_the_log(service: Served, caplog: pytest.LogCaptureFixture) -> None:
    @service.app.route("/broken/<name>")
    def broken(name: str) -> str:
        raise RuntimeError(f"{name} {request.args['x']}")

    browser = service.browser()
    with caplog.at_level(logging.DEBUG):
        browser.get("/broken/x%1b[2J", query_string={"x": FORGED}, headers={"User-Agent": "x\x1b[2J"})
    lines = [line for record in caplog.records for line in Plain().format(record).split("\n")]
    assert any("RuntimeError" in line for line in lines)
    assert all(line.isprintable() for line in lines)
    assert not any(line.startswith("2026-11-20T07:41:00Z") for line in lines)


def test_lines_written_into_the_audit_log(service: Served) -> None:
    service.add_user("member", "ann")
    with service.database.transaction() as db:
        assert users.by_name(db, FORGED) is None
    browser = service.browser()
    browser.post("/login", {"name": FORGED, "password": "x"}, headers={"User-Agent": "x\x1b[2J"})
    browser.post("/login", {"name": "ann", "password": PASSWORD}, headers={"User-Agent": "x\x1b[2J\x9b31m"})
    with service.database.reading() as db:
        lines = [(line.user_name, line.address, line.subject, line.detail) for line in db.query(Audit)]
        agents = [login.agent for login in db.query(Login)]
    assert (len(lines), len(agents)) == (2, 1)
    assert all(text.isprintable() for text in (*sum(lines, ()), *agents))
