"""Names of rows. In: nothing. Out: 26 letters and digits that nobody guesses."""

import re
import secrets
from typing import Final

_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH: Final = 26
_ID: Final = re.compile(f"[{_LETTERS}]{{{_LENGTH}}}")


def new_id() -> str:
    """130 random bits in Crockford's base 32 (https://www.crockford.com/base32.html)."""
    bits = secrets.randbits(5 * _LENGTH)
    return "".join(_LETTERS[bits >> shift & 31] for shift in range(5 * (_LENGTH - 1), -1, -5))


def valid(text: str) -> bool:
    """Whether the text has the form of an id; one that has may still name nothing."""
    return _ID.fullmatch(text) is not None
