"""What every tracker does, and what can go wrong. In: nothing. Out: the types of a delivery.

A tracker is one file in `trackers/` with one subclass of Tracker; it is found by being there.
"""

import hashlib
import re
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar, Final, Literal
from urllib.parse import SplitResult

import httpx

from report.markup.blocks import Blocks

MOST_BYTES: Final = 20_000_000
"""Largest file that is sent where a tracker names no limit."""


Unfit = Literal["size", "type"]
"""Why a tracker turns a file away: it is too large, or of a type that is not taken."""


class DeliveryFailed(Exception):
    """The tracker did not take it; says why in one sentence."""

    def __init__(self, sentence: str, *, again: bool = False, after_s: float | None = None,
                 unclear: bool = False, unreached: bool = False, unfit: Unfit | None = None) -> None:
        """`again`: the same may succeed later, after `after_s` seconds when the tracker told a time. `unclear`: it is
        not known whether the tracker has done what was asked. `unreached`: there was no connection. `unfit`: why a file
        was turned away that another could stand for."""
        super().__init__(sentence)
        self.again = again
        self.after_s = after_s
        self.unclear = unclear
        self.unreached = unreached
        self.unfit = unfit


class BadTarget(Exception):
    """The target, its options or its credential make no sense; says what is wanted in one sentence."""


@dataclass(frozen=True)
class Target:
    """Whereto."""

    kind: str
    """Kind of tracker, the name of its file."""
    origin: str
    """Scheme, host and port of the tracker as people see it, for example https://github.com; credentials belong to
    it and go nowhere else."""
    place: str = ""
    """Project, repository, queue or address inside it, as the tracker writes it."""
    ticket: str | None = None
    """Number or key of the ticket; None: a new one is made."""
    options: Mapping[str, str] = field(default_factory=dict)
    """What the tracker's own options say; its class lists them."""
    base: str = ""
    """Path under which the tracker is served, for example /redmine; without a slash at the end."""


def says_yes(target: Target, option: str, default: bool = False) -> bool:
    """Whether an option is yes. Raises BadTarget when it is neither yes nor no."""
    said = target.options.get(option)
    if said not in (None, "yes", "no"):
        raise BadTarget(f"the option {option} of {target.kind} is yes or no, not {said!r}")
    return default if said is None else said == "yes"


@dataclass(frozen=True)
class Credential:
    """Who we are at one tracker."""

    secret: str = field(repr=False)
    """Token or password."""
    user: str | None = None
    """Name or mail address, where the tracker wants one besides."""


@dataclass(frozen=True)
class Door:
    """The way out, which goes through the guard, and the patience to use."""

    client: httpx.Client
    """Follows no redirect and takes no proxy from the environment."""
    dial: Callable[[str, int, float], socket.socket]
    """A TCP connection: host, port, seconds. Raises OSError."""
    patience_s: float = 120.0
    """Longest time that is spent on waiting and asking again, seconds."""
    sleep: Callable[[float], None] = time.sleep
    """Waits, seconds."""
    clock: Callable[[], float] = time.monotonic
    """Seconds that pass."""


@dataclass(frozen=True)
class Limits:
    """What a tracker takes, as it says itself where it does."""

    file_bytes: int = MOST_BYTES
    """Largest file."""
    total_bytes: int | None = None
    """All files of one message; None: no limit is known."""
    files: int | None = None
    """Most files of one message; 0: it takes none."""
    no_files: str = "no files are taken here"
    """Why it takes none, where `files` is 0."""
    types: tuple[str, ...] | None = None
    """Endings of names that are taken, in lower case with the dot; None: all."""
    refused: tuple[str, ...] = ()
    """Endings that are not taken."""
    below: int | None = None
    """A file of so many bytes was turned away as too large, whatever else is known."""
    text_chars: int = 30_000
    """Longest text of one message, characters after its markup."""


@dataclass(frozen=True)
class Account:
    """Whom the tracker takes us for, and what it takes from us."""

    name: str
    """As the tracker calls us; empty when it does not say."""
    limits: Limits = Limits()


