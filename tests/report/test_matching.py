"""One answered document against signatures: places, entities, cookies, names, and what an answer without body is."""

from report.citing import Citer
from report.matching import document, extract, match, says
from report.signatures import Extract, Vendor
from tests import builders as make


def vendor(**conditions: object) -> Vendor:
    signature = {
        "id": "acme.page",
        "shows": "presence",
        "certainty": "likely",
        "source": "x",
        "date": "2026-01-02",
        "sample": {"status": 200},
        **conditions,
    }
    return Vendor.model_validate(
        {"slug": "acme", "name": "Acme", "layer": "cdn", "source": "x", "date": "2026-01-02", "signature": [signature]}
    )


def holds(facts: object, **conditions: object) -> bool:
    page = document(facts)  # type: ignore[arg-type]
    assert page is not None
    return bool(match(page, (vendor(**conditions),), Citer(facts)))  # type: ignore[arg-type]


def test_every_condition_must_hold() -> None:
    facts = make.answered(
        503, [("X-Acme", "node 7"), ("Set-Cookie", "acme_sid=1; path=/")], "<title>Acme</title><p>sorry</p>"
    )
    assert holds(
        facts, status=["500-599"], header={"x-acme": r"^node \d"}, cookie="^acme_", title="^Acme$", text="sorry"
    )
    assert not holds(facts, status=["500-599"], header={"x-acme": r"^node \d"}, text="welcome")
    assert not holds(facts, status=[404], text="sorry")


def test_absence_is_a_condition_too() -> None:
    facts = make.answered(503, [("X-Acme", "1")], "<p>sorry</p>")
    assert not holds(facts, header_absent=["x-acme"], text="sorry")
    assert not holds(facts, body_absent=["<p>sorry"], text="sorry")
    assert holds(facts, header_absent=["x-other"], body_absent=["thanks"], text="sorry")


def test_text_is_matched_with_entities_decoded() -> None:
    plain = make.plain(403, (), "<p>Reference&#32;&#35;18&#46;abc</p>")
    assert holds(make.evidence(plain_http=(plain,)), text=r"Reference #18\.abc")


def test_a_name_in_the_chain_of_dns_can_be_asked_for() -> None:
    names = make.dns("shop.example", make.ADDRESS)
    alias = names.answers[0].records[0].model_copy(update={"type": "CNAME", "data": "shop.acme-edge.example"})
    answer = names.answers[0].model_copy(update={"records": (alias,)})
    facts = make.answered(200, dns=names.model_copy(update={"answers": (answer,)}))
    assert holds(facts, cname=r"\.acme-edge\.example$")


def test_an_unknown_body_is_not_an_empty_one() -> None:
    known = make.evidence(make.page_load(make.exchange(answer=make.response(502, [("Server", "Acme")], ""))))
    unknown = make.evidence(make.page_load(make.exchange(answer=make.response(502, [("Server", "Acme")], None))))
    assert holds(known, header={"server": "^Acme$"}, empty_body=True)
    assert not holds(unknown, header={"server": "^Acme$"}, empty_body=True)


def test_markup_served_with_success_is_the_same_page_and_plain_text_is_not() -> None:
    error = {"status": ["400-599"], "body": '"message": "sorry"', "shows": "generated"}
    assert holds(make.answered(200, (), '<p data-x={"message": "sorry"}>'), **error)
    assert not holds(make.answered(200, (), '{"message": "sorry"}'), **error)
    assert not holds(make.answered(302, (), '<p data-x={"message": "sorry"}>'), **error)
    assert not holds(make.answered(200, (), '<p data-x={"message": "sorry"}>'), **{**error, "shows": "presence"})


def test_what_relays_put_in_and_before_a_page_is_not_part_of_it() -> None:
    script = '<script defer src="https://static.cloudflareinsights.com/beacon.min.js/v1"></script>'
    facts = make.answered(502, (), f"\ufeff\n<p>sorry</p>{script}</body>")
    assert holds(facts, body=r"\A<p>sorry</p></body>\Z")


def test_headers_alone_speak_only_while_nothing_is_known_of_the_body() -> None:
    header = {"server": "^Acme$"}
    kept = make.answered(502, [("Server", "Acme")], "<p>sorry</p>")
    lost = make.evidence(make.page_load(make.exchange(answer=make.response(502, [("Server", "Acme")], None))))
    assert holds(lost, header=header, body_unknown=True)
    assert not holds(kept, header=header, body_unknown=True)


def test_an_answer_that_says_or_was_seen_to_have_no_body_is_known_to_be_empty() -> None:
    silent = make.page_load(make.exchange(answer=make.response(502, [("Server", "Acme")], None)))
    said = make.page_load(make.exchange(answer=make.response(502, [("Content-Length", "0"), ("Server", "Acme")], None)))
    seen = make.evidence(silent, plain_http=(make.plain(502, (), body_bytes=0),))
    assert holds(make.evidence(said), header={"server": "^Acme$"}, empty_body=True)
    assert holds(seen, header={"server": "^Acme$"}, empty_body=True)


def test_values_are_read_off_with_the_place_where_they_stand() -> None:
    page = document(make.answered(503, [("X-Acme", "id=77")], "<p>Id&#58; 42</p>"))
    assert page is not None
    assert extract(page, Extract.model_validate({"in": "header:x-acme", "pattern": r"id=(\d{1,9})"})) == (
        "/pages/0/exchanges/0/response/headers/0/value",
        "77",
    )
    assert extract(page, Extract.model_validate({"in": "text", "pattern": r"Id: (\d{1,9})"})) == ("/pages/0/text", "42")


def test_words_are_found_whatever_their_white_space_and_case() -> None:
    page = document(make.answered(502, (), "<p>Could  not\nconnect</p>"))
    assert page is not None
    assert says(page, "text", "could NOT connect") == "/pages/0/text"
    assert says(page, "text", "could connect") is None
