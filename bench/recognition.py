"""`./run bench --recognition CASES_DIR`: the matcher on recorded responses, without a browser. In: a folder of cases.
Out: scores by field, false accusations, what each degree of certainty is worth, times; False when a target is missed.
"""

import collections
import random
import statistics
import time
from pathlib import Path
from typing import Final

from bench.cases import FIELDS, Case, accuses, asked, cases, right, variants
from report.diagnose import diagnose
from report.diagnosis import Certainty, Verdict
from report.facts import facts
from report.rules.page import read
from report.signatures import vendors

RELIABLE: Final[dict[Certainty, float]] = {"proven": 1.0, "likely": 0.95, "possible": 0.7}
"""Share of verdicts of a certainty that must be right."""
PAGE_MS: Final = 20.0
HEAVY: Final = 10.0
"""How many times the limit of an ordinary page the worst page may take."""
Judged = list[tuple[Case, Verdict]]


def measure(folder: Path) -> bool:
    """Prints all tables; False when a target is missed."""
    judged: dict[str, Judged] = collections.defaultdict(list)
    known = cases(folder)
    for case in known:
        for kind, variant in variants(case):
            judged[kind].append((variant, diagnose(variant.evidence()).verdict))
    held = True
    for kind, pairs in judged.items():
        held &= _scores(kind, pairs)
    held &= _reliability(judged["as recorded"])
    for case, verdict in judged["as recorded"]:
        wrong = [f"{field}: want {case.expected.get(field)!r} got {getattr(verdict, field)!r}"
                 for field in asked(case) if not right(case, verdict, field)]
        if wrong:
            print(f"  {case.id}: {'; '.join(wrong)} [{verdict.certainty}]")
    return _times(known) and held


def _scores(kind: str, pairs: Judged) -> bool:
    """One line of scores, and a line for each false accusation."""
    told = []
    for field in FIELDS:
        answers = [right(case, verdict, field) for case, verdict in pairs if field in asked(case)]
        told.append(f"{field} {sum(answers)}/{len(answers)}")
    accused = [(case, verdict) for case, verdict in pairs if accuses(case, verdict)]
    print(f"{kind:<18}{'  '.join(told)}  false accusations {len(accused)}")
    for case, verdict in accused:
        print(f"  FALSE ACCUSATION {case.id}: {verdict.generator} ({verdict.layer}), {verdict.certainty}")
    return not accused


def _reliability(pairs: Judged) -> bool:
    """What each degree of certainty is worth: right means page, writer, layer and side of the fault all are."""
    held = True
    decisive = ("is_error_page", "generator", "layer", "fault_side")
    print("certainty         count  right  share")
    for certainty in ("proven", "likely", "possible", "undetermined"):
        group = [(case, verdict) for case, verdict in pairs if verdict.certainty == certainty]
        good = sum(all(right(case, verdict, field) for field in asked(case) if field in decisive)
                   for case, verdict in group)
        share = good / len(group) if group else 1.0
        target = RELIABLE.get(certainty)
        kept = target is None or share >= target
        held &= kept
        told = "" if target is None else f"   target {target:.0%}: {'held' if kept else 'MISSED'}"
        print(f"{certainty:<18}{len(group):>5}{good:>7}{share:>7.0%}{told}")
    return held


def _times(known: list[Case]) -> bool:
    """Milliseconds to match one page against all signatures and to read it: ordinary pages, and the worst."""
    vendors()
    times = [_milliseconds(case) for case in known]
    worst = max(_milliseconds(case) for case in monsters())
    held = max(times) <= PAGE_MS and worst <= PAGE_MS * HEAVY
    print(f"one page against all signatures: median {statistics.median(times):.1f} ms, max {max(times):.1f} ms; "
          f"worst of 5 MB, 200,000 lines, random bytes {worst:.1f} ms; targets {PAGE_MS:g} and {PAGE_MS * HEAVY:g} ms: "
          f"{'held' if held else 'MISSED'}")
    return held


def _milliseconds(case: Case) -> float:
    """The best of a few rounds: other work of the machine is not ours."""
    evidence = case.evidence()
    rounds = []
    for _ in range(4):
        started = time.perf_counter()
        seen = facts(evidence, vendors())
        if seen.page:
            read(seen, seen.page)
        rounds.append((time.perf_counter() - started) * 1000)
    return min(rounds)


def monsters() -> list[Case]:
    """Bodies that could make a bad pattern blow up."""
    noise = random.Random(5).randbytes(2_000_000).decode("latin-1")
    bodies = {"5 MB": "<p>a b <center><h1>502 " * 220_000, "200,000 lines": "<html>\r\n<hr><center>x\n" * 100_000,
              "random": noise, "random html": "<html>" + noise, "spaces": "<title>" + " " * 3_000_000,
              "brackets": "<" * 1_000_000}
    pairs = (("Content-Type", "text/html"), ("Server", "x" * 20_000), ("Proxy-Status", ";=\"\\" * 5_000))
    return [Case(name, 502, pairs, body, {}) for name, body in bodies.items()]
