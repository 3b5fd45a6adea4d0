"""Why a certificate or a handshake failed: the browser names the family, the handshake without it the exact reason."""

import pytest

from report.diagnose import diagnose
from tests import builders as make


@pytest.mark.parametrize(
    ("error", "problem", "fault"),
    [
        ("net::ERR_CERT_DATE_INVALID", "expired", "tls.expired"),
        ("net::ERR_CERT_DATE_INVALID", "not-yet-valid", "tls.not-yet-valid"),
        ("net::ERR_CERT_COMMON_NAME_INVALID", "wrong-name", "tls.wrong-name"),
        ("net::ERR_CERT_AUTHORITY_INVALID", "self-signed", "tls.self-signed"),
        ("net::ERR_CERT_AUTHORITY_INVALID", "untrusted-root", "tls.untrusted-root"),
        ("net::ERR_CERT_AUTHORITY_INVALID", "incomplete-chain", "tls.incomplete-chain"),
    ],
)
def test_the_exact_reason_comes_from_the_chain_as_sent(error: str, problem: str, fault: str) -> None:
    diagnosis = diagnose(make.failed(error, tls=(make.tls(problem),)))
    verdict = diagnosis.verdict
    assert (verdict.fault_code, verdict.layer, verdict.fault_side) == (fault, "tls", "tls")
    assert [hop.state for hop in diagnosis.hops if hop.layer == "tls"] == ["faulty"]
    assert "/tls/0/problems/0" in [cite.pointer for cite in diagnosis.findings[0].cites]


def test_the_reason_that_the_browser_named_comes_first_of_several() -> None:
    both = make.tls("wrong-name", "self-signed")
    diagnosis = diagnose(make.failed("net::ERR_CERT_AUTHORITY_INVALID", tls=(both,)))
    assert diagnosis.verdict.fault_code == "tls.self-signed"
    assert "tls.wrong-name" in [found.code for found in diagnosis.findings]


def test_without_a_probe_the_browsers_word_stands_alone() -> None:
    assert diagnose(make.failed("net::ERR_CERT_AUTHORITY_INVALID")).verdict.fault_code == "tls.untrusted-root"


def test_a_failed_handshake_cites_what_the_library_said() -> None:
    probe = make.tls(outcome="alert", error="handshake_failure", chain=(), trusted=None, name_matches=None)
    diagnosis = diagnose(make.failed("net::ERR_SSL_VERSION_OR_CIPHER_MISMATCH", tls=(probe,)))
    assert diagnosis.verdict.fault_code == "tls.protocol"
    assert "/tls/0/error" in [cite.pointer for cite in diagnosis.findings[0].cites]


def test_an_expired_certificate_says_since_when() -> None:
    old = make.certificate(not_after=make.NOW.replace(year=2025))
    summary = diagnose(
        make.failed("net::ERR_CERT_DATE_INVALID", tls=(make.tls("expired", chain=(old,)),))
    ).verdict.summary
    assert "2025-03-04" in summary


def test_a_problem_that_remains_with_the_users_own_roots_is_the_fact() -> None:
    facts = make.failed("net::ERR_CERT_AUTHORITY_INVALID", tls=(make.tls("expired"),))
    assert diagnose(facts).verdict.fault_code == "tls.expired"
