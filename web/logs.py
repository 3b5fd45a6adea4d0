"""Lines of the log. In: records of logging. Out: text in which nothing that came with a request acts.

A line break, an escape sequence of a terminal or a mark that turns the direction of text would let a request write
lines of its own. Lines of tracebacks are marked, so that none of them looks like a record. Addresses of share links and
one-time links, and API tokens, are secrets: whoever logs one, the HTTP server too, logs only its place.
"""

import copy
import logging
import re
from typing import Any, Final

FORM: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"
_ACTING: Final = re.compile(r"[^\x20-\x7e\xa0-\u2027\u202f-\u2065\u2070-\ud7ff\ue000-\U0010ffff]")
_SECRET: Final = re.compile(r"(/s/|/setup/|\bgw_)[\w-]{16,}", re.ASCII)


def quoted(text: str) -> str:
    """One line; what acts is written as its number, links and tokens of ours without their secret."""
    text = _SECRET.sub(r"\1[secret]", text)
    return _ACTING.sub(lambda found: f"\\u{{{ord(found[0]):x}}}", text)


class Plain(logging.Formatter):
    """Writes records as single lines, and tracebacks as marked ones."""

    def __init__(self) -> None:
        """Times are in UTC."""
        super().__init__(FORM, "%Y-%m-%dT%H:%M:%SZ")

    def format(self, record: logging.LogRecord) -> str:
        """The line, and the traceback as we write it: another handler may have left its own in the record."""
        fresh = copy.copy(record)
        fresh.exc_text = None
        return super().format(fresh)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
        """The line of a record."""
        return quoted(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The traceback, each line marked."""
        return "\n".join(f"    | {quoted(line)}" for line in super().formatException(ei).split("\n"))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        """The stack, each line marked."""
        return "\n".join(f"    | {quoted(line)}" for line in stack_info.split("\n"))


def handler() -> logging.Handler:
    """A handler that writes such lines to standard error."""
    made = logging.StreamHandler()
    made.setFormatter(Plain())
    return made
