"""Reads the words of a picture. In: a Picture. Out: lines of text with their boxes, in reading order.

The models come with the library (rapidocr-onnxruntime, PP-OCRv4); nothing is fetched. Loaded when first needed.
"""

import threading
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from report.visual.picture import Box, Picture

THREADS: Final = 2
BUDGET: Final = 420.0
"""What recognition may cost: the sum of all lines' widths through their heights. Short lines are read first; headings,
labels and footers say more than paragraphs."""
SUREST: Final = 0.5
"""Least score of a line that is kept."""
_LOCK: Final = threading.Lock()


@dataclass(frozen=True)
class Line:
    """One line of text."""

    text: str
    """As read; spaces may be missing."""
    box: Box
    """Where it stands, pixels of the original."""


@dataclass(frozen=True)
class Text:
    """What was read of a picture."""

    lines: tuple[Line, ...] = ()
    """Every line that the budget allowed to read, from top to bottom and left to right."""
    length: float = 0.0
    """How much text there is, read or not: the sum of all lines' widths through their heights."""


def text(picture: Picture) -> Text:
    """The words of a picture."""
    import numpy

    pixels = numpy.asarray(picture.image)[:, :, ::-1]
    with _LOCK:
        reader = _reader()
        found, _ = reader.auto_text_det(pixels)
        corners = _affordable(found if found is not None else [])
        if not corners:
            return Text()
        read, _ = reader.text_rec(reader.get_crop_img_list(pixels, corners))
    kept = [(each, said) for each, (said, score) in zip(corners, read, strict=True) if score >= SUREST and said.strip()]
    length = sum(_width(each) / max(1.0, _height(each)) for each in found)
    return Text(tuple(Line(said.strip(), _box(each, picture.scale)) for each, said in kept), length)


@cache
def _reader() -> Any:
    """The engine: two threads, no memory arena, one line at a time, because a batch is padded to its longest line."""
    from rapidocr_onnxruntime import RapidOCR

    reader = RapidOCR(use_cls=False, intra_op_num_threads=THREADS, inter_op_num_threads=1)
    reader.text_rec.rec_batch_num = 1
    return reader


def _affordable(found: Any) -> list[Any]:
    """The boxes to read, in their order: the shortest, as far as the budget reaches."""
    spent = 0.0
    chosen = set()
    for cost, at in sorted((_width(box) / max(1.0, _height(box)), at) for at, box in enumerate(found)):
        spent += max(cost, 6.0)
        if spent > BUDGET:
            break
        chosen.add(at)
    return [box for at, box in enumerate(found) if at in chosen]


def _width(box: Any) -> float:
    return float(box[1][0] - box[0][0])


def _height(box: Any) -> float:
    return float(box[3][1] - box[0][1])


def _box(corners: Any, scale: float) -> Box:
    xs, ys = [float(point[0]) * scale for point in corners], [float(point[1]) * scale for point in corners]
    return round(min(xs)), round(min(ys)), max(1, round(max(xs) - min(xs))), max(1, round(max(ys) - min(ys)))

