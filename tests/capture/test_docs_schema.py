"""The schemas under docs/ are what the program writes."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import gatewitness

SCHEMAS = Path(__file__).parents[2] / "docs" / "schema"


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command writes now."""
    directory = tmp_path_factory.mktemp("schema")
    done = CliRunner().invoke(gatewitness.app, ["schema", str(directory)])
    assert done.exit_code == 0, done.output
    return directory


def test_the_command_writes_every_schema_of_the_documentation_and_no_other(written: Path) -> None:
    assert {path.name for path in written.iterdir()} == {path.name for path in SCHEMAS.iterdir()}


@pytest.mark.parametrize("name", ["evidence", "manifest", "diagnosis"])
def test_the_documentation_is_not_stale(name: str, written: Path) -> None:
    file = f"{name}.schema.json"
    assert (SCHEMAS / file).read_text() == (written / file).read_text(), "run: gatewitness.py schema"
