"""The files of looks and the hashes of their drawings."""

import json
from pathlib import Path

import pytest

from report.signatures import BadSignature, vendors
from report.visual.looks import HASHES, hashes, inputs, looks
from report.visual.picture import read

PICTURES = Path(__file__).parents[1] / "pictures"
GOOD = '''slug = "acme"
[[look]]
id = "acme.page"
source = "https://acme.example/"
date = 2026-11-20
words = ["Acme gateway"]
'''


def test_the_hashes_are_those_of_the_drawings() -> None:
    stored = json.loads(HASHES.read_text(encoding="utf-8"))
    assert stored["inputs"] == inputs(), "draw the looks anew: python -m bench.looks"
    assert set(stored["looks"]) == {look.id for _, look in looks() if look.drawing}


def test_every_look_belongs_to_a_vendor_and_has_a_name_of_its_own() -> None:
    assert {slug for slug, _ in looks()} <= {vendor.slug for vendor in vendors()}
    names = [look.id for _, look in looks()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted(hashes()))
def test_a_drawing_has_the_layout_and_the_colours_of_its_look(name: str) -> None:
    look = next(each for _, each in looks() if each.id == name)
    picture = read((PICTURES / f"{name}.png").read_bytes())
    assert look.coloured(picture)
    assert look.laid_out(picture)


@pytest.mark.parametrize("name", sorted(hashes()))
def test_an_article_has_the_layout_of_no_look(name: str) -> None:
    look = next(each for _, each in looks() if each.id == name)
    article = read((PICTURES / "article.png").read_bytes())
    assert not (look.coloured(article) and look.laid_out(article))


@pytest.mark.parametrize(("change", "told"), [
    (("words = [", "word = ["), "look.0"), (('slug = "acme"', 'slug = "other"'), "slug"),
    (('words = ["Acme gateway"]', ""), "look.0"), (("[[look]]", "[[look]"), "Expected")])
def test_a_bad_file_is_refused_with_its_name_and_key(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    (tmp_path / "acme.toml").write_text(GOOD.replace(*change))
    with pytest.raises(BadSignature, match=f"acme.toml.*(?:{told})"):
        looks(tmp_path)
