"""Whether halves are those of their tomogram, by what is in them: names can mislead."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from isonet.core.comparison.likeness import NOISY_EDGE, PARTS, SAMPLES, blocks_of, compared
from isonet.core.comparison.shift import NONE, Shift, shift_between
from isonet.core.voxels import Mirrored, Voxels
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.volume import Volume, not_finite
from isonet.steps.prepare.checks.faults import refuse
from isonet.volumes.half_likeness import likeness_of_halves, warn_of_noise, warn_of_stretch
from isonet.volumes.padding import looked_at

log = logging.getLogger("isonet")
_EVERY, _FEWEST_VALUES = 4, 4  # voxels that are looked at in blocks, and values that data have
_FARTHEST = 8  # voxels along an axis by which a half that is unlike its tomogram may be shifted
_MORE = 0.2  # likeness by which a mirror image must be more alike


def check_halves(full: Path | None, even: Path, odd: Path, accepted: Sequence[str]) -> None:
    """Compare halves with their tomogram, or with each other where there is none, in a few blocks.

    Parameters
    ----------
    full : Path or None
        The tomogram that both are halves of.
    even, odd : Path
        The halves, of one shape.
    accepted : sequence of str
        Faults that are taken all the same.

    Raises
    ------
    InputError
        If a half has NaN or infinite voxels, is constant or a segmentation, or is not of this tomogram.
    """
    halves = open_volume(even), open_volume(odd)
    for half in halves:
        _refuse_not_finite(half)
    black = [half for half in halves if _is_constant(half)]
    for half in black:
        value = float(half.stored[0, 0, 0])
        text = f"{half.path}: all voxels are {value:g}; a constant volume is no half of a tomogram, make it again"
        refuse("black-half", text, accepted)
    if black:
        return
    for half in halves:
        _refuse_segmentation(half, accepted)
    if _are_the_same(*halves):
        log.warning("%s and %s: hold the same voxels; halves must differ in their noise", even, odd)
    else:
        warn_of_noise(*halves)
    if full is None:
        _compare_halves(*halves, accepted)
        _compare_places(shift_between(*halves), *halves, accepted)
        warn_of_stretch(*halves)
        return
    whole = open_volume(full)
    copied = [half for half in halves if _are_the_same(whole, half)]
    if len(copied) == 1:
        text = "%s: holds the same voxels as %s, one of its halves; give the tomogram of all data, or the halves alone"
        log.warning(text, full, copied[0].path)
    for half in halves:
        _compare_with_whole(whole, half, accepted)
        warn_of_stretch(whole, half)
    first, second = (shift_between(whole, half) for half in halves)
    z, y, x = (two - one for one, two in zip(first, second, strict=True))
    _compare_places((z, y, x), *halves, accepted)
    if first == second != NONE:
        text = "%s and %s: both are shifted against %s by %s voxels along z, y, x; give halves of this reconstruction"
        log.warning(text, even, odd, full, _in_words(first))


def _refuse_not_finite(half: Volume) -> None:
    """Refuse a half in which there are voxels that are no numbers."""
    for part in looked_at(half.shape):
        slab = half.read_rows(part)
        if not np.isfinite(slab).all():
            raise InputError(not_finite(half.path, slab, part.start))


def _refuse_segmentation(half: Volume, accepted: Sequence[str]) -> None:
    """Refuse a half of a few grey values."""
    drawn = np.concatenate([half[block][::_EVERY, ::_EVERY, ::_EVERY] for block in blocks_of(half.shape, NOISY_EDGE)])
    count = len(np.unique(drawn))
    if count < _FEWEST_VALUES:
        text = f"{half.path}: holds {count} grey values, as segmentations and masks do; give the half as it was"
        refuse("other-halves", f"{text} reconstructed", accepted)


def _compare_places(shift: Shift, even: Volume, odd: Volume, accepted: Sequence[str]) -> None:
    """Refuse halves that are shifted against each other."""
    if shift != NONE:
        text = f"{even.path} and {odd.path}: are shifted against each other by {_in_words(shift)} voxels along z, y, x"
        refuse("other-halves", f"{text}; make both with one alignment", accepted)


def _in_words(shift: Shift) -> str:
    return ", ".join(map(str, shift))


def _compare_with_whole(full: Volume, half: Volume, accepted: Sequence[str]) -> None:
    """Refuse a half that does not correlate with its tomogram, or that is light where that is dark."""
    likeness = compared(full, half, NOISY_EDGE).of_parts
    if likeness is None:
        log.warning(
            "%s: too small, or too empty, to be compared with %s; look whether it is its half", half.path, full.path
        )
        return
    if likeness < PARTS[-1]:
        _refuse_mirrored(half, full, likeness, lambda one: compared(full, one, NOISY_EDGE).of_parts, accepted)
    if likeness >= PARTS[1]:
        return
    shift = shift_between(full, half, _FARTHEST)
    if shift != NONE and max(map(abs, shift)) < _FARTHEST:  # at the edge it may lie beyond
        text = f"{half.path}: is shifted against {full.path} by {_in_words(shift)} voxels along z, y, x; make all with"
        refuse("other-halves", f"{text} one alignment", accepted)
        return
    said = f"(correlation {likeness:.2f}, about 0.7 where it is)"
    if likeness >= PARTS[0]:
        text = "%s: has little in common with %s %s; look whether it is a half of it, mirrored, shifted or filtered"
        log.warning(text, half.path, full.path, said)
        return
    text = f"{half.path}: is no half of {full.path} {said}: of another tomogram, shifted or turned; give its own half"
    if likeness <= -PARTS[0]:
        text = f"{half.path}: is light where {full.path} is dark (correlation {likeness:.2f}); invert one of them"
    refuse("other-halves", text, accepted)


def _compare_halves(even: Volume, odd: Volume, accepted: Sequence[str]) -> None:
    """Refuse halves that have nothing in common; warn where that is in doubt, as noise can be strong."""
    nothing, certain, enough = SAMPLES
    likeness = likeness_of_halves(even, odd)
    if likeness is None:
        log.warning("%s: too small, or too empty, to be compared with %s; look at both", odd.path, even.path)
        return
    if likeness < enough:
        _refuse_mirrored(odd, even, likeness, lambda one: likeness_of_halves(even, one), accepted)
    if likeness >= certain:
        return
    said = f"have little in common at low resolution (correlation {likeness:.2f})"
    if likeness > nothing:
        log.warning("%s and %s: %s; look whether they are of one tomogram", even.path, odd.path, said)
        return
    text = f"{even.path} and {odd.path}: {said}: of two tomograms, shifted or turned; give the halves of one"
    refuse("other-halves", text, accepted)


def _refuse_mirrored(
    half: Volume,
    other: Volume,
    likeness: float,
    likeness_to: Callable[[Voxels], float | None],
    accepted: Sequence[str],
) -> None:
    """Refuse a half whose mirror image is much more alike to another volume than it is itself."""
    for axis, name in enumerate("zyx"):
        mirrored = likeness_to(Mirrored(half, (axis,)))
        if mirrored is not None and mirrored > max(likeness + _MORE, PARTS[1], SAMPLES[1]):
            text = (
                f"{half.path}: is mirrored along {name}: that way it is more like {other.path} (correlation "
                f"{mirrored:.2f}, {likeness:.2f} as it is); mirror it back, or give its own half"
            )
            refuse("other-halves", text, accepted)
            return


def _are_the_same(first: Volume, second: Volume) -> bool:
    """Tell whether two volumes of one shape hold the same voxels in all blocks that are looked at."""
    return all(bool((first[block] == second[block]).all()) for block in blocks_of(first.shape, NOISY_EDGE))


def _is_constant(volume: Volume) -> bool:
    """Tell whether all voxels have one value; the whole volume is read only where some blocks have."""
    first = volume.stored[0, 0, 0]
    if any(bool((volume[block] != first).any()) for block in blocks_of(volume.shape, NOISY_EDGE)):
        return False
    return all(bool((slab == first).all()) for _, slab in volume.slabs())
