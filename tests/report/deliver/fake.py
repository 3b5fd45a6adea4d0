"""A tracker in memory, with faults on demand. In: what is to fail. Out: what it holds."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import SplitResult

import httpx

from report.deliver.base import Account, DeliveryFailed, Door, File, Found, Limits, Message, Target, Tracker, Upload
from report.deliver.mark import cases
from report.markup.markdown import markdown


def _no_dial(*_: Any) -> Any:
    raise AssertionError("the tracker in memory contacts nobody")


class Fake(Tracker):
    """Keeps tickets as lists of texts, files by name."""

    kind, name, credential = "fake", "Fake", ""

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """Nothing: it is made by tests only."""
        return None

    def __init__(self, ticket: str | None = "1", limits: Limits | None = None) -> None:
        super().__init__(Target("fake", "https://fake.example", "here", ticket), None,
                         Door(httpx.Client(trust_env=False), _no_dial, sleep=lambda _: None))
        self.limits = limits or Limits()
        self.tickets: dict[str, list[str]] = {"1": ["Something is broken"]}
        self.files: dict[str, bytes] = {}
        self.calls: list[str] = []
        self.faults: dict[str, list[tuple[DeliveryFailed, bool]]] = {}

    def fail(self, call: str, error: DeliveryFailed, done: bool = False) -> None:
        """The next such call raises the error; `done`: after it did what was asked."""
        self.faults.setdefault(call, []).append((error, done))

    def check(self) -> Account:
        """As told."""
        self._call("check")
        return Account("us", self.limits)

    def find(self, failure: str) -> Found | None:
        """Looks into the ticket, or into all of them."""
        for ticket in [self.target.ticket] if self.target.ticket else list(self.tickets):
            told = cases("\n".join(self.tickets[ticket]), failure)
            if told:
                return Found(f"https://fake.example/{ticket}", ticket, "x", told)
        return None

    def attached(self, file: File) -> Upload | None:
        """By name and bytes."""
        return Upload(file.name, file.name) if self.files.get(file.name) == file.data else None

    def attach(self, file: File) -> Upload:
        """Keeps it."""
        self._call("attach", lambda: self.files.__setitem__(file.name, file.data))
        return Upload(file.name, file.name)

    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """Adds the text."""
        ticket = self.target.ticket or ""
        self._call("comment", lambda: self.tickets[ticket].append(_written(message)))
        return f"https://fake.example/{ticket}"

    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """A new ticket."""
        number = str(len(self.tickets) + 1)
        self._call("create", lambda: self.tickets.__setitem__(number, [_written(message)]))
        return number, f"https://fake.example/{number}"

    def again(self, found: Found, message: Message) -> str:
        """Adds the line."""
        self._call("again", lambda: self.tickets[found.ticket].append(_written(message)))
        return found.link

    def discard(self, uploads: Sequence[Upload]) -> None:
        """Forgets the files."""
        self._call("discard")
        for upload in uploads:
            del self.files[upload.ref]

    def _call(self, call: str, work: Any = lambda: None) -> None:
        self.calls.append(call)
        error, done = self.faults[call].pop(0) if self.faults.get(call) else (None, True)
        if done:
            work()
        if error:
            raise error


class TicketFirst(Fake):
    """Takes files at a ticket only."""

    ticket_first = True


class TextFirst(Fake):
    """Files belong to the text."""

    text_first = True


def _written(message: Message) -> str:
    return f"{message.mark}\n{markdown(message.blocks)}"
