"""Passwords. In: what somebody typed. Out: an Argon2id hash, or whether it is the right one.

Parameters are the second choice of RFC 9106 section 4 (64 MiB, 3 passes, 4 lanes). A check takes the same work whether
or not there is such a user, and no more than two run at a time, so that logins cannot exhaust the memory.
"""

import threading
import unicodedata
from functools import cache
from typing import Final

from argon2 import PasswordHasher, profiles
from argon2.exceptions import InvalidHashError, VerificationError

from web.errors import BadField

LEAST: Final = 12
MOST: Final = 256
"""Shortest and longest password, characters."""
DIFFERENT: Final = 5
"""Different characters that a password has at least."""
UNUSABLE: Final = "!"
"""In the place of a hash: no password fits."""
_HASHER: Final = PasswordHasher.from_parameters(profiles.RFC_9106_LOW_MEMORY)
_AT_A_TIME: Final = threading.BoundedSemaphore(2)


def hashed(password: str) -> str:
    """The hash to keep."""
    with _AT_A_TIME:
        return _HASHER.hash(_normal(password))


def fits(kept: str | None, password: str) -> bool:
    """Whether the password is the one of that hash; None, for a user there is not, takes as long and never fits."""
    nobody = _nobody()
    real = kept if kept and kept != UNUSABLE and len(password) <= MOST else None
    with _AT_A_TIME:
        try:
            return _HASHER.verify(real or nobody, _normal(password)) and real is not None
        except (VerificationError, InvalidHashError):
            return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed with other parameters than today's."""
    return _HASHER.check_needs_rehash(kept)


def chosen(password: str, name: str, field: str = "password") -> str:
    """The hash of a new password for the user of that name; takes long, so call it outside of a transaction.

    Raises BadField when it is easily guessed; there are no rules on kinds of characters (NIST SP 800-63B 3.1.1.2).
    """
    _check(password, name, field)
    return hashed(password)


def _check(password: str, name: str, field: str) -> None:
    if len(password) < LEAST:
        raise BadField(field, f"a password has at least {LEAST} characters; a few words do well")
    if len(password) > MOST:
        raise BadField(field, f"a password has at most {MOST} characters")
    plain = password.casefold()
    if len(set(plain)) < DIFFERENT or plain.replace(name.casefold(), "") in ("", "gatewitness"):
        raise BadField(field, "this password is easily guessed; take another one")


def _normal(password: str) -> bytes:
    """The same bytes for what looks the same, on whatever keyboard it was typed."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


@cache
def _nobody() -> str:
    return _HASHER.hash("the password of nobody")
