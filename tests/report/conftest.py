"""Dossiers shared by the tests of the report: built once a session, never changed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from capture import chromium
from report.dossier import Dossier, build
from tests.report.examples import EXAMPLES


@pytest.fixture(scope="session")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    """The dossier of a Cloudflare 522 with everything, diagnosed for real."""
    directory = tmp_path_factory.mktemp("cloudflare")
    EXAMPLES["cloudflare_522"]().seal(directory)
    return build(directory)


@pytest.fixture(scope="session")
def long_dossier(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    """The dossier of the example with too much of everything."""
    directory = tmp_path_factory.mktemp("long")
    example = EXAMPLES["long_host"]()
    example.seal(directory)
    return build(directory, diagnosis=example.diagnosis)


@pytest.fixture(scope="session")
def bundle_dir(dossier: Dossier) -> Path:
    """The bundle directory of the first."""
    return dossier.paths["dossier.html"].parent.parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser of this machine."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium.find().path, args=["--no-sandbox"])
        yield launched
        launched.close()
