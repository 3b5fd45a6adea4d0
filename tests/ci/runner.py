"""Runs a composite action as GitHub's runner does. In: its file, inputs, an event. Out: outputs, log and outcome.

Steps with `run` are executed by bash, each with its own file of outputs. Of the actions that are used, nothing is run:
what they were given is kept, and what `upload-artifact` answers is made up.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "GATEWITNESS_BROWSER", "PLAYWRIGHT_BROWSERS_PATH", "XDG_CACHE_HOME")
HOSTILE = ("$(touch x)`touch x`'; touch x; '\"; touch x; \" ${{ github.token }} %0Aname=x", "--help", "two\nlines\n")
"""Texts of strangers that would do something where they are taken for more than text."""
ARTIFACT = "https://github.test/shop/web/actions/runs/1/artifacts/2"
TOKEN = "the-job's-token"
EXPRESSION = re.compile(r"\$\{\{ *(.*?) *\}\}")
STUB_RUN = """#!/bin/sh
printf '%s\\n' "$*" >>"$STUB_CALLS"
[ "$1" = ci ] || exit 0
cd "$STUB_ROOT" && exec "$STUB_PYTHON" -m ci.job "$2"
"""
STUB_GATEWITNESS = r'''
import json, os, pathlib, sys

def main():
    seen = {name: value for name, value in os.environ.items() if "TOKEN" in name or name.endswith("_USER")}
    with open(os.environ["STUB_COMMANDS"], "a") as file:
        shown = pathlib.Path("/proc/self/cmdline").read_text()
        file.write(json.dumps({"arguments": sys.argv[1:], "environment": seen, "shown": shown}) + "\n")
    print("::error::a page said so")
    if sys.argv[1] == "attach":
        sys.exit(int(os.environ.get("STUB_ATTACH", "0")))
    status = int(os.environ.get("STUB_CAPTURE", "0"))
    if status in (0, 1):
        out = pathlib.Path(next(a for a in sys.argv if a.startswith("--out="))[6:])
        for name, text in json.loads(os.environ["STUB_FILES"]).items():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            (out / name).write_text(text)
    sys.exit(status)
'''


VERDICT = {"fault_code": "origin.bad-gateway", "certainty": "likely", "status": 502, "is_error_page": True,
           "summary": "nginx got no valid answer\nfault-code=forged\n::error::forged"}
FILES = {"report/dossier.html": "<!doctype html>", "report/summary.md": "**502**\n",
         "report/diagnosis.json": json.dumps({"verdict": VERDICT}), "manifest.json": '{"case": "GW-1"}'}
"""What the stub of a capture leaves."""


def read(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text("utf-8"))


def environment() -> dict[str, str]:
    """What of this process's environment a job needs."""
    return {name: os.environ[name] for name in KEPT if name in os.environ}


def stub_tree(directory: Path) -> Path:
    """A tree whose `run` notes how it is called, and calls the real ci/job.py with a gatewitness that is a stub."""
    directory.mkdir(parents=True)
    for name in ("ci", "capture", "requirements.lock", "requirements-dev.lock"):
        (directory / name).symlink_to(ROOT / name)
    (directory / "run").write_text(STUB_RUN)
    (directory / "run").chmod(0o755)
    (directory / "gatewitness.py").write_text(STUB_GATEWITNESS)
    return directory


def stubs(place: Path, root: Path) -> dict[str, str]:
    """What the stubs want to know; `root` is the tree in which ci/job.py works."""
    return {"STUB_CALLS": f"{place}/calls", "STUB_ROOT": str(root), "STUB_PYTHON": sys.executable,
            "STUB_COMMANDS": f"{place}/commands", "STUB_FILES": json.dumps(FILES)}


