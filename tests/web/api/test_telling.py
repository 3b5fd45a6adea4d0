"""Rows as the API tells them: links lead to what is there, and only to that."""

from tests.web.api.calls import Api, work
from tests.web.pages.made import bundle
from tests.web.serving import Served
from web.store import jobs, publishing


def test_links_lead_to_files_that_are_there(api: Api, service: Served) -> None:
    where = api.ended()
    found = api.get(where).get_json()
    assert "dossier_html" not in found["links"]
    for file in found["files"]:
        assert len(api.get(file["link"]).data) == file["size"]


def test_a_dossier_is_linked(api: Api, service: Served) -> None:
    where = api.ask()
    with service.database.transaction() as db:
        job = jobs.claim(db, "a test")
        assert job is not None
    bundle(service.files.staging(job.case_id, job.fence), "cloudflare_522")
    assert publishing.publish(service.database, service.files, job.case_id, job.fence)
    found = api.get(where).get_json()
    assert found["links"]["dossier_html"] == f"{where}/files/report/dossier.html"
    answer = api.get(found["links"]["dossier_html"])
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_a_case_whose_files_are_lost_is_told_without_them(api: Api, service: Served) -> None:
    where = api.ask()
    assert work(service) == 1
    service.files.delete(where.rpartition("/")[2])
    assert api.get(where).get_json()["files"] == []
