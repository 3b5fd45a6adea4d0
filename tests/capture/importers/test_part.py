"""What one file holds."""

from capture.importers.part import Call, Part
from tests.builders import exchange, response


def test_it_failed_when_what_is_judged_has_no_answer_or_an_error() -> None:
    answers = (response(200), response(502), None)
    calls = tuple(Call(exchange(answer=answer, id=f"E{number}")) for number, answer in enumerate(answers, 1))
    assert [Part("x", "har", calls=calls, main=main).failed for main in ("E1", "E2", "E3", None)] == [
        False, True, True, False]
