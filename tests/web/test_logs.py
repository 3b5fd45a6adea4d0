"""Lines of the log: nothing that came with a request writes one of its own."""

import logging

import pytest

from web.logs import Plain, handler, quoted

FORGED = "/x\r\n2026-11-20T07:41:00Z INFO web: root logged in\x1b[2K\x85\u2028\u202egpj\0\x7f\x9b31m\ud800"


def record(message: str, *args: object, error: BaseException | None = None) -> logging.LogRecord:
    exc_info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("web", logging.ERROR, "web/app.py", 1, message, args, exc_info)


def test_a_record_is_one_line_whatever_is_in_it() -> None:
    line = Plain().format(record("failed: %s", FORGED))
    assert len(line.splitlines()) == 1
    assert all(character.isprintable() for character in line)
    assert r"/x\u{d}\u{a}2026" in line
    assert r"\u{1b}[2K\u{85}\u{2028}\u{202e}gpj\u{0}\u{7f}\u{9b}31m\u{d800}" in line


def test_a_traceback_is_marked_line_by_line() -> None:
    try:
        raise ValueError(FORGED)
    except ValueError as error:
        lines = Plain().format(record("failed", error=error)).split("\n")
    assert all(line.startswith("    | ") for line in lines[1:])
    assert all(line.isprintable() for line in lines)
    assert any("root logged in" in line for line in lines[1:])


def test_a_traceback_that_another_handler_wrote_is_written_anew() -> None:
    made = record("failed", error=ValueError(FORGED))
    logging.Formatter().format(made)
    assert all(line.isprintable() for line in Plain().format(made).split("\n"))


def test_a_stack_is_marked_too() -> None:
    made = record("here")
    made.stack_info = "Stack:\n  one\x1b"
    assert Plain().format(made).split("\n")[1:] == ["    | Stack:", r"    |   one\u{1b}"]


@pytest.mark.parametrize("text", ["", "plain", "Köln, 東京, 🙂", "a\\u{d}"])
def test_what_does_not_act_stays(text: str) -> None:
    assert quoted(text) == text


def test_the_handler_writes_such_lines() -> None:
    assert isinstance(handler().formatter, Plain)
