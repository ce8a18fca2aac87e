"""Pictures over HTTP: slices, spectra, and PNG files of the project."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from fastapi import FastAPI, Query
from fastapi.responses import PlainTextResponse, Response

from isonet.errors import InputError
from isonet.gui import spectrum
from isonet.gui.access import Roots
from isonet.gui.slices import View, Volumes

_KEPT = {"Cache-Control": "private, max-age=60"}
_LARGEST_PICTURE = 1 << 26


def slice_address(path: Path, view: View) -> str:
    """Address of a slice; it changes when the file does."""
    return "/image/slice?" + urlencode({"path": path, **vars(view), "of": _age(path)})


def spectrum_address(path: Path, plane: str, tilts: tuple[float, float] | None) -> str:
    """Address of a power spectrum."""
    ends = {} if tilts is None else {"low": tilts[0], "high": tilts[1]}
    return "/image/spectrum?" + urlencode({"path": path, "plane": plane, **ends, "of": _age(path)})


def picture_address(path: Path) -> str:
    """Address of a PNG file."""
    return "/image/file?" + urlencode({"path": path, "of": _age(path)})


def _age(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def add_routes(app: FastAPI, roots: Roots, volumes: Volumes) -> None:
    """Serve pictures; what cannot be shown is answered with status 400 and one line."""

    @app.get("/image/slice")
    def slice_picture(
        path: str,
        plane: str = "xy",
        index: int = 0,
        slab: int = 1,
        lowpass: float = 0.0,
        low: float = 0.5,
        high: float = 99.5,
        size: int = 1024,
    ) -> Response:
        return _answer(lambda: volumes.picture(roots.allowed(path), View(plane, index, slab, lowpass, low, high, size)))

    @app.get("/image/spectrum")
    def spectrum_picture(
        path: str,
        plane: str = "xz",
        low: Annotated[float | None, Query(ge=-90, le=90)] = None,
        high: Annotated[float | None, Query(ge=-90, le=90)] = None,
    ) -> Response:
        if plane not in ("xz", "yz"):
            return _refused(f"plane {plane!r}; use xz or yz")
        tilts = None if low is None or high is None else (low, high)
        return _answer(lambda: spectrum.picture(volumes.get(roots.allowed(path)), plane, tilts))

    @app.get("/image/file")
    def file_picture(path: str) -> Response:
        return _answer(lambda: _read_picture(roots.allowed(path)))


def _answer(draw: Callable[[], bytes]) -> Response:
    try:
        return Response(draw(), media_type="image/png", headers=_KEPT)
    except InputError as error:
        return _refused(str(error))
    except (OSError, ValueError, MemoryError) as error:
        return _refused(f"cannot be shown ({' '.join(str(error).split()) or type(error).__name__})")


def _refused(reason: str) -> Response:
    return PlainTextResponse(reason + "\n", status_code=400)


def _read_picture(path: Path) -> bytes:
    if path.suffix.lower() != ".png" or not path.is_file() or path.stat().st_size > _LARGEST_PICTURE:
        raise InputError(f"{path}: not a picture (.png)")
    return path.read_bytes()
