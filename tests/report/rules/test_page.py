"""Who wrote the answered page, whether it is an error, and which fault it tells of."""

import pytest

from report.diagnose import diagnose
from report.diagnosis import Verdict
from tests import builders as make

RAY = ("CF-RAY", "9a0b1c2d3e4f5099-FRA")
CLOUDFLARE = """<!DOCTYPE html><html><head><title>shop.example | 521: Web server is down</title>
<link rel="stylesheet" id="cf_styles-css" href="/cdn-cgi/styles/main.css"></head><body><div id="cf-wrapper">
<div id="cf-error-details"><h1>Web server is down</h1><span>Error code 521</span><p>Cloudflare Ray ID: 9a0b1c2d3e4f5099</p></div></div></body></html>"""  # noqa: E501


def nginx(status: int, name: str) -> str:
    head = f"{status} {name}"
    return (
        f"<html>\r\n<head><title>{head}</title></head>\r\n<body>\r\n<center><h1>{head}</h1></center>\r\n"
        "<hr><center>nginx/1.27.0</center>\r\n</body>\r\n</html>\r\n"
    )


def verdict(status: int, pairs: make.Pairs, body: str) -> Verdict:
    return diagnose(make.answered(status, pairs, body)).verdict


def test_nginx_502_names_the_writer_but_not_the_exact_cause() -> None:
    diagnosis = diagnose(make.answered(502, [("Server", "nginx/1.27.0")], nginx(502, "Bad Gateway")))
    head = diagnosis.verdict
    assert (head.generator, head.layer, head.fault_side) == ("nginx", "reverse-proxy", "origin")
    assert (head.fault_code, head.certainty) == ("origin.bad-gateway", "likely")
    assert head.failing_handoff == ("reverse-proxy", "origin")
    assert len(diagnosis.alternatives) == 3
    assert diagnosis.unknowns


def test_cloudflares_own_page_names_the_code_and_the_ray() -> None:
    head = verdict(521, [("Server", "cloudflare"), RAY], CLOUDFLARE)
    assert (head.generator, head.vendor_code, head.request_id) == ("cloudflare", "521", "9a0b1c2d3e4f5099")
    assert (head.fault_code, head.failing_handoff) == ("origin.connection-refused", ("cdn", "origin"))
    assert head.certainty == "proven"


def test_a_page_that_cloudflare_only_relayed_is_its_writers() -> None:
    head = verdict(504, [("Server", "cloudflare"), RAY, ("CF-Cache-Status", "DYNAMIC")], nginx(504, "Gateway Time-out"))
    assert (head.generator, head.request_id) == ("nginx", "9a0b1c2d3e4f5099-FRA")
    assert head.fault_code == "origin.response-timeout"


def test_the_same_page_without_headers_is_less_sure() -> None:
    assert verdict(521, [], CLOUDFLARE).certainty == "possible"


def test_an_imitation_of_a_vendors_page_is_the_sites_own() -> None:
    fake = CLOUDFLARE.replace(
        '<link rel="stylesheet" id="cf_styles-css" href="/cdn-cgi/styles/main.css">', "<style></style>"
    )
    head = verdict(500, [("Server", "gate")], fake)
    assert (head.generator, head.fault_side, head.certainty) == ("custom-app", "unknown", "possible")


def test_a_vendors_page_quoted_in_json_is_not_that_vendors() -> None:
    quoted = '{"error": "' + CLOUDFLARE.replace('"', '\\"').replace("\n", "") + '"}'
    assert verdict(500, [("Content-Type", "application/json")], quoted).generator is None


def test_an_error_page_served_with_success_is_an_error() -> None:
    head = verdict(200, [("Server", "nginx")], nginx(502, "Bad Gateway"))
    assert (head.is_error_page, head.generator, head.fault_code) == (True, "nginx", "origin.bad-gateway")


def test_a_sites_own_not_found_view_served_with_success_is_an_error_of_its_own() -> None:
    head = verdict(
        200,
        [],
        "<title>Shop</title><h1>Oh no</h1><p>The page you requested could not be found.</p>",
    )
    assert (head.is_error_page, head.generator, head.certainty) == (True, "custom-app", "possible")


@pytest.mark.parametrize(
    "body",
    [
        "<html><head><title>502 Bad Gateway explained</title></head><body><article>"
        + "<p>What a gateway does.</p>" * 20
        + "</article></body></html>",
        "<html><head><title>Status codes</title></head><body>"
        + "<p>404 means not found, 502 bad gateway.</p>" * 60
        + "</body></html>",
        "<html><head><title>Shop</title></head><body><h1>Welcome</h1></body></html>",
    ],
)
def test_a_page_about_errors_is_no_error_page(body: str) -> None:
    head = verdict(200, [], body)
    assert (head.is_error_page, head.layer, head.generator, head.fault_side) == (False, "none", None, "unknown")


