"""A job of GitHub Actions or GitLab CI. In: its environment. Out: a dossier, the job's summary and outputs, comments.

    ./run ci capture    captures GATEWITNESS_URL; exit status as that of `gatewitness capture`
    ./run ci comment    brings the dossier to the pull or merge request of the job, and to GATEWITNESS_TO

All values come by the environment and none is ever part of a script: addresses, branches and titles are text of
strangers.
"""

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import typer

from capture.errors import BadInput

ROOT: Final = Path(__file__).parents[1]
TEXTS: Final = {"GATEWITNESS_SEEN": "--seen", "GATEWITNESS_NOTE": "--note", "GATEWITNESS_TIMEOUT": "--timeout"}
FLAGS: Final = {"GATEWITNESS_ALLOW_PRIVATE": "--allow-private", "GATEWITNESS_FAIL_ON_FAULT": "--fail-on-fault"}
OUTPUTS: Final = {"fault-code": "fault_code", "certainty": "certainty", "summary": "summary", "status": "status",
                  "error-page": "is_error_page", "written-by": "generator"}
"""Outputs of the job, each with its field of the verdict."""
WAYS: Final = (("pull_request", "number"), *((name, "pull_requests", 0, "number")
                                             for name in ("workflow_run", "check_run", "check_suite")))
"""Where an event of GitHub has the number of its pull request
(https://docs.github.com/en/webhooks/webhook-events-and-payloads, 2026)."""
OF_COMMIT: Final = frozenset({"push", "deployment", "deployment_status", "status", "workflow_run", "check_run",
                              "check_suite"})
"""Events that speak of a commit; its pull request is asked for."""
TRACKER: Final = ("GATEWITNESS_TRACKER_TOKEN", "GATEWITNESS_TRACKER_USER")
"""Credential for GATEWITNESS_TO. The CI system's own address never gets it."""
ASK_S: Final = 20.0
# Arguments come by standard input: other users of the machine see a command line, and header values are secrets.
_CHILD: Final = "import json, sys, gatewitness; sys.argv[1:] = json.load(sys.stdin); gatewitness.main()"

Environment = Mapping[str, str]


def capture(environment: Environment) -> int:
    """Captures, appends to the job's summary, writes its outputs; the exit status.

    Raises BadInput when a value makes no sense.
    """
    url = environment.get("GATEWITNESS_URL", "").strip()
    if not url:
        raise BadInput("there is no address to capture: the input url, or the variable GATEWITNESS_URL, is empty")
    options = _options(environment)
    directory = _named(environment) or Path(tempfile.mkdtemp(prefix="gatewitness-", dir=environment.get("RUNNER_TEMP")))
    with _taken_for_text(environment):
        status = gatewitness(["capture", *options, f"--out={directory}", "--", url], environment)
    if not _dossier(directory).is_file():
        return status or 5
    verdict = json.loads((directory / "report" / "diagnosis.json").read_bytes())["verdict"]
    case = json.loads((directory / "manifest.json").read_bytes())["case"]
    # What is not known stands nowhere in it.
    values = {name: verdict.get(field) for name, field in OUTPUTS.items()}
    _append(environment.get("GITHUB_OUTPUT"), outputs({**values, "case": case, "dossier": str(directory)}))
    _append(environment.get("GITHUB_STEP_SUMMARY"), (directory / "report" / "summary.md").read_text("utf-8") + "\n")
    return status


def comment(environment: Environment) -> int:
    """Brings the dossier to where it is wanted; the exit status.

    Where the job may not write, as for a pull request from a fork, that is one line and no failure. Raises BadInput
    when a value makes no sense.
    """
    directory = _named(environment)
    own = yes(environment, "GATEWITNESS_COMMENT")
    to = environment.get("GATEWITNESS_TO", "").strip()
    if directory is None or not _dossier(directory).is_file() or not (own or to):
        return 0
    extra = ["--allow-private"] if yes(environment, "GATEWITNESS_ALLOW_PRIVATE") else []
    status = _deliver(directory, to, extra, environment) if to else 0
    request = _request(environment) if own else None
    if own and request is None:
        typer.echo("gatewitness: no comment, for no pull or merge request belongs to this job")
    if request is not None:
        # The CI system named its own address, which is often not a public one.
        bare = {name: value for name, value in environment.items() if name not in TRACKER}
        status = _deliver(directory, request, ["--allow-private", *_base(environment)], bare) or status
    return status


