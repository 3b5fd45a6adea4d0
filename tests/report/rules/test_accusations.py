"""Pages that invite a wrong accusation: articles, imitations, spoofed headers, proxies on the visitor's side."""

import pytest

from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from tests import builders as make

RAY = ("CF-RAY", "9a0b1c2d3e4f5099-FRA")
PARAGRAPH = "<p>When a gateway cannot reach what stands behind it, it answers with an error. </p>"
NGINX = "<center><h1>502 Bad Gateway</h1></center>\n<hr><center>nginx/1.27.0</center>"


def page(title: str, body: str) -> str:
    return f"<html><head><title>{title}</title></head><body>{body}</body></html>"


def told(status: int, body: str, *pairs: tuple[str, str]) -> Diagnosis:
    return diagnose(make.answered(status, pairs, body))


@pytest.mark.parametrize(("title", "body"), [
    ("502 Bad Gateway: what it means | Blog", "<h1>502 Bad Gateway</h1><p>A note by Ann about gateways.</p>"),
    ("404 Not Found - HTTP documentation", "<h1>404 Not Found</h1><p>The status code means that nothing is there.</p>"),
    ("HTTP 404", "<h1>404 Not Found</h1><p>The 404 status code indicates that nothing is there.</p>"),
    ("Acme Status", "<h1>All systems operational</h1><p>Jan 3: the website is temporarily unavailable.</p>"),
    ("503 West Hotel Portland", "<h1>Welcome to 503 West</h1><p>Book a room.</p>"),
    ("404 Kitchen &amp; Bar", "<h1>404 Kitchen</h1><p>Opening hours</p>"),
    ("Gallery of error pages", f"<h1>Gallery</h1>{PARAGRAPH * 40}<div>{NGINX}</div>"),
    ("Gallery of error pages", f"<p>This is how nginx looks:</p><div>{NGINX}</div>"),
    ("Elevator maintenance services", "<h1>Scheduled maintenance for elevators</h1>"),
    ("Levi's 501 jeans", "<h1>501 Original</h1><p>Currently unavailable in size 32.</p>"),
])
def test_a_page_about_errors_or_with_a_number_for_a_name_accuses_nobody(title: str, body: str) -> None:
    head = told(200, page(title, body)).verdict
    assert (head.is_error_page, head.generator, head.fault_side, head.fault_code) == (False, None, "unknown", None)


@pytest.mark.parametrize("body", ["Something went wrong. Try again.", "Oops! Something went wrong."])
def test_an_application_that_gave_up_is_not_called_in_order(body: str) -> None:
    head = told(200, page("App", f"<div id=root>{body}</div>")).verdict
    assert (head.is_error_page, head.fault_code, head.certainty) == (True, "app.error", "possible")
    assert "200, though the page tells of an error" in head.summary


def test_a_refusal_that_came_with_success_is_one() -> None:
    head = told(200, page("Access Denied", "<p>Your request was blocked by our security policy.</p>")).verdict
    assert (head.is_error_page, head.fault_side, head.fault_code) == (True, "client", "client.forbidden")


def test_a_soft_error_says_both_numbers() -> None:
    body = page("502 Bad Gateway", NGINX)
    assert "answered 200, though the page says 502:" in told(200, body).verdict.summary


@pytest.mark.parametrize(("status", "body"), [
    (502, page("502 Bad Gateway", "<center><h1>502 Bad Gateway</h1></center><hr><center>cloudflare</center>")),
    (503, page("Closed", "<h1>Our services aren't available right now</h1><p>Please check back soon.</p>")),
])
def test_a_vendors_words_without_its_marks_are_at_most_possible(status: int, body: str) -> None:
    assert told(status, body, ("Server", "gate")).verdict.certainty == "possible"


@pytest.mark.parametrize("status", [520, 521, 522, 525, 526, 530])
def test_a_number_of_cloudflare_without_its_ray_is_not_cloudflares(status: int) -> None:
    head = told(status, page(str(status), "Web server is down"), ("Server", "nginx")).verdict
    assert (head.generator, head.certainty) == (None, "undetermined")


