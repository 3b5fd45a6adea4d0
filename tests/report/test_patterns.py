"""Patterns of signatures are refused when they could blow up, and decided early by a literal when they can be."""

import random
import time

import pytest

from report.patterns import BadPattern, Pattern
from report.signatures import vendors


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a.*b", "without upper bound"),
        ("a+b", "without upper bound"),
        ("a{3,}b", "upper bound"),
        ("a{0,9999}b", "upper bound"),
        ("(?:ab){0,9}c", "repeats a group"),
        ("502|503", "or-list"),
        ("ab", "too short"),
        (r"\x41bc", "write the character itself"),
    ],
)
def test_a_pattern_that_could_blow_up_or_says_nothing_is_refused(text: str, why: str) -> None:
    with pytest.raises(BadPattern, match=why):
        Pattern(text)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        (r"<hr><center>nginx(?:/[0-9][^<]{0,60})?</center>", "<hr><center>nginx"),
        (r"(?i)Domain Suspended", "domain suspended"),
        (r"colou?r of [a-z+*]{1,9}", "r of "),
        (r"\d{3} x{2}abc", "abc"),
        (r"[^]a]{1,3}\.com", ".com"),
    ],
)
def test_the_longest_literal_that_every_hit_contains_is_found(text: str, hint: str) -> None:
    assert Pattern(text).hint == hint


def test_a_text_without_the_literal_is_not_searched_and_one_with_it_is() -> None:
    pattern = Pattern(r"Error code \d{3}")
    assert pattern.search("nothing here", "nothing here") is None
    assert "compiled" not in vars(pattern)
    assert pattern.search("Error code 522", "error code 522")


def test_a_quantifier_inside_a_class_is_a_literal() -> None:
    assert Pattern(r"a[*+{]b").search("a*b", "a*b")


@pytest.mark.parametrize("kind", ["random", "lines", "angles", "digits", "near-misses"])
def test_no_pattern_of_any_signature_blows_up_on_a_large_hostile_text(kind: str) -> None:
    rng = random.Random(7)
    text = {
        "random": "".join(chr(rng.randrange(1, 0x250)) for _ in range(65_536)),
        "lines": "\r\n" * 32_768,
        "angles": "<" * 65_536,
        "digits": "5" * 65_536,
        "near-misses": "Reference #18.<center><h1>502 Bad <hr><center>nginx " * 1_250,
    }[kind]
    folded = text.lower()
    for vendor in vendors():
        for signature in vendor.signature:
            patterns = [*(p for group in signature.patterns.values() for p in group), *signature.absent_patterns]
            for pattern in patterns:
                started = time.process_time()
                pattern.compiled.search(text)
                assert time.process_time() - started < 0.5, (signature.id, pattern.text)
                pattern.search(text, folded)
