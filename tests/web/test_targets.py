"""Targets: only those of the file, at another ticket of the same place at most, and a sentence for what is wrong."""

from pathlib import Path

import pytest

from capture.errors import BadInput
from report.deliver.base import Target
from tests.web import desk
from web import targets
from web.config import Config
from web.errors import BadField
from web.store.secrets import Key


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    """A service with two targets."""
    desk.register(monkeypatch)
    return Config(data=tmp_path, targets=desk.targets_file(tmp_path / "targets.toml"))


def test_without_a_file_nothing_can_be_chosen() -> None:
    assert targets.load(Config()) == {}


def test_the_targets_of_the_file_are_those_that_can_be_chosen(config: Config) -> None:
    known = targets.load(config)
    assert {name: (targets.kind(named), named.target.ticket) for name, named in known.items()} == {
        "ops": ("Desk", "12"), "dev": ("Desk", None)}
    assert targets.chosen(known, "ops").target.ticket == "12"
    assert targets.chosen(known, "ops", " #13 ").target.ticket == "13"
    assert targets.chosen(known, "dev").target.ticket is None


@pytest.mark.parametrize(("name", "ticket", "field"), [
    ("", "", "target"), ("prod", "", "target"), ("desk+https://evil.example/tickets/1", "", "target"),
    ("ops", "0", "ticket"), ("ops", "13/../../files", "ticket"), ("ops", "https://evil.example/1", "ticket"),
    ("ops", "1" * 65, "ticket"), ("ops", "١٢", "ticket"), ("dev", "13", "ticket")])
def test_nothing_else_can_be_chosen(config: Config, name: str, ticket: str, field: str) -> None:
    with pytest.raises(BadField) as error:
        targets.chosen(targets.load(config), name, ticket)
    assert error.value.field == field


@pytest.mark.parametrize(("text", "sentence"), [
    ("[ops", "is not TOML"), ('[ops]\nto = "nowhere"\n', "the target 'ops'"),
    ('[ops]\nto = "desk+https://a.example/"\noptions = { x = "y" }\n', "'x' is no option")])
def test_a_wrong_file_is_one_sentence(config: Config, text: str, sentence: str) -> None:
    assert config.targets is not None
    config.targets.write_text(text)
    with pytest.raises(BadInput, match=sentence):
        targets.load(config)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        targets.load(Config(targets=tmp_path / "nothing.toml"))


def test_a_missing_credential_is_told_and_none_is_quoted(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    known = targets.load(config)
    assert list(targets.lacking(config, known)) == []
    monkeypatch.setenv("GATEWITNESS_OPS_TOKEN", f"{desk.TOKEN}\n")
    monkeypatch.delenv("GATEWITNESS_DEV_TOKEN")
    targets.kept(config).write_text("[")
    targets.kept(config).chmod(0o600)
    said = list(targets.lacking(config, known))
    assert [line.partition(":")[0] for line in said] == ["the target 'ops'", "the target 'dev'"]
    assert desk.TOKEN not in str(said)


def test_credentials_lie_in_the_data_directory_unless_named(tmp_path: Path) -> None:
    assert targets.kept(Config(data=tmp_path)) == tmp_path / "credentials.toml"
    assert targets.kept(Config(data=tmp_path, credentials=tmp_path / "other")) == tmp_path / "other"


def test_a_place_is_told_from_others_whatever_its_ticket_and_kept_as_a_hash() -> None:
    key = Key(b"k" * 32)
    first = Target("webhook", "https://hooks.example", "/T000/secret", "1")
    same = Target("webhook", "https://hooks.example", "/T000/secret", "2", {"a": "b"})
    assert targets.place(key, first) == targets.place(key, same)
    assert len({targets.place(key, first), targets.place(Key(b"l" * 32), first),
                targets.place(key, Target("webhook", "https://hooks.example", "/T001/secret"))}) == 3
