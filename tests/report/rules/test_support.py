"""The table of what support asks for, in its order, and the id to quote."""

from report.diagnose import diagnose
from tests import builders as make
from tests.report.examples import EXAMPLES
from tests.report.rules.test_page import CLOUDFLARE, RAY, nginx


def table(facts: object) -> dict[str, str]:
    return {row.label: row.value for row in diagnose(facts).support}  # type: ignore[arg-type]


def test_the_rows_come_in_the_order_in_which_support_asks() -> None:
    request = {"note": "new firewall yesterday", "seen": "a grey page"}
    facts = make.answered(521, [("Server", "cloudflare"), RAY], CLOUDFLARE, request=request)
    assert list(table(facts)) == [
        "URL",
        "Status",
        "Ray ID",
        "Cloudflare location",
        "Answered by",
        "Server header",
        "Time (UTC)",
        "How often",
        "Recent changes (reported)",
        "Seen (reported)",
    ]


def test_values_are_verbatim() -> None:
    rows = table(make.answered(521, [("Server", "cloudflare"), RAY], CLOUDFLARE))
    assert rows["Cloudflare location"] == "FRA"
    assert rows["Time (UTC)"] == "2026-03-04 05:06:07"
    assert rows["Answered by"] == "192.0.2.10:443"


def test_the_relaying_edges_id_is_quoted_when_the_writer_has_none() -> None:
    rows = table(make.answered(502, [RAY, ("CF-Cache-Status", "DYNAMIC")], nginx(502, "Bad Gateway")))
    assert rows["Ray ID"] == RAY[1]


def test_a_generic_id_is_better_than_none() -> None:
    assert table(make.answered(500, [("X-Request-Id", "abc-123")], "oops"))["x-request-id"] == "abc-123"


def test_without_an_answer_the_failures_name_stands_for_the_status() -> None:
    rows = table(make.failed("net::ERR_CONNECTION_REFUSED"))
    assert rows["Status"] == "net::ERR_CONNECTION_REFUSED"
    assert rows["Addresses"] == "192.0.2.10"


def test_a_code_that_only_repeats_the_status_is_left_out() -> None:
    told = 'error code: 1016'
    facts = make.answered(530, [("Server", "cloudflare"), RAY, ("Content-Type", "text/plain; charset=UTF-8")], told)
    assert table(facts)["Vendor's code"] == "1016"
    assert "Vendor's code" not in table(make.answered(521, [("Server", "cloudflare"), RAY], CLOUDFLARE))


def test_without_an_answer_the_resolvers_and_the_certificate_are_quoted() -> None:
    assert table(EXAMPLES["nxdomain"]().evidence)["DNS answer"] == "NXDOMAIN (system), NXDOMAIN (192.0.2.54)"
    rows = table(EXAMPLES["expired"]().evidence)
    assert rows["Certificate"] == "CN=mail.example, serial 04a1"
    assert rows["Issued by"] == "CN=Example Issuing CA 3,O=Example Trust"
    assert rows["Valid until"] == "2026-11-08 07:41:02 UTC"


def test_it_is_counted_how_many_looks_failed_alike() -> None:
    plain = tuple(make.plain(status) for status in (502, 200, 502))
    facts = make.answered(502, [("Server", "nginx")], nginx(502, "Bad Gateway"), plain_http=plain)
    assert table(facts)["How often"] == "1 load by a browser, 2 of 3 plain requests alike"


def test_nothing_is_counted_where_nothing_failed() -> None:
    assert "How often" not in table(make.answered(200, [], "<title>Shop</title><p>Bread</p>"))


def test_where_nobody_answered_the_address_is_not_said_to_have_answered() -> None:
    load = make.page_load(make.exchange(error="net::ERR_CONNECTION_REFUSED", remote_address="192.0.2.10:443"))
    rows = table(make.evidence(load))
    assert (rows["Address"], rows["How often"]) == ("192.0.2.10:443", "1 load by a browser")
    assert "Answered by" not in rows
