"""The parsers of the program, each with the names of its files and valid files to begin from."""

import math
import os
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cyclopts import CycloptsError
from pydantic import ValidationError

from fuzzing import seeds
from isonet.cli.application import app
from isonet.cli.arguments import config_files
from isonet.config import RefineConfig
from isonet.io import checkpoint, polygons, star, structure
from isonet.io.formats import glance, open_volume
from isonet.io.ome_zarr.levels import tomogram_level
from isonet.io.programs import coordinates, imod, metadata
from isonet.io.volume import fingerprint
from isonet.models.folder import STATE_NAME
from isonet.models.trained import read_model
from isonet.project.table import Project
from isonet.running.run_record import earlier_runs
from isonet.steps.refine.continuing import continued
from isonet.steps.report.sources import RunFolder, read_validation

_DATA = Path(os.environ.get("ISONET_TEST_DATA", Path(__file__).parents[1] / "../shared/data"))
_ANGLES = b"-3.0\n0.0\n3.0\n"
_FEW = 1 << 20  # voxels that are read


@dataclass(frozen=True)
class Target:
    """A parser.

    Attributes
    ----------
    name : str
        What it reads.
    files : tuple of str
        Names its files may have; those that end in .gz or .bz2 are packed.
    read : callable
        The parser.
    seeds : callable
        Gives valid files, also those of other programs in a folder.
    packs : bool
        Whether packed files are packed after they were damaged, not before.
    """

    name: str
    files: tuple[str, ...]
    read: Callable[[Path], object]
    seeds: Callable[[Path | None], Sequence[bytes]]
    packs: bool = True

    def file(self, chance: random.Random) -> str:
        """Choose a name; most files are not packed."""
        return self.files[0] if chance.random() < 0.9 else chance.choice(self.files)

    def packed(self, raw: bytes, name: str) -> bytes:
        """Pack a file as its name says."""
        return seeds.packed(raw, name) if self.packs and name.endswith((".gz", ".bz2")) else raw

    def valid(self) -> list[bytes]:
        """Return valid files."""
        return list(self.seeds(_DATA if _DATA.is_dir() else None))


def _written(*files: str, real: Sequence[str] = ()) -> Callable[[Path | None], list[bytes]]:
    return lambda folder: [*seeds.texts(*files), *seeds.real(folder, *real)]


def _series(path: Path) -> None:
    """Read metadata in both ways; what one refuses the other may read."""
    metadata.read_series(path)
    metadata.read_tilt_angles(path)


def _with_angles(path: Path) -> None:
    """Read a file that points to another one beside it."""
    (path.parent / "fuzz.tlt").write_bytes(_ANGLES)
    metadata.read_series(path)


def _volume(path: Path) -> None:
    volume = open_volume(path)
    fingerprint(volume)
    for _ in volume.slabs():
        pass


def _image(path: Path) -> None:
    """Read attributes of OME-Zarr as those of a folder."""
    image = path.parent / f"{path.name}.zarr"
    (image / "0").mkdir(parents=True, exist_ok=True)
    (image / ".zgroup").write_text(seeds.ZARR_GROUP, encoding="utf-8")
    (image / "0" / ".zarray").write_text(seeds.ZARR_ARRAY, encoding="utf-8")
    (image / ".zattrs").write_bytes(path.read_bytes())
    tomogram_level(image)
    glance(image)


def _array(name: str, path: Path) -> None:
    """Read what zarr says of an array without chunks, in its file of a name."""
    array = path.parent / f"{path.name}.zarr"
    array.mkdir(exist_ok=True)
    (array / name).write_bytes(path.read_bytes())
    volume = open_volume(array)
    if math.prod(volume.shape) < _FEW:
        volume.read()


def _table(path: Path) -> None:
    for tomogram in Project.read(path, subvolumes=True).tomograms:
        tomogram.number("rlnPixelSize")
        _ = tomogram.tilts, tomogram.name


def _options(path: Path) -> None:
    """Read options as the command line does; what is no option is refused by name."""
    app.config = config_files(["--config", str(path)])
    try:
        app.parse_args(["refine", "x.star"], exit_on_error=False, print_error=False)
    except (CycloptsError, ValidationError):
        pass
    finally:
        app.config = ()


def _continued(path: Path) -> None:
    state = path.parent / STATE_NAME
    if not state.exists():
        checkpoint.save_state(state, {"table": "t.star"})
    continued(RefineConfig(continue_from=path.parent))


def _status(path: Path) -> None:
    """Read what a run told; nobody's loss where it cannot be read."""
    earlier_runs(path.parent, "refine")
    RunFolder.read(path.parent)


def _gz(*names: str) -> tuple[str, ...]:
    return (*names, f"{names[0]}.gz")


