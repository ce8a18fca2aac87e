"""Comparison of the wedge in a tomogram's own power spectrum with its metadata."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from isonet.core.sampling import edges_of, moved
from isonet.core.spikes import without_spikes
from isonet.core.tilts import wedge_estimate, wedge_spectrum
from isonet.core.tilts.two_axes import TwoAxesEstimate
from isonet.core.tilts.wedge_estimate import Finding, WedgeEstimate
from isonet.io.volume import Volume
from isonet.io.volume_files import title
from isonet.project.selection import why_stack
from isonet.steps.prepare.checks.faults import refuse
from isonet.steps.prepare.checks.two_axes import sentence_of_two
from isonet.volumes.continued import data_box

log = logging.getLogger("isonet")
_BLOCKS = 8
_FAULTS: Mapping[Finding, str] = {"mirrored": "mirrored", "no wedge": "no-wedge"}


def check_wedge(
    volume: Volume,
    tilts: Sequence[float],
    accepted: Sequence[str],
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
    accepted : sequence of str
        Faults that are taken all the same, with a warning.
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
        log.info("%s: too small or too empty for its power spectrum to tell the tilt range", title(volume.path))
        return None
    estimate = wedge_estimate.estimate_wedge(spectra)
    for finding in wedge_estimate.verdict(estimate, tilts):
        if estimate.as_imod_tilt and finding != "axis":
            continue
        if finding == "unclear":
            warn_of_stack(volume.path, len(tilts))
        stack = why_stack(volume.path, len(tilts)) if finding == "no wedge" else None
        if stack is not None:
            refuse("stack", f"{volume.path}: {stack}, and no wedge; give the reconstructed tomogram", accepted)
            continue
        two = None if second_axis is None or finding not in ("no wedge", "unclear") else second_axis()
        sentence = _sentence(finding, estimate, min(tilts), max(tilts))
        if two is not None:
            sentence = sentence_of_two(two)
        if two is not None and finding == "unclear":
            log.warning("%s: %s", volume.path, sentence)
        elif finding in _FAULTS:
            refuse(_FAULTS[finding], f"{volume.path}: {sentence}", accepted)
        elif finding in ("agrees", "unclear"):
            log.info("%s: %s", title(volume.path), sentence)
        else:
            log.warning("%s: %s", volume.path, sentence)
    return estimate


def warn_of_stack(path: Path, tilts: int) -> None:
    """Say what speaks for a stack of images, of so many tilts, where the power spectrum does not tell."""
    stack = why_stack(path, tilts)
    if stack is not None:
        log.warning("%s: may be %s; if it is one, give the reconstructed tomogram", path, stack)


def measure_spectra(volume: Volume) -> Float64[np.ndarray, "3 rows columns"] | None:
    """Mean power spectra across z, y and x over blocks spread through a volume; None if it is too small or empty."""
    whole = data_box(volume)
    blocks = (moved(block, whole) for block in wedge_spectrum.spread_blocks(edges_of(whole), _BLOCKS))
    spectra = (wedge_spectrum.slice_spectra(without_spikes(volume.read(*block))) for block in blocks)
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
            return _axis_sentence(estimate)


def _axis_sentence(estimate: WedgeEstimate) -> str:
    """Say about which axis the wedge lies, and how to turn the volume."""
    shown = (
        f"its power spectrum shows the tilt axis along {estimate.axis} and the beam along {estimate.beam}, not y and z"
    )
    if estimate.as_imod_tilt:
        return f"{shown}, as IMOD's tilt leaves volumes; it must be turned (a turned copy is used)"
    if estimate.beam == "z":
        return f"{shown}; turn it by 90 degrees about z, do not mirror it (tilt range then {_either_sign(estimate)})"
    return f"{shown}; turn the volume, do not mirror it"


def _either_sign(estimate: WedgeEstimate) -> str:
    """The range as it will be after a turn about the beam either way."""
    low, high = estimate.tilt_min, estimate.tilt_max
    return f"{low:.0f} to {high:.0f} or {-high:.0f} to {-low:.0f}"
