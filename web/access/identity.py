"""Finding out who asks. In: the request's token or cookie. Out: a Principal, or None.

Under /api only a bearer token counts, elsewhere only the cookie of a login: no page of another site can make a browser
send a token. In local mode, while nobody has a password and only this machine can reach the service, whoever asks is
the user `local`; but never through a proxy, behind which anybody may be.
"""

from ipaddress import ip_address
from typing import Final

from flask import Response, g, request

from web.access import logins, tokens, users
from web.access.principal import Principal, of_user
from web.config import Config, is_loopback
from web.services import Services
from web.store.database import Database

API: Final = "/api/"
METRICS: Final = "/metrics"
"""Programs read it, with a token."""
FORWARDED: Final = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Via")
"""What only proxies send."""


def identify(parts: Services) -> Principal | None:
    """Whoever makes the current request; `g.login_id` names their login when there is one."""
    g.login_id = None
    config, database = parts.config, parts.database
    if is_api() and "Authorization" in request.headers:
        return _by_token(database)
    if local_mode(config, database):
        return _local(database)
    return None if is_api() else _by_cookie(config, database)


def is_api() -> bool:
    """Whether the request is for the API."""
    return request.path.startswith(API) or request.path == METRICS


def local_mode(config: Config, database: Database) -> bool:
    """Whether the current request needs no login."""
    if not may_be_local(config) or any(name in request.headers for name in FORWARDED) or not _from_here():
        return False
    with database.reading() as db:
        return not users.has_team(db)


def may_be_local(config: Config) -> bool:
    """Whether the set-up lets only this machine reach the service."""
    return is_loopback(config) and config.proxies == 0 and config.public_url is None and not config.trusted_hosts


def cookie_name(config: Config, name: str) -> str:
    """The name of a cookie; over https with the prefix by which browsers keep other hosts from setting it.

    https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis section 4.1.3.2.
    """
    return f"__Host-{name}" if is_https(config) else name


def is_https(config: Config) -> bool:
    """Whether users reach the service by https."""
    return (config.public_url or "").lower().startswith("https://")


def login_cookie(config: Config) -> str:
    """The secret of the login that the browser sent; empty without one."""
    return request.cookies.get(cookie_name(config, "gw_login"), "")


def set_login_cookie(response: Response, config: Config, token: str) -> None:
    """Gives the browser its login; it ends with the browser's session at the latest."""
    response.set_cookie(cookie_name(config, "gw_login"), token, secure=is_https(config), httponly=True, samesite="Lax")


def drop_login_cookie(response: Response, config: Config) -> None:
    """Takes the login from the browser."""
    response.delete_cookie(cookie_name(config, "gw_login"), secure=is_https(config), httponly=True, samesite="Lax")


def _from_here() -> bool:
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False


def _local(database: Database) -> Principal | None:
    with database.reading() as db:
        user = users.by_name(db, users.LOCAL)
    if user is None:
        with database.transaction() as db:
            if users.has_team(db):  # the first administrator, whose name this was until now, has come
                return None
            user = users.local(db)
    return of_user(user, "local")


def _by_token(database: Database) -> Principal | None:
    given = request.authorization
    if given is None or given.type != "bearer" or not given.token:
        return None
    with database.reading() as db:
        found = tokens.find(db, given.token)
        stale = found is not None and tokens.is_stale(db, found[0])
    if found is None:
        return None
    if stale:
        with database.transaction() as db:
            tokens.touch(db, found[0].id)
    return found[1]


def _by_cookie(config: Config, database: Database) -> Principal | None:
    token = login_cookie(config)
    if not token:
        return None
    with database.reading() as db:
        found = logins.find(db, token)
        stale = found is not None and logins.is_stale(db, found[0])
    if found is None:
        return None
    if stale:
        with database.transaction() as db:
            logins.touch(db, config, found[0].id)
    g.login_id = found[0].id
    return of_user(found[1], "login")
