"""Is what fills the wedge true? Withhold a part of what was measured, and compare the prediction with it.

The tilts beyond `--keep` degrees are removed from the tomogram in Fourier space before anything else sees it; the rest
is corrected as if nothing more had been measured; then the result is compared with the withheld measurement, three
Fourier pixels off the faces of what was left:

    python benchmarks/withheld.py TOMOGRAM.mrc --tilt-min -60 --tilt-max 60 --keep 48 --output-dir withheld -- \
        --filter-base 16 --max-time 20min

Options behind `--` go to `isonet refine`. Prints a table and writes `withheld.json` and `withheld.png`.
"""

import argparse
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import torch

from isonet.core import fourier, wedge
from isonet.core.metrics import ShellCorrelation, shell_correlation
from isonet.io import files, mrc
from isonet.steps.preview import save_comparison


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tomogram", type=Path)
    parser.add_argument("--tilt-min", type=float, default=-60.0, help="measured range, degrees")
    parser.add_argument("--tilt-max", type=float, default=60.0)
    parser.add_argument("--keep", type=float, default=48.0, help="withhold everything beyond +- this angle")
    parser.add_argument("--output-dir", type=Path, default=Path("withheld"))
    words = sys.argv[1:]
    behind = words.index("--") if "--" in words else len(words)
    return parser.parse_args(words[:behind], argparse.Namespace(refine=words[behind + 1 :]))


def isonet(*words: object) -> None:
    """Run one command of isonet."""
    subprocess.run([sys.executable, "-m", "isonet", *map(str, words)], check=True)


def narrowed(volume: torch.Tensor, keep: float) -> torch.Tensor:
    """Return the volume as tilts within +-keep degrees would have measured it."""
    return wedge.apply(volume, (-keep, keep))


def compare(result: torch.Tensor, measured: torch.Tensor, region: torch.Tensor) -> ShellCorrelation:
    """FSC within a region of Fourier space, both volumes tapered over their whole width."""
    shape = fourier.spatial_shape(measured)
    window = fourier.taper(shape, max(shape))
    return shell_correlation((result - result.mean()) * window, (measured - measured.mean()) * window, region)


def main() -> None:
    """Withhold, correct, compare."""
    options = arguments()
    folder: Path = options.output_dir
    source = mrc.open_volume(options.tomogram)
    measured = torch.from_numpy(source.read())
    header = replace(source.header, labels=(*source.header.labels[:9], f"tilts within +-{options.keep:g} degrees"))
    given = folder / f"{mrc.stem(options.tomogram)}_within{options.keep:g}.mrc"
    mrc.write(given, narrowed(measured, options.keep).numpy(), header)
    table, results, corrected = folder / "tomograms.star", folder / "results", folder / "corrected"
    tilts = ("--tilt-min", -options.keep, "--tilt-max", options.keep)
    isonet("prepare", given, "--output", table, *tilts, "--overwrite")
    isonet("refine", table, "--output-dir", results, *options.refine)
    isonet("predict", table, results, "--output-dir", corrected)
    volumes = {
        "unfilled": torch.from_numpy(mrc.open_volume(given).read()),
        "corrected": torch.from_numpy(mrc.open_volume(corrected / f"{mrc.stem(given)}_corrected.mrc").read()),
    }
    region = wedge.regions(source.shape, (-options.keep, options.keep))[0]
    region &= wedge.regions(source.shape, (options.tilt_min, options.tilt_max), guard=0)[1]
    numbers = {}
    for name, volume in volumes.items():
        fsc = compare(volume, measured, region)
        numbers[name] = {"fsc": fsc.mean(), "power": float(fsc.power_ratio[(fsc.frequency < 0.25)].nanmean())}
        print(f"{name:10} FSC with the withheld measurement, 0.04-0.25 cycles/voxel: {fsc.mean():.3f}")
        shells = zip(fsc.frequency.tolist(), fsc.correlation.tolist(), strict=True)
        print("  " + "  ".join(f"{k:.3f}:{value:.2f}" for k, value in shells if k < 0.26 and math.isfinite(value)))
    files.write_json(folder / "withheld.json", numbers)
    pictures = {"measured": -measured.numpy(), **{name: -volume.numpy() for name, volume in volumes.items()}}
    title = f"{options.tomogram.name}: everything beyond {options.keep:g} degrees withheld"
    save_comparison(folder / "withheld.png", pictures, (-options.keep, options.keep), source.header.pixel_size, title)


if __name__ == "__main__":
    main()
