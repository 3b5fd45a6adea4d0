"""What the browser got and a request without it did not."""

from report.diagnose import diagnose
from tests import builders as make


def differing(status: int) -> list[str]:
    facts = make.answered(403, (), "<p>no robots please</p>", plain_http=(make.plain(status, (), "hello"),))
    return [found.sentence for found in diagnose(facts).findings if found.code == "http.clients-differ"]


def test_a_browser_that_is_refused_where_a_plain_request_is_not_is_a_finding() -> None:
    assert differing(200) == ["The browser got status 403, the request without a browser (http/1.1 over IPv4) got 200."]


def test_the_same_status_and_a_redirect_are_no_difference() -> None:
    assert differing(403) == []
    assert differing(302) == []
