"""Trackers are found by being there, say what they need, and an address belongs to one of them."""

import re
from pathlib import Path

import pytest

import report.deliver.trackers
from report.deliver.base import BadTarget, Tracker
from report.deliver.targets import parse
from report.deliver.trackers import trackers

GUIDE = Path(__file__).parents[3] / "docs" / "trackers.md"
ADDRESSES = {
    "https://github.com/example/shop/issues/7": "github",
    "https://github.com/example/shop/pull/7#issuecomment-1": "github",
    "https://gitlab.com/example/web/shop/-/issues/7": "gitlab",
    "https://gitlab.com/example/shop/-/merge_requests/7": "gitlab",
    "https://example.atlassian.net/browse/SHOP-7": "jira",
    "https://example.zendesk.com/agent/tickets/7": "zendesk",
    "https://codeberg.org/example/shop/issues/7": "gitea",
    "mailto:help@shop.example": "email",
    "redmine+https://redmine.example/issues/7": "redmine",
    "roundup+https://roundup.example/tracker/issue7": "roundup"}


def test_every_file_is_one_tracker_of_its_name() -> None:
    (folder,) = map(Path, report.deliver.trackers.__path__)
    assert list(trackers()) == sorted(path.stem for path in folder.glob("[!_]*.py"))


@pytest.mark.parametrize("cls", trackers().values(), ids=list(trackers()))
def test_a_tracker_says_what_it_is_and_what_its_options_mean(cls: type[Tracker]) -> None:
    assert cls.name
    assert all(cls.options.values())
    assert all(where for where in cls.variables.values())


@pytest.mark.parametrize(("address", "kind"), ADDRESSES.items())
def test_an_address_belongs_to_one_tracker(address: str, kind: str) -> None:
    assert parse(address).kind == kind


@pytest.mark.parametrize("address", [address for address in ADDRESSES if address.startswith("https:")])
def test_a_host_that_only_looks_like_it_belongs_to_none(address: str) -> None:
    host = address.split("/")[2]
    for alike in (f"{host}.evil.example", f"evil-{'.'.join(host.split('.')[-2:])}", f"evil.example/{host}"):
        with pytest.raises(BadTarget):
            parse(address.replace(host, alike, 1))


def test_the_guide_tells_of_each_and_of_its_options() -> None:
    head, *sections = re.split(r"^## ", GUIDE.read_text(), flags=re.MULTILINE)
    assert head.startswith("# Into the ticket")
    for cls in trackers().values():
        section = next(part for part in sections if cls.name.split()[0].lower() in part.split("\n")[0].lower())
        assert [option for option in cls.options if f"`{option}`" not in section] == [], cls.kind
