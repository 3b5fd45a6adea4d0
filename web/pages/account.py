"""Logging in and out, and what is one's own: password, logins, API tokens. In: forms. Out: pages and cookies."""

from typing import Any, Final

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from web.access import audit, invitations, limits, logins, passwords, tokens, users
from web.access.devices import is_known, remember
from web.access.identity import drop_login_cookie, local_mode, login_cookie, set_login_cookie
from web.access.principal import SCOPES, Principal, current, role_named
from web.errors import BadField, Forbidden, Unauthenticated
from web.pages.reading import sentence
from web.services import services
from web.store.database import now
from web.store.tables import User

blueprint = Blueprint("account", __name__)
WRONG: Final = "Name or password is wrong."
DAYS: Final = (("30", "30 days"), ("90", "90 days"), ("365", "1 year"), ("", "no end"))


@blueprint.get("/login")
def login_form() -> ResponseReturnValue:
    """The form to log in; whoever needs none is sent on."""
    if local_mode(services().config, services().database):
        return redirect("/", 303)
    return _login_page()


@blueprint.post("/login")
def login() -> ResponseReturnValue:
    """Logs in; the same answer and the same work for a wrong name and a wrong password."""
    name, password = request.form.get("name", "").strip().lower()[:64], request.form.get("password", "")
    limits.guess("login", name, known=is_known(name))
    parts = services()
    with parts.database.reading() as db:
        user = users.by_name(db, name)
    kept = user.password_hash if user is not None and user.disabled_at is None else None
    if not passwords.fits(kept, password) or user is None or kept is None:
        with parts.database.transaction() as db:
            audit.note(db, user.name if user else "unknown", limits.address(), "login-failed", user.id if user else "")
        return make_response(_login_page(WRONG, name), 401)
    if passwords.is_outdated(kept):
        user = _rehash(user.id, kept, password)
    return _enter(user, local_path(request.form.get("next", "")), "login")


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    """Ends this login; nothing of it can be used again."""
    principal, parts = current(), services()
    with parts.database.transaction() as db:
        logins.end_token(db, login_cookie(parts.config))
        audit.note(db, principal.name, limits.address(), "logout")
    session.clear()
    answer = make_response(redirect("/login", 303))
    drop_login_cookie(answer, parts.config)
    return answer


@blueprint.get("/setup/<token>")
def setup_form(token: str) -> ResponseReturnValue:
    """Where a one-time link leads; looking at it uses nothing up."""
    limits.spend("setup", services().config.logins_per_minute, limits.neighbourhood())
    return _setup_page(token)


@blueprint.post("/setup/<token>")
def setup(token: str) -> ResponseReturnValue:
    """Sets the password, erases the link and logs in."""
    limits.spend("setup", services().config.logins_per_minute, limits.neighbourhood())
    name = request.form.get("name", "")
    try:
        with services().database.reading() as db:
            row = invitations.find(db, token)
            named = name if row.user_id is None else users.get(db, row.user_id).name
        password_hash = _chosen(named)
        with services().database.transaction() as db:
            user = invitations.use(db, token, name, password_hash)
            audit.note(db, user.name, limits.address(), "password", user.id, "by one-time link")
    except BadField as error:
        return make_response(_setup_page(token, {error.field: sentence(error)}, name), 422)
    return _enter(user, "/", "login")


@blueprint.get("/account")
def account() -> ResponseReturnValue:
    """Everything of one's own."""
    return _account_page()


@blueprint.post("/account/password")
def change_password() -> ResponseReturnValue:
    """Changes the password; every other login ends, and this one is made anew."""
    principal = _with_login()
    limits.guess("login", principal.name, known=True)
    with services().database.reading() as db:
        kept = users.get(db, principal.user_id).password_hash
    if not passwords.fits(kept, request.form.get("old", "")):
        return make_response(_account_page({"old": "This is not your password."}), 422)
    try:
        password_hash = _chosen(principal.name)
    except BadField as error:
        return make_response(_account_page({error.field: sentence(error)}), 422)
    with services().database.transaction() as db:
        user = _same(db, principal.user_id, kept)
        users.set_password(db, user, password_hash)
        audit.note(db, user.name, limits.address(), "password", user.id)
    flash("The password is changed; every other login has ended.")
    return _enter(user, "/account", None)


@blueprint.post("/account/logins/<login_id>/end")
def end_login(login_id: str) -> ResponseReturnValue:
    """Ends one login, for example that of a lost phone."""
    principal = _with_login()
    with services().database.transaction() as db:
        logins.end(db, principal.user_id, login_id)
        audit.note(db, principal.name, limits.address(), "login-ended", login_id)
    flash("The login has ended.")
    return redirect("/account#logins", 303)


