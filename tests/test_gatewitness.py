"""The command line: exit statuses, one plain sentence for every failure, nothing left behind, Ctrl-C."""

import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import gatewitness
from capture.record.bundle import Bundle
from report.diagnosis import Verdict
from tests.brokensite import BrokenSite, in_thread
from tests.report.examples import EXAMPLES
from tests.report.parts import hop
from tests.report.test_packs import PRIVATE, of_acme

PROGRAM = Path(gatewitness.__file__)
LOCAL = ("--allow-private", "--no-pdf", "--timeout", "120")


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


def run(directory: Path, *arguments: str, **environment: str) -> Done:
    """The program as a user runs it, in a directory of its own."""
    done = subprocess.run([sys.executable, str(PROGRAM), *arguments], cwd=directory, capture_output=True, text=True,
                          env={**os.environ, **environment}, check=False, timeout=60)
    return Done(done.returncode, done.stdout, done.stderr)


class Main:
    """The same inside this process, for what never gets as far as a browser."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["gatewitness", *arguments])
        with pytest.raises(SystemExit) as caught:
            gatewitness.main()
        seen = self._capsys.readouterr()
        status = caught.value.code
        return Done(status if isinstance(status, int) else 0, seen.out, seen.err)


@pytest.fixture
def main(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], place: Path) -> Main:
    return Main(monkeypatch, capsys)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory, in which the command runs."""
    directory = tmp_path / "place"
    directory.mkdir()
    monkeypatch.chdir(directory)
    return directory


@pytest.fixture(scope="module")
def site() -> Iterator[BrokenSite]:
    with in_thread(BrokenSite()) as server:
        assert isinstance(server, BrokenSite)
        yield server


