"""Texts of users without their secrets; tests/web/test_attacks_secrets.py tries every way in which they come."""

import pytest

from web.store.masking import masked, told


@pytest.mark.parametrize("text", [
    "", "ticket 4711", "The hoster says: firewall, since 14:03", "Ray 8f2a1c9b7d3e4f50",
    "link 01J9ZQ3V7K8M2N4P6R8T0V2W4X", "ci: read capture", "<b>not</b> masked", "https://shop.example/cart?page=2",
    "invalid token: expired"])
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text
    assert told(text) == ""


def test_secrets_are_masked_and_told_by_their_kinds() -> None:
    kept = masked("password: sw0rdf1shKnock9, again sw0rdf1shKnock9; Cookie: sid=S1d0c0oK1eVa1ueQx7")
    assert "sw0rdf1sh" not in kept
    assert "S1d0" not in kept
    assert told(kept) == "cookie, password × 2"


def test_a_secret_that_is_named_late_is_masked_where_it_stood_before() -> None:
    kept = masked("I used sw0rdf1shKnock9 all day.\npassword=sw0rdf1shKnock9")
    assert "sw0rdf1sh" not in kept


def test_the_host_of_a_case_is_no_secret_whatever_is_said_of_it() -> None:
    assert masked("password=shop-a1b2c3.example, see shop-a1b2c3.example", "shop-a1b2c3.example").endswith(
        "see shop-a1b2c3.example")


def test_masking_twice_changes_nothing() -> None:
    kept = masked("password=sw0rdf1shKnock9")
    assert masked(kept) == kept
