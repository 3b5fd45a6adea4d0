"""What users write, without its secrets. In: a text. Out: the text as it may be kept; what was masked in it.

What comes with a request is masked in `submit`, which knows more: the values of the header fields that are sent.
"""

from collections import Counter

from capture.redact import Redactor
from web.store.results import MASKED


def masked(text: str, host: str = "") -> str:
    """The text with `[redacted:...]` in the place of every secret that is recognised; `host` is none.

    The second pass masks early what was learned late.
    """
    mask = Redactor()
    mask.keep(host)
    return str(mask.deep(mask.text(text, "text"), "text"))


def told(text: str) -> str:
    """What was masked in a text that was kept, by its kinds: cookie, token × 2. Empty when nothing was."""
    kinds = Counter(found[3] for found in MASKED.finditer(text))
    return ", ".join(kind if count == 1 else f"{kind} × {count}" for kind, count in sorted(kinds.items()))
