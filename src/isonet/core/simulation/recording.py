r"""How a tomogram shows what is in it, and imagined samples shown in the same way.

A piece `o` of an imagined sample is shown with the contrast transfer `C`, noise `n` of the power `N` of the tomogram
(:mod:`isonet.core.simulation.spectra`), and the wedge `W`. The factor `g` gives it the power that the tomogram's signal
has at low frequencies::

    v = F^-1[ W (C g O + n) ]                                            truth: g o
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.filters import ctf
from isonet.core.fourier import Shape
from isonet.core.simulation.spectra import SHELLS, band, mean_of_shells, shell_of, well_measured
from isonet.core.tilts import noise, wedge
from isonet.core.tilts.measured import Measured


@dataclass(frozen=True)
class Recording:
    """How one tomogram was recorded and reconstructed.

    Attributes
    ----------
    measured : Measured
        Its tilts.
    pixel_size : float
        Å per voxel.
    signal, noise : tensor
        `S` and `N` in shells from 0 to the Nyquist frequency, and one beyond.
    optics : Optics, optional
        Contrast transfer; None if there is none, or it was undone.
    flipped : bool
        Whether its phases were flipped.
    """

    measured: Measured
    pixel_size: float
    signal: Float[Tensor, " shells"]
    noise: Float[Tensor, " shells"]
    optics: ctf.Optics | None = None
    flipped: bool = False


@dataclass(frozen=True)
class Shower:
    """Shows samples of one shape as a tomogram was.

    Attributes
    ----------
    recording : Recording
        The tomogram.
    shape : tuple of int
        Voxels z, y, x of the samples.
    """

    recording: Recording
    shape: Shape

    def show(
        self, density: Float[Tensor, "z y x"], random: np.random.Generator, spread: float = 0.0
    ) -> tuple[Float[Tensor, "z y x"], Float[Tensor, "z y x"]]:
        """Show a sample as the tomogram would, and as it is, on the scale of the tomogram.

        Parameters
        ----------
        density : tensor
            What is there, bright.
        random : Generator
            Source of the noise, and of the strength.
        spread : float
            Largest change of the logarithm of the signal's strength.

        Returns
        -------
        shown, truth : tensor
            `v`, its wedge empty, and `g o`.
        """
        spectrum = fourier.transform(density)
        gain = self._gain(spectrum) * math.exp(random.uniform(-spread, spread))
        white = torch.from_numpy(random.standard_normal(self.shape, dtype=np.float32))
        seen = gain * spectrum * self._transfer + fourier.transform(white) * self._grain
        return fourier.inverse(self._weights * seen, self.shape), gain * density

    def _gain(self, spectrum: Tensor) -> float:
        """Return `g` of a sample: that which gives it the power of the tomogram's signal in the band."""
        count = math.prod(self.shape)
        power = mean_of_shells((spectrum * self._transfer).abs().square() / count, self._shell, self._times)
        there = float((power * self._per_shell)[band()].sum())
        asked = float((self.recording.signal * self._per_shell)[band()].sum())
        return math.sqrt(asked / max(there, 1e-9))

    @cached_property
    def _transfer(self) -> Tensor:
        optics = self.recording.optics
        if optics is None:
            return torch.ones(())
        factors = ctf.ctf(fourier.radial_frequency(self.shape) / self.recording.pixel_size, optics)
        return factors.abs() if self.recording.flipped else factors

    @cached_property
    def _weights(self) -> Tensor:
        """What single tilts measure."""
        return wedge.weight(self.shape, self.recording.measured, gap=0)

    @cached_property
    def _grain(self) -> Tensor:
        """Amplitude of the noise at each frequency: between the shells that of the tomogram, within them `A`."""
        angular = noise.amplitude(self.shape, self.recording.measured, "ramp", gap=0)
        region = well_measured(self.shape, self.recording.measured)
        there = mean_of_shells(angular.square().expand(self._shell.shape), self._shell, self._times * region)
        level = torch.where(there > 0, self.recording.noise / there.clamp_min(1e-12), 0.0)
        return angular * level.sqrt()[self._shell]

    @cached_property
    def _shell(self) -> Int[Tensor, "z y kx"]:
        return shell_of(self.shape)

    @cached_property
    def _times(self) -> Tensor:
        return fourier.multiplicity(self.shape).expand(self._shell.shape)

    @cached_property
    def _per_shell(self) -> Float[Tensor, " shells"]:
        return torch.zeros(SHELLS + 1).index_add_(0, self._shell.flatten(), self._times.flatten().float())
