"""Where files and rows meet. In: a staged case and its fence. Out: published once, or nothing; what is left over goes.

The order makes every crash harmless. Files are flushed, then, in one transaction that holds the fence, moved to their
place and told to the database. A crash in between leaves files without a row: the next holder finds and adopts them.
"""

from sqlalchemy import or_, select

from web.store import jobs, results
from web.store.database import Database
from web.store.files import Folder, Unpublishable
from web.store.tables import Case, Job


def publish(database: Database, files: Folder, case_id: str, fence: int) -> bool:
    """Publishes what was staged under the fence and ends the job; call it after a claim too, when `is_published`.

    False when the fence is stale; what was staged is gone then. Raises Unpublishable, BundleError and
    codec.UnreadableRecord when what was staged is not a case, OSError when the disk fails: nothing was published then,
    and `jobs.fail` says so.
    """
    if not files.is_published(case_id) and files.flush(case_id, fence) is None:
        raise Unpublishable("nothing was made")
    staged = files.directory(case_id) if files.is_published(case_id) else files.staged_directory(case_id, fence)
    result = results.read(staged)
    with database.transaction() as db:
        held = jobs.holds(db, case_id, fence)
        if held:
            files.publish(case_id, fence)
            jobs.finish(db, case_id, fence, result.state, result.reason, result)
    if not held:
        files.discard(case_id, fence)
    files.forget_uploads(case_id)
    return held


def sweep(database: Database, files: Folder) -> None:
    """Removes what crashes left: directories of stale fences, uploads of ended jobs, files of deleted cases.

    Safe at any time. What lies in the folder is looked at before the database is asked, so that what begins meanwhile
    is not touched.
    """
    staged, uploads, published = files.staged(), files.uploaded(), files.published()
    with database.reading() as db:
        busy = jobs.leased(db)
        open_jobs = set(db.scalars(select(Job.case_id).where(Job.state != "ended")))
        unwanted = set(db.scalars(select(Case.id).where(or_(
            Case.deleted_at.is_not(None),
            Case.manifest_sha256.is_(None) & Case.state.in_(jobs.TERMINAL)))))
    files.sweep(staged - busy, uploads - open_jobs, published & unwanted)
