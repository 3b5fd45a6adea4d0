"""What no request may do, whoever sends it. In: every request before, every answer after. Out: a refusal, or headers.

The order matters: names and sizes are judged before anything is read, who asks before the body is parsed, and nothing
but what is listed here answers a stranger.
"""

import re
import time
from typing import Final
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFProtect
from werkzeug.exceptions import SecurityError, UnsupportedMediaType
from werkzeug.middleware.proxy_fix import ProxyFix

from web.access import identity, limits
from web.access.principal import anybody
from web.config import Config
from web.errors import Forbidden, TooLarge, Unauthenticated
from web.services import Services
from web.store.submission import LOG_CHARS

HOST: Final = re.compile(r"([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE | re.ASCII)
LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")
ANYWHERE: Final = ("0.0.0.0", "::", "")
SMALL: Final = 64 * 1024
"""Body of a form or an API request, bytes."""
WITH_LOG: Final = SMALL + 6 * LOG_CHARS
"""Body with a log excerpt in it; JSON may write a character as six bytes."""
PARTS: Final = 64
"""Parts of a multipart body."""
LOGS: Final = frozenset({"/", "/api/v1/captures", "/api/v1/hooks/alertmanager"})
"""Rules of the routes that take a log excerpt, or as much."""
UPLOADS: Final = frozenset({"/import", "/api/v1/imports"})
"""Rules of the routes that take files."""
OPEN: Final = frozenset({
    "/login", "/setup/<token>", "/static/<path:filename>", "/healthz", "/readyz", "/api/v1/healthz", "/api/v1/readyz",
    "/metrics", "/api/v1/metrics", "/api/v1/", "/api/v1/openapi.json"})
"""Rules that answer strangers; /metrics judges by itself who may read it."""
OPEN_BELOW: Final = "/s/<"
"""Share links: the token in the address is what is asked for."""
ROTATION_S: Final = 90 * 86_400
"""Life of the key that signs what forms remember; that of the period before is still believed, seconds."""
SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'")
"""Of every page of the service; what was captured has a stricter one of its own."""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, noarchive",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
_CSRF: Final = CSRFProtect()


def install(app: Flask, parts: Services) -> None:
    """Puts every guard in its place; call it before the routes are registered."""
    config, known = parts.config, names(parts.config)
    app.config.update(_settings(parts))
    if config.proxies:
        hops = config.proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=0, x_prefix=0)

    @app.before_request
    def guard() -> ResponseReturnValue | None:
        _check_host(known)
        _limit_body(config)
        _check_site(config)
        g.principal = identity.identify(parts)
        limits.general()
        refused = _check_known()
        if refused is None:
            _check_room()
            _check_forgery()
        return refused

    @app.after_request
    def protect(response: Response) -> Response:
        return _headers(response, config)

    limits.install(app)
    _CSRF.init_app(app)


def names(config: Config) -> frozenset[str]:
    """Names by which the service may be asked for, in lower case; ports do not count, `.x` stands for all below x."""
    named = [urlsplit(config.public_url or "").hostname or "", "" if config.host in ANYWHERE else config.host]
    own = (f"[{name}]" if ":" in name else name for name in named if name)
    return frozenset(name.lower() for name in (*LOOPBACK_NAMES, *own, *config.trusted_hosts))


