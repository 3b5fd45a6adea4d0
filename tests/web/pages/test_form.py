"""The form: what is right becomes a case, what is wrong is told and nothing that was typed is lost."""

import io
from typing import Any

import pytest

from tests.web.pages.made import ask, local_user
from tests.web.serving import Browser, Served
from web.access.identity import cookie_name
from web.store import submit
from web.store.tables import Case, Job, LogExcerpt

URL = "https://shop.example/checkout"
OF_OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def browser(service: Served) -> Browser:
    """Whoever sits at the machine."""
    return service.browser()


def send(browser: Browser, **fields: Any) -> Any:
    return browser.post("/", {"url": URL, **fields}, seen="/", content_type="multipart/form-data")


def case_of(service: Served, answer: Any) -> Case:
    assert answer.status_code == 303, answer.get_data(as_text=True)
    with service.database.reading() as db:
        return db.get_one(Case, answer.location.rpartition("/")[2])


def test_an_address_is_enough(service: Served, browser: Browser) -> None:
    case = case_of(service, send(browser))
    assert (case.url, case.kind, case.source, case.state) == (URL, "capture", "form", "queued")


def test_everything_that_was_typed_reaches_the_job_and_only_what_is_no_secret_the_case(
    service: Served, browser: Browser
) -> None:
    case = case_of(service, send(
        browser, seen="white page", note="new firewall", headers="Authorization: Bearer geheimgeheim",
        user_agent="Probe", width="360", height="740", locale="de-DE", timezone="Europe/Berlin", resolvers="9.9.9.9"))
    with service.database.reading() as db:
        asked = submit.opened(service.key, db.get_one(Job, case.id)).request
    assert (asked.seen, asked.note, asked.user_agent) == ("white page", "new firewall", "Probe")
    assert [(header.name, header.value) for header in asked.headers] == [("Authorization", "Bearer geheimgeheim")]
    assert (asked.viewport.width, asked.viewport.height, asked.locale) == (360, 740, "de-DE")
    assert (asked.timezone, asked.resolvers) == ("Europe/Berlin", ("9.9.9.9",))
    assert "geheimgeheim" not in str(case.request)


def test_what_was_typed_outlives_the_login(service: Served) -> None:
    browser = service.log_in("member", "mia")
    typed = {"url": URL, "seen": "white page", "note": "new firewall", "log": "upstream timed out", "locale": "de-DE"}
    token = browser.csrf("/")
    browser.client.delete_cookie(cookie_name(service.config, "gw_login"), domain="localhost")
    ended = browser.client.post("/", data={"csrf_token": token, **typed}, headers=OF_OURS)
    assert ended.status_code == 401
    again = service.log_in("member", "max")
    stale = again.client.post("/", data={"csrf_token": token, **typed}, headers=OF_OURS)
    assert stale.status_code == 400
    for answer, told in ((ended, "Your login has ended"), (stale, "too old")):
        text = answer.get_data(as_text=True)
        assert [word for word in (told, *typed.values()) if word not in text] == []
    assert case_of(service, send(again, **typed)).url == URL


def test_a_program_without_login_gets_no_form(service: Served) -> None:
    service.add_user("member", "mia")
    answer = service.browser().client.post("/", data={"url": URL}, headers={**OF_OURS, "Accept": "application/json"})
    assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")


def test_a_missing_scheme_is_added(service: Served, browser: Browser) -> None:
    assert case_of(service, send(browser, url="shop.example/checkout")).url == URL


def test_the_log_is_what_was_pasted_and_the_end_of_the_file_with_secrets_masked(
    service: Served, browser: Browser
) -> None:
    file = (io.BytesIO(b"x" * 300_000 + b"\nlast line password=geheim-4711-abc"), "error.log")
    case = case_of(service, send(browser, log="pasted line", log_file=file))
    with service.database.reading() as db:
        text = db.get_one(LogExcerpt, case.id).text
    assert "last line" in text
    assert "geheim-4711" not in text
    small = case_of(service, send(browser, log="pasted line", log_file=(io.BytesIO(b"from file"), "error.log")))
    with service.database.reading() as db:
        assert db.get_one(LogExcerpt, small.id).text == "pasted line\nfrom file"


