"""Training pairs, made on the device in batches while training.

From a sub-volume `v` and the network's last prediction `b` of it::

    t = W v + (1 - W) b                     the target before rotation: what was measured is never changed
    pair = ( crop(W R t) + noise, crop(R t) )

`R` turns the content, `W` stays in the frame of the microscope.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier, noise, rotation, wedge
from isonet.core.noise import NoiseMode

Predict = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Optics:
    """What the tilts of one tomogram mean for its sub-volumes.

    Attributes
    ----------
    weights : tensor
        Wedge weight `W` of a sub-volume, rfft layout.
    noise_spectrum : tensor
        Amplitude spectrum of back-projected noise of a training cube, rfft layout.
    rotations : tensor
        `[n, 3, 3]`: the cube rotations that move this wedge.
    loss_weights : tensor
        Weight of the errors of a training cube at each frequency, rfft layout.
    """

    weights: Tensor
    noise_spectrum: Tensor
    rotations: Tensor
    loss_weights: Tensor


def optics(
    tilts: Sequence[float], size: int, cube: int, mode: NoiseMode, loss_weights: Tensor, device: torch.device
) -> Optics:
    """Prepare the wedge, the noise and the rotations for sub-volumes of edge `size` cropped to `cube` voxels."""
    return Optics(
        weights=wedge.weight((size, size, size), tilts, device=device),
        noise_spectrum=noise.amplitude((cube, cube, cube), tilts, mode, device),
        rotations=rotation.wedge_moving_rotations(tilts),
        loss_weights=loss_weights.to(device),
    )


@dataclass(frozen=True)
class PairMaker:
    """Filled sub-volumes of all tomograms, from which training pairs are made.

    Attributes
    ----------
    filled : tensor
        `t` of every sub-volume, `[n, size, size, size]`, in host memory.
    origin : numpy array
        `[n]`: which of `optics` each sub-volume belongs to.
    optics : tuple of Optics
        One per tomogram.
    cube : int
        Edge of the training cubes.
    random_rotations : float
        Share of pairs turned by a uniformly random rotation.
    noise_level : float
        Standard deviation of the noise added to the inputs.
    """

    filled: Float[Tensor, "n s s s"]
    origin: np.ndarray[tuple[int], np.dtype[np.int64]]
    optics: tuple[Optics, ...]
    cube: int
    random_rotations: float
    noise_level: float

    def batch(
        self, indices: Sequence[int], random: np.random.Generator, device: torch.device
    ) -> tuple[Float[Tensor, "b 1 c c c"], Float[Tensor, "b 1 c c c"], Tensor]:
        """Make one batch of pairs.

        Parameters
        ----------
        indices : sequence of int
            Sub-volumes, one pair each.
        random : numpy Generator
            Decides rotations and noise.
        device : torch.device
            Where to make them.

        Returns
        -------
        inputs, targets : tensor
            `[batch, 1, cube, cube, cube]`.
        loss_weights : tensor
            Weight of their errors at each frequency, `[batch, 1, cube, cube, cube // 2 + 1]` or broadcastable to it.
        """
        made = [self._turned(index, random, device) for index in indices]
        content = torch.stack(made)
        weights = torch.stack([self.optics[self.origin[index]].weights for index in indices])
        inputs = central_cube(fourier.apply(content, weights), self.cube)
        if self.noise_level > 0:
            inputs = inputs + self.noise_level * self._noise(indices, random, device)
        loss_weights = torch.stack([self.optics[self.origin[index]].loss_weights for index in indices])
        return inputs[:, None], central_cube(content, self.cube)[:, None], loss_weights[:, None]

    def _turned(self, index: int, random: np.random.Generator, device: torch.device) -> Tensor:
        """Return one sub-volume, turned."""
        content = self.filled[index].to(device)
        choices = self.optics[self.origin[index]].rotations
        grid_rotation = choices[random.integers(len(choices))]
        if random.random() >= self.random_rotations:
            return rotation.rotate_cube(content, grid_rotation)
        generator = torch.Generator().manual_seed(int(random.integers(2**62)))
        return rotation.resample(content, rotation.random_rotations(1, generator)[0].to(device))

    def _noise(self, indices: Sequence[int], random: np.random.Generator, device: torch.device) -> Tensor:
        """Return back-projected noise of unit standard deviation for each pair."""
        generator = torch.Generator(device).manual_seed(int(random.integers(2**62)))
        edges = (len(indices), self.cube, self.cube, self.cube)
        white = torch.randn(edges, generator=generator, device=device)
        spectra = torch.stack([self.optics[self.origin[index]].noise_spectrum for index in indices])
        return noise.like_back_projection(white, spectra)


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


def central_cube(volumes: Float[Tensor, "*b s s s"], cube: int) -> Float[Tensor, "*b c c c"]:
    """Crop the middle of cubes."""
    first = (volumes.shape[-1] - cube) // 2
    part = slice(first, first + cube)
    return volumes[..., part, part, part]
