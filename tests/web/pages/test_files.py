"""What of a case can be saved, in words."""

import zipfile
from pathlib import Path

from web.pages.files import downloads, packs, zipped

NAMES = {"page.har": 10, "report/dossier.html": 20, "report/packs/owner/letter.md": 1_000,
         "report/packs/owner/dossier.html": 500, "report/packs/cloudflare/page.har": 7, "report/packs/loose.txt": 1,
         "report/packs/nobody-knows/x": 3}


def test_only_what_is_there_is_offered() -> None:
    assert [(file.name, file.title) for file in downloads(NAMES)] == [("dossier.html", "HTML"), ("page.har", "HAR")]


def test_packs_have_the_name_of_whom_they_are_for_the_owners_first() -> None:
    assert [(pack.folder, pack.title, pack.size) for pack in packs(NAMES)] == [
        ("owner", "for the site’s owner", "1.5 kB"), ("cloudflare", "for Cloudflare", "7 B"),
        ("nobody-knows", "for nobody-knows", "3 B")]


def test_a_zip_holds_the_files_by_their_names(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)
    with zipped({"owner/letter.md": tmp_path / "a"}) as made, zipfile.ZipFile(made) as archive:
        assert archive.read("owner/letter.md") == b"x" * 10
