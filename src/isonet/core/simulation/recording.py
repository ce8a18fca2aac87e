r"""How a tomogram shows what is in it, as its own spectra tell, and imagined samples shown in the same way.

Power is counted for each coefficient of a map whose standard deviation is 1, in shells of what was measured. Two halves
`v_0` and `v_1`, with noise of their own, tell signal and noise of their mean::

    S = Re <v_0 v_1*>        N = <|v_0 - v_1|^2> / 4

One map tells the sum `P` of both. Back-projected noise has a known shape `A^2` (:mod:`isonet.core.tilts.noise`). Its
level is read beyond all signal, at high frequencies along the tilt axis, where interpolation has taken nothing from the
noise and added nothing to it::

    N = A^2 <P> / <A^2>      over k > 0.4, hypot(k_z, k_x) < 0.25        S = P - N

A piece `o` of an imagined sample is shown with the contrast transfer `C`, noise `n` of the power `N`, and the wedge
`W`; `g` gives it the power that the tomogram's signal has at low frequencies::

    v = F^-1[ W (C g O + n) ]                                            truth: g o
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.filters import ctf
from isonet.core.fourier import Shape
from isonet.core.tilts import noise, wedge
from isonet.core.tilts.measured import Measured
from isonet.core.tilts.noise import NoiseMode

SHELLS = 48
"""From 0 to the Nyquist frequency."""
_BAND = (0.03, 0.2)  # cycles per voxel: where the signal of tomograms is
_BEYOND_SIGNAL, _FLAT = 0.4, 0.25  # cycles per voxel
_ALL_NOISE, _MOST_POWER = (0.33, 0.4), 1.5  # cycles per voxel; times the noise that back-projection leaves
_LEAST_SIGNAL = 0.01  # of the power in the band
_GUARD = 1.0  # Fourier pixels off the faces of the wedge


class NoSpectraError(ValueError):
    """Signal and noise of a map cannot be told apart; the message says why."""


@dataclass(frozen=True)
class Recording:
    """How one tomogram was recorded and reconstructed.

    Attributes
    ----------
    measured : Measured
        Its tilts.
    pixel_size : float
        Å per voxel.
    mode : str
        Filter of the reconstruction.
    signal, noise : tensor
        `S` and `N` in shells from 0 to the Nyquist frequency, and one beyond.
    optics : Optics, optional
        Contrast transfer; None if there is none, or it was undone.
    flipped : bool
        Whether its phases were flipped.
    """

    measured: Measured
    pixel_size: float
    mode: NoiseMode
    signal: Float[Tensor, " shells"]
    noise: Float[Tensor, " shells"]
    optics: ctf.Optics | None = None
    flipped: bool = False

    def shown_in(self, shape: Shape) -> "Shower":
        """Return what shows samples of a shape as this tomogram was."""
        return Shower(self, shape)


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
        power = _mean((spectrum * self._transfer).abs().square() / count, self._shell, self._times)
        there = float((power * self._per_shell)[_in_band()].sum())
        asked = float((self.recording.signal * self._per_shell)[_in_band()].sum())
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
        angular = noise.amplitude(self.shape, self.recording.measured, self.recording.mode, gap=0)
        region = _well_measured(self.shape, self.recording.measured)
        there = _mean(angular.square().expand(self._shell.shape), self._shell, self._times * region)
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


def spectra_of_halves(
    cubes: Float[Tensor, "n 2 c c c"], measured: Measured, alike: Tensor | None = None
) -> tuple[Float[Tensor, " shells"], Float[Tensor, " shells"]]:
    """Tell signal and noise of the mean of two halves.

    Parameters
    ----------
    cubes : tensor
        Sub-volumes of both, bright.
    measured : Measured
        What both have measured.
    alike : tensor, optional
        How far both have measured the same (:func:`isonet.core.tilts.shared.weight`); all if left out.

    Returns
    -------
    signal, noise : tensor
        `S` and `N`.

    Raises
    ------
    NoSpectraError
        If there is next to no signal.
    """
    shape = fourier.spatial_shape(cubes)
    one, two = _tapered(cubes).unbind(1)
    both = _well_measured(shape, measured)
    if alike is not None:
        both = both & (alike == 1)
    shell, times = shell_of(shape), fourier.multiplicity(shape) * both
    variance = float(cubes.mean(1).var())
    signal = _mean((one * two.conj()).real.mean(0), shell, times) / variance
    grain = _mean((one - two).abs().square().mean(0), shell, times) / (4 * variance)
    return _with_signal(signal, grain)


def spectra_of_map(
    cubes: Float[Tensor, "n c c c"], measured: Measured, mode: NoiseMode
) -> tuple[Float[Tensor, " shells"], Float[Tensor, " shells"]]:
    """Tell signal and noise of one map, whose noise is that of a back-projection.

    Parameters
    ----------
    cubes : tensor
        Sub-volumes, bright.
    measured : Measured
        What it has measured.
    mode : str
        Filter of the reconstruction.

    Returns
    -------
    signal, noise : tensor
        `S` and `N`.

    Raises
    ------
    NoSpectraError
        If there is next to no signal, or the map was filtered or denoised.
    """
    shape = fourier.spatial_shape(cubes)
    region = _well_measured(shape, measured)
    shell, times = shell_of(shape), fourier.multiplicity(shape) * region
    power = _tapered(cubes).abs().square().mean(0) / float(cubes.var())
    angular = noise.amplitude(shape, measured, mode).square().expand(power.shape)
    kz, _, kx = wedge.home(fourier.frequencies(shape), measured.sweeps[0].turn)
    flat = (times > 0) & (torch.hypot(kz, kx) < _FLAT) & (fourier.radial_frequency(shape) > _BEYOND_SIGNAL)
    level = float(power[flat].sum() / angular[flat].sum())
    total, grain = _mean(power, shell, times), level * _mean(angular, shell, times)
    high = _between(*_ALL_NOISE)
    if float(total[high].sum()) > _MOST_POWER * float(grain[high].sum()):
        raise NoSpectraError("its high frequencies are not those of back-projected noise: it was filtered or denoised")
    return _with_signal(total - grain, grain)


def shell_of(shape: Shape) -> Int[Tensor, "z y kx"]:
    """Shell of each coefficient; `SHELLS` beyond the Nyquist frequency."""
    return (fourier.radial_frequency(shape) * 2 * SHELLS + 0.5).floor().long().clamp(max=SHELLS)


def power(volume: Float[Tensor, "z y x"]) -> Float[Tensor, " shells"]:
    """Power of a volume in shells, for each coefficient and voxel."""
    shape = fourier.spatial_shape(volume)
    values = fourier.transform(volume).abs().square() / math.prod(shape)
    return _mean(values, shell_of(shape), fourier.multiplicity(shape))


def _with_signal(signal: Tensor, grain: Tensor) -> tuple[Tensor, Tensor]:
    """Return both without negative numbers, if there is signal."""
    band, weight = _in_band(), torch.arange(SHELLS + 1).square()  # coefficients of a shell
    there, all_of_it = ((one * weight)[band].sum() for one in (signal, signal + grain))
    if float(there) < _LEAST_SIGNAL * float(all_of_it):
        raise NoSpectraError("it shows next to no signal")
    return signal.clamp_min(0), grain.clamp_min(0)


def _tapered(cubes: Float[Tensor, "*n c c c"]) -> Tensor:
    """Transforms of sub-volumes without their mean, such that squares are powers of a coefficient for each voxel."""
    shape = fourier.spatial_shape(cubes)
    window = fourier.taper(shape, shape[0] // 8)
    inside = (cubes - cubes.mean((-3, -2, -1), keepdim=True)) * window
    return fourier.transform(inside) / math.sqrt(math.prod(shape) * float(window.square().mean()))


def _well_measured(shape: Shape, measured: Measured) -> Bool[Tensor, "z y kx"]:
    """Coefficients off the faces of the wedge."""
    return wedge.regions(shape, measured, _GUARD)[1]


def _mean(values: Tensor, shell: Tensor, times: Tensor) -> Float[Tensor, " shells"]:
    """Mean of each shell over coefficients that count so many times, or of the nearest with any."""
    counts = times.expand(shell.shape).flatten().double()
    count = torch.zeros(SHELLS + 1, dtype=torch.float64).index_add_(0, shell.flatten(), counts)
    sums = torch.zeros_like(count).index_add_(0, shell.flatten(), values.expand(shell.shape).flatten() * counts)
    first = int((count > 0).long().argmax())
    known = torch.where(count > 0, torch.arange(SHELLS + 1), first).cummax(0).values
    return (sums / count.clamp_min(1))[known].float()


def _in_band() -> Bool[Tensor, " shells"]:
    return _between(*_BAND)


def _between(low: float, high: float) -> Bool[Tensor, " shells"]:
    frequency = torch.arange(SHELLS + 1) / (2 * SHELLS)
    return (frequency > low) & (frequency < high)
