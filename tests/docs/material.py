"""Small files of the names that the pages use: two simulated tomograms, halves, and metadata of every program."""

import shutil
from pathlib import Path

import mrcfile
import numpy as np

from isonet.config import SimulateConfig
from isonet.io import pyramids
from isonet.io.formats import open_volume
from isonet.steps.simulate import simulate

SHAPE = (32, 40, 40)
NAMES = ("TS_01", "TS_02")
TILTS = tuple(range(-60, 61, 6))


def make(folder: Path) -> None:
    """Write everything the commands of the pages read."""
    depth, height, width = SHAPE
    few = {"species": 1, "vesicles": 1, "filaments": 0, "tilt_step": 6.0, "snr": 2.0}
    for seed, name in enumerate(NAMES):
        simulated = folder / "simulated_for_the_pages"
        simulate(SimulateConfig(output_dir=simulated, seed=seed, depth=depth, height=height, width=width, **few))
        for kind, places in _volumes(name).items():
            for place in places:
                _copy(simulated / f"{kind}.mrc", folder / place)
        _move(simulated / "tilts.mrc", folder / "tiltseries" / f"{name}.st")
        _move(simulated / "truth.mrc", folder / "truth" / f"{name}.mrc")
        for path in simulated.iterdir():
            path.unlink()
        simulated.rmdir()
        _write_metadata(folder, name)
    _write_relion_table(folder)
    for name in NAMES:
        volume = open_volume(folder / "tomograms" / f"{name}.mrc")
        pyramids.write(folder / "portal" / f"{name}.zarr" / "0", volume, np.float32, volume.header)
    _write(folder / "options.yaml", "cube_size: 16\ncrop_size: 24\n")
    _copy(folder / "tomograms" / "TS_01.mrc", folder / "theirs.mrc")
    _write(folder / "carbon.json", '{"polygons": [{"points": [[4, 4], [40, 4], [40, 40], [4, 40]]}]}')
    for number in range(4):
        block = np.random.default_rng(number).standard_normal((24, 24, 24)).astype(np.float32)
        with mrcfile.new(folder / "cut" / f"particle_{number}.mrc") as file:
            file.set_data(block)
            file.voxel_size = 10.0


def _volumes(name: str) -> dict[str, tuple[str, ...]]:
    """Names that programs give to the full tomogram and its halves."""
    warp = "warp_tiltseries/reconstruction"
    return {
        "full": (
            f"tomograms/{name}.mrc",
            f"{warp}/{name}_10.00Apx.mrc",
            f"aretomo/{name}_Vol.mrc",
            f"relion/tomograms/rec_{name}.mrc",
            f"imod/{name}/{name}_rec.mrc",
        ),
        "even": (
            f"even/{name}_EVN.mrc",
            f"{warp}/even/{name}_10.00Apx.mrc",
            f"aretomo/{name}_EVN_Vol.mrc",
            f"relion/tomograms/rec_{name}_half1.mrc",
        ),
        "odd": (
            f"odd/{name}_ODD.mrc",
            f"{warp}/odd/{name}_10.00Apx.mrc",
            f"aretomo/{name}_ODD_Vol.mrc",
            f"relion/tomograms/rec_{name}_half2.mrc",
        ),
    }


def _write_metadata(folder: Path, name: str) -> None:
    """Tilts and defocus of one tomogram as each program writes them."""
    lines = "".join(f"{tilt}\n" for tilt in TILTS)
    _write(folder / "metadata" / f"{name}.tlt", lines)
    _write(folder / "tiltseries" / f"{name}.tlt", lines)
    _write(folder / "imod" / name / f"{name}.tlt", lines)
    shifts = "".join(f"1 0 0 1 0 0{end}" for end in ["\n"] * len(TILTS))
    _write(folder / "tiltseries" / f"{name}.xf", shifts)
    _write(folder / "aretomo" / f"{name}.aln", "".join(f"{n} 0 1 0 0 1 1 1 0 {t}\n" for n, t in enumerate(TILTS)))
    ctf = "".join(f"{n} 31000 30000 10 0 0.1 8\n" for n, _ in enumerate(TILTS, start=1))
    for place in ("aretomo", "metadata"):
        _write(
            folder / place / f"{name}_CTF.txt",
            f"# Columns: #1 number; #2 defocus 1 [A]; #3 defocus 2; #4; #5; #6; #7\n{ctf}",
        )
    sections = "".join(f"[ZValue = {n}]\nTiltAngle = {t}\nTargetDefocus = -3\n\n" for n, t in enumerate(TILTS))
    _write(folder / "mdocs" / f"{name}.mdoc", f"PixelSpacing = 10\nVoltage = 300\n\n{sections}")
    numbers = "\n".join(map(str, TILTS))
    axes = "".join(
        f"<{tag}>{chr(10).join(['0'] * len(TILTS))}</{tag}>" for tag in ("AxisAngle", "AxisOffsetX", "AxisOffsetY")
    )
    ctf_values = '<CTF><Param Name="Defocus" Value="3.05" /><Param Name="Voltage" Value="300" /></CTF>'
    xml = f'<TiltSeries AreAnglesInverted="False"><Angles>{numbers}</Angles>{axes}{ctf_values}</TiltSeries>'
    _write(folder / "warp_tiltseries" / f"{name}.xml", xml)
    rows = "".join(f"{tilt} 30500\n" for tilt in TILTS)
    series = f"data_{name}\n\nloop_\n_rlnTomoYTilt #1\n_rlnDefocusU #2\n{rows}"
    _write(folder / "relion" / "tilt_series" / f"{name}.star", series)


def _write_relion_table(folder: Path) -> None:
    """RELION's table of both tomograms."""
    rows = "".join(f"{name} tilt_series/{name}.star 300 2.7 0.1 10\n" for name in NAMES)
    tomogram = ("TomoName", "TomoTiltSeriesStarFile", "TomoTiltSeriesPixelSize")
    columns = (*tomogram[:2], "Voltage", "SphericalAberration", "AmplitudeContrast", tomogram[2])
    head = "".join(f"_rln{column} #{number}\n" for number, column in enumerate(columns, start=1))
    _write(folder / "relion" / "tomograms.star", f"data_global\n\nloop_\n{head}{rows}")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _copy(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, to)


def _move(path: Path, to: Path) -> None:
    to.parent.mkdir(parents=True, exist_ok=True)
    path.rename(to)
