"""The entry script in a small tree of its own, where Python and the package tools are stubs that note what is asked."""

import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from capture.chromium import SYSTEM_BROWSERS

ROOT = Path(__file__).parents[1]
OVERHEAD_S = 0.3
PYTHON = """
printf '%s\\n' "$*" >>"$STUB_LOG"
case "$*" in
*"pip install"*) sleep "${STUB_PIP_S:-0}"; exit "${STUB_PIP_STATUS:-0}" ;;
*gatewitness.py*) pwd; exit "${STUB_STATUS:-0}" ;;
esac
"""
MAKES_ENVIRONMENT = """case "$*" in *"-m venv"*) mkdir -p "$3/bin" && cp "$0.made" "$3/bin/python" ;; esac"""
ALL_INSTALLED = """for name; do case $name in -*) ;; *) echo "$name installed" ;; esac; done"""


@dataclass
class Tree:
    """A tree with the script, and what was run in it."""

    path: Path
    stubs: Path
    environment: dict[str, str] = field(default_factory=dict)

    def stub(self, name: str, script: str) -> None:
        executable(self.stubs / name, script)

    def command(self, *arguments: str, script: Path | None = None) -> list[str]:
        return [str(script or self.path / "run"), *arguments]

    def run(self, *arguments: str, cwd: Path | None = None, script: Path | None = None,
            **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(self.command(*arguments, script=script), cwd=cwd or self.path, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, timeout=60, check=False,
                              env={**self.environment, **environment})

    def calls(self) -> list[str]:
        log = self.path / "calls"
        return log.read_text().splitlines() if log.exists() else []


def executable(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def bare(tmp_path: Path) -> Tree:
    """A tree as cloned, on a machine where all system packages are installed."""
    path, stubs = tmp_path / "a tree", tmp_path / "stubs"
    path.mkdir()
    for name in ("run", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, path)
    tree = Tree(path, stubs, {"PATH": f"{stubs}:/usr/bin:/bin", "HOME": str(tmp_path), "STUB_LOG": str(path / "calls"),
                              "GATEWITNESS_BROWSER": "/bin/true", "GATEWITNESS_PYTHON": str(stubs / "python3")})
    tree.stub("dpkg-query", ALL_INSTALLED)
    tree.stub("python3", MAKES_ENVIRONMENT)
    tree.stub("python3.made", PYTHON)
    return tree


@pytest.fixture
def tree(bare: Tree) -> Tree:
    """The same with a Python environment."""
    executable(bare.path / ".venv/bin/python", PYTHON)
    return bare


def test_help_sets_nothing_up(bare: Tree) -> None:
    done = bare.run()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("usage: ./run COMMAND")
    assert not (bare.path / ".venv").exists()


def test_the_first_call_sets_up_and_the_second_is_quiet(tree: Tree) -> None:
    first, second = tree.run("verify", "a b"), tree.run("verify", "a b")
    assert first.stderr == "setup: installing the Python packages of requirements.lock\nsetup: ready\n"
    assert second.stderr == ""
    installs = [call for call in tree.calls() if "pip install" in call]
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]
    assert tree.calls()[-1] == f"{tree.path}/gatewitness.py verify a b"


def test_when_all_is_done_the_script_costs_next_to_nothing(tree: Tree) -> None:
    tree.run("verify")

    def measured() -> float:
        start = time.perf_counter()
        tree.run("verify")
        return time.perf_counter() - start

    assert min(measured() for _ in range(5)) < OVERHEAD_S


def test_it_runs_from_any_directory_through_a_symlink_and_stays_there(tree: Tree, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tree.path / "run")
    (tmp_path / "elsewhere").mkdir()
    done = tree.run("verify", script=link, cwd=tmp_path / "elsewhere")
    assert done.stdout == f"{tmp_path}/elsewhere\n"


def test_the_exit_status_is_that_of_the_command(tree: Tree) -> None:
    assert tree.run("capture", "x", STUB_STATUS="3").returncode == 3


@pytest.mark.parametrize("changed", ["requirements.lock", "requirements-dev.lock", "run"])
def test_a_changed_lock_or_script_sets_up_again(tree: Tree, changed: str) -> None:
    tree.run("verify")
    with (tree.path / changed).open("a") as file:
        file.write("# changed\n")
    assert "setup: ready" in tree.run("verify").stderr


def test_a_tree_that_was_moved_sets_up_again(tree: Tree) -> None:
    tree.run("verify")
    tree.path = tree.path.rename(tree.path.with_name("moved"))
    assert "setup: ready" in tree.run("verify").stderr


def test_setup_looks_again_even_when_all_is_done(tree: Tree) -> None:
    tree.run("setup")
    assert "setup: ready" in tree.run("setup").stderr


def test_what_the_tests_need_covers_what_capture_needs(tree: Tree) -> None:
    tree.run("setup", "test")
    assert tree.run("verify").stderr == ""
    assert [call.rpartition("/")[2] for call in tree.calls() if "pip install" in call] == ["requirements-dev.lock"]


def test_calls_at_the_same_time_set_up_once(tree: Tree) -> None:
    environment = {**tree.environment, "STUB_PIP_S": "0.5"}
    running = [subprocess.Popen(tree.command("verify"), env=environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL) for _ in range(3)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0]
    assert sum("pip install" in call for call in tree.calls()) == 1


def test_a_failed_installation_is_told_and_tried_again(tree: Tree) -> None:
    failed = tree.run("verify", STUB_PIP_STATUS="1")
    assert failed.returncode == 4
    assert "pip could not install what requirements.lock lists" in failed.stderr
    assert not any("gatewitness.py" in call for call in tree.calls())
    assert tree.run("verify").returncode == 0


def test_the_environment_is_made_with_the_python_that_was_named(bare: Tree) -> None:
    assert bare.run("verify").returncode == 0
    assert not (bare.path / ".venv/unfinished").exists()
    assert bare.calls()[-1].endswith("gatewitness.py verify")


def test_a_first_installation_that_fails_leaves_nothing_behind(bare: Tree) -> None:
    done = bare.run("verify", STUB_PIP_STATUS="1")
    assert done.returncode == 4
    assert "setup: making the Python environment" in done.stderr
    assert not (bare.path / ".venv").exists()


def test_an_environment_that_was_begun_and_not_finished_is_thrown_away(tree: Tree) -> None:
    (tree.path / ".venv/unfinished").touch()
    (tree.path / ".venv/half").touch()
    assert tree.run("verify").returncode == 0
    assert not (tree.path / ".venv/half").exists()


@pytest.mark.parametrize("sudo", [None, "exit 1"])
def test_who_may_not_install_gets_the_command_and_exit_status_4(bare: Tree, sudo: str | None) -> None:
    bare.stub("dpkg-query", ALL_INSTALLED.replace("-*)", "-*|fonts-inter|libatomic1)"))
    bare.stub("id", "echo 1000")
    bare.stub("apt-get", 'echo "apt-get $*" >>"$STUB_LOG"')
    bare.stub("sudo", sudo or "exit 127")
    if sudo is None:
        (bare.stubs / "sudo").unlink()
        bare.environment["PATH"] = without_sudo(bare)
    done = bare.run("capture", "http://localhost/")
    assert done.returncode == 4
    assert f"    {bare.path}/run packages fonts-inter libatomic1\n" in done.stderr
    assert bare.calls() == []
    assert not (bare.path / ".venv").exists()


def without_sudo(tree: Tree) -> str:
    """A search path with the tools of the script and no sudo, whatever this machine has."""
    for tool in ("cat", "dirname", "flock", "grep", "readlink", "rm", "sed", "sha256sum", "touch", "tr"):
        if not (tree.stubs / tool).exists():
            (tree.stubs / tool).symlink_to(shutil.which(tool) or tool)
    return str(tree.stubs)


def test_with_sudo_the_packages_are_installed_by_the_script_itself(tree: Tree) -> None:
    tree.stub("dpkg-query", ALL_INSTALLED.replace("-*)", "-*|fonts-inter)"))
    tree.stub("id", "echo 1000")
    tree.stub("sudo", 'echo "sudo $*" >>"$STUB_LOG"')
    assert tree.run("verify").returncode == 0
    assert tree.calls()[:2] == ["sudo -n true", f"sudo -n {tree.path}/run packages fonts-inter"]


def test_doctor_installs_nothing(bare: Tree) -> None:
    bare.stub("dpkg-query", ALL_INSTALLED.replace("-*)", "-*|fonts-inter)"))
    done = bare.run("doctor")
    assert done.returncode == 4
    assert done.stderr == ("setup: missing: the Python environment fonts-inter \n"
                           f"setup: to install what is missing, run: {bare.path}/run setup\n")
    assert sorted(path.name for path in bare.path.iterdir()) == ["requirements-dev.lock", "requirements.lock", "run"]


@pytest.mark.parametrize(("command", "status"), [(("setup", "nonsense"), 2), (("packages",), 4)])
def test_wrong_use_is_an_error(bare: Tree, command: tuple[str, ...], status: int) -> None:
    bare.stub("id", "echo 1000")
    assert bare.run(*command).returncode == status


@pytest.mark.parametrize(("restricted", "profile", "made"), [
    ("1", "", True), ("0", "", False), ("1", "@CACHE@", False)])
def test_a_downloaded_browser_that_is_there_already_gets_its_sandbox_too(
        restricted: str, profile: str, made: bool, tree: Tree, tmp_path: Path) -> None:
    cache = tmp_path / "browsers"
    executable(cache / "chromium-1/chrome-linux/chrome", "").parent.with_name("INSTALLATION_COMPLETE").touch()
    (tmp_path / "restricted").write_text(f"{restricted}\n")
    (tmp_path / "profile").write_text(f'profile x "{profile}/chromium-*"\n'.replace("@CACHE@", str(cache)))
    script = (tree.path / "run").read_text()
    for path, name in (("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "restricted"),
                       ("/etc/apparmor.d/gatewitness-chromium", "profile")):
        script = script.replace(path, str(tmp_path / name))
    (tree.path / "run").write_text(script)
    tree.stub("id", "echo 1000")
    tree.stub("sudo", 'echo "sudo $*" >>"$STUB_LOG"')
    assert tree.run("setup", GATEWITNESS_BROWSER="", PLAYWRIGHT_BROWSERS_PATH=str(cache)).returncode == 0
    assert (f"sudo -n {tree.path}/run sandbox {cache}" in tree.calls()) is made


@pytest.mark.parametrize("browser", SYSTEM_BROWSERS)
def test_a_browser_of_the_system_that_capture_takes_is_not_installed_again(browser: str, tree: Tree,
                                                                            tmp_path: Path) -> None:
    script = (tree.path / "run").read_text()
    for known in SYSTEM_BROWSERS:
        script = script.replace(f" {known} ", f" {tmp_path}/{known == browser} ")
    (tree.path / "run").write_text(script)
    executable(tmp_path / "True", "")
    assert tree.run("verify", GATEWITNESS_BROWSER="", PLAYWRIGHT_BROWSERS_PATH=f"{tmp_path}/none").returncode == 0
    assert [call for call in tree.calls() if "playwright" in call] == []


def test_a_ci_system_calls_the_job_in_the_tree(tree: Tree, tmp_path: Path) -> None:
    assert tree.run("ci", "capture", cwd=tmp_path).returncode == 0
    assert tree.calls()[-1] == "-m ci.job capture"
