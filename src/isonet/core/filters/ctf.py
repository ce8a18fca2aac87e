r"""Contrast transfer of the microscope, and the Wiener-like filter that undoes it.

Spatial frequencies `k` are in 1/Å, lengths in Å, defocus is positive under focus. With the electron wavelength `l`

    chi(k) = pi l defocus k^2 - pi/2 l^3 Cs k^4 + phase shift
    ctf(k) = sqrt(1 - A^2) sin chi(k) + A cos chi(k)

is positive at low frequencies under focus, so that density keeps its sign (dark protein stays dark). This is IsoNet 1's
formula with the signs multiplied out. The filter and its model of the signal-to-noise ratio are those of IsoNet 1,
which follow Warp's deconvolution (Tegunov & Cramer 2019) but for the exponent of the strength.
"""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

_NOISE_FLOOR = 1e-6  # ratio of signal to noise where the high-pass lets nothing through


@dataclass(frozen=True)
class Optics:
    """What the contrast transfer depends on.

    Attributes
    ----------
    defocus : float
        In Å, positive under focus.
    voltage : float
        Acceleration voltage in kV.
    cs : float
        Spherical aberration in mm.
    amplitude_contrast : float
        Fraction `A` of amplitude contrast, 0 to 1.
    phase_shift : float
        Of a phase plate, in degrees.
    """

    defocus: float
    voltage: float = 300.0
    cs: float = 2.7
    amplitude_contrast: float = 0.07
    phase_shift: float = 0.0


@dataclass(frozen=True)
class WienerFilter:
    """Filter of one tomogram: `ctf / (ctf^2 + 1 / snr)` along every direction.

    Attributes
    ----------
    optics : Optics
        Of the tomogram.
    pixel_size : float
        Å per voxel.
    snr_falloff : float
        How fast the assumed signal-to-noise ratio falls with frequency.
    strength : float
        Logarithm (base 10) of the ratio at low frequencies.
    highpass : float
        Frequency below which the ratio is taken back, as a fraction of Nyquist.
    phase_flipped : bool
        The data had their phases flipped: their transfer is `|ctf|`.
    """

    optics: Optics
    pixel_size: float
    snr_falloff: float = 1.0
    strength: float = 1.0
    highpass: float = 0.02
    phase_flipped: bool = False

    def ctf(self, fraction: Float[Tensor, "*k"]) -> Float[Tensor, "*k"]:
        """Transfer of the data at frequencies given as fractions of Nyquist."""
        transfer = ctf(fraction / (2 * self.pixel_size), self.optics)
        return transfer.abs() if self.phase_flipped else transfer

    def snr(self, fraction: Float[Tensor, "*k"]) -> Float[Tensor, "*k"]:
        """Signal-to-noise ratio that the filter assumes, at fractions of Nyquist."""
        return signal_to_noise(fraction, self.pixel_size, self.snr_falloff, self.strength, self.highpass)

    def at(self, fraction: Float[Tensor, "*k"]) -> Float[Tensor, "*k"]:
        """Factor by which the filter multiplies, at fractions of Nyquist; beyond 1 (in the corners) as at 1.

        IsoNet 1 interpolates in a table of 2048 frequencies instead: at 10 Å per voxel and 4 µm that is the same to
        1e-5, at 2.5 Å its table is too coarse by 1e-3.
        """
        fraction = fraction.clamp(max=1)
        transfer = self.ctf(fraction)
        return transfer / (transfer.square() + 1 / self.snr(fraction))

    def radial(
        self, kz: Float[Tensor, "z 1 1"], ky: Float[Tensor, "1 y 1"], kx: Float[Tensor, "1 1 x"]
    ) -> Float[Tensor, "z y x"]:
        """Return the factor on a grid of frequencies in cycles per voxel, each axis scaled so that its Nyquist is 1."""
        return self.at(2 * torch.sqrt(kz.square() + ky.square() + kx.square()))


def wavelength(voltage: float) -> float:
    """Relativistic wavelength of electrons in Å; voltage in kV."""
    volts = 1000 * voltage
    return 12.2643247 / math.sqrt(volts * (1 + 0.978466e-6 * volts))


def ctf(k: Float[Tensor, "*k"], optics: Optics) -> Float[Tensor, "*k"]:
    """Contrast transfer at spatial frequencies in 1/Å; formula in the module's docstring."""
    length, cs = wavelength(optics.voltage), 1e7 * optics.cs
    squared = k.square()
    chi = math.pi * length * squared * (optics.defocus - 0.5 * length**2 * cs * squared)
    # one sine instead of a sine and a cosine: sqrt(1 - A^2) sin chi + A cos chi = sin(chi + asin A)
    return torch.sin(chi + math.radians(optics.phase_shift) + math.asin(optics.amplitude_contrast))


def signal_to_noise(
    fraction: Float[Tensor, "*k"], pixel_size: float, falloff: float, strength: float, highpass: float
) -> Float[Tensor, "*k"]:
    """Assumed ratio `exp(-100 falloff f / pixel) 10^strength (1 - cos(pi min(1, f / highpass))) + 1e-6`.

    Parameters
    ----------
    fraction : tensor
        Frequencies `f` as fractions of Nyquist.
    pixel_size : float
        Å per voxel.
    falloff, strength, highpass : float
        As in :class:`WienerFilter`.

    Returns
    -------
    tensor
        Of the shape of `fraction`, up to twice `10^strength`: the high-pass runs from 0 to 2.
    """
    rise = 2 * torch.sin(math.pi / 2 * (fraction / highpass).clamp(max=1)).square()  # 1 - cos, also where it is small
    return torch.exp(fraction * (-100 * falloff / pixel_size)) * (10**strength * rise) + _NOISE_FLOOR


def modulate(
    images: Float[Tensor, "n y x"], pixel_size: float, optics: Optics, *, flipped: bool = False
) -> Float[Tensor, "n y x"]:
    """Multiply the Fourier transform of each image by the contrast transfer, as the microscope does.

    With `flipped` by its magnitude, as after phases were flipped.

    The images are continued with zeros, so that nothing comes back in at the opposite edge; one defocus holds for
    the whole image.
    """
    height, width = images.shape[-2:]
    # defocus displaces a wave of frequency k by defocus l k, the finest furthest
    reach = math.ceil(abs(optics.defocus) * wavelength(optics.voltage) / (2 * pixel_size**2)) + 8
    shape = (height + 2 * reach, width + 2 * reach)
    ky, kx = torch.fft.fftfreq(shape[0], pixel_size), torch.fft.rfftfreq(shape[1], pixel_size)
    transfer = ctf(torch.hypot(ky[:, None], kx), optics)
    if flipped:
        transfer = transfer.abs()
    modulated: Tensor = torch.fft.irfft2(torch.fft.rfft2(images, s=shape) * transfer, s=shape)
    return modulated[..., :height, :width]
