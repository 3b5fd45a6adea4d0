"""Which names mark a secret. In: a name as it was written. Out: the kind of secret it names, or None.

The lists are data (`capture/data/secrets.toml`).
"""

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

_DATA: Final = Path(__file__).parent.parent / "data" / "secrets.toml"


def load() -> dict[str, Any]:
    """The rule file; raises tomllib.TOMLDecodeError or OSError when the installation is broken."""
    return tomllib.loads(_DATA.read_text("utf-8"))


_RULES: Final = load()
RULESET: Final[str] = _RULES["ruleset"]
"""Version of the redaction rules."""

_KINDS: Final[tuple[tuple[str, tuple[str, ...]], ...]] = tuple(
    (rule["kind"], tuple(f" {words} " for words in rule["words"])) for rule in _RULES["name"]
)
NUMERIC: Final = frozenset(rule["kind"] for rule in _RULES["name"] if rule.get("numbers"))
"""Kinds of which a bare number is a secret too."""
_WEAK: Final = frozenset(_RULES["weak"]["words"])
_WEAK_KIND: Final[str] = _RULES["weak"]["kind"]
_DESCRIBING: Final = frozenset(_RULES["describing"]["words"])
_INHERITING: Final = frozenset({"id", "value", "key", "raw", "data"})

HEADERS: Final[dict[str, frozenset[str]]] = {group: frozenset(names) for group, names in _RULES["headers"].items()}
"""Header names by how they are treated, lower case."""
TOKEN_PATHS: Final = frozenset(_RULES["path"]["before"])
"""Path segments that are followed by a token."""
STEMS: Final = tuple(sorted({max(words.split(), key=len)[:4] for rule in _RULES["name"] for words in rule["words"]}))
"""Every secret name holds one of these, in lower case: a text without them needs no closer look."""

_HUMP: Final = re.compile(r"([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])")
_OTHER: Final = re.compile(r"[^a-z0-9]+")


def words_of(name: str) -> list[str]:
    """The words of a name: accessToken, access-token and user[access_token] all hold "access", "token"."""
    spaced = _HUMP.sub(r"\1\3 \2\4", name)
    return _OTHER.sub(" ", spaced.lower()).split()


@lru_cache(maxsize=8192)
def kind_of(name: str) -> str | None:
    """The kind of secret that a name stands for in any carrier; None for ordinary names."""
    if len(name) > 200:
        return None
    words = words_of(name)
    if not words or (len(words) > 1 and words[-1] in _DESCRIBING):
        return None
    phrase = f" {' '.join(words)} "
    return next((kind for kind, needles in _KINDS if any(needle in phrase for needle in needles)), None)


@lru_cache(maxsize=8192)
def weak_kind_of(name: str) -> str | None:
    """The kind that a name in a query, a fragment or a form stands for when its value looks like a token."""
    words = words_of(name[:200])
    return _WEAK_KIND if words and words[-1] in _WEAK else None


def is_kept(header: str) -> bool:
    """Whether a header field is never masked: request ids that support needs, and what servers say of themselves."""
    return header.lower() in HEADERS["never"]


def inherited(parent: str | None, name: str) -> str | None:
    """The kind of `{"session": {"id": ...}}`: the parent says secret, the child's own name says nothing."""
    return parent if parent and name.lower() in _INHERITING else None
