"""A target is what people copy or name; everything else is told in one sentence."""

from dataclasses import replace
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import pytest

from report.deliver import targets
from report.deliver.base import BadTarget, Target
from report.deliver.targets import Named, find, is_here, origin, parse, read
from tests.report.deliver.fake import Fake


class Desk(Fake):
    """A tracker at a host of its own, or at any."""

    kind, name = "desk", "Desk"
    options = {"public": "yes: customers see it"}  # noqa: RUF012 - a ClassVar of the base

    @classmethod
    def recognise(cls, url: SplitResult) -> Target | None:
        return cls.recognise_own(url) if url.hostname == "desk.example" else None

    @classmethod
    def recognise_own(cls, url: SplitResult) -> Target | None:
        place, _, ticket = url.path.strip("/").partition("/")
        return Target("desk", origin(url), place, ticket or None) if place else None


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "trackers", lambda: {"desk": Desk})


def test_an_address_is_recognised_by_its_host_or_by_the_kind_before_it() -> None:
    assert parse("https://desk.example/web/7") == Target("desk", "https://desk.example", "web", "7")
    assert parse("desk+https://Intra.Example:8443/web") == Target("desk", "https://intra.example:8443", "web")


@pytest.mark.parametrize(("text", "said"), [
    ("https://desk.example.evil.example/web/7", r"does not tell.*desk\+https"),
    ("desk+https://desk.example/", "neither a ticket nor a project of Desk"),
    ("https://user:secret@desk.example/web", "passwords do not stand in it"),
    ("ftp://desk.example/web", "is not a target"),
    ("https://[::1/web", "is not a target"),
    ("other+https://desk.example/web", "is not a target"),
    ("https://nobody.example/in?token=secret", "'https://nobody.example/in' does not tell"),
    ("desk+https://desk.example/?token=secret", "'desk.https://desk.example/' names neither"),
    ("ftp://desk.example/?token=secret#secret", "'ftp://desk.example/' is not a target"),
    ("https://user:se?secret@desk.example/web", "'https://…' is not a target"),
    ("https://nobody.example/in?token=a@secret", "'https://…' does not tell"),
    ("", "is not a target"),
])
def test_what_is_no_target_is_told(text: str, said: str) -> None:
    with pytest.raises(BadTarget, match=said) as failed:
        parse(text)
    assert "secret" not in str(failed.value)


def test_options_come_from_the_environment_too_and_the_nearest_wins(tmp_path: Path) -> None:
    (tmp_path / "targets.toml").write_text('[ops]\nto = "https://desk.example/web"\noptions = { public = "file" }\n'
                                           '[dev]\nto = "https://desk.example/dev"\n')
    named = read(tmp_path / "targets.toml")
    environment = {"GATEWITNESS_DESK_PUBLIC": "variable", "GATEWITNESS_DESK_COLOUR": "red"}
    for name, given, public in (("dev", {}, "variable"), ("ops", {}, "file"), ("ops", {"public": "here"}, "here")):
        assert find(name, named, given, environment).target.options == {"public": public}


def test_a_tracker_settles_its_target_when_the_options_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Desk, "settled", lambda target: replace(target, origin=target.options["public"]))
    assert find("https://desk.example/web", {}, {"public": "smtp://m.example"}, {}).target.origin == "smtp://m.example"


@pytest.mark.parametrize(("host", "here"), [
    ("localhost", True), ("127.0.0.1", True), ("::1", True), ("10.0.0.1", False), ("localhost.evil.example", False),
    ("", False)])
def test_this_machine_is_told_from_others(host: str, here: bool) -> None:
    assert is_here(host) is here


def test_origins_compare() -> None:
    assert origin(urlsplit("HTTPS://Desk.Example:443/x")) == "https://desk.example"
    assert origin(urlsplit("http://[::1]:8080/")) == "http://[::1]:8080"


def test_the_file_names_targets(tmp_path: Path) -> None:
    path = tmp_path / "targets.toml"
    path.write_text('[ops]\nto = "desk+https://intra.example/web"\nnetworks = ["10.0.0.0/8"]\n'
                    'options = { public = "yes" }\n')
    named = read(path)
    target = Target("desk", "https://intra.example", "web", None, {"public": "yes"})
    assert named == {"ops": Named("ops", target, ("10.0.0.0/8",))}
    assert find("ops", named, {"public": "no"}).target.options == {"public": "no"}
    assert find("https://desk.example/web", named) == Named(None, parse("https://desk.example/web"))
    with pytest.raises(BadTarget, match=r"no target named 'opz' \(known: ops\)"):
        find("opz", named)
    with pytest.raises(BadTarget, match="'colour' is no option of desk; there are: public"):
        find("ops", named, {"colour": "red"})


@pytest.mark.parametrize(("text", "said"), [
    ("[Ops]\nto = 'https://desk.example/web'", "no name of a target"),
    ("[ops]\n", "'ops' wants `to`"),
    ("ops = 1", "'ops' wants `to`"),
    ("[ops]\nto = 'https://desk.example/web'\ntoken = 'x'", "'ops' wants `to`"),
    ("[ops]\nto = 'https://desk.example/web'\nnetworks = '10.0.0.0/8'", "networks of the target 'ops'"),
    ("[ops]\nto = 'https://desk.example/web'\noptions = { public = 1 }", "options of the target 'ops'"),
    ("[ops]\nto = 'https://desk.example/web'\noptions = { colour = 'x' }", "target 'ops': 'colour' is no option"),
    ("[ops]\nto = 'https://nobody.example/web'", "target 'ops': .*does not tell"),
    ("[ops", "is not TOML"),
])
def test_a_wrong_file_is_told_by_its_entry(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "targets.toml"
    path.write_text(text)
    with pytest.raises(BadTarget, match=said):
        read(path)
    with pytest.raises(BadTarget, match="cannot be read"):
        read(tmp_path / "none.toml")
