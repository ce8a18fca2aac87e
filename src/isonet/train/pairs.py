r"""Training pairs, made on the device in batches while training.

From a sub-volume `v` and the network's last prediction `b` of it::

    t = W v + (1 - W) b                     what was measured is never changed

Method `isonet`, on one map: the paper's pair, `R` turns the content, `W` stays in the frame of the microscope::

    input = crop(W R t) + noise             target = crop(R t)

Method `noise2noise`, on two maps with independent noise (halves 0 and 1, in either order). What the input has is asked
of the other half, whose noise it has never seen. What it lacks is asked of the mean of both, `t_m`: other images have
measured that than any of the input, so that its noise is as strange to the input, and weaker::

    input = crop(W R t_0)                   target = crop(R t_1), or R t_m where W = 0; where R W has measured it

Halves from every other tilt of a thick sample have measured the same only near the tilt axis, and differ elsewhere
though both are right (:mod:`isonet.core.tilts.shared`). There the other half is not asked. And half of the inputs are
the mean, in which no plane is missing, as in what is corrected in the end::

    input = crop(W R t_m)                   target = crop(R t_m where W = 0), where R W has measured it

Method `denoise`: the same without turning, so that nothing is learnt about the wedge.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.sampling import central_cube
from isonet.core.tilts import noise, wedge
from isonet.train.hardware.overlap import host_memory
from isonet.train.optics import Optics

Method = Literal["isonet", "noise2noise", "denoise"]
Predict = Callable[[Tensor], Tensor]
_MEAN = 2  # in place of the number of a half: the input is the mean of both
_MEANS = 0.5  # share of such pairs
_LACKS = 1e-3  # wedge weight below which a coefficient is missing; rounding makes more than 0 of some


@dataclass(frozen=True)
class Recipe:
    """How pairs are made.

    Attributes
    ----------
    method : str
        `isonet`, `noise2noise` or `denoise`.
    cube : int
        Edge of the training cubes.
    wedge_weight : float
        Weight of squared (of absolute, for isonet) errors where the input has its wedge, relative to elsewhere.
    random_rotations : float
        Share of pairs turned by a uniformly random rotation.
    noise_level : float
        Standard deviation of the noise added to the inputs.
    """

    method: Method
    cube: int
    wedge_weight: float = 1.0
    random_rotations: float = 0.0
    noise_level: float = 0.0

    @property
    def maps(self) -> int:
        """Maps of each tomogram that are needed: one, or two halves."""
        return 1 if self.method == "isonet" else 2

    @property
    def exponent(self) -> Literal[1, 2]:
        """Power of the errors that is minimised: the paper's mean absolute error, or the mean square for halves."""
        return 1 if self.method == "isonet" else 2


