"""What was captured before. In: what is looked for. Out: pages of cases, newest first; failures with their cases."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from flask import Blueprint, render_template, request

from capture.errors import BadInput
from report.signatures import vendors
from report.view import SIDES
from web.access.principal import current
from web.pages import words
from web.pages.reading import sentence
from web.services import services
from web.store import cases

blueprint = Blueprint("history", __name__)
FIELDS: Final = ("text", "host", "vendor", "code", "verdict", "state", "since", "until", "failure", "deleted")
MORE: Final = ("vendor", "code", "verdict", "state", "since", "until", "deleted")
"""Fields that are folded away until one of them is used."""
VERDICTS: Final = (("", "any"), *((side, f"fault {where}" if where else "side not known")
                                  for side, where in SIDES.items()))
STATES: Final = (("", "any"), *words.STATES.items())


@blueprint.get("/cases")
def index() -> str | tuple[str, int]:
    """What was found, a page of it."""
    values = {name: request.args.get(name, "").strip()[:255] for name in (*FIELDS, "cursor")}
    errors: dict[str, str] = {}
    query = _query(values, errors)
    with services().database.reading() as db:
        try:
            page = cases.search(db, current(), query, values["cursor"] or None)
        except BadInput as error:
            errors["text"] = sentence(error)
            page = cases.search(db, current(), query)
    shown = {name: values[name] for name in FIELDS if values[name]}
    text = render_template(
        "history.html", v=values, errors=errors, found=page.rows, words=words, searched=bool(shown),
        more=any(values[name] for name in MORE), verdicts=VERDICTS, states=STATES,
        vendors=[(vendor.slug, vendor.name) for vendor in vendors()],
        pager=_pager("/cases", shown, values["cursor"], page))
    return (text, 422) if errors else text


@blueprint.get("/groups")
def groups() -> str:
    """Failures, the one seen last first, a page of them."""
    host, cursor = (request.args.get(name, "").strip()[:255] for name in ("host", "cursor"))
    with services().database.reading() as db:
        page = cases.groups(db, current(), cases.Query(host=host or None), cursor or None)
    shown = {"host": host} if host else {}
    return render_template("groups.html", groups=page.rows, words=words, host=host,
                           pager=_pager("/groups", shown, cursor, page))


def _query(values: Mapping[str, str], errors: dict[str, str]) -> cases.Query:
    since, until = (_day(values, name, errors) for name in ("since", "until"))
    if since and until and until < since:
        errors["until"] = "The last day lies before the first."
    texts = {name: values[name] or None for name in ("text", "host", "vendor", "code", "verdict", "state", "failure")}
    return cases.Query(**texts, since=since, until=until + timedelta(days=1) if until else None,
                       deleted=values["deleted"] == "yes")


def _day(values: Mapping[str, str], name: str, errors: dict[str, str]) -> datetime | None:
    """The begin of a day, UTC."""
    text = values[name]
    try:
        if text and not re.fullmatch(r"[1-9][0-9]{3}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return datetime.combine(date.fromisoformat(text), time(), UTC) if text else None
    except ValueError:
        errors[name] = "A day is written as 2026-11-20."
        return None


def _pager(path: str, shown: Mapping[str, str], cursor: str, page: cases.Page[Any]) -> dict[str, str]:
    """Addresses of the first page and of the next one; empty where one is there already."""
    return {"newest": _address(path, shown) if cursor else "",
            "older": _address(path, {**shown, "cursor": page.next}) if page.next else ""}


def _address(path: str, values: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(values)}" if values else path
