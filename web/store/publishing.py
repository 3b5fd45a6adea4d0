"""Where files and rows meet. In: a staged case and its fence. Out: published once, or nothing; what is left over goes.

The order makes every crash harmless. Files are flushed, then, in one transaction that holds the fence, moved to their
place and told to the database. A crash in between leaves files without a row: `reap` or the next holder adopts them.
"""

import contextlib

from sqlalchemy import or_, select

from capture.record.bundle import BundleError
from capture.record.codec import UnreadableRecord
from web.store import deliveries, jobs, results
from web.store.database import Database
from web.store.files import Folder, Unpublishable
from web.store.tables import Case, Job


def publish(database: Database, files: Folder, case_id: str, fence: int) -> bool:
    """Publishes what was staged under the fence and ends the job; call it after a claim too, when `is_published`.

    False when the fence is stale; what was staged is gone then. Raises Unpublishable, BundleError and
    codec.UnreadableRecord when what was staged is not a case, OSError when the disk fails: the job has not ended then,
    and `jobs.fail` is to say why.
    """
    directory = files.directory(case_id) if files.is_published(case_id) else files.flush(case_id, fence)
    if directory is None:
        raise Unpublishable("nothing was made")
    result = results.read(directory)
    with database.transaction() as db:
        held = jobs.holds(db, case_id, fence)
        if held:
            files.publish(case_id, fence)
            jobs.finish(db, case_id, fence, result.state, result.reason, result)
    if held:
        files.forget_uploads(case_id)
    else:
        files.discard(case_id, fence)
    return held


def reap(database: Database, files: Folder, *, at_once: bool = False) -> list[Job]:
    """Takes back every job whose lease ran out (`jobs.reap`); what a dead worker had moved to its place is adopted."""
    with database.reading() as db:
        late = jobs.late(db)
    for case_id, fence in late:
        if files.is_published(case_id):
            with contextlib.suppress(Unpublishable, BundleError, UnreadableRecord):  # then it is made anew
                publish(database, files, case_id, fence)
    with database.transaction() as db:
        return jobs.reap(db, at_once=at_once)


def sweep(database: Database, files: Folder) -> None:
    """Removes what crashes left: directories of stale fences, uploads of ended jobs, files of deleted cases.

    Safe at any time. What lies in the folder is looked at before the database is asked, so that what begins meanwhile
    is not touched.
    """
    staged, uploads, published = files.staged(), files.uploaded(), files.published()
    with database.reading() as db:
        busy = jobs.leased(db) | deliveries.sending(db)
        to_do = set(db.scalars(select(Job.case_id).where(Job.state != "ended")))
        unwanted = set(db.scalars(select(Case.id).where(or_(
            Case.deleted_at.is_not(None), Case.state.in_(("cancelled", "refused"))))))
    files.sweep(staged - busy, uploads - to_do, published & unwanted)
