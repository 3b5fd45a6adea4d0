"""The chain from the visitor inward, and the state of each hop."""

from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from tests import builders as make
from tests.report.rules.test_page import CLOUDFLARE, RAY, nginx


def chain(diagnosis: Diagnosis) -> list[tuple[str, str]]:
    return [(hop.vendor or hop.name, hop.state) for hop in diagnosis.hops]


def test_a_cdn_that_tells_of_its_origin_works_and_the_origin_does_not() -> None:
    facts = make.answered(521, [("Server", "cloudflare"), RAY], CLOUDFLARE, tls=(make.tls(),))
    assert chain(diagnose(facts)) == [
        ("Visitor", "working"),
        ("DNS", "working"),
        ("TLS", "working"),
        ("cloudflare", "working"),
        ("Origin", "faulty"),
    ]


def test_whoever_relayed_stands_before_the_writer_with_its_place() -> None:
    pairs = [("Server", "cloudflare"), RAY, ("CF-Cache-Status", "DYNAMIC")]
    diagnosis = diagnose(make.answered(502, pairs, nginx(502, "Bad Gateway"), url="http://shop.example/"))
    assert chain(diagnosis) == [
        ("Visitor", "working"),
        ("DNS", "working"),
        ("cloudflare", "working"),
        ("nginx", "working"),
        ("Origin", "faulty"),
    ]
    assert diagnosis.hops[2].detail == "POP FRA"


def test_undetermined_is_never_shown_as_working() -> None:
    facts = make.answered(502, [], "oops", dns=None)
    assert chain(diagnose(facts))[1:] == [
        ("DNS", "undetermined"),
        ("TLS", "undetermined"),
        ("Application", "undetermined"),
    ]


def test_nothing_behind_a_failed_name_was_reached() -> None:
    facts = make.failed("net::ERR_NAME_NOT_RESOLVED", dns=make.dns("shop.example", rcode="NXDOMAIN"))
    assert chain(diagnose(facts)) == [
        ("Visitor", "working"),
        ("DNS", "faulty"),
        ("TLS", "not-reached"),
        ("Server", "not-reached"),
    ]


def test_a_refused_connection_is_a_hop_of_its_own() -> None:
    facts = make.failed("net::ERR_CONNECTION_REFUSED", url="http://shop.example/")
    assert chain(diagnose(facts)) == [
        ("Visitor", "working"),
        ("DNS", "working"),
        ("Connection", "faulty"),
        ("Server", "not-reached"),
    ]


def test_plain_http_has_no_tls_hop() -> None:
    facts = make.answered(200, [], "<p>hello, this is the shop</p>", url="http://shop.example/")
    assert "TLS" not in [hop.name for hop in diagnose(facts).hops]


def test_an_application_that_failed_is_the_faulty_hop_itself() -> None:
    page = "<br />\n<b>Fatal error</b>:  Uncaught Error: x in /srv/a.php:3"
    assert chain(diagnose(make.answered(500, [("Server", "nginx")], page)))[-2:] == [
        ("nginx", "working"),
        ("php-app", "faulty"),
    ]


def test_a_visitor_who_is_blocked_never_reached_the_origin() -> None:
    page = (
        "<html><head><title>Request Rejected</title></head><body>Your support ID is: 1000200030004000501</body></html>"
    )
    assert chain(diagnose(make.answered(200, [], page)))[-2:] == [("f5-bigip", "working"), ("Origin", "not-reached")]


def test_a_proxy_that_only_via_names_is_a_hop_too() -> None:
    facts = make.answered(502, [("Via", "1.1 inner.example, 1.1 outer.example")], "oops", url="http://shop.example/")
    assert chain(diagnose(facts))[2:] == [
        ("outer.example", "working"),
        ("inner.example", "working"),
        ("Application", "undetermined"),
    ]
