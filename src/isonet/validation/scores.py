"""Predictions compared with what was measured and withheld, sub-volume by sub-volume."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from isonet.core.comparison import agreement, claims
from isonet.core.comparison.agreement import Bins, Estimate, Sums
from isonet.core.comparison.claims import Resolution
from isonet.core.comparison.sampled import Sampling
from isonet.core.fourier import Shape
from isonet.core.tilts import shared, withheld
from isonet.core.tilts.measured import Measured
from isonet.io.volume import Volume
from isonet.running.runs import Run
from isonet.validation.bins import measured_bins, reach_of
from isonet.validation.planes import sampling_of_tilts
from isonet.volumes.continued import Continued, continue_over_padding
from isonet.volumes.padding import Padding

_ENOUGH_DATA = 0.5  # of a sub-volume
_BETTER, _CHANCE = 1.25, 0.05  # times the most that can be, and what is added to it


@dataclass(frozen=True)
class Case:
    """A tomogram, what was predicted of it, and what it is compared with.

    Attributes
    ----------
    name : str
        Of the tomogram.
    predictions : tuple of Volume
        Prediction from each half; or one, from the whole.
    inputs : tuple of Volume
        What each was made from: without what is withheld.
    references : tuple of Volume
        Measurement each is compared with: the *other* half, whose noise the prediction cannot share; or the whole.
    halves : tuple of Volume
        Both halves as measured; none where there is one map only.
    truth : Volume or None
        The true volume.
    measured : tuple of Measured
        What each reference has measured.
    of_halves : tuple of Measured
        What each half has measured where they are from every other tilt; none where all maps have the same tilts.
    kept : Measured
        What is not withheld.
    """

    name: str
    predictions: tuple[Volume, ...]
    inputs: tuple[Volume, ...]
    references: tuple[Volume, ...]
    halves: tuple[Volume, ...]
    truth: Volume | None
    measured: tuple[Measured, ...]
    of_halves: tuple[Measured, ...]
    kept: Measured

    @property
    def shape(self) -> Shape:
        """Voxels along z, y, x."""
        return self.predictions[0].shape

    def continued_over(self, padding: Padding) -> "Case":
        """Return the case with all volumes going on over the padding of the tomogram by reflection."""

        def alike(volumes: Iterable[Volume]) -> tuple[Volume, ...]:
            return tuple(continue_over_padding(volume, padding) for volume in volumes)

        return replace(
            self,
            predictions=alike(self.predictions),
            inputs=alike(self.inputs),
            references=alike(self.references),
            halves=alike(self.halves),
            truth=None if self.truth is None else continue_over_padding(self.truth, padding),
        )


@dataclass(frozen=True)
class Scores:
    """Curves of one or more tomograms in the withheld region, by sector.

    Attributes
    ----------
    frequency : tensor
        Middle of each shell, cycles per voxel.
    predicted : Estimate
        FSC of predictions with the measurement.
    claimed : Estimate
        The same over the ceiling: what the predictions are claimed to reach against the truth.
    halves, ceiling : Estimate or None
        FSC of both halves, near the tilt axis where they are from every other tilt, and what a perfect prediction would
        reach; None with one map only.
    possible : tensor or None
        The most that the ceiling may be, where the halves are as alike as their interval allows.
    unfilled, shuffled : Estimate
        Controls: of the input, and of the prediction of another place.
    truth : Estimate or None
        FSC of predictions with the truth.
    usable : tensor of bool
        `[sectors, shells]` that can be measured.
    power : tensor
        Power of predictions relative to that of the measurement.
    directions : int
        2 where predictions from halves are compared across, 1 where there is one prediction.
    """

    frequency: Tensor
    predicted: Estimate
    claimed: Estimate
    halves: Estimate | None
    ceiling: Estimate | None
    possible: Tensor | None
    unfilled: Estimate
    shuffled: Estimate
    truth: Estimate | None
    usable: Tensor
    power: Tensor
    directions: int

    @property
    def better_than_possible(self) -> bool:
        """Whether predictions agree with the measurement better than its noise lets the truth itself agree."""
        return self.possible is not None and bool((self.predicted.low > _BETTER * self.possible + _CHANCE).any())

    @property
    def claiming_nothing(self) -> "Scores":
        """The same curves, of which no shell is taken for measured."""
        return replace(self, usable=torch.zeros_like(self.usable))

    def resolution(self, threshold: float, sector: int = 0) -> Resolution:
        """Frequency up to which what is claimed stays above a threshold."""
        return claims.resolution(self.frequency, self.claimed, self.predicted, self.usable, threshold, sector)

    def lower_limit(self, threshold: float) -> Resolution:
        """Frequency up to which the FSC with the measurement, lowered by its noise, stays above a threshold."""
        known = ~self.predicted.value.isnan() & (not self.better_than_possible)
        return claims.resolution(self.frequency, self.predicted, self.predicted, known, threshold)

    def true_resolution(self, threshold: float, sector: int = 0) -> Resolution | None:
        """Frequency up to which the FSC with the truth stays above a threshold."""
        if self.truth is None:
            return None
        known = ~self.truth.value.isnan()
        return claims.resolution(self.frequency, self.truth, self.truth, known, threshold, sector)


@dataclass(frozen=True)
class Products:
    """Sums of all that is compared, `[subvolumes, sectors, shells]` each; of halves from tilts one sector."""

    bins: Bins
    predicted: list[Sums]
    unfilled: list[Sums]
    shuffled: list[Sums]
    halves: Sums | None
    sampling: Sampling | None
    truth: list[Sums]


def subvolumes_with_data(volume: Volume) -> tuple[Shape, list[Shape]]:
    """Edges and first voxels of the sub-volumes a tomogram is compared in, less those that are mostly padding."""
    edges, corners = withheld.subvolumes(volume.shape)
    depth, height, _ = edges
    if not isinstance(volume, Continued):
        return edges, corners
    shares = [volume.padding.share_of_data(slice(z, z + depth), slice(y, y + height)) for z, y, _ in corners]
    kept = [corner for corner, share in zip(corners, shares, strict=True) if share >= _ENOUGH_DATA]
    return edges, kept if len(kept) > 1 else corners


def compare(case: Case, width: float, run: Run) -> Products:
    """Add up the products of all sub-volumes of a tomogram.

    Raises
    ------
    InputError
        If the tomogram is too small for anything to be measured.
    """
    edges, corners = subvolumes_with_data(case.references[0])
    reach = reach_of(case.measured, case.kept)
    bins = [measured_bins(case.references[0], measured, case.kept, width, reach) for measured in case.measured]
    near, sampling = _about_halves(case, edges, bins[0], width)
    others = withheld.farthest(corners)
    names = ("predicted", "unfilled", "shuffled", "halves", "truth")
    parts: dict[str, list[list[Sums]]] = {name: [] for name in names}
    with run.progress(f"compare {case.name}", len(corners)) as advance:
        for corner, other in zip(corners, others, strict=True):
            for name, sums in _products(case, edges, corner, corners[other], bins, near).items():
                parts[name].append(sums)
            advance()
    joined = {name: [Sums.joined(part) for part in zip(*found, strict=True)] for name, found in parts.items()}
    halves = joined.pop("halves")
    return Products(bins[0], halves=halves[0] if halves else None, sampling=sampling, **joined)


def _about_halves(case: Case, edges: Shape, bins: Bins, width: float) -> tuple[Bins, Sampling | None]:
    """Bins in which both halves have measured the same, and what that says of those in which they are compared."""
    if not case.of_halves:
        noise = 1.0 if len(case.predictions) == 2 else 0.5
        return bins, Sampling.same(len(bins.frequency), noise) if case.halves else None
    near = shared.region(edges, case.of_halves, case.shape[0])
    sampling = sampling_of_tilts(case.halves, case.of_halves, case.measured[0], case.kept, width)
    return agreement.make_bins(edges, width, near), sampling


def _products(
    case: Case, edges: Shape, corner: Shape, other: Shape, bins: Sequence[Bins], near: Bins
) -> dict[str, list[Sums]]:
    """Sums of one sub-volume."""
    predicted = [spectrum_at(one, corner, edges) for one in case.predictions]
    measured = [spectrum_at(one, corner, edges) for one in case.references]
    given = [spectrum_at(one, corner, edges) for one in case.inputs]
    elsewhere = [spectrum_at(one, other, edges) for one in case.predictions]
    halves = [spectrum_at(one, corner, edges) for one in case.halves]
    truth = None if case.truth is None else spectrum_at(case.truth, corner, edges)

    def sums(volumes: Sequence[Tensor], others: Sequence[Tensor]) -> list[Sums]:
        return [Sums.of(one, two, own) for one, two, own in zip(volumes, others, bins, strict=True)]

    return {
        "predicted": sums(predicted, measured),
        "unfilled": sums(given, measured),
        "shuffled": sums(elsewhere, measured),
        "halves": [Sums.of(halves[0], halves[1], near)] if halves else [],
        "truth": [] if truth is None else sums(predicted, [truth] * len(predicted)),
    }


def spectrum_at(volume: Volume, corner: Shape, edges: Shape) -> Tensor:
    """Spectrum of the sub-volume of `edges` whose first voxel is `corner`."""
    part = tuple(slice(start, start + edge) for start, edge in zip(corner, edges, strict=True))
    return agreement.spectrum(torch.from_numpy(volume.read(*part)))


def score(products: Sequence[Products], *, whole: bool) -> Scores:
    """Curves of tomograms together, all sectors as one (`whole`) or each for itself."""

    def together(name: str) -> list[Sums]:
        lists = [getattr(one, name) for one in products]
        joined = [Sums.joined(parts) for parts in zip(*lists, strict=True)]
        return [sums.whole for sums in joined] if whole else joined

    predicted = together("predicted")
    draws = agreement.draw_subvolumes(len(predicted[0].cross))
    found = agreement.estimate(predicted, draws)
    parts = [one.halves for one in products if one.halves is not None]
    halves = ceiling = possible = None
    usable, claimed = ~found.value.isnan(), found
    if len(parts) == len(products):
        sampling = Sampling.mean([one.sampling for one in products if one.sampling is not None])
        sectors = len(found.value)
        joined = Sums.joined([one.whole if whole else one.for_sectors(sectors) for one in parts])
        halves = agreement.estimate([joined], draws)
        ceiling = halves.ceiling(sampling.noise, sampling.alike, sampling.reached)
        alike_at_most = replace(halves, value=halves.high)
        possible = alike_at_most.ceiling(sampling.noise, sampling.alike, sampling.reached).value
        usable, claimed = halves.significant & ~ceiling.value.isnan(), found.over(ceiling)
    truth = together("truth")
    return Scores(
        frequency=products[0].bins.frequency,
        predicted=found,
        claimed=claimed,
        halves=halves,
        ceiling=ceiling,
        possible=possible,
        unfilled=agreement.estimate(together("unfilled"), draws),
        shuffled=agreement.estimate(together("shuffled"), draws),
        truth=agreement.estimate(truth, draws) if truth else None,
        usable=usable,
        power=torch.stack([one.power_ratio for one in predicted]).mean(0),
        directions=len(predicted),
    )
