"""Pictures over HTTP: slices, spectra, and PNG files of the project."""

import asyncio
import io
import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from fastapi import FastAPI, Query
from fastapi.responses import PlainTextResponse, Response
from PIL import Image

from isonet.errors import InputError
from isonet.gui.files.access import Roots
from isonet.gui.pictures import confidence, outline, spectrum
from isonet.gui.pictures.slices import AXES, View, Volumes

_KEPT = {"Cache-Control": "private, max-age=60"}
_LARGEST_PICTURE = 1 << 26
_MOST_PIXELS = 1 << 26
_DRAWERS = ThreadPoolExecutor(4, "drawer")  # few, and others wait: each keeps some memory for the next picture
Section = Annotated[int, Query(ge=0, lt=1 << 31)]
Step = Annotated[int, Query(ge=1, le=1024)]
Percentage = Annotated[float, Query(gt=0, le=100)]


def slice_address(path: Path, view: View) -> str:
    """Address of a slice; it changes when the file does."""
    return "/image/slice?" + urlencode({"path": path, **vars(view), "of": age(path)})


def spectrum_address(path: Path, plane: str, traces: Sequence[float]) -> str:
    """Address of a power spectrum with the lines of the wedge's faces, at angles in degrees, none or two."""
    ends = dict(zip(("low", "high"), traces, strict=False))
    return "/image/spectrum?" + urlencode({"path": path, "plane": plane, **ends, "of": age(path)})


def picture_address(path: Path, width: int | None = None) -> str:
    """Address of a PNG file, or of a copy that is at most so many pixels wide."""
    smaller = {} if width is None else {"width": width}
    return "/image/file?" + urlencode({"path": path, **smaller, "of": age(path)})


def automatic_address(path: Path, index: int, step: int, choice: Mapping[str, float]) -> str:
    """Address of the outline of the automatic mask; `choice` has density, deviation, patch and sign."""
    return "/image/automatic?" + urlencode({"path": path, "index": index, "step": step, **choice, "of": age(path)})


def age(path: Path) -> int:
    """When a file changed last, for addresses that change with it; 0 if it is gone."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def add_routes(app: FastAPI, roots: Roots, volumes: Volumes) -> None:
    """Serve pictures; what cannot be shown is answered with status 400 and one line."""

    @app.get("/image/slice")
    async def slice_picture(
        path: str,
        plane: str = "xy",
        index: int = 0,
        slab: int = 1,
        lowpass: float = 0.0,
        low: float = 0.5,
        high: float = 99.5,
        size: int = 1024,
        reference: int = 0,
        quality: int = 0,
    ) -> Response:
        def draw() -> bytes:
            view = View(plane, index, slab, lowpass, low, high, size, reference, quality)
            return volumes.picture(roots.allowed(path), view)

        return await _answer(draw, "image/jpeg" if quality else "image/png")

    @app.get("/image/spectrum")
    async def spectrum_picture(
        path: str,
        plane: str = "xz",
        low: Annotated[float | None, Query(ge=-90, le=90)] = None,
        high: Annotated[float | None, Query(ge=-90, le=90)] = None,
    ) -> Response:
        if plane not in ("xz", "yz"):
            return _refused(f"plane {plane!r}; use xz or yz")
        traces = () if low is None or high is None else (low, high)
        return await _answer(lambda: spectrum.picture(volumes.get(roots.allowed(path)), plane, traces))

    @app.get("/image/outline")
    async def outline_picture(path: str, plane: str, index: Section, step: Step = 1) -> Response:
        if plane not in AXES:
            return _refused(f"plane {plane!r}; use xy, xz or yz")
        return await _answer(
            lambda: outline.picture(outline.of_file(volumes.get(roots.allowed(path)), plane, index, step))
        )

    @app.get("/image/confidence")
    async def confidence_picture(path: str, plane: str, index: Section, step: Step = 1) -> Response:
        if plane not in AXES:
            return _refused(f"plane {plane!r}; use xy, xz or yz")
        return await _answer(lambda: confidence.picture(volumes.get(roots.allowed(path)), plane, index, step))

    @app.get("/image/automatic")
    async def automatic_picture(
        path: str,
        index: Section,
        density: Percentage,
        deviation: Percentage,
        patch: Annotated[int, Query(ge=2, le=64)] = 4,
        sign: Annotated[int, Query(ge=-1, le=1)] = -1,
        step: Step = 1,
    ) -> Response:
        def draw() -> bytes:
            place = roots.allowed(path)
            _, height, width = volumes.get(place).shape
            look = outline.features(place, age(place), patch, sign)
            return outline.picture(look.slice(index, density, deviation, (height // step, width // step)))

        return await _answer(draw)

    @app.get("/image/file")
    async def file_picture(path: str, width: Annotated[int | None, Query(ge=16, le=2048)] = None) -> Response:
        return await _answer(lambda: _read_picture(roots.allowed(path), width))


async def _answer(draw: Callable[[], bytes], kind: str = "image/png") -> Response:
    try:
        content = await asyncio.get_running_loop().run_in_executor(_DRAWERS, draw)
        return Response(content, media_type=kind, headers=_KEPT)
    except InputError as error:
        return _refused(str(error))
    except (OSError, ValueError, MemoryError) as error:
        return _refused(f"cannot be shown ({' '.join(str(error).split()) or type(error).__name__})")


def _refused(reason: str) -> Response:
    return PlainTextResponse(reason + "\n", status_code=400)


def _read_picture(path: Path, width: int | None) -> bytes:
    if path.suffix.lower() != ".png" or not path.is_file() or path.stat().st_size > _LARGEST_PICTURE:
        raise InputError(f"{path}: not a picture (.png)")
    return path.read_bytes() if width is None else _smaller(path, width)


def _smaller(path: Path, width: int) -> bytes:
    """Shrink a picture to a width."""
    file = io.BytesIO()
    try:
        with Image.open(path, formats=["PNG"]) as image:
            if math.prod(image.size) > _MOST_PIXELS:
                raise InputError(f"{path}: too large to be shrunk")
            image.thumbnail((width, max(image.size)))
            image.save(file, "PNG")
    except SyntaxError as error:  # how broken files are told
        raise InputError(f"{path}: not a picture (.png)") from error
    return file.getvalue()
