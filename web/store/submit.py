"""The one door to captures and imports. In: a Submission. Out: a case with its job, or nothing.

Form, API, monitors and re-checks all come this way. What is not wanted is refused before anything is kept. What is kept
in the clear has its secrets masked; the request with its secrets is sealed, and erased when the job has ended.
"""

import hashlib
import hmac
import json
from contextlib import ExitStack
from datetime import timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from capture.pipeline import PLAIN_HEADERS
from capture.record.request import CaptureRequest, Options, RequestRecord
from capture.redact import Redactor
from web.config import Config
from web.errors import Conflict, NoRoom, NotFound, TooLarge, TooMany
from web.store import ids, jobs, results
from web.store.database import now
from web.store.files import Folder
from web.store.secrets import Key
from web.store.submission import Submission, Upload, again, readable, request
from web.store.tables import Case, IdempotencyKey, Job, LogExcerpt

__all__ = ["Payload", "Submission", "Upload", "again", "forget_keys", "opened", "submit"]

KEY_HOURS: Final = 24
"""Time for which a repeated request under the same key makes nothing new, hours."""
BUSY_RETRY_S: Final = 30.0
"""When to come back to a full queue, seconds."""
MINUTE: Final = timedelta(minutes=1)


class Payload(BaseModel):
    """What the worker gets."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    kind: Literal["capture", "import"]
    """What is to be done."""
    request: CaptureRequest
    """The request with its secrets; of an import the address may be empty."""
    uploads: tuple[str, ...] = ()
    """Names of the files of an import, not to be used as paths; `Folder.upload` gives them by their number."""


def submit(db: Session, config: Config, files: Folder, key: Key, submission: Submission) -> Case:
    """Accepts a request: the case and its job are there when the transaction of `db` is committed.

    Raises BadField for what makes no sense, Refused for an address that may not be contacted, Conflict for a key that
    was used for something else, TooMany for a full queue or a target that was captured too often, TooLarge, NoRoom when
    the disk is nearly full. Nothing is stored then.
    """
    asked = request(config, submission)
    record, log = _masked(asked, readable(submission.log))
    proof = _proof(key, submission)
    has_room, case_id, host = _has_room(config, files, submission), ids.new_id(), results.host(asked.url)
    with ExitStack() as undone:
        if submission.uploads and has_room:
            undone.callback(files.forget_uploads, case_id)
            _keep(files, case_id, submission)
        # What takes long is done; from the first question to the database on, others that write wait.
        known = _repeated(db, submission, proof)
        if known is not None:
            return known
        _check_room(db, config, submission, has_room)
        _check_target(db, config, submission, host)
        case = _add_case(db, case_id, submission, record, host)
        if log is not None:
            db.add(LogExcerpt(case_id=case.id, text=log))
        if submission.idempotency_key is not None:
            db.add(IdempotencyKey(user_id=submission.owner_id, key=submission.idempotency_key, request_hash=proof,
                                  case_id=case.id, created_at=case.created_at))
        payload = Payload(kind=submission.kind, request=asked, uploads=tuple(file.name for file in submission.uploads))
        jobs.enqueue(db, case.id, key.seal(payload.model_dump_json().encode()))
        undone.pop_all()
    return case


def opened(key: Key, job: Job) -> Payload:
    """What a job asks for; raises secrets.BadKey when it was sealed with another key, or has been erased."""
    return Payload.model_validate_json(key.open(job.payload or b""))


def forget_keys(db: Session) -> None:
    """Removes idempotency keys that have run out."""
    db.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now(db) - timedelta(hours=KEY_HOURS)))


def _proof(key: Key, submission: Submission) -> bytes:
    """What tells two requests apart, and tells nothing about either without the instance's key."""
    told = submission.model_dump(mode="json", exclude={"owner_id", "idempotency_key", "uploads"})
    told["uploads"] = [[file.name, hashlib.sha256(file.data).hexdigest()] for file in submission.uploads]
    return hmac.digest(key.derive("idempotency"), json.dumps(told, sort_keys=True).encode(), "sha256")


