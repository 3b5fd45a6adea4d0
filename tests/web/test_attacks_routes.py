"""Attacks on every route that there is, found in the app itself: a new route is attacked without being named here."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from tests.web.pages.made import Bundles, add
from tests.web.serving import Served
from web.access import guards, invitations
from web.access.principal import Role
from web.store import deliveries, shares
from web.store.deliveries import Wanted
from web.store.tables import Case, Login, Share, Token

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "DELETE"}
FILE = "report/dossier.html"
FIELDS = {"url": "https://evil.example/", "text": "x", "why": "x", "days": "1", "team": "yes", "hold": "yes",
          "target": "ops", "role": "viewer", "key": "0" * 26}
"""Fields that make every form about something do something."""


@dataclass(frozen=True)
class Route:
    """One address with one method."""

    rule: str
    path: str
    method: str


def routes(served: Served, **known: str) -> Iterator[Route]:
    """Every address whose parts are known, with every method that it takes; static files are for everybody."""
    for rule in served.app.url_map.iter_rules():
        if rule.endpoint == "static" or not rule.arguments <= known.keys():
            continue
        path = rule.rule.replace("<path:", "<")
        for name in rule.arguments:
            path = path.replace(f"<{name}>", known[name])
        for method in sorted(rule.methods or ()):
            yield Route(rule.rule, path, method)


def of_bob(service: Served, bundles: Bundles) -> tuple[Case, dict[str, str]]:
    """A case of Bob's, and the ids of everything that is his."""
    bob = service.log_in("member", "bob").user
    assert bob is not None
    service.token(bob)
    case = add(service, bundles, owner_id=bob.id)
    with service.database.transaction() as db:
        share, _ = shares.create(db, db.get_one(Case, case.id), bob.id, 1, 30)
        sent = deliveries.ask(db, service.key, db.get_one(Case, case.id), bob.id, Wanted("ops", b"", "12"), 30)
        login, token = db.query(Login).one().id, db.query(Token).one().id
    return case, {"case_id": case.id, "first_id": case.id, "second_id": case.id, "name": FILE, "folder": "owner",
                  "share_id": share.id, "delivery_id": sent.id, "login_id": login, "token_id": token, "user_id": bob.id}


def test_no_route_has_parts_that_these_attacks_do_not_know(service: Served, bundles: Bundles) -> None:
    """Whoever adds one says here whose it is; then everything below holds for it."""
    _, known = of_bob(service, bundles)
    rules = list(service.app.url_map.iter_rules())
    assert {name for rule in rules for name in rule.arguments} == known.keys() | {"token", "filename"}
    assert {method for rule in rules for method in rule.methods or ()} == METHODS


@pytest.mark.parametrize("role", ["viewer", "member"])
def test_what_is_somebody_elses_by_every_route_and_method(service: Served, bundles: Bundles, role: Role) -> None:
    case, known = of_bob(service, bundles)
    eve = service.log_in(role, "eve")
    assert eve.user is not None
    token = service.token(eve.user, "read", *(["capture"] if role == "member" else []))
    csrf, asked = eve.csrf("/account"), 0
    with service.unchanged():
        for route in routes(service, **known):
            if "<" not in route.rule:
                continue
            sent: dict[str, Any] = {"data": FIELDS | {"csrf_token": csrf}} if route.method not in guards.SAFE else {}
            if route.rule.startswith("/api/"):
                why = {"reason": "x"} if route.method == "DELETE" else {}
                sent = {"headers": token, "json": {}, "query_string": why}
            answer = eve.client.open(route.path, method=route.method, **sent)
            assert answer.status_code in ((200, 403) if route.method == "OPTIONS" else (403, 404)), route
            assert not {case.url, str(case.number), case.id} & set(answer.text.split()), route
            assert str(case.number) not in answer.text
            asked += 1
    assert asked > 70


def test_a_stranger_by_every_route_and_method(service: Served, bundles: Bundles) -> None:
    """Everything but what is listed asks for a login; what is listed tells nothing of a case."""
    case, known = of_bob(service, bundles)
    stranger = service.app.test_client()
    with service.unchanged():
        for route in routes(service, **known):
            if route.rule in guards.OPEN:
                continue
            answer = stranger.open(route.path, method=route.method)
            login = route.method == "GET" and not route.rule.startswith("/api/")
            assert answer.status_code == (303 if login else 401), route
            assert not login or answer.headers["Location"].startswith("/login")
            assert str(case.number) not in answer.text
        for rule in guards.OPEN:
            with closing(stranger.get(rule)) as answer:
                assert case.id not in answer.text


@pytest.mark.parametrize("end", ["revoked", "over", "deleted", "never"])
def test_every_route_of_a_share_link_after_its_end(service: Served, bundles: Bundles, end: str) -> None:
    case, known = of_bob(service, bundles)
    with service.database.transaction() as db:
        share, token = shares.create(db, db.get_one(Case, case.id), known["user_id"], 1, 30)
    stranger = service.browser()
    assert stranger.post(f"/s/{token}", seen=f"/s/{token}").status_code == 303
    csrf = stranger.csrf()
    with service.database.transaction() as db:
        row = db.get_one(Share, share.id)
        if end == "revoked":
            shares.revoke(db, case.id, share.id)
        elif end == "over":
            row.expires_at = row.created_at
        elif end == "deleted":
            db.get_one(Case, case.id).deleted_at = row.created_at
    for name in ("dossier.html", "dossier.pdf", "dossier.zip", "page.har"):
        for route in routes(service, token=token, name=name):
            if not route.path.startswith("/s/") or route.method == "OPTIONS":
                continue
            with closing(stranger.client.open(route.path, method=route.method, data={"csrf_token": csrf})) as answer:
                is_open = end == "never" and not (name in route.path and name == "page.har")
                assert (answer.status_code < 400) == is_open, route
                assert "no-store" in answer.headers["Cache-Control"]
                assert is_open or str(case.number) not in answer.text


def test_what_every_answer_carries(service: Served, bundles: Bundles) -> None:
    """Errors too: a policy, no guessing of types, no cache, no referrer."""
    @service.app.get("/broken")
    def broken() -> str:
        raise RuntimeError("broken")

    _, known = of_bob(service, bundles)
    bob, seen = service.log_in("member", "bob"), set()
    asked: list[tuple[str, str, dict[str, str]]] = [
        ("/nowhere", "GET", {}), ("/cases", "PUT", {}), ("/", "GET", {"Host": "evil.example"}),
        ("/", "GET", {"Origin": "https://evil.example"}), ("/api/v1/captures", "PUT", {}), ("/broken", "GET", {})]
    asked += [(route.path, route.method, {}) for route in routes(service, **known, token="A" * 22)]
    for path, method, headers in asked:
        with closing(bob.client.open(path, method=method, data={"url": "x"}, headers=headers)) as answer:
            seen.add(answer.status_code)
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], path
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Robots-Tag"] == "noindex, noarchive"
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "no-store" in answer.headers["Cache-Control"]
            assert not [name for name in answer.headers.keys() if name.lower().startswith("access-control")]
    assert seen == {200, 400, 401, 403, 404, 405, 500}


def test_looking_changes_nothing(service: Served, bundles: Bundles) -> None:
    """By every safe method, on everything that is one's own; an open one-time link is not used up either."""
    _, known = of_bob(service, bundles)
    with service.database.transaction() as db:
        one_time = invitations.invite(db, None)
    bob = service.log_in("member", "bob")
    with service.unchanged():
        for route in routes(service, **known, token=one_time):
            if route.method in guards.SAFE:
                bob.client.open(route.path, method=route.method, query_string=FIELDS).close()
