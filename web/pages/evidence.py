"""Files of a case. In: an id and a name. Out: the file, inactive; a pack as ZIP; the picture of a running capture."""

from contextlib import suppress

from flask import Blueprint, Response, send_file

from web.errors import NotFound
from web.pages import lookup
from web.pages.files import PACKS, zipped
from web.services import services
from web.serving import answer, harden, member
from web.store.files import PICTURE, still_there
from web.store.tables import Case, Job

blueprint = Blueprint("evidence", __name__)


@blueprint.get("/cases/<case_id>/files/<path:name>")
def file(case_id: str, name: str) -> Response:
    """One file that the manifests list."""
    with services().database.reading() as db:
        case = lookup.living(db, case_id)
    return answer(member(services().files, case.id, name), case)


@blueprint.get("/cases/<case_id>/packs/<folder>.zip")
def pack(case_id: str, folder: str) -> Response:
    """Everything for one addressee."""
    with services().database.reading() as db:
        case = lookup.living(db, case_id)
    return packed(case, folder)


def packed(case: Case, folder: str) -> Response:
    """The files of one pack as ZIP; raises NotFound when there is none of that name."""
    files, begin = services().files, f"{PACKS}{folder}/"
    names = [entry.path for entry in files.names(case.id) if entry.path.startswith(begin)]
    if not names:
        raise NotFound("there is no such pack")
    with still_there():
        made = zipped({name.removeprefix(PACKS): files.path(case.id, name) for name in names})
    return harden(send_file(made, mimetype="application/zip", as_attachment=True, max_age=None,
                            download_name=f"{case.number}-{folder}.zip"))


@blueprint.get("/cases/<case_id>/picture")
def picture(case_id: str) -> Response:
    """The screenshot, also of a capture that is still running."""
    files = services().files
    with services().database.reading() as db:
        case = lookup.living(db, case_id)
        job = db.get(Job, case.id)
        fence = job.fence if job else 0
    if not files.is_published(case.id):
        with suppress(NotFound):  # it may be published at this very moment
            return answer(files.picture(case.id, fence), case)
    return answer(files.path(case.id, PICTURE), case)
