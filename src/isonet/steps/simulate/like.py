"""A sample imaged like a tomogram: with its tilts and contrast transfer, signal and noise as strong at each frequency.

The signal of the sample, its contrast transfer included, stays as strong as the truth is, so that it is the noise that
is fitted. With `S` and `N` of the tomogram (:mod:`isonet.core.simulation.spectra`), `S_0` and `N_0` of the sample's
halves without noise (where these are of tilts, they differ in a thick sample), and `N_1` of halves of white noise of
variance 1, white noise of the images is multiplied at each frequency by::

    a = sqrt((N / g - N_0) / N_1)            g = sum of S / sum of S_0, over 0.03 to 0.2 cycles per voxel
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from isonet.config import SimulateConfig
from isonet.core.simulation.recording import Recording
from isonet.core.simulation.spectra import SHELLS, band, shared_and_not
from isonet.errors import InputError
from isonet.project.table import HALF_COLUMNS, Project
from isonet.steps.simulate.images import Noise, Stack, clean_images, exposed, reconstructed
from isonet.steps.simulate.likeness import Spectra, difference, draw_spectra, middle
from isonet.steps.simulate.recordings import recording_of, warn_of_unknown_defocus
from isonet.steps.simulate.series import Series, measured_by
from isonet.volumes.preview import save_comparison
from isonet.volumes.source import Source, open_sources

log = logging.getLogger("isonet")
PICTURES = ("like.png", "like_spectra.png")
"""Both side by side, and their spectra."""
_LARGEST = (96, 192, 192)
"""Voxels z, y, x of a sample whose size is not asked for, at most."""
_SMALLEST = 16
_LEAST = 0.05  # of the noise of the tomogram that the sample's gets at least
_UNLIKE = 0.15  # mean difference of the shares of signal that is warned of


@dataclass(frozen=True)
class Twin:
    """A sample to be imaged like a tomogram.

    Attributes
    ----------
    config : SimulateConfig
        Options, those of the tomogram among them.
    sources : tuple of Source
        The tomogram: both halves or one map.
    recording : Recording
        How it was recorded.
    """

    config: SimulateConfig
    sources: tuple[Source, ...]
    recording: Recording

    @classmethod
    def of(cls, config: SimulateConfig) -> "Twin":
        """Look at the tomogram that the options name.

        Raises
        ------
        InputError
            If it cannot be read, signal and noise cannot be told apart in it, or it was not tilted about y alone.
        """
        if config.like is None:
            raise ValueError("no tomogram to be like")
        row = Project.read(config.like).selected(config.tomo_idx)[0]
        if len(row.measured.sweeps) > 1 or not row.measured.at_home:
            raise InputError(
                f"{row.table}: tomogram {row.index}: not tilted about y alone, with the beam along z, as a sample is "
                "imaged with --like; give --level-x, --level-y or --second-axis without it"
            )
        sources = open_sources(row, HALF_COLUMNS if row.has_halves else (row.full_column,))
        warn_of_unknown_defocus([row])
        recording = recording_of(sources, flipped=config.phase_flipped, aloud=True)
        return cls(config.model_copy(update=_options(sources, recording, config)), sources, recording)

    def clean_images(self, truth: Float[Tensor, "z y x"], series: Series) -> Stack:
        """Images of a sample without noise."""
        recording = self.recording
        return clean_images(truth, series, recording.pixel_size, recording.optics, flipped=recording.flipped)

    def noise(self, clean: Stack, series: Series) -> Noise:
        """Noise that makes images of a sample as noisy as those of the tomogram were, at each frequency."""
        generator = Generator().manual_seed(self.config.seed)
        white = exposed(torch.zeros_like(clean), Noise(1.0), series.split, generator)
        given = exposed(clean, None, series.split, generator)
        (signal, apart), (_, unit) = (self._spectra_of_halves(images, series) for images in (given, white))
        weight = torch.arange(SHELLS + 1).square() * band()  # coefficients of a shell
        gain = float((self.recording.signal * weight).sum() / (signal * weight).sum().clamp_min(1e-12))
        asked = self.recording.noise / max(gain, 1e-12)
        return Noise(((asked - apart).clamp_min(0) + _LEAST * asked).div(unit.clamp_min(1e-12)).sqrt())

    def compare(self, volumes: Mapping[str, Float[Tensor, "z y x"]], series: Series) -> None:
        """Write pictures of the tomogram and the sample side by side, say how alike they are, and warn if not."""
        config, size = self.config, self.recording.pixel_size
        sign = -1 if config.contrast == "dark" else 1
        halves = sign * torch.stack([volumes["even"], volumes["odd"]])
        mean = (halves - halves.mean((1, 2, 3), keepdim=True)).mean(0)
        signal, noise = (one / float(mean.var()) for one in shared_and_not(halves[None], measured_by(series)))
        block = middle(self.sources, mean.shape)
        spectra = {
            "tomogram": Spectra.of(self.recording.signal, self.recording.noise, block),
            "sample": Spectra.of(signal, noise, mean),
        }
        pictures, curves = (config.output_dir / name for name in PICTURES)
        maps = {"tomogram": block.numpy(), "sample": mean.numpy()}
        title = f"{self.sources[0].tomogram.name}, and a simulated sample imaged like it (density bright)"
        save_comparison(pictures, maps, self.recording.measured, size, title)
        draw_spectra(curves, spectra, size)
        shell = round(0.1 * 2 * SHELLS)
        shares = [100 * float(one.share[shell]) for one in spectra.values()]
        said = "%s: at %.0f A %.0f %% of the power is signal, in the tomogram %.0f %%; see %s"
        log.info(said, config.output_dir, 10 * size, shares[1], shares[0], curves)
        if difference(*spectra.values()) > _UNLIKE:
            log.warning(
                "%s: signal is spread otherwise over the frequencies than in the tomogram, see %s; choose --crowding, "
                "--templates, --vesicles and --filaments more like it",
                *(config.output_dir, curves),
            )

    def _spectra_of_halves(self, images: Mapping[str, Stack], series: Series) -> tuple[Tensor, Tensor]:
        """What halves of such images share, and what is noise of their mean."""
        same = images["even"] is images["odd"] and series.split == "frames"
        even = reconstructed(images["even"], series, "even", self.config)
        odd = even if same else reconstructed(images["odd"], series, "odd", self.config)
        return shared_and_not(torch.stack([even, odd])[None], measured_by(series))


def _options(sources: Sequence[Source], recording: Recording, config: SimulateConfig) -> dict[str, Any]:
    """Options of `simulate` that the tomogram decides."""
    tomogram, tilts = sources[0].tomogram, recording.measured.sweeps[0].tilts
    told: dict[str, Any] = {
        "pixel_size": recording.pixel_size,
        "split": tomogram.split if tomogram.has_halves else "frames",
        "contrast": "dark" if sources[0].normalization.sign < 0 else "light",
    }
    if recording.optics is not None:
        names = ("defocus", "voltage", "cs", "amplitude_contrast")
        told |= {name: getattr(recording.optics, name) for name in names}
    told |= {"tilts": tilts} if len(tilts) > 2 else {"tilt_min": tilts[0], "tilt_max": tilts[1]}
    for name, edge, most in zip(("depth", "height", "width"), sources[0].shape, _LARGEST, strict=True):
        if name not in config.model_fields_set:
            told[name] = max(_SMALLEST, min(edge, most))
    return told
