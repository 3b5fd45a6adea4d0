"""What a job of a CI system does with its environment, without the system."""

import json
from pathlib import Path
from typing import Any

import pytest

from capture.errors import BadInput
from ci import job
from tests.ci.runner import commands

GITHUB = {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": "https://github.test", "GITHUB_REPOSITORY": "shop/web",
          "GITHUB_API_URL": "https://api.github.test", "GITHUB_SHA": "c0ffee"}
GITLAB = {"GITLAB_CI": "true", "CI_SERVER_URL": "https://gitlab.test"}
PULLS = [{"number": 7}]


@pytest.mark.parametrize("value", ["", "two\nlines", "end-00\nname=forged", "a<<b", "  blanks  ", "%0A::set", "ü"])
def test_an_output_is_read_as_it_was_written(value: str) -> None:
    assert commands(job.outputs({"summary": value, "case": "GW-1"})) == {"summary": value, "case": "GW-1"}


def test_outputs_that_are_absent_are_empty_and_truths_are_words() -> None:
    values = {"fault-code": None, "error-page": True, "status": 502}
    assert commands(job.outputs(values)) == {"fault-code": "", "error-page": "true", "status": "502"}


@pytest.mark.parametrize(("said", "meant"), [("Yes", True), ("true", True), ("no", False), ("", False)])
def test_yes_and_no_are_understood(said: str, meant: bool) -> None:
    assert job.yes({"X": said}, "X") is meant


def test_anything_else_is_neither_yes_nor_no() -> None:
    with pytest.raises(BadInput, match="X wants yes or no, not 'perhaps'"):
        job.yes({"X": "perhaps"}, "X")


@pytest.mark.parametrize(("event", "number"), [
    ({"pull_request": {"number": 3, "title": "$(touch x)"}}, 3),
    ({"issue": {"number": 4, "pull_request": {}}}, None),
    ({"issue": {"number": 4, "pull_request": {"url": "u"}}}, 4),
    ({"issue": {"number": 4}}, None),
    ({"workflow_run": {"pull_requests": PULLS}}, 7),
    ({"workflow_run": {"pull_requests": []}}, None),
    ({"check_run": {"pull_requests": PULLS}}, 7),
    ({"check_suite": {"pull_requests": PULLS}}, 7),
    ({"pull_request": {"number": "3; touch x"}}, None),
    ([], None),
], ids=str)
def test_an_event_tells_its_pull_request(event: Any, number: int | None, tmp_path: Path) -> None:
    (tmp_path / "event").write_text(json.dumps(event))
    assert job.pull_request({**GITHUB, "GITHUB_EVENT_PATH": str(tmp_path / "event")}) == number


def test_an_api_that_does_not_answer_is_told_and_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {**GITHUB, "GITHUB_EVENT_NAME": "push", "GITHUB_API_URL": "http://127.0.0.1:1"}
    assert job.pull_request(environment) is None
    assert capsys.readouterr().err.startswith("gatewitness: the pull request of c0ffee is not known: ")


def test_without_a_dossier_there_is_nothing_to_comment(tmp_path: Path) -> None:
    wanted = {**GITHUB, "GATEWITNESS_COMMENT": "yes", "RUNNER_TEMP": str(tmp_path)}
    assert job.comment(wanted) == 0
    assert job.comment({**wanted, "GATEWITNESS_OUT": str(tmp_path / "none")}) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("variables", "target"), [
    ({"CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.test/a/b", "CI_MERGE_REQUEST_IID": "5"},
     "gitlab+https://gitlab.test/a/b/-/merge_requests/5"),
    ({"CI_OPEN_MERGE_REQUESTS": "a/b!6,a/c!7"}, "gitlab+https://gitlab.test/a/b/-/merge_requests/6"),
    ({}, None),
])
def test_the_merge_request_of_a_pipeline_or_a_branch(variables: dict[str, str], target: str | None) -> None:
    assert job.merge_request({**GITLAB, **variables}) == target


def event(head: str | None, path: Path) -> str:
    """The file of an event of a pull request from HEAD."""
    repository = {"full_name": head} if head else None
    request = {"number": 3, "head": {"repo": repository}, "base": {"repo": {"full_name": "shop/web"}}}
    path.write_text(json.dumps({"pull_request": request}))
    return str(path)


@pytest.mark.parametrize(("name", "head", "actor", "excused"), [
    ("pull_request", "stranger/web", "stranger", True),
    ("pull_request", None, "stranger", True),
    ("pull_request", "shop/web", "dependabot[bot]", True),
    ("deployment_status", "shop/web", "dependabot[bot]", True),
    ("pull_request", "shop/web", "somebody", False),
    ("pull_request_target", "stranger/web", "stranger", False),
    ("push", "stranger/web", "somebody", False),
])
def test_only_jobs_that_can_only_read_are_excused(name: str, head: str | None, actor: str, excused: bool,
                                                  tmp_path: Path) -> None:
    environment = {**GITHUB, "GITHUB_EVENT_NAME": name, "GITHUB_ACTOR": actor,
                   "GITHUB_EVENT_PATH": event(head, tmp_path / "event")}
    assert (job.may_not_write(environment) is not None) is excused


def test_a_gitlab_job_without_a_token_is_excused() -> None:
    assert "GITLAB_TOKEN" in (job.may_not_write(GITLAB) or "")
    assert job.may_not_write({**GITLAB, "GITLAB_TOKEN": "glpat-1"}) is None


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["capture", "comment"]])
def test_a_wrong_call_is_one_sentence(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert job.main(arguments, {}) == 2
    assert capsys.readouterr() == ("", "gatewitness: ci wants one of: capture, comment\n")


@pytest.mark.parametrize(("variables", "words"), [
    ({}, "the input url"),
    ({"GATEWITNESS_URL": " \n"}, "the input url"),
    ({"GATEWITNESS_URL": "http://shop.test/", "GATEWITNESS_ALLOW_PRIVATE": "perhaps"}, "GATEWITNESS_ALLOW_PRIVATE"),
    ({"GATEWITNESS_URL": "http://shop.test/", "GATEWITNESS_OUT": "here"}, "begins with /"),
])
def test_what_makes_no_sense_is_one_sentence_and_leaves_nothing(
        variables: dict[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert job.main(["capture"], {**variables, "RUNNER_TEMP": str(tmp_path)}) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
