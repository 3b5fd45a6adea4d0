"""What the service and its workers say to each other. In: lines of JSON from both. Out: orders, and what was told."""

from pathlib import Path
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from capture.record.request import CaptureRequest, StepRecord

Kind = Literal["ready", "began", "step", "picture", "captured", "done", "refused", "bad", "fault"]
LAST: Final = ("done", "refused", "bad", "fault")
"""After one of these nothing more comes."""
MESSAGE_BYTES: Final = 4096
"""Longest message between the server and the nursery."""


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Order(_Line):
    """What a worker is given."""

    kind: Literal["capture", "import", "dossier"]
    """dossier: the bundle is there already, only its report is missing."""
    request: CaptureRequest = Field(repr=False)
    """The request with its secrets."""
    staging: Path
    """Where the bundle is made."""
    uploads: tuple[tuple[str, Path], ...] = ()
    """Of an import: names as the user gave them, and where the files are."""


class Told(_Line):
    """One thing that a worker says.

    ready: a browser waits. began: the job is understood. step, picture: progress. captured: the bundle is sealed, the
    browser gone; a reason is what makes us doubt our own part in what was seen. The end is one of done, refused (by
    policy), bad (the request makes no sense), fault (we failed).
    """

    kind: Kind
    """What happened."""
    step: StepRecord | None = None
    """How a step went."""
    reason: str | None = None
    """Why, one sentence."""


def doubt_in(step: StepRecord) -> str | None:
    """Why a step makes us doubt our own part in what was seen; None when it does not."""
    unseen = step.name == "page" and step.status == "failed"
    return f"the browser could not look at the page: {step.reason}" if unseen else None
