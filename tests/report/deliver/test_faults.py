"""Whatever fails on the way: one clear sentence, nothing half done, and the same once more leaves one of each."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from report.deliver.base import DeliveryFailed
from report.deliver.delivery import Delivered, deliver
from report.deliver.parcel import Parcel
from tests.report.deliver.description import ALWAYS, Seen
from tests.report.deliver.mock import Fault, Mock
from tests.report.deliver.scenes import SECRET, Patience, Scene, named, parcel, scenes, tracker

ALL = scenes()


class Stage:
    """A scene with a way to it."""

    def __init__(self, scene: Scene, client: httpx.Client, directory: Path) -> None:
        self.scene, self.client, self.directory = scene, client, directory
        self.patience = Patience()

    def parcel(self, number: int = 1, failure: int = 1) -> Parcel:
        return parcel(self.directory, f"GW-0000-{number:04}", f"f{failure:07}")

    def deliver(self, sent: Parcel, address: str | None = None) -> Delivered:
        """As the command does it: each time a new adapter."""
        return deliver(tracker(self.scene, address or self.scene.ticket, self.client, self.patience), sent)

    def outcome(self, sent: Parcel) -> DeliveryFailed | None:
        """With what it fails; None when it does not."""
        try:
            self.deliver(sent)
        except DeliveryFailed as error:
            return error
        return None

    def fails(self, sent: Parcel, address: str | None = None) -> str:
        """The sentence with which it fails."""
        with pytest.raises(DeliveryFailed) as failed:
            self.deliver(sent, address)
        return sentence(failed.value)

    def told(self, case: str) -> list[str]:
        """Texts that tell of a case."""
        return [text for text in self.scene.texts() if case in text]

    def held(self, case: str) -> list[tuple[str, bytes]]:
        """Files of a case."""
        return sorted(file for file in self.scene.files() if file[0].startswith(case))

    def is_whole(self, sent: Parcel) -> bool:
        """Whether one text and one of each file is there."""
        files = named(sent.case) if self.scene.upload else []
        return len(self.told(sent.case)) == 1 and self.held(sent.case) == files

    def is_half_done(self, sent: Parcel) -> bool:
        """Whether something was left although it failed before the text was there."""
        return bool(self.told(sent.case)) or (bool(self.held(sent.case)) and not self.scene.stays)


def sentence(error: DeliveryFailed) -> str:
    """One line that hides the credential and says something."""
    text = str(error)
    assert SECRET not in text + repr(error) + repr(error.__cause__)
    assert re.fullmatch(r"[^\n]{15,600}", text), text
    return text


@pytest.fixture(params=sorted(ALL))
def stage(request: pytest.FixtureRequest, tracker: Callable[..., Mock], client: httpx.Client, tmp_path: Path) -> Stage:
    return Stage(ALL[request.param](tracker), client, tmp_path)


@pytest.fixture
def files(stage: Stage) -> str:
    """The operation that takes a file."""
    if stage.scene.upload is None:
        pytest.skip("takes no files")
    return stage.scene.upload


def test_a_ticket_gets_one_text_and_every_file_unchanged(stage: Stage) -> None:
    sent = stage.parcel()
    came = stage.deliver(sent)
    assert (came.what, came.left_out if stage.scene.upload else ()) == ("written", ())
    assert stage.is_whole(sent)
    assert stage.patience.waited == []


def test_the_same_case_again_changes_nothing(stage: Stage) -> None:
    sent = stage.parcel()
    stage.deliver(sent)
    before = stage.scene.texts()
    assert stage.deliver(sent).what == "there already"
    assert stage.is_whole(sent)
    assert stage.scene.texts() == before


def test_another_case_of_the_failure_is_one_line_and_remembered(stage: Stage) -> None:
    first, second, third = stage.parcel(1), stage.parcel(2), stage.parcel(3)
    for sent in (first, second, third):
        came = stage.deliver(sent)
    assert came.what == "seen again"
    for sent in (first, second, third):
        assert stage.deliver(sent).what == "there already"
        assert len(stage.told(sent.case)) == 1
    assert stage.held(second.case) == []
    assert "\n".join(stage.scene.texts()).count("Seen again") == 2


def test_another_failure_is_told_by_itself(stage: Stage) -> None:
    first, second = stage.parcel(1, failure=1), stage.parcel(2, failure=2)
    assert (stage.deliver(first).what, stage.deliver(second).what) == ("written", "written")
    assert stage.is_whole(first)
    assert stage.is_whole(second)


def test_a_project_gets_one_ticket_for_one_failure(stage: Stage) -> None:
    if stage.scene.place is None:
        pytest.skip("makes no tickets")
    first, second = stage.parcel(1), stage.parcel(2)
    assert stage.deliver(first, stage.scene.place).what == "created"
    assert stage.is_whole(first)
    assert stage.deliver(first, stage.scene.place).what == "there already"
    assert stage.deliver(second, stage.scene.place).what == "seen again"
    assert stage.is_whole(first)
    assert (len(stage.told(second.case)), stage.held(second.case)) == (1, [])


@pytest.mark.parametrize("fault", [{"cut_after": 1000}, {"lost": True}, {"status": 500}, {"status": 502}],
                         ids=["cut", "answer lost", "500", "502"])
def test_an_upload_that_breaks_off_leaves_one_of_each_file(stage: Stage, files: str, fault: dict[str, Any]) -> None:
    sent = stage.parcel()
    stage.scene.mock.faults.append(Fault(files, skip=1, times=1, **fault))
    stage.deliver(sent)
    assert stage.is_whole(sent)


def test_an_upload_that_breaks_off_for_ever_is_completed_the_next_time(stage: Stage, files: str) -> None:
    sent = stage.parcel()
    stage.scene.mock.faults.append(Fault(files, skip=1, times=None, cut_after=1000))
    stage.fails(sent)
    stage.scene.mock.faults.pop()
    assert stage.deliver(sent).what in ("written", "there already")
    assert stage.is_whole(sent)


@pytest.mark.parametrize("fault", [{"cut_after": 10}, {"lost": True}, {"status": 500}, {"status": 502}],
                         ids=["cut", "answer lost", "500", "502"])
@pytest.mark.parametrize("what", ["write", "create"])
def test_a_text_whose_answer_is_lost_is_written_once(stage: Stage, what: str, fault: dict[str, Any]) -> None:
    sent, operation = stage.parcel(), getattr(stage.scene, what)
    if operation is None:
        pytest.skip("makes no tickets")
    stage.scene.mock.faults.append(Fault(operation, times=1, **fault))
    stage.deliver(sent, stage.scene.ticket if what == "write" else stage.scene.place)
    assert stage.is_whole(sent)


@pytest.mark.parametrize("fault", [{"cut_after": 10}, {"lost": True}, {"status": 500}],
                         ids=["cut", "answer lost", "500"])
def test_a_line_whose_answer_is_lost_is_added_once(stage: Stage, fault: dict[str, Any]) -> None:
    stage.deliver(stage.parcel(1))
    before = len(stage.scene.mock.requests)
    stage.deliver(stage.parcel(2))
    writing = [seen.operation for seen in stage.scene.mock.requests[before:] if seen.method != "GET"]
    stage.scene.mock.faults.append(Fault(writing[0], **fault))
    third = stage.parcel(3)
    assert stage.deliver(third).what == "seen again"
    assert "\n".join(stage.scene.texts()).count("Seen again") == 2
    assert stage.deliver(third).what == "there already"


def test_it_waits_as_long_as_it_is_told(stage: Stage) -> None:
    sent = stage.parcel()
    stage.scene.mock.faults += [Fault("*", 429, {"Retry-After": "7"}),
                                Fault(stage.scene.write, 429, {"Retry-After": "11"}),
                                Fault(stage.scene.upload or "none", 503, {"Retry-After": "13"})]
    stage.deliver(sent)
    assert stage.is_whole(sent)
    assert sorted(stage.patience.waited) == ([7, 11, 13] if stage.scene.upload else [7, 11])


def test_it_does_not_wait_longer_than_its_patience(stage: Stage) -> None:
    sent = stage.parcel()
    stage.scene.mock.faults.append(Fault(stage.scene.write, 429, {"Retry-After": "3600"}, times=None))
    with pytest.raises(DeliveryFailed) as failed:
        stage.deliver(sent)
    assert (failed.value.again, failed.value.after_s) == (True, 3600)
    assert not stage.is_half_done(sent)
    assert stage.patience.waited == []


def test_what_is_broken_twice_and_then_well_is_delivered(stage: Stage) -> None:
    sent = stage.parcel()
    known = {seen.operation for seen in _happy(stage)}
    stage.scene.mock.faults += [Fault(operation, 500, times=2) for operation in sorted(known)]
    stage.deliver(sent)
    assert stage.is_whole(sent)


def test_a_token_revoked_between_file_and_text_leaves_nothing_half_done(stage: Stage) -> None:
    sent = stage.parcel()
    stage.scene.mock.faults.append(Fault(stage.scene.write, 401, times=None))
    assert "(401" in stage.fails(sent)
    assert not stage.is_half_done(sent)


def test_a_token_revoked_between_two_files_leaves_nothing_half_done(stage: Stage, files: str) -> None:
    sent = stage.parcel()
    stage.scene.mock.faults.append(Fault(files, 401, skip=1, times=None))
    said = stage.fails(sent)
    assert "(401" in said
    if stage.told(sent.case):
        assert "the text is at http" in said
    else:
        assert not stage.is_half_done(sent)
    stage.scene.mock.heal()
    stage.deliver(sent)
    assert stage.is_whole(sent)


def test_a_token_revoked_for_everything_leaves_what_the_next_delivery_completes(stage: Stage) -> None:
    """Then nothing can be taken back either."""
    operations = [seen.operation for seen in _happy(stage)]
    stage.scene.mock.faults.append(Fault("*", 401, skip=operations.index(stage.scene.write), times=None))
    sent = stage.parcel()
    assert "(401" in stage.fails(sent)
    assert stage.told(sent.case) == []
    stage.scene.mock.heal()
    assert stage.deliver(sent).what == "written"
    assert stage.is_whole(sent)


def test_files_that_are_too_large_after_all_are_left_out_and_named(stage: Stage, files: str) -> None:
    sent = stage.parcel()
    stage.scene.mock.faults.append(Fault(files, 413, times=None))
    came = stage.deliver(sent)
    assert came.files == ()
    assert len(came.left_out) == len(sent.offers)
    assert "turned away here as too large" in " ".join(came.left_out)
    assert "left out" in "\n".join(stage.told(sent.case))
    assert stage.held(sent.case) == []


def test_a_redirect_gets_no_token(stage: Stage) -> None:
    stage.scene.mock.faults.append(Fault("*", 301, {"Location": "https://evil.example/x"}, times=None))
    before = len(stage.scene.mock.requests)
    assert "sends elsewhere (evil.example)" in stage.fails(stage.parcel())
    assert len(stage.scene.mock.requests) == before + 1


def test_every_error_that_may_come_is_one_sentence_and_leaves_nothing_half_done(stage: Stage) -> None:
    """At every operation that is used, every status that its description has, and those that any server may give."""
    known, number = stage.scene.mock.operations, 100
    used = sorted({seen.operation for seen in _happy(stage)} - stage.scene.tried)
    stage.patience.most_s = 0
    for operation in used:
        described = {int(status) for status in known[operation].node["responses"] if status >= "4" and status.isdigit()}
        for status in sorted(described | ALWAYS):
            number += 1
            sent = stage.parcel(number, failure=number)
            stage.scene.mock.faults.append(Fault(operation, status, times=None))
            error = stage.outcome(sent)
            if error:  # when it is not known whether the text is there, the files it names stay
                assert f"({status}" in sentence(error), f"{operation} {status}: {error}"
                half_done = stage.is_half_done(sent) and "the text is at http" not in str(error)
                assert error.unclear or not half_done, f"{operation} {status}"
            stage.scene.mock.heal()
        stage.deliver(sent)
        assert len(stage.told(sent.case)) == 1, operation


def test_nothing_secret_is_in_an_address(stage: Stage) -> None:
    stage.deliver(stage.parcel())
    assert stage.scene.mock.requests
    assert not [seen for seen in stage.scene.mock.requests if SECRET in seen.path + repr(seen.query)]


def _happy(stage: Stage) -> list[Seen]:
    """The requests of a delivery of another failure."""
    before = len(stage.scene.mock.requests)
    stage.deliver(stage.parcel(90, failure=90))
    return stage.scene.mock.requests[before:]
