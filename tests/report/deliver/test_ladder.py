"""The best set of files that fits goes along, and whatever does not is named."""

from pathlib import Path

import pytest

from report.deliver.base import Limits
from report.deliver.ladder import HAR, HTML, PDF, PICTURE, SMALL, Offer, choose, narrowed

SIZES = {PDF: 400, HTML: 300, HAR: 900, SMALL: 100, PICTURE: 50}


@pytest.fixture
def offers(tmp_path: Path) -> dict[str, Offer]:
    """Files of these sizes."""
    for name, size in SIZES.items():
        (tmp_path / name).write_bytes(b"x" * size)
    return {name: Offer(f"{name}.png" if name == PICTURE else name, "text/plain", "", tmp_path / name)
            for name in SIZES}


@pytest.mark.parametrize(("limits", "names"), [
    (Limits(), [PDF, HTML, HAR]),
    (Limits(file_bytes=900, total_bytes=1600), [PDF, HTML, HAR]),
    (Limits(file_bytes=899), [PDF, HTML]),
    (Limits(total_bytes=1599), [PDF, HTML]),
    (Limits(files=2), [PDF, HTML]),
    (Limits(file_bytes=399), [HTML]),
    (Limits(files=1), [HTML]),
    (Limits(file_bytes=299), [SMALL]),
    (Limits(total_bytes=299), [SMALL]),
    (Limits(total_bytes=99), ["screenshot.png"]),
    (Limits(file_bytes=49), []),
    (Limits(files=0), []),
    (Limits(types=(".pdf", ".har")), [PDF, HAR]),
    (Limits(types=(".pdf", ".har"), total_bytes=500), [PDF]),
    (Limits(types=(".png", ".jpg")), ["screenshot.png"]),
    (Limits(refused=(".html",)), [PDF, HAR]),
    (Limits(types=()), []),
])
def test_the_highest_rung_that_fits_is_taken(offers: dict[str, Offer], limits: Limits, names: list[str]) -> None:
    choice = choose(offers, limits)
    assert [offer.name for offer in choice.offers] == names
    told = [sentence.split()[0] for sentence in choice.left_out]
    assert told == [name for name in (PDF, HTML, HAR) if name not in names]


def test_the_reason_is_told(offers: dict[str, Offer]) -> None:
    assert choose(offers, Limits(file_bytes=899)).left_out == (
        "page.har is left out: it is 900 B, and 899 B is the most that is taken here.",)
    assert choose(offers, Limits(types=(".pdf", ".html"))).left_out == (
        "page.har is left out: files of this type are not taken here.",)
    assert choose(offers, Limits(total_bytes=1599)).left_out == (
        "page.har (900 B) is left out: together the files are more than is taken here.",)
    assert choose(offers, Limits(files=0, no_files="it is public")).left_out[0] == (
        "dossier.pdf is left out: it is public.")


def test_what_was_turned_away_is_not_tried_again(offers: dict[str, Offer]) -> None:
    smaller = choose(offers, narrowed(Limits(), offers[PDF], "size"))
    assert [offer.name for offer in smaller.offers] == [HTML]
    assert smaller.left_out[0] == "dossier.pdf is left out: it is 400 B, which was turned away here as too large."
    smallest = choose(offers, narrowed(Limits(), offers[HTML], "size"))
    assert [offer.name for offer in smallest.offers] == [SMALL]
    others = choose(offers, narrowed(Limits(refused=(".har",)), offers[PDF], "type"))
    assert [offer.name for offer in others.offers] == [HTML]


def test_what_does_not_exist_is_not_missed(offers: dict[str, Offer]) -> None:
    del offers[PDF]
    choice = choose(offers, Limits())
    assert ([offer.name for offer in choice.offers], choice.left_out) == ([HTML, HAR], ())
