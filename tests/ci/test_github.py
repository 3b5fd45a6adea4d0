"""action.yml, step by step as GitHub's runner would do it."""

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.brokensite import BrokenSite, in_thread
from tests.ci.runner import (
    ARTIFACT,
    EXPRESSION,
    HOSTILE,
    ROOT,
    VERDICT,
    Done,
    assert_fits,
    environment,
    read,
    run_action,
    stub_commands,
    stub_tree,
    stubs,
)
from tests.report.deliver.mock import Fault, Mock

ACTION = read(ROOT / "action.yml")
EXAMPLES = sorted((ROOT / "docs/ci").glob("github-*.yml"))
FORK = {"pull_request": {"number": 3, "title": "$(touch x)", "head": {"repo": {"full_name": "stranger/web"}},
                         "base": {"repo": {"full_name": "shop/web"}}}}
OPEN = {"GET /repos/{owner}/{repo}": {"archived": False},
        "GET /repos/{owner}/{repo}/issues/{issue_number}": {"number": 3, "locked": False}}
OURS = {"pull_request": {**FORK["pull_request"], "head": {"repo": {"full_name": "shop/web"}}}}


@dataclass
class Job:
    """A job on a runner whose gatewitness is a stub."""

    place: Path
    variables: dict[str, str]

    def run(self, event: Any = None, variables: dict[str, str] | None = None, **inputs: str) -> Done:
        (self.place / "event").write_text(json.dumps(event or {}))
        named = {name.replace("_", "-"): value for name, value in inputs.items()}
        return run_action(ACTION, named, {**self.variables, **(variables or {})}, self.place)

    def commands(self) -> list[dict[str, Any]]:
        return stub_commands(self.place)


def on_runner(place: Path, root: Path) -> dict[str, str]:
    """The variables of a job that is a pull request's."""
    for name in ("workspace", "temp"):
        (place / name).mkdir()
    return {**environment(), "GITHUB_ACTIONS": "true", "GITHUB_ACTION_PATH": str(root), "RUNNER_TEMP": f"{place}/temp",
            "GITHUB_WORKSPACE": f"{place}/workspace", "GITHUB_EVENT_PATH": f"{place}/event", "GITHUB_ACTOR": "somebody",
            "GITHUB_EVENT_NAME": "pull_request", "GITHUB_REPOSITORY": "shop/web", "GITHUB_SHA": "c0ffee",
            "GITHUB_SERVER_URL": "https://github.test", "GITHUB_API_URL": "https://api.github.test"}


@pytest.fixture
def job(tmp_path: Path) -> Job:
    root = stub_tree(tmp_path / "action")
    return Job(tmp_path, {**on_runner(tmp_path, root), **stubs(tmp_path, root)})


@pytest.fixture(scope="module")
def site() -> Iterator[BrokenSite]:
    with in_thread(BrokenSite()) as server:
        assert isinstance(server, BrokenSite)
        yield server


