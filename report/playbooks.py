"""Playbooks are data: for every fault the next steps, in the order of risk.

In: report/playbooks/faults/*.toml (fault to steps), steps/*.toml (each step once, by id), stacks.toml (which products a
diagnosis recognises as which stack). Out: `steps_for`, the steps of one diagnosis with the commands of its stack.
A playbook that would destroy evidence before an earlier step has kept it is refused when it is read.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from capture.record.base import Record
from capture.record.evidence import Evidence
from report.diagnosis import Diagnosis
from report.faults import FAULTS
from report.reproduce import bracketed, literal, place, shell

FOLDER: Final = Path(__file__).with_name("playbooks")
GENERAL: Final = "general"
"""Commands that fit wherever there is a shell; shown when the stack is not known."""
SHOWN_STACKS: Final = 2
"""Stacks shown besides the general commands when none was recognised: the commonest, which stand first in a step."""
ADDRESSES: Final = 8
"""Most addresses of the name that a command goes through."""
LOG_WINDOW: Final = timedelta(minutes=5)
"""Time before and after the request that log commands ask for."""

Who = Literal["visitor", "owner", "host", "developer"]
Risk = Literal["none", "low", "medium", "high"]
Thing = Literal["log of the proxy", "log of the application", "log of the database", "state of the server",
                "state of the browser", "answers of the resolver", "DNS records", "configuration", "certificate",
                "firewall rules"]
"""What a step may keep, and what a step may destroy."""

RISKS: Final[tuple[Risk, ...]] = ("none", "low", "medium", "high")
PEOPLE: Final[Mapping[Who, str]] = {
    "visitor": "anyone", "owner": "site owner", "host": "host administrator", "developer": "developer"}
"""Who may do a step, in words."""

_ANY: Final = "General"
_PLACE: Final = re.compile(r"@([A-Z]+)@")
_PLACES: Final = frozenset({"HOST", "URL", "PORT", "ADDRESS", "ADDRESSES", "ID", "SINCE", "UNTIL"})
_DISRUPTIVE: Final = re.compile(
    r"(?<![\w-])(?:restart|reload|rollout undo|flush-caches|flushdns|flushcache|purge_cache|deactivate|delete|renew|"
    r"certonly|revert|rollback|force-recreate|kill|killall|truncate|prune|rm|mv|stop|scale|annotate|apply|insert rule|"
    r"unban|modify-[\w-]+|authorize-[\w-]+|update-[\w-]+|X (?:PATCH|PUT|POST|DELETE))\b")
_OVERWRITES: Final = re.compile(r"(?<![>&])>(?![>&]) *[\w.-]+(?=[\s)]|$)|\btee (?!-a )|(?:^|; )cp -(?!\w*n)")
"""A file written anew; a name with a date in it is another file each time."""
_WEB: Final = re.compile(r"https?://", re.IGNORECASE)
_HOST: Final = re.compile(r"[\w\[][^\s@]*", re.ASCII)
Text = Annotated[str, Field(min_length=5)]
Line = Annotated[str, Field(min_length=2)]

R = TypeVar("R", bound=Record)


class BadPlaybook(ValueError):
    """A playbook file is refused; the message names the file and the step or fault."""


class Step(Record):
    """One thing to do."""

    title: Text
    """What to do, a few words."""
    minutes: Annotated[int, Field(ge=1, le=120)]
    """About how long it takes."""
    risk: Risk
    """What may go wrong by doing it."""
    who: Who
    """Who may do it."""
    touches: Text
    """What it changes; "nothing" when it only reads."""
    do: Annotated[tuple[Text, ...], Field(min_length=1)]
    """How, in sentences; a command stands between backticks."""
    commands: dict[str, tuple[Line, ...]] = Field(default_factory=dict)
    """Exact commands by stack, the commonest first; `general` fits everywhere."""
    keeps: tuple[Thing, ...] = ()
    """Evidence that is safe once it is done."""
    destroys: tuple[Thing, ...] = ()
    """Evidence that is gone, or overwritten, once it is done."""
    expect: Text
    """What one sees when it went well."""
    if_not: Text
    """What to do when it did not."""
    verify: Text
    """How to make sure."""
    undo: Text
    """How to roll back."""

    @field_validator("commands")
    @classmethod
    def _places(cls, commands: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        unknown = {name for lines in commands.values() for line in lines for name in _PLACE.findall(line)} - _PLACES
        if unknown:
            raise ValueError(f"unknown place {sorted(unknown)[0]}; known are {', '.join(sorted(_PLACES))}")
        if commands and GENERAL not in commands:
            raise ValueError("commands need a general form")
        return commands


class Playbook(Record):
    """The steps for one fault."""

    steps: Annotated[tuple[str, ...], Field(min_length=3)]
    """Ids of steps; the risk never falls."""
    after: tuple[str, ...] = ()
    """Ids of steps for when it works again."""


class Stack(Record):
    """One way to run a site."""

    name: Line
    vendors: tuple[str, ...] = ()
    """Slugs of vendors (report/vendors) that show it; empty: it cannot be seen from outside."""


@dataclass(frozen=True)
class Books:
    """Everything that was read."""

    stacks: Mapping[str, Stack]
    steps: Mapping[str, Step]
    faults: Mapping[str, Playbook]


@dataclass(frozen=True)
class Commands:
    """Commands for one stack, filled in."""

    stack: str
    """Name of the stack as shown."""
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Shown:
    """One step of one diagnosis."""

    step: Step
    commands: tuple[Commands, ...]
    """For the stack recognised; when none was, general and the commonest."""
    others: tuple[Commands, ...]
    """For the other stacks."""
    after: bool
    """It is for when everything works again."""

    @property
    def people(self) -> str:
        """Who may do it, in words."""
        return PEOPLE[self.step.who]

    @property
    def on_paper(self) -> tuple[str, ...]:
        """Lines where there is room for one stack only; what keeps evidence has its general form too."""
        shown = [each for i, each in enumerate(self.commands) if i == 0 or (self.step.keeps and each.stack == _ANY)]
        return tuple(line for each in shown for line in each.lines)


@cache
def books(folder: Path = FOLDER) -> Books:
    """Every playbook of a folder, read once in a process. Raises BadPlaybook."""
    stacks = {key: _valid(Stack, value, f"stacks.toml: {key}") for key, value in _read(folder / "stacks.toml").items()}
    steps = _all(Step, folder / "steps")
    faults = _all(Playbook, folder / "faults")
    for key, step in steps.items():
        _check_step(key, step, stacks)
    for code, book in faults.items():
        _check_book(code, book, steps)
    return Books(stacks, steps, faults)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise BadPlaybook(f"{path.name}: {error}") from error


def _all(kind: type[R], folder: Path) -> dict[str, R]:
    """Every entry of every file of a folder, by its key."""
    found: dict[str, R] = {}
    for path in sorted(folder.glob("*.toml")):
        for key, value in _read(path).items():
            if key in found:
                raise BadPlaybook(f"{path.name}: {key}: already there in another file")
            found[key] = _valid(kind, value, f"{path.name}: {key}")
    return found


def _valid(kind: type[R], value: Any, place: str) -> R:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise BadPlaybook(f"{place}: {key or '(entry)'}: {first['msg']}") from error


def _check_step(key: str, step: Step, stacks: Mapping[str, Stack]) -> None:
    for stack, lines in step.commands.items():
        if stack not in stacks and stack != GENERAL:
            raise BadPlaybook(f"step {key}: {stack} is not in stacks.toml")
        if not step.destroys and any(_DISRUPTIVE.search(line) for line in lines):
            raise BadPlaybook(f"step {key}: a command for {stack} changes something, but `destroys` names nothing")
        if step.keeps and any(_OVERWRITES.search(line) for line in lines):
            raise BadPlaybook(f"step {key}: a command for {stack} would overwrite what was kept before; append instead")


def _check_book(code: str, book: Playbook, steps: Mapping[str, Step]) -> None:
    if code not in FAULTS:
        raise BadPlaybook(f"{code} is not in report/data/faults")
    for key in (*book.steps, *book.after):
        if key not in steps:
            raise BadPlaybook(f"{code}: there is no step {key}")
    risks = [RISKS.index(steps[key].risk) for key in book.steps]
    if risks != sorted(risks):
        raise BadPlaybook(f"{code}: the steps are not in the order of risk")
    order = (*book.steps, *book.after)
    for at, key in enumerate(order):
        _check_kept(f"{code}: {key}", steps[key], [steps[earlier] for earlier in order[:at]])


def _check_kept(place: str, step: Step, earlier: list[Step]) -> None:
    """What a step destroys must have been kept before, for every stack that the step has commands for."""
    for thing in step.destroys:
        keepers = [keeper for keeper in earlier if thing in keeper.keeps]
        if not keepers:
            raise BadPlaybook(f"{place}: destroys the {thing} before a step has kept it")
        for stack in step.commands:
            # A keeper whose only commands are general ones, or that has none, fits every stack.
            if not any(stack in keeper.commands or not set(keeper.commands) - {GENERAL} for keeper in keepers):
                raise BadPlaybook(f"{place}: no earlier step tells how to keep the {thing} with {stack}")


def steps_for(evidence: Evidence, diagnosis: Diagnosis) -> tuple[Shown, ...]:
    """The steps for a diagnosis, filled in; empty when no fault was named. Raises BadPlaybook."""
    read = books()
    book = read.faults.get(diagnosis.verdict.fault_code or "")
    if book is None:
        return ()
    known, values = detected(diagnosis), _values(evidence, diagnosis)
    return tuple(_shown(read, key, known, values, key in book.after) for key in (*book.steps, *book.after))


def detected(diagnosis: Diagnosis) -> frozenset[str]:
    """Stacks that the path of the diagnosis and the writer of the page show."""
    slugs = {hop.vendor for hop in diagnosis.hops} | {diagnosis.verdict.generator}
    return frozenset(key for key, stack in books().stacks.items() if slugs.intersection(stack.vendors))


def by_person(shown: tuple[Shown, ...]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Who may do which steps: words, and the numbers of the steps from 1; only those who have any."""
    numbers = ((words, tuple(n for n, each in enumerate(shown, 1) if each.step.who == who))
               for who, words in PEOPLE.items())
    return tuple((words, found) for words, found in numbers if found)