@pytest.mark.parametrize(("pair", "body"), [
    (("X-Cache", "Error from cloudfront"), page("Oops", "<style></style><h1>Something broke in our shop</h1>")),
    (("X-Served-By", "cache-fra-eddf1234-FRA"), page("Oops", "<style></style><h1>Our shop is broken</h1>")),
    (RAY, '{"message": "upstream failed"}'),
    (("Server", "AkamaiGHost"), page("Internal Server Error", "<h1>Internal Server Error</h1>")),
])
def test_an_edge_that_only_left_its_header_wrote_nothing(pair: tuple[str, str], body: str) -> None:
    head = told(500, body, pair).verdict
    assert head.generator in (None, "custom-app")
    assert head.layer == "app"


@pytest.mark.parametrize("status", [407, 511])
def test_a_status_for_networks_is_no_fault_of_the_site(status: int) -> None:
    found = told(status, page("Login", "<p>Log in to this network.</p>"))
    head = found.verdict
    assert (head.layer, head.fault_side, head.fault_code) == ("network", "client", "network.login")
    assert [hop.state for hop in found.hops if hop.layer == "app"] == ["not-reached"]


@pytest.mark.parametrize(("status", "title", "text", "writer", "side"), [
    (403, "Internet Security by Zscaler", "Blocked", "zscaler", "client"),
    (403, "Web Page Blocked", "FortiGuard: Web Page Blocked! Category: Games", "fortigate", "client"),
    (403, "Access Denied", "Access Denied (policy_denied)", "proxysg", "client"),
    (503, "Network Error", "Network Error (dns_unresolved_hostname)", "proxysg", "unknown"),
    (502, "McAfee Web Gateway - Notification", "Cannot connect", "skyhigh", "unknown"),
])
def test_a_proxy_on_the_visitors_side_is_no_fault_of_the_site(
    status: int, title: str, text: str, writer: str, side: str
) -> None:
    found = told(status, page(title, f"<p>{text}</p>"))
    head = found.verdict
    assert (head.generator, head.layer, head.fault_side) == (writer, "network", side)
    assert head.certainty == "likely"
    assert all(hop.state != "faulty" for hop in found.hops)


@pytest.mark.parametrize("error", [
    "net::ERR_INTERNET_DISCONNECTED", "net::ERR_PROXY_CONNECTION_FAILED", "net::ERR_BLOCKED_BY_ADMINISTRATOR",
    "net::ERR_TUNNEL_CONNECTION_FAILED"])
def test_a_request_that_the_visitors_side_stopped_accuses_nobody(error: str) -> None:
    head = diagnose(make.failed(error)).verdict
    assert head.fault_side in ("client", "unknown")
    assert head.certainty == "likely"


def test_squids_header_names_it_whatever_the_template() -> None:
    head = told(503, page("FEHLER", "<p>Die Verbindung schlug fehl.</p>"), ("X-Squid-Error", "ERR_CONNECT_FAIL 111"))
    assert (head.verdict.generator, head.verdict.fault_code) == ("squid", "origin.connection-refused")


def test_a_circle_of_redirects_is_one_whatever_its_pages_look_like() -> None:
    body = page("302 Found", "<center><h1>302 Found</h1></center>\n<hr><center>nginx/1.27.0</center>")
    answer = make.response(302, [("Location", "/"), ("Server", "nginx/1.27.0")], body)
    found = diagnose(make.evidence(make.page_load(make.exchange(answer=answer, error="net::ERR_TOO_MANY_REDIRECTS"))))
    assert (found.verdict.fault_code, found.verdict.is_error_page) == ("network.too-many-redirects", True)
    assert "Connection" not in [hop.name for hop in found.hops]
    assert found.hops[-1].state == "faulty"


def test_a_relays_own_500_does_not_accuse_the_application_alone() -> None:
    body = page("500 Internal Server Error",
                "<center><h1>500 Internal Server Error</h1></center>\n<hr><center>nginx</center>")
    found = told(500, body, ("Server", "nginx"))
    assert (found.verdict.fault_code, found.verdict.fault_side) == ("origin.internal", "origin")
    assert [(hop.name, hop.state) for hop in found.hops[-2:]] == [("nginx", "faulty"), ("Origin", "undetermined")]


def test_the_visitors_own_network_is_drawn_as_the_place_of_the_fault() -> None:
    found = diagnose(make.failed("net::ERR_INTERNET_DISCONNECTED"))
    assert [(hop.name, hop.state) for hop in found.hops] == [("Visitor", "faulty"), ("Server", "not-reached")]
