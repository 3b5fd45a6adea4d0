"""The same request without a browser. In: the URL. Out: one PlainHttp for each protocol and address family.

HTTP/1.1 is spoken as raw bytes, over IPv4 and over IPv6 where the name has such addresses, so that header lines keep
order, case and duplicates and the body's framing can be judged; HTTP/2 once, when TLS offers it. Certificates are the
TLS step's matter and never stop a request here. Each hop of a redirect is admitted and dialled by the guard.
"""

import asyncio
import time
from collections import defaultdict

import ada_url

from capture.context import Context
from capture.http1 import Answer
from capture.record.network import PlainHop, PlainHttp
from capture.steps import hop
from capture.steps.hop import Family, Hop, Protocol

REDIRECTS = (301, 302, 303, 307, 308)
"""Statuses whose Location a browser follows (RFC 9110 section 15.4)."""

PATIENCE = 3
"""A chain is not followed further after this many times limits.probe_s."""

Cookies = defaultdict[tuple[str, str], dict[str, str]]


async def run(context: Context) -> tuple[PlainHttp, ...]:
    """Makes the requests at the same time; a name without address gives one hop that says so."""
    resolution = await context.resolver.addresses(context.host)
    families: list[Family] = list(dict.fromkeys(hop.family_of(address) for address in resolution.addresses))
    chains: list[tuple[Protocol, Family]] = [("http/1.1", family) for family in families or ["ipv4"]]
    if context.scheme == "https":
        # The libraries take a while to load, and the browser is being driven by this same loop.
        await asyncio.to_thread(_load)
        chains += [("h2", family) for family in families[:1]]
    found = await asyncio.gather(*(_chain(context, protocol, family) for protocol, family in chains))
    return tuple(plain for plain in found if plain is not None)


def _load() -> None:
    from capture import http2, tls_stream

    tls_stream.lenient_client(("h2", "http/1.1"))
    assert http2.STREAM


async def _chain(context: Context, protocol: Protocol, family: Family) -> PlainHttp | None:
    """Follows redirects to the limit; None when h2 was wanted and is not spoken."""
    hops: list[PlainHop] = []
    cookies: Cookies = defaultdict(dict)
    url: str | None = context.url
    patience = time.monotonic() + PATIENCE * context.limits.probe_s
    while url is not None and len(hops) <= context.limits.redirects and time.monotonic() < patience:
        step = Hop(url, family, protocol, Answer(context.limits))
        step.cookies = "; ".join(f"{name}={value}" for name, value in cookies[step.scheme, step.host].items())
        if not await hop.perform(context, step, only_h2=protocol == "h2" and not hops):
            return None
        hops.append(hop.record(context, step))
        _remember(step, cookies[step.scheme, step.host])
        url = _next(step)
    if url is not None and len(hops) > context.limits.redirects:
        context.hit("redirects", f"a plain request followed {context.limits.redirects} redirects and no more")
    elif url is not None:
        context.hit(
            "probe_s", f"redirects of a plain request were followed for {PATIENCE * context.limits.probe_s:g} s"
        )
    return PlainHttp(protocol=protocol, family=family, hops=tuple(hops))


def _remember(step: Hop, cookies: dict[str, str]) -> None:
    """Keeps cookies for the next hops, because sites redirect to themselves to see whether they come back.

    They go to the same scheme and host alone; attributes are not looked at, the chain is too short for them.
    """
    for line in step.answer.values("set-cookie"):
        name, found, value = line.partition(";")[0].partition("=")
        if found and line.isprintable():
            cookies[name.strip()] = value.strip()


def _next(step: Hop) -> str | None:
    """Where a redirect leads; None when there is none, or none that a plain client follows.

    Bytes beyond ASCII are read as UTF-8, as browsers do; user name and password of a location are not sent.
    """
    places = step.answer.values("location")
    if step.answer.status not in REDIRECTS or not places:
        return None
    try:
        url = ada_url.URL(places[0].encode("latin-1", "replace").decode("utf-8", "replace"), base=step.url)
    except ValueError:
        return None
    if url.protocol not in ("http:", "https:"):
        return None
    url.username = url.password = url.hash = ""
    return url.href
