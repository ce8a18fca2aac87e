"""Draw how far several validations agree with what was withheld: one curve each, in one picture.

    python benchmarks/judging/compare_validations.py "starter=v-starter" "from nothing=v-scratch" --output three.png

Each is a name and the folder that `isonet validate` wrote. What is drawn is the FSC of each half's prediction with the
other half's own planes, which is there even where no resolution can be claimed. The controls are those of the last one.
"""

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

mpl.use("Agg")
_CONTROLS = {"unfilled": "--", "shuffled": ":"}


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("validations", nargs="+", metavar="NAME=FOLDER")
    parser.add_argument("--output", type=Path, default=Path("validations.png"))
    options = parser.parse_args()
    figure = Figure((6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for given in options.validations:
        name, _, folder = given.rpartition("=")
        withheld = json.loads((Path(folder) / "validation.json").read_text(encoding="utf-8"))["withheld"]
        curves = {curve: np.array(values, dtype=float) for curve, values in withheld["curves"].items()}
        frequency = 1 / curves["resolution"]
        axes.plot(frequency, curves["agreement"], label=f"{name}: mean {withheld['agreement']:.3f}")
        print(f"{name}: mean FSC {withheld['agreement']:.3f}, controls {withheld['controls']}")
    for control, style in _CONTROLS.items():
        axes.plot(frequency, curves[control], color="0.5", linestyle=style, label=control)
    ticks = np.linspace(frequency[0], frequency[-1], 7)
    axes.set_xticks(ticks, [f"{1 / tick:.0f}" for tick in ticks])
    axes.set(xlabel="resolution (Å)", ylabel="FSC with the other half's own planes")
    axes.axhline(0, color="0.6", lw=0.8)
    axes.legend(fontsize=8)
    figure.savefig(options.output, dpi=100)


if __name__ == "__main__":
    main()
