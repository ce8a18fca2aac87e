"""Make a data set whose truth is known: phantom, tilt series with noise, weighted back-projection."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Generator, Tensor

from isonet.config import SimulateConfig
from isonet.core.filters import ctf
from isonet.core.fourier import Shape
from isonet.core.rotation import relion_angles
from isonet.core.simulation import levelling, phantom, projection
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, Sweep, about, angles_of, positioned
from isonet.core.tilts.ranges import check_tilts
from isonet.errors import InputError
from isonet.io import files, mrc, star, structure
from isonet.io.mrc_bytes.header import Header
from isonet.io.programs import metadata
from isonet.io.volume_files import stem

log = logging.getLogger("isonet")
_NAMES = ("truth.mrc", "full.mrc", "even.mrc", "odd.mrc", "tilts.mrc", "tilts.tlt", "particles.star")
_SECOND = ("tilts2.mrc", "tilts2.tlt")


@dataclass(frozen=True)
class _Series:
    """A tilt series to make.

    Attributes
    ----------
    tilts : Tensor
        Degrees, of the stage.
    about_x, about_y, about_z : float
        Degrees by which the volume is turned before it is tilted.
    """

    tilts: Float[Tensor, " tilts"]
    about_x: float
    about_y: float
    about_z: float

    @property
    def at_home(self) -> bool:
        """Whether the tilt axis is y and the beam z."""
        return self.about_x == self.about_z == 0

    def sweep(self, part: slice) -> Sweep:
        """What some of the tilts measure."""
        return positioned((self.tilts[part] + self.about_y).tolist(), self.about_x, self.about_z)


def simulate(config: SimulateConfig) -> Path:
    """Write a phantom, its tilt series and its reconstructions, all from one seed.

    Reconstructions have the grey scale of the truth where it was measured, times the contrast transfer if there is a
    defocus (the same at all tilts and across each image). The images are wide enough to see the
    whole phantom at every tilt. Halves from frames share all tilts and have twice the noise variance of the whole;
    halves from tilts are made of the tilts 0, 2, 4... and 1, 3, 5... The volume may lie turned in the microscope by the
    level angles, and be tilted about a second axis, along x in the microscope; of both, what either has measured is
    joined.

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
        If files would be overwritten, a template or tilt file cannot be used, or nothing has room in the volume.
    """
    series = _series(config)
    refuse_existing([config.output_dir / name for name in (*_NAMES, *_SECOND)], overwrite=config.overwrite)
    generator = Generator().manual_seed(config.seed)
    cell = _cell(config, generator)
    if not cell.density.any():
        raise InputError(
            f"--depth {config.depth} --height {config.height} --width {config.width}: nothing that was asked for has "
            "room there; make the volume larger, or ask for something smaller"
        )
    for name in _SECOND:  # of a set that is replaced
        (config.output_dir / name).unlink(missing_ok=True)
    truth = -cell.density if config.contrast == "dark" else cell.density
    header = Header((config.pixel_size,) * 3, labels=(f"isonet simulate, seed {config.seed}",))
    mrc.write(config.output_dir / "truth.mrc", truth.numpy(), header)
    made: dict[str, list[Tensor]] = {"full": [], "even": [], "odd": []}
    for number, one in enumerate(series, start=1):
        images = _images(truth, one, config, generator)
        images_name = "tilts" if number == 1 else f"tilts{number}"
        mrc.write(config.output_dir / f"{images_name}.mrc", images["full"].numpy(), header)
        write_tilts(config.output_dir / f"{images_name}.tlt", one.tilts)
        for name, volumes in made.items():
            volumes.append(_reconstructed(images[name], one, name, config))
    for name, volumes in made.items():
        volume = volumes[0]
        if len(volumes) > 1:
            whole = [Measured((one.sweep(_part(name, config)),)) for one in series]
            volume = levelling.joined(volumes, [wedge.weight(_shape(config), one) for one in whole])
        mrc.write(config.output_dir / f"{name}.mrc", volume.numpy(), header)
    _write_particles(config, cell.placements)
    _say_how_it_lies(series, config)
    return config.output_dir


def _series(config: SimulateConfig) -> list[_Series]:
    """The tilt series about one axis or two, of a volume that was turned so that it lies flat."""
    tilts = _tilts(config)
    into = about("y", config.level_y) @ about("x", config.level_x)
    ways = [into, about("z", 90) @ into] if config.second_axis else [into]
    found = []
    for about_x, about_y, about_z in map(angles_of, ways):
        try:
            check_tilts((tilts + about_y).tolist())
        except ValueError as error:
            raise InputError(f"--level-y {config.level_y:g}: {error}; use smaller tilts or levels") from error
        found.append(_Series(tilts, about_x, about_y, about_z))
    return found


def _images(truth: Tensor, series: _Series, config: SimulateConfig, generator: Generator) -> dict[str, Tensor]:
    """Images of the whole exposure and of its halves, with contrast transfer and noise."""
    seen = truth if series.at_home else levelling.as_in_microscope(truth, series.about_x, series.about_z)
    width = math.ceil(math.hypot(seen.shape[0], seen.shape[2]))
    clean = projection.project(seen, series.tilts + series.about_y, width=width)
    if config.defocus:
        optics = ctf.Optics(config.defocus, config.voltage, config.cs, config.amplitude_contrast)
        clean = ctf.modulate(clean, config.pixel_size, optics)
    if not math.isfinite(config.snr):
        return {"full": clean, "even": clean, "odd": clean}
    sigma = math.sqrt(float(clean.var(dim=(1, 2)).mean()) / config.snr)
    return _add_noise(clean, sigma, config.split, generator)


def _part(name: str, config: SimulateConfig) -> slice:
    """Which tilts the whole tomogram or a half is made of."""
    if config.split == "frames" or name == "full":
        return slice(None)
    return slice(0, None, 2) if name == "even" else slice(1, None, 2)


def _reconstructed(images: Tensor, series: _Series, name: str, config: SimulateConfig) -> Tensor:
    """Reconstruct the whole tomogram or a half from the tilts about one axis."""
    part = _part(name, config)
    filtered = projection.ramp_filter(images[part], config.filter)
    if series.at_home:
        return projection.back_project(filtered, series.tilts[part] + series.about_y, config.depth, config.width)
    return levelling.back_project_turned(levelling.finer(filtered), series.sweep(part), _shape(config))


def _shape(config: SimulateConfig) -> Shape:
    return config.depth, config.height, config.width


def _say_how_it_lies(series: Sequence[_Series], config: SimulateConfig) -> None:
    """Say with which words `prepare` is told how axis and beam lie, where they are not y and z."""
    if len(series) == 1 and series[0].at_home and not series[0].about_y:
        return
    words = []
    for prefix, one, name in zip(("", "second-"), series, ("tilts.tlt", "tilts2.tlt"), strict=False):
        told = {"level-x": one.about_x, "level-y": one.about_y, "axis-turn": one.about_z}
        words += [f"--{prefix}tilt-file {config.output_dir / name}"]
        words += [f"--{prefix}{option}={value:g}" for option, value in told.items() if value]
    log.info("%s: tell prepare how it lies: %s", config.output_dir / "full.mrc", " ".join(words))


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
