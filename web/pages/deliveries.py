"""The Attach panel. In: a case, one of the targets that the operator named. Out: a delivery, or none any more."""

from typing import Final

from flask import Blueprint, flash, make_response, redirect, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from web import targets
from web.access import audit, limits
from web.access.principal import current
from web.errors import BadField
from web.pages import casepage, lookup
from web.pages.layout import base_address
from web.pages.reading import sentence
from web.services import services
from web.store import deliveries
from web.store.deliveries import Wanted
from web.store.tables import Case, Delivery

blueprint = Blueprint("deliveries", __name__)
ON_ITS_WAY: Final = "The dossier is on its way to {target}."
THERE: Final = "It was delivered to {target} already; “Send it again” sends it once more."
CANCELLED: Final = {"cancelled": "The delivery was cancelled.", "sending": "The delivery is being cancelled.",
                    "delivered": "The delivery had arrived already.", "failed": "The delivery had ended already."}


def ask(db: Session, case: Case, target: str, ticket: str, days: int | None, *, again: bool) -> Delivery:
    """The delivery that whoever asks wants, noted in the audit log; raises BadField and Conflict."""
    parts = services()
    named = targets.chosen(parts.targets, target, ticket)
    wanted = Wanted(target=target, place=targets.place(parts.key, named.target), ticket=named.target.ticket, days=days,
                    base=base_address(), again=again)
    row = deliveries.ask(db, parts.key, case, current().user_id, wanted, parts.config.share_days)
    audit.note(db, current().name, limits.address(), "attach", case.id, f"delivery {row.id}, to {place(row)}")
    return row


def place(row: Delivery) -> str:
    """Whereto, in words."""
    return f"{row.target} {row.ticket}" if row.ticket else row.target


@blueprint.post("/cases/<case_id>/deliveries")
def create(case_id: str) -> Response:
    """Asks for a delivery; the same is asked for once."""
    form = request.form
    with services().database.reading() as db:
        lookup.changeable(db, case_id)
    limits.deliveries()
    try:
        days = _days(form.get("link_days", "")) if form.get("with_link") == "yes" else None
        with services().database.transaction() as db:
            row = ask(db, lookup.changeable(db, case_id), form.get("target", ""), form.get("to_ticket", ""), days,
                      again=form.get("again") == "yes")
    except BadField as error:
        return _wrong(case_id, error)
    flash((THERE if row.state == "delivered" else ON_ITS_WAY).format(target=place(row)))
    return redirect(f"/cases/{case_id}#attach", 303)


@blueprint.post("/cases/<case_id>/deliveries/<delivery_id>/cancel")
def cancel(case_id: str, delivery_id: str) -> Response:
    """Stops a delivery."""
    with services().database.transaction() as db:
        case = lookup.changeable(db, case_id)
        row = deliveries.cancel(db, case.id, delivery_id)
        audit.note(db, current().name, limits.address(), "attach-cancel", case.id, f"delivery {row.id}")
    flash(CANCELLED[row.state])
    return redirect(f"/cases/{case.id}#attach", 303)


def _days(text: str) -> int:
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 6):
        raise BadField("days", f"a number of days from 1 to {services().config.share_days}")
    return int(text)


def _wrong(case_id: str, error: BadField) -> Response:
    asked = {name: request.form.get(name, "") for name in ("target", "to_ticket", "link_days", "with_link")}
    with services().database.reading() as db:
        text = casepage.ended(db, lookup.changeable(db, case_id), attach=asked,
                              attach_errors={error.field: sentence(error)})
    return make_response(text, 422)
