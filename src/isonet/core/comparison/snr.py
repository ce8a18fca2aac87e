"""Where the signal is: the spectral signal-to-noise ratio of a reconstruction, from its own spectrum or its halves.

Back-projected noise has a known shape (:mod:`isonet.core.tilts.noise`), times what the detector and interpolation take
away towards the Nyquist frequency, which is close to exponential. High frequencies of a tomogram are all noise and fix
both; what the measured power has beyond the noise at lower frequencies is signal.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import noise, wedge
from isonet.core.tilts.measured import Measured, Tilts
from isonet.core.tilts.noise import NoiseMode
from isonet.core.tilts.ranges import LARGEST_GAP

_NOISE_BAND = (0.2, 0.38)  # cycles per voxel; beyond it reconstruction programs roll off steeply
_SIGNAL_BELOW = 0.1
_FLOOR = 0.02
_FAINT = 1e-6  # of the strongest shell's power: no shell counts as weaker


def signal_weight(
    cubes: Float[Tensor, "n c c c"], tilts: Tilts, mode: NoiseMode, gap: float = LARGEST_GAP
) -> Float[Tensor, "c c kx"]:
    """Share of signal in the power at each frequency, `SNR / (1 + SNR)`, from sub-volumes of a tomogram.

    Parameters
    ----------
    cubes : tensor
        `[n, c, c, c]`, cut anywhere from the tomogram.
    tilts : sequence of float or Measured
        Degrees: range or list of tilts, or what was measured in general.
    mode : str
        Filter of the reconstruction, which gives the shape of the noise spectrum.
    gap : float
        As in :func:`isonet.core.tilts.wedge.face_distance`.

    Returns
    -------
    tensor
        `[c, c, c // 2 + 1]` in the rfft layout, radially symmetric, never rising with frequency, from 1 (all signal)
        to 0.02 (all noise). All ones where the high frequencies are no such noise, as in filtered tomograms.
    """
    shape = fourier.spatial_shape(cubes)
    edge, device = shape[0], cubes.device
    measured = (wedge.weight(shape, tilts, device=device, gap=gap) == 1).expand(edge, edge, edge // 2 + 1)
    tapered = (cubes - cubes.mean(dim=(-3, -2, -1), keepdim=True)) * fourier.taper(shape, edge // 4, device)
    power = fourier.transform(tapered).abs().square().mean(0)
    shape_of_noise = noise.amplitude(shape, tilts, mode, device, gap).square().expand_as(power)
    radius = fourier.radial_frequency(shape, device)
    shell = torch.floor(radius * edge + 0.5).long()

    def profile(values: Tensor) -> Float[Tensor, " shells"]:
        sums = torch.zeros(int(shell.max()) + 1, device=device).index_add_(0, shell[measured], values[measured])
        return sums / torch.bincount(shell[measured], minlength=len(sums)).clamp(min=1)

    level = torch.log(profile(power).clamp(min=1e-12) / profile(shape_of_noise).clamp(min=1e-12))
    frequency = torch.arange(len(level), device=device) / edge
    signal = (1 - torch.exp(_noise_line(frequency, level) - level)).clamp(_FLOOR, 1)
    if float(signal[frequency < _SIGNAL_BELOW].max()) < 0.5:
        return torch.ones_like(radius)  # filtered or free of noise: high frequencies are not all noise
    signal[: int(signal.argmax())] = signal.max()
    return (signal.cummin(0).values / signal.max())[shell]


def balanced_weight(
    first: Float[Tensor, "n c c c"],
    second: Float[Tensor, "n c c c"],
    tilts: Tilts,
    alike: Tensor | None = None,
) -> Float[Tensor, "c c kx"]:
    """Weight of squared errors by which all frequencies that have signal are learned: `s^(1/4) / P^(1/2)`.

    Errors count relative to the amplitude of what is there (`P`, the power of one half), so that the strongest, at low
    frequencies, do not outweigh all others; and less where little of it is signal (`s`, its share in that power, the
    correlation of two halves with independent noise). Of halves from every other tilt, `s` is found where they have
    measured the same.

    Parameters
    ----------
    first, second : tensor
        `[n, c, c, c]`, the same sub-volumes of the two halves.
    tilts : sequence of float or Measured
        Degrees: range or list of tilts, or what was measured in general.
    alike : tensor, optional
        How far both halves have measured the same (:func:`isonet.core.tilts.shared.weight`); all if left out.

    Returns
    -------
    tensor
        `[c, c, c // 2 + 1]` in the rfft layout, radially symmetric, with a mean of 1.
    """
    shape = fourier.spatial_shape(first)
    edge, device = shape[0], first.device
    measured = (wedge.weight(shape, Measured.of(tilts).ends, device=device) == 1).expand(edge, edge, edge // 2 + 1)
    window = fourier.taper(shape, edge // 4, device)
    one, two = (
        fourier.transform((half - half.mean(dim=(-3, -2, -1), keepdim=True)) * window) for half in (first, second)
    )
    shell = torch.floor(fourier.radial_frequency(shape, device) * edge + 0.5).long()

    def profile(values: Tensor, region: Tensor) -> Float[Tensor, " shells"]:
        """Mean of a shell, or of the one before where it has no coefficient."""
        count = torch.bincount(shell[region], minlength=shells)
        sums = torch.zeros(shells, device=device).index_add_(0, shell[region], values[region])
        known = torch.where(count > 0, torch.arange(shells, device=device), 0).cummax(0).values
        return (sums / count)[known]

    shells = int(shell.max()) + 1
    both = measured if alike is None else measured & (alike == 1)
    cross, powers = (one * two.conj()).real.mean(0), (one.abs().square() + two.abs().square()).mean(0) / 2
    share = (profile(cross, both) / profile(powers, both).clamp(min=_FAINT * float(powers.max()))).clamp(_FLOOR, 1)
    power = profile(powers, measured)
    power = power.clamp(min=_FAINT * float(power.max()))
    power[0] = power[1]  # the mean is no signal
    share[: int(share.argmax())] = share.max()
    weight = (share.cummin(0).values.sqrt() / power).sqrt()[shell]
    return weight / weight.mean()


def _noise_line(frequency: Float[Tensor, " shells"], level: Float[Tensor, " shells"]) -> Float[Tensor, " shells"]:
    """Straight line through the log level of the noise band, never rising, continued to all frequencies."""
    band = (frequency >= _NOISE_BAND[0]) & (frequency <= _NOISE_BAND[1])
    x, y = frequency[band] - frequency[band].mean(), level[band]
    slope = ((x * y).sum() / (x * x).sum()).clamp(max=0)
    return y.mean() + slope * (frequency - frequency[band].mean())
