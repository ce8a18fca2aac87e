"""The simulated samples of the quality benchmark, each with its truth, its particles and its empty ice.

Every sample has the same things at the same places (one seed): templates or invented species, vesicles, a filament.
They differ in tilts, noise, contrast transfer and in what their halves are from. Empty ice is noise of the sample's own
strength and spectrum.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from isonet.core.simulation import projection
from isonet.io import files, mrc, star
from isonet.io.formats import open_volume
from isonet.io.programs import metadata
from withheld import isonet, read

PIXEL_SIZE = 10.0
DEFOCUS = 40_000
TILTS = {"60": (-60, 60, 3), "asym": (-40, 62, 2), "45": (-45, 45, 3)}
NOISE = (2.0, 0.6, 0.2)  # signal-to-noise ratios of a projection


@dataclass(frozen=True)
class Case:
    """One sample.

    Attributes
    ----------
    name : str
        Also of its folder.
    tilts : tuple of int
        First, last and step in degrees.
    snr : float
        Variance of signal over noise in a projection.
    ctf : bool
        Whether images have a defocus of 4 µm, which `isonet deconv` undoes for methods on one map.
    sheet : bool
        Whether a flat membrane across the beam takes the place of vesicles and filament: nothing upright is like it.
    shape : tuple of int
        Voxels z, y, x.
    refine : tuple of str
        Options of `isonet refine` for this sample.
    templates : tuple of str
        Names of the particles' maps; all soluble ones if empty.
    split : str
        What the halves are of: `frames`, or every other of the `tilts`.
    pixel_size : float
        Å per voxel; where it is not that of the templates, particles are invented.
    """

    name: str
    tilts: tuple[int, int, int]
    snr: float
    ctf: bool = False
    sheet: bool = False
    shape: tuple[int, int, int] = (80, 192, 192)
    refine: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    split: Literal["frames", "tilts"] = "frames"
    pixel_size: float = PIXEL_SIZE


WITHHELD = ("3j9i", "4v4r", "6qzp")  # that the starter model has not seen: a proteasome and two ribosomes
QUICK = Case("quick", TILTS["60"], 0.6, shape=(64, 128, 128), refine=("--cube-size", "48"))


def all_cases() -> dict[str, Case]:
    """Every sample by its name, such as `asym-0.6-ctf`."""
    cases = [
        Case(f"{name}-{snr:g}{'-ctf' if ctf else ''}", tilts, snr, ctf)
        for name, tilts in TILTS.items()
        for snr in NOISE
        for ctf in (False, True)
    ]
    cases += [
        Case("60-0.6-tilts", TILTS["60"], 0.6, split="tilts"),
        Case("sheet", TILTS["60"], 0.6, sheet=True),
        Case("unseen", TILTS["60"], 0.6, templates=WITHHELD),
        Case("unseen-hard", (-35, 72, 3), 0.3, ctf=True, templates=WITHHELD),
        QUICK,
    ]
    return {case.name: case for case in cases}


@dataclass(frozen=True)
class Sample:
    """Files of a case.

    Attributes
    ----------
    case : Case
        What it is.
    folder : Path
        Where it is.
    """

    case: Case
    folder: Path

    @property
    def truth(self) -> Path:
        """The true density, dark."""
        return self.folder / "data/truth.mrc"

    @property
    def table(self) -> Path:
        """Table of the tomogram."""
        return self.folder / "tomograms.star"

    @property
    def ice_table(self) -> Path:
        """Table of the empty ice."""
        return self.folder / "ice.star"

    def given(self, table: Path) -> Path:
        """The map of a table that methods on one map start from."""
        row = star.read_table(table, ("rlnTomoName",))[0]
        return table.parent / row.get("rlnDeconvTomoName", row["rlnTomoName"])


def made(folder: Path) -> Sample:
    """Return the sample that `quality.py` made in a folder, which is named after its case.

    Raises
    ------
    SystemExit
        If it made none there.
    """
    case = all_cases().get(folder.resolve().name)
    if case is None or not (folder / "made.json").exists():
        raise SystemExit(f"{folder}: no sample of quality.py; make it: python benchmarks/quality.py --cases NAME")
    return Sample(case, folder)


def make(case: Case, folder: Path, seed: int) -> Sample:
    """Simulate a case unless it is there."""
    sample, done = Sample(case, folder), folder / "made.json"
    if done.exists():
        return sample
    first, last, step = case.tilts
    depth, height, width = case.shape
    isonet(
        *("simulate", "--output-dir", folder / "data", "--overwrite", "--seed", seed, "--snr", case.snr),
        *("--split", case.split),
        *("--depth", depth, "--height", height, "--width", width, "--pixel-size", case.pixel_size),
        *("--tilt-min", first, "--tilt-max", last, "--tilt-step", step, "--defocus", DEFOCUS if case.ctf else 0),
        *("--vesicles", 0 if case.sheet else 4, "--filaments", 0 if case.sheet else 1, "--sheets", int(case.sheet)),
        *_particles(case),
    )
    write_ice(folder / "data", folder / "ice", seed, case.split)
    tilts = (
        ("--tilt-file", folder / "data/tilts.tlt")
        if case.split == "tilts"
        else ("--tilt-min", first, "--tilt-max", last)
    )
    for table, data in ((sample.table, folder / "data"), (sample.ice_table, folder / "ice")):
        isonet(
            *("prepare", data / "full.mrc", "--even", data / "even.mrc", "--odd", data / "odd.mrc", "--output", table),
            *("--split", case.split, *tilts, "--contrast", "dark", "--overwrite"),
            *("--defocus", DEFOCUS if case.ctf else 0),
        )
        if case.ctf:
            isonet("deconv", table, "--output-dir", folder / f"deconv_{table.stem}", "--overwrite")
    files.write_json(done, {"seed": seed, "snr": case.snr, "tilts": case.tilts})
    return sample


def _particles(case: Case) -> tuple[object, ...]:
    """Options that choose the particles: maps of soluble complexes where they are, else invented species.

    Raises
    ------
    SystemExit
        If the case names maps that are not there.
    """
    folder = Path(os.environ.get("ISONET_TEST_DATA", "../shared/data")) / "templates"
    found = [path for path in sorted(folder.glob("*.mrc")) if not path.name.startswith("mb_")]
    found = [path for path in found if not case.templates or path.stem in case.templates]
    if len(found) < len(case.templates):
        raise SystemExit(f"{folder}: {case.name} needs {', '.join(case.templates)}; set ISONET_TEST_DATA")
    usable = found and case.pixel_size == PIXEL_SIZE
    if not found:
        print(f"{folder}: no templates, so that particles are invented; set ISONET_TEST_DATA for those of the records")
    return ("--species", 0, "--templates", ",".join(map(str, found))) if usable else ("--species", 5)


def write_ice(data: Path, into: Path, seed: int, split: str) -> None:
    """Write tomograms of noise alone, as strong as that of the halves in `data`, through the same back-projection."""
    volume = open_volume(data / "full.mrc")
    depth, height, width = volume.shape
    tilts = torch.from_numpy(metadata.read_tilt_angles(data / "tilts.tlt")).float()
    generator = torch.Generator().manual_seed(seed + 1)
    images = (len(tilts), height, math.ceil(math.hypot(depth, width)))
    noises = [torch.randn(images, generator=generator) for _ in range(2)]
    chosen = (slice(0, None, 2), slice(1, None, 2)) if split == "tilts" else (slice(None), slice(None))
    halves = [
        projection.back_project(projection.ramp_filter(noise[part]), tilts[part], depth, width)
        for noise, part in zip(noises, chosen, strict=True)
    ]
    difference = read(data / "even.mrc") - read(data / "odd.mrc")
    scale = float(difference.std() / (halves[0] - halves[1]).std())
    even, odd = (scale * half for half in halves)
    for name, noise in (("full", (even + odd) / 2), ("even", even), ("odd", odd)):
        mrc.write(into / f"{name}.mrc", noise.numpy().astype(np.float32), volume.header)
