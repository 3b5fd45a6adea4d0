"""The page in the browser: every row of the table of what Chromium reports gives the right facts."""

from pathlib import Path

import pytest

from tests.brokensite import BrokenSite
from tests.capturing import HASTY, PATIENT, captured, main_exchange
from tests.dnsserver import DnsServer
from tests.tlssite import TlsSite

pytestmark = pytest.mark.browser

# row, how the load ended, status of the document, failure of the document
ROWS = [
    ("ok", "load", 200, None),
    ("empty-500", "load", 500, None),
    ("empty-404", "load", 404, None),
    ("basic-401", "load", 401, None),
    ("no-content-204", "no-content", 204, None),
    ("reset-content-205", "no-content", 205, None),
    ("not-modified-304", "no-content", 304, None),
    ("download", "download", 200, None),
    ("pdf", "load", 200, None),
    ("redirect-loop", "failed", 302, "net::ERR_TOO_MANY_REDIRECTS"),
    ("redirect-21", "failed", 302, "net::ERR_TOO_MANY_REDIRECTS"),
    ("redirect-19", "load", 200, None),
    ("redirect-no-location", "load", 302, None),
    ("redirect-to-file", "failed", 302, "net::ERR_UNSAFE_REDIRECT"),
    ("redirect-to-data", "failed", 302, "net::ERR_UNSAFE_REDIRECT"),
    ("redirect-to-javascript", "no-content", 302, None),
    ("redirect-bad-location", "failed", None, "net::ERR_INVALID_REDIRECT"),
    ("redirect-unsafe-port", "failed", None, "net::ERR_UNSAFE_PORT"),
    ("garbage", "failed", None, "net::ERR_INVALID_HTTP_RESPONSE"),
    ("ssh-banner", "failed", None, "net::ERR_INVALID_HTTP_RESPONSE"),
    ("http-0.9", "failed", None, "net::ERR_INVALID_HTTP_RESPONSE"),
    ("empty-reply", "failed", None, "net::ERR_EMPTY_RESPONSE"),
    ("early-hints-only-103", "failed", None, "net::ERR_EMPTY_RESPONSE"),
    ("reset", "failed", None, "net::ERR_CONNECTION_RESET"),
    ("truncated-chunk", "broken-off", 200, "net::ERR_INCOMPLETE_CHUNKED_ENCODING"),
    ("bad-chunk-size", "broken-off", 200, "net::ERR_INVALID_CHUNKED_ENCODING"),
    ("length-too-long", "broken-off", 200, "net::ERR_CONTENT_LENGTH_MISMATCH"),
    ("length-too-short", "load", 200, None),
    ("two-lengths", "failed", None, "net::ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_LENGTH"),
    ("two-locations", "failed", None, "net::ERR_RESPONSE_HEADERS_MULTIPLE_LOCATION"),
    ("two-dispositions", "failed", None, "net::ERR_RESPONSE_HEADERS_MULTIPLE_CONTENT_DISPOSITION"),
    ("huge-headers", "failed", None, "net::ERR_RESPONSE_HEADERS_TOO_BIG"),
    ("nul-in-header", "failed", None, "net::ERR_INVALID_HTTP_RESPONSE"),
    ("bad-gzip", "broken-off", 200, "net::ERR_CONTENT_DECODING_FAILED"),
    ("bad-br", "broken-off", 200, "net::ERR_CONTENT_DECODING_FAILED"),
    ("truncated-gzip", "load", 200, None),
    ("unknown-encoding", "load", 200, None),
    ("status-999", "load", 999, None),
    ("status-42", "load", 42, None),
    ("never-answers", "commit-timeout", None, None),
    ("half-header", "commit-timeout", None, None),
    ("drip", "load-timeout", 200, None),
    ("utf-16", "load", 200, None),
    ("latin-1-no-charset", "load", 200, None),
]

ENDLESS = {"commit-timeout": HASTY, "load-timeout": HASTY.model_copy(update={"commit_s": PATIENT.commit_s})}
"""Limits for the rows that have no end of their own, by how they are ended."""


@pytest.mark.parametrize(("row", "ended", "status", "error"), ROWS, ids=[row[0] for row in ROWS])
async def test_the_document_is_recorded_as_the_events_say(
    row: str, ended: str, status: int | None, error: str | None, tmp_path: Path
) -> None:
    async with BrokenSite() as site:
        bundle = await captured(site.url(row), tmp_path, limits=ENDLESS.get(ended, PATIENT))
    load = bundle.evidence.pages[0]
    main = main_exchange(load)
    assert (load.ended, main.response.status if main.response else None, load.error) == (ended, status, error)
    assert load.label == "strict"
    assert [(step.name, step.reason) for step in bundle.evidence.steps if step.status in ("failed", "cut-short")] == []


