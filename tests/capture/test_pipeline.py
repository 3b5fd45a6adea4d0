"""From a request to a sealed bundle: what happens to a step, a stop, a full disk, and to everything we started."""

import asyncio
import errno
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from capture import chromium, pipeline
from capture.browser import Browser
from capture.context import Context
from capture.errors import BadInput, CaptureError, Refused
from capture.policy import ALLOW_ALL
from capture.record import bundle as bundle_module
from capture.record import seal
from capture.record.base import Header
from capture.record.bundle import Bundle, BundleError, BundleWriter
from capture.record.request import CaptureRequest, Limits, StepRecord
from tests.brokensite import HTML, ROWS, BrokenSite, answer, says
from tests.capturing import PATIENT, captured
from tests.hostile import HostileSite
from tests.processes import alive, no_process_left


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every browser profile is made below this directory."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def request(url: str, **given: Any) -> CaptureRequest:
    return CaptureRequest(**{"url": url, "allow_networks": ALLOW_ALL, "limits": PATIENT, **given})


def steps(bundle: Bundle) -> dict[str, StepRecord]:
    return {step.name: step for step in bundle.evidence.steps}


def differences(bundle: Bundle) -> list[str]:
    present = {path.relative_to(bundle.directory).as_posix(): path.read_bytes for path in bundle.directory.rglob("*")
               if path.is_file() and path.name != seal.MANIFEST}
    return seal.differences(bundle.manifest, present)


@pytest.mark.browser
async def test_a_capture_is_sealed_whole_and_leaves_nothing_running(tmp_path: Path, temporary: Path) -> None:
    told: list[StepRecord] = []
    async with no_process_left(), BrokenSite() as site:
        bundle = await pipeline.capture(request(site.url("ok")), tmp_path / "out", progress=told.append)
    assert differences(bundle) == []
    evidence = bundle.evidence
    assert (evidence.outcome, evidence.outcome_reason, evidence.limits_hit) == ("complete", None, ())
    assert [step.name for step in evidence.steps] == list(pipeline.STEPS)
    assert {name: step.status for name, step in steps(bundle).items()} == {
        name: "skipped" if name == "tls" else "done" for name in pipeline.STEPS}
    assert {step.name for step in told} == set(pipeline.STEPS)
    names = {path.name for path in bundle.directory.iterdir()}
    assert names == {"evidence.json", "manifest.json", "events.jsonl", "page.har", "console.json", "page.html",
                     "screenshot.png", "screenshot-full.png", "artifacts"}
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_a_step_that_fails_costs_no_other_step_its_facts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: Context) -> None:
        raise RuntimeError("password=Zx9secretvalue77 was refused")

    async def late(_: Context) -> None:
        raise TimeoutError

    monkeypatch.setattr("capture.pipeline.tcp.run", broken)
    monkeypatch.setattr("capture.pipeline.plain_http.run", late)
    async with BrokenSite() as site:
        bundle = await captured(site.url("ok"), tmp_path)
    seen = steps(bundle)
    assert seen["tcp"].status == "failed"
    assert (seen["tcp"].reason or "").startswith("RuntimeError: ")
    assert "Zx9secret" not in (seen["tcp"].reason or "")
    assert seen["plain_http"].status == "timed-out"
    assert (bundle.evidence.tcp, bundle.evidence.plain_http) == (None, None)
    assert bundle.evidence.dns is not None
    assert bundle.evidence.pages[0].title == "All is well"
    assert bundle.evidence.outcome == "complete"


