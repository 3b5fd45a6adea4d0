"""Browsers that logged in before. In: a login that succeeded. Out: a signed cookie, by which nobody is locked out.

Wrong passwords are limited by name, whoever types them. So that somebody who guesses cannot keep the user out, the
browsers in which the user has logged in are not counted by name (OWASP, Slow down online guessing attacks with device
cookies). The cookie opens nothing: it only tells who may try.
"""

import hashlib
from typing import Final

from flask import Response, request
from itsdangerous import BadData, URLSafeTimedSerializer

from web.access.identity import cookie_name, is_https
from web.services import services

LIFE_S: Final = 365 * 86_400
_COOKIE: Final = "gw_device"


def is_known(name: str) -> bool:
    """Whether the user of that name logged in with this browser before."""
    sent = request.cookies.get(cookie_name(services().config, _COOKIE), "")
    try:
        return bool(_signer().loads(sent, max_age=LIFE_S) == _mark(name))
    except BadData:
        return False


def remember(answer: Response, name: str) -> None:
    """Marks the browser as one of that user's."""
    config = services().config
    answer.set_cookie(cookie_name(config, _COOKIE), str(_signer().dumps(_mark(name))), max_age=LIFE_S,
                      secure=is_https(config), httponly=True, samesite="Lax")


def _mark(name: str) -> str:
    return hashlib.sha256(name.lower().encode()).hexdigest()


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(services().key.derive("devices"), salt="device")
