"""ci/gitlab.yml, its scripts as GitLab's runner would run them."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.brokensite import BrokenSite, in_thread
from tests.ci.runner import HOSTILE, ROOT, assert_fits, environment, read, stub_commands, stub_tree, stubs
from tests.report.deliver.mock import Mock

TEMPLATE = read(ROOT / "ci/gitlab.yml")[".gatewitness"]
EXAMPLE = ROOT / "docs/ci/gitlab-ci.yml"
KEYWORDS = ("stages", "include", "variables", "workflow")
NOTE = "POST /api/v4/projects/{id}/merge_requests/{noteable_id}/notes"
OPEN = {"GET /api/v4/projects/{id}": {"archived": False}}
REQUEST = {"CI_MERGE_REQUEST_PROJECT_URL": "https://gitlab.test/shop/web", "CI_MERGE_REQUEST_IID": "5"}


@dataclass
class Job:
    """A job of the template on a runner."""

    place: Path
    variables: dict[str, str]

    def run(self, shell: str = "bash", **variables: str) -> subprocess.CompletedProcess[str]:
        """Both scripts in one shell, which ends at the first failure; the project's own variables win."""
        script = "\n".join(["set -e", *TEMPLATE["before_script"], *TEMPLATE["script"]])
        return subprocess.run([shell], input=script, cwd=self.place / "project", capture_output=True, text=True,
                              env={**environment(), **TEMPLATE["variables"], **self.variables, **variables},
                              timeout=170, check=False)

    def arguments(self) -> list[list[str]]:
        return [command["arguments"] for command in stub_commands(self.place)]


@pytest.fixture
def bare(tmp_path: Path) -> Job:
    """An image in which gatewitness is not."""
    (tmp_path / "project").mkdir()
    return Job(tmp_path, {"GITLAB_CI": "true", "CI_PROJECT_DIR": f"{tmp_path}/project", "GITLAB_TOKEN": "t0ken",
                          "CI_SERVER_URL": "https://gitlab.test", "CI_JOB_URL": "https://gitlab.test/shop/web/-/jobs/9",
                          "GATEWITNESS_HOME": f"{tmp_path}/home", "GATEWITNESS_URL": "https://shop.test/"})


@pytest.fixture
def job(bare: Job) -> Job:
    """An image in which it is."""
    root = stub_tree(bare.place / "home")
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(shutil.which("true") or "/bin/true")
    bare.variables |= stubs(bare.place, root)
    return bare


@pytest.fixture(scope="module")
def site() -> Iterator[BrokenSite]:
    with in_thread(BrokenSite()) as server:
        assert isinstance(server, BrokenSite)
        yield server


def test_template_and_example_are_what_the_published_schema_wants() -> None:
    assert_fits("vendor.gitlab-ci", ROOT / "ci/gitlab.yml", EXAMPLE, transform="gitlab-ci")


def test_the_example_sets_only_what_the_template_knows_and_goes_on_its_stages() -> None:
    example = read(EXAMPLE)
    jobs = {name: work for name, work in example.items() if name not in KEYWORDS}
    ours = [work for work in jobs.values() if work.get("extends") == ".gatewitness"]
    assert len(ours) == 2
    assert [name for name, work in jobs.items() if "rules" not in work] == []
    for work in ours:
        assert work["variables"].keys() <= TEMPLATE["variables"].keys()
        assert work["stage"] in example["stages"]
        assert set(work.get("needs", [])) <= jobs.keys()


def test_the_jobs_of_the_example_run(job: Job) -> None:
    example = read(EXAMPLE)
    for name in ("witness", "witness-of-preview"):
        variables = example[name]["variables"]
        shop = variables["GATEWITNESS_URL"].replace("$SHOP", example["variables"]["SHOP"])
        assert job.run(**REQUEST, **{**variables, "GATEWITNESS_URL": shop}).returncode == 0
    assert [arguments[-1] for arguments in job.arguments()[::2]] == ["https://shop.example/checkout"] * 2


def test_every_variable_is_in_the_document() -> None:
    text = (ROOT / "docs/ci.md").read_text()
    ours = TEMPLATE["variables"].keys() - {"GIT_STRATEGY", "GATEWITNESS_HOME", "GATEWITNESS_OUT"}
    assert {name for name in ours if not re.search(f"`({name}|{name.removeprefix('GATEWITNESS')})`", text)} == set()


def test_what_is_written_is_what_is_kept() -> None:
    (path,) = TEMPLATE["artifacts"]["paths"]
    assert path == f"{TEMPLATE['variables']['GATEWITNESS_OUT']}/report/"
    assert "$" not in path  # GitLab shows no link in the merge request for a path with variables or without its slash


