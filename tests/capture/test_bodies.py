"""Bodies as a fake browser gives them: masked, within their budgets, and told as missing when they are."""

import asyncio
import base64
import hashlib
from pathlib import Path
from typing import Any, cast

import pytest

from capture.bodies import Bodies
from capture.context import Context
from capture.devtools import DevTools, DevToolsError
from capture.exchanges import Draft
from capture.record.bundle import BundleError
from capture.record.page import Body
from capture.record.request import Limits
from tests.contexts import context


class FakeDevTools:
    """Answers every question for a body with the same thing."""

    def __init__(self, answer: bytes | str | Exception | None) -> None:
        self.answer = answer

    async def call(self, method: str, session: str, *, timeout: float, **params: Any) -> dict[str, Any]:
        """Gives text as text, bytes as base64, raises an exception, and with None never answers."""
        assert (method, session, params) == ("Network.getResponseBody", "S", {"requestId": "R"})
        if self.answer is None:
            await asyncio.sleep(3600)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, bytes):
            return {"body": base64.b64encode(self.answer).decode(), "base64Encoded": True}
        return {"body": self.answer, "base64Encoded": False}


def draft(mime: str = "text/html", kind: str = "Document", **given: Any) -> Draft:
    made = Draft("R", "S", {"type": kind, "request": {"url": "http://shop.example/file"}}, 1)
    made.response = {"status": 200, "mimeType": mime, **given}
    made.received_bytes = 42
    return made


async def fetched(ctx: Context, answer: bytes | str | Exception | None, of: Draft, wait_s: float = 2.0) -> Body | None:
    bodies = Bodies(ctx, cast(DevTools, FakeDevTools(answer)))
    bodies.fetch(of)
    await bodies.wait(wait_s)
    return of.body


async def test_a_document_is_kept_as_artifact_and_as_text(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    body = await fetched(ctx, "<h1>Größe</h1>", draft())
    data = "<h1>Größe</h1>".encode()
    digest = hashlib.sha256(data).hexdigest()
    assert body == Body(size=len(data), sha256=digest, artifact=f"artifacts/{digest}.html", text="<h1>Größe</h1>")
    assert (ctx.writer.directory / f"artifacts/{digest}.html").read_bytes() == data


async def test_only_documents_have_their_text_in_the_evidence(tmp_path: Path) -> None:
    body = await fetched(context(tmp_path), "{}", draft("application/json", "Fetch"))
    assert body is not None
    assert body.text is None
    assert (body.artifact or "").endswith(".json")


async def test_a_binary_body_is_kept_as_it_is(tmp_path: Path) -> None:
    ctx, data = context(tmp_path), bytes(range(256))
    body = await fetched(ctx, data, draft("image/png", "Image"))
    assert body is not None
    assert body.artifact is not None
    assert body.artifact.endswith(".png")
    assert ((ctx.writer.directory / body.artifact).read_bytes(), body.masked) == (data, False)


async def test_a_body_of_an_unknown_type_gets_a_name_that_nothing_opens(tmp_path: Path) -> None:
    body = await fetched(context(tmp_path), b"MZ", draft("application/x-msdownload", "Other"))
    assert body is not None
    assert (body.artifact or "").endswith(".bin")


async def test_an_empty_body_is_a_body_of_no_bytes_and_no_file(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    body = await fetched(ctx, "", draft())
    assert body == Body(size=0, sha256=hashlib.sha256(b"").hexdigest(), text="")
    assert ctx.writer.entries == {}


async def test_secrets_are_masked_before_anything_is_written(tmp_path: Path) -> None:
    ctx = context(tmp_path)
    ctx.redactor.learn("Zx9-secret-value-77Qq", "cookie")
    body = await fetched(ctx, "<p>Zx9-secret-value-77Qq</p>", draft())
    assert body is not None
    assert body.masked
    assert "[redacted:cookie" in (body.text or "")
    assert all(b"Zx9-secret" not in path.read_bytes() for path in ctx.writer.directory.rglob("*.html"))


async def test_a_body_past_the_limit_is_only_counted(tmp_path: Path) -> None:
    ctx = context(tmp_path, limits=Limits(body_bytes=41))
    body = await fetched(ctx, RuntimeError("not asked"), draft())
    assert body == Body(size=42, dropped="too-large")
    assert [hit.limit for hit in ctx.limits_hit] == ["body_bytes"]


async def test_the_budget_of_all_bodies_leaves_size_and_hash(tmp_path: Path) -> None:
    ctx = context(tmp_path, limits=Limits(bodies_bytes=5))
    bodies = Bodies(ctx, cast(DevTools, FakeDevTools("")))
    kept, over, fits = (bodies.keep(draft("text/plain"), data) for data in (b"abc", b"def", b"gh"))
    assert (kept.artifact is not None, over.artifact, fits.artifact is not None) == (True, None, True)
    assert over == Body(size=3, sha256=hashlib.sha256(b"def").hexdigest(), dropped="budget")
    assert [hit.limit for hit in ctx.limits_hit] == ["bodies_bytes"]


@pytest.mark.parametrize("error", [
    DevToolsError("Network.getResponseBody", "No resource with given identifier found"), TimeoutError()])
async def test_a_body_that_the_browser_let_go_is_told_as_not_retained(error: Exception, tmp_path: Path) -> None:
    assert await fetched(context(tmp_path), error, draft()) == Body(size=42, dropped="not-retained")


async def test_a_body_that_does_not_come_is_told_as_not_retained(tmp_path: Path) -> None:
    assert await fetched(context(tmp_path), None, draft(), wait_s=0.05) == Body(size=42, dropped="not-retained")


async def test_a_body_that_cannot_be_written_is_our_failure_and_not_the_sites(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise BundleError("cannot write: No space left on device")

    monkeypatch.setattr("capture.record.bundle.write_file", full)
    bodies = Bodies(context(tmp_path), cast(DevTools, FakeDevTools("text")))
    bodies.fetch(draft())
    await asyncio.sleep(0.01)
    with pytest.raises(BundleError, match="No space left"):
        await bodies.wait(1)


async def test_where_there_was_no_answer_there_is_no_body_to_ask_for(tmp_path: Path) -> None:
    unanswered = draft()
    unanswered.response = None
    assert await fetched(context(tmp_path), RuntimeError("not asked"), unanswered) is None


async def test_an_empty_answer_is_no_bytes_and_not_the_browsers_own_error_page(tmp_path: Path) -> None:
    empty = draft(status=500)
    empty.error = "net::ERR_HTTP_RESPONSE_CODE_FAILURE"
    assert await fetched(context(tmp_path), RuntimeError("not asked"), empty) == Body(size=0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_the_body_of_a_redirect_is_not_asked_for(status: int, tmp_path: Path) -> None:
    body = await fetched(context(tmp_path), RuntimeError("not asked"), draft(status=status))
    assert body == Body(size=42, dropped="not-retained")


async def test_text_is_cut_inside_the_evidence_and_whole_in_the_artifact(tmp_path: Path) -> None:
    ctx = context(tmp_path, limits=Limits(text_chars=4))
    body = await fetched(ctx, "0123456789", draft())
    assert body is not None
    assert (body.text, body.size) == ("0123", 10)
    assert (ctx.writer.directory / (body.artifact or "")).read_bytes() == b"0123456789"