async def test_headers_keep_order_case_and_duplicates(tmp_path: Path) -> None:
    async with BrokenSite() as site:
        bundle = await captured(site.url("ascii-headers"), tmp_path)
    evidence = bundle.evidence
    response = main_exchange(evidence.pages[0]).response
    assert response is not None
    assert response.header_source == "wire"
    assert evidence.plain_http is not None
    assert response.headers == evidence.plain_http[0].hops[-1].headers
    names = [header.name for header in response.headers]
    assert len(names) > len({name.lower() for name in names})
    assert any(name != name.title() and name != name.lower() for name in names)


async def test_a_header_block_that_the_browser_garbles_is_not_called_raw(tmp_path: Path) -> None:
    async with BrokenSite() as site:
        bundle = await captured(site.url("headers"), tmp_path)
    response = main_exchange(bundle.evidence.pages[0]).response
    assert response is not None
    assert response.header_source == "parsed"
    assert {"x-latin", "content-length"} <= {header.name.lower() for header in response.headers}


async def test_the_charset_is_the_one_the_browser_took(tmp_path: Path) -> None:
    async with BrokenSite() as site:
        bundle = await captured(site.url("utf-16"), tmp_path)
    assert bundle.evidence.pages[0].charset == "UTF-16LE"
    assert bundle.evidence.pages[0].title == "Größe"


async def test_a_download_is_named_and_not_kept(tmp_path: Path) -> None:
    async with BrokenSite() as site:
        bundle = await captured(site.url("download"), tmp_path)
    downloads = bundle.evidence.pages[0].downloads
    assert len(downloads) == 1
    assert "/" not in downloads[0].filename
    assert ".." not in downloads[0].filename


@pytest.mark.parametrize("kind", ["expired", "wrong-name", "self-signed", "untrusted-root", "incomplete-chain"])
async def test_behind_a_refused_certificate_a_second_labelled_look_is_taken(kind: str, tmp_path: Path) -> None:
    async with TlsSite(kind) as site:
        bundle = await captured(site.url(""), tmp_path)
    strict, lenient = bundle.evidence.pages
    assert strict.label == "strict"
    assert strict.error is not None
    assert strict.error.startswith("net::ERR_CERT_")
    assert main_exchange(strict).response is None
    assert strict.screenshot is not None
    assert strict.screenshot.blank is False
    assert lenient.label == "lenient"
    response = main_exchange(lenient).response
    assert response is not None
    assert response.status == 200
    purposes = {dial.purpose for dial in bundle.evidence.dials}
    assert {"page", "lenient"} <= purposes


async def test_a_name_that_does_not_exist_is_shown_as_a_visitor_sees_it(tmp_path: Path) -> None:
    with DnsServer({}) as server:
        bundle = await captured("http://gone.shop.example/", tmp_path, system_resolvers=(server.address,))
    strict, native = bundle.evidence.pages
    assert strict.error == "net::ERR_NAME_NOT_RESOLVED"
    assert main_exchange(strict).error == "net::ERR_SOCKS_CONNECTION_FAILED"
    assert native.label == "native"
    assert native.screenshot is not None
    assert native.screenshot.blank is False
    assert all(dial.started_at < native.started_at for dial in bundle.evidence.dials if dial.purpose == "page")


async def test_a_refused_connection_is_told_by_the_guard_and_pictured(tmp_path: Path) -> None:
    bundle = await captured("http://127.0.0.1:1029/", tmp_path)
    strict, native = bundle.evidence.pages
    assert strict.error == "net::ERR_CONNECTION_REFUSED"
    assert (native.label, native.screenshot and native.screenshot.blank) == ("native", False)


async def test_headers_of_the_user_go_to_the_pages_own_host_and_are_not_kept(tmp_path: Path) -> None:
    from capture.record.base import Header

    async with BrokenSite() as site:
        bundle = await captured(site.url("ok"), tmp_path, headers=(Header(name="X-Probe", value="canary-4711-value"),))
    load = bundle.evidence.pages[0]
    sent = {header.name.lower(): header.value for header in main_exchange(load).request_headers}
    assert sent["x-probe"].startswith("[redacted:")
    assert bundle.evidence.request.header_names == ("X-Probe",)
    assert all(b"canary-4711-value" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


async def test_a_drip_is_cut_at_its_limit_and_the_limit_is_named(tmp_path: Path) -> None:
    async with BrokenSite() as site:
        bundle = await captured(site.url("drip"), tmp_path, limits=ENDLESS["load-timeout"])
    assert [hit.limit for hit in bundle.evidence.limits_hit if hit.limit == "load_s"] == ["load_s"]
    assert bundle.evidence.pages[0].text