@dataclass(frozen=True)
class File:
    """One file on its way."""

    name: str
    """Begins with the case number, so that the same file has the same name every time."""
    media_type: str
    data: bytes = field(repr=False)

    @cached_property
    def sha256(self) -> str:
        """Of the bytes, hexadecimal."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True)
class Upload:
    """A file that the tracker has."""

    name: str
    """As in File."""
    ref: str
    """What the tracker needs to name it: id, token, path."""
    link: str | None = None
    """Where people get it; None when it stands at the ticket itself."""


@dataclass(frozen=True)
class Message:
    """What is written."""

    title: str
    """Of a new ticket, or the subject of a mail; one line, at most 200 characters, safe to look at."""
    blocks: Blocks
    """The text; what was uploaded with a link of its own is named by the tracker's markup below it."""
    mark: str
    """What tells this failure and case to the next delivery, for example `gatewitness:FAILURE:CASE`; not shown."""
    failure: str
    """Fingerprint of the failure; the case number when nothing failed."""
    case: str
    """Case number, GW-XXXX-XXXX."""
    facts: Mapping[str, str | int | None] = field(default_factory=dict)
    """The verdict for machines: url, summary, status, vendor, fault, certainty, request_id, captured_at, share."""


@dataclass(frozen=True)
class Found:
    """An earlier delivery of the same failure."""

    link: str
    """Where people see it."""
    ticket: str
    """Number or key of the ticket in which it stands."""
    ref: str
    """What the tracker needs to change it; empty when it cannot be changed."""
    cases: tuple[str, ...]
    """Case numbers that were told there, oldest first."""
    text: str = ""
    """As the tracker keeps it, where `again` needs it."""


class Tracker(ABC):
    """One tracker, for one target."""

    kind: ClassVar[str]
    """As in Target; the name of the file."""
    name: ClassVar[str]
    """As people call it."""
    credential: ClassVar[str]
    """What it needs, in words for an error, for example "a token with the scope api"; empty when it needs nothing."""
    needs_user: ClassVar[bool] = False
    """Whether the credential has a user besides the secret."""
    variables: ClassVar[Mapping[str, str]] = {}
    """Conventional environment variables for its secret, each with the one origin at which it counts: the first that is
    there of several, with a space between them, where $NAME is the origin in another variable."""
    options: ClassVar[Mapping[str, str]] = {}
    """Options of its targets, each with its meaning in a few words."""
    ticket_first: ClassVar[bool] = False
    """Files can be uploaded to an existing ticket only; else they are uploaded before the text is written."""
    text_first: ClassVar[bool] = False
    """Files belong to the text itself, a comment or a new ticket, so that they come after it in any case."""
    searchable: ClassVar[bool] = True
    """Whether `find` sees what was written; else whoever delivers has to remember it."""

    @classmethod
    @abstractmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        """The target of an address as people copy it, when it is certainly one of this tracker; `url.scheme` without
        the kind. `KIND+https://...` forces a kind for trackers that run anywhere: then `recognise_own` is asked."""

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        """The target of an address of which the user said that it is this tracker's; None when it names no place."""
        return cls.recognise(url)

    @classmethod
    def settled(cls, target: Target) -> Target:
        """The target when its options are known, some of which may say what its address does not, for example the
        server that a mail goes through. Raises BadTarget."""
        return target

    @classmethod
    def ticket(cls, target: Target, text: str) -> str | None:
        """The ticket that people mean by a number or key, when it can be one of the target's place; else None."""
        found = re.fullmatch(r"#?([1-9][0-9]{0,17})", text, re.ASCII)
        return found[1] if found else None

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        """Contacts nobody. Raises BadTarget for options that make no sense."""
        self.target = target
        self.secret = credential
        self.door = door

    @abstractmethod
    def check(self) -> Account:
        """Whether the credential is good for what is to be done, and what the tracker takes. Writes nothing.

        Raises DeliveryFailed, here as in every method below.
        """

    @abstractmethod
    def find(self, failure: str) -> Found | None:
        """What an earlier delivery of the same failure wrote: with a ticket, in it; else in the open tickets of the
        place. Only what we wrote ourselves counts: a mark that a stranger copied is none."""

    def attached(self, file: File) -> Upload | None:
        """The same file, where the ticket or place has it already; None when it has not or cannot tell."""
        return None

    @abstractmethod
    def attach(self, file: File) -> Upload:
        """Uploads one file."""

    @abstractmethod
    def comment(self, message: Message, uploads: Sequence[Upload]) -> str:
        """Writes to the ticket; the link to what was written."""

    @abstractmethod
    def create(self, message: Message, uploads: Sequence[Upload]) -> tuple[str, str]:
        """Makes a new ticket in the place; its number or key, and its link."""

    @abstractmethod
    def again(self, found: Found, message: Message) -> str:
        """Adds a line to what was found: the same failure was seen again. `message.blocks` is that line, and the new
        mark is to be kept beside the old ones. The link to it."""

    def discard(self, uploads: Sequence[Upload]) -> None:  # noqa: B027 - most trackers drop what no text names
        """Takes back what was uploaded when the text could not be written, where the tracker allows it."""
