"""The table of faults is complete: whatever a rule or a vendor names is in it, and every sentence can be filled in."""

import re
import string

import pytest

from report.faults import BY_STATUS, FAULTS, by_status, filled
from report.rules.dns import BY_RCODE
from report.rules.errors import ERRORS, fault_of
from report.rules.network import BY_FRAMING, BY_OUTCOME
from report.rules.standards import PROXY_ERRORS
from report.rules.tls import BY_PROBLEM

CHANGES = re.compile(
    r"(?i)(?:^|[:;,] |\band |\bthen )"
    r"(?:undo|renew|restart|reload|clear|flush|unregister|deploy again|install (?:a|the|its)|issue (?:a|the)|"
    r"configure the|correct the|enable|raise|switch)\b")
"""Words of advice that changes something."""

NAMED = {
    *ERRORS.values(),
    *BY_STATUS.values(),
    *BY_RCODE.values(),
    *BY_OUTCOME.values(),
    *BY_FRAMING.values(),
    *(kind.fault for kind in PROXY_ERRORS.values() if kind.fault),
    *BY_PROBLEM.values(),
}


def test_every_fault_that_a_rule_names_is_in_the_table() -> None:
    assert NAMED - set(FAULTS) == set()


@pytest.mark.parametrize("code", FAULTS)
def test_a_faults_texts_only_ask_for_words_that_are_there(code: str) -> None:
    fault = FAULTS[code]
    others = [text for other in fault.alternatives for text in (other.sentence, other.decided_by or "")]
    for text in (fault.sentence, fault.repair, *fault.next, fault.unknown or "", *others):
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= {"who", "host", "status", "detail"}


@pytest.mark.parametrize("code", FAULTS)
def test_what_changes_something_comes_after_what_only_looks(code: str) -> None:
    changes = [bool(CHANGES.search(step)) for step in FAULTS[code].next if not step.startswith("Load")]
    assert changes == sorted(changes)


def test_a_writer_without_a_name_is_written_small_inside_a_sentence() -> None:
    assert filled("{who} fails. {who} knows {who}.", who="The server") == (
        "The server fails. The server knows the server that answered.")
    assert filled("{who} and {who}", who="nginx") == "nginx and nginx"
    assert filled("Ask {who} for {host}.", who="The site", host="{who}") == "Ask the site for {who}."


@pytest.mark.parametrize("code", FAULTS)
def test_a_fault_below_http_names_its_layer(code: str) -> None:
    family = code.partition(".")[0]
    assert (FAULTS[code].layer is not None) == (family in ("dns", "network", "tls"))


def test_a_status_without_more_has_its_usual_meaning() -> None:
    assert [by_status(code) for code in (200, 302, 404, 418, 502, 599)] == [
        None,
        None,
        "client.not-found",
        "client.bad-request",
        "origin.bad-gateway",
        "app.error",
    ]


def test_an_unknown_failure_is_not_given_a_meaning() -> None:
    assert fault_of("net::ERR_SOMETHING_NEW") == "network.failed"
    assert fault_of("net::ERR_CERT_SOMETHING_NEW") == "tls.invalid"
