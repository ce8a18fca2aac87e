"""How strongly should a corrected tomogram be deconvolved? Samples out of focus, compared with their truth in focus.

    python benchmarks/restored_contrast.py --output-dir contrast

Simulates samples at several defoci and signal-to-noise ratios of a projection, corrects each with the starter, once
from one map and once from halves of frames, and deconvolves what comes out with several settings, falloff and strength
as `isonet deconv` has them. Prints the correlation with the truth before (none) and after, and the FSC in and out of
the wedge before and after the first setting. What is there is not made again.
"""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from isonet.core import fourier
from isonet.core.comparison import metrics
from isonet.core.filters.ctf import Optics, WienerFilter
from withheld import isonet, read

TILTS = (-48.0, 66.0)
PIXEL_SIZE = 10.0
SHAPE = (80, 160, 160)


def numbers(text: str) -> tuple[float, ...]:
    """Numbers separated by commas."""
    return tuple(float(word) for word in text.split(","))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, default=Path("contrast"))
    parser.add_argument("--defoci", type=numbers, default=(20_000, 40_000, 60_000), help="in Å")
    parser.add_argument("--snr", type=numbers, default=(0.02, 0.06, 0.2))
    parser.add_argument("--settings", type=numbers, nargs="+", default=[(1, 2), (1, 1), (1, 3), (0.7, 2), (1.3, 2)])
    parser.add_argument("--model", default="starter")
    return parser.parse_args()


def simulated(folder: Path, defocus: float, snr: float) -> Path:
    """Simulate a crowded sample, unless it is there, and return its folder of data."""
    data = folder / "data"
    templates = Path(os.environ.get("ISONET_TEST_DATA", "../shared/data")) / "templates"
    names = ",".join(str(path) for path in sorted(templates.glob("*.mrc")) if not path.name.startswith("mb_"))
    if not (data / "full.mrc").exists():
        isonet(
            *("simulate", "--output-dir", data, "--seed", 3, "--snr", snr, "--defocus", defocus),
            *(f"--{edge}={voxels}" for edge, voxels in zip(("depth", "height", "width"), SHAPE, strict=True)),
            *("--tilt-min", TILTS[0], "--tilt-max", TILTS[1], "--tilt-step", 2),
            *("--crowding", 0.25, "--vesicles", 4, "--filaments", 2, "--species", 0, "--templates", names),
        )
    return data


def corrected(data: Path, kind: str, defocus: float, model: str) -> Path:
    """Correct a sample from one `map` or from `halves`, unless that is done."""
    table, into = data.parent / f"{kind}.star", data.parent / kind
    result = into / "full_corrected.mrc"
    if not result.exists():
        halves = ("--even", data / "even.mrc", "--odd", data / "odd.mrc") if kind == "halves" else ()
        isonet(
            *("prepare", data / "full.mrc", *halves, "--output", table, "--overwrite", "--split", "frames"),
            *("--contrast", "dark", "--defocus", defocus, "--tilt-min", TILTS[0], "--tilt-max", TILTS[1]),
        )
        isonet("predict", table, model, "--no-halves", "--output-dir", into)
    return result


def deconvolved(volume: Tensor, defocus: float, setting: Sequence[float]) -> Tensor:
    """Deconvolve a volume as a whole."""
    falloff, strength = setting
    wiener = WienerFilter(Optics(defocus), PIXEL_SIZE, falloff, strength)
    return fourier.apply(volume - volume.mean(), wiener.radial(*fourier.frequencies(SHAPE)))


def row(folder: Path, kind: str, defocus: float, snr: float, options: argparse.Namespace) -> list[str]:
    """Make one correction and compare it with the truth under all settings."""
    data = simulated(folder, defocus, snr)
    truth, before = read(data / "truth.mrc"), read(corrected(data, kind, defocus, options.model))
    after = [deconvolved(before, defocus, setting) for setting in options.settings]
    shells = [metrics.wedge_correlation(volume, truth, TILTS) for volume in (before, after[0])]
    return [
        *(kind, f"{defocus / 1e4:g}", f"{snr:g}"),
        *(f"{metrics.correlation(volume, truth):.3f}" for volume in (before, *after)),
        *("/".join(f"{both[part].mean():.3f}" for both in shells) for part in (0, 1)),
    ]


def main() -> None:
    """Print a table of all samples."""
    options = arguments()
    titles = [", ".join(f"{number:g}" for number in setting) for setting in options.settings]
    heading = ["from", "µm", "snr", "none", *titles, "FSC in", "FSC out"]
    print("| " + " | ".join(heading) + " |\n|" + "---|" * len(heading))
    for kind in ("map", "halves"):
        for defocus in options.defoci:
            for snr in options.snr:
                folder = options.output_dir / f"{defocus:g}-{snr:g}"
                print("| " + " | ".join(row(folder, kind, defocus, snr, options)) + " |", flush=True)


if __name__ == "__main__":
    main()
