"""All measures of one result of the quality benchmark."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isonet.core.comparison import metrics
from isonet.io import star
from isonet.volumes.preview import mean_balance, wedge_balance
from judging import metrics as measure
from judging.cases import PIXEL_SIZE, Sample
from withheld import read

Score = dict[str, float]
SOLID = 0.3  # density above which the truth is a particle or a membrane
WALL = 0.3  # of membranes, so that the gap between leaflets counts as wall
TITLES = {
    "inside": "FSC in",
    "outside": "FSC out",
    "inside_angstrom": "Å in",
    "outside_angstrom": "Å out",
    "inside_power": "power in",
    "outside_power": "power out",
    "correlation": "corr.",
    "slope_min": "slope min",
    "slope_max": "slope max",
    "suspect": "suspect",
    "along": "along",
    "oblique": "oblique",
    "across": "across",
    "recall": "recall",
    "closed": "closed",
    "xz": "XZ/XY",
    "yz": "YZ/XY",
    "sheet": "sheet",
    "ice_power": "ice power",
    "ice_pieces": "ice pieces",
    "invented": "invented",
    "invented_pieces": "inv. pieces",
    "invented_sheets": "inv. sheets",
    "withheld_unfilled": "withheld before",
    "withheld_corrected": "withheld after",
    "withheld_measured": "withheld halves",
    "seconds": "s",
}
"""Heading of each number's column; the README says what they mean."""
_COUNTS = {"suspect", "ice_pieces", "invented_pieces", "invented_sheets", "seconds"}


MEASURES = {"inside": "FSC inside the wedge", "outside": "FSC outside", "correlation": "correlation"}
"""Titles of what :func:`measures` returns."""


def measures(sample: Sample, result: Path) -> Score:
    """Judge a result by three numbers alone."""
    found, truth = read(result), read(sample.truth)
    inside, outside = metrics.wedge_correlation(found, truth, sample.case.tilts[:2])
    numbers = (inside.mean(), outside.mean(), metrics.correlation(found, truth))
    return dict(zip(MEASURES, numbers, strict=True))


def score(sample: Sample, result: Path, ice: Path) -> tuple[Score, list[dict[str, float]]]:
    """Judge a result.

    Parameters
    ----------
    sample : Sample
        With the truth.
    result, ice : Path
        The tomogram and the empty ice as the method returns them.

    Returns
    -------
    numbers : dict
        As :data:`TITLES`; what does not apply is left out.
    sectors : list of dict
        `angle`, `slope` and `fsc` of every sector around `k_y`.
    """
    found, truth = -read(result), -read(sample.truth)
    tilts = (float(sample.case.tilts[0]), float(sample.case.tilts[1]))
    inside, outside = metrics.wedge_correlation(found, truth, tilts)
    sectors = metrics.sector_statistics(found, truth)
    density, true, empty = found.numpy(), truth.numpy(), -read(ice).numpy()
    ice_given = read(sample.given(sample.ice_table)).numpy()
    xz, yz = measure.slice_contrast(density, true)
    invented, pieces, sheets = measure.inventions(density, true, SOLID)
    numbers = {
        "inside": inside.mean(),
        "outside": outside.mean(),
        "inside_angstrom": _angstrom(inside.crossing()),
        "outside_angstrom": _angstrom(outside.crossing()),
        "inside_power": inside.power(),
        "outside_power": outside.power(),
        "correlation": metrics.correlation(found, truth),
        "slope_min": float(sectors.slope.min()),
        "slope_max": float(sectors.slope.max()),
        "suspect": float(sectors.suspect().sum()),
        **_of_particles(sample, density, true),
        "closed": measure.closed_vesicles(density, true, WALL),
        "xz": xz,
        "yz": yz,
        "ice_power": mean_balance(wedge_balance(empty, tilts, measured=ice_given)),
        "ice_pieces": float(measure.components_above(empty, measure.threshold_like(density, true, SOLID))),
        "invented": invented,
        "invented_pieces": float(pieces),
        "invented_sheets": float(sheets),
    }
    if sample.case.sheet:
        numbers["sheet"] = measure.sheet_correlation(density, true)
    table = zip(sectors.angle.tolist(), sectors.slope.tolist(), sectors.correlation.tolist(), strict=True)
    listed = [{"angle": angle, "slope": slope, "fsc": fsc} for angle, slope, fsc in table]
    return {name: value for name, value in numbers.items() if not math.isnan(value)}, listed


def _of_particles(sample: Sample, density: measure.Volume, truth: measure.Volume) -> Score:
    """Measures at the places of the particles."""
    rows = star.read_table(sample.truth.with_name("particles.star"), ("isonetRadius",))
    centres = np.array([[float(row[f"rlnCoordinate{axis}"]) for axis in "ZYX"] for row in rows])
    radii = [float(row["isonetRadius"]) / PIXEL_SIZE for row in rows]
    angles = [float(row["isonetAxisToBeam"]) for row in rows]
    along, oblique, across = measure.orientation_correlation(density, truth, centres, radii, angles)
    recall = measure.picking_recall(density, centres, radii)
    return {"along": along, "oblique": oblique, "across": across, "recall": recall}


def _angstrom(frequency: float) -> float:
    """Resolution of a frequency in cycles per voxel; NaN (to be left out) where nothing is resolved."""
    return PIXEL_SIZE / frequency if frequency > 0 else math.nan


def markdown(rows: Sequence[tuple[str, str, Score]]) -> str:
    """Write cases, methods and their numbers as a table; columns that no row has are left out."""
    names = [name for name in TITLES if any(name in numbers for _, _, numbers in rows)]
    lines = ["| case | method | " + " | ".join(TITLES[name] for name in names) + " |"]
    lines += ["|" + "---|" * (len(names) + 2)]
    for case, method, numbers in rows:
        cells = (_cell(name, numbers[name]) if name in numbers else "-" for name in names)
        lines.append(f"| {case} | {method} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(name: str, value: float) -> str:
    """Write whole numbers and Å short, the rest with three digits."""
    if name.endswith("angstrom"):
        return f"{value:.1f}"
    return f"{value:.0f}" if name in _COUNTS else f"{value:.3f}"
