"""The balance of a filled wedge: power and agreement by direction."""

import logging
from collections.abc import Sequence

import torch

from isonet.core.comparison import balance
from isonet.core.comparison.agreement import Sums
from isonet.core.tilts.measured import Tilts
from isonet.io.volume import Volume
from isonet.validation.numbers import Numbers, numbers_of
from isonet.validation.scores import spectrum_at, subvolumes_with_data

log = logging.getLogger("isonet")
_REMEDIES = {
    "empty": "the wedge is still empty: train on the tomogram, for longer, or with a higher --wedge-weight",
    "over-filled": "the wedge holds more power than the rest: train longer, or lower --wedge-weight",
    "fake": "the YZ plane has a hole that no tilt explains: train anew with another --seed, and look at the spectra",
}


def wedge_balance_numbers(volumes: Sequence[Volume], tilts: Tilts, name: str) -> Numbers:
    """Measure how the power of a result is spread over directions, and warn where it should not be like that.

    Parameters
    ----------
    volumes, tilts
        As :func:`measure_balance`.
    name : str
        Of the tomogram, for messages.

    Returns
    -------
    dict
        As :func:`measure_balance`.
    """
    numbers = measure_balance(volumes, tilts)
    for warning in numbers["warnings"]:
        log.warning("%s: %s", name, warning)
    return numbers


def measure_balance(volumes: Sequence[Volume], tilts: Tilts, most: int | None = None) -> Numbers:
    """Measure how the power of a result is spread over directions.

    Parameters
    ----------
    volumes : sequence of Volume
        The result, or the results of two halves: their FSC is measured too.
    tilts : sequence of float or Measured
        Degrees, or what was measured in general, that were known when it was made.
    most : int, optional
        Sub-volumes to look at, all over the tomogram; all if left out.

    Returns
    -------
    dict
        `missing` (power density inside the wedge over outside), by sector `around` k_y and by `elevation` in the YZ
        plane, and `warnings`.
    """
    edges, corners = subvolumes_with_data(volumes[0])
    if most is not None and len(corners) > most:
        corners = [corners[(2 * number + 1) * len(corners) // (2 * most)] for number in range(most)]
    bins = balance.make_balance_bins(edges, tilts, 1 / min(edges))
    parts: dict[str, list[Sums]] = {"around": [], "elevation": [], "missing": [], "measured": []}
    for corner in corners:
        spectra = [spectrum_at(volume, corner, edges) for volume in volumes]
        for key, found in parts.items():
            found.append(Sums.of(spectra[0], spectra[-1], getattr(bins, key)))
    sums = {key: Sums.joined(found) for key, found in parts.items()}
    measured = sums["measured"].first.sum(0)
    density = {
        key: balance.relative_density(sums[key].first.sum(0), getattr(bins, key), measured, bins.measured)
        for key in ("around", "elevation", "missing")
    }
    missing = float(density["missing"][0])
    faults = balance.faults(missing, density["elevation"])
    sectors = torch.arange(len(density["around"]))
    numbers: Numbers = {
        "missing": numbers_of(density["missing"])[0],
        "around": {
            "angle": ((sectors + 0.5) * balance.AROUND - 90).tolist(),
            "power": numbers_of(density["around"]),
        },
        "elevation": {
            "angle": [(number + 0.5) * balance.ELEVATION for number in range(len(density["elevation"]))],
            "power": numbers_of(density["elevation"]),
        },
        "warnings": [f"{fault}: {_REMEDIES[fault]}" for fault in faults],
    }
    if len(volumes) == 2:
        numbers["around"]["fsc"] = numbers_of(sums["around"].correlation().nanmean(1))
    return numbers