def _deliver(directory: Path, to: str, extra: list[str], environment: Environment) -> int:
    link = _link(environment)
    named = [f"--link={link}"] if link else []
    with _taken_for_text(environment):
        status = gatewitness(["attach", f"--to={to}", *named, *extra, "--", str(directory)], environment)
    if status and (why := may_not_write(environment)):
        typer.echo(f"gatewitness: no comment, for {why}; the dossier is among the artifacts of the job")
        return 0
    return status


def gatewitness(arguments: list[str], environment: Environment) -> int:
    """Runs a command of gatewitness; its exit status."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, "-c", _CHILD], cwd=ROOT, env=environment, input=json.dumps(arguments),
                          text=True, check=False).returncode


def yes(environment: Environment, name: str) -> bool:
    """Whether a variable says yes. Raises BadInput when it says neither yes nor no."""
    said = environment.get(name, "").strip().lower()
    if said not in ("", "yes", "true", "no", "false"):
        raise BadInput(f"{name} wants yes or no, not {said[:40]!r}")
    return said in ("yes", "true")


def outputs(values: Mapping[str, Any]) -> str:
    """Values as lines of GITHUB_OUTPUT; between marks that nobody can foresee, so that a value ends where it ends
    (https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands, 2026)."""
    def text(value: Any) -> str:
        return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)

    mark = f"end-{secrets.token_hex(16)}"
    return "".join(f"{name}<<{mark}\n{text(value)}\n{mark}\n" for name, value in values.items())


def may_not_write(environment: Environment) -> str | None:
    """Why the job's token may lack the right to comment although all was set up well; None when it has no excuse."""
    if environment.get("GITLAB_CI") and not environment.get("GITLAB_TOKEN"):
        return "there is no GITLAB_TOKEN (jobs of forks never have it)"
    # https://docs.github.com/en/code-security/dependabot/working-with-dependabot/automating-dependabot-with-github-actions
    if environment.get("GITHUB_ACTOR") == "dependabot[bot]":
        return "a job of Dependabot may only read"
    if environment.get("GITHUB_EVENT_NAME") != "pull_request":
        return None
    request = _event(environment).get("pull_request") or {}
    head, base = (_at(request, (side, "repo", "full_name")) for side in ("head", "base"))
    return "the pull request comes from a fork, and its job may only read" if head != base else None


def _request(environment: Environment) -> str | None:
    """The pull or merge request of the job, as a target."""
    if environment.get("GITLAB_CI"):
        return merge_request(environment)
    number = pull_request(environment)
    server, repository = environment.get("GITHUB_SERVER_URL"), environment.get("GITHUB_REPOSITORY")
    return f"github+{server}/{repository}/pull/{number}" if number else None


def _base(environment: Environment) -> list[str]:
    """Where GitLab is served under a path, which its addresses do not tell from a group."""
    path = urlsplit(environment.get("CI_SERVER_URL", "")).path.strip("/")
    return [f"--option=base=/{path}"] if path else []


def merge_request(environment: Environment) -> str | None:
    """Of a merge request's pipeline, or the first open one of a branch
    (https://docs.gitlab.com/ci/variables/predefined_variables/, 2026)."""
    project, number = environment.get("CI_MERGE_REQUEST_PROJECT_URL"), environment.get("CI_MERGE_REQUEST_IID")
    if not (project and number):
        path, _, number = environment.get("CI_OPEN_MERGE_REQUESTS", "").split(",")[0].strip().rpartition("!")
        project = f"{environment.get('CI_SERVER_URL')}/{path}" if path else None
    return f"gitlab+{project}/-/merge_requests/{int(number)}" if project and number else None


