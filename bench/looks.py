"""`python -m bench.looks`: draws every look and writes the hashes of the drawings to report/data/looks.json.

With `--pictures DIR` also the pictures that the tests look at. In: report/looks/*.toml. Out: files that are committed.
"""

import argparse
import asyncio
import io
import json
from pathlib import Path
from typing import Final

from PIL import Image

from bench.shots import Body, Camera, Window
from report.signatures import vendors
from report.visual.looks import HASHES, inputs, looks
from report.visual.picture import read

WINDOWS: Final = (Window(), Window(1000, 650), Window(1920, 1080), Window(390, 844), Window(dark=True))
"""Window sizes of people who send pictures."""


SAMPLES: Final = ("nginx.page", "openresty.page", "cloudfront.page", "squid.page-old", "modsecurity.page",
                  "f5-bigip.rejected", "java-spring-app.whitelabel", "akamai.page")
"""Signatures whose samples the tests look at."""
OTHERS: Final = {"cloudflare.diagram": {"retina": Window(640, 400, 2.0), "phone": Window(390, 844),
                                        "small": Window(1000, 650), "wide": Window(1920, 1080)},
                 "nextjs-app.error": {"dark": Window(dark=True)}}
"""Other windows in which the tests look at drawings."""


async def draw(pictures: Path | None) -> None:
    """Draws everything once in each window."""
    camera = await Camera.start()
    try:
        drawn = {look.id: Body(look.drawing.encode()) for _, look in looks() if look.drawing}
        hashed = {name: await _hashes(camera, body) for name, body in drawn.items()}
        if pictures is not None:
            await _show(camera, drawn, pictures)
    finally:
        await camera.close()
    HASHES.write_text(json.dumps({"inputs": inputs(), "looks": hashed}, indent=1) + "\n", encoding="utf-8")


async def _hashes(camera: Camera, body: Body) -> list[tuple[str, float]]:
    shots = [await camera.shoot(body, window) for window in WINDOWS]
    seen = dict.fromkeys(found for shot in shots if (found := read(shot).fingerprint))
    return [(f"{bits:064x}", round(ratio, 3)) for bits, ratio in seen]


async def _show(camera: Camera, drawn: dict[str, Body], pictures: Path) -> None:
    """The pictures of the tests: drawings, samples, and the pages that stand beside them as HTML."""
    samples = {each.id: each.sample.body for vendor in vendors() for each in vendor.signature}
    bodies = {**drawn, **{name: Body(samples[name].encode()) for name in SAMPLES},
              **{path.stem: Body(path.read_bytes()) for path in sorted(pictures.glob("*.html"))}}
    for name, body in bodies.items():
        _keep(await camera.shoot(body), pictures / f"{name}.png")
    for name, windows in OTHERS.items():
        for window, size in windows.items():
            _keep(await camera.shoot(drawn[name], size), pictures / f"{name}-{window}.png")


def _keep(png: bytes, path: Path) -> None:
    """A small file: few colours are enough for a page of one's own."""
    with Image.open(io.BytesIO(png), formats=("PNG",)) as image:
        image.convert("RGB").quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m bench.looks", description=__doc__)
    parser.add_argument("--pictures", type=Path)
    asyncio.run(draw(parser.parse_args().pictures))