def _keep(files: Folder, case_id: str, submission: Submission) -> None:
    """Writes what was uploaded, before its row: of a crash in between the sweep removes it."""
    try:
        files.keep_uploads(case_id, [file.data for file in submission.uploads])
    except OSError as error:
        raise NoRoom(f"the files cannot be kept ({error.strerror}); nothing was accepted") from error


def _repeated(db: Session, submission: Submission, proof: bytes) -> Case | None:
    if submission.idempotency_key is None:
        return None
    forget_keys(db)
    known = db.scalar(select(IdempotencyKey).where(IdempotencyKey.user_id == submission.owner_id,
                                                   IdempotencyKey.key == submission.idempotency_key))
    if known is None:
        return None
    if not hmac.compare_digest(known.request_hash, proof):
        raise Conflict("this idempotency key was used for another request; take a new one")
    return db.get_one(Case, known.case_id)


def _has_room(config: Config, files: Folder, submission: Submission) -> bool:
    """Whether the disk takes it; raises TooLarge."""
    size = sum(len(file.data) for file in submission.uploads)
    if size > config.upload_bytes:
        raise TooLarge(f"the files have {size:,} bytes; at most {config.upload_bytes:,} are taken")
    return files.free_bytes() - size >= config.min_free_bytes


def _check_room(db: Session, config: Config, submission: Submission, has_room: bool) -> None:
    if not has_room:
        raise NoRoom("the disk of this service is nearly full; nothing is accepted until there is room again")
    if jobs.waiting(db) >= config.queue_length:
        raise TooMany("too many captures are waiting; try again in a moment", BUSY_RETRY_S)
    if jobs.waiting(db, submission.owner_id) >= config.queue_length_per_user:
        raise TooMany("too many of your captures are waiting; try again in a moment", BUSY_RETRY_S)


def _check_target(db: Session, config: Config, submission: Submission, host: str) -> None:
    """Nobody's site is flooded in our name, however many users ask; an import contacts nobody."""
    if submission.kind == "import":
        return
    at, most = now(db), config.target_host_per_minute
    lately = list(db.scalars(select(Case.created_at).where(
        Case.host == host, Case.kind == "capture", Case.created_at > at - MINUTE).order_by(Case.created_at.desc())))
    if len(lately) >= most:
        free_at = lately[most - 1] + MINUTE if most else at + MINUTE
        raise TooMany(f"{host} was captured {len(lately)} times within a minute; try again later",
                      max(1.0, (free_at - at).total_seconds()))


def _add_case(db: Session, case_id: str, submission: Submission, record: RequestRecord, host: str) -> Case:
    first = submission.recheck_of
    if first is not None and (not ids.valid(first) or db.get(Case, first) is None):
        raise NotFound("there is no such case to look at again")
    case = Case(id=case_id, owner_id=submission.owner_id, kind=submission.kind, created_at=now(db), url=record.url,
                host=host, address=results.address(record.url), source=submission.source,
                request=record.model_dump(mode="json"), recheck_of=submission.recheck_of, state="queued")
    db.add(case)
    db.flush()
    return case


def _masked(asked: CaptureRequest, log: str | None) -> tuple[RequestRecord, str | None]:
    """What may be kept in the clear. The second pass masks early what was learned late."""
    mask = Redactor(header.value for header in asked.headers if header.name.lower() not in PLAIN_HEADERS)
    mask.keep(results.host(asked.url))
    told = {**asked.model_dump(mode="json", include=set(Options.model_fields)),
            "url": mask.url(asked.url, "address asked for"), "header_names": [header.name for header in asked.headers]}
    for name in ("note", "seen"):
        told[name] = told[name] and mask.text(told[name], name)
    log = log and mask.text(log, "log")
    told |= {name: mask.deep(told[name], name) for name in ("url", "note", "seen")}
    return RequestRecord.model_validate(told), log and mask.deep(log, "log")
