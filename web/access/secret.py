"""Secrets that are shown once. In: nothing. Out: 256 random bits as text, and the hash that is kept of them."""

import hashlib
import secrets
from typing import Final

BYTES: Final = 32
LONGEST: Final = 128
"""Longer texts are none of ours and are not even hashed."""


def new(prefix: str = "") -> str:
    """A secret nobody guesses, fit for addresses and headers."""
    return prefix + secrets.token_urlsafe(BYTES)


def digest(secret: str) -> bytes:
    """What is kept. A fast hash will do: there is nothing to guess in 256 random bits.

    Rows are looked up by it, so how long a look-up takes tells of the hash and not of the secret.
    """
    return hashlib.sha256(secret[:LONGEST + 1].encode("utf-8", "surrogatepass")).digest()
