"""What curl -v prints, line by line."""

import pytest

from capture.importers.curl_talk import talk
from tests.capture.importers import talks


def test_progress_data_and_meter_are_of_nobody() -> None:
    made = talk(talks.REDIRECTED)
    assert made.hops[0].body == []
    assert "\n".join(made.hops[1].body).strip() == "try later\n\nagain"


def test_an_interim_answer_is_no_answer() -> None:
    last = talk(talks.REDIRECTED).hops[-1]
    assert (last.status, [line.name for line in last.received]) == (503, ["Content-Type", "Retry-After"])


def test_a_second_attempt_stays_the_same_connection() -> None:
    made = talk(talks.REFUSED)
    assert len(made.connections) == 1
    assert made.connections[0].connects == [("2001:db8::1", 0, "Network is unreachable"),
                                            ("192.0.2.10", 443, "Connection refused")]


def test_success_makes_earlier_failures_forgotten() -> None:
    text = talks.REFUSED.partition("* Failed")[0] + talks.BOTH
    made = talk(text)
    assert (made.said, made.hops[0].status) == ("", 502)


def test_a_trailer_is_of_no_body() -> None:
    text = "> GET / HTTP/2\n> Host: a.example\n>\n< HTTP/2 200\n<\nhello\n< grpc-status: 0\n* Closing connection"
    assert talk(text).hops[0].body == ["hello"]


@pytest.mark.parametrize("line", ["* not curl's", "> not a request", "< not a header", "*", ">", "100 percent"])
def test_marks_inside_a_body_are_of_the_body(line: str) -> None:
    text = f"> GET / HTTP/1.1\n> Host: a.example\n>\n< HTTP/1.1 200 OK\n<\nfirst\n{line}\nlast\n"
    assert talk(text).hops[0].body[:3] == ["first", line, "last"]


def test_nothing_of_the_command_line_is_kept_but_the_address() -> None:
    made = talk("$ curl -v -u alice:Tr0ub4dor https://shop.example/x -H 'X-Key: abc'\n" + talks.BOTH)
    assert made.command_url == "https://shop.example/x"
    assert "Tr0ub4dor" not in repr(made)