@pytest.fixture
def api() -> Iterator[tuple[str, list[str]]]:
    """An API that knows a closed and an open pull request of every commit, and the requests that it got."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(f"{self.path} {self.headers['Authorization']}")
            body = json.dumps([{"number": 2, "state": "closed"}, {"number": 8, "state": "open"}]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def test_it_is_what_the_published_schema_of_actions_wants() -> None:
    assert_fits("vendor.github-actions", ROOT / "action.yml")


def test_the_examples_are_what_the_published_schema_of_workflows_wants() -> None:
    assert_fits("vendor.github-workflows", *EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_gives_what_the_action_takes_and_takes_what_it_gives(example: Path, job: Job) -> None:
    (work,) = read(example)["jobs"].values()
    (step,) = (step for step in work["steps"] if step.get("uses", "").startswith("OWNER/gatewitness@"))
    assert step["with"].keys() <= ACTION["inputs"].keys()
    taken = set(re.findall(r"steps\.witness\.outputs\.([a-z-]+)", example.read_text()))
    assert taken <= ACTION["outputs"].keys()
    given = {name: EXPRESSION.sub("https://shop.test/", value) for name, value in step["with"].items()}
    assert not job.run(OURS, None, **given).failed
    assert len(job.commands()) == 2 + ("to" in given)


def test_every_input_and_output_is_in_the_document() -> None:
    named = set(re.findall(r"`([a-z-]+)`", (ROOT / "docs/ci.md").read_text()))
    assert {*ACTION["inputs"], *ACTION["outputs"]} <= named


def test_no_expression_is_ever_part_of_a_script_and_each_foreign_action_is_one_commit() -> None:
    files = [ACTION["runs"], *(work for path in EXAMPLES for work in read(path)["jobs"].values())]
    steps = [step for file in files for step in file["steps"]]
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
    foreign = [step["uses"] for step in steps if "uses" in step and not step["uses"].startswith("OWNER/gatewitness@")]
    assert [use for use in foreign if not re.fullmatch(r"actions/[a-z/-]+@[0-9a-f]{40}", use)] == []


def test_a_capture_is_kept_told_and_given_out(job: Job) -> None:
    done = job.run(url="https://shop.test/", seen="white page")
    assert not done.failed
    directory = Path(done.value("dossier"))
    assert directory.parent == job.place / "temp"
    assert [command["arguments"] for command in job.commands()] == [
        ["capture", "--seen=white page", "--timeout=90", f"--out={directory}", "--", "https://shop.test/"]]
    assert (done.value("case"), done.value("status"), done.value("error-page")) == ("GW-1", "502", "true")
    assert (done.value("summary"), done.value("fault-code")) == (VERDICT["summary"], "origin.bad-gateway")
    kept = done.used["actions/upload-artifact"]
    assert (kept["path"], kept["name"]) == (f"{directory}/report", "gatewitness-GW-1")
    assert done.summary == "**502**\n\n"
    assert (job.place / "calls").read_text().splitlines() == ["setup", "ci capture", "ci comment"]


def test_every_input_reaches_the_capture_and_every_output_is_one_of_the_job(job: Job) -> None:
    done = job.run(url="https://shop.test/", note="v2", timeout="30", headers="X-A: 1\n\n  X-B: two\n", out="here",
                   allow_private="yes", fail_on_fault="true")
    assert job.commands()[0]["arguments"] == [
        "capture", "--note=v2", "--timeout=30", "--header=X-A: 1", "--header=X-B: two", "--allow-private",
        "--fail-on-fault", f"--out={job.place}/workspace/here", "--", "https://shop.test/"]
    assert "X-B" not in job.commands()[0]["shown"]
    values = {match[1] for output in ACTION["outputs"].values()
              for match in [re.search(r"steps\.capture\.outputs\.([a-z-]+)", output["value"])] if match}
    assert values == set(done.outputs["capture"])


def test_what_a_page_says_is_no_command_to_the_runner(job: Job) -> None:
    lines = job.run(url="https://shop.test/").log.splitlines()
    at = lines.index("::error::a page said so")
    mark = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", lines[at - 1])
    assert mark
    assert lines[at + 1] == f"::{mark[1]}::"


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_does_anything_but_stand_there(text: str, job: Job) -> None:
    variables = {"GITHUB_HEAD_REF": text, "GITHUB_REF_NAME": text}
    done = job.run({**OURS, "title": text}, variables, url=f"https://shop.test/{text}", seen=text, note=text,
                   headers=f"X-A: {text}", to=text, to_token=text, comment="yes", artifact_name=text)
    assert not done.failed
    captured, delivered, commented = (command["arguments"] for command in job.commands())
    assert captured[:3] == ["capture", f"--seen={text}", f"--note={text}"]
    assert captured[-1] == f"https://shop.test/{text}".strip()
    assert delivered[1] == f"--to={text.strip()}"
    assert commented[1] == "--to=github+https://github.test/shop/web/pull/3"
    assert [*job.place.rglob("x")] == []


@pytest.mark.parametrize(("status", "kept", "failed"), [(0, True, False), (1, True, True), (2, False, True),
                                                        (3, False, True), (5, False, True)])
def test_it_fails_as_the_capture_does_after_keeping_what_there_is(status: int, kept: bool, failed: bool,
                                                                  job: Job) -> None:
    done = job.run(url="https://shop.test/", variables={"STUB_CAPTURE": str(status)}, comment="yes", event=OURS)
    assert ("actions/upload-artifact" in done.used, done.failed) == (kept, failed)
    assert len(job.commands()) == 1 + kept


def test_the_comment_names_the_artifact_and_has_the_token_of_the_job_alone(job: Job) -> None:
    job.run(OURS, url="https://shop.test/", comment="yes", to="ops", to_token="t0p", to_user="me")
    there, ours = job.commands()[1:]
    directory = there["arguments"][-1]
    assert there["arguments"] == ["attach", "--to=ops", f"--link={ARTIFACT}", "--", directory]
    assert ours["arguments"] == ["attach", "--to=github+https://github.test/shop/web/pull/3", f"--link={ARTIFACT}",
                                 "--allow-private", "--", directory]
    assert ours["environment"] == {"GITHUB_TOKEN": "the-job's-token"}
    assert there["environment"] == {"GATEWITNESS_TRACKER_TOKEN": "t0p", "GATEWITNESS_TRACKER_USER": "me",
                                    "GITHUB_TOKEN": "the-job's-token"}


@pytest.mark.parametrize("status", ["2", "5"])
def test_a_job_of_a_fork_says_in_a_line_that_it_may_not_comment_and_goes_on(status: str, job: Job) -> None:
    done = job.run(FORK, {"STUB_ATTACH": status}, url="https://shop.test/", comment="yes")
    assert not done.failed
    told = [line for line in done.log.splitlines() if line.startswith("gatewitness: ")]
    assert told == ["gatewitness: no comment, for the pull request comes from a fork, and its job may only read; "
                    "the dossier is among the artifacts of the job"]


def test_a_job_that_may_comment_and_cannot_fails(job: Job) -> None:
    assert job.run(OURS, {"STUB_ATTACH": "5"}, url="https://shop.test/", comment="yes").failed


def test_without_a_pull_request_nothing_is_commented_and_that_is_told(job: Job) -> None:
    done = job.run({}, {"GITHUB_EVENT_NAME": "schedule"}, url="https://shop.test/", comment="yes")
    assert not done.failed
    assert "no pull or merge request belongs to this job" in done.log
    assert len(job.commands()) == 1


def test_a_deployment_is_told_to_the_pull_request_of_its_commit(job: Job, api: tuple[str, list[str]]) -> None:
    address, asked = api
    variables = {"GITHUB_EVENT_NAME": "deployment_status", "GITHUB_API_URL": address}
    assert not job.run({"deployment": {"sha": "c0ffee"}}, variables, url="https://shop.test/", comment="yes").failed
    assert job.commands()[1]["arguments"][1] == "--to=github+https://github.test/shop/web/pull/8"
    assert asked == ["/repos/shop/web/commits/c0ffee/pulls Bearer the-job's-token"]


def test_the_cache_has_another_name_in_another_place(job: Job, tmp_path: Path) -> None:
    used = job.run(url="https://shop.test/").used
    first = used["actions/cache/restore"]
    assert used["actions/cache/save"] == first
    (tmp_path / "second").mkdir()
    root = stub_tree(tmp_path / "second/action")
    other = Job(tmp_path / "second", {**on_runner(tmp_path / "second", root), **stubs(tmp_path / "second", root)})
    second = other.run(url="https://shop.test/").used["actions/cache/restore"]
    assert re.fullmatch(r"gatewitness-[0-9a-f]{64}", first["key"])
    assert first["key"] != second["key"]
    assert second["path"].splitlines() == [f"{root}/.venv", "~/.cache/ms-playwright"]


INTEGRATION = {"message": "Resource not accessible by integration"}
COMMENT = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments"


@pytest.mark.browser
def test_a_real_capture_becomes_outputs_a_summary_an_artifact_and_a_comment(site: BrokenSite, tmp_path: Path) -> None:
    root = stub_tree(tmp_path / "action")
    job = Job(tmp_path, {**on_runner(tmp_path, root), **stubs(tmp_path, ROOT)})
    with Mock("github", base="/api/v3", answers=OPEN) as mock:
        mock.faults.append(Fault("GET /user", 403, json=INTEGRATION, times=None))  # as for the token of a job
        done = job.run(OURS, {"GITHUB_SERVER_URL": mock.origin}, url=site.url("empty-500"), allow_private="yes",
                       fail_on_fault="yes", note="$(touch x)\n'\"", comment="yes")
        written = [seen.json["body"] for seen in mock.of(COMMENT)]
    outcome = {name: done.outcome.get(name) for name in ("capture", "artifact", "Comment")}
    assert outcome == {"capture": "failure", "artifact": "success", "Comment": "success"}, done.log
    assert done.failed
    assert (done.value("status"), done.value("error-page")) == ("500", "true")
    assert done.value("summary") in done.log
    assert re.fullmatch(r"GW-[0-9A-Z]{4}-[0-9A-Z]{4}", done.value("case"))
    assert done.value("case") in done.summary
    kept = Path(done.used["actions/upload-artifact"]["path"])
    assert {"dossier.html", "dossier.pdf", "dossier.zip", "summary.md"} <= {path.name for path in kept.iterdir()}
    assert [done.value("case") in body and ARTIFACT in body for body in written] == [True]
    assert [*tmp_path.rglob("x")] == []
