"""What values look like. In: a string. Out: whether it looks like a token, a word, a card number ...

Pure functions; none of them is sure alone, each caller says what it needs.
"""

import base64
import binascii
import math
import re
from collections import Counter
from typing import Final

_WORD: Final = re.compile(r"[A-Za-z]+")
_CONSONANTS: Final = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}")
_VOWEL: Final = re.compile(r"[aeiouy]")
_PARTS: Final = re.compile(r"[^A-Za-z0-9]+")
_EPOCH: Final = re.compile(r"1[4-9]\d{8}(?:\d{3}|\d{6})?")
_SIZE: Final = re.compile(r"\d{1,5}x\d{1,5}(?:x\d{1,3})?")
_ODD: Final = re.compile(r"[^\w\s.,:;/=*+()%-]")
PLAIN: Final = frozenset({"true", "false", "null", "undefined", "none", "nil", "yes", "no", "on", "off", "enabled",
                         "disabled", "required", "missing", "expired", "invalid", "valid", "failed", "denied"})
"""Values that say how things stand with a secret, and are none themselves."""
_DATE: Final = re.compile(r"(?:19|20)\d{2}-?[01]\d-?[0-3]\d(?:[T ]?[\d:.,+Zz-]*)?")


def entropy(text: str) -> float:
    """Shannon entropy, bits per character."""
    size = len(text)
    return -sum(n / size * math.log2(n / size) for n in Counter(text).values()) if size else 0.0


def wordlike(text: str) -> bool:
    """Letters only, and readable as a word: has vowels, no five consonants in a row, not mixed case inside."""
    if not _WORD.fullmatch(text):
        return False
    if not (text.islower() or text.isupper() or text[1:].islower()):
        return False
    lower = text.lower()
    return len(text) <= 3 or (bool(_VOWEL.search(lower)) and not _CONSONANTS.search(lower))


def ordinary(text: str) -> bool:
    """Made of words, short numbers, dates and time stamps only: en-US, dark-mode, v2, 1280, application/json."""
    if _DATE.fullmatch(text) or _EPOCH.fullmatch(text):
        return True
    if _ODD.search(text.rstrip("!?")):
        return False
    return all(_ordinary_part(part) for part in _PARTS.split(text) if part)


def _ordinary_part(part: str) -> bool:
    if part.isdigit():
        return len(part) < 10 or _EPOCH.fullmatch(part) is not None
    return len(part) <= 3 or wordlike(part) or _SIZE.fullmatch(part) is not None


def tokenlike(text: str) -> bool:
    """Long enough and mixed enough to be a token: 12 characters, letters and digits, not ordinary."""
    return len(text) >= 12 and any(map(str.isdigit, text)) and any(map(str.isalpha, text)) and not ordinary(text)


def unusual(text: str) -> bool:
    """Not made of words and short numbers alone."""
    return not ordinary(text)


def dense(text: str) -> bool:
    """40 characters or more of base64url with upper and lower case, digits and entropy above 4 bits.

    Hexadecimal digests never reach that entropy, so asset hashes and UUIDs stay.
    """
    return (
        len(text) >= 40
        and any(c.isdigit() for c in text)
        and not (text.islower() or text.isupper())
        and entropy(text) > 4.0
    )


def basic(text: str) -> bool:
    """Base64 of `user:password` (RFC 7617)."""
    try:
        return b":" in base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False


def luhn(digits: str) -> bool:
    """The check digit of payment cards holds (ISO/IEC 7812-1, annex B)."""
    total = sum(int(d) if i % 2 == 0 else sum(divmod(2 * int(d), 10)) for i, d in enumerate(reversed(digits)))
    return total % 10 == 0


def iban(text: str) -> bool:
    """The check digits of an IBAN hold (ISO 13616: mod 97 is 1)."""
    compact = re.sub(r"[ -]", "", text)
    moved = compact[4:] + compact[:4]
    return 15 <= len(compact) <= 34 and moved.isalnum() and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def memorable(value: str, minimum: int = 8) -> bool:
    """Worth masking wherever it turns up later; common values (true, en-US, 1280, a word, a date) are not.

    Masking those would garble the evidence and hide nothing.
    """
    return len(value) >= minimum and not ordinary(value) and "://" not in value
