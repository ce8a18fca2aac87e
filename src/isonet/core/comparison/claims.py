"""Up to which frequency a curve of agreement supports a claim."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from isonet.core.comparison.agreement import Estimate

_GAP = 2  # shells that cannot be measured and are passed over
_SURE = 4.0  # standard errors that all shells of a claim together must be above zero


@dataclass(frozen=True)
class Resolution:
    """Up to which frequency two volumes agree.

    Attributes
    ----------
    frequency : float or None
        Cycles per voxel where the curve crosses the threshold; None where nothing can be claimed.
    low, high : float or None
        95 % interval over draws of sub-volumes; None where it reaches no agreement.
    limited : bool
        Whether the curve was still above the threshold at the last shell that could be measured.
    """

    frequency: float | None
    low: float | None = None
    high: float | None = None
    limited: bool = False


def resolution(
    frequency: Float[Tensor, " shells"],
    curve: Estimate,
    measured: Estimate,
    usable: Bool[Tensor, "sectors shells"],
    threshold: float,
    sector: int = 0,
) -> Resolution:
    """Where a curve falls below a threshold for good.

    Parameters
    ----------
    frequency : tensor
        Middle of each shell, cycles per voxel.
    curve : Estimate
        What is claimed.
    measured : Estimate
        The correlation it comes from, before it was divided by a ceiling: it must be certain that it is not zero.
    usable : tensor of bool
        `[sectors, shells]` that can be measured at all; the claim ends where they end.
    threshold : float
        0.5 or 0.143.
    sector : int
        Which one.

    Returns
    -------
    Resolution
        Nothing where the curve is below from the beginning or may be chance. A lone shell below it is passed over.
    """
    known = usable[sector] & ~curve.value[sector].isnan()
    places, shells = run_of(known), frequency.tolist()
    found, last, limited = _crossing(shells, curve.value[sector].tolist(), places, threshold)
    if found is None or not _is_sure(measured, known, sector, last):
        return Resolution(None)
    ends = [_crossing(shells, draw, places, threshold)[0] for draw in curve.draws[:, sector].tolist()]
    numbers = sorted(0.0 if end is None else end for end in ends)
    low, high = (numbers[round(part * (len(numbers) - 1))] for part in (0.025, 0.975))
    return Resolution(found, low or None, high or None, limited)


def _is_sure(measured: Estimate, known: Tensor, sector: int, last: int) -> bool:
    """Tell whether the shells up to the last one, or up to one before, agree more than chance would let them.

    Shells of little signal beyond must not take a claim away: a lower threshold never claims less than a higher one.
    """
    used = known[: last + 1]
    count = measured.independent[sector, : last + 1][used]
    value = measured.value[sector, : last + 1][used]
    return bool(((count * value).cumsum(0) > _SURE * count.cumsum(0).sqrt()).any())


def _crossing(
    frequency: Sequence[float], value: Sequence[float], places: Sequence[int], threshold: float
) -> tuple[float | None, int, bool]:
    """Crossing of one curve, the last shell above it, and whether it ends because no more is known."""
    above = [value[place] >= threshold for place in places]
    last = -1
    for number, place in enumerate(places):
        if above[number]:
            last = place
        elif not any(above[number + 1 : number + 2]):
            if last < 0:
                return None, 0, False
            part = (value[last] - threshold) / (value[last] - value[place])
            return frequency[last] + part * (frequency[place] - frequency[last]), last, False
    return (frequency[last], last, True) if places else (None, 0, False)


def run_of(known: Tensor) -> list[int]:
    """Known shells from the first one on, up to a gap wider than a zero of the contrast transfer makes."""
    shells: list[int] = torch.nonzero(known).flatten().tolist()
    end = next((n for n, (one, two) in enumerate(pairwise(shells), start=1) if two - one > _GAP + 1), len(shells))
    return shells[:end]
