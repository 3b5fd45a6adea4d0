"""No page, however made, stops the matcher or makes it slow."""

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.cases import Case
from bench.recognition import monsters
from report.citing import Citer
from report.diagnose import diagnose
from report.facts import facts
from report.signatures import vendors
from tests import builders as make

PIECES = tuple(
    """<html>|\r\n|<head><title>502 |</title></head>|<body bgcolor="white">|<center><h1>|</h1></center>|
<hr><center>nginx|</center>|<address>Apache|Guru Meditation|XID: 1|Details: cache-|error code: 522|id="cf-wrapper"|
{"message":"|"}|Reference #|18.0.1.|<Error><Code>|</Code>|Incapsula incident ID: |1-2-|&#32;|&#x0;|<script>|<!--|-->|
upstream connect error|ERR_|</body></html>|XXXXXXXXXXXXXXXX|503 Service Unavailable|é|\0|              """.split("|")
)
NAMES = tuple(
    "Server Via X-Cache CF-RAY Proxy-Status Cache-Status Set-Cookie Content-Type X-Squid-Error Server-Timing NEL "
    "Report-To Link X-Served-By".split()
)
text = st.one_of(st.text(max_size=200), st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
lines = st.lists(st.tuples(st.sampled_from(NAMES), text), max_size=8)
WORST_S = 0.2
"""Ten times what an ordinary page may take (bench/recognition.py)."""


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(status=st.integers(100, 599), pairs=lines, body=text)
def test_whatever_answers_is_diagnosed_and_every_citation_stands_where_it_says(
    status: int, pairs: list[tuple[str, str]], body: str
) -> None:
    seen = make.answered(status, pairs, body)
    diagnosis = diagnose(seen)
    cites = [cite for found in diagnosis.findings for cite in found.cites]
    cites += [cite for hop in diagnosis.hops for cite in (*hop.evidence_for, *hop.evidence_against)]
    assert all(cite.excerpt in Citer(seen).value(cite.pointer) for cite in cites)


@pytest.mark.parametrize("case", monsters(), ids=lambda case: case.id)
def test_no_body_makes_a_pattern_blow_up(case: Case) -> None:
    seen = case.evidence()
    spent = time.process_time()
    facts(seen, vendors())
    assert time.process_time() - spent < WORST_S
