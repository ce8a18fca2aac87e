"""Two networks that know nothing of each other's data: how far their predictions agree, and where.

Network A is trained on the even half alone and predicts it, B the same of the odd half. Sub-volumes of one map share
its noise and two networks of one seed share their first weights; these share neither. Agreement is precision, not
truth: both may be wrong in the same way.
"""

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from isonet.config import RefineConfig, ValidateConfig
from isonet.core import fourier
from isonet.core.comparison import agreement, claims
from isonet.core.comparison.agreement import Bins, Sums
from isonet.core.fourier import Shape
from isonet.core.tilts import wedge, withheld
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.volume import FloatArray, Volume
from isonet.io.volume_files import stem
from isonet.models.folder import MODEL_NAME, STATE_NAME, holds_run, move_aside
from isonet.project.orientation import TILT_FILES
from isonet.project.table import HALF_COLUMNS, Project, Tomogram
from isonet.running.runs import Run
from isonet.steps.predict import predict_in_folder
from isonet.steps.refine import refine_as_part
from isonet.steps.validate.passed_on import GIVEN_TO_EACH, prediction_options
from isonet.validation.numbers import Numbers, numbers_of, resolutions
from isonet.validation.scores import spectrum_at, subvolumes_with_data
from isonet.volumes.beads import BEADS_COLUMN, painted, read_beads
from isonet.volumes.continued import Continued, continue_over_padding, open_continued
from isonet.volumes.filtering import filter_file
from isonet.volumes.padding import find_padding
from isonet.volumes.products import made_before, output_paths, product_label

log = logging.getLogger("isonet")
ANGLE = 10.0
"""Degrees of a sector by angle to the tilt axis."""
_SIDES = ("a", "b")
_NOT_IN_HALVES = {
    *HALF_COLUMNS,
    *("rlnDeconvTomoName", "rlnCorrectedTomoName", "rlnCorrectedDeconvTomoName", "rlnTomoTurnedFrom", "rlnTiltSplit"),
}
_WINDOW = 6.0  # voxels: standard deviation of the window in which agreement is local
_REACH = 3  # standard deviations after which the window ends
_SECTIONS = 64  # correlated at once
_BYTES = 7 * 4  # that correlating takes for each voxel


@dataclass(frozen=True)
class Pair:
    """Predictions of one tomogram by two independent networks.

    Attributes
    ----------
    tomogram : Tomogram
        Its row in the table.
    volumes : tuple of Volume
        Prediction A and prediction B.
    """

    tomogram: Tomogram
    volumes: tuple[Volume, Volume]


def predict_independently(chosen: Sequence[Tomogram], config: ValidateConfig) -> list[Pair] | None:
    """Train two networks on one half each and let each predict its own; None if the time was over before.

    With one map only both are trained on it, from different first weights: that tells consistency alone.

    Raises
    ------
    InputError
        If only some tomograms have halves, or a method on halves or a model to begin with was asked for.
    """
    with_halves = [one.has_halves for one in chosen]
    if any(with_halves) and not all(with_halves):
        raise InputError(f"{chosen[0].table}: only some tomograms have halves; choose by --tomo-idx")
    if config.method not in ("auto", "isonet"):
        raise InputError(
            f"--method {config.method}: --independent trains each network on one half or map alone; leave it out"
        )
    if config.pretrained_model is not None:
        raise InputError(
            f"--pretrained-model {config.pretrained_model}: both networks would know what it knows, and agree in that; "
            "--independent begins from nothing, leave it out"
        )
    found: list[list[Path]] = []
    for number, side in enumerate(_SIDES):
        made = _predict_side(chosen, number, config.output_dir / "independent" / side, config)
        if made is None:
            return None
        found.append(made)
    return [
        Pair(tomogram, (_opened(first, tomogram), _opened(second, tomogram)))
        for tomogram, first, second in zip(chosen, *found, strict=True)
    ]


def _opened(path: Path, tomogram: Tomogram) -> Volume:
    """Open a prediction, its padding and its beads, which are as they were, covered with sample."""
    volume = open_volume(path)
    covered = painted(volume, read_beads(tomogram, volume.shape))
    return continue_over_padding(covered, find_padding(volume))