def stub_commands(place: Path) -> list[dict[str, Any]]:
    """How the stub of gatewitness was called: its arguments, what of credentials its environment held, and what the
    list of processes showed."""
    log = place / "commands"
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def assert_fits(schema: str, *files: Path, transform: str | None = None) -> None:
    """Fails with what a published schema says of the files."""
    more = ("--data-transform", transform) if transform else ()
    done = subprocess.run([sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *more, *files],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass
class Done:
    """What a run of the action left."""

    log: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each step, by its id."""
    outcome: dict[str, str] = field(default_factory=dict)
    """success, failure or skipped, by id or name."""
    used: dict[str, dict[str, str]] = field(default_factory=dict)
    """What other actions were given, by their name."""
    summary: str = ""
    failed: bool = False

    def value(self, name: str) -> str:
        """An output of the step `capture`."""
        return self.outputs["capture"].get(name, "")


def run_action(action: Mapping[str, Any], inputs: Mapping[str, str], variables: Mapping[str, str], place: Path) -> Done:
    """Runs all steps; `variables` are those of the runner, `place` is the directory where it works."""
    given = {name: EXPRESSION.sub(TOKEN, entry.get("default", "")) for name, entry in action["inputs"].items()}
    given |= inputs
    done = Done()
    for at, step in enumerate(action["runs"]["steps"]):
        name = step.get("id") or step.get("name") or step["uses"]
        if not _wanted(step.get("if"), given, done):
            done.outcome[name] = "skipped"
            continue
        if "uses" in step:
            done.used[step["uses"].split("@")[0]] = {key: evaluated(value, given, done)
                                                     for key, value in step["with"].items()}
            done.outputs[name] = {"artifact-url": ARTIFACT} if "upload-artifact" in step["uses"] else {}
            done.outcome[name] = "success"
            continue
        status = _run_step(step, name, {**variables, **_environment(step, given, done)}, place / f"step-{at}", done)
        done.outcome[name] = "failure" if status else "success"
        if status and not step.get("continue-on-error"):
            done.failed = True
            break
    return done


def _wanted(condition: str | None, given: Mapping[str, str], done: Done) -> bool:
    if condition is None:
        return True
    left, sign, right = condition.split(" ")
    return (_value(left, given, done) == right.strip("'")) == (sign == "==")


def _environment(step: Mapping[str, Any], given: Mapping[str, str], done: Done) -> dict[str, str]:
    return {key: evaluated(value, given, done) for key, value in step.get("env", {}).items()}


def evaluated(text: str, given: Mapping[str, str], done: Done) -> str:
    """A text with its expressions filled in."""
    return EXPRESSION.sub(lambda match: _value(match[1], given, done), str(text))


def _value(expression: str, given: Mapping[str, str], done: Done) -> str:
    if " || " in expression:
        return next(filter(None, (_value(part, given, done) for part in expression.split(" || "))), "")
    if match := re.fullmatch(r"format\('(.*)\{0\}', (.*)\)", expression):
        return match[1] + _value(match[2], given, done)
    kind, name, *rest = expression.split(".")
    if kind == "inputs":
        return given[name]
    assert kind == "steps", expression
    return done.outcome[name] if rest == ["outcome"] else done.outputs.get(name, {}).get(rest[1], "")


def _run_step(step: Mapping[str, Any], name: str, variables: dict[str, str], place: Path, done: Done) -> int:
    place.mkdir()
    script, output, summary = place / "script.sh", place / "output", place / "summary"
    script.write_text(step["run"])
    for file in (output, summary):
        file.touch()
    workspace = variables["GITHUB_WORKSPACE"]
    ended = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script], cwd=workspace, text=True, timeout=170,
        check=False, env={**variables, "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    done.log += ended.stdout
    done.summary += summary.read_text()
    done.outputs[name] = commands(output.read_text())
    return ended.returncode


def commands(text: str) -> dict[str, str]:
    """The file of outputs as the runner reads it: NAME=VALUE, or NAME<<MARK, lines, MARK."""
    found: dict[str, str] = {}
    lines = iter(text.splitlines())
    for line in lines:
        name, heredoc, mark = line.partition("<<")
        if heredoc and "=" not in name:
            value = []
            while (part := next(lines)) != mark:
                value.append(part)
            found[name] = "\n".join(value)
        else:
            name, _, found[line.partition("=")[0]] = line.partition("=")
    return found
