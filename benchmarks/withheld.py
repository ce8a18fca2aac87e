"""Is what fills the wedge true? Withhold a part of what was measured, and compare the prediction with it.

The tilts beyond `--keep` degrees are removed from the tomogram in Fourier space before anything else sees it; the rest
is corrected as if nothing more had been measured; then the result is compared with the withheld measurement, three
Fourier pixels off the faces of what was left:

    python benchmarks/withheld.py TOMOGRAM.mrc --tilt-min -60 --tilt-max 60 --keep 48 --output-dir withheld -- \
        --filter-base 16 --max-time 20min

With halves the same is done to each of them, and each half's prediction is compared with the other half's measurement,
whose noise it has never seen (`--tilt-file` where they are from every other tilt):

    python benchmarks/withheld.py FULL.mrc --even EVEN.mrc --odd ODD.mrc --tilt-file TILTS.tlt --output-dir withheld \
        -- --method noise2noise --time-budget 20min

Options behind `--` go to `isonet refine`. Prints a table and writes `withheld.json` and `withheld.png`.
"""

import argparse
import math
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison.metrics import ShellCorrelation, shell_correlation
from isonet.core.tilts import wedge
from isonet.io import files, mrc
from isonet.io.formats import open_volume
from isonet.io.programs import metadata
from isonet.io.volume_files import stem
from isonet.volumes.preview import save_comparison

Numbers = dict[str, dict[str, float]]
Region = Tensor


@dataclass(frozen=True)
class Measurement:
    """A tomogram and what of it is withheld.

    Attributes
    ----------
    tomogram : Path
        All that was measured.
    tilts : tuple of float
        Measured range in degrees.
    keep : float
        Everything beyond plus or minus this angle is withheld.
    halves : tuple of Path
        Even and odd half, or nothing.
    tilt_file : Path, optional
        Angles of all tilts, which `prepare` needs for halves from every other one.
    """

    tomogram: Path
    tilts: tuple[float, float]
    keep: float
    halves: tuple[Path, ...] = ()
    tilt_file: Path | None = None

    @property
    def region(self) -> Region:
        """Fourier coefficients that were measured and are withheld, as a mask in the rfft layout."""
        shape = open_volume(self.tomogram).shape
        left, measured = wedge.regions(shape, (-self.keep, self.keep))[0], wedge.regions(shape, self.tilts, guard=0)[1]
        return left & measured


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tomogram", type=Path)
    parser.add_argument("--even", type=Path, help="half of it; with --odd")
    parser.add_argument("--odd", type=Path)
    parser.add_argument("--tilt-file", type=Path, help="angles of all tilts, for halves from every other tilt")
    parser.add_argument("--tilt-min", type=float, default=-60.0, help="measured range, degrees")
    parser.add_argument("--tilt-max", type=float, default=60.0)
    parser.add_argument("--keep", type=float, default=48.0, help="withhold everything beyond +- this angle")
    parser.add_argument("--output-dir", type=Path, default=Path("withheld"))
    words = sys.argv[1:]
    behind = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:behind], argparse.Namespace(refine=words[behind + 1 :]))
    if (given.even is None) != (given.odd is None):
        parser.error("--even and --odd belong together: give both or neither")
    return given


def isonet(*words: object) -> None:
    """Run one command of isonet; end as it does if it fails, which it has explained."""
    code = subprocess.run([sys.executable, "-m", "isonet", *map(str, words)], check=False).returncode
    if code:
        raise SystemExit(code)


def read(path: Path) -> Tensor:
    """Read a volume."""
    return torch.from_numpy(open_volume(path).read())


def write_narrowed(path: Path, keep: float, folder: Path) -> Path:
    """Write a volume as tilts within +-keep degrees would have measured it."""
    source = open_volume(path)
    header = replace(source.header, labels=(*source.header.labels[:9], f"tilts within +-{keep:g} degrees"))
    given = folder / f"{stem(path)}_within{keep:g}.mrc"
    mrc.write(given, wedge.apply(torch.from_numpy(source.read()), (-keep, keep)).numpy(), header)
    return given


def compare(result: Tensor, measured: Tensor, region: Region) -> ShellCorrelation:
    """FSC within a region of Fourier space, both volumes tapered over their whole width."""
    shape = fourier.spatial_shape(measured)
    window = fourier.taper(shape, max(shape))
    return shell_correlation((result - result.mean()) * window, (measured - measured.mean()) * window, region)


