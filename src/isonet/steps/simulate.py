"""Make a data set whose truth is known: phantom, tilt series with noise, weighted back-projection."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from isonet.config import SimulateConfig
from isonet.core.filters import ctf
from isonet.core.rotation import relion_angles
from isonet.core.simulation import phantom, projection
from isonet.errors import InputError
from isonet.io import files, mrc, star, structure
from isonet.io.mrc_bytes.header import Header
from isonet.io.programs import metadata
from isonet.io.volume_files import stem

_NAMES = ("truth.mrc", "full.mrc", "even.mrc", "odd.mrc", "tilts.mrc", "tilts.tlt", "particles.star")


def simulate(config: SimulateConfig) -> Path:
    """Write a phantom, its tilt series and its reconstructions, all from one seed.

    Reconstructions have the grey scale of the truth where it was measured, times the contrast transfer if there is a
    defocus (the same at all tilts and across each image). The images are wide enough to see the
    whole phantom at every tilt. Halves from frames share all tilts and have twice the noise variance of the whole;
    halves from tilts are made of the tilts 0, 2, 4... and 1, 3, 5...

    Parameters
    ----------
    config : SimulateConfig
        What to make and where to put it.

    Returns
    -------
    Path
        The folder with `truth.mrc`, `full.mrc`, `even.mrc`, `odd.mrc`, `tilts.mrc`, `tilts.tlt` and, where there are
        particles, `particles.star`.

    Raises
    ------
    InputError
        If files would be overwritten, or a template or tilt file cannot be used.
    """
    refuse_existing([config.output_dir / name for name in _NAMES], overwrite=config.overwrite)
    tilts = _tilts(config)
    generator = Generator().manual_seed(config.seed)
    cell = _cell(config, generator)
    truth = -cell.density if config.contrast == "dark" else cell.density
    clean = projection.project(truth, tilts, width=math.ceil(math.hypot(config.depth, config.width)))
    if config.defocus:
        optics = ctf.Optics(config.defocus, config.voltage, config.cs, config.amplitude_contrast)
        clean = ctf.modulate(clean, config.pixel_size, optics)
    images = {"full": clean, "even": clean, "odd": clean}
    if math.isfinite(config.snr):
        sigma = math.sqrt(float(clean.var(dim=(1, 2)).mean()) / config.snr)
        images = _add_noise(clean, sigma, config.split, generator)
    header = Header((config.pixel_size,) * 3, labels=(f"isonet simulate, seed {config.seed}",))
    mrc.write(config.output_dir / "truth.mrc", truth.numpy(), header)
    mrc.write(config.output_dir / "tilts.mrc", images["full"].numpy(), header)
    chosen = {"full": slice(None), "even": slice(None), "odd": slice(None)}
    if config.split == "tilts":
        chosen = {"full": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}
    for name, part in chosen.items():
        filtered = projection.ramp_filter(images[name][part], config.filter)
        volume = projection.back_project(filtered, tilts[part], config.depth, config.width)
        mrc.write(config.output_dir / f"{name}.mrc", volume.numpy(), header)
    write_tilts(config.output_dir / "tilts.tlt", tilts)
    _write_particles(config, cell.placements)
    return config.output_dir


def refuse_existing(paths: list[Path], *, overwrite: bool) -> None:
    """Raise InputError if one of the files to be written is there already, unless it may be overwritten."""
    for path in paths:
        if path.exists() and not overwrite:
            raise InputError(f"{path}: exists already; choose another --output-dir or add --overwrite")


def write_tilts(path: Path, tilts: Float[Tensor, " tilts"]) -> None:
    """Write tilt angles in degrees, one per line, as IMOD's `.tlt`."""
    files.write_text(path, "".join(f"{tilt:.2f}\n" for tilt in tilts.tolist()))


def _tilts(config: SimulateConfig) -> Float[Tensor, " tilts"]:
    """Tilt angles in degrees from the file, the list or the range, in rising order."""
    if config.tilt_file is not None:
        angles = metadata.read_tilt_angles(config.tilt_file)
        if len(angles) < 2:
            raise InputError(
                f"{config.tilt_file}: {len(angles)} tilt angle, at least two are needed; give another file"
            )
    elif config.tilts:
        angles = np.array(config.tilts, dtype=np.float64)
    else:
        angles = np.arange(config.tilt_min, config.tilt_max + 1e-6, config.tilt_step)
    if len(angles) < 4 and config.split == "tilts":
        raise InputError(f"{len(angles)} tilts cannot be split into halves; give at least 4, or --split frames")
    return torch.from_numpy(np.sort(angles)).float()


def _cell(config: SimulateConfig, generator: Generator) -> phantom.Cell:
    """Phantom, bright."""
    return phantom.cell(
        (config.depth, config.height, config.width),
        config.pixel_size,
        generator,
        species=config.species,
        crowding=config.crowding,
        vesicles=config.vesicles,
        filaments=config.filaments,
        sheets=config.sheets,
        templates=[_template(path, config.pixel_size) for path in config.templates],
    )


def _write_particles(config: SimulateConfig, placements: Sequence[phantom.Placement]) -> None:
    """Write where particles are (voxels from 0), how they are turned, what they are, and how their axes lie."""
    path = config.output_dir / "particles.star"
    names = [f"species{number}" for number in range(1, config.species + 1)]
    names += [stem(template) for template in config.templates]
    rows = []
    for placement in placements:
        z, y, x = placement.centre.tolist()
        angles = zip(("Rot", "Tilt", "Psi"), relion_angles(placement.matrix), strict=True)
        radius = config.pixel_size * (3 * placement.solid / (4 * math.pi)) ** (1 / 3)
        rows.append(
            {f"rlnCoordinate{name}": f"{value:.2f}" for name, value in (("X", x), ("Y", y), ("Z", z))}
            | {f"rlnAngle{name}": f"{value:.3f}" for name, value in angles}
            | {
                "rlnClassNumber": str(placement.kind + 1),
                "isonetSpecies": names[placement.kind],
                "isonetRadius": f"{radius:.1f}",  # Å, of a ball of its solid volume
                "isonetAxisToBeam": f"{math.degrees(math.acos(min(1.0, abs(float(placement.axis[0]))))):.1f}",
            }
        )
    path.unlink(missing_ok=True)
    if rows:
        star.write_table(path, rows)


def _template(path: Path, pixel_size: float) -> Float[Tensor, "d h w"]:
    """Read a density map that has the right voxel size."""
    density, found = structure.read_map(path)
    if found and abs(found / pixel_size - 1) > 0.01:
        raise InputError(f"{path}: {found:g} Å per voxel, {pixel_size:g} asked; resample it or change --pixel-size")
    return density


def _add_noise(clean: Float[Tensor, "tilts y u"], sigma: float, split: str, generator: Generator) -> dict[str, Tensor]:
    """Add white noise of standard deviation `sigma` to the whole images, and sqrt(2) times as much to halves."""
    halves = [clean + math.sqrt(2) * sigma * torch.randn(clean.shape, generator=generator) for _ in range(2)]
    full = (halves[0] + halves[1]) / 2
    if split == "tilts":
        return {"full": full, "even": full, "odd": full}
    return {"full": full, "even": halves[0], "odd": halves[1]}
