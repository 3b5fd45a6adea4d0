"""Signature files are read strictly, and every signature is held against every sample."""

from pathlib import Path

import pytest

from capture.record.evidence import Evidence
from report.citing import Citer
from report.diagnose import diagnose
from report.diagnosis import Citation
from report.facts import facts
from report.signatures import BadSignature, Sample, Signature, Vendor, read, vendors, version
from tests.builders import answered, evidence, exchange, page_load, response


def shown(sample: Sample) -> Evidence:
    """What a capture of a sample would have recorded."""
    if sample.body_kept:
        return answered(sample.status, sample.headers, sample.body)
    return evidence(page_load(exchange(answer=response(sample.status, sample.headers, None))))


ALL = [(vendor, signature) for vendor in vendors() for signature in vendor.signature]
IDS = [signature.id for _, signature in ALL]

GOOD = """
slug = "acme"
name = "Acme gate"
layer = "reverse-proxy"
source = "https://acme.example/errors"
date = 2026-01-02

[[signature]]
id = "acme.page"
shows = "generated"
certainty = "proven"
source = "https://acme.example/errors"
date = 2026-01-02
body = 'made by Acme'

[signature.sample]
status = 502
body = "<p>made by Acme</p>"
"""


def test_a_good_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_text(GOOD)
    assert read(file).signature[0].id == "acme.page"


@pytest.mark.parametrize(
    ("before", "after", "line", "says"),
    [
        ("body = 'made by Acme'", "bodi = 'made by Acme'", 14, "bodi"),
        ("body = 'made by Acme'", "body = 'made.*Acme'", 14, "upper bound"),
        ("body = 'made by Acme'", "body = '502|503'", 14, "or-list"),
        ("body = 'made by Acme'", "status = [502]", 8, "needs a condition"),
        ('shows = "generated"', 'shows = "wrote"', 10, "shows"),
        ('source = "https://acme.example/errors"\ndate = 2026-01-02\nbody', "date = 2026-01-02\nbody", 8, "source"),
        ('[signature.sample]\nstatus = 502\nbody = "<p>made by Acme</p>"', "", 8, "sample"),
        ("body = 'made by Acme'", "body = 'made by Acme'\nfault = \"origin.bored\"", 15, "origin.bored"),
        ('slug = "acme"', 'slug = "other"', 2, "file's name"),
        ('layer = "reverse-proxy"', 'layer = "moon"', 4, "layer"),
        ('name = "Acme gate"', "name = ", 3, "line 3"),
    ],
)
def test_a_bad_file_is_refused_with_file_line_and_key(
    tmp_path: Path, before: str, after: str, line: int, says: str
) -> None:
    file = tmp_path / "acme.toml"
    assert before in GOOD
    file.write_text(GOOD.replace(before, after))
    with pytest.raises(BadSignature) as refused:
        read(file)
    assert str(refused.value).startswith("acme.toml:")
    assert says in str(refused.value)
    assert f":{line}:" in str(refused.value) or f"line {line}" in str(refused.value)


def test_an_id_used_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(GOOD)
    (tmp_path / "bcme.toml").write_text(GOOD.replace('slug = "acme"', 'slug = "bcme"'))
    with pytest.raises(BadSignature, match="already used"):
        vendors(tmp_path)


@pytest.mark.parametrize(("vendor", "signature"), ALL, ids=IDS)
def test_a_signature_matches_its_own_sample(vendor: Vendor, signature: Signature) -> None:
    sample = signature.sample
    found = facts(shown(sample), (vendor,)).matches
    assert signature.id in [match.signature.id for match in found]


@pytest.mark.parametrize(("vendor", "signature"), ALL, ids=IDS)
def test_no_other_vendor_claims_to_have_written_a_sample(vendor: Vendor, signature: Signature) -> None:
    sample = signature.sample
    found = facts(shown(sample), vendors()).matches
    others = [match.signature.id for match in found if match.vendor.slug != vendor.slug]
    assert not [other for other in others if other in WRITERS]


WRITERS = {signature.id for _, signature in ALL if signature.shows != "presence"}


@pytest.mark.parametrize(("vendor", "signature"), ALL, ids=IDS)
def test_every_citation_of_a_samples_diagnosis_stands_where_it_says(vendor: Vendor, signature: Signature) -> None:
    sample = signature.sample
    seen = shown(sample)
    diagnosis = diagnose(seen)
    cites: list[Citation] = [cite for found in diagnosis.findings for cite in found.cites]
    cites += [cite for hop in diagnosis.hops for cite in (*hop.evidence_for, *hop.evidence_against)]
    assert cites
    for cite in cites:
        assert cite.excerpt in Citer(seen).value(cite.pointer)


@pytest.mark.parametrize(("vendor", "signature"), ALL, ids=IDS)
def test_headers_that_only_show_presence_never_name_the_writer(vendor: Vendor, signature: Signature) -> None:
    if signature.shows != "presence":
        assert signature.certainty != "undetermined"
        return
    for status in (200, 404, 500, 502, 503):
        verdict = diagnose(answered(status, signature.sample.headers, "<p>a page of nobody in particular</p>")).verdict
        assert verdict.generator is None


def test_certainty_is_never_proven_for_a_page_whose_headers_are_missing() -> None:
    loose = [s.id for _, s in ALL if s.shows == "generated" and "without" in s.id and s.certainty == "proven"]
    assert loose == []


def test_the_version_changes_when_a_signature_does(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(GOOD)
    before = version(tmp_path)
    version.cache_clear()
    (tmp_path / "acme.toml").write_text(GOOD.replace("Acme gate", "Acme wall"))
    assert version(tmp_path) != before


def test_there_are_sixty_vendors_and_each_of_the_first_issue() -> None:
    slugs = {vendor.slug for vendor in vendors()}
    assert len(slugs) >= 60
    assert slugs >= {
        "nginx",
        "apache",
        "haproxy",
        "varnish",
        "squid",
        "caddy",
        "lighttpd",
        "trafficserver",
        "cloudflare",
        "cloudfront",
        "fastly",
        "akamai",
        "aws-elb",
        "vercel",
        "heroku",
        "envoy",
    }
