"""What a picture can show of a signature."""

from report.signatures import vendors
from report.visual.phrases import Phrase, fold, holds, phrases, visible


def phrase(name: str) -> Phrase | None:
    return next((each for each in phrases(vendors()) if each.signature.id == name), None)


def test_letters_that_readers_mix_up_are_the_same() -> None:
    assert fold("Ray lD: O0l1I") == fold("RaylD:00111")


def test_words_between_tags_are_found_although_spaces_are_lost() -> None:
    found = phrase("nginx.page")
    assert found is not None
    text = "\n".join(map(fold, ("502BadGateway", "nginx/1.26.1")))
    assert all(holds(condition, text) for condition in found.conditions)


def test_the_end_of_an_element_is_the_end_of_a_line() -> None:
    found = phrase("nginx.page")
    assert found is not None
    text = "\n".join(map(fold, ("502 Bad Gateway", "what nginx means by it")))
    assert not all(holds(condition, text) for condition in found.conditions)


def test_markup_alone_gives_no_phrase() -> None:
    assert phrase("gunicorn-app.page") is None


def test_a_signature_that_asks_for_headers_is_not_firm() -> None:
    found = phrase("cloudflare.page")
    assert found is not None
    assert not found.firm


def test_every_phrase_stands_in_its_own_sample() -> None:
    for each in phrases(vendors()):
        shown = visible(each.signature.sample.body)
        assert all(holds(condition, shown) for condition in each.conditions), each.signature.id
