"""The whole diagnosis: pure, quick, light to import, and silent about what it does not know."""

import subprocess
import sys
import time

from report.diagnose import diagnose
from report.signatures import vendors
from tests import builders as make
from tests.report.rules.test_page import nginx

PAGE = make.answered(502, [("Server", "nginx")], nginx(502, "Bad Gateway"))


def test_the_same_evidence_gives_the_same_bytes() -> None:
    assert diagnose(PAGE).model_dump_json() == diagnose(PAGE).model_dump_json()


def test_the_hash_of_the_file_is_taken_over_when_it_is_known() -> None:
    assert diagnose(PAGE, sha256="ab" * 32).evidence_sha256 == "ab" * 32
    assert len(diagnose(PAGE).evidence_sha256) == 64


def test_a_private_set_of_vendors_can_be_given() -> None:
    assert diagnose(PAGE, known=()).verdict.generator is None


def test_one_diagnosis_takes_less_than_fifty_milliseconds() -> None:
    vendors()
    diagnose(PAGE)
    took = []
    for _ in range(5):
        started = time.process_time()
        diagnose(PAGE)
        took.append(time.process_time() - started)
    assert sorted(took)[2] < 0.05


def test_a_large_page_does_not_cost_more_than_the_bound() -> None:
    big = make.answered(502, [("Server", "nginx")], "<p>line</p>\n" * 200_000)
    diagnose(PAGE)
    started = time.process_time()
    diagnose(big, sha256="0")
    assert time.process_time() - started < 0.5


def test_importing_it_loads_no_browser_no_printer_and_no_web_framework() -> None:
    heavy = "playwright weasyprint flask httpx cryptography PIL jinja2"
    code = f"import report.diagnose, sys; print(*[m for m in {heavy.split()} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""