@pytest.fixture(scope="module")
def captured(site: BrokenSite, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    """A capture of an empty 500, and how the command ended."""
    directory = tmp_path_factory.mktemp("captured")
    return directory / "case", run(directory, "capture", site.url("empty-500"), "--out", "case", *LOCAL)


def assert_one_sentence(done: Done) -> None:
    assert done.out == ""
    assert done.err.startswith("gatewitness: ")
    assert done.err.count("\n") == 1
    assert "Traceback" not in done.err


@pytest.mark.browser
def test_a_broken_site_is_a_capture_that_went_well(captured: tuple[Path, Done]) -> None:
    directory, done = captured
    assert (done.status, done.err) == (0, "")
    assert "500" in done.out
    assert "certainty: " in done.out
    assert "Dossier: case/report/dossier.html" in done.out
    assert (directory / "report" / "dossier.html").is_file()
    assert Bundle(directory).evidence.outcome == "complete"


@pytest.mark.browser
def test_without_a_name_the_directory_is_named_after_the_host(place: Path, site: BrokenSite) -> None:
    assert run(place, "capture", site.url("ok"), *LOCAL).status == 0
    (made,) = place.iterdir()
    assert made.name.startswith("gatewitness-127.0.0.1-")


@pytest.mark.browser
def test_json_prints_the_verdict_and_nothing_else(place: Path, site: BrokenSite) -> None:
    done = run(place, "capture", site.url("empty-500"), "--json", "--fail-on-fault", *LOCAL)
    assert (done.status, done.err) == (1, "")
    verdict = json.loads(done.out)
    assert set(verdict) == set(Verdict.model_fields)
    assert (verdict["status"], verdict["is_error_page"]) == (500, True)


@pytest.mark.browser
def test_a_site_without_a_fault_does_not_fail(place: Path, site: BrokenSite) -> None:
    done = run(place, "capture", site.url("ok"), "--json", "--fail-on-fault", *LOCAL)
    assert done.status == 0
    assert json.loads(done.out)["fault_code"] is None


@pytest.mark.browser
def test_on_a_terminal_every_step_is_told_as_it_ends(place: Path, site: BrokenSite) -> None:
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, str(PROGRAM), "capture", site.url("ok"), *LOCAL], cwd=place, stderr=theirs,
                       stdout=subprocess.DEVNULL, check=True, timeout=60)
        told = os.read(ours, 65_536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert all(name in told for name in ("vantage", "dns", "tcp", "plain_http", "page"))


USAGE = [
    ("ftp://shop.example/", "http"),
    ("http://", "host"),
    ("", "http"),
    ("http://shop.example:99999/", ""),
    (f"http://shop.example/{'a' * 9000}", "8"),
    ("http://shop.test/ --viewport 99x800", "--viewport"),
    ("http://shop.test/ --viewport 1280", "--viewport"),
    ("http://shop.test/ --viewport 9999x9999", "--viewport"),
    ("http://shop.test/ --timezone Mars/Olympus", "--timezone"),
    ("http://shop.test/ --timezone ../../etc/passwd", "--timezone"),
    ("http://shop.test/ --locale de_DE.UTF-8", "--locale"),
    ("http://shop.test/ --header NoColon", "--header"),
    ("http://shop.test/ --header :value", "--header"),
    ("http://shop.test/ --header X:a\nY:b", "--header"),
    ("http://shop.test/ --resolver nonsense", "nonsense"),
]


@pytest.mark.parametrize(("line", "word"), USAGE, ids=[line[:60] for line, _ in USAGE])
def test_what_makes_no_sense_is_one_sentence_and_leaves_nothing(line: str, word: str, main: Main, place: Path) -> None:
    done = main("capture", *line.split(" "))
    assert done.status == 2
    assert_one_sentence(done)
    assert word in done.err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize("arguments", [("capture",), ("capture", "http://a.test/", "--nonsense"), ("nonsense",),
                                       ("capture", "http://a.test/", "--timeout", "0")])
def test_a_wrong_call_is_told_on_stderr(arguments: tuple[str, ...], main: Main, place: Path) -> None:
    done = main(*arguments)
    assert (done.status, done.out) == (2, "")
    assert "Error" in done.err
    assert list(place.iterdir()) == []


@pytest.mark.parametrize(("arguments", "words"), [
    (("http://127.0.0.1/",), "loopback"),
    (("http://localhost:8080/",), "localhost"),
    (("http://10.0.0.1/",), "10.0.0.0/8"),
    (("http://[::1]/",), "::1"),
    (("http://shop.test:25/",), "port 25"),
    (("http://169.254.169.254/latest/meta-data/", "--allow-private"), "169.254"),
])
def test_what_the_policy_refuses_is_one_sentence_and_leaves_nothing(
        arguments: tuple[str, ...], words: str, main: Main, place: Path) -> None:
    done = main("capture", *arguments)
    assert done.status == 3
    assert_one_sentence(done)
    assert words in done.err
    assert list(place.iterdir()) == []


def test_a_refusal_names_the_option_only_where_it_would_help(main: Main) -> None:
    assert "--allow-private" in main("capture", "http://10.0.0.1/").err
    assert "--allow-private" not in main("capture", "http://169.254.169.254/").err


def test_without_a_browser_the_sentence_says_what_to_install(main: Main, place: Path, monkeypatch: pytest.MonkeyPatch
                                                             ) -> None:
    monkeypatch.setenv("GATEWITNESS_BROWSER", str(place.parent / "no-browser"))
    done = main("capture", "http://127.0.0.1:8080/", *LOCAL)
    assert done.status == 4
    assert_one_sentence(done)
    assert list(place.iterdir()) == []


def test_a_browser_that_does_not_work_is_our_failure_and_the_probes_are_kept(place: Path, site: BrokenSite) -> None:
    done = run(place, "capture", site.url("empty-500"), "--allow-private", "--no-pdf", "--out", "case",
               GATEWITNESS_BROWSER="/bin/true")
    assert done.status == 5
    assert "the browser could not look at the page" in done.err
    assert (place / "case" / "report" / "dossier.html").is_file()
    assert '"status": 500' in (place / "case" / "evidence.json").read_text()


def test_a_directory_with_something_in_it_is_not_touched(main: Main, place: Path) -> None:
    (place / "mine").write_text("mine")
    done = main("capture", "http://127.0.0.1:8080/", "--out", str(place), *LOCAL)
    assert done.status == 5
    assert_one_sentence(done)
    assert "is not an empty directory" in done.err
    assert {path.name: path.read_text() for path in place.iterdir()} == {"mine": "mine"}


def test_a_place_that_cannot_be_written_is_one_sentence(main: Main, place: Path) -> None:
    (place / "file").write_text("mine")
    done = main("capture", "http://127.0.0.1:8080/", "--out", str(place / "file" / "below"), *LOCAL)
    assert done.status == 5
    assert_one_sentence(done)
    assert [path.name for path in place.iterdir()] == ["file"]


def test_a_failure_of_our_own_is_one_sentence_and_a_traceback_only_for_us(
        main: Main, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the wheel fell off")

    monkeypatch.setattr("capture.pipeline.capture", broken)
    done = main("capture", "http://127.0.0.1:8080/", *LOCAL)
    assert done.status == 5
    assert_one_sentence(done)
    assert "the wheel fell off" in done.err
    monkeypatch.setenv("GATEWITNESS_DEBUG", "1")
    with pytest.raises(RuntimeError, match="the wheel fell off"):
        gatewitness.main()


def interrupt(place: Path, site: BrokenSite, times: int, pause_s: float = 0.0) -> tuple[int, str, str]:
    """Ctrl-C as soon as the browser has asked for the page; nothing temporary may be left."""
    before = len(site.seen)
    temporary = place.parent / "tmp"
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen([sys.executable, str(PROGRAM), "capture", site.url("never-answers"), "--out", "case",
                                *LOCAL], cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               env={**os.environ, "TMPDIR": str(temporary)})
    deadline = time.monotonic() + 60
    while not any(b"Upgrade-Insecure" in visit.head for visit in site.seen[before:]):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(pause_s)
    out, err = process.communicate(timeout=60)
    assert list(temporary.iterdir()) == []
    return process.returncode, out, err


@pytest.mark.browser
def test_ctrl_c_leaves_a_dossier_that_says_it_was_cut_short(place: Path, site: BrokenSite) -> None:
    started = time.monotonic()
    status, out, err = interrupt(place, site, 1)
    assert (status, err) == (0, "")
    assert time.monotonic() - started < 60
    evidence = Bundle(place / "case").evidence
    assert (evidence.outcome, evidence.outcome_reason) == ("cut-short", "stopped by the user")
    assert evidence.pages[0].exchanges[0].url == site.url("never-answers")
    assert (place / "case" / "report" / "dossier.html").is_file()
    assert "Dossier: " in out


@pytest.mark.browser
def test_ctrl_c_twice_gives_up_and_leaves_nothing_or_a_whole_capture(place: Path, site: BrokenSite) -> None:
    for pause_s in (0.01, 0.05, 0.2, 0.5):  # too short a pause and both are one to a busy process
        status, out, err = interrupt(place, site, 2, pause_s)
        if status != 0:
            break
        shutil.rmtree(place / "case")
    assert (status, out) == (130, "")
    if list(place.iterdir()):  # the second came when everything was on disk already
        assert "the capture is kept" in err
        assert run(place, "report", "case", "--no-pdf").status == 0
        assert run(place, "verify", "case").status == 0
    else:
        assert err == "gatewitness: interrupted; nothing is left of it\n"


@pytest.mark.browser
def test_ctrl_c_while_the_dossier_is_written_keeps_the_capture_and_says_so(
        main: Main, place: Path, site: BrokenSite, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("report.dossier.build", interrupted)
    done = main("capture", site.url("empty-500"), "--out", "case", *LOCAL)
    assert (done.status, done.out) == (130, "")
    assert done.err == "gatewitness: interrupted; the capture is kept, gatewitness report case writes its dossier\n"
    assert Bundle(place / "case").evidence.outcome == "complete"


@pytest.mark.browser
def test_a_sealed_case_is_verified_and_every_change_is_named(captured: tuple[Path, Done], place: Path) -> None:
    shutil.copytree(captured[0], place / "case")
    assert run(place, "verify", "case") == Done(0, "case: every file is as it was sealed\n", "")
    assert run(place, "verify", "case/report/dossier.zip").status == 0
    (place / "case" / "page.har").write_text("{}")
    done = run(place, "verify", "case")
    assert (done.status, done.err) == (1, "")
    assert done.out.startswith("page.har: changed")
    assert "this is not what was sealed" in done.out


@pytest.mark.browser
def test_a_case_is_diagnosed_and_reported_again_without_browser_and_network(captured: tuple[Path, Done], place: Path
                                                                            ) -> None:
    shutil.copytree(captured[0], place / "case")
    again = run(place, "diagnose", "case", PATH="")
    assert again.status == 0
    assert again.out.splitlines()[0] == captured[1].out.splitlines()[0]
    diagnosis = json.loads(run(place, "diagnose", "case", "--json", PATH="").out)
    assert diagnosis["verdict"]["status"] == 500
    shutil.rmtree(place / "case" / "report")
    reported = run(place, "report", "case", "--no-pdf", PATH="")
    assert (reported.status, reported.err) == (0, "")
    assert (place / "case" / "report" / "dossier.html").is_file()


def test_a_private_vendor_is_written_to_when_its_file_is_given(main: Main, place: Path) -> None:
    of_acme(place / "case")
    (place / "vendors").mkdir()
    (place / "vendors" / "acme-proxy.toml").write_text(PRIVATE)
    letter = place / "case" / "report" / "packs" / "acme-proxy" / "letter-vendor.md"
    assert main("report", "case", "--no-pdf", "--vendors", "vendors").status == 0
    assert letter.read_text().startswith("To: Acme proxy")
    assert main("report", "case", "--no-pdf").status == 0
    assert not letter.exists()


@pytest.mark.parametrize("command", ["diagnose", "report", "verify"])
def test_what_is_no_bundle_is_one_sentence(command: str, main: Main, place: Path) -> None:
    for path in (place, place / "missing"):
        done = main(command, str(path))
        assert done.status == 5
        assert_one_sentence(done)
    assert list(place.iterdir()) == []


def test_what_is_missing_is_exit_status_4(main: Main, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GATEWITNESS_BROWSER", str(tmp_path / "no-browser"))
    done = main("doctor")
    assert done.status == 4
    assert "✕" in done.out


def test_nothing_of_a_page_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    gatewitness.say("a\x1b[31mb\x07\x9bc\u202ed\re\x00f\ttab")
    assert capsys.readouterr().out == "a�[31mb��c�d�e�f\ttab\n"


def test_the_path_is_told_no_surer_than_the_verdict(capsys: pytest.CaptureFixture[str]) -> None:
    made = EXAMPLES["nginx_502"]().diagnosis
    gatewitness._print(made.model_copy(update={"verdict": made.verdict.model_copy(update={"certainty": "possible"})}))
    assert "may fail" in capsys.readouterr().out
    blocked = {"certainty": "proven", "interstitial": "block", "failing_handoff": ("visitor", "cdn")}
    hops = (hop("Visitor", "visitor"), hop("Edge", "cdn", vendor="edge", detail="POP FRA"))
    gatewitness._print(made.model_copy(update={"verdict": made.verdict.model_copy(update=blocked), "hops": hops}))
    assert "✓ Edge             works          POP FRA, refused this request" in capsys.readouterr().out
