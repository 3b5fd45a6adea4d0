"""A citation is looked up when it is made: a wrong pointer cannot become one."""

import pytest

from report.citing import Citer, NoSuchFact
from tests.builders import answered, evidence

PAGE = answered(502, [("Server", "nginx")], "<h1>502 Bad Gateway</h1>")


def test_the_excerpt_is_the_part_that_was_asked_for_when_it_stands_there() -> None:
    cite = Citer(PAGE).cite("/pages/0/exchanges/0/response/body/text", "502 Bad")
    assert cite.excerpt == "502 Bad"


def test_the_excerpt_is_the_beginning_when_the_part_does_not_stand_there() -> None:
    cite = Citer(PAGE).cite("/pages/0/exchanges/0/response/body/text", "not on the page")
    assert cite.excerpt == "<h1>502 Bad Gateway</h1>"


def test_numbers_and_times_are_cited_as_they_stand_in_the_file() -> None:
    citer = Citer(PAGE)
    assert citer.value("/pages/0/exchanges/0/response/status") == "502"
    assert citer.value("/pages/0/exchanges/0/main_document") == "true"
    assert citer.value("/started_at") == "2026-03-04T05:06:07.891Z"


@pytest.mark.parametrize(
    "pointer", ["/pages/7", "/nothing", "/pages/0", "/pages/x/title", "/vantage/browser", "/outcome/0"]
)
def test_a_pointer_that_leads_to_no_single_value_is_refused(pointer: str) -> None:
    with pytest.raises(NoSuchFact, match=pointer):
        Citer(evidence()).cite(pointer)