def pull_request(environment: Environment) -> int | None:
    """Number of the pull request of which the event speaks, itself or by its commit."""
    event = _event(environment)
    on_issue = (("issue", "number"),) if _at(event, ("issue", "pull_request")) else ()
    told = next((number for way in (*WAYS, *on_issue) if isinstance(number := _at(event, way), int)), None)
    return told if told or environment.get("GITHUB_EVENT_NAME") not in OF_COMMIT else _of_commit(event, environment)


def _of_commit(event: Mapping[str, Any], environment: Environment) -> int | None:
    """Number of the pull request with the event's commit: an open one, else the one that brought it in."""
    import httpx

    # The job's own commit is another one there.
    commit = _at(event, ("workflow_run", "head_sha")) or environment.get("GITHUB_SHA")
    place = f"{environment.get('GITHUB_API_URL')}/repos/{environment.get('GITHUB_REPOSITORY')}/commits/{commit}/pulls"
    headers = {"Accept": "application/vnd.github+json", "Authorization": f"Bearer {environment.get('GITHUB_TOKEN')}"}
    try:
        answer = httpx.get(place, headers=headers, timeout=ASK_S).raise_for_status()
        found = sorted(answer.json(), key=lambda request: request["state"] != "open")
        return int(found[0]["number"]) if found else None
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, TypeError, LookupError) as error:
        typer.echo(f"gatewitness: the pull request of {commit} is not known: {type(error).__name__}", err=True)
        return None


def _event(environment: Environment) -> Mapping[str, Any]:
    path = environment.get("GITHUB_EVENT_PATH")
    read = json.loads(Path(path).read_bytes()) if path else {}
    return read if isinstance(read, dict) else {}


def _at(tree: Any, way: tuple[str | int, ...]) -> Any:
    """What stands there; None where the way ends."""
    for step in way:
        try:
            tree = tree[step]
        except (LookupError, TypeError):
            return None
    return tree


def _options(environment: Environment) -> list[str]:
    texts = [f"{option}={environment[name]}" for name, option in TEXTS.items() if environment.get(name)]
    headers = [f"--header={line.strip()}" for line in environment.get("GATEWITNESS_HEADERS", "").splitlines()
               if line.strip()]
    return [*texts, *headers, *(option for name, option in FLAGS.items() if yes(environment, name))]


def _named(environment: Environment) -> Path | None:
    """The directory of bundle and dossier, if one is named. Raises BadInput when it is not known where that is."""
    named = environment.get("GATEWITNESS_OUT")
    if not named:
        return None
    path = Path(environment.get("GITHUB_WORKSPACE") or environment.get("CI_PROJECT_DIR") or "", named)
    if not path.is_absolute():
        raise BadInput("GATEWITNESS_OUT wants a path that begins with /, as this is neither GitHub nor GitLab")
    return path


def _dossier(directory: Path) -> Path:
    return directory / "report" / "dossier.html"


def _link(environment: Environment) -> str | None:
    """Where people of the project find the dossier."""
    if environment.get("GITLAB_CI"):
        return f"{environment.get('CI_JOB_URL')}/artifacts/browse/{environment.get('GATEWITNESS_OUT')}/report/"
    return environment.get("GATEWITNESS_LINK")


def _append(path: str | None, text: str) -> None:
    if path:
        with Path(path).open("a", encoding="utf-8") as stream:
            stream.write(text)


@contextmanager
def _taken_for_text(environment: Environment) -> Iterator[None]:
    """What is printed in between is no command to GitHub's runner, whatever a page or an answer says."""
    if not environment.get("GITHUB_ACTIONS"):
        yield
        return
    mark = secrets.token_hex(16)
    typer.echo(f"::stop-commands::{mark}")
    try:
        yield
    finally:
        typer.echo(f"::{mark}::")


def main(arguments: list[str], environment: Environment) -> int:
    """Does what one argument names; the exit status."""
    works: dict[str, Callable[[Environment], int]] = {"capture": capture, "comment": comment}
    try:
        if len(arguments) != 1 or arguments[0] not in works:
            raise BadInput("ci wants one of: capture, comment")
        return works[arguments[0]](environment)
    except BadInput as error:
        typer.echo(f"gatewitness: {error}", err=True)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
