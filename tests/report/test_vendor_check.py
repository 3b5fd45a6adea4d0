"""A user's own vendor file: tried, refused with its line, and added to ours."""

from pathlib import Path

import pytest

from report.diagnose import diagnose
from report.signatures import BadSignature, vendors, with_private
from report.vendor_check import check, listing
from tests.builders import answered
from tests.report.test_signatures import GOOD


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A good file."""
    path = tmp_path / "acme.toml"
    path.write_text(GOOD)
    return path


def test_a_good_file_is_told_what_it_matched(file: Path) -> None:
    assert check(file) == ["acme.page: 'made by Acme'", "acme.toml: ok, 1 signatures"]


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ("<p>made by Acme</p>", "<p>made by Bcme</p>", "acme.toml:16: signature.0.sample: acme.page does not match"),
        ('body = "<p>made by Acme</p>"', 'body = "default backend - 404 made by Acme"', "ok"),
        ("body = 'made by Acme'", "body = 'made.*Acme'", "acme.toml:14: signature.0.body"),
    ],
)
def test_the_first_error_names_file_line_and_key(file: Path, before: str, after: str, says: str) -> None:
    file.write_text(GOOD.replace(before, after))
    if says == "ok":
        assert check(file)
        return
    with pytest.raises(BadSignature) as refused:
        check(file)
    assert says in str(refused.value)


def test_a_sample_that_another_vendor_wrote_is_refused(file: Path) -> None:
    file.write_text(GOOD.replace("<p>made by Acme</p>", "<p>made by Acme</p><hr><address>Apache/2.4 at x</address>"
                                 "</head><body>\\n<h1>Oh</h1>"))  # fmt: skip
    with pytest.raises(BadSignature, match="Apache HTTP Server matches it too"):
        check(file)


def test_a_private_vendor_is_recognised_beside_ours(file: Path) -> None:
    known = with_private(file.parent)
    assert len(known) == len(vendors()) + 1
    verdict = diagnose(answered(502, (), "<p>made by Acme</p>"), known=known).verdict
    assert verdict.generator == "acme"


def test_other_vendors_are_other_rules(file: Path) -> None:
    page = answered(502, (), "<p>made by Acme</p>")
    assert diagnose(page, known=with_private(file.parent)).rules_version != diagnose(page).rules_version


def test_one_of_ours_is_replaced_only_by_a_file_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "nginx.toml"
    text = GOOD.replace('slug = "acme"', 'slug = "nginx"')
    path.write_text(text)
    with pytest.raises(BadSignature, match=r"nginx\.toml.*replaces = true"):
        with_private(tmp_path)
    with pytest.raises(BadSignature, match=r"nginx\.toml:2: slug"):
        check(path)
    path.write_text(text.replace('layer = "reverse-proxy"', 'layer = "reverse-proxy"\nreplaces = true'))
    assert check(path)
    vendors.cache_clear()
    assert len(with_private(tmp_path)) == len(vendors())


def test_a_folder_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSignature, match=r"no \.toml file"):
        with_private(tmp_path)


def test_the_listing_has_a_line_for_each_vendor() -> None:
    lines = listing(vendors())
    assert len(lines) == len(vendors())
    assert any(line.split()[0] == "cloudflare" and " cdn " in line for line in lines)
