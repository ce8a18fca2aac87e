"""Does a tomogram differ from those that a model was trained on? Then its result means less, and the user is warned."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isonet.core.filters.ctf import Optics, wavelength
from isonet.core.simulation.scenery import PIXEL_SIZES
from isonet.core.tilts.measured import AT_HOME, Matrix
from isonet.io.volume_files import title
from isonet.models.trained import Model
from isonet.project.orientation import ABOUT_X, ABOUT_Z
from isonet.steps.deconv import optics_in
from isonet.volumes.pixel_size import pixel_size
from isonet.volumes.source import Source

log = logging.getLogger("isonet")
_SYMMETRIC = 6.0  # degrees that both ends of a tilt range may differ by
_DETAIL = 0.25  # cycles per voxel up to which tomograms have signal
_SAME_PHASE = 0.25  # turns


def warn_of_other_tomogram(source: Source, model: Model, path: Path) -> None:
    """Warn where a tomogram differs from those the model was trained on."""
    name = title(source.volume.path)
    pixel = pixel_size(source.tomogram, source.volume)
    if model.is_untailored:
        low, high = PIXEL_SIZES
        if pixel and not low * 0.95 < pixel < high * 1.05:
            log.warning("%s: %g A/voxel, %s was trained at %g to %g; resize first", name, pixel, path, low, high)
        if not source.tomogram.measured.at_home:
            said = "%s: tilt axis and beam do not lie along y and z, as in all that %s was trained on; refine from it"
            log.warning(said, name, path)
        return
    trained = [float(size) for size in model.about["pixel_sizes"] if size]
    if trained and pixel and not any(abs(pixel / size - 1) < 0.05 for size in trained):
        log.warning("%s: %g A/voxel, %s was trained at %g; rescale one or train again", name, pixel, path, trained[0])
    known = source.tomogram.measured.tilts
    low, high = min(known), max(known)
    ranges = [(min(tilts), max(tilts)) for tilts in model.about["tilts"]]
    _compare_orientation(source, model, path)
    if model.is_starter:
        _compare_optics(source, model, path)
    if not any(abs(low - a) <= 5 and abs(high - b) <= 5 for a, b in ranges):
        log.warning("%s: tilts %g to %g degrees, %s was trained at %g to %g", name, low, high, path, *ranges[0])


def _compare_orientation(source: Source, model: Model, path: Path) -> None:
    """Warn where tilt axis and beam lie otherwise than in all tomograms that the model was trained on."""
    tomogram = source.tomogram
    known = model.about.get("turns") or [[AT_HOME]] * len(model.about["tilts"])
    lies = [sweep.turn for sweep in tomogram.measured.sweeps]
    if known and not any(_near(lies, turns) for turns in known):
        log.warning(
            "%s: tilt axis and beam lie otherwise than in what %s was trained on; train on tomograms that lie alike, "
            "or mend %s and %s in %s",
            *(title(source.volume.path), path, ABOUT_X, ABOUT_Z, tomogram.table),
        )


def _near(lies: Sequence[Matrix], others: Sequence[Matrix]) -> bool:
    """Whether as many sweeps lie alike to some degrees: axis and beam."""
    if len(lies) != len(others):
        return False
    cosines = (np.abs((np.array(one) * np.array(other)).sum(0))[:2] for one, other in zip(lies, others, strict=True))
    return bool(min(map(min, cosines)) > math.cos(math.radians(_SYMMETRIC)))


def _compare_optics(source: Source, model: Model, path: Path) -> None:
    """Warn where the contrast transfer is none that a tailored model undoes."""
    found = optics_in(source.tomogram, source.volume)
    known = [None if one is None else Optics(**one) for one in model.about.get("optics", [])]
    size = pixel_size(source.tomogram, source.volume)
    if known and not any(_as_good_as(found, one, size) for one in known):
        said = [f"a defocus of {one.defocus:g} A" if one else "no contrast transfer" for one in (found, known[0])]
        log.warning(
            "%s: %s by %s, %s was made for %s; tailor a model to this table",
            *(title(source.volume.path), said[0], source.tomogram.table, path, said[1]),
        )


def _as_good_as(found: Optics | None, known: Optics | None, size: float) -> bool:
    """Whether phases of two contrast transfers stay together up to the finest detail of voxels of a size in A."""
    if found is None or known is None:
        return found is known
    apart = abs(found.defocus - known.defocus) * wavelength(known.voltage) * (_DETAIL / size) ** 2 / 2
    return apart + abs(found.phase_shift - known.phase_shift) / 360 < _SAME_PHASE
