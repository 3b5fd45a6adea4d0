"""Cases with real dossiers for tests of the pages. In: an example. Out: rows and files as a runner leaves them."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from report.dossier import build
from tests.report.examples import EXAMPLES
from tests.web.serving import Served
from web.access import users
from web.store import events, jobs, publishing
from web.store.submit import Submission, submit
from web.store.tables import Case

Bundles = Callable[[str], Path]


def bundle(directory: Path, name: str, *, pdf: bool = False) -> Path:
    """The bundle of an example with its dossier."""
    example = EXAMPLES[name]()
    example.seal(directory)
    build(directory, pdf=pdf, diagnosis=None if name == "cloudflare_522" else example.diagnosis)
    return directory


def local_user(served: Served) -> str:
    """Id of the one user of local mode."""
    with served.database.transaction() as db:
        return users.local(db).id


def ask(served: Served, owner_id: str = "", **given: Any) -> Case:
    """A case that waits."""
    asked = {"owner_id": owner_id or local_user(served), "source": "form", "url": "https://shop.example/checkout"}
    with served.database.transaction() as db:
        return submit(db, served.config, served.files, served.key, Submission.model_validate(asked | given))


def begin(served: Served) -> tuple[str, int]:
    """Claims the next case; its id and fence."""
    with served.database.transaction() as db:
        job = jobs.claim(db, "a test")
        assert job is not None
        return job.case_id, job.fence


def tell(served: Served, case_id: str, kind: events.Kind, **data: Any) -> int:
    """One line of progress; its id."""
    with served.database.transaction() as db:
        return events.append(db, case_id, kind, data).id


def finish(served: Served, bundles: Bundles, name: str, case_id: str, fence: int) -> None:
    """Publishes an example as the result."""
    shutil.copytree(bundles(name), served.files.staged_directory(case_id, fence), dirs_exist_ok=True)
    assert publishing.publish(served.database, served.files, case_id, fence)


def add(served: Served, bundles: Bundles, name: str = "cloudflare_522", owner_id: str = "", **given: Any) -> Case:
    """A case that has ended with the dossier of an example."""
    url = EXAMPLES[name]().evidence.request.url
    case = ask(served, owner_id, **{"url": url, **given})
    finish(served, bundles, name, *begin(served))
    with served.database.reading() as db:
        return db.get_one(Case, case.id)
