"""How the service is set up: what wins over what, and a sentence for everything that is wrong."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from capture.errors import BadInput
from web.config import Config, is_loopback, load


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "gatewitness.toml"
    path.write_text('port = 9000\nqueue_length = 9\nallow_networks = ["10.0.0.0/8", "fd00::/8"]\n')
    return path


def test_nothing_set_is_a_service_for_this_machine_alone() -> None:
    config = load({}, {})
    assert config == Config()
    assert (config.host, config.port, config.allow_networks, config.proxies) == ("127.0.0.1", 8502, (), 0)
    assert is_loopback(config)
    assert config.workers >= 1


def test_options_win_over_variables_and_variables_over_the_file(file: Path) -> None:
    variables = {"GATEWITNESS_CONFIG": str(file), "GATEWITNESS_PORT": "9001", "GATEWITNESS_WORKERS": "3"}
    config = load({"workers": 4, "port": None}, variables)
    assert (config.workers, config.port, config.queue_length) == (4, 9001, 9)


def test_a_file_named_as_option_wins_over_one_named_as_variable(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("port = 9009\n")
    assert load({"config": str(other)}, {"GATEWITNESS_CONFIG": str(file)}).port == 9009


def test_lists_are_written_with_commas_in_variables(file: Path) -> None:
    assert load({}, {"GATEWITNESS_ALLOW_NETWORKS": "10.0.0.0/8, ,fd00::/8,"}) == load({"allow_networks": (
        "10.0.0.0/8", "fd00::/8")}, {})
    assert load({"config": file}, {}).allow_networks == ("10.0.0.0/8", "fd00::/8")
    assert load({}, {"GATEWITNESS_TRUSTED_HOSTS": "shop.example"}).trusted_hosts == ("shop.example",)


def test_other_variables_are_not_ours() -> None:
    assert load({}, {"GATEWITNESS_BROWSER": "/usr/bin/chromium", "PORT": "1", "HOME": "/"}) == Config()


@pytest.mark.parametrize(("options", "variables", "sentence"), [
    ({"port": 70000}, {}, "the setting port is wrong: Input should be less than or equal to 65535"),
    ({}, {"GATEWITNESS_PORT": "http"}, "the setting port is wrong: Input should be a valid integer"),
    ({"workers": 0}, {}, "the setting workers is wrong"),
    ({"wrokers": 2}, {}, "the setting wrokers is wrong: Extra inputs are not permitted"),
    ({}, {"GATEWITNESS_MIN_FREE_BYTES": "-1"}, "the setting min_free_bytes is wrong"),
    ({"session_hours": 0}, {}, "the setting session_hours is wrong"),
    ({}, {"GATEWITNESS_ALLOW_NETWORKS": "10.0.0.0/8,10.0.0.1/8"},
     "the setting allow_networks is wrong: '10.0.0.1/8' is not a network in CIDR form"),
])
def test_a_wrong_value_is_named(options: dict[str, object], variables: dict[str, str], sentence: str) -> None:
    with pytest.raises(BadInput) as caught:
        load(options, variables)
    assert str(caught.value).startswith(sentence)


def test_a_wrong_key_in_the_file_is_named(file: Path) -> None:
    file.write_text("prot = 1\n")
    with pytest.raises(BadInput, match="the setting prot is wrong"):
        load({"config": str(file)}, {})


@pytest.mark.parametrize(("data", "sentence"), [
    (b"port = ", "is not TOML"), (b"\xff", "is not TOML"), (None, "cannot be read: No such file or directory")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, data: bytes | None, sentence: str) -> None:
    path = tmp_path / "gatewitness.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(BadInput, match=sentence) as caught:
        load({"config": str(path)}, {})
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("host", "loopback"), [
    ("127.0.0.1", True), ("127.8.9.10", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
    ("192.0.2.1", False), ("localhost.example", False), ("", False), ("127.0.0.1.example", False)])
def test_only_an_address_of_this_machine_is_loopback(host: str, loopback: bool) -> None:
    """Whatever is not known to be loopback asks for a login."""
    assert is_loopback(Config(host=host)) is loopback


def test_it_does_not_change() -> None:
    with pytest.raises(ValidationError):
        Config().port = 1  # type: ignore[misc]
