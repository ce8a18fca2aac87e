"""Comparison of the wedge in a tomogram's own power spectrum with its metadata."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64

from isonet.core.sampling import edges_of, moved
from isonet.core.spikes import without_spikes
from isonet.core.tilts import wedge_estimate, wedge_spectrum
from isonet.core.tilts.two_axes import TwoAxesEstimate
from isonet.core.tilts.wedge_estimate import Finding, WedgeEstimate
from isonet.io.volume import Volume
from isonet.io.volume_files import title
from isonet.project.selection import why_stack
from isonet.steps.prepare.checks.faults import Taken, inform, refuse, warn
from isonet.steps.prepare.checks.two_axes import sentence_of_two
from isonet.volumes.continued import data_box

log = logging.getLogger("isonet")
_BLOCKS = 8
_FAULTS: Mapping[Finding, str] = {"mirrored": "mirrored", "no wedge": "no-wedge"}


def check_wedge(
    volume: Volume,
    tilts: Sequence[float],
    accepted: Taken,
    second_axis: Callable[[], TwoAxesEstimate | None] | None = None,
) -> WedgeEstimate | None:
    """Compare the wedge in a tomogram's power spectrum with its tilts, and say what was found.

    One line of information where they agree or the spectrum cannot tell, a warning with the remedy where the range
    differs by more than 5 degrees or lies about another axis. A range that is mirrored and a volume without a wedge
    are refused. Of volumes as IMOD's tilt leaves them only that is said: they are to be turned and looked at again.

    Parameters
    ----------
    volume : Volume
        The tomogram; a few blocks of it are read.
    tilts : sequence of float
        Degrees: `(tilt_min, tilt_max)` or the list of tilts.
    accepted : sequence of str or None
        Faults that are taken all the same, with a warning; None where nothing is refused.
    second_axis : callable, optional
        Tells how two axes lie, should the tomogram show two; asked where it shows no wedge of one.

    Returns
    -------
    WedgeEstimate or None
        What the tomogram shows; None where it is too small or too empty to show anything.

    Raises
    ------
    InputError
        If the wedge is mirrored, there is none, or the volume is a stack of images, unless that is accepted.
    """
    spectra = measure_spectra(volume)
    if spectra is None:
        warn_of_stack(volume.path, len(tilts))
        inform(f"{title(volume.path)}: too small or too empty for its power spectrum to tell the tilt range", accepted)
        return None
    estimate = wedge_estimate.estimate_wedge(spectra)
    check_estimate(volume.path, estimate, tilts, accepted, second_axis)
    return estimate


def check_estimate(
    path: Path,
    estimate: WedgeEstimate,
    tilts: Sequence[float],
    accepted: Taken,
    second_axis: Callable[[], TwoAxesEstimate | None] | None = None,
) -> None:
    """Compare the wedge that is shown with tilts, as :func:`check_wedge` does, and say it of a file or folder."""
    for finding in wedge_estimate.verdict(estimate, tilts):
        if finding in ("mirrored", "range") and not estimate.at_home and estimate.beam != "x":
            continue  # to be seen once it is turned, or told with the axis
        if finding == "unclear":
            warn_of_stack(path, len(tilts))
        stack = why_stack(path, len(tilts)) if finding == "no wedge" else None
        if stack is not None:
            refuse("stack", f"{path}: {stack}, and no wedge; give the reconstructed tomogram", accepted)
            continue
        two = None if second_axis is None or finding not in ("no wedge", "unclear") else second_axis()
        sentence = _sentence(finding, estimate, min(tilts), max(tilts))
        if two is not None:
            sentence = sentence_of_two(two)
        if two is not None and finding == "unclear":
            warn(f"{path}: {sentence}", accepted)
        elif finding in _FAULTS:
            refuse(_FAULTS[finding], f"{path}: {sentence}", accepted)
        elif finding in ("agrees", "unclear"):
            inform(f"{title(path)}: {sentence}", accepted)
        else:
            warn(f"{path}: {sentence}", accepted)


def warn_of_stack(path: Path, tilts: int) -> None:
    """Say what speaks for a stack of images, of so many tilts, where the power spectrum does not tell."""
    stack = why_stack(path, tilts)
    if stack is not None:
        log.warning("%s: may be %s; if it is one, give the reconstructed tomogram", path, stack)


def measure_spectra(volume: Volume) -> Float64[np.ndarray, "3 rows columns"] | None:
    """Mean power spectra across z, y and x over blocks spread through a volume; None if it is too small or empty."""
    whole = data_box(volume)
    blocks = (moved(block, whole) for block in wedge_spectrum.spread_blocks(edges_of(whole), _BLOCKS))
    return mean_spectra(without_spikes(volume.read(*block)) for block in blocks)


def mean_spectra(blocks: Iterable[Float32[np.ndarray, "z y x"]]) -> Float64[np.ndarray, "3 rows columns"] | None:
    """Mean power spectra across z, y and x over blocks; None if all are too small or empty."""
    spectra = map(wedge_spectrum.slice_spectra, blocks)
    usable = [found for found in spectra if found is not None]
    return np.mean(usable, axis=0) if usable else None


def _sentence(finding: Finding, estimate: WedgeEstimate, low: float, high: float) -> str:
    """Say one finding about tilts told to run from `low` to `high`, with the remedy."""
    seen = f"{estimate.tilt_min:.0f} to {estimate.tilt_max:.0f} degrees"
    told = f"{low:g} to {high:g}"
    once_turned = "" if estimate.at_home else " once it is turned"
    match finding:
        case "agrees":
            return f"wedge measured from {seen} in its power spectrum, as told"
        case "unclear":
            return f"its power spectrum does not tell the tilt range clearly; {told} degrees taken"
        case "no wedge":
            return (
                "no wedge in its power spectrum: corrected already, filtered heavily, or reconstructed with the "
                "tilts aslant to y and x; there is nothing to fill, give the tomogram as it was reconstructed"
            )
        case "mirrored":
            return (
                f"the wedge is mirrored: its power spectrum shows {seen}{once_turned}, {told} were told; give "
                f"--tilt-min {-high:g} --tilt-max {-low:g}, or the angles of the tilt file with the other sign"
            )
        case "range":
            return (
                f"its power spectrum shows tilts from {seen}{once_turned}, {told} were told; "
                f"give --tilt-min {estimate.tilt_min:.0f} --tilt-max {estimate.tilt_max:.0f} if that is right"
            )
        case "axis":
            return _axis_sentence(estimate, low, high)


def _axis_sentence(estimate: WedgeEstimate, low: float, high: float) -> str:
    """Say about which axis the wedge lies, and how to turn the volume."""
    shown = (
        f"its power spectrum shows the tilt axis along {estimate.axis} and the beam along {estimate.beam}, not y and z"
    )
    if estimate.as_imod_tilt:
        return f"{shown}, as IMOD's tilt leaves volumes; it must be turned"
    if estimate.beam == "z":
        return f"{shown}; give {_flags_along_x(estimate, low, high)} if that is right"
    return f"{shown}; turn the volume, do not mirror it"


def _flags_along_x(estimate: WedgeEstimate, low: float, high: float) -> str:
    """Flags that tell an axis along x: which way it is turned to y decides the sign of the tilts."""
    if wedge_estimate.agree(estimate, low, high):
        return "--axis-turn -90"
    if wedge_estimate.agree(estimate, -high, -low):
        return "--axis-turn 90"
    return f"--axis-turn -90 --tilt-min {estimate.tilt_min:.0f} --tilt-max {estimate.tilt_max:.0f}"
