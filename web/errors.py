"""Why the service says no. In: a sentence for the user. Out: an error that knows its HTTP status.

Besides these, `capture.errors` has BadInput (422) and Refused (403); everything else is our own failure (500).
"""

from typing import ClassVar

from capture.errors import BadInput


class ServiceError(Exception):
    """The service does not do what was asked; the message is one sentence for the user."""

    status: ClassVar[int] = 500
    """HTTP status of the answer."""
    title: ClassVar[str] = "Our own failure"
    """The same for every error of its kind (RFC 9457 3.1.4)."""


class Unauthenticated(ServiceError):
    """Nobody is logged in, or the token is not valid."""

    status = 401
    title = "Login needed"


class Forbidden(ServiceError):
    """The user is known and may not do this."""

    status = 403
    title = "Not allowed"


class NotFound(ServiceError):
    """There is no such thing, or the user may not know of it: both are answered alike."""

    status = 404
    title = "Not found"


class Conflict(ServiceError):
    """What was asked does not fit the state of things."""

    status = 409
    title = "Conflict"


class Gone(ServiceError):
    """It was here and was deleted."""

    status = 410
    title = "Gone"


class TooLarge(ServiceError):
    """More was sent than is taken."""

    status = 413
    title = "Too large"


class TooMany(ServiceError):
    """A limit on how often or how many."""

    status = 429
    title = "Too many requests"

    def __init__(self, sentence: str, retry_after_s: float) -> None:
        """`retry_after_s`: seconds until it is worth trying again."""
        super().__init__(sentence)
        self.retry_after_s = retry_after_s


class NoRoom(ServiceError):
    """The disk is nearly full; nothing was accepted."""

    status = 507
    title = "No room"


class BadField(BadInput):
    """One field of a form or request makes no sense."""

    def __init__(self, field: str, sentence: str) -> None:
        """`field`: its name in Submission."""
        super().__init__(sentence)
        self.field = field