def crossed(results: Sequence[Path], measured: Sequence[Path], region: Region) -> ShellCorrelation:
    """FSC of each half's result with the other half as measured, mean of both; of one map with itself as measured."""
    pairs = list(zip(results, reversed(measured), strict=True))
    found = [compare(read(result), read(other), region) for result, other in pairs]
    return ShellCorrelation(
        found[0].frequency,
        torch.stack([one.correlation for one in found]).mean(0),
        torch.stack([one.power_ratio for one in found]).mean(0),
    )


def corrected(given: Sequence[Path], measurement: Measurement, folder: Path, refine: Sequence[str]) -> list[Path]:
    """Train on what is left and correct it; return the result, or that of each half, and last the whole one."""
    table, results, into = folder / "tomograms.star", folder / "results", folder / "corrected"
    tilts: tuple[object, ...] = ("--tilt-min", -measurement.keep, "--tilt-max", measurement.keep)
    if measurement.tilt_file is not None:
        angles = [angle for angle in metadata.read_tilt_angles(measurement.tilt_file) if abs(angle) <= measurement.keep]
        files.write_text(folder / "kept.tlt", "".join(f"{angle:.2f}\n" for angle in angles))
        tilts = ("--tilt-file", folder / "kept.tlt")
    what: tuple[object, ...] = tuple(given)
    if measurement.halves:
        what = ("--even", given[0], "--odd", given[1], "--average-dir", folder / "average")
    isonet("prepare", *what, "--output", table, *tilts, "--overwrite")
    isonet("refine", table, "--output-dir", results, *refine)
    isonet("predict", table, results, "--output-dir", into)
    return [*sorted((into / "halves").glob("*_half?_corrected.mrc")), *into.glob("*_corrected.mrc")]


def withhold(measurement: Measurement, folder: Path, refine: Sequence[str]) -> Numbers:
    """Withhold, correct, compare; write `withheld.json` and `withheld.png`.

    Parameters
    ----------
    measurement : Measurement
        What was measured and what of it is withheld.
    folder : Path
        Where everything goes.
    refine : sequence of str
        Options of `isonet refine`.

    Returns
    -------
    dict
        FSC with the withheld measurement (mean of 0.04 to 0.25 cycles per voxel) and power relative to it, of the
        `unfilled` and of the `corrected` tomogram; with halves also of the `measured` halves with each other.
    """
    measured = measurement.halves or (measurement.tomogram,)
    if math.isnan(crossed(measured, measured, measurement.region).mean()):
        raise SystemExit(f"{measurement.tomogram}: too small for --keep {measurement.keep:g}; withhold more of it")
    given = [write_narrowed(path, measurement.keep, folder) for path in measured]
    *halves, whole = corrected(given, measurement, folder, refine)
    if measurement.halves and len(halves) != 2:
        raise SystemExit(f"{folder}: a method on one map cannot be compared across halves; leave out --even and --odd")
    volumes = {"unfilled": given, "corrected": halves if measurement.halves else [whole]}
    if measurement.halves:
        volumes["measured"] = list(measured)
    numbers = {}
    for name, paths in volumes.items():
        fsc = crossed(paths, measured, measurement.region)
        numbers[name] = {"fsc": fsc.mean(), "power": fsc.power(0.0)}
        print(f"{name:10} FSC with the withheld measurement, 0.04-0.25 cycles/voxel: {fsc.mean():.3f}")
        shells = zip(fsc.frequency.tolist(), fsc.correlation.tolist(), strict=True)
        print("  " + "  ".join(f"{k:.3f}:{value:.2f}" for k, value in shells if k < 0.26 and math.isfinite(value)))
    files.write_json(folder / "withheld.json", numbers)
    draw(measurement, [torch.stack([read(path) for path in given]).mean(0), read(whole)], folder)
    return numbers


def draw(measurement: Measurement, results: Sequence[Tensor], folder: Path) -> None:
    """Draw the tomogram as measured, as given and as corrected."""
    volumes = dict(zip(("measured", "unfilled", "corrected"), (read(measurement.tomogram), *results), strict=True))
    pictures = {name: -volume.numpy() for name, volume in volumes.items()}
    title = f"{measurement.tomogram.name}: everything beyond {measurement.keep:g} degrees withheld"
    pixel_size = open_volume(measurement.tomogram).header.pixel_size
    save_comparison(folder / "withheld.png", pictures, (-measurement.keep, measurement.keep), pixel_size, title)


def main() -> None:
    """Do what the command line asks for."""
    options = arguments()
    halves = () if options.even is None else (options.even, options.odd)
    tilts = (options.tilt_min, options.tilt_max)
    measurement = Measurement(options.tomogram, tilts, options.keep, halves, options.tilt_file)
    withhold(measurement, options.output_dir, options.refine)


if __name__ == "__main__":
    main()
