"""What hops announce by standard becomes findings and hops, cited from the very line."""

from report.diagnose import diagnose
from report.diagnosis import Diagnosis
from tests import builders as make


def told(status: int, *pairs: tuple[str, str]) -> Diagnosis:
    return diagnose(make.answered(status, pairs, "<p>sorry</p>", url="http://shop.example/"))


def codes(diagnosis: Diagnosis) -> list[str]:
    return [found.code for found in diagnosis.findings if found.code.startswith("http.")]


def test_the_proxy_that_names_its_error_is_a_hop_and_quoted() -> None:
    line = 'edge.example; error=connection_refused; next-hop="10.0.0.7"; details="no listener"'
    diagnosis = told(502, ("Proxy-Status", line))
    assert diagnosis.verdict.fault_code == "origin.connection-refused"
    finding = next(found for found in diagnosis.findings if found.code == "http.proxy-status")
    assert "edge.example says" in finding.sentence
    assert "10.0.0.7" in finding.sentence
    assert "no listener" in finding.sentence
    assert [(hop.name, hop.detail) for hop in diagnosis.hops if hop.name == "edge.example"] == [
        ("edge.example", "connection refused")
    ]


def test_an_error_out_of_a_cache_says_that_the_origin_may_work_again() -> None:
    diagnosis = told(503, ("Cache-Status", "Inner; fwd=miss; fwd-status=503, Outer; hit; ttl=30"))
    assert codes(diagnosis) == ["http.forward-status", "http.cached-error"]
    assert "for 30 s more" in diagnosis.findings[-1].sentence


def test_a_good_page_out_of_a_cache_is_no_finding() -> None:
    assert codes(told(200, ("Cache-Status", "Outer; hit"))) == []


def test_the_slowest_hop_that_gives_its_time_is_named() -> None:
    diagnosis = told(504, ("Server-Timing", "edge;dur=3, origin;dur=30012, db;dur=1200"))
    assert "origin took 30012 ms" in diagnosis.findings[-1].sentence
    assert codes(told(504, ("Server-Timing", "edge;dur=3"))) == []


def test_where_browsers_report_failures_is_told_to_the_owner() -> None:
    report_to = '{"group":"g","max_age":60,"endpoints":[{"url":"https://reports.example/"}]}'
    diagnosis = told(502, ("NEL", '{"report_to":"g","max_age":60}'), ("Report-To", report_to))
    assert codes(diagnosis) == ["http.network-error-logging"]
    assert "https://reports.example/" in diagnosis.findings[-1].sentence


def test_a_vendor_that_is_known_otherwise_is_not_a_second_hop() -> None:
    pairs = (("X-Nf-Request-Id", "01ABCDEFGHJKMNPQRSTVWXYZ00"), ("Cache-Status", '"Netlify Edge"; fwd=miss'))
    assert [hop.name for hop in told(502, *pairs).hops if "etlify" in hop.name] == ["Netlify"]
