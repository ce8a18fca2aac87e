"""Does the filled wedge agree with images that were really recorded? Leave out the high tilts of a series.

A tomogram is reconstructed from the tilts up to `--keep` degrees alone, corrected, and compared with the one from all
tilts where only the images that were left out have measured: `--guard` Fourier pixels off all faces, which the
tomogram from the inner tilts must show to be enough. The noise of those images is in nothing that the network has seen.
Gold beads are left out of both. Chance is in brackets: the same at other places of the tomogram.

    python benchmarks/real_tilts.py 00254_10Apx_f16.st --alignment 00254.xml --pixel-size 20 --thickness 104 \
        --keep 45 --guard 1.5 --output-dir real-tilts -- --preset purified --time-budget 12min

Options behind `--` go to `isonet refine`; `--model starter` corrects with that model instead of training one. What is
there is not made again. Prints a table and writes `real_tilts.json` and `real_tilts.png`.
"""

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison.metrics import ShellCorrelation
from isonet.core.masks.beads import Bead, Patch
from isonet.core.tilts import withheld
from isonet.io import files
from isonet.io.formats import open_volume
from isonet.io.programs import metadata
from isonet.volumes.beads import find_beads
from isonet.volumes.preview import mean_balance, save_comparison, wedge_balance
from withheld import compare, isonet, read

_SECTOR = 5.0  # degrees
_ELSEWHERE = ((79, 0), (157, 163), (0, 101))  # voxels along y and x
_BANDS = ((0.08, 0.12), (0.12, 0.18), (0.18, 0.25))  # cycles per voxel


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
        isonet("mask", table, "--output-dir", folder / "mask")
    if options.model is None and not (results / "model.safetensors").exists():
        isonet("refine", table, "--output-dir", results, *options.refine)
    isonet("predict", table, options.model or results, "--output-dir", into)
    return next(into.glob("*_corrected.mrc"))


def without_beads(volume: Tensor, beads: Sequence[Bead]) -> Tensor:
    """Return a volume about its mean, with zeros in place of gold beads."""
    kept = np.ones(tuple(volume.shape), np.float32)
    depth, height, width = kept.shape
    for bead in beads:
        part = Patch(bead, (0, 0)).within((slice(0, depth), slice(0, height), slice(0, width)))
        if part is not None:
            kept[part] = np.minimum(kept[part], 1 - bead.cover(part))
    weights = torch.from_numpy(kept)
    return weights * (volume - (weights * volume).sum() / weights.sum())


def compared(volume: Tensor, measured: Tensor, region: Tensor) -> tuple[ShellCorrelation, list[ShellCorrelation]]:
    """FSC of a volume with what was measured, and that of other places of the same volume."""
    moved = [volume.roll(shift, dims=(1, 2)) for shift in _ELSEWHERE]
    return compare(volume, measured, region), [compare(one, measured, region) for one in moved]


def row(name: str, found: ShellCorrelation, chance: Sequence[ShellCorrelation]) -> str:
    """One line of the table: each band's FSC and, in brackets, chance."""
    numbers = (
        f"{found.mean(*band):.3f} ({sum(abs(one.mean(*band)) for one in chance) / len(chance):.3f})"
        for band in (*_BANDS, (0.04, 0.25))
    )
    return f"| {name} | " + " | ".join(numbers) + " |"


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
    beads = find_beads(open_volume(every["full"]), -1)
    measured, given, found = (without_beads(one, beads) for one in (read(every["full"]), read(inner["full"]), result))
    shape = fourier.spatial_shape(measured)
    region = withheld.region(shape, [(min(tilts), max(tilts))], ends, options.guard)
    sector = withheld.sectors(shape, ends, _SECTOR).expand(region.shape)
    volumes = {"only the inner tilts": given, "corrected": found}
    curves = {name: compared(volume, measured, region) for name, volume in volumes.items()}
    for number in range(int(sector[region].max()) + 1):
        within = f"corrected, {number * _SECTOR:g} to {(number + 1) * _SECTOR:g} degrees beyond"
        curves[within] = compared(found, measured, region & (sector == number))
    print(f"FSC with all tilts beyond {ends[0]:g} and {ends[1]:g} degrees, without {len(beads)} gold beads")
    print("| | " + " | ".join(f"{low:g}-{high:g}" for low, high in (*_BANDS, (0.04, 0.25))) + " |")
    print("|---" * (len(_BANDS) + 2) + "|")
    for name, curve in curves.items():
        print(row(name, *curve))
    print(f"power in the wedge over that outside: {mean_balance(wedge_balance(found.numpy(), ends)):.2f}")
    files.write_json(folder / "real_tilts.json", {name: by_frequency(curve[0]) for name, curve in curves.items()})
    pictures = {"all tilts": -measured.numpy(), "inner tilts": -given.numpy(), "corrected": -found.numpy()}
    title = f"{options.stack.name}: tilts beyond {options.keep:g} degrees left out"
    save_comparison(folder / "real_tilts.png", pictures, ends, options.pixel_size, title)


if __name__ == "__main__":
    main()
