"""Comparison of the wedge of two tilt axes, as the power spectrum shows it, with what is told."""

import logging
from pathlib import Path

from isonet.core.tilts.fullness import Fullness
from isonet.core.tilts.measured import Measured
from isonet.core.tilts.orientation_estimate import OrientationEstimate
from isonet.core.tilts.two_axes import USUAL, TwoAxesEstimate, estimate_two_axes
from isonet.io.volume_files import title

log = logging.getLogger("isonet")
_WITHIN = 5.0  # degrees by which faces may lie elsewhere
_BETTER = 0.015  # share of the variance that another wedge must explain beyond that told
_MORE = 0.08  # the same, of two axes beyond one that was told


def shows_two_axes(seen: Fullness, single: OrientationEstimate) -> TwoAxesEstimate | None:
    """Two axes, where they explain a spectrum much better than the one that is told."""
    if seen.most_explained <= single.explained + _MORE:
        return None
    found = estimate_two_axes(seen, USUAL)
    return found if found.clear and found.explained > single.explained + _MORE else None


def compare_two_axes(path: Path, found: TwoAxesEstimate, single: OrientationEstimate, told: Measured) -> None:
    """Say whether two axes lie as told; a warning has the flags that mend it."""
    if single.clear and single.explained > max(found.told, found.explained - _BETTER):
        log.warning(
            "%s: its power spectrum shows tilts about one axis alone, from %.0f to %.0f degrees, told were two axes; "
            "give the tomogram joined from both, or leave the second axis out",
            *(path, single.tilt_min, single.tilt_max),
        )
    elif not found.clear:
        log.info("%s: its power spectrum does not tell how the wedge lies; taken as told", title(path))
    elif found.explained - found.told > _BETTER and not found.measured.alike(told, _WITHIN):
        log.warning(
            "%s: its power spectrum shows two axes that lie otherwise than told; give %s if that is right",
            *(path, _flags_of(found)),
        )
    else:
        log.info("%s: its power spectrum shows two axes, as told", title(path))


def sentence_of_two(found: TwoAxesEstimate) -> str:
    """Say of a tomogram of which one axis is told that there are two."""
    return (
        "its power spectrum shows tilts about two axes, and one was told; give --second-tilt-file and how it lies, as "
        f"in {_flags_of(found)}, if that is right"
    )


def _flags_of(found: TwoAxesEstimate) -> str:
    """Flags that tell two axes as they are shown."""
    words = []
    for before, turn, sweep in zip(("", "second-"), found.turns, found.measured.sweeps, strict=True):
        about_x, about_z = turn
        low, high = sweep.ends
        values = {f"{before}tilt-min": low, f"{before}tilt-max": high, f"{before}level-x": about_x}
        values |= {"second-axis-turn" if before else "axis-turn": about_z}
        words += [f"--{name} {round(value)}" for name, value in values.items()]
    return " ".join(words)