def _predict_side(chosen: Sequence[Tomogram], number: int, folder: Path, config: ValidateConfig) -> list[Path] | None:
    """Train on one half of every tomogram and predict it."""
    table, results = folder / "tomograms.star", folder / "results"
    project = Project(table, tuple(Tomogram(table, _half_row(one, number)) for one in chosen))
    project.write()
    given = {
        name: getattr(config, name)
        for name in config.model_fields_set
        if name in RefineConfig.model_fields
        and name not in ("output_dir", "tomo_idx", "overwrite", "continue_from", *GIVEN_TO_EACH)
    }
    if config.overwrite and holds_run(results):
        move_aside(results.resolve())
    where = "continue_from" if (results / STATE_NAME).exists() else "output_dir"
    asked = RefineConfig(**{**given, "method": "isonet", "seed": config.seed + number, where: results})
    _, stopped = refine_as_part(table, asked)
    if stopped:
        return None
    into = folder / "corrected"
    predict_in_folder(table, results / MODEL_NAME, prediction_options(config, into))
    return output_paths(Project.read(table).tomograms, into, "corrected")


def _half_row(tomogram: Tomogram, number: int) -> dict[str, str]:
    """Row of a table in which one half stands for the whole."""
    row = {name: value for name, value in tomogram.row.items() if name not in _NOT_IN_HALVES}
    column = HALF_COLUMNS[number] if tomogram.has_halves else tomogram.full_column
    row[tomogram.full_column] = str(tomogram.file(column).resolve())
    tilt_file = f"rlnTiltFileHalf{number + 1}" if tomogram.split == "tilts" else "rlnTiltFile"
    for name in ("rlnMaskName", "rlnMaskBoundary", BEADS_COLUMN, TILT_FILES[1]):
        if tomogram.text(name) is not None:
            row[name] = str(tomogram.file(name).resolve())
    if tomogram.text(tilt_file) is not None:
        row["rlnTiltFile"] = str(tomogram.file(tilt_file).resolve())
    return row


def agreement_numbers(pairs: Sequence[Pair], pixel_size: float) -> Numbers:
    """FSC of the predictions inside the missing wedge, outside it, and inside by angle to the tilt axis.

    Returns
    -------
    dict
        `inside` and `outside` with their resolutions in Å (left out with one map, which tells `consistency` alone),
        `by_angle`, and `status`.
    """
    regions = ("inside", "outside", "by_angle")
    edges = [withheld.subvolumes(pair.volumes[0].shape)[0] for pair in pairs]
    width = max(1 / min(edge) for edge in edges)
    parts: dict[str, list[Sums]] = {name: [] for name in regions}
    for pair, edge in zip(pairs, edges, strict=True):
        bins = _bins(edge, pair.tomogram.measured, width)
        for corner in subvolumes_with_data(pair.volumes[0])[1]:
            one, two = (spectrum_at(volume, corner, edge) for volume in pair.volumes)
            for name in regions:
                parts[name].append(Sums.of(one, two, bins[name]))
    frequency = bins["inside"].frequency
    sums = {name: Sums.joined(part) for name, part in parts.items()}
    draws = agreement.draw_subvolumes(len(sums["inside"].cross))
    from_halves = pairs[0].tomogram.has_halves
    numbers: Numbers = {"kind": "precision" if from_halves else "consistency"}
    for name in ("inside", "outside"):
        curve = agreement.estimate([sums[name]], draws)
        known = ~curve.value.isnan()
        numbers[name] = {
            "frequency": numbers_of(frequency / pixel_size),
            "fsc": numbers_of(curve.value[0]),
            "fsc_low": numbers_of(curve.low[0]),
            "fsc_high": numbers_of(curve.high[0]),
        }
        if from_halves:
            found = resolutions(
                lambda threshold, c=curve, k=known: claims.resolution(frequency, c, c, k, threshold), pixel_size
            )
            numbers[name] = {**found, **numbers[name]}
    fsc = sums["by_angle"].correlation()
    numbers["by_angle"] = {
        "angle": [(number + 0.5) * ANGLE for number in range(len(fsc))],
        "fsc": [numbers_of(row) for row in fsc],
    }
    return {**numbers, "status": _sentence(numbers)}


