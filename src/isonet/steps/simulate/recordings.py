"""How the tomograms of a table show what is in them: from the table and from sub-volumes all over them."""

import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from isonet.config.deconv import phase_plate
from isonet.core.sampling import random_stream
from isonet.core.simulation.grain import Grain, grain_of_map
from isonet.core.simulation.recording import Recording
from isonet.core.simulation.scenery import PIXEL_SIZES
from isonet.core.simulation.separation import spectra_of_map
from isonet.core.simulation.spectra import SHELLS, NoSpectraError, spectra_of_halves
from isonet.core.tilts.measured import Measured
from isonet.errors import InputError
from isonet.io.text import counted
from isonet.io.volume_files import title
from isonet.project.table import HALF_COLUMNS, Tomogram
from isonet.steps.deconv import optics_in
from isonet.volumes.pixel_size import pixel_size
from isonet.volumes.source import Source, open_sources
from isonet.volumes.where import draw_in_data

log = logging.getLogger("isonet")
_CUBES = 12
_EDGE = 2 * SHELLS
_MOST = 12
"""Tomograms that are looked at; those of a table are recorded alike."""
_STREAM = 2**31 - 2


class UntoldError(InputError):
    """A tomogram does not tell how it was recorded; the message says what is missing, and what to do."""


def recordings_of(
    tomograms: Sequence[Tomogram], *, halves: bool = True, flipped: bool = False, aloud: bool = False
) -> list[Recording]:
    """Find how tomograms were recorded, from both halves or the full ones; of many, of some of them.

    Parameters
    ----------
    tomograms : sequence of Tomogram
        Rows of a table that prepare made.
    halves : bool
        Whether to look at the halves where all have them.
    flipped : bool
        Whether phases were flipped before reconstruction.
    aloud : bool
        Whether to say what was found.

    Returns
    -------
    list of Recording
        One of each tomogram that was looked at.

    Raises
    ------
    InputError
        If a tomogram cannot be read.
    UntoldError
        If it has no pixel size that is imagined, or signal and noise cannot be told apart in it.
    """
    halves = halves and all(one.has_halves for one in tomograms)
    every = -(-len(tomograms) // _MOST)
    looked_at = tomograms[::every]
    if every > 1 and aloud:
        log.info("%s: %d of %d tomograms are looked at", tomograms[0].table, len(looked_at), len(tomograms))
    columns = [HALF_COLUMNS if halves else (one.full_column,) for one in looked_at]
    found = [
        recording_of(open_sources(one, names), flipped=flipped, aloud=aloud)
        for one, names in zip(looked_at, columns, strict=True)
    ]
    warn_of_unknown_defocus(looked_at)
    return found


def warn_of_unknown_defocus(tomograms: Sequence[Tomogram]) -> None:
    """Warn of tomograms of which a table knows neither defocus nor phase plate."""
    without = [
        one.name for one in tomograms if not one.number("rlnDefocus") and not phase_plate(one.number("rlnPhaseShift"))
    ]
    if without:
        log.warning(
            "%s: no defocus is known of %d of %s, such as %s, which is taken for no contrast transfer; fill "
            "rlnDefocus, unless it was corrected",
            *(tomograms[0].table, len(without), counted(len(tomograms), "tomogram"), without[0]),
        )


def recording_of(sources: Sequence[Source], *, flipped: bool = False, aloud: bool = False) -> Recording:
    """Find how a tomogram was recorded, from both halves or one map of it.

    Raises
    ------
    UntoldError
        If it has no pixel size, or signal and noise cannot be told apart in it.
    """
    tomogram = sources[0].tomogram
    name = title(sources[0].volume.path)
    size = pixel_size(tomogram, sources[0].volume)
    if not size > 0:
        raise UntoldError(f"{tomogram.table}: tomogram {tomogram.index} has no pixel size; fill rlnPixelSize (A)")
    finest, coarsest = PIXEL_SIZES[0] / 2, 2 * PIXEL_SIZES[1]
    if not finest <= size <= coarsest:
        raise UntoldError(
            f"{name}: {size:g} A/voxel; samples are imagined at {finest:g} to {coarsest:g}; mend rlnPixelSize, or "
            f"bring it there: isonet resize --pixel-size {PIXEL_SIZES[0]:g}"
        )
    try:
        signal, noise = _spectra(sources, tomogram.measured)
    except NoSpectraError as error:
        raise UntoldError(f"{name}: {error}; give raw maps or halves, or use the starter as it is") from error
    optics = optics_in(tomogram, sources[0].volume)
    share = float((signal / (signal + noise).clamp_min(1e-12))[round(0.1 * _EDGE)])
    (log.info if aloud else log.debug)(
        "%s: %g A/voxel, %s; at %.0f A %.0f %% of the power is signal",
        *(name, size, f"defocus {optics.defocus:g} A" if optics else "no contrast transfer", 10 * size, 100 * share),
    )
    return Recording(tomogram.measured, size, signal, noise, optics, flipped)


def grain_of(source: Source) -> Grain:
    """Measure the noise of one map.

    Raises
    ------
    UntoldError
        If it was not tilted about y alone, or its noise is not that of a back-projection.
    """
    name, measured = title(source.volume.path), source.measured
    if len(measured.sweeps) > 1 or not measured.at_home:
        raise UntoldError(f"{name}: not tilted about y alone with the beam along z; choose another --method")
    cubes = _cubes((source,))[:, 0]
    try:
        return grain_of_map(cubes, measured)
    except NoSpectraError as error:
        raise UntoldError(f"{name}: {error}; give raw maps, or choose another --method") from error


def _spectra(sources: Sequence[Source], measured: Measured) -> tuple[Tensor, Tensor]:
    """Signal and noise, from sub-volumes all over a tomogram."""
    stack = _cubes(sources)
    if len(sources) == 2:
        return spectra_of_halves(stack, measured)
    return spectra_of_map(stack[:, 0], measured)


def _cubes(sources: Sequence[Source]) -> Tensor:
    """Sub-volumes all over a tomogram, of each of its maps.

    Raises
    ------
    UntoldError
        If its data leave no room for any.
    """
    cubes = []
    try:
        centres = draw_in_data(sources, _CUBES, _EDGE, random_stream(0, _STREAM))
    except ValueError as error:
        path = sources[0].volume.path
        raise UntoldError(
            f"{path}: no room for cubes of {_EDGE} voxels in its data; choose another --method"
        ) from error
    for centre in centres:
        corner = (centre - _EDGE // 2).tolist()
        cubes.append(torch.from_numpy(np.stack([one.cut(corner, (_EDGE,) * 3) for one in sources])))
    return torch.stack(cubes)