@blueprint.post("/account/logins/end")
def end_logins() -> ResponseReturnValue:
    """Ends every other login."""
    principal = _with_login()
    with services().database.transaction() as db:
        logins.end_others(db, principal.user_id, g.login_id)
        audit.note(db, principal.name, limits.address(), "login-ended", "", "all others")
    flash("Every other login has ended.")
    return redirect("/account#logins", 303)


@blueprint.post("/account/tokens")
def create_token() -> ResponseReturnValue:
    """Makes an API token; the page that answers is the only one that ever shows it."""
    principal, form = current(), request.form
    try:
        with services().database.transaction() as db:
            token, text = tokens.create(db, users.get(db, principal.user_id), form.get("name", ""),
                                        form.getlist("scopes"), _days(form.get("days", "")))
            audit.note(db, principal.name, limits.address(), "token", token.id, f"{token.name}: {token.scopes}")
    except BadField as error:
        return make_response(_account_page({f"token_{error.field}": sentence(error)}), 422)
    return make_response(render_template("account/token_made.html", token=token, text=text), 201)


@blueprint.post("/account/tokens/<token_id>/revoke")
def revoke_token(token_id: str) -> ResponseReturnValue:
    """Ends an API token at once."""
    principal = current()
    with services().database.transaction() as db:
        token = tokens.revoke(db, principal.user_id, token_id)
        audit.note(db, principal.name, limits.address(), "token-revoked", token.id, token.name)
    flash("The token works no more.")
    return redirect("/account#tokens", 303)


def local_path(text: str) -> str:
    """Where to go on: a path of this service, and the start for everything else."""
    is_path = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if is_path else "/"


def _enter(user: User, target: str, action: str | None) -> Response:
    """Begins a login with new secrets: whatever the browser held before is worth nothing."""
    parts = services()
    with parts.database.transaction() as db:
        user = _same(db, user.id, user.password_hash)
        logins.end_token(db, login_cookie(parts.config))
        agent = audit.plain(request.headers.get("User-Agent", ""))
        token = logins.start(db, parts.config, user, limits.address(), agent)
        if action is not None:
            audit.note(db, user.name, limits.address(), action, user.id)
    messages = session.get("_flashes")
    session.clear()
    if messages:
        session["_flashes"] = messages
    answer = make_response(redirect(target, 303))
    set_login_cookie(answer, parts.config, token)
    remember(answer, user.name)
    return answer


def _rehash(user_id: str, kept: str, password: str) -> User:
    renewed = passwords.hashed(password)
    with services().database.transaction() as db:
        user = _same(db, user_id, kept)
        user.password_hash = renewed
    return user


def _same(db: Session, user_id: str, password_hash: str | None) -> User:
    """The user, whose password was checked just now, if that is still the password and the user still may log in;
    raises Unauthenticated."""
    user = users.get(db, user_id)
    if user.disabled_at is not None or user.password_hash != password_hash:
        raise Unauthenticated("the password was changed at this moment, or the user shut out; log in again")
    return user


def _with_login() -> Principal:
    principal = current()
    if principal.via != "login":
        raise Forbidden("there is no login to change while this service needs none")
    return principal


def _chosen(name: str) -> str:
    """The hash of the new password in the form; raises BadField."""
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        raise BadField("again", "the two passwords differ")
    return passwords.chosen(password, name)


def _days(text: str) -> int | None:
    if text not in dict(DAYS):
        raise BadField("days", "choose one of the times")
    return int(text) if text else None


def _login_page(error: str = "", name: str = "") -> str:
    with services().database.reading() as db:
        is_set_up = users.has_team(db)
    return render_template("account/login.html", error=error, name=name, is_set_up=is_set_up,
                           next=local_path(request.values.get("next", "")))


def _setup_page(token: str, errors: dict[str, str] | None = None, name: str = "") -> str:
    with services().database.reading() as db:
        row = invitations.find(db, token)
        known = None if row.user_id is None else users.get(db, row.user_id).name
    return render_template("account/setup.html", token=token, known=known, name=name, errors=errors or {},
                           least=passwords.LEAST)


def _account_page(errors: dict[str, str] | None = None) -> str:
    principal = current()
    with services().database.reading() as db:
        user = users.get(db, principal.user_id)
        page: dict[str, Any] = {
            "user": user, "logins": logins.of(db, user.id), "this": g.login_id, "tokens": tokens.of(db, user.id),
            "scopes": SCOPES[role_named(user.role)], "days": DAYS, "now": now(db)}
    return render_template("account/account.html", errors=errors or {}, form=request.form, least=passwords.LEAST,
                           **page)
