"""A credential comes from where it is safe, goes to its own origin, and is in no error."""

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backend
import keyring.backends.fail
import keyring.errors
import pytest

from report.deliver import credentials
from report.deliver.base import BadTarget, Credential, Target
from report.deliver.credentials import find
from report.deliver.targets import Named
from tests.report.deliver.fake import Fake

SECRET = "s3cr3t-t0ken"
ORIGIN = "https://desk.example"
NAMED = Named("ops-desk", Target("desk", ORIGIN, "web"))
GIVEN = Named(None, Target("desk", ORIGIN, "web"))


class Desk(Fake):
    """Wants a token."""

    kind, name, credential = "desk", "Desk", "a token with the scope write"
    variables = {"DESK_TOKEN": ORIGIN, "DESK_CI_TOKEN": "$DESK_SERVER"}  # noqa: RUF012 - a ClassVar of the base


class Mail(Fake):
    """Wants a user too."""

    kind, name, credential, needs_user = "mail", "Mail", "user and password", True


class Hook(Fake):
    """Wants nothing."""

    kind, name = "hook", "Hook"


class Ring(keyring.backend.KeyringBackend):
    """A keyring in memory."""

    priority = -1.0  # never chosen by itself
    kept: dict[str, tuple[str, str]]
    locked = False

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept[service][1] if service in self.kept else None

    def get_credential(self, service: str, username: str | None) -> keyring.credentials.Credential | None:
        if self.locked:
            raise keyring.errors.KeyringLocked(SECRET)
        found = self.kept.get(service)
        return keyring.credentials.SimpleCredential(*found) if found else None

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service] = (username, password)


@pytest.fixture(autouse=True)
def ring(monkeypatch: pytest.MonkeyPatch) -> Iterator[Ring]:
    monkeypatch.setattr(credentials, "trackers", lambda: {"desk": Desk, "mail": Mail, "hook": Hook})
    before = keyring.get_keyring()
    made = Ring()  # type: ignore[no-untyped-call]
    made.kept = {}
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "credentials.toml"
    path.write_text(f'["{ORIGIN}"]\ntoken = "{SECRET}"\nuser = "me"\n')
    path.chmod(0o600)
    return path


def test_the_environment_comes_first(file: Path) -> None:
    assert find(NAMED, {"GATEWITNESS_OPS_DESK_TOKEN": "a", "GATEWITNESS_OPS_DESK_USER": "u"}, file) == Credential(
        "a", "u")
    assert find(GIVEN, {"GATEWITNESS_TRACKER_TOKEN": "b"}, file) == Credential("b")
    assert find(GIVEN, {"DESK_TOKEN": "c"}, file) == Credential("c")
    assert find(GIVEN, {"DESK_CI_TOKEN": "d", "DESK_SERVER": f"{ORIGIN}/"}, file) == Credential("d")


def test_a_token_goes_to_its_own_place_only(file: Path) -> None:
    other = Named(None, Target("desk", "https://desk.evil.example", "web"))
    for environment in ({"DESK_TOKEN": "c"}, {"DESK_CI_TOKEN": "d", "DESK_SERVER": ORIGIN}, {"DESK_CI_TOKEN": "d"},
                        {"GATEWITNESS_TOKEN": "the service's own"}, {"GATEWITNESS_OPS_DESK_TOKEN": "x"}):
        with pytest.raises(BadTarget, match="there is no credential"):
            find(other, environment, file)


def test_then_the_file_then_the_keyring(file: Path, tmp_path: Path, ring: Ring) -> None:
    ring.kept[f"gatewitness:{ORIGIN}"] = ("you", "from the ring")
    assert find(NAMED, {}, file) == Credential(SECRET, "me")
    assert find(NAMED, {}, tmp_path / "none") == Credential("from the ring", "you")


def test_two_targets_at_one_origin_have_their_own_by_their_names(file: Path, tmp_path: Path, ring: Ring) -> None:
    other = Named("dev-desk", NAMED.target)
    file.write_text(f'{file.read_text()}\n[dev-desk]\ntoken = "by name"\n')
    assert [find(named, {}, file) for named in (NAMED, other)] == [Credential(SECRET, "me"), Credential("by name")]
    ring.kept.update({f"gatewitness:{ORIGIN}": ("me", "by origin"), "gatewitness:dev-desk": ("me", "by name")})
    assert [find(named, {}, tmp_path / "none") for named in (NAMED, other)] == [
        Credential("by origin", "me"), Credential("by name", "me")]


def test_a_file_that_others_can_read_is_not_read(file: Path) -> None:
    for mode in (0o640, 0o604, 0o660):
        file.chmod(mode)
        with pytest.raises(BadTarget, match="chmod 600"):
            find(NAMED, {}, file)


@pytest.mark.parametrize("text", [f"[{SECRET}", f'["{ORIGIN}"]\ntoken = ["{SECRET}"]', f'["{ORIGIN}"]\nuser = "x"',
                                  f'"{ORIGIN}" = "{SECRET}"'])
def test_a_wrong_file_is_told_without_what_stands_in_it(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(BadTarget) as failed:
        find(NAMED, {}, file)
    assert SECRET not in str(failed.value)


def test_what_is_missing_is_told_with_where_to_put_it(file: Path, tmp_path: Path) -> None:
    none = tmp_path / "none"
    with pytest.raises(BadTarget, match="a token with the scope write; put it into GATEWITNESS_OPS_DESK_TOKEN"):
        find(NAMED, {}, none)
    with pytest.raises(BadTarget, match="GATEWITNESS_TRACKER_TOKEN"):
        find(GIVEN, {}, none)
    assert find(Named(None, Target("hook", "https://hook.example")), {}, none) is None
    with pytest.raises(BadTarget, match="lacks its user"):
        find(Named(None, Target("mail", ORIGIN)), {"GATEWITNESS_TRACKER_TOKEN": "x"}, none)
    with pytest.raises(BadTarget, match="control character"):
        find(GIVEN, {"GATEWITNESS_TRACKER_TOKEN": f"{SECRET}\n"}, none)


def test_a_keyring_that_is_locked_is_told(tmp_path: Path, ring: Ring) -> None:
    ring.locked = True
    with pytest.raises(BadTarget, match="the keyring does not answer: KeyringLocked"):
        find(NAMED, {}, tmp_path / "none")


def test_without_a_keyring_it_goes_on(tmp_path: Path) -> None:
    keyring.set_keyring(keyring.backends.fail.Keyring())  # type: ignore[no-untyped-call]
    with pytest.raises(BadTarget, match="there is no credential"):
        find(NAMED, {}, tmp_path / "none")


def test_no_form_of_it_shows_the_secret() -> None:
    assert SECRET not in repr(Credential(SECRET, "me"))
