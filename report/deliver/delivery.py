"""One delivery. In: a tracker, a parcel. Out: the link, and what was left out; the same once more leaves the same.

First it is looked whether the failure was told there before. The same case is not told twice, and a delivery that was
interrupted is completed; another case of the same failure becomes one line. Then come the files, then the text, which
names them; when a file is turned away, the next rung of the ladder goes along, and when the text is not taken, the
files are taken back.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, TypeVar

from report.deliver import ladder
from report.deliver.base import DeliveryFailed, File, Found, Limits, Message, Tracker, Upload
from report.deliver.fitting import SEEN
from report.deliver.ladder import Choice, Offer
from report.deliver.mark import mark
from report.deliver.parcel import Parcel
from report.markup.blocks import Block, Blocks, Code, Items, Link, Paragraph, Strong, Text

TRIES: Final = 3
"""How often something is done again whose answer was lost."""
What = Literal["written", "created", "seen again", "there already"]
T = TypeVar("T")


@dataclass(frozen=True)
class Delivered:
    """What came of it."""

    link: str
    """Where people see it."""
    what: What
    """`written`: to the ticket, or sent; `created`: a new ticket; `seen again`: a line where the failure had been told;
    `there already`: this very case had been told."""
    files: tuple[str, ...] = ()
    """Names of the files that are there."""
    left_out: tuple[str, ...] = ()
    """A sentence for each file that is not."""


def deliver(tracker: Tracker, parcel: Parcel, share: str | None = None, earlier: Found | None = None) -> Delivered:
    """Brings a parcel to a tracker; `share` is a link under which the dossier can be seen, if there is one.

    `earlier` is what was delivered there of the same failure; it counts where the tracker cannot be searched. Raises
    DeliveryFailed with a sentence that also says what was done before it failed.
    """
    account = tracker.check()
    found = tracker.find(parcel.failure) if tracker.searchable else earlier
    if found and parcel.case not in found.cases:
        line = _line(parcel, share)
        made = _once(lambda: ("", tracker.again(found, line)), lambda: _told(tracker, line))
        return Delivered(made[1], "seen again")
    has_files_later = tracker.text_first or (tracker.ticket_first and (tracker.target.ticket is None or found))
    # Only the first case was told with files, the others are lines.
    if found and not (has_files_later and parcel.case == found.cases[0]):
        return Delivered(found.link, "there already", left_out=ladder.choose(parcel.offers, account.limits).left_out)
    if has_files_later:
        return _with_files(tracker, parcel, account.limits, share, found)
    choice, uploads = _attach(tracker, parcel.case, parcel.offers, account.limits)
    try:
        _, link, what = _write(tracker, _message(parcel, choice, share), uploads)
    except DeliveryFailed as error:
        _take_back(tracker, uploads, error)
        raise
    return Delivered(link, what, tuple(upload.name for upload in uploads), choice.left_out)


def _write(tracker: Tracker, message: Message, uploads: Sequence[Upload]) -> tuple[str, str, What]:
    """The ticket, the link, and what was done."""
    ticket = tracker.target.ticket
    if ticket is None:
        made = _once(lambda: tracker.create(message, uploads), lambda: _told(tracker, message))
        return *made, "created" if tracker.searchable else "written"
    return *_once(lambda: (ticket, tracker.comment(message, uploads)), lambda: _told(tracker, message)), "written"


def _with_files(tracker: Tracker, parcel: Parcel, limits: Limits, share: str | None, found: Found | None) -> Delivered:
    """Where files come after the text: writes it, unless it is there, and adds the files that it lacks."""
    named = ladder.choose(parcel.offers, limits)
    message = _message(parcel, named, share)
    what: What
    ticket, link, what = (found.ticket, found.link, "there already") if found else _write(tracker, message, ())
    tracker.target = dataclasses.replace(tracker.target, ticket=ticket)
    try:
        choice, uploads = _attach(tracker, parcel.case, parcel.offers, limits)
        if choice != named and not found:
            tracker.comment(dataclasses.replace(message, blocks=_files(parcel, choice, share)), uploads)
    except DeliveryFailed as error:
        raise DeliveryFailed(f"{error}; the text is at {link}, the files are not: run it again to add them",
                             again=error.again, after_s=error.after_s) from error
    names = tuple(upload.name for upload in uploads)
    return Delivered(link, what, names, choice.left_out)


def _attach(tracker: Tracker, case: str, offers: Mapping[str, Offer], limits: Limits) -> tuple[Choice, list[Upload]]:
    """Uploads what fits and is not there. When a file is turned away, the next rung is tried that lacks it; when an
    upload fails, the others are taken back."""
    done: dict[str, Upload] = {}
    while True:
        choice = ladder.choose(offers, limits)
        offer = next((offer for offer in choice.offers if offer.name not in done), None)
        if offer is None:
            break
        try:
            done[offer.name] = _upload(tracker, _file(case, offer))
        except DeliveryFailed as error:
            if error.unfit is None:
                _take_back(tracker, list(done.values()), error)
                raise
            limits = ladder.narrowed(limits, offer, error.unfit)
    uploads = [done.pop(offer.name) for offer in choice.offers]
    if done:
        with suppress(DeliveryFailed):  # of a higher rung; no text names them
            tracker.discard(list(done.values()))
    return choice, uploads


def _file(case: str, offer: Offer) -> File:
    try:
        return File(f"{case}-{offer.name}", offer.media_type, offer.read())
    except OSError as error:  # the case may have been deleted: what is at the tracker is taken back
        raise DeliveryFailed(f"{offer.name} cannot be read ({error.strerror or error})", again=True) from error


def _upload(tracker: Tracker, file: File) -> Upload:
    return tracker.attached(file) or _once(partial(tracker.attach, file), partial(tracker.attached, file))


def _take_back(tracker: Tracker, uploads: list[Upload], error: DeliveryFailed) -> None:
    """Leaves nothing half done; but where it may be done after all, the text must not lose its files."""
    if not error.unclear:
        with suppress(DeliveryFailed):  # the first failure is the one to tell
            tracker.discard(uploads)


def _once(work: Callable[[], T], landed: Callable[[], T | None]) -> T:
    """Does what may be done once only: when the answer is lost, it is looked whether it was done."""
    for left in reversed(range(TRIES)):
        try:
            return work()
        except DeliveryFailed as error:
            if not error.unclear:
                raise
            there = landed()
            if there is not None:
                return there
            if not left:
                raise
    raise AssertionError("the last try returns or raises")


def _told(tracker: Tracker, message: Message) -> tuple[str, str] | None:
    """Ticket and link, when this case has been told."""
    found = tracker.find(message.failure)
    return (found.ticket, found.link) if found and message.case in found.cases else None


def _line(parcel: Parcel, share: str | None) -> Message:
    """The same failure once more."""
    more = (Text(": "), Link("dossier", share)) if share else ()
    line = Paragraph((Text(f"{SEEN} {parcel.seen_at}, case "), Code(parcel.case), *more))
    return Message(parcel.title, (line,), mark(parcel.failure, parcel.case), parcel.failure, parcel.case,
                   {**parcel.facts, "share": share})


def _message(parcel: Parcel, choice: Choice, share: str | None) -> Message:
    """The summary, what goes along and what does not."""
    dossier = (Paragraph((Strong("Dossier:"), Text(" "), Link(share, share))),) if share else ()
    return Message(parcel.title, (*parcel.blocks, *dossier, *_files(parcel, choice, share)),
                   mark(parcel.failure, parcel.case), parcel.failure, parcel.case, {**parcel.facts, "share": share})


def _files(parcel: Parcel, choice: Choice, share: str | None) -> Blocks:
    more: list[Block] = []
    if choice.offers:
        more += [Paragraph((Strong("Files"),)),
                 Items(tuple((Code(f"{parcel.case}-{offer.name}"), Text(f" {offer.what}")) for offer in choice.offers))]
    if choice.left_out:
        ask = "" if share else " Ask for it: whoever sent this has it."
        more.append(Items(tuple((Text(sentence + ask),) for sentence in choice.left_out)))
    return tuple(more)
