"""A delivery leaves one text and one set of files, whatever fails in between."""

import errno
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from report.deliver.base import DeliveryFailed, Found, Limits
from report.deliver.delivery import deliver
from report.deliver.ladder import Offer
from report.deliver.parcel import Parcel, parcel
from tests.report.deliver.fake import Fake, TextFirst, TicketFirst

LOST = DeliveryFailed("the answer was lost", again=True, unclear=True)
DENIED = DeliveryFailed("the credential was revoked (401)")


@pytest.fixture
def sent(bundle_dir: Path, tmp_path: Path) -> Parcel:
    return parcel(bundle_dir, tmp_path)


def other(sent: Parcel) -> Parcel:
    """Another case of the same failure."""
    return replace(sent, case="GW-0000-0002")


def test_the_text_names_the_files_that_went_along(sent: Parcel) -> None:
    tracker = Fake()
    came = deliver(tracker, sent)
    assert (came.what, came.link, came.left_out) == ("written", "https://fake.example/1", ())
    assert list(came.files) == [f"{sent.case}-{name}" for name in ("dossier.pdf", "dossier.html", "page.har")]
    text = tracker.tickets["1"][1]
    assert all(f"`{name}`" in text for name in came.files)
    assert tracker.files[f"{sent.case}-dossier.html"] == sent.offers["dossier.html"].read()


def test_the_same_case_is_told_once(sent: Parcel) -> None:
    tracker = Fake()
    deliver(tracker, sent)
    came = deliver(tracker, sent)
    assert came.what == "there already"
    assert (len(tracker.tickets["1"]), tracker.calls.count("attach")) == (2, 3)


def test_another_case_of_the_failure_is_one_line(sent: Parcel) -> None:
    tracker = Fake()
    deliver(tracker, sent)
    came = deliver(tracker, other(sent), share="https://gw.example/s/abc")
    assert (came.what, came.files, len(tracker.files)) == ("seen again", (), 3)
    assert "Seen again" in tracker.tickets["1"][2]
    assert "https://gw.example/s/abc" in tracker.tickets["1"][2]
    assert deliver(tracker, other(sent)).what == "there already"


def test_a_project_gets_one_ticket_for_one_failure(sent: Parcel) -> None:
    tracker = Fake(ticket=None)
    assert deliver(tracker, sent).what == "created"
    assert deliver(tracker, other(sent)).what == "seen again"
    assert list(tracker.tickets) == ["1", "2"]


def test_a_refused_text_leaves_no_files(sent: Parcel) -> None:
    tracker = Fake()
    tracker.fail("comment", DENIED)
    with pytest.raises(DeliveryFailed, match="revoked"):
        deliver(tracker, sent)
    assert (tracker.files, len(tracker.tickets["1"])) == ({}, 1)


def test_a_refused_file_leaves_none_of_the_others(sent: Parcel) -> None:
    tracker = Fake()
    tracker.fail("attach", LOST, done=True)
    tracker.fail("attach", DENIED)
    with pytest.raises(DeliveryFailed, match="revoked"):
        deliver(tracker, sent)
    assert (tracker.files, len(tracker.tickets["1"])) == ({}, 1)


@pytest.mark.parametrize("call", ["attach", "comment"])
@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_makes_nothing_twice(sent: Parcel, call: str, done: bool) -> None:
    tracker = Fake()
    tracker.fail(call, LOST, done)
    assert deliver(tracker, sent).what == "written"
    assert (len(tracker.files), len(tracker.tickets["1"])) == (3, 2)


@pytest.mark.parametrize("done", [True, False])
def test_a_lost_answer_makes_no_second_ticket(sent: Parcel, done: bool) -> None:
    tracker = Fake(ticket=None)
    tracker.fail("create", LOST, done)
    assert deliver(tracker, sent).what == "created"
    assert list(tracker.tickets) == ["1", "2"]


def test_files_stay_while_it_is_not_known_whether_the_text_was_taken(sent: Parcel) -> None:
    tracker = Fake()
    for _ in range(3):
        tracker.fail("comment", LOST)
    with pytest.raises(DeliveryFailed, match="lost"):
        deliver(tracker, sent)
    assert len(tracker.files) == 3
    assert deliver(tracker, sent).what == "written"
    assert tracker.calls.count("attach") == 3


def test_a_ticket_that_has_to_be_there_first_is_completed_later(sent: Parcel) -> None:
    tracker = TicketFirst(ticket=None)
    tracker.fail("attach", DENIED)
    with pytest.raises(DeliveryFailed, match=r"revoked.*https://fake.example/2.*run it again"):
        deliver(tracker, sent)
    completed = TicketFirst(ticket=None)
    completed.tickets = tracker.tickets
    came = deliver(completed, sent)
    assert (came.what, len(came.files), list(completed.tickets)) == ("there already", 3, ["1", "2"])


