"""Make a data set whose truth is known: phantom, tilt series with noise, weighted back-projection."""

import logging
import math
from collections.abc import Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Generator, Tensor

from isonet.config import SimulateConfig
from isonet.core.filters import ctf
from isonet.core.rotation import relion_angles
from isonet.core.simulation import levelling, phantom
from isonet.core.tilts import wedge
from isonet.errors import InputError
from isonet.io import mrc, star, structure
from isonet.io.mrc_bytes.header import Header
from isonet.io.volume_files import stem
from isonet.project.derived import IMAGES, SIMULATED, TRUTH
from isonet.steps.simulate.images import clean_images, exposed, reconstructed, white_noise
from isonet.steps.simulate.like import PICTURES, Twin
from isonet.steps.simulate.series import Series, all_series, measured_by, write_tilts

log = logging.getLogger("isonet")
_NAMES = ("truth.mrc", "full.mrc", "even.mrc", "odd.mrc", "tilts.mrc", "tilts.tlt", "particles.star")
_TOLD = ("defocus", "voltage", "cs", "amplitude_contrast", "contrast")  # to prepare, where they are not usual
_SECOND = ("tilts2.mrc", "tilts2.tlt")


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
    if config.like is None and config.tomo_idx is not None:
        raise InputError(f"--tomo-idx {config.tomo_idx}: chooses a tomogram of --like; give its table, too")
    twin = None if config.like is None else Twin.of(config)
    config = config if twin is None else twin.config
    series = all_series(config)
    names = [*_NAMES, *_SECOND, *([] if twin is None else PICTURES)]
    refuse_existing([config.output_dir / name for name in names], overwrite=config.overwrite)
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
    header, of_truth, of_images = (_header(config, *more) for more in ((), (TRUTH,), (IMAGES,)))
    mrc.write(config.output_dir / "truth.mrc", truth.numpy(), of_truth)
    made: dict[str, list[Tensor]] = {"full": [], "even": [], "odd": []}
    for number, one in enumerate(series, start=1):
        if twin is None:
            clean = clean_images(truth, one, config.pixel_size, _optics(config))
            noise = white_noise(clean, config.snr)
        else:
            clean = twin.clean_images(truth, one)
            noise = twin.noise(clean, one)
        images = exposed(clean, noise, config.split, generator)
        images_name = "tilts" if number == 1 else f"tilts{number}"
        mrc.write(config.output_dir / f"{images_name}.mrc", images["full"].numpy(), of_images, images=True)
        write_tilts(config.output_dir / f"{images_name}.tlt", one.tilts)
        for name, volumes in made.items():
            volumes.append(reconstructed(images[name], one, name, config))
    joined = {name: _joined(volumes, series, name) for name, volumes in made.items()}
    for name, volume in joined.items():
        mrc.write(config.output_dir / f"{name}.mrc", volume.numpy(), header)
    if twin is not None:
        twin.compare(joined, series[0])
    _write_particles(config, cell.placements)
    _say_what_is_next(series, config)
    return config.output_dir


def _header(config: SimulateConfig, *more: str) -> Header:
    """Header of a file, with labels that tell `prepare` what it is."""
    return Header((config.pixel_size,) * 3, labels=(f"{SIMULATED} {config.seed}", *more))


def _say_what_is_next(series: Sequence[Series], config: SimulateConfig) -> None:
    """Say with which words `prepare` is told of the tilts, its halves, and how axis and beam lie."""
    folder = config.output_dir
    words = [f"--even {folder / 'even.mrc'} --odd {folder / 'odd.mrc'} --split {config.split}"]
    for name in _TOLD:
        if getattr(config, name) != SimulateConfig.model_fields[name].default:
            words.append(f"--{name.replace('_', '-')} {getattr(config, name)}")
    for prefix, one, name in zip(("", "second-"), series, ("tilts.tlt", "tilts2.tlt"), strict=False):
        told = {"level-x": one.about_x, "level-y": one.about_y, "axis-turn": one.about_z}
        words += [f"--{prefix}tilt-file {config.output_dir / name}"]
        words += [f"--{prefix}{option}={value:g}" for option, value in told.items() if value]
    log.info("next: isonet prepare %s %s", folder / "full.mrc", " ".join(words))


def refuse_existing(paths: list[Path], *, overwrite: bool) -> None:
    """Raise InputError if one of the files to be written is there already, unless it may be overwritten."""
    for path in paths:
        if path.exists() and not overwrite:
            raise InputError(f"{path}: exists already; choose another --output-dir or add --overwrite")


def _optics(config: SimulateConfig) -> ctf.Optics | None:
    """Contrast transfer that was asked for."""
    if not config.defocus:
        return None
    return ctf.Optics(config.defocus, config.voltage, config.cs, config.amplitude_contrast)


def _joined(volumes: list[Tensor], series: Sequence[Series], name: str) -> Tensor:
    """One volume of those of all series: what either has measured."""
    if len(volumes) == 1:
        return volumes[0]
    (depth, height, width) = volumes[0].shape
    return levelling.joined(volumes, [wedge.weight((depth, height, width), measured_by(one, name)) for one in series])


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
