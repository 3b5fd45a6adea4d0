"""The kinds of errors. In: the title of an error. Out: its `type`, an address that never changes (RFC 9457 3.1.1).

Each type points into the page of the API, where its meaning stands. Programs compare types, never sentences.
"""

from dataclasses import dataclass
from typing import Final

PAGE: Final = "/api/v1/"
"""Where the meanings are told."""
BLANK: Final = "about:blank"
"""Type of an error that says no more than its status."""


@dataclass(frozen=True)
class Kind:
    """One kind of error."""

    status: int
    """HTTP status that it comes with."""
    title: str
    """The same for each error of the kind."""
    meaning: str
    """What happened and what to do, for people who write clients."""

    @property
    def slug(self) -> str:
        """Name within the page."""
        return self.title.lower().replace(" ", "-")


KINDS: Final = (
    Kind(400, "Bad request", "The request cannot be read, for example because its body is not JSON."),
    Kind(400, "Bad host", "The service does not go by the name in Host; it is started with the names that it goes by."),
    Kind(401, "Login needed", "There is no token, or it is unknown, revoked or past its end."),
    Kind(403, "Not allowed", "The token does not have the scope that is needed, or the case belongs to somebody else."),
    Kind(403, "Refused by policy", "This service never contacts that address, port or resolver. Nothing was stored."),
    Kind(404, "Not found", "There is no such thing, or it is not for these eyes: both are answered alike."),
    Kind(405, "Method not allowed", "The address is right, the method is not; Allow lists those that are."),
    Kind(409, "Conflict", "The state of the case forbids it, or the Idempotency-Key was used for another request."),
    Kind(410, "Gone", "The case was deleted or the link was ended; deleted or revoked tells what is kept of it."),
    Kind(413, "Too large", "More was sent than is taken. Nothing was stored."),
    Kind(415, "Unsupported media type", "The body has to be, and say that it is, JSON; that of an import form data."),
    Kind(416, "Range not satisfiable", "The file ends before the part that Range asks for; Content-Range says where."),
    Kind(422, "Wrong input", "A field makes no sense; errors names each with a sentence. Nothing was stored."),
    Kind(429, "Too many requests", "Your limit, the queue's or the target host's. Retry-After says when to come back."),
    Kind(500, "Our own failure", "This is our fault. The sentence has a reference that is in the log of the service."),
    Kind(503, "Not ready", "The service cannot take captures now; the member checks says what is wrong."),
    Kind(507, "No room", "The disk is nearly full. Nothing was stored."))
"""All of them, by status."""
TITLES: Final = {400: "Bad request", 403: "Not allowed", 404: "Not found", 405: "Method not allowed", 413: "Too large",
                 415: "Unsupported media type", 416: "Range not satisfiable", 429: "Too many requests"}
"""Titles of what HTTP alone refuses."""
_SLUGS: Final = {kind.title: kind.slug for kind in KINDS}


def type_of(title: str) -> str:
    """The type of an error with that title."""
    return f"{PAGE}#{_SLUGS[title]}" if title in _SLUGS else BLANK
