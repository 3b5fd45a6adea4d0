"""What one handshake says of every kind of TLS server."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography import x509

from capture.policy import Policy
from capture.record.network import TlsProbe
from capture.record.request import Limits
from capture.steps import tls
from tests.capture.steps.conftest import Make
from tests.certs import issued, root_pem
from tests.tlssite import TlsSite

HOSTS = "127.0.0.1 shop.test\n"
QUICK = Limits(probe_s=0.5, connect_s=0.5)
"""For a server that never says anything."""


async def probes(make: Make, kind: str, **options: Any) -> tuple[TlsProbe, ...]:
    """The probes of a site that shop.test leads to, with the test's root trusted."""
    options = {"hosts": HOSTS, "extra_roots": (root_pem(),)} | options
    async with TlsSite(kind) as site:
        found = await tls.run(make(f"https://shop.test:{site.port}/", **options))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "problems", "trusted", "matches", "sent"),
    [
        ("ok", (), True, True, 2),
        ("expired", ("expired",), False, True, 2),
        ("not-yet-valid", ("not-yet-valid",), False, True, 2),
        ("wrong-name", ("wrong-name",), True, False, 2),
        ("expired-wrong-name", ("expired", "wrong-name"), False, False, 2),
        ("self-signed", ("self-signed",), False, True, 1),
        ("untrusted-root", ("untrusted-root",), False, True, 2),
        ("incomplete-chain", ("incomplete-chain",), False, True, 1),
        ("sha1", ("weak-signature",), True, True, 2),
    ],
)
async def test_every_certificate_is_judged(
    make: Make, kind: str, problems: tuple[str, ...], trusted: bool, matches: bool, sent: int
) -> None:
    probe = (await probes(make, kind))[0]
    assert (probe.outcome, probe.error) == ("completed", None)
    assert (probe.problems, probe.trusted, probe.name_matches) == (problems, trusted, matches)
    assert len(probe.chain) == sent


async def test_a_root_that_is_not_in_the_store_makes_the_chain_incomplete(make: Make) -> None:
    assert (await probes(make, "ok", extra_roots=()))[0].problems == ("incomplete-chain",)


async def test_the_handshake_is_described(make: Make) -> None:
    probe = (await probes(make, "ok"))[0]
    assert (probe.server_name, probe.version, probe.alpn, probe.ocsp_staple) == (
        "shop.test",
        "TLSv1.3",
        "http/1.1",
        False,
    )
    assert (probe.cipher or "").startswith("TLS_")
    assert probe.handshake_ms is not None
    assert probe.handshake_ms > 0


async def test_the_chain_is_kept_as_sent(make: Make) -> None:
    async with TlsSite("ok") as site:
        context = make(f"https://shop.test:{site.port}/", hosts=HOSTS)
        found = await tls.run(context)
    assert found is not None
    leaf, middle = found[0].chain
    assert (leaf.subject, leaf.issuer) == ("CN=shop.test,O=Test Authority", middle.subject)
    assert leaf.names == ("shop.test", "localhost", "127.0.0.1", "::1")
    assert (leaf.key, leaf.signature_algorithm, leaf.self_signed) == ("EC secp256r1", "ecdsa-with-SHA256", False)
    kept = x509.load_der_x509_certificate((context.writer.directory / (leaf.artifact or "")).read_bytes())
    assert kept == issued("ok").chain[0]


async def test_the_first_address_is_also_asked_without_a_name(make: Make) -> None:
    named, nameless = await probes(make, "sni-only")
    assert (named.server_name, named.outcome) == ("shop.test", "completed")
    assert (nameless.server_name, nameless.outcome) == (None, "alert")
    assert "unrecognized name" in (nameless.error or "")


async def test_an_address_is_matched_and_never_sent_as_a_name(make: Make) -> None:
    async with TlsSite("ok") as good, TlsSite("wrong-name") as wrong:
        matching = await tls.run(make(good.url(""), extra_roots=(root_pem(),)))
        other = await tls.run(make(wrong.url(""), extra_roots=(root_pem(),)))
    assert matching is not None
    assert other is not None
    assert [(probe.server_name, probe.problems) for probe in (*matching, *other)] == [
        (None, ()),
        (None, ("wrong-name",)),
    ]


async def test_an_old_version_is_described_and_not_failed(make: Make) -> None:
    probe = (await probes(make, "tls-1.0"))[0]
    assert (probe.outcome, probe.version) == ("completed", "TLSv1")


@pytest.mark.parametrize(
    ("kind", "outcome", "said"),
    [
        ("plaintext", "not-tls", "wrong version number"),
        ("talks-first", "not-tls", "wrong version number"),
        ("alert", "alert", "handshake failure"),
        ("silent", "timed-out", ""),
        ("closes", "closed", "EOF"),
    ],
)
async def test_every_failed_handshake_is_told_apart(make: Make, kind: str, outcome: str, said: str) -> None:
    probe = (await probes(make, kind, limits=QUICK if outcome == "timed-out" else None))[0]
    assert probe.outcome == outcome
    assert said in (probe.error or "")
    assert (probe.chain, probe.trusted, probe.name_matches, probe.version) == ((), None, None, None)


async def test_a_refused_port_and_a_refused_address_are_not_a_tls_failure(make: Make) -> None:
    async with TlsSite("ok") as site:
        pass
    gone = await tls.run(make(site.url("")))
    closed = await tls.run(make(site.url(""), policy=Policy()))
    assert gone is not None
    assert closed is not None
    assert (gone[0].outcome, gone[0].error) == ("failed", "ECONNREFUSED")
    assert (closed[0].outcome, closed[0].error) == ("policy", "loopback 127.0.0.0/8")


async def test_http_has_no_tls_and_a_name_without_address_no_probe(make: Make) -> None:
    assert await tls.run(make("http://shop.test/", hosts=HOSTS)) is None
    assert await tls.run(make("https://nowhere.test/")) == ()


async def test_extra_roots_that_are_none_are_our_failure(make: Make) -> None:
    context = make("https://shop.test/", hosts=HOSTS)
    bad = replace(context, request=context.request.model_copy(update={"extra_roots": ("no certificate",)}))
    with pytest.raises(ValueError, match="PEM"):
        await tls.run(bad)
