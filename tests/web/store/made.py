"""Rows and files for tests of the store. In: a directory. Out: a store, users, and bundles as workers leave them."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from capture.record import codec, seal
from capture.record.bundle import REPORT, BundleWriter
from capture.record.evidence import Evidence
from report.diagnose import diagnose
from report.sealed import ReportManifest
from tests.builders import answered
from tests.web.store.tables import open_database
from web.config import Config
from web.store import ids, secrets
from web.store.database import Database, now
from web.store.files import Folder
from web.store.results import DIAGNOSIS
from web.store.secrets import Key
from web.store.submit import Submission, submit
from web.store.tables import Case, User

URL = "https://shop.example/checkout"


@dataclass(frozen=True)
class Store:
    """Everything below web/store on one directory."""

    config: Config
    database: Database
    files: Folder
    key: Key

    def submit(self, owner_id: str, **given: Any) -> Case:
        """Asks for a capture in a transaction of its own."""
        asked = Submission(**{"owner_id": owner_id, "source": "form", "url": URL, **given})
        with self.database.transaction() as db:
            return submit(db, self.config, self.files, self.key, asked)

    def configured(self, **given: Any) -> "Store":
        """The same store, set up otherwise."""
        return replace(self, config=self.config.model_copy(update=given))


@dataclass(frozen=True)
class Somebody:
    """A principal, as far as the store knows one."""

    user_id: str
    role: str = "member"


def open_store(data: Path) -> Store:
    """A store with its tables, in which nothing is."""
    config = Config(data=data, min_free_bytes=0, target_host_per_minute=1000)
    database, files = open_database(data), Folder(data)
    files.prepare()
    return Store(config, database, files, secrets.load(data))


def add_user(db: Session, name: str, role: str = "member") -> str:
    """A user without a password; returns the id."""
    user = User(id=ids.new_id(), name=name, role=role, created_at=now(db))
    db.add(user)
    db.flush()
    return user.id


def fill(directory: Path, facts: Evidence | None = None) -> None:
    """A bundle with the least report: what a worker leaves behind."""
    facts = facts or answered(502, [("Server", "nginx/1.25.3")],
                              "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1>"
                              "</center><hr><center>nginx/1.25.3</center></body></html>", url=URL)
    writer = BundleWriter(directory)
    writer.add("screenshot.png", b"not really a picture")
    bundle = writer.seal(facts)
    data = codec.dump(diagnose(facts))
    report = directory / REPORT
    (report / "packs" / "owner").mkdir(parents=True)
    (report / DIAGNOSIS).write_bytes(data)
    (report / "packs" / "owner" / "letter.md").write_bytes(b"Dear owner")
    inside = [seal.entry(DIAGNOSIS, data), seal.entry("packs/owner/letter.md", b"Dear owner")]
    (report / seal.MANIFEST).write_bytes(codec.dump(ReportManifest.over(bundle.manifest, inside)))
