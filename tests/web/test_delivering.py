"""A tracker is opened through the guard, and no credential goes over the network in the clear."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from capture.errors import Refused
from report.deliver import credentials
from report.deliver.base import BadTarget, Credential, Door, Target, Tracker
from report.deliver.targets import Named, origin
from tests.report.deliver.fake import Fake
from web import delivering
from web.delivering import opened, settings


class Desk(Fake):
    """Takes what it is given."""

    kind, credential = "desk", "a token"

    def __init__(self, target: Target, credential: Credential | None, door: Door) -> None:
        Tracker.__init__(self, target, credential, door)


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (credentials, delivering):
        monkeypatch.setattr(module, "trackers", lambda: {"desk": Desk})


def named(address: str, *networks: str) -> Named:
    return Named(None, Target("desk", origin(urlsplit(address))), networks)


def test_it_has_target_credential_and_patience(tmp_path: Path) -> None:
    with opened(named("https://desk.example"), tmp_path / "none", patience_s=7.0,
                environment={"GATEWITNESS_TRACKER_TOKEN": "x"}) as tracker:
        assert tracker.secret is not None
        assert (tracker.target.origin, tracker.secret.secret, tracker.door.patience_s) == (
            "https://desk.example", "x", 7.0)


@pytest.mark.parametrize(("networks", "more"), [((), ("127.0.0.0/8",)), (("127.0.0.0/8",), ())])
def test_networks_are_those_of_the_target_and_those_that_were_named(
        tmp_path: Path, networks: tuple[str, ...], more: tuple[str, ...]) -> None:
    token = {"GATEWITNESS_TRACKER_TOKEN": "x"}
    with opened(named("http://127.0.0.1:9"), tmp_path / "none", environment=token) as tracker:
        with pytest.raises(Refused):
            tracker.door.client.get("http://127.0.0.1:9/")
        with pytest.raises(Refused):
            tracker.door.dial("127.0.0.1", 9, 1.0)
    with opened(named("http://127.0.0.1:9", *networks), tmp_path / "none", more, environment=token) as tracker:
        with pytest.raises(OSError, match="refused"):
            tracker.door.dial("127.0.0.1", 1024, 5.0)


def test_a_credential_does_not_go_in_the_clear(tmp_path: Path) -> None:
    token = {"GATEWITNESS_TRACKER_TOKEN": "s3cr3t"}
    for address in ("http://desk.example", "http://10.0.0.7:8080", "http://localhost.evil.example"):
        with pytest.raises(BadTarget, match="in the clear") as failed, opened(named(address), tmp_path / "none",
                                                                             environment=token):
            pytest.fail("it was opened")
        assert "s3cr3t" not in str(failed.value)
    for address in ("http://localhost:1", "http://127.0.0.1", "http://[::1]:8080"):
        with opened(named(address), tmp_path / "none", environment=token):
            pass


def test_the_users_own_files_have_their_place() -> None:
    assert settings({"XDG_CONFIG_HOME": "/c", "HOME": "/h"}) == Path("/c/gatewitness")
    assert settings({"HOME": "/h"}) == Path("/h/.config/gatewitness")