def test_a_challenge_is_no_error_page_and_warns_of_our_own_browser() -> None:
    diagnosis = diagnose(make.answered(403, [RAY, ("cf-mitigated", "challenge")], "<title>Just a moment...</title>"))
    head = diagnosis.verdict
    assert (head.is_error_page, head.interstitial, head.fault_side) == (False, "challenge", "client")
    assert diagnosis.warning


def test_a_block_is_an_error_of_the_visitors_side_and_warns_too() -> None:
    page = (
        "<html><head><title>Request Rejected</title></head><body>Your support ID is: 1000200030004000501</body></html>"
    )
    diagnosis = diagnose(make.answered(200, [], page))
    head = diagnosis.verdict
    assert (head.is_error_page, head.interstitial, head.generator) == (True, "block", "f5-bigip")
    assert (head.request_id, head.fault_side) == ("1000200030004000501", "client")
    assert diagnosis.warning


def test_an_error_that_nobody_signed_names_nobody() -> None:
    head = verdict(502, [], "oops")
    assert (head.is_error_page, head.generator, head.certainty) == (True, None, "undetermined")


def test_a_dressed_error_page_is_the_sites_own() -> None:
    page = "<title>Lost</title><style>p{color:red}</style><p>This basket is empty forever.</p>"
    assert verdict(404, [], page).generator == "custom-app"


def test_a_database_error_on_an_applications_page_names_the_database() -> None:
    page = (
        "<br />\n<b>Fatal error</b>:  Uncaught PDOException: SQLSTATE[HY000] [2002] Connection refused in /srv/a.php:3"
    )
    head = verdict(500, [("X-Powered-By", "PHP/8.3.0")], page)
    assert (head.generator, head.layer, head.fault_code) == ("php-app", "database", "app.database")


@pytest.mark.parametrize(("took", "fault"), [(3.0, "origin.no-valid-answer"), (60_010.0, "origin.response-timeout")])
def test_apaches_words_for_a_broken_read_are_told_apart_by_the_wait(took: float, fault: str) -> None:
    page = """<!DOCTYPE HTML PUBLIC "-//IETF//DTD HTML 2.0//EN">
<html><head>
<title>502 Proxy Error</title>
</head><body>
<h1>Proxy Error</h1>
<p>Reason: <strong>Error reading from remote server</strong></p>
<hr>
<address>Apache/2.4.66 Server at shop.example Port 80</address>
</body></html>"""
    load = make.page_load(
        make.exchange(answer=make.response(502, [("Server", "Apache/2.4.66")], page), duration_ms=took)
    )
    head = diagnose(make.evidence(load)).verdict
    assert (head.generator, head.fault_code) == ("apache", fault)
    assert head.certainty != "proven"


def test_an_empty_answer_is_judged_by_its_headers_and_not_by_the_browsers_own_page() -> None:
    answer = make.response(502, [("Server", "Caddy"), ("Content-Length", "0")], "")
    page = make.page_load(
        make.exchange(answer=answer), title="shop.example", text="This page isn't working. HTTP ERROR 502"
    )
    head = diagnose(make.evidence(page)).verdict
    assert (head.generator, head.fault_code) == ("caddy", "origin.bad-gateway")


def test_the_body_is_taken_from_the_plain_request_when_the_browser_kept_none() -> None:
    load = make.page_load(make.exchange(answer=make.response(502, [("Server", "nginx")], None)))
    plain = make.plain(502, [("Server", "nginx")], nginx(502, "Bad Gateway"))
    diagnosis = diagnose(make.evidence(load, plain_http=(plain,)))
    assert diagnosis.verdict.generator == "nginx"
    assert "/plain_http/0/hops/0/text" in [cite.pointer for found in diagnosis.findings for cite in found.cites]


def test_two_surest_writers_at_once_make_neither_of_them_sure() -> None:
    both = nginx(502, "Bad Gateway") + '<!-- ERR_READ_ERROR --><div id="footer">(squid)</div>'
    assert verdict(502, [], both).certainty == "possible"


def test_what_a_server_refuses_itself_is_proven_and_what_stands_behind_it_is_not() -> None:
    assert verdict(404, [("Server", "nginx")], nginx(404, "Not Found")).certainty == "proven"
    assert verdict(504, [("Server", "nginx")], nginx(504, "Gateway Time-out")).certainty == "likely"
