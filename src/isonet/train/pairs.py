r"""Training pairs, made on the device in batches while training.

From a sub-volume `v` and the network's last prediction `b` of it::

    t = W v + (1 - W) b                     what was measured is never changed

Method `isonet`, on one map: the paper's pair, `R` turns the content, `W` stays in the frame of the microscope::

    input = crop(W R t) + noise             target = crop(R t)

Method `noise2noise`, on two maps with independent noise (halves 0 and 1, in either order)::

    input = crop(W R t_0)                   target = crop(R t_1), asked for only where R W_1 has measured it

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
from isonet.core.tilts.measured import Measured, Tilts
from isonet.core.tilts.noise import NoiseMode
from isonet.core.tilts.ranges import LARGEST_GAP
from isonet.train.hardware.overlap import host_memory
from isonet.train.kept import Kept

Method = Literal["isonet", "noise2noise", "denoise"]
Predict = Callable[[Tensor], Tensor]
_KEPT = Kept(room=1_000_000_000)  # wedge weights for all rotations of some 40 tomograms of different tilts


@dataclass(frozen=True)
class Optics:
    """What the tilts of one tomogram mean for its sub-volumes.

    Attributes
    ----------
    measured : tuple of Measured
        What each map has measured: one, or one for each half.
    size, cube : int
        Edges of the sub-volumes and of the training cubes cropped from them.
    mode : str
        Filter of the reconstruction, which shapes the noise.
    gap : float
        Degrees that neighbouring tilts may be apart for all between them to count as measured.
    rotations : tensor
        `[n, 3, 3]`: the cube rotations that move this wedge.
    spectrum : tensor
        Weight of the (absolute or squared) errors of a training cube at each frequency, rfft layout.
    """

    measured: tuple[Measured, ...]
    size: int
    cube: int
    mode: NoiseMode
    gap: float
    rotations: Tensor
    spectrum: Tensor

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """Wedge weight `W` of a sub-volume for each map, rfft layout."""
        return tuple(_kept_weight(self.size, one, None, self.spectrum.device, self.gap) for one in self.measured)

    @property
    def noise_spectrum(self) -> Tensor:
        """Amplitude spectrum of back-projected noise of a training cube, rfft layout."""
        return _kept_noise(self.cube, self.measured[0], self.mode, self.spectrum.device, self.gap)


def optics(
    tilts: Sequence[Tilts],
    size: int,
    cube: int,
    mode: NoiseMode,
    spectrum: Tensor,
    device: torch.device,
    gap: float = LARGEST_GAP,
) -> Optics:
    """Prepare wedge, noise and rotations for sub-volumes of edge `size` cropped to `cube`; `tilts` of each map."""
    measured = tuple(map(Measured.of, tilts))
    return Optics(measured, size, cube, mode, gap, wedge.moving_rotations(measured[0]), spectrum.to(device))


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
        """Draw how a sub-volume is turned and which map the input is."""
        matrix = self._rotation(self.optics[self.origin[index]], random)
        return matrix, 0 if self.recipe.maps == 1 else int(random.integers(2))

    def _maps(self, indices: Sequence[int], device: torch.device) -> Sequence[Tensor]:
        """Return the maps of sub-volumes on a device, by one copy at most."""
        if self.filled.device.type == device.type:
            return [self.filled[index] for index in indices]
        room = host_memory((len(indices), *self.filled.shape[1:]), device)
        chosen = torch.index_select(self.filled, 0, torch.as_tensor(indices), out=room)
        return chosen.to(device, non_blocking=True).unbind()

    def _pair(self, maps: Tensor, index: int, matrix: Tensor | None, given: int) -> tuple[Tensor, Tensor, Tensor]:
        """Return input, target and error filter of one sub-volume, of which these are the maps."""
        recipe, tomogram = self.recipe, self.optics[self.origin[index]]
        asked = 0 if recipe.maps == 1 else 1 - given
        turned = maps if matrix is None else turn(maps, matrix)
        inputs = central_cube(fourier.apply(turned[given], tomogram.weights[given]), recipe.cube)
        return inputs, central_cube(turned[asked], recipe.cube), self._error_filter(tomogram, given, asked, matrix)

    def _rotation(self, tomogram: Optics, random: np.random.Generator) -> Tensor | None:
        """Draw how a sub-volume is turned."""
        if self.recipe.method == "denoise":
            return None
        chosen = tomogram.rotations[random.integers(len(tomogram.rotations))]
        if random.random() >= self.recipe.random_rotations:
            return chosen
        return rotation.random_rotation(random)

    def _error_filter(self, tomogram: Optics, given: int, asked: int, matrix: Tensor | None) -> Tensor:
        """Weigh errors by frequency, by whether the input has it, and by whether the target has measured it."""
        recipe, device = self.recipe, tomogram.spectrum.device
        has = _turned_weight(recipe.cube, tomogram.measured[given], None, device, tomogram.gap)
        weight = has + recipe.wedge_weight * (1 - has)
        if recipe.maps == 2:
            weight = weight * _turned_weight(recipe.cube, tomogram.measured[asked], matrix, device, tomogram.gap)
        weight = tomogram.spectrum * weight.expand(recipe.cube, recipe.cube, recipe.cube // 2 + 1)
        return weight if recipe.exponent == 1 else torch.sqrt(weight)

    def _noise(self, indices: Sequence[int], random: np.random.Generator, device: torch.device, share: slice) -> Tensor:
        """Return back-projected noise of unit standard deviation for each pair of the share."""
        generator = torch.Generator(device).manual_seed(int(random.integers(2**62)))
        edges = (len(indices), *(self.recipe.cube,) * 3)
        white = torch.randn(edges, generator=generator, device=device)[share]
        spectra = torch.stack([self.optics[self.origin[index]].noise_spectrum for index in indices[share]])
        return noise.like_back_projection(white, spectra)


def turn(volumes: Float[Tensor, "m s s s"], matrix: Tensor) -> Float[Tensor, "m s s s"]:
    """Turn sub-volumes: exactly by a rotation of the cube (an integer matrix), by resampling for any other."""
    if matrix.is_floating_point():
        return rotation.resample(volumes, matrix.to(volumes.device))
    return rotation.rotate_cube(volumes, matrix)


def _turned_weight(cube: int, measured: Measured, matrix: Tensor | None, device: torch.device, gap: float) -> Tensor:
    """Wedge weight of a training cube whose content was turned; those of the few cube rotations are kept."""
    if matrix is not None and matrix.is_floating_point():
        return wedge.weight((cube, cube, cube), measured, matrix, device, gap=gap)
    return _kept_weight(cube, measured, None if matrix is None else tuple(map(tuple, matrix.tolist())), device, gap)


def _kept_weight(
    cube: int, measured: Measured, matrix: tuple[tuple[int, ...], ...] | None, device: torch.device, gap: float
) -> Tensor:
    def make() -> Tensor:
        turned = None if matrix is None else torch.tensor(matrix, dtype=torch.float32)
        return wedge.weight((cube, cube, cube), measured, turned, device, gap=gap)

    return _KEPT.get((cube, measured, matrix, device, gap), make)


def _kept_noise(cube: int, measured: Measured, mode: NoiseMode, device: torch.device, gap: float) -> Tensor:
    edges = (cube, cube, cube)
    return _KEPT.get((cube, measured, mode, device, gap), lambda: noise.amplitude(edges, measured, mode, device, gap))


def fill(volumes: Float[Tensor, "b s s s"], weights: Tensor, predict: Predict | None) -> Float[Tensor, "b s s s"]:
    """Fill the wedge of sub-volumes with the network's prediction from them (with nothing before the first training).

    Parameters
    ----------
    volumes : tensor
        Normalised sub-volumes `v`.
    weights : tensor
        Their wedge weight `W`, rfft layout.
    predict : callable, optional
        Network on `[b, 1, s, s, s]`.

    Returns
    -------
    tensor
        `t = W v + (1 - W) f(W v)`, or `W v`.
    """
    measured = fourier.apply(volumes, weights)
    if predict is None:
        return measured
    return wedge.fill(volumes, predict(measured[:, None])[:, 0].float(), weights)
