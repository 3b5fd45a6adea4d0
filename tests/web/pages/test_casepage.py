"""What the page of a case shows: the verdict as the dossier says it, and nothing of strangers that acts."""

from collections.abc import Callable

import pytest

from tests.report.examples import EXAMPLES
from tests.web.pages.made import Bundles, add, ask, begin, finish, local_user, tell
from tests.web.serving import Browser, Served
from web.store import ids, jobs
from web.store.database import now
from web.store.tables import Note

AsUser = Callable[..., Browser]


def page(service: Served, case_id: str) -> str:
    return service.browser().get(f"/cases/{case_id}").get_data(as_text=True)


def test_the_head_is_that_of_the_dossier(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    text = page(service, case.id)
    assert f"<h1>{case.summary}</h1>" in text
    assert "written by <b>Cloudflare</b>; the cause lies <b>at the origin</b>. Certainty: <b>proven</b>." in text
    assert 'class="wide"' in text
    assert 'class="tall"' in text
    assert str(case.number) in text


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_every_kind_of_dossier_has_a_page_below_100_kb(service: Served, bundles: Bundles, name: str) -> None:
    case = add(service, bundles, name)
    answer = service.browser().get(f"/cases/{case.id}")
    assert answer.status_code == 200
    assert len(answer.data) < 100_000


def test_the_dossier_stands_in_a_sandbox_that_is_not_our_origin(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    frame = page(service, case.id).split("<iframe")[1].split(">")[0]
    assert f'src="/cases/{case.id}/files/dossier.html"' in frame
    assert 'sandbox="allow-scripts allow-downloads"' in frame
    assert "allow-same-origin" not in frame


def test_everything_that_can_be_saved_is_named(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    text = page(service, case.id)
    for name in ("dossier.pdf", "dossier.html", "dossier.zip", "page.har"):
        assert f'href="/cases/{case.id}/files/{name}"' in text
    for pack in ("owner", "cloudflare"):
        assert f'href="/cases/{case.id}/packs/{pack}.zip"' in text


def test_a_page_that_works_has_no_packs_and_one_without_pdf_does_not_offer_it(
    service: Served, bundles: Bundles
) -> None:
    text = page(service, add(service, bundles, "healthy").id)
    assert "Packs" not in text
    assert "dossier.pdf" not in text


def test_the_log_excerpt_is_shown_masked(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles, log="upstream <timed> out\npassword=geheim-4711-abc")
    text = page(service, case.id)
    assert "2 lines" in text
    assert "upstream &lt;timed&gt; out" in text
    assert "geheim-4711" not in text


def test_a_re_check_shows_both_verdicts_on_both_pages(service: Served, bundles: Bundles) -> None:
    failed = add(service, bundles)
    works = add(service, bundles, "healthy", url=failed.url, recheck_of=failed.id, source="recheck")
    for case in (failed, works):
        text = page(service, case.id)
        assert "The later capture shows no failure any more." in text
        assert f"/compare/{failed.id}/{works.id}" in text
        assert "www.example loads and shows no error." in text
        assert "Cloudflare answered, but could not connect" in text


def test_a_re_check_that_has_no_result_yet_is_linked(service: Served, bundles: Bundles) -> None:
    failed = add(service, bundles)
    later = ask(service, url=failed.url, recheck_of=failed.id)
    text = page(service, failed.id)
    assert "A re-check is under way or has no result." in text
    assert later.id in text


def test_a_re_check_that_is_not_for_these_eyes_is_not_shown(
    service: Served, bundles: Bundles, as_user: AsUser
) -> None:
    ann, bob = as_user("member", "ann"), as_user("member", "bob")
    assert ann.user
    assert bob.user
    case = add(service, bundles, owner_id=ann.user.id)
    ann.post(f"/cases/{case.id}/team", {"team": "yes"}, seen="/account")
    hidden = add(service, bundles, "healthy", owner_id=bob.user.id, url=case.url, recheck_of=case.id)
    assert hidden.id not in ann.get(f"/cases/{case.id}").get_data(as_text=True)
    assert hidden.id in bob.get(f"/cases/{case.id}").get_data(as_text=True)


def test_all_captures_of_an_address_are_a_timeline(service: Served, bundles: Bundles) -> None:
    one, two = add(service, bundles), add(service, bundles)
    other = add(service, bundles, "nginx_502")
    text = page(service, two.id)
    assert one.id in text
    assert other.id not in text
    assert f"/cases?failure={two.failure}" in text
    assert "This address over time" not in page(service, other.id)


def test_notes_stand_in_their_order_with_who_wrote_them(service: Served, bundles: Bundles) -> None:
    case = add(service, bundles)
    with service.database.transaction() as db:
        for text in ("first note", "second note"):
            db.add(Note(id=ids.new_id(), case_id=case.id, user_id=local_user_id(service), at=now(db), text=text))
            db.flush()
    text = page(service, case.id)
    assert "local, <time" in text
    assert "first note" in text
    assert "second note" in text


def local_user_id(service: Served) -> str:
    from web.access import users

    with service.database.reading() as db:
        user = users.by_name(db, "local")
        assert user is not None
        return user.id


def test_a_case_that_waits_says_how_many_others_do(service: Served) -> None:
    ask(service)
    case = ask(service)
    text = page(service, case.id)
    assert "Waiting; 1 other waits too" in text
    assert f'data-events="/cases/{case.id}/events?after=' in text


def test_the_live_page_shows_all_that_happened_so_far(service: Served) -> None:
    case = ask(service)
    begin(service)
    tell(service, case.id, "step", name="dns", status="done", duration_ms=120.0)
    last = tell(service, case.id, "picture")
    text = page(service, case.id)
    assert "✓ done, 0.1 s" in text
    assert f'src="/cases/{case.id}/picture"' in text
    assert f"events?after={last}" in text
    assert '<noscript><meta http-equiv="refresh" content="4"></noscript>' in text


def test_the_live_page_can_be_kept_from_reloading(service: Served) -> None:
    case = ask(service)
    text = service.browser().get(f"/cases/{case.id}?reload=no").get_data(as_text=True)
    assert "http-equiv" not in text
    assert "Look again" in text


def test_the_file_of_a_page_cannot_write_into_ours(service: Served, bundles: Bundles) -> None:
    case = ask(service, url="https://shop.example/<script>alert(1)</script>?q=\"><img src=x onerror=alert(1)>",
               seen="<script>alert(2)</script>")
    text = page(service, case.id)
    finish(service, bundles, "healthy", *begin(service))
    for shown in (text, page(service, case.id), service.browser().get("/cases").get_data(as_text=True)):
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown


@pytest.mark.parametrize(("state", "sentence"), [
    ("refused", "This address may not be captured."), ("cancelled", "The capture was cancelled.")])
def test_why_there_is_no_dossier_is_told(service: Served, state: jobs.Ended, sentence: str) -> None:
    local_user(service)
    case = ask(service)
    case_id, fence = begin(service)
    with service.database.transaction() as db:
        jobs.finish(db, case_id, fence, state, "it is <not> allowed")
    text = page(service, case.id)
    assert sentence in text
    assert "It is &lt;not&gt; allowed." in text
