"""`./run bench`: our capture beside a bare Playwright run, in turn, on the same page. In: a number of rounds.
Out: medians, ratios and whether each target is held; with --strict exit status 1 when one is missed.

`./run bench --recognition CASES_DIR` measures the recognition of recorded responses instead (bench/recognition.py),
`./run bench --dossier` the making of dossiers (bench/dossier.py), `./run bench --service` how many captures a service
makes (bench/service.py), `./run bench --load` how fast it answers meanwhile (bench/load.py)."""

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import async_playwright

from bench import bare, load, pictures, recognition, service, site
from bench import dossier as dossiers
from capture import chromium, pipeline
from capture.browser import Browser
from capture.policy import ALLOW_ALL
from capture.record.bundle import Bundle
from capture.record.request import CaptureRequest
from report import dossier
from report.diagnose import diagnose

ROOT = Path(__file__).parent.parent
TARGETS = {"warm capture": 1.5, "warm capture and dossier": 3.0, "cold command line": 2.5}
DIAGNOSIS_MS = 50
MEMORY_MB = 250
Run = Callable[[str, Path], Awaitable[float]]


async def warm_capture(url: str, directory: Path) -> float:
    """Seconds of a capture with all steps by a browser that was started ahead."""
    browser = await Browser.start(chromium.find().path)
    started = time.perf_counter()
    await pipeline.capture(_request(url), directory / "bundle", browser=browser)
    return time.perf_counter() - started


async def warm_dossier(url: str, directory: Path) -> float:
    """The same and HTML, PDF and ZIP by a renderer that was started ahead."""
    browser = await Browser.start(chromium.find().path)
    worker = dossier.prepare()
    await asyncio.sleep(2)  # the renderer loads its libraries: that is what warm means
    started = time.perf_counter()
    await pipeline.capture(_request(url), directory / "bundle", browser=browser)
    await asyncio.to_thread(dossier.build, directory / "bundle", worker=worker)
    return time.perf_counter() - started


async def cold(command: list[str]) -> float:
    """Seconds of a whole process."""
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=subprocess.DEVNULL)
    if await process.wait():
        raise SystemExit(f"bench: {' '.join(command)} failed")
    return time.perf_counter() - started


def _request(url: str) -> CaptureRequest:
    return CaptureRequest(url=url, allow_networks=ALLOW_ALL)


async def measure(rounds: int) -> dict[str, list[float]]:
    """All variants in turn, so that a slow moment of the machine hits each alike; the first round is thrown away."""
    url, executable = site.start(), chromium.find().path
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable)

        async def bare_warm(url: str, directory: Path) -> float:
            started = time.perf_counter()
            await bare.once(browser, url, directory)
            return time.perf_counter() - started

        async def bare_cold(url: str, directory: Path) -> float:
            return await cold([sys.executable, "-m", "bench.bare", url, str(executable)])

        async def our_cold(url: str, directory: Path) -> float:
            return await cold([sys.executable, "gatewitness.py", "capture", url, "--allow-private", "--out",
                               str(directory / "bundle")])

        runs: dict[str, Run] = {"bare warm": bare_warm, "warm capture": warm_capture,
                                "warm capture and dossier": warm_dossier, "bare cold": bare_cold,
                                "cold command line": our_cold}
        turns = [{name: await _timed(run, url) for name, run in runs.items()} for _ in range(rounds + 1)]
        await browser.close()
    return {name: [turn[name] for turn in turns[1:]] for name in runs}


async def _timed(run: Run, url: str) -> float:
    with tempfile.TemporaryDirectory() as directory:
        return await run(url, Path(directory))


async def measure_diagnosis(rounds: int) -> list[float]:
    """Milliseconds to diagnose one bundle."""
    with tempfile.TemporaryDirectory() as directory:
        bundle = await pipeline.capture(_request(site.start()), Path(directory) / "bundle")
        evidence = Bundle(bundle.directory).evidence
        times = []
        for _ in range(rounds):
            started = time.perf_counter()
            diagnose(evidence)
            times.append((time.perf_counter() - started) * 1000)
    return times


def peak_memory_mb(url: str) -> float:
    """Peak of one capture with dossier in a fresh process, megabytes."""
    code = ("import resource, sys, gatewitness; sys.argv[1:] = ['capture', sys.argv[1], '--allow-private', '--out', "
            "sys.argv[2]]\ntry: gatewitness.main()\n"
            "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, file=sys.stderr)")
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run([sys.executable, "-c", code, url, str(Path(directory) / "bundle")], cwd=ROOT, check=True,
                              capture_output=True, text=True)
    return float(done.stderr.strip().splitlines()[-1])


def show(times: dict[str, list[float]]) -> bool:
    """Prints medians and ratios; False when a target is missed."""
    held = True
    for name, values in times.items():
        base = statistics.median(times["bare cold" if "cold" in name else "bare warm"])
        median = statistics.median(values)
        line = f"{name:<26}{median:7.3f} s   {min(values):.3f} to {max(values):.3f}   x {median / base:.2f}"
        if name in TARGETS:
            ok = median / base <= TARGETS[name]
            held &= ok
            line += f"   target x {TARGETS[name]:g}: {'held' if ok else 'MISSED'}"
        print(line)
    return held


def own(rounds: int) -> bool:
    """Everything of one capture beside bare Playwright; False when a target is missed."""
    held = show(asyncio.run(measure(rounds)))
    judged = statistics.median(asyncio.run(measure_diagnosis(rounds)))
    held &= judged <= DIAGNOSIS_MS
    print(f"{'diagnosis of one bundle':<26}{judged:7.1f} ms   target {DIAGNOSIS_MS} ms")
    memory = peak_memory_mb(site.start())
    held &= memory <= MEMORY_MB
    print(f"{'peak memory, our process':<26}{memory:7.0f} MB   target {MEMORY_MB} MB")
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"{'largest child process':<26}{children:7.0f} MB")
    return held


def main() -> int:
    """Runs what is asked for; with --strict the exit status says whether all targets were held."""
    parser = argparse.ArgumentParser(prog="./run bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a target is missed")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--recognition", type=Path, metavar="CASES_DIR", help="judge recorded responses instead")
    what.add_argument("--pictures", type=Path, metavar="CASES_DIR", help="judge their pictures instead")
    what.add_argument("--dossier", action="store_true", help="time dossiers of small and large pages instead")
    what.add_argument("--service", action="store_true", help="count the captures of a service instead")
    what.add_argument("--load", action="store_true", help="time the pages of a service that captures instead")
    options = parser.parse_args()
    if options.recognition:
        held = recognition.measure(options.recognition)
    elif options.pictures:
        held = pictures.measure(options.pictures)
    elif options.dossier:
        held = dossiers.measure(options.rounds)
    elif options.service:
        held = service.measure(options.rounds)
    elif options.load:
        held = load.measure()
    else:
        held = own(options.rounds)
    return int(options.strict and not held)


if __name__ == "__main__":
    sys.exit(main())
