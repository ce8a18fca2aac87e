"""What is looked at in a tomogram, looked at in each of its halves too, as these are what is trained on."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isonet.core.evenness import Uneven, unevenness
from isonet.core.normalize import LocalMoments
from isonet.core.tilts.measured import Measured
from isonet.core.tilts.wedge_estimate import estimate_wedge
from isonet.io.volume import Volume
from isonet.steps.prepare.checks.faults import refuse
from isonet.steps.prepare.checks.orientation import Shown, ends_differ, look
from isonet.steps.prepare.checks.sections import Sections
from isonet.steps.prepare.checks.wedge import measure_spectra
from isonet.volumes.continued import Continued

log = logging.getLogger("isonet")
_LOOKED_AT = 12  # sections whose parts are compared
_EMPTY = 0.02  # share of a half that has no data where the other has
_NEARLY = 6.0  # degrees by which ends may differ before they are measured closely
_FILLED = 0.15  # how much fuller a wedge is than that of its tomogram, from which it is looked at closely
_SAME = 0.8  # of what a half differs by from side to side: where its tomogram does, that is said
_SCALE, _LEVEL = 1.4, 5.0  # times the deviation, and deviations, by which grey values of halves may differ


@dataclass(frozen=True)
class _Values:
    """Grey values of parts of a volume."""

    deviation: float
    middle: float
    uneven: list[Uneven]


def check_each_half(
    full: Volume,
    halves: tuple[Sections, Sections],
    shown: Shown | None,
    told: Measured,
    accepted: Sequence[str],
    *,
    is_mean: bool,
) -> None:
    """Say of each half where its padding, grey values or wedge are not as those of its tomogram, or as told.

    Parameters
    ----------
    full : Volume
        Their tomogram.
    halves : tuple of Sections
        Even and odd.
    shown : Shown or None
        What the spectrum of the tomogram shows.
    told : Measured
        What is said to be measured.
    accepted : sequence of str
        Faults that are taken all the same, with a warning.
    is_mean : bool
        Whether the tomogram is the mean of both, made here, and another scale of one was said.

    Raises
    ------
    InputError
        If a half has no wedge where its tomogram has one.
    """
    even, odd = (half.volume for half in halves)
    first, second = _values(even), _values(odd)
    _compare_padding(even, odd)
    _compare_values(even, odd, first, second, is_mean=is_mean)
    if first.uneven or second.uneven:
        said = {one.axis: one.rise or 0.0 for one in _values(full).uneven}
        for half, values in ((even, first), (odd, second)):
            for one in values.uneven:
                if one.axis not in said or said[one.axis] < _SAME * (one.rise or 0.0):
                    log.warning("%s: %s", half.path, one.in_words)
    _compare_wedges(full, halves, shown, told, accepted)


def _values(volume: Volume) -> _Values:
    """Look at parts of sections all over a volume."""
    local = LocalMoments()
    depth = volume.shape[0]
    for section in dict.fromkeys(np.linspace(0, depth - 1, _LOOKED_AT).round().astype(int).tolist()):
        local.add(volume.read_rows(slice(section, section + 1)))
    return _Values(local.usual, local.middle, unevenness(*local.squares))


def _compare_padding(even: Volume, odd: Volume) -> None:
    """Warn where one half is empty and the other is not."""
    first, second = (half.padding.share if isinstance(half, Continued) else 0.0 for half in (even, odd))
    if abs(first - second) > _EMPTY:
        log.warning(
            "%s and %s: %.0f and %.0f %% of them are empty; where one is, their mean holds the other alone, half as "
            "strong; make both alike, or crop both",
            *(even.path, odd.path, 100 * first, 100 * second),
        )


def _compare_values(even: Volume, odd: Volume, first: _Values, second: _Values, *, is_mean: bool) -> None:
    """Warn where grey values of halves are on another scale, or level."""
    least, most = sorted((first.deviation, second.deviation))
    if not least > 0:
        return
    if most > _SCALE * least and not is_mean:
        log.warning(
            "%s: its deviation is %.3g times that of %s, so that their mean is mostly one of them; bring both to one "
            "scale",
            *(odd.path, second.deviation / first.deviation, even.path),
        )
    apart = abs(second.middle - first.middle) / most
    if apart > _LEVEL:
        log.warning(
            "%s: its grey values lie %.3g deviations away from those of %s; bring both to one level",
            *(odd.path, apart, even.path),
        )


def _compare_wedges(
    full: Volume, halves: tuple[Sections, Sections], shown: Shown | None, told: Measured, accepted: Sequence[str]
) -> None:
    """Warn of a half that shows another range than is told and than its tomogram shows; refuse one without a wedge."""
    if len(told.sweeps) > 1:
        return
    for half in halves:
        found = half.range
        if found is None:
            continue
        if found.clear:
            _compare_range(half, (found.low, found.high), shown, told)
        if found.beyond > _FILLED and shown is not None and shown.clear:
            _compare_filling(full, half, found.beyond, accepted)


def _compare_range(half: Sections, found: tuple[float, float], shown: Shown | None, told: Measured) -> None:
    """Warn where the range of a half is another one; closely measured where sections show so."""
    low, high = told.sweeps[0].ends
    if max(abs(found[0] - low), abs(found[1] - high)) <= _NEARLY:
        return
    closely = look(half.volume, told)
    if closely is None or not closely.clear or not ends_differ(closely.estimate, (low, high)):
        return
    ends = closely.estimate.tilt_min, closely.estimate.tilt_max
    if shown is not None and shown.clear and not ends_differ(shown.estimate, ends):
        return  # as its tomogram, of which that was said
    log.warning(
        "%s: its power spectrum shows tilts from %.0f to %.0f degrees, told were %g to %g; reconstruct it with all "
        "tilts of the table, or tell the range of all three",
        *(half.volume.path, *ends, low, high),
    )


def _compare_filling(full: Volume, half: Sections, beyond: float, accepted: Sequence[str]) -> None:
    """Refuse a half without a wedge of a tomogram that has one; warn where its wedge is filled in part."""
    whole = Sections.of(full).range
    if whole is None or not whole.clear or beyond - whole.beyond < _FILLED:
        return
    path, spectra = half.volume.path, measure_spectra(half.volume)
    closely = "unclear" if spectra is None else estimate_wedge(spectra).state
    if closely == "none":
        text = (
            f"{path}: no wedge in its power spectrum, where {full.path} has one: corrected or filtered; give the half"
        )
        refuse("no-wedge", f"{text} as it was reconstructed", accepted)
    elif closely == "unclear":
        log.warning(
            "%s: its wedge is not empty as that of %s is; if it was corrected or denoised, give the half as it was "
            "reconstructed",
            *(path, full.path),
        )