def _shown(read: Books, key: str, known: frozenset[str], values: Mapping[str, str], after: bool) -> Shown:
    step = read.steps[key]
    filled = {stack: Commands(read.stacks[stack].name if stack in read.stacks else _ANY,
                              tuple(_fill(line, values) for line in lines))
              for stack, lines in step.commands.items()}
    fitting = [stack for stack in filled if stack in known]
    if not fitting and filled:
        fitting = [GENERAL, *[stack for stack in filled if stack != GENERAL][:SHOWN_STACKS]]
    elif filled and step.keeps and GENERAL not in fitting:
        fitting.append(GENERAL)  # what a later step destroys may lie behind the stack that shows itself
    return Shown(step, tuple(filled[stack] for stack in fitting),
                 tuple(commands for stack, commands in filled.items() if stack not in fitting), after)


def _values(evidence: Evidence, diagnosis: Diagnosis) -> dict[str, str]:
    """What a command may name, each quoted for a POSIX shell; the place's own name where nothing fit is known.

    Quoting keeps a value one word; what a program could take for an option, or for a file to read, is not filled in.
    """
    url, identifier = evidence.request.url, diagnosis.verdict.request_id
    host, port = place(url)
    addresses = tuple(map(bracketed, filter(literal, evidence.dns.addresses))) if evidence.dns else ()
    since, until = evidence.started_at - LOG_WINDOW, evidence.finished_at + LOG_WINDOW
    plain = {"HOST": host if _HOST.fullmatch(host) else "HOST", "URL": url if _WEB.match(url) else "URL",
             "PORT": str(port), "ADDRESS": addresses[0] if addresses else "ADDRESS", "ID": identifier or "REQUEST_ID",
             "SINCE": f"{since:%Y-%m-%d %H:%M:%S UTC}", "UNTIL": f"{until:%Y-%m-%d %H:%M:%S UTC}"}
    every = " ".join(shell(address) for address in addresses[:ADDRESSES]) or "ADDRESS"
    return {"ADDRESSES": every} | {name: shell(value) for name, value in plain.items()}


def _fill(line: str, values: Mapping[str, str]) -> str:
    return _PLACE.sub(lambda found: values[found[1]], line)
