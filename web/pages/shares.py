"""Share links. In: a case, or a token. Out: the link, once; a door without content; behind it the dossier.

The door is what previews of chat programs and mail scanners get: content comes only after a click. Walking in sets a
cookie that opens this one link for some hours.
"""

from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from werkzeug.wrappers import Response

from web.access import audit, identity, limits, passwords
from web.access.principal import current
from web.errors import BadField, NotFound
from web.pages import casepage, lookup, words
from web.pages.files import downloads
from web.pages.layout import base_address
from web.pages.reading import sentence
from web.services import services
from web.serving import answer, member
from web.store import shares
from web.store.tables import Case, Share

blueprint = Blueprint("shares", __name__)
COOKIE: Final = "gw_share"
OPEN_S: Final = 8 * 3600
"""How long a link stays open in a browser that walked in, seconds."""
WRONG: Final = "This is not the passphrase."


@blueprint.post("/cases/<case_id>/shares")
def create(case_id: str) -> Response:
    """A new link; it is shown in this answer and never again."""
    parts = services()
    days, passphrase = request.form.get("days", "").strip(), request.form.get("passphrase", "")
    with parts.database.reading() as db:
        lookup.changeable(db, case_id)
    try:
        if not (days.isascii() and days.isdigit() and len(days) < 6):
            raise BadField("days", f"a number of days from 1 to {parts.config.share_days}")
        if passphrase:
            shares.check_passphrase(passphrase)
        kept = passwords.hashed(passphrase) if passphrase else None
        with parts.database.transaction() as db:
            case = lookup.changeable(db, case_id)
            share, token = shares.create(db, case, current().user_id, int(days), parts.config.share_days, kept)
            audit.note(db, current().name, limits.address(), "share", case.id, f"link {share.id}, {days} days")
    except BadField as error:
        return _wrong(case_id, {error.field: sentence(error)}, days)
    return make_response(render_template("share_made.html", case=case, share=share, link=f"{base_address()}s/{token}"),
                         201)


@blueprint.post("/cases/<case_id>/shares/<share_id>/revoke")
def revoke(case_id: str, share_id: str) -> Response:
    """Ends a link."""
    with services().database.transaction() as db:
        case = lookup.changeable(db, case_id)
        shares.revoke(db, case.id, share_id)
        audit.note(db, current().name, limits.address(), "revoke", case.id, f"link {share_id}")
    return redirect(f"/cases/{case.id}#share", 303)


@blueprint.get("/s/<token>")
def door(token: str) -> Response:
    """The door: nothing of the case."""
    share, _ = _found(token)
    return _door(token, share)


@blueprint.post("/s/<token>")
def enter(token: str) -> Response:
    """Walks in: with the passphrase when there is one; the look is noted."""
    share, _ = _found(token)
    if share.passphrase_hash is not None:
        limits.guess("passphrase", share.id, known=_is_open(share))
        if not passwords.fits(share.passphrase_hash, request.form.get("passphrase", "")[:shares.MOST_PASSPHRASE + 1]):
            return _door(token, share, WRONG)
    with services().database.transaction() as db:
        share, _ = shares.find(db, token)  # it may have ended while the passphrase was tried
        shares.look(db, share, limits.address(), audit.plain(request.user_agent.string))
    response = redirect(f"/s/{token}/dossier", 303)
    config = services().config
    response.set_cookie(COOKIE, _signer().dumps(share.id), max_age=OPEN_S, path=f"/s/{token}", httponly=True,
                        secure=identity.is_https(config), samesite="Strict")
    return response


@blueprint.get("/s/<token>/dossier")
def view(token: str) -> Response:
    """The dossier, for whoever walked in."""
    share, case = _found(token)
    if not _is_open(share):
        return redirect(f"/s/{token}", 303)
    names = {entry.path: entry.size for entry in services().files.names(case.id) if entry.path in shares.SHARED}
    return make_response(render_template("share.html", share=share, case=case, words=words, base=f"/s/{token}",
                                         downloads=downloads(names)))


@blueprint.get("/s/<token>/files/<path:name>")
def file(token: str, name: str) -> Response:
    """One of the files that links show; raises NotFound for every other, and for whoever did not walk in."""
    share, case = _found(token)
    if not _is_open(share) or f"report/{name}" not in shares.SHARED:
        raise NotFound("there is no such file")
    return answer(member(services().files, case.id, name), case)


def _wrong(case_id: str, errors: dict[str, str], days: str) -> Response:
    with services().database.reading() as db:
        text = casepage.ended(db, lookup.changeable(db, case_id), share_errors=errors, days=days)
    return make_response(text, 422)


def _found(token: str) -> tuple[Share, Case]:
    with services().database.reading() as db:
        return shares.find(db, token)


def _door(token: str, share: Share, error: str = "") -> Response:
    text = render_template("share_door.html", asks=share.passphrase_hash is not None, error=error, base=f"/s/{token}")
    return make_response(text, 403 if error else 200)


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services().key.derive("opened share links"))


def _is_open(share: Share) -> bool:
    """Whether this browser walked in through this link lately."""
    try:
        return bool(_signer().loads(request.cookies.get(COOKIE, ""), max_age=OPEN_S) == share.id)
    except BadSignature:
        return False
