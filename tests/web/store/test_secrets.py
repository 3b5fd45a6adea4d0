"""The instance's key: made once, for nobody else's eyes, and what it seals only it opens."""

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.store.secrets import FILE, BadKey, Key, load

KEY = Key(b"k" * 32)


def test_the_key_is_made_once_and_only_ours(tmp_path: Path) -> None:
    first = load(tmp_path)
    assert load(tmp_path).open(first.seal(b"x")) == b"x"
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE], "nothing else is left behind"


def test_of_several_first_starts_one_key_wins(tmp_path: Path) -> None:
    start = threading.Barrier(8)
    made: list[bytes] = []

    def begin() -> None:
        start.wait()
        made.append(load(tmp_path).derive("test"))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert len(set(made)) == 1


@given(st.binary(max_size=500))
def test_what_is_sealed_can_be_opened_and_does_not_show(data: bytes) -> None:
    sealed = KEY.seal(data)
    assert KEY.open(sealed) == data
    assert len(data) < 8 or data not in sealed


def test_what_was_changed_or_sealed_by_others_is_not_opened() -> None:
    sealed = bytearray(KEY.seal(b"request"))
    sealed[20] ^= 1
    for wrong in (bytes(sealed), Key(b"o" * 32).seal(b"request"), b"", b"request"):
        with pytest.raises(BadKey, match="cannot be opened"):
            KEY.open(wrong)


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = {KEY.derive("cookies"), KEY.derive("csrf"), Key(b"o" * 32).derive("cookies")}
    assert len(keys) == 3
    assert {len(key) for key in keys} == {32}
    assert KEY.derive("cookies") == KEY.derive("cookies")


def test_a_key_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    load(tmp_path)
    (tmp_path / FILE).chmod(0o640)
    with pytest.raises(BadKey, match="chmod 600"):
        load(tmp_path)


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 33])
def test_a_damaged_key_is_said_to_be_one(tmp_path: Path, data: bytes) -> None:
    load(tmp_path)
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(BadKey, match="damaged"):
        load(tmp_path)


def test_a_directory_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadKey, match="cannot be read: No such file"):
        load(tmp_path / "missing")
