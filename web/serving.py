"""Files of a case as answers. In: the folder, a case, a name. Out: a response in which nothing can act.

Whatever came from a page stays inactive: an opaque origin (Content-Security-Policy: sandbox), no guessing of types, and
everything but the dossier and pictures is for saving only. The dossier keeps its own script, named by its hash.
"""

import re
from pathlib import Path
from typing import Final

from flask import Response, send_file

from capture.record.bundle import REPORT
from web.errors import NotFound
from web.store.files import Folder, still_there
from web.store.tables import Case

TYPES: Final = {".pdf": "application/pdf", ".zip": "application/zip", ".json": "application/json",
                ".har": "application/json", ".md": "text/markdown", ".txt": "text/plain"}
"""Of what is saved; everything else, HTML of pages too, is application/octet-stream."""
PICTURES: Final = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
INERT: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"
_DOSSIER: Final = ("sandbox allow-scripts allow-downloads; default-src 'none'; img-src data:;"
                   " style-src 'unsafe-inline'; script-src '{}'; base-uri 'none'; form-action 'none';"
                   " frame-ancestors 'self'")
_SCRIPT: Final = re.compile(rb"script-src (?:'|&#39;)(sha256-[A-Za-z0-9+/]{43}=)")
_HEAD_BYTES: Final = 2_000
"""The policy inside a dossier stands within its first bytes."""


def member(files: Folder, case_id: str, name: str) -> Path:
    """The file of that name; those of the report may be named without their directory. Raises NotFound."""
    try:
        return files.path(case_id, name)
    except NotFound:
        return files.path(case_id, f"{REPORT}/{name}")


def answer(path: Path, case: Case) -> Response:
    """One file, as whoever may see the case gets it; raises NotFound when it has gone since it was found."""
    with still_there():
        if (path.parent.name, path.name) == (REPORT, "dossier.html"):
            return _send(path, case, "text/html", _dossier_policy(path), attached=False)
        if path.suffix in PICTURES:
            return _send(path, case, PICTURES[path.suffix], INERT, attached=False)
        return _send(path, case, TYPES.get(path.suffix, "application/octet-stream"), INERT, attached=True)


def harden(response: Response, policy: str = INERT) -> Response:
    """Headers under which an answer acts on nothing and stays in no cache.

    A document that is sandboxed may not also isolate its opener: browsers refuse the two together
    (https://html.spec.whatwg.org/multipage/browsing-the-web.html, obtain a cross-origin opener policy).
    """
    response.headers["Cross-Origin-Opener-Policy"] = "unsafe-none"
    response.headers["X-Frame-Options"] = "DENY" if "frame-ancestors 'none'" in policy else "SAMEORIGIN"
    response.headers["Content-Security-Policy"] = policy
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["X-Robots-Tag"] = "noindex, noarchive"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _send(path: Path, case: Case, kind: str, policy: str, *, attached: bool) -> Response:
    response = send_file(path, mimetype=kind, as_attachment=attached, etag=False, last_modified=None, max_age=None,
                         download_name=f"{case.number or case.id}-{path.name}")
    return harden(response, policy)


def _dossier_policy(path: Path) -> str:
    """The policy of a dossier with the hash of the script that it was made with; without one no script runs."""
    with path.open("rb") as stream:
        found = _SCRIPT.search(stream.read(_HEAD_BYTES))
    return _DOSSIER.format(found[1].decode("ascii") if found else "none")