@dataclass(frozen=True)
class Batch:
    """Training pairs.

    Attributes
    ----------
    inputs, targets : tensor
        `[batch, 1, cube, cube, cube]`.
    error_filter : tensor
        What the errors are multiplied with in Fourier space before they are averaged, `[batch, 1, ...]`, rfft layout.
    whole : int, optional
        Pairs of the batch that these are a part of, the rest of which is with other processes.
    """

    inputs: Float[Tensor, "b 1 c c c"]
    targets: Float[Tensor, "b 1 c c c"]
    error_filter: Tensor
    whole: int | None = None

    @property
    def pairs(self) -> int:
        """Pairs of the whole batch."""
        return self.whole or len(self.inputs)

    def on(self, device: torch.device) -> "Batch":
        """Return the same pairs on a device."""
        return Batch(self.inputs.to(device), self.targets.to(device), self.error_filter.to(device), self.whole)

    def part(self, share: slice) -> "Batch":
        """Some of the pairs of a whole batch."""
        return Batch(self.inputs[share], self.targets[share], self.error_filter[share], self.pairs)

    def parts(self, count: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Iterate over inputs, targets and error filters of `count` parts of nearly the same size."""
        split = (tensor.tensor_split(count) for tensor in (self.inputs, self.targets, self.error_filter))
        yield from zip(*split, strict=True)


@dataclass(frozen=True)
class PairMaker:
    """Filled sub-volumes of all tomograms, from which training pairs are made.

    Attributes
    ----------
    filled : tensor
        `t` of every map of every sub-volume, `[n, maps, size, size, size]`, in host memory or on the device.
    origin : numpy array
        `[n]`: which of `optics` each sub-volume belongs to.
    optics : tuple of Optics
        One per tomogram.
    recipe : Recipe
        How pairs are made.
    """

    filled: Float[Tensor, "n m s s s"]
    origin: np.ndarray[tuple[int], np.dtype[np.int64]]
    optics: tuple[Optics, ...]
    recipe: Recipe

    def batch(
        self,
        indices: Sequence[int],
        random: np.random.Generator,
        device: torch.device,
        share: slice = slice(None),
    ) -> Batch:
        """Make one batch of pairs, one of each sub-volume in `indices`, rotations and noise decided by `random`.

        Of the batch, `share` is made: the same pairs as in the whole.
        """
        drawn = [(index, *self._drawn(index, random)) for index in indices]
        maps = self._maps([index for index, _, _ in drawn[share]], device)
        made = [self._pair(one, *how) for one, how in zip(maps, drawn[share], strict=True)]
        inputs, targets, filters = (torch.stack(parts)[:, None] for parts in zip(*made, strict=True))
        if self.recipe.noise_level > 0:
            inputs = inputs + self.recipe.noise_level * self._noise(indices, random, device, share)[:, None]
        return Batch(inputs, targets, filters, len(indices))

    def _drawn(self, index: int, random: np.random.Generator) -> tuple[Tensor | None, int]:
        """Draw how a sub-volume is turned and what the input is: one of the maps, or the mean of both."""
        tomogram = self.optics[self.origin[index]]
        matrix = self._rotation(tomogram, random)
        given = 0 if self.recipe.maps == 1 else int(random.integers(2))
        if tomogram.thickness is not None and self.recipe.method != "denoise" and random.random() < _MEANS:
            given = _MEAN
        return matrix, given

    def _maps(self, indices: Sequence[int], device: torch.device) -> Sequence[Tensor]:
        """Return the maps of sub-volumes on a device, by one copy at most."""
        if self.filled.device.type == device.type:
            return [self.filled[index] for index in indices]
        room = host_memory((len(indices), *self.filled.shape[1:]), device)
        chosen = torch.index_select(self.filled, 0, torch.as_tensor(indices), out=room)
        return chosen.to(device, non_blocking=True).unbind()

    def _pair(self, maps: Tensor, index: int, matrix: Tensor | None, given: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return input, target and error filter of one sub-volume, of which these are the maps."""
        tomogram, cube = self.optics[self.origin[index]], self.recipe.cube
        turned = maps if matrix is None else turn(maps, matrix)
        if self.recipe.maps == 1:
            inputs, targets = fourier.apply(turned[0], tomogram.weights[0]), turned[0]
        else:
            inputs, targets = _of_halves(turned, tomogram.weights, given)
        return central_cube(inputs, cube), central_cube(targets, cube), self._error_filter(tomogram, given, matrix)

    def _rotation(self, tomogram: Optics, random: np.random.Generator) -> Tensor | None:
        """Draw how a sub-volume is turned."""
        if self.recipe.method == "denoise":
            return None
        chosen = tomogram.rotations[random.integers(len(tomogram.rotations))]
        if random.random() >= self.recipe.random_rotations:
            return chosen
        return rotation.random_rotation(random)

    def _error_filter(self, tomogram: Optics, given: int, matrix: Tensor | None) -> Tensor:
        """Weigh errors by frequency, by whether the input has it, and by whether the target has measured it."""
        cube, wedge_weight = self.recipe.cube, self.recipe.wedge_weight
        if self.recipe.maps == 1:
            has = tomogram.seen(0)
            weight = has + wedge_weight * (1 - has)
        else:
            seen = [tomogram.seen(number, matrix) for number in (0, 1)]
            either = torch.maximum(*seen)
            if given == _MEAN:
                weight = wedge_weight * (torch.maximum(tomogram.seen(0), tomogram.seen(1)) < _LACKS) * either
            else:
                has = tomogram.seen(given)
                alike = seen[1 - given] * tomogram.shared(matrix)
                weight = has * alike + wedge_weight * (1 - has) * either
        weight = tomogram.spectrum * weight.expand(cube, cube, cube // 2 + 1)
        return weight if self.recipe.exponent == 1 else torch.sqrt(weight)

    def _noise(self, indices: Sequence[int], random: np.random.Generator, device: torch.device, share: slice) -> Tensor:
        """Return back-projected noise of unit standard deviation for each pair of the share."""
        generator = torch.Generator(device).manual_seed(int(random.integers(2**62)))
        edges = (len(indices), *(self.recipe.cube,) * 3)
        white = torch.randn(edges, generator=generator, device=device)[share]
        spectra = torch.stack([self.optics[self.origin[index]].noise_spectrum for index in indices[share]])
        return noise.like_back_projection(white, spectra)


def _of_halves(turned: Float[Tensor, "2 s s s"], weights: Sequence[Tensor], given: int) -> tuple[Tensor, Tensor]:
    """Return input and target, not yet cropped, of both halves of a sub-volume, turned."""
    shape, halves = fourier.spatial_shape(turned), fourier.transform(turned)
    mean = halves.mean(0)
    if given == _MEAN:
        weight = (weights[0] + weights[1]) / 2
        return fourier.inverse(weight * mean, shape), fourier.inverse((weight < _LACKS) * mean, shape)
    weight, other = weights[given], halves[1 - given]
    return fourier.inverse(weight * halves[given], shape), fourier.inverse(
        torch.where(weight < _LACKS, mean, other), shape
    )


def turn(volumes: Float[Tensor, "m s s s"], matrix: Tensor) -> Float[Tensor, "m s s s"]:
    """Turn sub-volumes: exactly by a rotation of the cube (an integer matrix), by resampling for any other."""
    if matrix.is_floating_point():
        return rotation.resample(volumes, matrix.to(volumes.device))
    return rotation.rotate_cube(volumes, matrix)


def fill(
    volumes: Float[Tensor, "b m s s s"], weights: Tensor, predict: Predict | None, *, together: bool = False
) -> Float[Tensor, "b m s s s"]:
    """Fill the wedge of sub-volumes with the network's prediction from them (with nothing before the first training).

    Parameters
    ----------
    volumes : tensor
        Normalised maps `v` of each sub-volume.
    weights : tensor
        Their wedge weights `W`, `[b, m, ...]`, rfft layout.
    predict : callable, optional
        Network on `[b, 1, s, s, s]`.
    together : bool
        Predict once, from the mean of the maps: of halves from every other tilt each lacks planes that it has.

    Returns
    -------
    tensor
        `t = W v + (1 - W) f(W v)`, or `W v`.
    """
    measured = fourier.apply(volumes, weights)
    if predict is None:
        return measured
    if together:
        guess = predict(measured.mean(1, keepdim=True)).float()
        return wedge.fill(volumes, guess.expand_as(volumes), weights)
    maps = zip(volumes.unbind(1), measured.unbind(1), weights.unbind(1), strict=True)
    return torch.stack([wedge.fill(v, predict(seen[:, None])[:, 0].float(), w) for v, seen, w in maps], dim=1)
