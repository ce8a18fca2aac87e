"""How good is a training after each of its iterations? Correct a simulated sample with every model that was kept.

    python benchmarks/quality.py --output-dir quality --cases 60-0.6 --methods noise2noise:purified --time-budget 40min
    python benchmarks/iterations.py quality/60-0.6 quality/60-0.6/noise2noise-purified-40min --output iterations.png

Takes the folder of a sample and those of trainings on it, as `quality.py` leaves them. Only the last model of a
training has gone the whole way down with its learning rate. Prints a table and, as the last line, the same as JSON,
and draws the curves.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from judging.cases import Sample, made
from judging.score import MEASURES, measures
from quality import corrected


def over_iterations(sample: Sample, training: Path) -> list[dict[str, Any]]:
    """Numbers of each model of a training that was kept, first to last."""
    found: list[dict[str, Any]] = []
    for model in sorted((training / "results").glob("model_iter*.safetensors")):
        number = int(model.stem.removeprefix("model_iter"))
        result = corrected(sample.table, model, training / f"iterations/{number:02d}")
        found.append({"training": training.name, "iteration": number, **measures(sample, result)})
    return found


def draw(found: list[dict[str, Any]], path: Path) -> None:
    """Draw each measure over the iterations, a line for each training."""
    figure = Figure((9, 3), layout="constrained")
    for axes, (measure, title) in zip(figure.subplots(1, len(MEASURES)), MEASURES.items(), strict=True):
        for training in dict.fromkeys(one["training"] for one in found):
            own = [one for one in found if one["training"] == training]
            axes.plot([one["iteration"] for one in own], [one[measure] for one in own], "o-", label=training)
        axes.set(xlabel="iteration", title=title)
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path, help="folder of a sample, named after its case")
    parser.add_argument("trainings", type=Path, nargs="+", help="folders of trainings on it")
    parser.add_argument("--output", type=Path, default=Path("iterations.png"))
    options = parser.parse_args()
    sample = made(options.sample)
    found = [one for training in options.trainings for one in over_iterations(sample, training)]
    print("| training | iteration | inside | outside | correlation |\n|---|---|---|---|---|")
    for one in found:
        numbers = " | ".join(f"{one[measure]:.3f}" for measure in MEASURES)
        print(f"| {one['training']} | {one['iteration']} | {numbers} |")
    draw(found, options.output)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
