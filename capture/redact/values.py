"""Secrets that show themselves by their form, wherever they stand. In: text. Out: the text with them masked.

The patterns are data (`capture/data/secrets.toml`); cards, accounts and addresses need the checks here.
"""

import re
from typing import Final, NamedTuple

from capture.redact import names, shape
from capture.redact.vault import Vault, outside

_RULES: Final = names.load()
_KEEP: Final = frozenset(_RULES["email"]["keep"])
_NOT_DOMAINS: Final = frozenset(_RULES["email"]["not_domains"])
_EMAIL: Final = re.compile(
    r"(?<![\w.+%-])([A-Za-z0-9_][\w.+-]{0,63}+)(@|%40)((?:[A-Za-z0-9-]{1,63}+\.){1,8}[A-Za-z]{2,24})(?![\w-])"
)
# Visa, Mastercard, American Express, Diners, Discover, JCB, UnionPay by issuer number and length.
_CARD: Final = re.compile(
    r"[23456](?<![\w.#/-].)(?:"
    r"(?:(?<=4)\d{3}|(?<=5)[1-5]\d{2}|(?<=2)[2-7]\d{2}|(?<=6)(?:011|4[4-9]\d|5\d{2}|2\d{2})|(?<=3)5[2-8]\d)"
    r"(?:[ -]?\d{4}){3}"
    r"|(?<=3)[47]\d{2}[ -]?\d{6}[ -]?\d{5}|(?<=3)(?:0[0-5]|[68]\d)\d[ -]?\d{6}[ -]?\d{4})(?![\w-]|\.\d)"
)
_NUMBERED: Final = re.compile(
    r"(?i)\b(?:ids?|ref(?:erence)?|requests?|trace|incident|ray|error|code|support|event|eid|logid)\b(?:\W{1,8}is)?\W{0,12}$"
)
_IBAN: Final = re.compile(r"[A-Z](?<![A-Za-z0-9].)[A-Z]\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
_DIGIT_RUN: Final = re.compile(r"\d{4}")
_CHECKS: Final = {"tokenlike": shape.tokenlike, "unusual": shape.unusual, "basic": shape.basic}


class _Rule(NamedTuple):
    kind: str
    name: str
    marks: tuple[str, ...]
    pattern: re.Pattern[str]
    group: int
    check: str | None


_VALUES: Final = tuple(
    _Rule(r["kind"], r["rule"], tuple(r["marks"]), re.compile(r["pattern"]), r.get("group", 0), r.get("check"))
    for r in _RULES["value"]
)
_MARKS: Final = tuple((mark, rule) for rule in _VALUES for mark in rule.marks)


class Look(NamedTuple):
    """What a quick look at a text found: the rules that can hit in it at all, or in any part of it."""

    rules: tuple[_Rule, ...]
    """Rules of which a mark is there."""
    address: bool
    """An e-mail address is possible."""
    digits: bool
    """A card or account number is possible."""
    names: bool
    """A secret name is possible."""
    lines: bool
    """A Cookie or Authorization line is possible."""


def look(text: str) -> Look:
    """Looks once over a text for everything without which no rule can hit."""
    lower = text.lower()
    rules = dict.fromkeys(rule for mark, rule in _MARKS if mark in text)
    return Look(
        rules=tuple(rules),
        address="@" in text or "%40" in text,
        digits=_DIGIT_RUN.search(text) is not None,
        names=any(stem in lower for stem in names.STEMS),
        lines="cookie" in lower or "authorization" in lower,
    )


def mask_values(vault: Vault, text: str, place: str, seen: Look | None = None) -> str:
    """Masks keys and tokens by their form, cards, accounts and e-mail addresses. `seen`: a look at a text around it."""
    if len(text) < 6:
        return text
    seen = seen or look(text)
    for rule in seen.rules:
        text = outside(text, lambda part, rule=rule: _apply(vault, rule, part, place))  # type: ignore[misc]  # a default
    if seen.address:
        text = outside(text, lambda part: _EMAIL.sub(lambda m: _email(vault, m, place), part))
    return outside(text, lambda part: _numbers(vault, part, place)) if seen.digits else text


def _apply(vault: Vault, rule: _Rule, text: str, place: str) -> str:
    check = _CHECKS[rule.check] if rule.check else None

    def replace(match: re.Match[str]) -> str:
        value = match[rule.group]
        if check and not check(value):
            return match[0]
        token = vault.mask(value, rule.kind, rule.name, place)
        start, end = (at - match.start() for at in match.span(rule.group))
        return match[0][:start] + token + match[0][end:]

    return rule.pattern.sub(replace, text)


def _email(vault: Vault, match: re.Match[str], place: str) -> str:
    local, _, domain = match.groups()
    if local.lower() in _KEEP or domain.rpartition(".")[2].lower() in _NOT_DOMAINS:
        return match[0]
    return vault.mask(match[0], "email", "email", place)


def _numbers(vault: Vault, text: str, place: str) -> str:
    def card(match: re.Match[str]) -> str:
        digits = re.sub(r"\D", "", match[0])
        before = text[max(0, match.start() - 32) : match.start()]
        if not shape.luhn(digits) or len(set(digits)) < 2 or _NUMBERED.search(before):
            return match[0]
        return vault.mask(match[0], "card", "card-number", place)

    def account(match: re.Match[str]) -> str:
        return vault.mask(match[0], "iban", "iban", place) if shape.iban(match[0]) else match[0]

    return outside(_CARD.sub(card, text), lambda part: _IBAN.sub(account, part))
