"""The app as a whole."""

import subprocess
import sys
from pathlib import Path

from flask.logging import default_handler

from tests.web.serving import Served
from web.logs import Plain

ROOT = Path(__file__).parents[2]


def test_pages_and_api_are_there(service: Served) -> None:
    rules = {rule.rule for rule in service.app.url_map.iter_rules()}
    assert {"/", "/import", "/cases", "/cases/<case_id>", "/groups", "/s/<token>", "/login", "/logout", "/account",
            "/setup/<token>", "/admin/users", "/admin/audit", "/api/v1/captures", "/healthz"} <= rules


def test_no_route_changes_anything_by_get(service: Served) -> None:
    """Reading and changing are different functions, so a link, a preview or a prefetch changes nothing."""
    both = {rule.rule for rule in service.app.url_map.iter_rules()
            if {"GET", "POST"} <= (rule.methods or set()) or {"GET", "DELETE"} <= (rule.methods or set())}
    assert both == set()


def test_errors_are_logged_in_lines_that_nobody_forges(service: Served) -> None:
    assert isinstance(default_handler.formatter, Plain)


def test_what_only_reads_the_store_loads_no_server() -> None:
    code = "import sys, web.store.submit, web.config; print([n for n in ('flask', 'waitress') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
