"""How alike a simulated sample and the tomogram it was imaged like are, in numbers and in a picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from isonet.core.simulation.spectra import SHELLS, band, by_angle
from isonet.validation.curve_styles import SERIES
from isonet.volumes.preview import save_figure
from isonet.volumes.source import Source

_FLOOR = 1e-3  # power that is drawn, at least


@dataclass(frozen=True)
class Spectra:
    """What is compared of a map of standard deviation 1.

    Attributes
    ----------
    signal, noise : tensor
        Power in shells from 0 to the Nyquist frequency, and one beyond.
    angles : tensor
        Power by angle to x, 5 degrees each.
    """

    signal: Float[Tensor, " shells"]
    noise: Float[Tensor, " shells"]
    angles: Float[Tensor, " angles"]

    @classmethod
    def of(cls, signal: Tensor, noise: Tensor, volume: Float[Tensor, "z y x"]) -> "Spectra":
        """Spectra of a map whose signal and noise are known."""
        return cls(signal, noise, by_angle(volume))

    @property
    def share(self) -> Float[Tensor, " shells"]:
        """Share of the power that is signal."""
        return self.signal.clamp_min(0) / (self.signal.clamp_min(0) + self.noise).clamp_min(1e-12)


def middle(sources: Sequence[Source], shape: Sequence[int]) -> Float[Tensor, "z y x"]:
    """Cut the middle out of a tomogram, of its halves the mean, `shape` voxels wide or as wide as it is."""
    parts = [min(edge, part) for edge, part in zip(sources[0].shape, shape, strict=True)]
    corner = [(edge - part) // 2 for edge, part in zip(sources[0].shape, parts, strict=True)]
    return torch.from_numpy(np.mean([one.cut(corner, parts) for one in sources], axis=0))


def difference(one: Spectra, other: Spectra) -> float:
    """Mean difference of the shares of signal where tomograms have any."""
    return float((one.share - other.share)[band()].abs().mean())


def draw_spectra(path: Path, spectra: dict[str, Spectra], pixel_size: float) -> None:
    """Draw signal, noise, share of signal and power by angle of some maps.

    Parameters
    ----------
    path : Path
        PNG file to write.
    spectra : dict
        By what to call them.
    pixel_size : float
        Å per voxel.
    """
    figure = Figure((14, 4), layout="constrained")
    power, share, angle = figure.subplots(1, 3)
    frequency = torch.arange(1, SHELLS) / (2 * SHELLS * pixel_size)
    for (name, one), colour in zip(spectra.items(), SERIES, strict=False):
        power.semilogy(frequency, one.signal[1:SHELLS].clamp_min(_FLOOR), color=colour, label=f"{name}: signal")
        power.semilogy(frequency, one.noise[1:SHELLS].clamp_min(_FLOOR), "--", color=colour, label=f"{name}: noise")
        share.plot(frequency, one.share[1:SHELLS], color=colour, label=name)
        degrees = 90 / len(one.angles) * (torch.arange(len(one.angles)) + 0.5)
        angle.plot(degrees, one.angles, color=colour, label=name)
    for axes, title in ((power, "power"), (share, "share of the power that is signal")):
        axes.set(title=title, xlabel="frequency (1/Å)")
    share.set_ylim(0, 1)
    angle.set(title="power in XZ, by direction", xlabel="degrees from x")
    for axes in (power, share, angle):
        axes.grid(alpha=0.3)
        axes.legend()
    save_figure(figure, path)
