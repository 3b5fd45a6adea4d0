"""Chromium's names of failures are translated in one place."""

from report.rules.errors import ERRORS, fault_of


def test_every_name_has_chromiums_form() -> None:
    assert [name for name in ERRORS if not name.startswith("net::ERR_")] == []


def test_the_names_that_visitors_meet_most_are_known() -> None:
    assert fault_of("net::ERR_NAME_NOT_RESOLVED") == "dns.nxdomain"
    assert fault_of("net::ERR_CONNECTION_REFUSED") == "network.connection-refused"
    assert fault_of("net::ERR_CERT_DATE_INVALID") == "tls.expired"
