"""Pictures of a page. In: a DevTools session. Out: PNG files in the bundle and what is known about them."""

import base64
import hashlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime

from PIL import Image

from capture.context import Context
from capture.devtools import DevTools
from capture.record.page import Screenshot

TILE_PX = 8192
"""Height of one tile; the compositor's own pictures repeat or end past 16,384 px."""
BLANK_SHARE = 0.99999
"""A picture with more than this share of one grey value shows nothing; one short word is below it."""


@dataclass(frozen=True)
class Size:
    """Size of the page, CSS pixels."""

    width: int
    height: int


async def page_size(devtools: DevTools, session: str, timeout: float) -> Size:
    """Size of the whole page; raises DevToolsError, TimeoutError."""
    metrics = await devtools.call("Page.getLayoutMetrics", session, timeout=timeout)
    content = metrics["cssContentSize"]
    return Size(round(content["width"]), round(content["height"]))


async def viewport(ctx: Context, devtools: DevTools, session: str, name: str) -> Screenshot:
    """What the window shows; raises DevToolsError, TimeoutError."""
    return keep(ctx, name, await _capture(devtools, session, ctx.limits.screenshot_s), judge=True)


async def full(ctx: Context, devtools: DevTools, session: str, name: str, size: Size) -> Screenshot:
    """The whole page in tiles, cut at the limit and said so; raises DevToolsError, TimeoutError."""
    width = ctx.request.viewport.width
    height = min(size.height, ctx.limits.screenshot_height_px)
    tiles = []
    for top in range(0, height, TILE_PX):
        clip = {"x": 0, "y": top, "width": width, "height": min(TILE_PX, height - top), "scale": 1}
        tiles.append(await _capture(devtools, session, ctx.limits.screenshot_s, clip))
    cut = height < size.height
    if cut:
        ctx.hit("screenshot_height_px", f"the full-page picture ends at {height:,} of {size.height:,} pixels")
    data = tiles[0] if len(tiles) == 1 else _stitch(tiles, width, height)
    return keep(ctx, name, data, judge=len(tiles) > 1, page_height=size.height, cut=height if cut else None)


def keep(ctx: Context, name: str, data: bytes, *, judge: bool = False, page_height: int | None = None,
         cut: int | None = None) -> Screenshot:
    """Writes one picture into the bundle; `judge`: look whether it shows anything."""
    with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
        width, height = image.size
        blank = is_blank(image) if judge else None
    ctx.writer.add(name, data)
    return Screenshot(path=name, width=width, height=height, at=datetime.now(UTC), cut_at_px=cut, blank=blank,
                      page_height_px=page_height, sha256=hashlib.sha256(data).hexdigest())


def is_blank(image: Image.Image) -> bool:
    """Whether nearly all pixels have one brightness."""
    histogram = image.convert("L").histogram()
    return max(histogram) > BLANK_SHARE * sum(histogram)


async def _capture(devtools: DevTools, session: str, timeout: float, clip: dict[str, int] | None = None) -> bytes:
    options = {"clip": clip, "captureBeyondViewport": True} if clip else {}
    # Lossless either way; this way the browser packs half as long for files a third larger (measured).
    shot = await devtools.call("Page.captureScreenshot", session, timeout=timeout, format="png", optimizeForSpeed=True,
                               **options)
    return base64.b64decode(shot["data"])


def _stitch(tiles: list[bytes], width: int, height: int) -> bytes:
    whole = Image.new("RGB", (width, height), "white")
    top = 0
    for tile in tiles:
        with Image.open(io.BytesIO(tile), formats=["PNG"]) as image:
            whole.paste(image.convert("RGB"), (0, top))
            top += image.height
    output = io.BytesIO()
    whole.save(output, "PNG", compress_level=3)
    return output.getvalue()
