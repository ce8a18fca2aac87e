"""Defocus at zero tilt where one file has the rows of defocus and another one the tilts: which row is of which tilt.

Rows are matched to tilts by the numbers of their images. Where these cannot tell, a value that depends little on the
match is taken, with a doubt.
"""

from collections.abc import Sequence

import numpy as np

from isonet.core.tilts.ranges import in_order
from isonet.io.programs.tilt_series import NO_DOUBT, Doubt, TiltSeries, defocus_at_zero_tilt
from isonet.io.text import counted

_ALIKE = 0.05
_OUTLIER = 0.1
_Pairs = tuple[Sequence[float], Sequence[float]]


def at_zero_tilt(table: TiltSeries, lists: Sequence[TiltSeries]) -> tuple[float | None, Doubt]:
    """Defocus at zero tilt of a file that has some, and what is in doubt about it.

    Parameters
    ----------
    table : TiltSeries
        The file with defocus.
    lists : sequence of TiltSeries
        Files with tilts, the best first; of these the first counts that the rows can be matched to.

    Returns
    -------
    value : float or None
        Å, positive is underfocus.
    doubt : str
        A warning for those who take the value; often nothing.
    """
    if table.defocus_tilts is not None or len(table.defoci) < 2 or not lists:
        return table.defocus(), NO_DOUBT
    for one in lists:
        pairs = _matched(table, one)
        if pairs is not None:
            return _of_pairs(table, one, pairs)
    return _unmatched(table, lists[0])


def _matched(table: TiltSeries, tilted: TiltSeries) -> _Pairs | None:
    """Rows of defocus and the tilts of their images; None where neither numbers nor counts fit."""
    tilts, count = tilted.tilts or (), len(table.defoci)
    counting = tuple(range(count))
    numbers = counting if table.defocus_images is None else table.defocus_images
    if count == len(tilts) and numbers == counting:
        return table.defoci, tilts
    images = tilted.images or len(tilts)
    if max(numbers) < images and (numbers != counting or count == images):
        views = range(len(tilts)) if tilted.views is None else tilted.views
        rows = dict(zip(numbers, table.defoci, strict=True))
        both = [(rows[view], tilt) for view, tilt in zip(views, tilts, strict=True) if view in rows]
        if both:
            return [value for value, _ in both], [tilt for _, tilt in both]
    return (table.defoci, tilts) if count == len(tilts) else None


def _of_pairs(table: TiltSeries, tilted: TiltSeries, pairs: _Pairs) -> tuple[float, Doubt]:
    """Defocus of matched rows; where tilts are listed out of order, rows may be in the order of tilt none the less."""
    values, tilts = pairs
    listed = defocus_at_zero_tilt(values, tilts)
    if in_order(tilts):
        return listed, NO_DOUBT
    by_tilt = defocus_at_zero_tilt(values, sorted(tilts))
    if abs(listed - by_tilt) <= _ALIKE * max(abs(listed), abs(by_tilt)):
        return listed, NO_DOUBT
    taken = _agreed(values)
    return taken, Doubt(
        f"{table.source}: its rows name no tilts, and {tilted.source} lists tilts out of order; in that order the "
        f"defocus is {listed:.6g} A, in order of tilt {by_tilt:.6g}; {taken:.6g} taken, the median, give --defocus if "
        "it is another"
    )


def _unmatched(table: TiltSeries, tilted: TiltSeries) -> tuple[float, Doubt]:
    """Defocus of rows that are more or fewer than the tilts: the median over all places where the others may be."""
    values, tilts = table.defoci, tilted.tilts or ()
    if in_order(tilts):
        count, places = min(len(values), len(tilts)), range(abs(len(values) - len(tilts)) + 1)
        parts = [
            (values[place:][:count], tilts) if len(values) > count else (values, tilts[place:][:count])
            for place in places
        ]
        taken = float(np.median([defocus_at_zero_tilt(*part) for part in parts]))
    else:
        taken = _agreed(values)
    return taken, Doubt(
        f"{table.source}: {counted(len(values), 'row')} of defocus, {tilted.source} has {counted(len(tilts), 'tilt')}, "
        f"and nothing tells which rows are theirs; {taken:.6g} A taken, give --defocus if it is another"
    )


def _agreed(values: Sequence[float]) -> float:
    """Median of the values that agree with the median of all."""
    every = np.asarray(values, dtype=np.float64)
    median = np.median(every)
    agreeing = every[np.abs(every - median) <= _OUTLIER * abs(median)]
    return float(np.median(agreeing) if len(agreeing) else median)
