"""Images of a simulated sample, with contrast transfer and noise, and what is reconstructed of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from isonet.config import SimulateConfig
from isonet.core.filters import ctf
from isonet.core.simulation import levelling, projection
from isonet.core.simulation.spectra import SHELLS
from isonet.steps.simulate.series import Series

Stack = Float[Tensor, "tilts y u"]


@dataclass(frozen=True)
class Noise:
    """Noise of the images of a whole exposure.

    Attributes
    ----------
    amplitude : float or Tensor
        Standard deviation of white noise; or that in shells from 0 to the Nyquist frequency, and one beyond.
    """

    amplitude: float | Float[Tensor, " shells"]

    def draw(self, like: Stack, generator: Generator, times: float = 1.0) -> Stack:
        """Draw noise for as many images of that size, so many times as strong."""
        white = torch.randn(like.shape, generator=generator)
        if isinstance(self.amplitude, float):
            return times * self.amplitude * white
        height, width = white.shape[-2:]
        frequency = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width))
        shell = (frequency * 2 * SHELLS + 0.5).floor().long().clamp(max=SHELLS)
        coloured: Tensor = torch.fft.irfft2(torch.fft.rfft2(white) * (times * self.amplitude)[shell], s=(height, width))
        return coloured


def clean_images(
    truth: Float[Tensor, "z y x"],
    series: Series,
    pixel_size: float,
    optics: ctf.Optics | None,
    *,
    flipped: bool = False,
) -> Stack:
    """Images of the sample without noise, wide enough to see the whole of it at every tilt; perhaps phase-flipped."""
    seen = truth if series.at_home else levelling.as_in_microscope(truth, series.about_x, series.about_z)
    width = math.ceil(math.hypot(seen.shape[0], seen.shape[2]))
    clean = projection.project(seen, series.tilts + series.about_y, width=width)
    return clean if optics is None else ctf.modulate(clean, pixel_size, optics, flipped=flipped)


def white_noise(clean: Stack, snr: float) -> Noise | None:
    """Noise of a ratio of variances in the images, on average over the tilts; None where the ratio is infinite."""
    if not math.isfinite(snr):
        return None
    return Noise(math.sqrt(float(clean.var(dim=(1, 2)).mean()) / snr))


def exposed(clean: Stack, noise: Noise | None, split: str, generator: Generator) -> Mapping[str, Stack]:
    """Images of the whole exposure and of its halves, which have twice the variance of its noise."""
    if noise is None:
        return {"full": clean, "even": clean, "odd": clean}
    halves = [clean + noise.draw(clean, generator, math.sqrt(2)) for _ in range(2)]
    full = (halves[0] + halves[1]) / 2
    if split == "tilts":
        return {"full": full, "even": full, "odd": full}
    return {"full": full, "even": halves[0], "odd": halves[1]}


def reconstructed(images: Stack, series: Series, name: str, config: SimulateConfig) -> Float[Tensor, "z y x"]:
    """Reconstruct the whole tomogram or a half from the tilts about one axis."""
    part = series.part(name)
    filtered = projection.ramp_filter(images[part], config.filter)
    if series.at_home:
        return projection.back_project(filtered, series.tilts[part] + series.about_y, config.depth, config.width)
    shape = (config.depth, config.height, config.width)
    return levelling.back_project_turned(levelling.finer(filtered), series.sweep(name), shape)
