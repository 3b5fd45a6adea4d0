"""Ids are long, random and of one form."""

import pytest

from web.store.ids import new_id, valid


def test_an_id_has_130_bits_in_letters_that_cannot_be_confused() -> None:
    made = [new_id() for _ in range(2000)]
    assert len(set(made)) == 2000
    assert {len(text) for text in made} == {26}
    assert set("".join(made)) == set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    for place in range(26):
        assert len({text[place] for text in made}) == 32, f"letter {place} does not take every value"


def test_what_is_made_is_valid() -> None:
    assert all(valid(new_id()) for _ in range(100))


@pytest.mark.parametrize("text", ["", "0" * 25, "0" * 27, "0" * 25 + "I", "0" * 25 + "u", "0" * 25 + "\n",
                                  "../" + "0" * 23, "0" * 26 + "\n", "٠" * 26])
def test_nothing_else_is_valid(text: str) -> None:
    assert not valid(text)
