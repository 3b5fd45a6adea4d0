"""Users and the audit log, for administrators. In: forms. Out: pages; one-time links that are shown once."""

from flask import Blueprint, flash, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from web.access import audit, invitations, limits, users
from web.access.principal import ROLES, Principal, require
from web.errors import BadField, Conflict
from web.pages.reading import sentence
from web.services import services
from web.store.tables import User

blueprint = Blueprint("admin", __name__, url_prefix="/admin")


@blueprint.before_request
def only_admins() -> None:
    """Holds for every page below; raises Forbidden."""
    require("admin", "admin")


@blueprint.get("/users")
def show_users() -> ResponseReturnValue:
    """Everybody."""
    return _users_page()


@blueprint.post("/users")
def create_user() -> ResponseReturnValue:
    """A new user; the answer shows the link by which they set their password."""
    admin = _in_team()
    try:
        with services().database.transaction() as db:
            user = users.create(db, request.form.get("name", ""), request.form.get("role", ""))
            token = invitations.invite(db, user)
            _note(db, admin, "user", user, f"made: {user.name}, {user.role}")
    except BadField as error:
        return make_response(_users_page({error.field: sentence(error)}), 422)
    return _link_page(user.name, token)


@blueprint.post("/first")
def found() -> ResponseReturnValue:
    """In local mode: the link by which the first administrator sets name and password; from then on all log in."""
    with services().database.transaction() as db:
        if users.has_team(db):
            raise Conflict("this service has an administrator already")
        token = invitations.invite(db, None)
    return redirect(f"/setup/{token}", 303)


@blueprint.post("/users/<user_id>/role")
def set_role(user_id: str) -> ResponseReturnValue:
    """Another role; what tokens may do follows it at once."""
    admin = _in_team()
    with services().database.transaction() as db:
        user = users.get(db, user_id)
        users.set_role(db, user, request.form.get("role", ""))
        _note(db, admin, "user", user, f"role: {user.role}")
    flash(f"{user.name} is {user.role} now.")
    return redirect("/admin/users", 303)


@blueprint.post("/users/<user_id>/disable")
def disable(user_id: str) -> ResponseReturnValue:
    """Shuts a user out."""
    admin = _in_team()
    with services().database.transaction() as db:
        user = users.get(db, user_id)
        users.disable(db, user)
        _note(db, admin, "user", user, "disabled")
    flash(f"{user.name} is shut out; logins and tokens have ended.")
    return redirect("/admin/users", 303)


@blueprint.post("/users/<user_id>/enable")
def enable(user_id: str) -> ResponseReturnValue:
    """Lets a user in again."""
    admin = _in_team()
    with services().database.transaction() as db:
        user = users.get(db, user_id)
        users.enable(db, user)
        _note(db, admin, "user", user, "enabled")
    flash(f"{user.name} can log in again; revoked tokens stay revoked.")
    return redirect("/admin/users", 303)


@blueprint.post("/users/<user_id>/reset")
def reset(user_id: str) -> ResponseReturnValue:
    """Makes the password unusable and shows a link by which the user sets a new one."""
    admin = _in_team()
    if user_id == admin.user_id:
        raise Conflict("change your own password on your account’s page")
    with services().database.transaction() as db:
        user = users.get(db, user_id)
        if user.disabled_at is not None:
            raise Conflict("this user is disabled; enable them first")
        users.forget_password(db, user)
        token = invitations.invite(db, user)
        _note(db, admin, "user", user, "password reset")
    return _link_page(user.name, token)


@blueprint.get("/audit")
def show_audit() -> ResponseReturnValue:
    """Who did what, newest first."""
    before = audit.number(request.args.get("before", ""))
    action, name = request.args.get("action", "")[:32], request.args.get("user", "")[:64]
    with services().database.reading() as db:
        lines = audit.page(db, before, action, name)
    older = lines[-1].id if len(lines) == audit.PAGE else None
    return render_template("admin/audit.html", lines=lines, older=older, action=action, user=name)


def _in_team() -> Principal:
    """Whoever asks; raises Conflict in local mode, where a second user would lock the first one out."""
    principal = require("admin", "admin")
    if principal.via == "local":
        raise Conflict("set up an administrator with a password first")
    return principal


def _note(db: Session, admin: Principal, action: str, user: User, detail: str) -> None:
    audit.note(db, admin.name, limits.address(), action, user.id, detail)


def _link_page(name: str, token: str) -> ResponseReturnValue:
    link = invitations.link(services().config, request.host_url, token)
    return make_response(render_template("admin/link.html", name=name, link=link, hours=invitations.HOURS), 201)


def _users_page(errors: dict[str, str] | None = None) -> str:
    with services().database.reading() as db:
        everybody, has_team = users.everybody(db), users.has_team(db)
    return render_template("admin/users.html", users=everybody, has_team=has_team, roles=ROLES, errors=errors or {},
                           form=request.form)
