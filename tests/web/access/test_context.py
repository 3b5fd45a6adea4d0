"""What templates know of whoever asks."""

from datetime import UTC, datetime

import pytest
from flask import Flask, g, render_template_string

from web.access.principal import Via, of_user
from web.store.tables import User

PAGE = "{{ principal.name if principal else 'nobody' }} {{ team_mode }}"


@pytest.mark.parametrize(("via", "shown"), [("local", "ann False"), ("login", "ann True"), (None, "nobody False")])
def test_pages_know_who_asks_and_whether_there_is_a_team(app: Flask, via: Via | None, shown: str) -> None:
    user = User(id="ann", name="ann", role="viewer", created_at=datetime.now(UTC))
    with app.test_request_context():
        g.principal = of_user(user, via) if via else None
        assert render_template_string(PAGE) == shown