@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_a_capture_is_commented_on_the_merge_request(shell: str, job: Job) -> None:
    (job.place / "project/gatewitness-dossier").mkdir()
    (job.place / "project/gatewitness-dossier/old").touch()
    done = job.run(shell, **REQUEST, GATEWITNESS_SEEN="white page", GATEWITNESS_TRACKER_TOKEN="other")
    assert done.returncode == 0, done.stderr
    out = f"{job.place}/project/gatewitness-dossier"
    assert job.arguments() == [
        ["capture", "--seen=white page", "--timeout=90", f"--out={out}", "--", "https://shop.test/"],
        ["attach", "--to=gitlab+https://gitlab.test/shop/web/-/merge_requests/5",
         "--link=https://gitlab.test/shop/web/-/jobs/9/artifacts/browse/gatewitness-dossier/report/", "--allow-private",
         "--", out]]
    assert stub_commands(job.place)[1]["environment"] == {"GITLAB_TOKEN": "t0ken"}
    assert not (job.place / "project/gatewitness-dossier/old").exists()


def test_where_gitlab_is_served_under_a_path_the_comment_is_told_so(job: Job) -> None:
    job.run(CI_SERVER_URL="https://ci.test/gitlab", CI_OPEN_MERGE_REQUESTS="shop/web!5")
    to, _, _, base = job.arguments()[1][1:5]
    assert (to, base) == ("--to=gitlab+https://ci.test/gitlab/shop/web/-/merge_requests/5", "--option=base=/gitlab")


def test_without_a_token_the_comment_is_left_out_and_that_is_told(job: Job) -> None:
    done = job.run(**REQUEST, GITLAB_TOKEN="", STUB_ATTACH="2")
    assert done.returncode == 0
    assert "no comment, for there is no GITLAB_TOKEN" in done.stdout


@pytest.mark.parametrize(("capture", "attach", "status"), [(0, 0, 0), (1, 0, 1), (3, 0, 3), (0, 5, 5), (1, 5, 5)])
def test_the_job_ends_as_its_work_did(capture: int, attach: int, status: int, job: Job) -> None:
    done = job.run(**REQUEST, STUB_CAPTURE=str(capture), STUB_ATTACH=str(attach))
    assert done.returncode == status


@pytest.mark.parametrize("text", HOSTILE)
def test_no_value_does_anything_but_stand_there(text: str, job: Job) -> None:
    done = job.run(**REQUEST, GATEWITNESS_URL=f"https://shop.test/{text}", GATEWITNESS_SEEN=text, GATEWITNESS_NOTE=text,
                   GATEWITNESS_TO=text, CI_MERGE_REQUEST_TITLE=text, CI_COMMIT_REF_NAME=text)
    assert done.returncode == 0, done.stderr
    captured, delivered, _ = job.arguments()
    assert captured[:3] == ["capture", f"--seen={text}", f"--note={text}"]
    assert captured[-1] == f"https://shop.test/{text}".strip()
    assert delivered[1] == f"--to={text.strip()}"
    assert [*job.place.rglob("x")] == []


def test_an_image_without_it_wants_to_know_where_to_get_it(bare: Job) -> None:
    done = bare.run()
    assert done.returncode == 2
    assert "GATEWITNESS_SOURCE does not say" in done.stderr


def git(directory: Path, *arguments: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@shop.test", "-c", "init.defaultBranch=main")
    return subprocess.run(["git", *who, *arguments], cwd=directory, check=True, capture_output=True, text=True,
                          env={**environment(), "GIT_CONFIG_GLOBAL": "/dev/null"}).stdout


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
@pytest.mark.parametrize("by", ["branch", "commit"])
def test_an_image_without_it_gets_it_by_branch_or_commit_and_sets_it_up(by: str, bare: Job) -> None:
    source = stub_tree(bare.place / "source")
    git(source, "init", "-q")
    git(source, "add", ".")
    git(source, "commit", "-q", "-m", "all")
    git(source, "config", "uploadpack.allowAnySHA1InWant", "true")  # as GitLab's own servers have it
    ref = git(source, "rev-parse", "HEAD").strip() if by == "commit" else "main"
    bare.variables |= stubs(bare.place, bare.place / "home")
    done = bare.run(GATEWITNESS_SOURCE=source.as_uri(), GATEWITNESS_REF=ref)
    assert done.returncode == 0, done.stderr
    assert (bare.place / "calls").read_text().splitlines() == ["setup", "ci capture", "ci comment"]


@pytest.mark.browser
def test_a_real_capture_is_kept_below_the_project_and_commented(site: BrokenSite, job: Job) -> None:
    with Mock("gitlab", answers=OPEN) as mock:
        done = job.run(GATEWITNESS_URL=site.url("empty-500"), GATEWITNESS_ALLOW_PRIVATE="yes", STUB_ROOT=str(ROOT),
                       GATEWITNESS_FAIL_ON_FAULT="yes", CI_SERVER_URL=mock.origin, CI_MERGE_REQUEST_IID="5",
                       CI_MERGE_REQUEST_PROJECT_URL=f"{mock.origin}/shop/web")
        written = [seen.json["body"] for seen in mock.of(NOTE)]
    assert done.returncode == 1, done.stdout + done.stderr
    assert ["/shop/web/-/jobs/9/artifacts/browse/gatewitness-dossier/report/" in body for body in written] == [True]
    assert "500" in done.stdout
    kept = job.place / "project/gatewitness-dossier/report"
    assert {"dossier.html", "dossier.pdf", "dossier.zip"} <= {path.name for path in kept.iterdir()}
