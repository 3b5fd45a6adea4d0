"""`attach`: one sentence and an exit status for everything that can come of it."""

import json
from pathlib import Path

import pytest

import gatewitness
from report.deliver import credentials, targets
from report.deliver.base import BadTarget, DeliveryFailed, Target
from report.dossier import build
from tests.report.deliver.fake import Fake
from tests.report.examples import EXAMPLES
from web import delivering

TICKET = "desk+https://desk.example/7"


class Desk(Fake):
    """One ticket, kept between two commands."""

    kind = "desk"
    held: Fake

    @classmethod
    def recognise(cls, url: object) -> Target | None:
        return Target("desk", "https://desk.example", "here", "1")


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Fake:
    """What the command talks to."""
    held = Desk()
    monkeypatch.setattr(Desk, "__new__", lambda cls, *_: held)
    monkeypatch.setattr(Desk, "__init__", lambda *_: None)
    for module in (targets, credentials, delivering):
        monkeypatch.setattr(module, "trackers", lambda: {"desk": Desk})
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return held


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("case") / "c"
    EXAMPLES["cloudflare_522"]().seal(directory)
    build(directory, pdf=False)
    return directory


def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit status and everything that was printed, through the front door."""
    monkeypatch.setattr("sys.argv", ["gatewitness", "attach", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        gatewitness.main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


def test_it_says_where_the_dossier_is_now(desk: Fake, case: Path, monkeypatch: pytest.MonkeyPatch,
                                          capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(monkeypatch, capsys, case, "--to", TICKET, "--link", "https://gw.example/s/1")
    assert status == 0
    assert said.startswith("Delivered: https://fake.example/1\n  GW-")
    assert "https://gw.example/s/1" in desk.tickets["1"][1]
    status, said = run(monkeypatch, capsys, case, "--to", TICKET, "--json")
    assert (status, json.loads(said)["what"]) == (0, "there already")


def test_a_check_writes_nothing(desk: Fake, case: Path, monkeypatch: pytest.MonkeyPatch,
                                capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, capsys, case, "--to", TICKET, "--check") == (0, "Fake takes it, as us.\n")
    assert desk.calls == ["check"]


def test_a_name_of_the_targets_file_will_do(desk: Fake, case: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                            capsys: pytest.CaptureFixture[str]) -> None:
    home = tmp_path / "config" / "gatewitness"
    home.mkdir(parents=True)
    (home / "targets.toml").write_text(f'[ops]\nto = "{TICKET}"\n')
    assert run(monkeypatch, capsys, case, "--to", "ops")[0] == 0
    other = tmp_path / "other.toml"
    other.write_text(f'[desk]\nto = "{TICKET}"\n')
    assert run(monkeypatch, capsys, case, "--to", "ops", "--targets", other) == (
        2, "gatewitness: there is no target named 'ops' (known: desk); the address of a ticket will do too\n")


@pytest.mark.parametrize(("error", "status"), [
    (BadTarget("no such option"), 2), (DeliveryFailed("it was refused (403)"), 5), (KeyboardInterrupt(), 130)])
def test_every_failure_has_its_status(desk: Fake, case: Path, monkeypatch: pytest.MonkeyPatch,
                                      capsys: pytest.CaptureFixture[str], error: BaseException, status: int) -> None:
    desk.faults["check"] = [(error, False)]  # type: ignore[list-item]
    came, said = run(monkeypatch, capsys, case, "--to", TICKET)
    assert (came, said.count("\n")) == (status, 1)
    assert said.startswith("gatewitness: ")
    assert str(error) in said


@pytest.mark.parametrize(("arguments", "said"), [
    (("--option", "public"), "--option wants NAME=VALUE"),
    (("--option", "colour=red"), "'colour' is no option of desk"),
    (("--link", "javascript:x"), "--link wants an address"),
    (("--targets", "none.toml"), "none.toml cannot be read"),
    (("--allow-network", "10.0.0.0/99"), "not a network"),
])
def test_what_makes_no_sense_is_told(desk: Fake, case: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str) -> None:
    status, printed = run(monkeypatch, capsys, case, "--to", TICKET, *arguments)
    assert (status, said in printed, desk.calls) == (2, True, [])


def test_what_is_no_bundle_is_told(desk: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                   capsys: pytest.CaptureFixture[str]) -> None:
    status, said = run(monkeypatch, capsys, tmp_path, "--to", TICKET)
    assert (status, "is not a bundle" in said) == (5, True)