def test_a_file_that_is_turned_away_as_too_large_is_stood_for_by_the_next_rung(sent: Parcel) -> None:
    tracker = Fake()
    tracker.fail("attach", LOST, done=True)
    tracker.fail("attach", DeliveryFailed("too large (413)", unfit="size"))
    came = deliver(tracker, sent)
    sizes = {offer.size for offer in sent.offers.values()}
    assert max(len(data) for data in tracker.files.values()) < max(sizes)
    assert tuple(tracker.files) == came.files != ()
    assert "turned away here as too large" in " ".join(came.left_out)
    assert "turned away here as too large" in tracker.tickets["1"][1]


def test_a_file_of_a_type_that_is_turned_away_is_left_out_alone(sent: Parcel) -> None:
    tracker = Fake()
    tracker.fail("attach", DeliveryFailed("no PDF here (415)", unfit="type"))
    came = deliver(tracker, sent)
    assert came.files == (f"{sent.case}-dossier.html", f"{sent.case}-page.har")
    assert came.left_out == ("dossier.pdf is left out: files of this type are not taken here.",)


def test_where_no_file_is_taken_the_text_goes_alone(sent: Parcel) -> None:
    tracker = Fake()
    for _ in range(9):
        tracker.fail("attach", DeliveryFailed("too large (413)", unfit="size"))
    came = deliver(tracker, sent)
    assert (came.what, came.files, tracker.files, len(tracker.tickets["1"])) == ("written", (), {}, 2)


def test_a_ticket_that_names_a_file_which_was_turned_away_is_put_right(sent: Parcel) -> None:
    tracker = TicketFirst(ticket=None)
    tracker.fail("attach", DeliveryFailed("no PDF here (415)", unfit="type"))
    came = deliver(tracker, sent)
    assert (came.what, "dossier.pdf is left out" in tracker.tickets["2"][1]) == ("created", True)
    assert deliver(tracker, sent).what == "there already"
    assert len(tracker.tickets["2"]) == 2


def test_what_does_not_fit_is_said(sent: Parcel) -> None:
    tracker = Fake(limits=Limits(files=0))
    came = deliver(tracker, sent)
    assert came.files == ()
    assert len(came.left_out) == 3
    assert "dossier.pdf" in tracker.tickets["1"][1]
    assert "left out" in tracker.tickets["1"][1]
    assert "Ask for it" in tracker.tickets["1"][1]


class Unsearchable(Fake):
    """Nobody can look at what was written."""

    searchable = False


@pytest.mark.parametrize(("tracker", "what"), [(Unsearchable, "seen again"), (Fake, "written")])
def test_what_is_remembered_counts_where_nobody_can_look(sent: Parcel, tracker: type[Fake], what: str) -> None:
    earlier = Found("https://fake.example/1", "1", "", ("GW-0000-0002",))
    assert deliver(tracker(), sent, earlier=earlier).what == what
    assert deliver(tracker(), sent).what == "written"
    assert deliver(Unsearchable(ticket=None), sent).what == "written", "what takes messages makes no tickets"


def test_files_that_belong_to_a_text_come_after_it(sent: Parcel) -> None:
    tracker = TextFirst()
    tracker.fail("attach", DENIED)
    with pytest.raises(DeliveryFailed, match="; the text is at https://fake"):
        deliver(tracker, sent)
    assert (len(tracker.tickets["1"]), tracker.files) == (2, {})
    came = deliver(tracker, sent)
    assert (came.what, len(tracker.tickets["1"]), len(tracker.files)) == ("there already", 2, 3)


@pytest.mark.parametrize("kind", [TextFirst, TicketFirst])
def test_a_case_that_is_a_line_gets_no_files_later(sent: Parcel, kind: type[Fake]) -> None:
    tracker = kind()
    deliver(tracker, sent)
    deliver(tracker, other(sent))
    came = deliver(tracker, other(sent))
    assert (came.what, came.files, len(tracker.files)) == ("there already", (), 3)


def test_a_file_that_is_gone_leaves_none_of_the_others(sent: Parcel, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker, reads, read = Fake(), count(1), Offer.read

    def gone_after_the_first(offer: Offer) -> bytes:
        if next(reads) > 1:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return read(offer)

    monkeypatch.setattr(Offer, "read", gone_after_the_first)
    with pytest.raises(DeliveryFailed, match=r"dossier.html cannot be read \(No such file or directory\)"):
        deliver(tracker, sent)
    assert tracker.calls.count("attach") == 1
    assert (tracker.files, len(tracker.tickets["1"])) == ({}, 1)
