"""Imports. In: files from the user's own browser. Out: a case, made from what they show."""

from typing import Any, Final

from flask import Response, request
from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag

from web.access.principal import require
from web.api import reading
from web.api.answers import LOCATION, json, promise
from web.api.asked import URL_CHARS, KeyHeader
from web.api.captures import NEXT, accepted
from web.api.models import Brief
from web.errors import BadField
from web.store.submission import LOG_CHARS, TEXT_CHARS, UPLOADS, Submission

blueprint = APIBlueprint("api_imports", __name__, url_prefix="/api/v1", abp_tags=[Tag(
    name="Imports", description="What a browser of yours saw, as HAR, picture, saved page or output of curl -v.")])
FILES: Final = "files"
TEXTS: Final = {"url": URL_CHARS, "seen": TEXT_CHARS, "note": TEXT_CHARS, "log": LOG_CHARS}
"""Fields besides the files, with their longest values."""
MEANINGS: Final = {"url": "What was captured; may be absent.", "seen": "What was seen, in your words.",
                   "note": "For the dossier, for example recent changes.", "log": "Lines of the site's own logs."}


def _body() -> dict[str, Any]:
    """The description of the form."""
    properties: dict[str, Any] = {name: {"type": "string", "maxLength": TEXTS[name], "description": MEANINGS[name]}
                                  for name in TEXTS}
    properties[FILES] = {
        "type": "array", "minItems": 1, "maxItems": UPLOADS, "items": {"type": "string", "format": "binary"},
        "description": "HAR, PNG, JPEG, WebP, HTML, MHTML, SingleFile, or the output of curl -v; none may be empty."}
    form = {"type": "object", "properties": properties, "required": [FILES], "additionalProperties": False}
    return {"required": True, "content": {"multipart/form-data": {"schema": form}}}


@blueprint.post("/imports", operation_id="createImport", openapi_extensions={"requestBody": _body()},
                responses=promise({202: json(Brief, "It was accepted.", headers=LOCATION, links=NEXT)}, 409, 507))
def create(header: KeyHeader) -> Response:
    """Hand in what a browser saw.

    The files are read by a process of their own; nothing is contacted. The dossier says what an import cannot prove.
    Scope: capture.
    """
    principal = require("member", "capture")
    return accepted(Submission(
        owner_id=principal.user_id, source="import", uploads=reading.uploads(FILES),
        idempotency_key=header.idempotency_key, **_texts()))


def _texts() -> dict[str, Any]:
    unknown = (set(request.form) | set(request.files)) - {*TEXTS, FILES}
    if unknown:
        name = min(unknown)[:64]
        raise BadField(name, f"there is no such field; there are {FILES}, {', '.join(TEXTS)}")
    for name in TEXTS:
        if len(request.form.getlist(name)) > 1:
            raise BadField(name, f"{name} is given more than once")
    if len(request.form.get("url", "")) > URL_CHARS:
        raise BadField("url", f"an address has at most {URL_CHARS:,} characters")
    texts = {name: request.form.get(name, "").strip() or None for name in TEXTS}
    return {**texts, "url": texts["url"] or ""}
