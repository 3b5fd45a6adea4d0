"""What attacks have in common. In: a service. Out: its routes with ids filled in, marks of other sites, bad cases."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from report.dossier import build
from tests.report.test_html import poisoned
from tests.web.pages.made import ask, begin
from tests.web.serving import Served
from web.store import publishing
from web.store.tables import Case

FOREIGN = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
           "Origin": "https://evil.example"}
"""How browsers mark what a page of another site sends."""
OLD_BROWSER = {"Origin": "https://evil.example"}
"""The same of browsers without Fetch Metadata."""
SANDBOXED = {"Origin": "null"}
"""The same of a frame without an origin, such as one that shows what was captured."""
SCRIPT = "<script>alert(1)</script>"
HOSTILE = f"\"'>{SCRIPT}<img src=x onerror=alert(1)>{{{{ 7*7 }}}}</title></textarea></style>javascript:alert(1)"


def routes(served: Served, method: str, *, api: bool, **ids: str) -> list[str]:
    """Every path that takes the method, with ids in the place of what it asks for."""
    found = []
    for rule in served.app.url_map.iter_rules():
        if method in (rule.methods or ()) and rule.rule.startswith("/api/") == api and rule.endpoint != "static":
            path = rule.rule.replace("<path:", "<")
            for name in rule.arguments:
                path = path.replace(f"<{name}>", ids.get(name, "0" * 26))
            found.append(path)
    return sorted(found)


def about_cases(paths: list[str], case_id: str) -> Iterator[str]:
    """Those of the paths that are about that case."""
    return (path for path in paths if case_id in path)


def hostile_case(served: Served, directory: Path, text: str = HOSTILE, owner_id: str = "", **given: Any) -> Case:
    """A case whose page filled every field with the text."""
    example = poisoned(text)
    made = directory / "hostile"
    example.seal(made)
    build(made, pdf=False, diagnosis=example.diagnosis)
    case = ask(served, owner_id, note=text, seen=text, log=text, **given)
    shutil.copytree(made, served.files.staged_directory(*begin(served)))
    assert publishing.publish(served.database, served.files, case.id, 1)
    with served.database.reading() as db:
        return db.get_one(Case, case.id)