def _settings(parts: Services) -> dict[str, object]:
    config, key = parts.config, parts.key
    https, period = identity.is_https(config), int(time.time() // ROTATION_S)
    return {
        "MAX_CONTENT_LENGTH": SMALL, "MAX_FORM_MEMORY_SIZE": SMALL, "MAX_FORM_PARTS": PARTS,
        "SECRET_KEY": key.derive(f"cookies {period}"),
        "SECRET_KEY_FALLBACKS": [key.derive(f"cookies {period - 1}")], "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_NAME": identity.cookie_name(config, "gw_form"), "SESSION_COOKIE_PATH": "/",
        "SESSION_COOKIE_SAMESITE": "Lax", "SESSION_COOKIE_SECURE": https,
        "PREFERRED_URL_SCHEME": "https" if https else "http",
        "PROPAGATE_EXCEPTIONS": False, "TRAP_HTTP_EXCEPTIONS": False, "WTF_CSRF_CHECK_DEFAULT": False,
        "WTF_CSRF_TIME_LIMIT": None, "WTF_CSRF_SSL_STRICT": False, "WTF_CSRF_SECRET_KEY": key.derive("csrf")}


def _check_host(known: frozenset[str]) -> None:
    """Raises SecurityError (400): a name that is not ours is DNS rebinding, or a link that will mislead somebody.

    Flask's TRUSTED_HOSTS would do, but knows neither IPv6 addresses nor upper case.
    """
    found = HOST.fullmatch(request.headers.get("Host", ""))
    name = found[1].lower() if found else ""
    if not name or not (name in known or any(f".{parent}" in known for parent in _parents(name))):
        raise SecurityError("the host is not one of ours")


def _parents(name: str) -> list[str]:
    labels = name.split(".")
    return [".".join(labels[start:]) for start in range(1, len(labels))]


def _limit_body(config: Config) -> None:
    """Sets the sizes of this route and refuses at once what says that it is larger."""
    rule = request.url_rule.rule if request.url_rule is not None else ""
    fields = WITH_LOG if rule in LOGS | UPLOADS else SMALL
    most = fields + config.upload_bytes if rule in UPLOADS else fields
    request.max_content_length, request.max_form_memory_size = most, fields
    if (request.content_length or 0) > most:
        raise TooLarge(f"this is larger than the {most:,} bytes that are taken here")


def _check_room() -> None:
    if request.method not in SAFE and request.url_rule is not None and request.url_rule.rule in UPLOADS:
        limits.upload()


def _check_site(config: Config) -> None:
    """Refuses what pages of other sites make a browser send (https://www.w3.org/TR/fetch-metadata/)."""
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "null").lower()
    how = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    is_visit = request.method in SAFE and how == ("navigate", "document")
    is_foreign = site is not None and site not in ("same-origin", "none")
    if (is_foreign and not is_visit) or (origin != "null" and origin not in _origins(config)):
        raise Forbidden("another site asked for this")


def _check_known() -> ResponseReturnValue | None:
    rule = request.url_rule.rule if request.url_rule is not None else None
    if anybody() is not None or rule is None or rule in OPEN or rule.startswith(OPEN_BELOW):
        return None
    if request.method == "GET" and not identity.is_api():
        target = request.full_path if request.query_string else request.path
        return redirect(f"/login?{urlencode({'next': target})}" if target != "/" else "/login", 303)
    raise Unauthenticated("log in first" if not identity.is_api() else "this needs an API token that is valid")


def _check_forgery() -> None:
    if not identity.is_api():
        _CSRF.protect(apply_exemptions=True)
        return
    principal = anybody()
    if principal is not None and principal.via == "local":
        _check_local_api()


def _check_local_api() -> None:
    """Nothing is asked for here but what no page of another site can make a browser send without asking first."""
    if request.headers.get("Origin", "").lower() == "null":
        raise Forbidden("another site asked for this")
    if request.method in SAFE:
        return
    kind = request.mimetype
    is_json = kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))
    is_upload = kind == "multipart/form-data" and request.url_rule is not None and request.url_rule.rule in UPLOADS
    is_empty = not kind and not request.content_length
    told = "Origin" in request.headers or "Sec-Fetch-Site" in request.headers
    if is_upload and not told and request.headers.get("User-Agent", "").startswith("Mozilla/"):
        raise Forbidden("a browser has to say which page asks for this")
    if not (is_json or is_upload or is_empty):
        raise UnsupportedMediaType("send JSON, with Content-Type: application/json")


def _origins(config: Config) -> set[str]:
    own = {request.host_url.rstrip("/").lower()}
    public = urlsplit(config.public_url or "")
    return own | ({f"{public.scheme}://{public.netloc}".lower()} if public.netloc else set())


def _headers(response: Response, config: Config) -> Response:
    if "Content-Security-Policy" not in response.headers:
        response.headers["X-Frame-Options"] = "DENY"
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.endpoint == "static" and response.status_code in (200, 206, 304):
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if identity.is_https(config):
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    return response
