"""How often. In: the current request. Out: nothing, or TooMany. Counters live in the one process that answers."""

import threading
import time
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

from flask import Flask, current_app, g, request
from flask_limiter import Limiter
from limits import RateLimitItemPerMinute

from web.access.principal import anybody, current
from web.config import Config
from web.errors import TooMany
from web.services import services

USER_REQUESTS: Final = 6_000
STRANGER_REQUESTS: Final = 600
"""Requests a minute of one user who is known, and of one address of which nobody is known."""
READ_AT_A_TIME: Final = 4
"""Uploads that are read at a time: each of them may be in memory as a whole."""
READ_RETRY_S: Final = 5.0
"""When to come back when so many are being read, seconds."""
_COUNTING: Final = threading.Lock()
"""The library's counters in memory start a thread that cleans up; two requests at once would start the same one twice
(limits 5, storage/memory.py)."""
_NAME: Final = "gatewitness-limits"
_READING: Final = "gatewitness-uploads"


def install(app: Flask) -> None:
    """Gives the app counters of its own."""
    app.config["RATELIMIT_STORAGE_URI"] = "memory://"
    app.config["RATELIMIT_STRATEGY"] = "sliding-window-counter"
    app.extensions[_NAME] = Limiter(neighbourhood, app=app)
    app.extensions[_READING] = threading.BoundedSemaphore(READ_AT_A_TIME)
    app.teardown_request(_is_read)


def address() -> str:
    """Where the request comes from, as text for people; proxies are believed only when they are set up."""
    return request.remote_addr or "unknown"


def neighbourhood() -> str:
    """Whom limits count as one: an IPv4 address, or the /64 that one subscriber has of IPv6 (RFC 6177)."""
    try:
        found = ip_address(address())
    except ValueError:
        return address()
    if isinstance(found, IPv6Address):
        mapped = found.ipv4_mapped
        return str(mapped or ip_network((found, 64), strict=False))
    return str(found)


def spend(kind: str, per_minute: int, who: str) -> None:
    """Counts one of that kind for whoever it is; raises TooMany when the minute's share is used up."""
    limiter = current_app.extensions[_NAME].limiter
    item = RateLimitItemPerMinute(per_minute) if per_minute else None
    with _COUNTING:
        if item is not None and limiter.hit(item, kind, who):
            return
        wait = limiter.get_window_stats(item, kind, who).reset_time - time.time() if item is not None else 60.0
    raise TooMany("too many requests; try again in a moment", max(1.0, wait))


def general() -> None:
    """What every request is counted for; the one user of local mode is not."""
    principal = anybody()
    if principal is None:
        spend("requests", STRANGER_REQUESTS, neighbourhood())
    elif principal.via != "local":
        spend("requests", USER_REQUESTS, principal.user_id)


def captures(config: Config | None = None) -> None:
    """Call it before a capture or an import is asked for: counts for the user and for the address."""
    config = config or services().config
    principal = anybody()
    if principal is not None:
        spend("captures", config.captures_per_minute, principal.user_id)
    spend("captures", config.captures_per_minute, neighbourhood())


def deliveries() -> None:
    """Call it before a delivery is asked for: counts for the user."""
    spend("deliveries", services().config.deliveries_per_minute, current().user_id)


def upload() -> None:
    """Call it before files are read: takes a place until the request has ended; raises TooMany when none is free."""
    if not current_app.extensions[_READING].acquire(blocking=False):
        raise TooMany("other files are being read; try again in a moment", READ_RETRY_S)
    g.is_reading = True


def guess(kind: str, subject: str, *, known: bool = False) -> None:
    """Call it before a password or passphrase is checked: counts for the address, and for what is guessed at.

    `known`: this browser has given the right one before, and is not hindered by others who guess.
    """
    most = services().config.logins_per_minute
    spend(kind, most, neighbourhood())
    if not known:
        spend(f"{kind} for", most, subject)


def _is_read(_: BaseException | None) -> None:
    if g.pop("is_reading", False):
        current_app.extensions[_READING].release()