async def test_a_browser_that_does_not_come_up_is_a_failed_step_and_the_rest_is_kept(
        tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = tmp_path / "browser"
    nothing.write_text("#!/bin/sh\necho 'cannot open display' >&2\nexit 1\n")
    nothing.chmod(0o755)
    monkeypatch.setenv("GATEWITNESS_BROWSER", str(nothing))
    async with no_process_left(), BrokenSite() as site:
        bundle = await captured(site.url("empty-404"), tmp_path)
    page = steps(bundle)["page"]
    assert (page.status, page.reason) == (
        "failed", "CaptureError: the browser browser did not come up: cannot open display")
    assert bundle.evidence.plain_http is not None
    assert bundle.evidence.plain_http[0].hops[0].status == 404
    assert differences(bundle) == []
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_a_stop_leaves_what_was_recorded_marked_as_cut_short(tmp_path: Path) -> None:
    stop = asyncio.Event()
    async with no_process_left(), BrokenSite() as site:
        work = asyncio.create_task(
            pipeline.capture(request(site.url("never-answers")), tmp_path / "out", stop=stop))
        async with asyncio.timeout(60):
            while not any(b"Upgrade-Insecure" in visit.head for visit in site.seen):
                await asyncio.sleep(0.02)
        stop.set()
        started = time.monotonic()
        bundle = await work
    assert time.monotonic() - started < PATIENT.commit_s / 2
    assert (bundle.evidence.outcome, bundle.evidence.outcome_reason) == ("cut-short", "stopped by the user")
    assert steps(bundle)["page"].status == "cut-short"
    assert steps(bundle)["dns"].status == "done"
    (load,) = bundle.evidence.pages
    assert load.ended == "stopped"
    assert load.exchanges[0].url == site.url("never-answers")
    assert differences(bundle) == []


async def test_a_stop_before_the_browser_is_up_leaves_no_browser(tmp_path: Path, temporary: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    async with no_process_left(), BrokenSite() as site:
        bundle = await pipeline.capture(request(site.url("ok")), tmp_path / "out", stop=stop)
    assert bundle.evidence.outcome == "cut-short"
    assert bundle.evidence.pages == ()
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_the_whole_capture_ends_at_its_deadline(tmp_path: Path) -> None:
    limits = PATIENT.model_copy(update={"total_s": 3.0})
    started = time.monotonic()
    async with no_process_left(), BrokenSite() as site:
        bundle = await captured(site.url("never-answers"), tmp_path, limits=limits)
    assert time.monotonic() - started < PATIENT.commit_s / 2
    assert (bundle.evidence.outcome, bundle.evidence.outcome_reason) == (
        "cut-short", "the capture took longer than 3 s")
    assert [hit.sentence for hit in bundle.evidence.limits_hit if hit.limit == "total_s"] == [
        "the capture was stopped after 3 s"]


REFUSED: list[tuple[dict[str, Any], type[CaptureError]]] = [
    ({"url": "ftp://shop.example/"}, BadInput),
    ({"url": "http://"}, BadInput),
    ({"url": f"http://shop.example/{'a' * 9000}"}, BadInput),
    ({"url": "http://127.0.0.1/", "allow_networks": ()}, Refused),
    ({"url": "http://localhost/", "allow_networks": ()}, Refused),
    ({"url": "http://169.254.169.254/"}, Refused),
    ({"url": "http://shop.test/", "system_resolvers": ("nonsense",)}, BadInput),
    ({"url": "http://shop.test/", "resolvers": ("nonsense",)}, BadInput),
    ({"url": "http://shop.test/", "allow_networks": ("nonsense",)}, BadInput),
]


@pytest.mark.parametrize(("given", "error"), REFUSED, ids=[str(given)[:70] for given, _ in REFUSED])
async def test_what_is_refused_leaves_nothing_behind(given: dict[str, Any], error: type[CaptureError], tmp_path: Path
                                                     ) -> None:
    async with no_process_left() as seen:
        with pytest.raises(error) as caught:
            await pipeline.capture(request(**given), tmp_path / "out")
    assert type(caught.value) is error
    assert not (tmp_path / "out").exists()
    assert seen == set()


@pytest.mark.browser
@pytest.mark.parametrize("given", [{"url": "ftp://shop.example/"}, {"url": "http://shop.test/",
                                                                    "system_resolvers": ("nonsense",)}])
async def test_a_browser_that_waited_for_a_refused_capture_is_killed(given: dict[str, Any], tmp_path: Path) -> None:
    async with no_process_left():
        browser = await Browser.start(chromium.find().path)
        with pytest.raises(BadInput):
            await pipeline.capture(request(**given), tmp_path / "out", browser=browser)


async def test_a_directory_with_something_in_it_is_our_error_and_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(CaptureError, match="is not an empty directory; nothing was written"):
        await pipeline.capture(request("http://127.0.0.1:8080/"), tmp_path)
    assert (tmp_path / "mine").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "tmp"}


def full_after(files: int) -> Callable[..., None]:
    """A disk that takes so many files and is full then."""
    write, room = bundle_module.write_file, iter(range(files))

    def limited(path: Path, data: bytes, **options: Any) -> None:
        if next(room, None) is None:
            raise BundleError(f"cannot write {path}: No space left on device")
        write(path, data, **options)

    return limited


@pytest.mark.browser
@pytest.mark.parametrize("files", [0, 3, 6])
async def test_a_full_disk_is_one_sentence_and_nothing_half_written(
        files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("capture.record.bundle.write_file", full_after(files))
    async with no_process_left(), BrokenSite() as site:
        with pytest.raises(CaptureError, match=r"cannot write .*No space left on device"):
            await captured(site.url("ok"), tmp_path / "deep" / "deeper")
    assert not (tmp_path / "deep").exists()


@pytest.mark.browser
async def test_a_disk_that_takes_no_more_events_is_our_failure_and_not_a_crashed_page(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("capture.eventlog.EventLog.append", full)
    async with no_process_left(), BrokenSite() as site:
        bundle = await captured(site.url("ok"), tmp_path)
    page = steps(bundle)["page"]
    assert page.status == "failed"
    assert "No space left on device" in (page.reason or "")


@pytest.mark.browser
async def test_a_browser_that_was_started_ahead_is_used_and_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                   ) -> None:
    async with no_process_left(), BrokenSite() as site:
        browser = await Browser.start(chromium.find().path)
        monkeypatch.setattr(Browser, "start", None)
        told: list[str] = []
        bundle = await pipeline.capture(request(site.url("ok")), tmp_path / "out", browser=browser, added=told.append)
        assert browser.process.returncode is not None
        assert "screenshot.png" in told
    assert bundle.evidence.pages[0].title == "All is well"


@pytest.mark.browser
async def test_a_browser_that_waited_in_vain_is_killed() -> None:
    async with no_process_left() as seen:
        async with pipeline.started_ahead() as browser:
            assert browser.product
            await asyncio.sleep(0.05)
            waiting = set(seen)
        assert waiting
        while any(map(alive, waiting)):
            await asyncio.sleep(0.02)


@pytest.mark.browser
async def test_a_capture_that_is_given_up_leaves_nothing_at_all(tmp_path: Path, temporary: Path) -> None:
    async with no_process_left(), BrokenSite() as site:
        work = asyncio.create_task(
            pipeline.capture(request(site.url("never-answers")), tmp_path / "out"))
        await asyncio.sleep(0.8)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert not (tmp_path / "out").exists()
    assert list(temporary.iterdir()) == []


@pytest.mark.browser
async def test_a_capture_that_is_given_up_while_it_is_sealed_leaves_nothing_either(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealing = threading.Event()
    write = BundleWriter.add

    def slow(writer: BundleWriter, path: str, data: bytes) -> str:
        if path == "page.har":
            sealing.set()
            time.sleep(0.3)
        return write(writer, path, data)

    monkeypatch.setattr(BundleWriter, "add", slow)
    async with no_process_left(), BrokenSite() as site:
        work = asyncio.create_task(pipeline.capture(request(site.url("ok")), tmp_path / "out"))
        await asyncio.to_thread(sealing.wait, 60)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
    assert not (tmp_path / "out").exists()


ODD = rb"""<!doctype html><title>x</title><body>hi<script>document.title = "a\ud800b"; document.body.append("t\udc00");
console.log("c\ud800d"); localStorage["k\ud800"] = 1; alert("\udfff")</script>"""


@pytest.mark.browser
async def test_half_characters_cost_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In what a page says, and in what comes from a command line that is not UTF-8 (PEP 383)."""
    monkeypatch.setitem(ROWS, "odd", says(answer("200 OK", HTML, body=ODD)))
    async with BrokenSite() as site:
        bundle = await captured(site.url("odd"), tmp_path, note="gr\udcfc\udcdfe", seen="\ud800")
    load = bundle.evidence.pages[0]
    assert (load.title, load.dialogs[0].text) == ("a\N{REPLACEMENT CHARACTER}b", "\N{REPLACEMENT CHARACTER}")
    assert load.storage_keys == ("k\N{REPLACEMENT CHARACTER}",)
    assert (bundle.evidence.request.note or "").startswith("gr")
    assert differences(bundle) == []


@pytest.mark.browser
async def test_the_clock_of_the_site_is_set_against_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)
    monkeypatch.setitem(ROWS, "slow", says(answer("200 OK", HTML, f"Date: {slow}", body=b"<title>x</title>")))
    monkeypatch.setitem(ROWS, "undated", says(answer("200 OK", HTML, "Date: yesterday", body=b"<title>x</title>")))
    async with BrokenSite() as site:
        dated, undated = [await captured(site.url(row), tmp_path / row) for row in ("slow", "undated")]
    assert dated.evidence.vantage is not None
    assert dated.evidence.vantage.clock.date_header_offset_s == pytest.approx(-3600, abs=30)
    assert undated.evidence.vantage is not None
    assert undated.evidence.vantage.clock.date_header_offset_s is None


@pytest.mark.browser
async def test_a_full_event_log_is_told_and_the_capture_goes_on(tmp_path: Path) -> None:
    async with BrokenSite() as site:
        bundle = await captured(site.url("ok"), tmp_path, limits=PATIENT.model_copy(update={"event_log_bytes": 2000}))
    assert [hit.limit for hit in bundle.evidence.limits_hit] == ["event_log_bytes"]
    assert len(bundle.read("events.jsonl")) <= 2000
    assert bundle.evidence.pages[0].title == "All is well"


@pytest.mark.browser
async def test_what_the_user_adds_is_sent_and_only_its_names_are_kept(tmp_path: Path) -> None:
    added = (Header(name="X-Probe", value="Zx9-secret-value-77Qq"),)
    async with BrokenSite() as site:
        bundle = await captured(site.url("ok"), tmp_path, headers=added, user_agent="Witness/1", locale="de-DE",
                                note="after the deployment of Zx9-secret-value-77Qq")
    heads = [visit.head for visit in site.seen if b"Witness/1" in visit.head and visit.name == "ok"]
    assert any(b"X-Probe: Zx9-secret-value-77Qq" in head for head in heads)
    assert any(b"de-DE" in head for head in heads)
    kept = bundle.evidence.request
    assert (kept.header_names, kept.user_agent, kept.locale) == (("X-Probe",), "Witness/1", "de-DE")
    assert all(b"Zx9-secret" not in path.read_bytes() for path in bundle.directory.rglob("*") if path.is_file())


def test_the_grace_is_what_the_limits_promise() -> None:
    assert "15 s later" in (Limits.model_fields["total_s"].description or "")
    assert pipeline.GRACE_S == 15


async def test_a_page_that_eats_memory_loses_its_process_and_the_rest_is_kept(tmp_path: Path) -> None:
    limits = PATIENT.model_copy(update={"memory_bytes": 600_000_000})
    async with HostileSite() as site:
        bundle = await captured(site.url("memory-hog"), tmp_path, limits=limits)
    assert bundle.evidence.pages[0].ended == "crashed"
    assert [hit.limit for hit in bundle.evidence.limits_hit] == ["memory_bytes"]
    assert bundle.evidence.plain_http
