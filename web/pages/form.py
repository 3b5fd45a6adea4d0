"""The form and the upload. In: what a user typed, pasted or chose. Out: a case, or the form with what is wrong.

What was typed is never lost: every refusal shows the form again with it.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from flask import Blueprint, make_response, redirect, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response

from capture.errors import BadInput, Refused
from capture.record.request import RequestRecord
from report.units import size
from web import problems
from web.access import limits
from web.access.principal import anybody, current, require
from web.errors import BadField, Conflict, NoRoom, ServiceError, TooMany, Unauthenticated
from web.pages import lookup, reading
from web.pages.layout import base_address
from web.services import services
from web.store import ids
from web.store.results import MASKED
from web.store.submission import LOG_CHARS, Submission, Upload
from web.store.submit import submit
from web.store.tables import Case

blueprint = Blueprint("form", __name__)
TEMPLATES: Final = {"form": "form.html", "import": "import.html"}
STATUS: Final = {BadInput: 422, Refused: 403}
KEPT_BYTES: Final = 1 << 20
"""Longest form that is read for somebody who is not logged in (any more), bytes."""
ENDED: Final = ("Your login has ended. Log in in another tab, then send this again. What you typed is still here; "
                "files have to be chosen again.")
OUT_OF_DATE: Final = (400, "Form out of date",
                      "This page was too old. Look it over and send it again; files have to be chosen again.")
BOOKMARKLET: Final = "javascript:location.href='{}?url='+encodeURIComponent(location.href)"


@blueprint.get("/")
def show() -> Response:
    """The empty form, one with the address of `?url=`, or one with the options of the case in `?again=`."""
    case_id = request.args.get("again", "")
    if case_id:
        return _once_more(case_id)
    return _page("form", {**reading.DEFAULTS, "url": request.args.get("url", "")})


@blueprint.get("/import")
def show_import() -> Response:
    """The empty upload."""
    return _page("import", reading.DEFAULTS)


@blueprint.post("/")
def capture() -> Response:
    """Asks for a capture."""
    require("member", "capture")
    limits.captures()
    read = reading.read(_with_log(), services().config.allow_networks)
    if read.errors:
        return _page("form", read.values, 422, errors=read.errors)
    place = reading.secret_place(read.parts["url"])
    if place and request.form.get("secret_is_fine") != "yes":
        return _page("form", read.values, 422, warned=place)
    return _ask("form", read, source="form", recheck_of=_again_of())


@blueprint.post("/import")
def upload() -> Response:
    """Hands in files."""
    require("member", "capture")
    limits.captures()
    read = reading.read(_with_log(), is_import=True)
    uploads = tuple(Upload(name=_name(file), data=file.read()) for file in request.files.getlist("files") if file)
    errors = dict(read.errors)
    if not uploads:
        errors["files"] = "Choose at least one file."
    elif not all(file.data for file in uploads):
        errors["files"] = "One of the files is empty."
    if errors:
        return _page("import", read.values, 422, errors=errors)
    return _ask("import", read, source="import", uploads=uploads)


@blueprint.errorhandler(Unauthenticated)
@blueprint.errorhandler(CSRFError)
def keep(error: Unauthenticated | CSRFError) -> Response:
    """A login that ended, or a page that lay open for too long: what was typed comes back, to be sent again."""
    status, title, told = (401, error.title, ENDED) if isinstance(error, Unauthenticated) else OUT_OF_DATE
    if problems.by_program():
        return problems.problem(status, title, told)
    typed = request.form if (request.content_length or 0) <= KEPT_BYTES else {}
    values = {name: typed.get(name, default) for name, default in reading.DEFAULTS.items()}
    return _page("import" if request.path == "/import" else "form", values, status, problem=told)


def _ask(kind: str, read: reading.Read, **more: Any) -> Response:
    key = request.form.get("key", "")
    asked = Submission(owner_id=current().user_id, idempotency_key=key if ids.valid(key) else None,
                       log=read.values["log"].strip() or None, **read.parts, **more)
    try:
        with services().database.transaction() as db:
            case = _submit(db, asked)
    except BadField as error:
        field = "files" if error.field == "uploads" else error.field
        return _page(kind, read.values, 422, errors={field: reading.sentence(error)})
    except (BadInput, Refused) as error:
        return _page(kind, read.values, STATUS[type(error)], problem=reading.sentence(error))
    except (TooMany, NoRoom, Conflict) as error:
        return _page(kind, read.values, error.status, problem=reading.sentence(error), wait=_wait(error))
    return redirect(f"/cases/{case.id}", 303)


def _submit(db: Session, asked: Submission) -> Case:
    """A form that was changed and sent again asks for something new; the same one sent twice does not."""
    parts = services()
    try:
        return submit(db, parts.config, parts.files, parts.key, asked)
    except Conflict:
        anew = asked.model_copy(update={"idempotency_key": None})
        return submit(db, parts.config, parts.files, parts.key, anew)


def _once_more(case_id: str) -> Response:
    """The form with the options of a case whose secrets have to be given again."""
    with services().database.reading() as db:
        case = lookup.living(db, case_id)
    record = RequestRecord.model_validate(case.request)
    values = {**reading.DEFAULTS, "url": "" if MASKED.search(case.url) else case.url,
              "user_agent": record.user_agent or "", "width": str(record.viewport.width),
              "height": str(record.viewport.height), "locale": record.locale, "timezone": record.timezone or "",
              "resolvers": "\n".join(record.resolvers),
              "headers": "".join(f"{name}: \n" for name in record.header_names)}
    told = f"Its address was {case.url}" if not values["url"] else "The values of its headers were not kept"
    return _page("form", values, problem=f"Secrets are not kept, so they have to be given again. {told}.",
                 recheck_of=case.id)


def _again_of() -> str | None:
    """The case that this one looks at again, when whoever asks may see it."""
    case_id = request.form.get("recheck_of", "")
    if not case_id:
        return None
    with services().database.reading() as db:
        return lookup.living(db, case_id).id


def _with_log() -> Mapping[str, str]:
    """The fields; the end of a log file stands after what was pasted."""
    form = request.form.to_dict()
    file = request.files.get("log_file")
    text = file.read().decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}") if file else ""
    log = "\n".join(part for part in (form.get("log", "").strip(), text.strip()) if part)
    return {**form, "log": log if not text else log[-LOG_CHARS:]}


def _name(file: FileStorage) -> str:
    return (file.filename or "file").replace("\\", "/").rpartition("/")[2][:255] or "file"


def _wait(error: ServiceError) -> float:
    return error.retry_after_s if isinstance(error, TooMany) else 0.0


def _page(kind: str, values: Mapping[str, str], status: int = 200, *, errors: Mapping[str, str] | None = None,
          problem: str = "", warned: str = "", wait: float = 0.0, recheck_of: str = "") -> Response:
    errors, base, config, who = errors or {}, base_address(), services().config, anybody()
    opened = {"log": bool(values["log"] or "log" in errors),
              "options": any(name in errors or values[name] != reading.DEFAULTS[name] for name in reading.OPTIONS)}
    text = render_template(
        TEMPLATES[kind], v=values, errors=errors, problem=problem, warned=warned, opened=opened, labels=reading.LABELS,
        key=ids.new_id(), may_capture=who is None or who.can("capture"), bookmarklet=BOOKMARKLET.format(base),
        link=f"{base}?url={quote('https://shop.example/checkout', safe='')}", upload_bytes=config.upload_bytes,
        upload_size=size(config.upload_bytes), log_chars=LOG_CHARS,
        recheck_of=recheck_of or request.form.get("recheck_of", ""))
    response = make_response(text, status)
    if wait:
        response.headers["Retry-After"] = str(round(wait + 0.5))
    return response
