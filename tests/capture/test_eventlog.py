"""The append-only log: every line bears the hash of the one before, the limit counts, a rewrite keeps the chain."""

import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from capture.eventlog import EventLog, rewrite


def lines(data: bytes) -> Iterator[dict[str, Any]]:
    """The events; fails where the chain is broken."""
    previous = ""
    for raw in data.split(b"\n")[:-1]:
        event = json.loads(raw)
        assert event["h"] == previous
        previous = hashlib.sha256(raw + b"\n").hexdigest()[:16]
        yield event


def written(path: Path, *events: tuple[str, str, dict[str, Any]], limit: int = 10_000) -> EventLog:
    with EventLog(path, limit, time.monotonic()) as log:
        for event in events:
            log.append(*event)
    return log


def test_every_event_is_one_line_with_the_hash_of_the_line_before(tmp_path: Path) -> None:
    log = written(tmp_path / "log", ("", "Page.a", {"n": 1}), ("0123456789", "Page.b", {}), ("s", "Page.c", {}))
    data = (tmp_path / "log").read_bytes()
    assert [(e["s"], e["m"], e["p"]) for e in lines(data)] == [
        ("", "Page.a", {"n": 1}), ("01234567", "Page.b", {}), ("s", "Page.c", {})]
    assert log.size == len(data)


def test_times_are_seconds_since_the_start_of_the_capture(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log", 1000, time.monotonic() - 5) as log:
        log.append("", "Page.a", {})
    assert 5 <= next(lines((tmp_path / "log").read_bytes()))["t"] < 6


def test_an_event_is_on_the_disk_before_the_next_one_comes(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log", 1000, time.monotonic()) as log:
        log.append("", "Page.a", {})
        assert b"Page.a" in (tmp_path / "log").read_bytes()


def test_a_full_log_only_counts_and_its_chain_goes_on_with_what_fits(tmp_path: Path) -> None:
    big = {"x": "y" * 300}
    log = written(tmp_path / "log", ("", "a", {}), ("", "big", big), ("", "b", {}), limit=200)
    assert [e["m"] for e in lines((tmp_path / "log").read_bytes())] == ["a", "b"]
    assert log.dropped == 1
    assert log.size <= 200


def test_line_breaks_and_odd_characters_of_a_page_stay_inside_their_line(tmp_path: Path) -> None:
    odd = {"x": "a\nb\r\u2028\u2029\x85\x0c\x1c\N{SNOWMAN}\ud800"}
    written(tmp_path / "log", ("", "a", odd), ("", "b", {}))
    data = (tmp_path / "log").read_bytes()
    assert [e["p"] for e in lines(data)] == [odd, {}]
    assert list(lines(rewrite(data, lambda params: params))) == list(lines(data))


def test_a_rewritten_log_is_masked_and_chained_anew(tmp_path: Path) -> None:
    written(tmp_path / "log", ("s", "a", {"x": "secret"}), ("s", "b", {"x": "plain"}))
    before = (tmp_path / "log").read_bytes()
    after = rewrite(before, lambda params: {k: v.replace("secret", "[gone]") for k, v in params.items()})
    told = list(lines(after))
    assert [e["p"]["x"] for e in told] == ["[gone]", "plain"]
    assert [(e["t"], e["s"], e["m"]) for e in told] == [(e["t"], e["s"], e["m"]) for e in lines(before)]
    assert told[1]["h"] != json.loads(before.splitlines()[1])["h"]


def test_an_empty_log_stays_empty() -> None:
    assert rewrite(b"", lambda params: params) == b""
