"""Failures in the words of many clients."""

import pytest

from capture.importers.failures import error_of, exit_name, name_of, problems_of
from report.rules.errors import ERRORS


@pytest.mark.parametrize(("said", "name"), [
    ("Could not resolve host: shop.example", "net::ERR_NAME_NOT_RESOLVED"),
    ("NS_ERROR_UNKNOWN_HOST", "net::ERR_NAME_NOT_RESOLVED"),
    ("A server with the specified hostname could not be found.", "net::ERR_NAME_NOT_RESOLVED"),
    ("connect to 192.0.2.1 port 443 failed: Connection refused", "net::ERR_CONNECTION_REFUSED"),
    ("Failed to connect to a.example port 443 after 130 ms: Connection timed out", "net::ERR_CONNECTION_TIMED_OUT"),
    ("SSL certificate problem: self-signed certificate in certificate chain", "net::ERR_CERT_AUTHORITY_INVALID"),
    ("SSL_ERROR_BAD_CERT_DOMAIN", "net::ERR_CERT_COMMON_NAME_INVALID"),
    ("OpenSSL SSL_connect: SSL_ERROR_SYSCALL in connection to a.example:443", "net::ERR_CONNECTION_CLOSED"),
    ("HTTP/2 stream 1 was not closed cleanly: INTERNAL_ERROR (err 2)", "net::ERR_HTTP2_PROTOCOL_ERROR"),
    ("net::ERR_SOMETHING_NEW at https://a.example/", "net::ERR_SOMETHING_NEW"),
    ("Signaling end of chunked upload via terminating chunk.", None), ("Connected to a.example", None), ("", None)])
def test_words_become_names(said: str, name: str | None) -> None:
    assert name_of(said) == name


def test_unknown_words_stay() -> None:
    assert error_of("  die Verbindung\nist weg ") == "die Verbindung ist weg"
    assert error_of(" ") is None
    assert error_of("x" * 5_000) == "x" * 400


@pytest.mark.parametrize(("said", "problems"), [
    ("certificate has expired (10)", ("expired",)), ("self-signed certificate (18)", ("self-signed",)),
    ("self-signed certificate in certificate chain (19)", ("untrusted-root",)),
    ("unable to get local issuer certificate (20)", ())])
def test_a_certificate_has_only_the_problem_that_is_named(said: str, problems: tuple[str, ...]) -> None:
    assert problems_of(said) == problems


def test_every_exit_status_that_has_a_name_has_a_known_one() -> None:
    named = {exit_name(status) for status in range(100)} - {None}
    assert {"net::ERR_NAME_NOT_RESOLVED", "net::ERR_EMPTY_RESPONSE"} <= named
    # Of proxies the report has nothing to say but that it failed.
    assert named - set(ERRORS) <= {"net::ERR_PROXY_CONNECTION_FAILED"}