def test_what_is_wrong_is_told_at_its_field_and_nothing_is_lost(service: Served, browser: Browser) -> None:
    answer = send(browser, url="ftp://shop.example/", seen="white <page>", width="9")
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Only http and https addresses can be captured, not ftp." in text
    assert "A number from 100 to 7680." in text
    assert "white &lt;page&gt;" in text
    assert 'value="ftp://shop.example/"' in text
    assert '<details class="options" open>\n<summary>Options' in text
    assert service.count(Case) == 0


def test_an_address_that_the_policy_refuses_is_told(service: Served, browser: Browser) -> None:
    answer = send(browser, url="http://169.254.169.254/latest/meta-data/")
    assert answer.status_code == 422
    assert "169.254.169.254 is not allowed by policy" in answer.get_data(as_text=True)
    assert service.count(Case) == 0


def test_a_resolver_that_the_policy_refuses_is_told(service: Served, browser: Browser) -> None:
    answer = send(browser, resolvers="10.0.0.1")
    assert answer.status_code == 403
    assert "The resolver 10.0.0.1 is not allowed by policy" in answer.get_data(as_text=True)
    assert service.count(Case) == 0


def test_a_secret_in_the_address_is_warned_of_before_anything_is_sent(service: Served, browser: Browser) -> None:
    url = "https://shop.example/reset?token=abc123def456ghi789"
    warned = send(browser, url=url, seen="it asks")
    text = warned.get_data(as_text=True)
    assert warned.status_code == 422
    assert "looks like a secret" in text
    assert "the query (after “?”)" in text
    assert "it asks" in text
    assert service.count(Case) == 0
    case = case_of(service, send(browser, url=url, secret_is_fine="yes"))
    assert "abc123def456ghi789" not in case.url


def test_the_same_form_sent_twice_is_one_case_and_a_changed_one_is_another(service: Served, browser: Browser) -> None:
    page = browser.get("/").get_data(as_text=True)
    key = page.split('name="key" value="')[1].split('"')[0]
    first, second = (case_of(service, send(browser, key=key)) for _ in range(2))
    assert first.id == second.id
    assert case_of(service, send(browser, key=key, seen="changed")).id != first.id
    assert service.count(Case) == 2


def test_a_full_queue_is_told_with_the_form_and_when_to_come_back(service: Served) -> None:
    full = service.configured(queue_length=0)
    answer = send(full.browser(), seen="typed long")
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 0
    assert "typed long" in answer.get_data(as_text=True)


def test_a_full_disk_is_told_with_the_form(service: Served) -> None:
    answer = send(service.configured(min_free_bytes=2**60).browser(), seen="typed long")
    assert answer.status_code == 507
    assert "typed long" in answer.get_data(as_text=True)


@pytest.mark.usefixtures("still")
def test_too_many_captures_in_a_minute_are_refused(service: Served) -> None:
    browser = service.configured(captures_per_minute=2).browser()
    assert [send(browser).status_code for _ in range(3)] == [303, 303, 429]


def test_the_address_can_be_given_by_a_link(browser: Browser) -> None:
    text = browser.get("/?url=https://shop.example/%22%3E%3Cscript%3E").get_data(as_text=True)
    assert 'value="https://shop.example/&#34;&gt;&lt;script&gt;"' in text


def test_the_bookmarklet_leads_to_this_service(service: Served, browser: Browser) -> None:
    assert "javascript:location.href=&#39;http://localhost/?url=&#39;" in browser.get("/").get_data(as_text=True)
    public = service.configured(public_url="https://witness.example")
    assert "https://witness.example/?url=" in public.log_in().get("/").get_data(as_text=True)


