"""What can be done with a case, and by whom."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.pages.made import Bundles, add, ask, begin, bundle, finish, tell
from tests.web.serving import Browser, Served
from web.store import jobs
from web.store.tables import Audit, Case, Job, Note, Share

AsUser = Callable[..., Browser]


@pytest.fixture
def browser(service: Served) -> Browser:
    """Whoever sits at the machine."""
    return service.browser()


def reload(service: Served, case_id: str) -> Case:
    with service.database.reading() as db:
        return db.get_one(Case, case_id)


def press(browser: Browser, address: str, **fields: Any) -> Any:
    return browser.post(address, fields, seen="/account")


def test_cancel_ends_a_case_that_waits_and_asks_the_worker_of_one_that_runs(service: Served, browser: Browser) -> None:
    running = ask(service)
    begin(service)
    waiting = ask(service)
    for case in (running, waiting):
        assert press(browser, f"/cases/{case.id}/cancel").location == f"/cases/{case.id}"
    assert reload(service, waiting.id).state == "cancelled"
    assert reload(service, running.id).state == "running"
    with service.database.reading() as db:
        assert db.get_one(Job, running.id).cancel_asked
    assert "The capture was cancelled." in browser.get(f"/cases/{waiting.id}").get_data(as_text=True)


def test_a_re_check_asks_for_the_same_and_is_linked(service: Served, browser: Browser, bundles: Bundles) -> None:
    case = add(service, bundles, locale="de-DE")
    answer = press(browser, f"/cases/{case.id}/recheck")
    made = reload(service, answer.location.rpartition("/")[2])
    assert (made.recheck_of, made.url, made.source) == (case.id, case.url, "recheck")
    assert made.request["locale"] == "de-DE"


def test_a_re_check_that_needs_a_secret_leads_to_the_form(service: Served, browser: Browser) -> None:
    case = ask(service, headers=({"name": "X-Key", "value": "geheimgeheim"},))
    assert press(browser, f"/cases/{case.id}/recheck").location == f"/?again={case.id}"
    assert service.count(Case) == 1


def test_a_second_click_on_re_check_makes_nothing_new(service: Served, browser: Browser, bundles: Bundles) -> None:
    case = add(service, bundles)
    key = browser.get(f"/cases/{case.id}").get_data(as_text=True).split('name="key" value="')[1].split('"')[0]
    first, second = (press(browser, f"/cases/{case.id}/recheck", key=key).location for _ in range(2))
    assert first == second


def test_notes_are_kept_and_shown_as_text(service: Served, browser: Browser, bundles: Bundles) -> None:
    case = add(service, bundles)
    answer = press(browser, f"/cases/{case.id}/notes", text="<b>hoster</b> says\r\nfirewall\u202e")
    assert answer.location == f"/cases/{case.id}#notes"
    text = browser.get(f"/cases/{case.id}").get_data(as_text=True)
    assert "&lt;b&gt;hoster&lt;/b&gt; says\nfirewall⟨U+202E⟩" in text


@pytest.mark.parametrize(("text", "sentence"), [
    ("  \n", "Write something first."), ("x" * 4001, "At most 4,000 characters; this has 4,001.")])
def test_a_note_that_is_none_is_told_and_stays_typed(
    service: Served, browser: Browser, bundles: Bundles, text: str, sentence: str
) -> None:
    case = add(service, bundles)
    answer = press(browser, f"/cases/{case.id}/notes", text=text)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert text.strip() in answer.get_data(as_text=True)
    assert service.count(Note) == 0


def test_a_case_is_opened_to_the_team_and_closed_again(service: Served, bundles: Bundles) -> None:
    ann, bob = service.log_in("member", "ann"), service.log_in("viewer", "bob")
    assert ann.user
    case = add(service, bundles, owner_id=ann.user.id)
    assert bob.get(f"/cases/{case.id}").status_code == 404
    press(ann, f"/cases/{case.id}/team", team="yes")
    assert bob.get(f"/cases/{case.id}").status_code == 200
    assert press(bob, f"/cases/{case.id}/team", team="no").status_code == 403
    press(ann, f"/cases/{case.id}/team", team="no")
    assert bob.get(f"/cases/{case.id}").status_code == 404


def test_a_hold_keeps_a_case_from_being_deleted(service: Served, browser: Browser, bundles: Bundles) -> None:
    case = add(service, bundles)
    press(browser, f"/cases/{case.id}/hold", hold="yes")
    text = browser.get(f"/cases/{case.id}").get_data(as_text=True)
    assert "On hold." in text
    assert f"/cases/{case.id}/delete" not in text
    assert press(browser, f"/cases/{case.id}/delete", why="no reason").status_code == 409
    assert service.files.is_published(case.id)
    press(browser, f"/cases/{case.id}/hold", hold="no")
    assert not reload(service, case.id).hold


def test_deleting_asks_for_a_reason_and_leaves_a_tombstone(service: Served, browser: Browser, bundles: Bundles) -> None:
    case = add(service, bundles)
    assert "Delete this case?" in browser.get(f"/cases/{case.id}/delete").get_data(as_text=True)
    assert press(browser, f"/cases/{case.id}/delete", why="  ").status_code == 422
    assert service.files.is_published(case.id)
    answer = press(browser, f"/cases/{case.id}/delete", why="ticket 4711 <done>")
    assert answer.status_code == 303
    assert not service.files.is_published(case.id)
    stone = browser.get(f"/cases/{case.id}")
    text = stone.get_data(as_text=True)
    assert stone.status_code == 410
    for told in ("local", "ticket 4711 &lt;done&gt;", case.manifest_sha256, case.number):
        assert told is not None
        assert told in text
    with service.database.reading() as db:
        assert [line.action for line in db.query(Audit)] == ["delete"]


@pytest.mark.parametrize("action", ["recheck", "notes", "team", "hold", "delete", "cancel", "shares"])
def test_a_tombstone_takes_nothing(service: Served, browser: Browser, bundles: Bundles, action: str) -> None:
    case = add(service, bundles)
    press(browser, f"/cases/{case.id}/delete", why="enough")
    assert press(browser, f"/cases/{case.id}/{action}", text="x", why="x", days="3").status_code == 410
    for address in ("events", "picture", "files/dossier.html", "packs/owner.zip", "delete"):
        assert browser.get(f"/cases/{case.id}/{address}").status_code == 410


ACTIONS = ("recheck", "notes", "team", "hold", "delete", "cancel", "shares", "shares/X/revoke")


def test_what_one_may_not_see_is_not_there(service: Served, bundles: Bundles, as_user: AsUser) -> None:
    case = add(service, bundles, owner_id=service.add_user("member", "ann").id)
    stranger = as_user("member", "bob")
    other = add(service, bundles, owner_id=stranger.user.id if stranger.user else "")
    before = service.stored()
    for address in ("", "/events", "/picture", "/files/dossier.html", "/files/page.har", "/packs/owner.zip", "/delete"):
        assert stranger.get(f"/cases/{case.id}{address}").status_code == 404, address
    for action in ACTIONS:
        answer = press(stranger, f"/cases/{case.id}/{action}", text="x", why="x", days="3", team="yes", hold="yes")
        assert answer.status_code == 404, action
    for pair in ((case.id, other.id), (other.id, case.id)):
        assert stranger.get(f"/compare/{pair[0]}/{pair[1]}").status_code == 404
    assert service.stored() == before
    assert not reload(service, case.id).hold


def test_who_may_read_a_case_of_the_team_may_not_change_it(service: Served, bundles: Bundles, as_user: AsUser) -> None:
    ann = as_user("member", "ann")
    case = add(service, bundles, owner_id=ann.user.id if ann.user else "")
    press(ann, f"/cases/{case.id}/team", team="yes")
    bob, viewer = as_user("member", "bob"), as_user("viewer", "carl")
    for browser in (bob, viewer):
        text = browser.get(f"/cases/{case.id}").get_data(as_text=True)
        assert "Delete this case" not in text
        assert "Make a link" not in text
        for action in ("team", "hold", "delete", "shares"):
            assert press(browser, f"/cases/{case.id}/{action}", why="x", days="3").status_code == 403, action
    assert press(bob, f"/cases/{case.id}/notes", text="I see it too").status_code == 303
    assert press(viewer, f"/cases/{case.id}/notes", text="x").status_code == 403
    assert press(viewer, f"/cases/{case.id}/recheck").status_code == 403
    assert service.count(Share) == 0


def test_an_administrator_may_do_everything(service: Served, bundles: Bundles, as_user: AsUser) -> None:
    case = add(service, bundles, owner_id=service.add_user("member", "ann").id)
    admin = as_user("admin")
    assert admin.get(f"/cases/{case.id}").status_code == 200
    assert press(admin, f"/cases/{case.id}/hold", hold="yes").status_code == 303


def test_nothing_changes_by_get(service: Served, browser: Browser, bundles: Bundles) -> None:
    case = add(service, bundles)
    for action in ("recheck", "notes", "team", "hold", "cancel", "shares"):
        assert browser.get(f"/cases/{case.id}/{action}").status_code == 405, action


def test_two_captures_are_compared_the_earlier_one_first(
    service: Served, browser: Browser, bundles: Bundles
) -> None:
    failed, works = add(service, bundles), add(service, bundles, "healthy")
    text = browser.get(f"/compare/{works.id}/{failed.id}").get_data(as_text=True)
    assert "The later capture shows no failure any more" in text
    assert text.index(str(failed.number)) < text.index(str(works.number))
    assert text.count("/files/screenshot.png") == 2


def test_a_case_without_dossier_cannot_be_compared(service: Served, browser: Browser, bundles: Bundles) -> None:
    failed, waiting = add(service, bundles), ask(service)
    assert browser.get(f"/compare/{failed.id}/{waiting.id}").status_code == 404


def test_a_case_without_a_screenshot_is_compared_without(
    service: Served, browser: Browser, bundles: Bundles, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bare = ask(service)
    directory = bundle(tmp_path_factory.mktemp("bare"), "undetermined")
    finish(service, lambda _: directory, "undetermined", *begin(service))
    text = browser.get(f"/compare/{bare.id}/{add(service, bundles).id}").get_data(as_text=True)
    assert ("There is no screenshot." in text) == (not (directory / "screenshot.png").is_file())


def test_a_case_that_ended_cannot_be_cancelled(service: Served, browser: Browser, bundles: Bundles) -> None:
    case = add(service, bundles)
    press(browser, f"/cases/{case.id}/cancel")
    assert "The capture had ended already." in browser.get(f"/cases/{case.id}").get_data(as_text=True)
    assert reload(service, case.id).state == "done"


@pytest.mark.parametrize("case_id", ["nope", "0" * 26, "../../etc/passwd", "%00", "Ü" * 26])
def test_an_id_that_names_nothing_is_not_found(browser: Browser, case_id: str) -> None:
    assert browser.get(f"/cases/{case_id}").status_code == 404


def test_the_worker_that_failed_three_times_is_told(service: Served, browser: Browser) -> None:
    case = ask(service)
    for _ in range(jobs.MAX_ATTEMPTS):
        with service.database.transaction() as db:
            db.get_one(Job, case.id).not_before = db.get_one(Job, case.id).created_at
        tell(service, case.id, "step", name="dns", status="done")
        _, fence = begin(service)
        with service.database.transaction() as db:
            jobs.fail(db, case.id, fence, "the browser did not come up")
    text = browser.get(f"/cases/{case.id}").get_data(as_text=True)
    assert "that is our fault, not the site’s" in text
    assert "the browser did not come up" in text
    assert "Try again" in text