def _bins(edges: Shape, seen: Measured, width: float) -> dict[str, Bins]:
    missing, measured = wedge.regions(edges, seen)
    _, ky, _ = wedge.home(fourier.frequencies(edges), seen.sweeps[0].turn)
    radius = fourier.radial_frequency(edges).clamp(min=1e-6)
    angle = torch.rad2deg(torch.acos((ky.abs() / radius).clamp(max=1)))
    sector = (angle / ANGLE).floor().long().clamp(max=round(90 / ANGLE) - 1)
    return {
        "inside": agreement.make_bins(edges, width, missing),
        "outside": agreement.make_bins(edges, width, measured),
        "by_angle": agreement.make_bins(edges, width, missing, sector, round(90 / ANGLE)),
    }


def _sentence(numbers: Numbers) -> str:
    if numbers["kind"] == "consistency":
        return "two networks trained on the same map: their agreement is consistency, no resolution can be told from it"
    found = numbers["inside"]["resolution_0143"]
    if found is None:
        return "two networks trained on one half each do not agree inside the missing wedge beyond chance"
    return (
        f"two networks trained on one half each agree inside the missing wedge to {found:g} A (0.143); that is "
        "precision, not truth"
    )


def write_confidence(pair: Pair, path: Path, config: ValidateConfig, run: Run) -> None:
    """Write the local correlation, -1 to 1, of what two networks put into the missing wedge.

    Both predictions are reduced to the wedge; the correlation is weighted by a Gaussian window of 6 voxels.
    """
    shape = pair.volumes[0].shape
    measured = wedge.transfer(shape, pair.tomogram.measured.ends)
    parts = [path.with_name(f".{stem(path)}_{side}.mrc") for side in _SIDES]
    sources = [volume.path for volume in pair.volumes]
    label = product_label("confidence", sources, _WINDOW)
    if made_before(path, label, overwrite=config.overwrite):
        return
    try:
        for source, part in zip(sources, parts, strict=True):
            filter_file(source, part, lambda *at: 1 - measured(*at), (label,), config.max_memory, run, rescale=False)
        first, second = (open_continued(part) for part in parts)
        header = Header(first.header.voxel_size, first.header.origin, first.header.start, (label,))
        with mrc.create(path, shape, header) as result:
            _correlate(first, second, result, config.max_memory)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
    log.info("%s: written", path)


def _correlate(first: Volume, second: Volume, result: FloatArray, memory: int) -> None:
    """Correlate two volumes locally, some rows of some sections at once."""
    reach = round(_REACH * _WINDOW)
    rows = memory // (_BYTES * first.shape[2] * (_SECTIONS + 2 * reach)) - 2 * reach
    means = [_mean(volume) for volume in (first, second)]
    for z, y in itertools.product(_parts(first.shape[0], _SECTIONS, reach), _parts(first.shape[1], rows, reach)):
        one, two = (v.read_rows(z.read, y.read) - mean for v, mean in zip((first, second), means, strict=True))
        cross, p, q = (gaussian_filter(part, _WINDOW, truncate=_REACH) for part in (one * two, one * one, two * two))
        local = cross / np.sqrt(np.maximum(p * q, np.finfo(np.float32).tiny))
        result[z.made, y.made] = local[z.within, y.within]
    for volume in (first, second):
        if isinstance(volume, Continued):
            for section, plane in enumerate(result):
                plane[volume.padding.plane(section)] = 0


@dataclass(frozen=True)
class _Part:
    """Part of an axis.

    Attributes
    ----------
    made, read : slice
        Of the axis: what is computed, and what is read for it.
    within : slice
        Of what is read: what is computed.
    """

    made: slice
    read: slice
    within: slice


def _parts(edge: int, step: int, reach: int) -> Iterator[_Part]:
    """Iterate over parts of an axis, `step` long and at least `reach`, read with `reach` on either side."""
    step = max(step, reach)
    for start in range(0, edge, step):
        stop, low = min(edge, start + step), max(0, start - reach)
        yield _Part(slice(start, stop), slice(low, min(edge, stop + reach)), slice(start - low, stop - low))


def _mean(volume: Volume) -> float:
    """Mean of all grey values."""
    return sum(float(slab.sum(dtype=np.float64)) for _, slab in volume.slabs()) / volume.stored.size
