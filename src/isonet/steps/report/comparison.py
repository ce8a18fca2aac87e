"""One tomogram before and after: its pictures, the balance of its wedge, its seams."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from isonet.core.comparison import seams
from isonet.core.comparison.seams import Seam
from isonet.core.filters import tiling
from isonet.io.formats import open_volume
from isonet.io.volume_files import container
from isonet.project.table import HALF_COLUMNS, Tomogram
from isonet.running.run_record import read_metrics
from isonet.steps.report.data import CORRECTED, RESTORED, existing
from isonet.steps.report.looks import Look, look
from isonet.steps.report.pictures import faces, slice_picture, spectrum_picture
from isonet.steps.report.sources import RunFolder
from isonet.validation.balance import measure_balance
from isonet.volumes.beads import painted, read_beads
from isonet.volumes.continued import continue_over_padding
from isonet.volumes.padding import find_padding
from isonet.volumes.products import setting_of
from isonet.volumes.source import contrast_sign

Numbers = dict[str, Any]
_SUBVOLUMES = 6  # in which the balance of the wedge is measured
PLANES = ("xy", "xz", "yz")


@dataclass(frozen=True)
class Comparison:
    """A tomogram before and after.

    Attributes
    ----------
    numbers : dict
        For the JSON file.
    pictures : dict
        `before` and `after` (None if there is none) to data addresses of `xy`, `xz`, `yz`, `power_xz` and `power_yz`;
        `deconvolved` (likewise, what came of `after`) to those of `xy` and `xz`.
    sizes : dict
        Plane to width and height of its picture in pixels.
    lines : list
        Faces of the wedge over `power_xz`.
    sign : int
        -1 where density is dark.
    after : Look or None
        What was seen of the corrected tomogram.
    """

    numbers: Numbers
    pictures: dict[str, dict[str, str] | None]
    sizes: dict[str, tuple[int, int]]
    lines: list[tuple[float, float, float, float]]
    sign: int
    after: Look | None


def compare(tomogram: Tomogram, predicted: RunFolder | None, measured: str) -> Comparison:
    """Look at a tomogram and, if there is one, at its correction.

    Parameters
    ----------
    tomogram : Tomogram
        Its row in the table.
    predicted : RunFolder or None
        Run that corrected it, which says where tiles met.
    measured : str
        Column of the volume that the model was given.
    """
    files = files_compared(tomogram, measured)
    opened = {name: open_volume(path) for name, path in files.items() if path is not None}
    padding = find_padding(opened["before"], aloud=False)
    beads = read_beads(tomogram, opened["before"].shape)
    volumes = {name: continue_over_padding(painted(volume, beads), padding) for name, volume in opened.items()}
    sign = contrast_sign(tomogram, [volumes["before"]])
    looks = {name: look(volume) for name, volume in volumes.items()}
    if padding is not None or beads:
        looks = {name: replace(one, slices=look(opened[name]).slices) for name, one in looks.items()}
    drawn = {name: {plane: slice_picture(one.slices[plane], sign) for plane in PLANES} for name, one in looks.items()}
    seen = tomogram.measured
    balance = {name: measure_balance([one], seen, _SUBVOLUMES) for name, one in volumes.items()}
    balance["before"].pop("warnings")  # that it is empty is no fault
    after = looks.get("after")
    deconvolved = existing(tomogram, RESTORED) if after is not None else None
    made = _made(predicted, files["after"])
    return Comparison(
        numbers={
            "index": tomogram.index,
            "name": tomogram.name,
            "before": str(files["before"]),
            "after": None if files["after"] is None else str(files["after"]),
            "pixel_size": tomogram.number("rlnPixelSize") or volumes["before"].header.pixel_size or None,
            "std": {name: float(f"{one.std:.6g}") for name, one in looks.items()},
            "balance": balance,
            "deconvolved": None if deconvolved is None else setting_of(deconvolved) or "",
            "seams": {} if after is None else _seams(after, _tiles(made)),
            "tilt_range": list(tomogram.tilt_range),
            "corrected_with": made.get("tilts"),
        },
        pictures={"after": None}
        | {
            name: {plane: picture for plane, (picture, _) in planes.items()}
            | {f"power_{plane}": spectrum_picture(looks[name].spectra[plane]) for plane in ("xz", "yz")}
            for name, planes in drawn.items()
        }
        | {"deconvolved": None if deconvolved is None else _slices(deconvolved, sign)},
        sizes={plane: size for plane, (_, size) in drawn["before"].items()},
        lines=faces(seen.traces("xz")),
        sign=sign,
        after=after,
    )


def _slices(path: Path, sign: int) -> dict[str, str]:
    """Pictures of the central XY and XZ slices of a volume."""
    slices = look(open_volume(path)).slices
    return {plane: slice_picture(slices[plane], sign)[0] for plane in ("xy", "xz")}


def files_compared(tomogram: Tomogram, measured: str) -> dict[str, Path | None]:
    """Files `before` and `after` (None if there is none) of a tomogram; `measured` as in :func:`compare`."""
    return {"before": tomogram.file(_column(tomogram, measured)), "after": existing(tomogram, CORRECTED)}


def _column(tomogram: Tomogram, measured: str) -> str:
    """Column of what is shown as before: what the model was given; of halves, their mean, the full tomogram."""
    if measured in (*HALF_COLUMNS, "halves") or existing(tomogram, measured) is None:
        return tomogram.full_column
    return measured


def _made(run: RunFolder | None, path: Path | None) -> Numbers:
    """What a run of predict says of how it made a file; nothing where it does not."""
    if run is None or path is None:
        return {}
    found = [line for line in read_metrics(run.folder) if line.get("file") == container(path).name]
    return found[-1] if found else {}


def _tiles(made: Numbers) -> tuple[tiling.Axis, ...]:
    """Tiles that a file was made of, along z, y, x; none where that is not known."""
    try:
        return tuple(tiling.Axis(**{**axis, "starts": tuple(axis["starts"])}) for axis in made["tiles"])
    except (KeyError, TypeError):
        return ()


def _seams(after: Look, tiles: Sequence[tiling.Axis]) -> Numbers:
    """How much the borders of tiles stand out along each axis; nothing where the tiles are not known."""
    found: Numbers = {}
    for name, steps, axis in zip("zyx", after.steps, tiles, strict=False):
        seam = seams.measure_seam(steps, seams.crossings(axis.weights(), axis.starts))
        if seam is not None:
            found[name] = _rounded(seam)
    return found


def _rounded(seam: Seam) -> Numbers:
    return {
        "excess": round(seam.excess, 4),
        "certainty": round(float(np.clip(seam.certainty, -999, 999)), 1),
        "visible": seam.visible,
    }