def test_a_viewer_gets_no_form_and_may_not_send_one(service: Served) -> None:
    viewer = service.log_in("viewer")
    assert "You can look at cases but not make new ones." in viewer.get("/").get_data(as_text=True)
    for address in ("/", "/import"):
        assert viewer.post(address, {"url": URL}, seen="/account").status_code == 403
    assert service.count(Case) == 0


def test_a_case_with_secrets_is_asked_for_again_by_a_form_with_its_options(service: Served, browser: Browser) -> None:
    case = ask(service, headers=({"name": "X-Key", "value": "geheimgeheim"},), locale="de-DE", resolvers=("9.9.9.9",))
    text = browser.get(f"/?again={case.id}").get_data(as_text=True)
    assert "The values of its headers were not kept" in text
    assert "X-Key: " in text
    assert 'value="de-DE"' in text
    assert "9.9.9.9</textarea>" in text
    made = case_of(service, send(browser, recheck_of=case.id, headers="X-Key: new"))
    assert made.recheck_of == case.id


def test_a_case_whose_address_had_a_secret_is_asked_for_again_with_an_empty_address(
    service: Served, browser: Browser
) -> None:
    case = ask(service, url="https://shop.example/?token=abc123def456ghi789")
    text = browser.get(f"/?again={case.id}").get_data(as_text=True)
    assert "Its address was https://shop.example/?token=[redacted:token" in text
    assert 'name="url" aria-describedby="url-help url-error" value=""' in text


def test_nobody_looks_again_at_what_they_may_not_see(service: Served) -> None:
    case = ask(service, service.add_user("member", "ann").id)
    stranger = service.log_in("member", "bob")
    assert stranger.get(f"/?again={case.id}").status_code == 404
    assert send(stranger, recheck_of=case.id).status_code == 404


def upload(browser: Browser, *files: tuple[bytes, str], **fields: Any) -> Any:
    given = [(io.BytesIO(data), name) for data, name in files]
    return browser.post("/import", {"files": given, **fields}, seen="/import", content_type="multipart/form-data")


def test_files_become_an_import_with_what_was_typed(service: Served, browser: Browser) -> None:
    case = case_of(service, upload(browser, (b"{}", "page.har"), (b"png", "../../etc/shot.png"), seen="white page"))
    assert (case.kind, case.source, case.url) == ("import", "import", "")
    with service.database.reading() as db:
        payload = submit.opened(service.key, db.get_one(Job, case.id))
    assert payload.uploads == ("page.har", "shot.png")
    assert payload.request.seen == "white page"
    assert service.files.upload(case.id, 1).read_bytes() == b"png"


def test_an_import_without_files_or_with_an_empty_one_is_refused(service: Served, browser: Browser) -> None:
    assert "Choose at least one file." in upload(browser, seen="typed long").get_data(as_text=True)
    answer = upload(browser, (b"", "page.har"), seen="typed long")
    assert answer.status_code == 422
    assert "One of the files is empty." in answer.get_data(as_text=True)
    assert "typed long" in answer.get_data(as_text=True)
    assert service.count(Case) == 0


def test_too_many_files_are_refused(service: Served, browser: Browser) -> None:
    answer = upload(browser, *[(b"x", f"{n}.png") for n in range(17)])
    assert answer.status_code == 422
    assert "At most 16 files are taken at a time." in answer.get_data(as_text=True)


def test_an_upload_that_is_too_large_is_refused_before_it_is_read(service: Served) -> None:
    small = service.configured(upload_bytes=10)
    kind = "multipart/form-data; boundary=x"
    answer = small.browser().client.post("/import", data=b"x" * 3_000_000, content_type=kind)
    assert answer.status_code == 413
    assert service.count(Case) == 0


def test_an_import_of_a_private_address_is_taken_for_nothing_is_contacted(service: Served, browser: Browser) -> None:
    assert case_of(service, upload(browser, (b"png", "shot.png"), url="http://intranet/wiki")).host == "intranet"


def test_the_pages_are_small(service: Served, browser: Browser) -> None:
    local_user(service)
    for address in ("/", "/import"):
        assert len(browser.get(address).data) < 20_000
