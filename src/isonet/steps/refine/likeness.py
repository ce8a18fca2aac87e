"""What a tailored training is shown, beside the tomogram that it is tailored to."""

import logging
from collections.abc import Sequence
from pathlib import Path

import torch

from isonet.core.simulation.recording import Recording
from isonet.core.simulation.spectra import shared_and_not
from isonet.models.folder import IMAGINED
from isonet.running.runs import PREVIEWS
from isonet.steps.simulate import Spectra, draw_spectra, middle
from isonet.train.simulated import TailoredPairs
from isonet.volumes.preview import save_comparison
from isonet.volumes.source import Source

log = logging.getLogger("isonet")


def draw_likeness(imagined: TailoredPairs, sources: Sequence[Source], folder: Path) -> None:
    """Draw the middle of the first tomogram, an imagined sample shown like it, and their spectra.

    Parameters
    ----------
    imagined : TailoredPairs
        What is trained on.
    sources : sequence of Source
        The first tomogram: both halves or one map.
    folder : Path
        The run folder, whose previews the pictures join.
    """
    recording = imagined.recordings[0]
    shown, again, truth = imagined.example()
    block = middle(sources, truth.shape)
    maps = {"tomogram": block.numpy(), "imagined": shown.numpy(), "its truth": truth.numpy()}
    title = f"{sources[0].tomogram.name}, and a sample imagined for the training (density bright)"
    slices, curves = (folder / PREVIEWS / name for name in IMAGINED)
    save_comparison(slices, maps, recording.measured, recording.pixel_size, title)
    spectra = {
        "tomogram": Spectra.of(recording.signal, recording.noise, block),
        "imagined": spectra_of(shown, again, recording),
    }
    draw_spectra(curves, spectra, recording.pixel_size)
    log.info("%s: a tomogram, and a sample imagined like it", slices)


def spectra_of(shown: torch.Tensor, again: torch.Tensor, recording: Recording) -> Spectra:
    """Spectra of a sample that is shown twice with as much noise: their mean has half the power of it."""
    signal, noise = shared_and_not(torch.stack([shown, again])[None], recording.measured)
    return Spectra.of(signal, 2 * noise, shown)
