"""Secrets that are shown once."""

from web.access import secret


def test_each_is_new_and_has_256_bits() -> None:
    made = {secret.new("gw_") for _ in range(100)}
    assert len(made) == 100
    assert all(text.startswith("gw_") and len(text) == 3 + 43 and text.isascii() for text in made)


def test_the_hash_tells_secrets_apart_and_takes_any_text() -> None:
    texts = ["", "a", "b", "\ud800", "x" * 129, "x" * 128]
    assert len({secret.digest(text) for text in texts}) == len(texts)
    assert all(len(secret.digest(text)) == 32 for text in texts)
