"""docs/api.md: its commands work as they stand, and its table of errors is whole."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.web import desk
from tests.web.api.calls import URL, Api, listening
from tests.web.serving import Served
from web.api.kinds import KINDS, type_of

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
COMMANDS = [line.strip() for line in PAGE.read_text().splitlines() if re.match(r"    (api|curl) ", line)]
FUNCTION = next(line.strip() for line in PAGE.read_text().splitlines() if line.startswith("    api() "))


@pytest.fixture
def service(service: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """The service with a target of the name that the page uses."""
    desk.register(monkeypatch)
    return service.configured(targets=desk.targets_file(tmp_path / "targets.toml"))


@pytest.fixture
def address(service: Served) -> Iterator[str]:
    """Where the service listens."""
    with listening(service.app) as found:
        yield found


def test_the_table_of_errors_is_whole() -> None:
    rows = re.findall(r"^\| `(/api/v1/#[a-z-]+)` \| (\d+) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(type_of(kind.title), str(kind.status), kind.meaning) for kind in KINDS]


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="needs curl and bash")
def test_every_command_works(service: Served, address: str, tmp_path: Path) -> None:
    token = service.token(service.add_user("admin"), "read", "capture", "admin")
    api = Api(service, service.app.test_client(), token)
    for name in ("page.har", "screenshot.png"):
        (tmp_path / name).write_bytes(b"{}")
    assert len(COMMANDS) > 12
    for command in COMMANDS:
        where = api.ask(URL) if "/cancel" in command else api.ended(URL)
        share = api.post(f"{where}/shares").get_json().get("id", "")
        delivery = (api.post(f"{where}/deliveries", json={"target": "ops"}).get_json()["id"]
                    if "$DELIVERY" in command else "")
        done = subprocess.run(
            ["bash", "-c", f"{FUNCTION}\n{command.replace('dossier.zip', 'diagnosis.json')}"], cwd=tmp_path,
            check=False, capture_output=True, text=True, timeout=120, env={
                "PATH": os.environ["PATH"], "GATEWITNESS_SERVER": address, "ID": where.rpartition("/")[2],
                "SHARE": share, "DELIVERY": delivery,
                "GATEWITNESS_TOKEN": token["Authorization"].removeprefix("Bearer ")})
        assert (done.returncode, done.stderr) == (0, ""), f"{command}\n{done.stdout}"
        if "-o " not in command and "/metrics" not in command:
            assert json.loads(done.stdout), command
