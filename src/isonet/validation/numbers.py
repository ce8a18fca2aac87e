"""What validation.json says: resolutions, curves and a sentence, from the curves of a comparison."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from isonet.core.comparison.agreement import MEASURABLE
from isonet.core.comparison.claims import Resolution, run_of
from isonet.validation.bins import SECTOR
from isonet.validation.curve_styles import THRESHOLDS
from isonet.validation.scores import Scores

Numbers = dict[str, Any]


def withheld_numbers(
    whole: Scores,
    by_sector: Scores,
    pixel_size: float,
    kept: tuple[float, float],
    reach: float,
    coarsest: tuple[int, float] | None,
) -> Numbers:
    """Numbers of the withheld region for `validation.json`.

    With halves the resolution is that of a prediction from one half against the other half as measured, over what a
    perfect prediction would reach. With one map it is that of the prediction against the same map: the noise of
    different Fourier coefficients is independent, so a prediction from the kept tilts cannot know that of the withheld
    ones, and the comparison stays honest; but how much of the disagreement is noise is unknown, and the resolution is
    a lower limit.

    Parameters
    ----------
    whole, by_sector : Scores
        All sectors together, and each for itself.
    pixel_size : float
        Å per voxel.
    kept : tuple of float
        Range in degrees that was not withheld.
    reach : float
        Degrees withheld at each end.
    coarsest : tuple or None
        What the largest `--withhold` would let one measure (:func:`isonet.validation.bins.coarsest_detail`).

    Returns
    -------
    dict
        Resolutions in Å (null where nothing can be claimed), their 95 % intervals, curves, sectors, controls, status.
    """
    known = ~whole.predicted.value.isnan()
    has_seen = whole.better_than_possible or by_sector.better_than_possible
    if has_seen:
        whole, by_sector = whole.claiming_nothing, by_sector.claiming_nothing
    numbers: Numbers = {
        "kind": _kind(whole),
        "has_seen_what_was_withheld": has_seen,
        "degrees": [round(kept[0] - reach, 2), round(kept[0], 2), round(kept[1], 2), round(kept[1] + reach, 2)],
        **resolutions(whole.resolution, pixel_size),
        **{f"lower_limit_{name[11:]}": value for name, value in _lower_limits(whole, pixel_size).items()},
        "measurable": _measurable(whole, pixel_size),
        "agreement": mean_over(whole.predicted.value, known),
        "controls": {name: mean_over(getattr(whole, name).value, known) for name in ("unfilled", "shuffled")},
        "power": mean_over(whole.power, known),
        "curves": _curves(whole, 0, pixel_size),
        "sectors": [
            {
                "from": round(SECTOR * sector, 2),
                "to": round(min(reach, SECTOR * (sector + 1)), 2),
                **resolutions(lambda threshold, one=sector: by_sector.resolution(threshold, one), pixel_size),
                "curves": _curves(by_sector, sector, pixel_size),
            }
            for sector in range(len(by_sector.power))
        ],
    }
    if whole.truth is not None:
        numbers["truth"] = resolutions(lambda value: whole.true_resolution(value) or Resolution(None), pixel_size)
    return {**numbers, "status": _sentence(numbers, whole, _what_helps(whole, pixel_size, reach, coarsest))}


def resolutions(find: Any, pixel_size: float) -> Numbers:
    """Resolution in Å at both thresholds, its interval (finer end first) and whether measurement ended there."""
    numbers: Numbers = {}
    for name, threshold in THRESHOLDS.items():
        found: Resolution = find(threshold)
        numbers[name] = in_angstrom(found.frequency, pixel_size)
        numbers[f"{name}_interval"] = [in_angstrom(end, pixel_size) for end in (found.high, found.low)]
        numbers[f"{name}_limited"] = found.limited
    return numbers


def in_angstrom(frequency: float | None, pixel_size: float) -> float | None:
    """Resolution of a frequency in cycles per voxel; None stays None."""
    return None if not frequency else round(pixel_size / frequency, 1)


def numbers_of(values: Tensor) -> list[float | None]:
    """Numbers for JSON, null where there is none."""
    return [round(value, 4) if math.isfinite(value) else None for value in values.tolist()]


def mean_over(curve: Tensor, known: Tensor) -> float | None:
    """Mean of a curve over all sectors and shells that are known."""
    values = curve[known]
    values = values[~values.isnan()]
    return round(float(values.mean()), 4) if len(values) else None


def _kind(scores: Scores) -> str:
    if scores.halves is None:
        return "one map"
    return "cross-half" if scores.directions == 2 else "whole map"


def _lower_limits(scores: Scores, pixel_size: float) -> dict[str, float | None]:
    """Resolution in Å that the noisy measurement alone supports, whatever its ceiling is."""
    return {
        name: in_angstrom(scores.lower_limit(threshold).frequency, pixel_size) for name, threshold in THRESHOLDS.items()
    }


def _measurable(scores: Scores, pixel_size: float) -> list[float] | None:
    """Coarsest and finest resolution in Å that can be measured; None where nothing can."""
    places = run_of(scores.usable[0])
    if not places:
        return None
    return [round(pixel_size / float(scores.frequency[place]), 1) for place in (places[0], places[-1])]


def _curves(scores: Scores, sector: int, pixel_size: float) -> Mapping[str, Sequence[float | bool | None]]:
    """Curves of one sector against resolution."""
    curves: dict[str, Sequence[float | bool | None]] = {
        "resolution": [in_angstrom(value, pixel_size) for value in scores.frequency.tolist()],
        "agreement": numbers_of(scores.predicted.value[sector]),
        "unfilled": numbers_of(scores.unfilled.value[sector]),
        "shuffled": numbers_of(scores.shuffled.value[sector]),
        "power": numbers_of(scores.power[sector]),
        "measurable": scores.usable[sector].tolist(),
    }
    named = {"claimed": scores.claimed, "truth": scores.truth, "halves": scores.halves, "ceiling": scores.ceiling}
    for name, estimate in named.items():
        if estimate is not None:
            hidden = ~scores.usable[sector] if name in ("claimed", "ceiling") else torch.zeros(()).bool()
            for part, values in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high)):
                curves[name + part] = numbers_of(values[sector].masked_fill(hidden, torch.nan))
    return curves


def _on_average(numbers: Numbers) -> str:
    """Say how well the prediction agrees with a measurement whose noise is not known, beside what must not agree."""
    if numbers["agreement"] is None:
        return ""
    said = f"; mean FSC with the measurement {numbers['agreement']:.3f}"
    for name, control in (("unfilled", "unfilled"), ("of another place", "shuffled")):
        if numbers["controls"][control] is not None:
            said += f", {name} {numbers['controls'][control]:.3f}"
    return said


def _what_helps(whole: Scores, pixel_size: float, reach: float, coarsest: tuple[int, float] | None) -> str:
    """Say what lets one measure coarser detail, of which there is more signal."""
    known = ~whole.predicted.value[0].isnan()
    now = float(whole.frequency[known].min()) if bool(known.any()) else math.inf
    if coarsest is None or coarsest[0] <= reach or coarsest[1] >= now:
        return "no larger --withhold reaches coarser detail, a larger tomogram does"
    most, frequency = coarsest
    return f"a larger --withhold reaches coarser detail, {most} at most of {in_angstrom(frequency, pixel_size):g} A"


def _sentence(numbers: Numbers, scores: Scores, helps: str) -> str:
    """Say in plain language what was found."""
    lowest, inner, outer, highest = numbers["degrees"]
    where = f"where {lowest:g} to {inner:g} and {outer:g} to {highest:g} degrees were withheld"
    limit, measurable = numbers["lower_limit_0143"], numbers["measurable"]
    if numbers["has_seen_what_was_withheld"]:
        return (
            f"nothing is claimed {where}: the prediction agrees with the measurement better than the noise of that "
            "allows, so it was made from what was withheld; make it from what validate --only-withhold leaves"
        )
    if measurable is None:
        least = "" if limit is None else f"; without knowing the noise, agreement to {limit:g} A at least"
        said = f"not measurable {where}: FSC between the halves under {MEASURABLE:g}{least}"
        return f"{said}{_on_average(numbers)}; {helps}"
    if numbers["resolution_0143"] is None:
        return (
            f"nothing is claimed {where}: the prediction does not agree with the measurement beyond chance; measured "
            f"from {measurable[0]:g} to {measurable[1]:g} A; {helps}"
        )
    said = f"{where}, the prediction agrees with the measurement to {numbers['resolution_0143']:g} A (0.143)"
    if numbers["resolution_05"] is not None:
        said += f", {numbers['resolution_05']:g} A (0.5)"
    if numbers["resolution_0143_limited"]:
        said += ", as far as it can be measured"
    if numbers["kind"] != "one map":
        said += f"; {measurable[1]:g} A is the noise limit"
    nearest = numbers["sectors"][0]["resolution_0143"]
    farthest = next((one for one in reversed(numbers["sectors"]) if one["resolution_0143"] is not None), None)
    if nearest is not None and farthest is not None and farthest is not numbers["sectors"][0]:
        said += (
            f"; {nearest:g} A in the first {SECTOR:g} degrees, {farthest['resolution_0143']:g} A at "
            f"{farthest['from']:g} to {farthest['to']:g} degrees beyond what was kept"
        )
    if numbers["kind"] == "one map":
        said += "; with one map the noise is unknown, this is a lower limit"
    return said
