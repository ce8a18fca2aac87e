"""What the tilts of a tomogram mean for its sub-volumes: wedge, noise, rotations, and what its halves share."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from isonet.core.tilts import noise, shared, wedge
from isonet.core.tilts.measured import Measured, Tilts
from isonet.core.tilts.noise import NoiseMode
from isonet.core.tilts.ranges import LARGEST_GAP
from isonet.train.hardware.kept import Kept

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
    thickness : float or None
        Voxels along z that hold sample, where the maps are halves from every other tilt. None where all maps have
        measured the same.
    """

    measured: tuple[Measured, ...]
    size: int
    cube: int
    mode: NoiseMode
    gap: float
    rotations: Tensor
    spectrum: Tensor
    thickness: float | None = None

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """Wedge weight `W` of a sub-volume for each map, rfft layout."""
        return tuple(self._wedge(self.size, number, None) for number in range(len(self.measured)))

    @property
    def noise_spectrum(self) -> Tensor:
        """Amplitude spectrum of back-projected noise of a training cube, rfft layout."""
        edges, seen, device = (self.cube,) * 3, self.measured[0], self.spectrum.device
        key = "noise", self.cube, seen, self.mode, device, self.gap
        return _KEPT.get(key, lambda: noise.amplitude(edges, seen, self.mode, device, self.gap))

    def seen(self, number: int, matrix: Tensor | None = None) -> Tensor:
        """Wedge weight `W` of a training cube of one map whose content was turned."""
        return self._wedge(self.cube, number, matrix)

    def shared(self, matrix: Tensor | None) -> Tensor:
        """How far both halves have measured the same of a training cube whose content was turned."""
        device, half, thickness = self.spectrum.device, self.measured[0], self.thickness
        if thickness is None:
            return torch.ones(1, 1, 1, device=device)

        def make(turn: Tensor | None) -> Tensor:
            return shared.weight((self.cube,) * 3, half, thickness, turn, device)

        return _turned(matrix, make, ("shared", self.cube, half, thickness, device))

    def _wedge(self, edge: int, number: int, matrix: Tensor | None) -> Tensor:
        """Wedge weight of a cube of one map whose content was turned."""
        device, seen = self.spectrum.device, self.measured[number]

        def make(turn: Tensor | None) -> Tensor:
            return wedge.weight((edge,) * 3, seen, turn, device, gap=self.gap)

        return _turned(matrix, make, ("wedge", edge, seen, device, self.gap))


def optics(
    tilts: Sequence[Tilts],
    size: int,
    cube: int,
    mode: NoiseMode,
    spectrum: Tensor,
    device: torch.device,
    gap: float = LARGEST_GAP,
    thickness: float | None = None,
) -> Optics:
    """Prepare wedge, noise and rotations for sub-volumes of edge `size` cropped to `cube`; `tilts` of each map."""
    measured = tuple(map(Measured.of, tilts))
    rotations = wedge.moving_rotations(measured[0])
    return Optics(measured, size, cube, mode, gap, rotations, spectrum.to(device), thickness)


def _turned(matrix: Tensor | None, make: Callable[[Tensor | None], Tensor], key: tuple[object, ...]) -> Tensor:
    """Make a weight for a rotation; those for the few of the cube are kept."""
    if matrix is not None and matrix.is_floating_point():
        return make(matrix)
    if matrix is None:
        return _KEPT.get((*key, None), lambda: make(None))
    turn = tuple(map(tuple, matrix.tolist()))
    return _KEPT.get((*key, turn), lambda: make(torch.tensor(turn, dtype=torch.float32)))
