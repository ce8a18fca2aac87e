"""Does the filled wedge agree with images that were really recorded? Leave out the high tilts of a series.

A tomogram is reconstructed from the tilts up to `--keep` degrees alone, corrected, and compared with the one from all
tilts where only the images that were left out have measured: `--guard` Fourier pixels off all faces, which the
tomogram from the inner tilts must show to be enough. The noise of those images is in nothing that the network has seen.

    python benchmarks/real_tilts.py 00254_10Apx_f16.st --alignment 00254.xml --pixel-size 20 --thickness 104 \
        --keep 45 --guard 1.5 --output-dir real-tilts -- --preset purified --time-budget 12min

Options behind `--` go to `isonet refine`; `--model starter` corrects with that model instead of training one. What is
there is not made again. Prints a table and writes `real_tilts.json` and `real_tilts.png`.
"""

import argparse
import math
import sys
from pathlib import Path

from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison.metrics import ShellCorrelation
from isonet.core.tilts import withheld
from isonet.io import files
from isonet.io.programs import metadata
from isonet.volumes.preview import save_comparison
from withheld import compare, isonet, read

_SECTOR = 5.0  # degrees
_BANDS = ((0.04, 0.08), (0.08, 0.12), (0.12, 0.18), (0.18, 0.25))  # cycles per voxel


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("stack", type=Path)
    parser.add_argument("--alignment", type=Path, required=True)
    parser.add_argument("--pixel-size", type=float, default=20.0)
    parser.add_argument("--thickness", type=int, default=104)
    parser.add_argument("--keep", type=float, default=45.0, help="reconstruct from tilts within +- this angle")
    parser.add_argument("--guard", type=float, default=1.5, help="Fourier pixels left out beside every face")
    parser.add_argument("--model", help="a model that has seen nothing of these tilts, such as starter")
    parser.add_argument("--output-dir", type=Path, default=Path("real-tilts"))
    words = sys.argv[1:]
    behind = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:behind], argparse.Namespace(refine=words[behind + 1 :]))
    if options.model and options.refine:
        parser.error("--model: nothing is trained; leave out the options behind --")
    return options


def reconstructed(options: argparse.Namespace, folder: Path, limit: float) -> dict[str, Path]:
    """Reconstruct from the tilts within a limit; return the tomogram, its halves and its tilt file."""
    words = ("--alignment", options.alignment, "--pixel-size", options.pixel_size, "--thickness", options.thickness)
    name = options.stack.stem
    if not (folder / f"{name}.tlt").exists():
        isonet(
            *("reconstruct", options.stack, *words, "--min-tilt", -limit, "--max-tilt", limit),
            *("--output-dir", folder, "--overwrite"),
        )
    volumes = {part: folder / f"{name}_{part}.mrc" for part in ("full", "even", "odd")}
    return {**volumes, "tilts": folder / f"{name}.tlt"}


def corrected(given: dict[str, Path], options: argparse.Namespace) -> Path:
    """Train on what the inner tilts have given, unless there is a model, and correct it."""
    folder = options.output_dir
    table, results, into = folder / "tomograms.star", folder / "results", folder / "corrected"
    halves = ("--even", given["even"], "--odd", given["odd"], "--tilt-file", given["tilts"])
    if not table.exists():
        isonet("prepare", given["full"], *halves, "--output", table)
    if options.model is None and not (results / "model.safetensors").exists():
        isonet("refine", table, "--output-dir", results, *options.refine)
    isonet("predict", table, options.model or results, "--output-dir", into)
    return next(into.glob("*_corrected.mrc"))


def elsewhere(volume: Tensor) -> Tensor:
    """Return a volume moved by half its width: another place of the same tomogram."""
    return volume.roll([volume.shape[1] // 2, volume.shape[2] // 2], dims=(1, 2))


def row(name: str, found: ShellCorrelation) -> str:
    """One line of the table."""
    return f"| {name} | " + " | ".join(f"{found.mean(*band):.3f}" for band in (*_BANDS, (0.04, 0.25))) + " |"


def by_frequency(found: ShellCorrelation) -> dict[str, float]:
    """FSC of the shells that have coefficients, by their frequency in cycles per voxel."""
    shells = zip(found.frequency.tolist(), found.correlation.tolist(), strict=True)
    return {f"{frequency:.4f}": fsc for frequency, fsc in shells if math.isfinite(fsc)}


def main() -> None:
    """Do what the command line asks for."""
    options = arguments()
    folder = options.output_dir
    inner = reconstructed(options, folder / "inner", options.keep)
    every = reconstructed(options, folder / "all", 90.0)
    result = read(corrected(inner, options))
    tilts, kept = (metadata.read_tilt_angles(one["tilts"]) for one in (every, inner))
    ends = (min(kept), max(kept))
    measured, given = read(every["full"]), read(inner["full"])
    shape = fourier.spatial_shape(measured)
    region = withheld.region(shape, [(min(tilts), max(tilts))], ends, options.guard)
    sector = withheld.sectors(shape, ends, _SECTOR).expand(region.shape)
    volumes = {"only the inner tilts": given, "corrected": result, "corrected, another place": elsewhere(result)}
    curves = {name: compare(volume, measured, region) for name, volume in volumes.items()}
    for number in range(int(sector[region].max()) + 1):
        within = f"corrected, {number * _SECTOR:g} to {(number + 1) * _SECTOR:g} degrees beyond"
        curves[within] = compare(result, measured, region & (sector == number))
    print(f"FSC with all tilts beyond {ends[0]:g} and {ends[1]:g} degrees")
    print("| | " + " | ".join(f"{low:g}-{high:g}" for low, high in (*_BANDS, (0.04, 0.25))) + " |")
    print("|---" * (len(_BANDS) + 2) + "|")
    for name, curve in curves.items():
        print(row(name, curve))
    files.write_json(folder / "real_tilts.json", {name: by_frequency(curve) for name, curve in curves.items()})
    pictures = {"all tilts": -measured.numpy(), "inner tilts": -given.numpy(), "corrected": -result.numpy()}
    title = f"{options.stack.name}: tilts beyond {options.keep:g} degrees left out"
    save_comparison(folder / "real_tilts.png", pictures, ends, options.pixel_size, title)


if __name__ == "__main__":
    main()
