"""Passwords: what fits, what is taken, and how much work a check is."""

from collections.abc import Callable
from typing import Any

import pytest
from argon2 import PasswordHasher

from tests.web.serving import PASSWORD, password_hash
from web.access import passwords
from web.errors import BadField


def test_only_the_right_one_fits() -> None:
    assert passwords.fits(password_hash(), PASSWORD)
    assert not passwords.fits(password_hash(), PASSWORD + " ")
    assert not passwords.fits(password_hash(), "")
    assert not passwords.fits(password_hash(), PASSWORD + "x" * passwords.MOST)


@pytest.mark.parametrize("kept", [None, "", passwords.UNUSABLE, "$argon2id$nonsense"])
@pytest.mark.parametrize("password", ["", "!", "the password of nobody", PASSWORD])
def test_nothing_fits_where_there_is_no_password(kept: str | None, password: str) -> None:
    assert not passwords.fits(kept, password)


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """What each check cost: passes, memory and lanes of the hash that it was compared with."""
    done: list[tuple[int, ...]] = []
    verify: Callable[..., Any] = PasswordHasher.verify

    def counted(self: PasswordHasher, kept: str, password: bytes) -> Any:
        done.append(tuple(int(part.split("=")[1]) for part in kept.split("$")[3].split(",")))
        return verify(self, kept, password)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    return done


def test_a_check_is_the_same_work_whether_or_not_there_is_such_a_user(work: list[tuple[int, ...]]) -> None:
    for kept in (password_hash(), None, passwords.UNUSABLE):
        passwords.fits(kept, "a wrong password")
    assert len(work) == 3
    assert len(set(work)) == 1


def test_hashes_are_argon2id_with_the_parameters_of_the_rfc(
    real_hasher: PasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    cheap = passwords.hashed(PASSWORD)
    monkeypatch.setattr(passwords, "_HASHER", real_hasher)
    kept = passwords.hashed(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords.fits(kept, PASSWORD)
    assert not passwords.is_outdated(kept)
    assert passwords.is_outdated(cheap)


def test_what_looks_the_same_is_the_same() -> None:
    kept = passwords.hashed("caf\u00e9 am Fluss")
    assert passwords.fits(kept, "cafe\u0301 am Fluss")


@pytest.mark.parametrize(("password", "sentence"), [
    ("short", "at least 12"), ("x" * 257, "at most 256"), ("aaaaaaaaaaaa", "easily guessed"),
    ("annabella-bob", "easily guessed"), ("gatewitnessANNABELLA-bob", "easily guessed")])
def test_easily_guessed_passwords_are_refused(password: str, sentence: str) -> None:
    with pytest.raises(BadField, match=sentence):
        passwords.chosen(password, "annabella-bob")


def test_a_few_words_do() -> None:
    assert passwords.fits(passwords.chosen("four words by the river", "ann"), "four words by the river")
