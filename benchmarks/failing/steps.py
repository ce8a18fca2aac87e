"""The steps of the program on tomograms that take it a second, and how each is gone on with after a fault."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mrcfile
import numpy as np
import torch

from isonet.core import fourier
from isonet.core.tilts import wedge

SHAPE = (40, 48, 40)
_NETWORK = ("--arch=small", "--filter-base=4", "--unet-depth=2", "--precision=float32", "--device=cpu")
_TRAINING = (
    *("--cube-size=16", "--crop-size=24", "--iterations=2", "--epochs=2", "--steps-per-epoch=3"),
    *("--batch-size=2", "--number-subtomos=4"),
)
_STARTER = (
    *("--filter-base=4", "--unet-depth=1", "--cube-size=16", "--batch-size=1", "--steps=6", "--precision=float32"),
    *("--device=cpu", "--workers=2"),
)


@dataclass(frozen=True)
class Step:
    """One command.

    Attributes
    ----------
    name : str
        In the table.
    words : tuple of str
        The command.
    needs : tuple of str
        Steps that must be done before.
    inputs : tuple of str
        Files that it reads, which may vanish.
    products : tuple of str
        Patterns of the files it leaves that a run without faults leaves just so.
    folder : str
        Its run folder; empty where it has none.
    kept : bool
        Whether products that are there in whole after a fault are not made again.
    """

    name: str
    words: tuple[str, ...]
    needs: tuple[str, ...]
    inputs: tuple[str, ...]
    products: tuple[str, ...]
    folder: str = ""
    kept: bool = False

    @property
    def trains(self) -> bool:
        """Whether it is gone on with by `--continue-from`."""
        return self.name in ("refine", "train-starter")

    def again(self, folder: Path) -> tuple[str, ...]:
        """The command to give after a fault: the same, or what the messages of trainings say."""
        if self.trains and (folder / self.folder / "trainer.pt").exists():
            return (self.name, f"--continue-from={self.folder}")
        return self.words

    def elsewhere(self, words: Sequence[str]) -> tuple[str, ...]:
        """The command for another folder, for what cannot be gone on with."""
        return (*(word for word in words if not word.startswith("--output-dir")), "--output-dir=elsewhere")


_HALVES = ("even/v0_even.mrc", "even/v1_even.mrc", "odd/v0_odd.mrc", "odd/v1_odd.mrc")
_FULL = ("average/v0.mrc", "average/v1.mrc")
_TABLE = "tomograms.star"
_MODEL = "results/model.safetensors"
STEPS = {
    step.name: step
    for step in (
        Step(
            "prepare",
            ("prepare", "--even=even", "--odd=odd", "--split=frames", "--contrast=light", "--defocus=30000"),
            (),
            _HALVES,
            (_TABLE, "average/*.mrc"),
        ),
        Step(
            "deconv",
            ("deconv", _TABLE),
            ("prepare",),
            (_TABLE, *_FULL),
            ("deconv/*.mrc", _TABLE),
            "deconv",
            True,
        ),
        Step("mask", ("mask", _TABLE), ("prepare",), (_TABLE, *_FULL), ("mask/*.mrc", _TABLE), "mask", True),
        Step(
            "extract",
            ("extract", _TABLE, "--cube-size=16", "--crop-size=24", "--number-subtomos=3", "--input-column=full"),
            ("prepare", "mask"),
            (_TABLE, *_FULL, "mask/v0_mask.mrc"),
            ("subtomo/*.mrc", "subtomo.star"),
            "subtomo",
            True,
        ),
        Step(
            "refine",
            ("refine", _TABLE, *_NETWORK, *_TRAINING),
            ("prepare",),
            (_TABLE, *_HALVES),
            ("results/model*.safetensors", "results/metrics.jsonl"),
            "results",
        ),
        Step(
            "predict",
            ("predict", _TABLE, _MODEL, "--device=cpu", "--precision=float32"),
            ("prepare", "refine"),
            (_TABLE, _MODEL, *_HALVES),
            ("corrected/*.mrc", "corrected/halves/*.mrc", _TABLE),
            "corrected",
            True,
        ),
        Step(
            "validate",
            ("validate", _TABLE, "--tomo-idx=1", "--withhold=30", *_NETWORK, *_TRAINING),
            ("prepare",),
            (_TABLE, _HALVES[0], _FULL[0]),
            (
                *("validation/withheld/*/*.mrc", "validation/withheld/results/model*.safetensors"),
                *("validation/withheld/corrected/*.mrc", "validation/validation.json"),
            ),
            "validation",
        ),
        Step(
            "report",
            ("report", "results"),
            ("prepare", "refine", "predict"),
            (_TABLE, "corrected/v0_corrected.mrc"),
            ("results/report.json", "results/report.html", "results/report.cxc"),
        ),
        Step(
            "train-starter",
            ("train-starter", *_STARTER),
            (),
            (),
            ("starter/model.safetensors",),
            "starter",
        ),
    )
}


def write_halves(folder: Path) -> None:
    """Write even and odd halves of two tomograms of noise that has blobs."""
    for number in range(2):
        generator = torch.Generator().manual_seed(number)
        truth = torch.randn(SHAPE, generator=generator)
        truth = fourier.apply(truth, torch.exp(-5 * fourier.radial_frequency(SHAPE)))
        for half in ("even", "odd"):
            noise = torch.randn(SHAPE, generator=generator)
            measured = wedge.apply(truth / truth.std() + 0.3 * noise, (-60.0, 60.0))
            path = folder / half / f"v{number}_{half}.mrc"
            path.parent.mkdir(parents=True, exist_ok=True)
            with mrcfile.new(path, overwrite=True) as mrc:
                mrc.set_data(measured.numpy().astype(np.float32))
                mrc.voxel_size = 10.0


def copy_of(folder: Path, to: Path) -> None:
    """Copy a folder with the times of its files, in place of what is there."""
    if to.exists():
        shutil.rmtree(to)
    shutil.copytree(folder, to)