TARGETS = (
    Target("STAR", _gz("f.star"), star.read_tables, _written(seeds.OWN, seeds.TOMOGRAMS, real=["*.star"])),
    Target("table of tomograms", ("f.star",), _table, _written(seeds.OWN)),
    Target("RELION", _gz("f.star"), _series, _written(seeds.TILT_SERIES, seeds.TOMOGRAMS, real=["*.star"])),
    Target("Warp XML", _gz("f.xml"), _series, _written(seeds.WARP, real=["*.xml.gz"])),
    Target("Warp XML alignment", _gz("f.xml"), metadata.read_alignment, _written(seeds.WARP)),
    Target("tomostar", ("f.tomostar",), _series, _written(seeds.star(["wrpMovieName", "wrpAngleTilt"], "a 1", "b -2"))),
    Target("IMOD angles", _gz("f.tlt", "f.rawtlt"), _series, _written("-3\n0\n3.5\n", real=["*.tlt", "*.rawtlt"])),
    Target("IMOD transforms", ("f.xf",), metadata.read_alignment, _written("1 0 0 1 2 -3\n", real=["*.xf"])),
    Target("IMOD tilt.com", ("f.com",), _with_angles, _written(seeds.TILT_COMMAND, real=["tilt.com"])),
    Target("etomo", ("f.edf",), _with_angles, _written(seeds.ETOMO, real=["*.edf"])),
    Target(
        "defocus of ctfplotter", ("f.defocus",), metadata.read_series, _written(seeds.DEFOCUS, "1 1 -3 -3 2000 2\n")
    ),
    Target(
        "IMOD model", ("f.mod",), imod.read_model, lambda folder: [*seeds.imod_models(), *seeds.real(folder, "*.mod")]
    ),
    Target("AreTomo .aln", _gz("f.aln"), _series, _written(seeds.ALN, real=["*.aln"])),
    Target("AreTomo tilts", ("f_TLT.txt",), _series, _written("-3 1 2.5\n0 2 3\n")),
    Target("CTFFIND", ("f.txt",), metadata.read_series, _written(seeds.CTF, real=["*_CTF.txt"])),
    Target(
        "AreTomo metrics",
        ("f.csv",),
        metadata.read_series,
        _written("Tilt_Series,Pix_Size(A)\nTS_1.mrc,1.35\n", real=["*.csv"]),
    ),
    Target("mdoc", _gz("f.mdoc"), _series, _written(seeds.MDOC, real=["*.mdoc"])),
    Target("coordinates, text", ("f.txt", "f.csv"), coordinates.read_coordinates, _written("x y z\n1 2 3\n4,5,6\n")),
    Target("coordinates, STAR", ("f.star",), coordinates.read_coordinates, _written(seeds.PARTICLES, seeds.VOXELS)),
    Target("coordinates, IMOD", ("f.mod",), coordinates.read_coordinates, lambda _: seeds.imod_models()),
    Target("MRC", ("f.mrc",), _volume, lambda _: seeds.mrc_files()),
    Target("MRC, packed", ("f.mrc.gz", "f.mrc.bz2"), _volume, lambda _: seeds.mrc_files()),
    Target("OME-Zarr attributes", ("f.json",), _image, _written(seeds.ZARR_IMAGE)),
    Target("array of zarr 2", ("f.json",), partial(_array, ".zarray"), _written(seeds.ZARR_ARRAY)),
    Target("array of zarr 3", ("f.json",), partial(_array, "zarr.json"), _written(seeds.ZARR_3_ARRAY)),
    Target(
        "MRC, damaged archive",
        ("f.mrc.gz",),
        _volume,
        lambda _: [seeds.packed(raw, ".gz") for raw in seeds.mrc_files()],
        packs=False,
    ),
    Target(
        "MRC, damaged bz2 archive",
        ("f.mrc.bz2",),
        _volume,
        lambda _: [seeds.packed(raw, ".bz2") for raw in seeds.mrc_files()],
        packs=False,
    ),
    Target(
        "text, damaged archive",
        ("f.aln.gz",),
        _series,
        lambda _: [seeds.packed(seeds.ALN.encode(), ".gz")],
        packs=False,
    ),
    Target("model", ("f.safetensors",), read_model, lambda _: seeds.models()),
    Target("trainer state", ("f.pt",), checkpoint.load_state, lambda _: seeds.states()),
    Target("polygons", ("f.json",), polygons.read_polygons, _written(seeds.POLYGONS)),
    Target("--config", ("f.yaml",), _options, _written(seeds.OPTIONS)),
    Target("config.yaml of a run", ("config.yaml",), _continued, lambda _: seeds.stored_options()),
    Target("status.json", ("status.json",), _status, _written(seeds.STATUS)),
    Target("validation.json", ("validation.json",), read_validation, _written(seeds.VALIDATION)),
    Target("PDB", ("f.pdb",), structure.read_density, _written(seeds.PDB)),
    Target("mmCIF", ("f.cif",), structure.read_density, _written(seeds.CIF)),
)
