"""What do more steps of the starter bring? Correct a simulated sample with every starter that was shipped.

    python benchmarks/quality.py --output-dir quality --cases unseen --methods starter
    python benchmarks/starters.py quality/unseen --output docs/figures/starters.png

Takes the folder of a sample as `quality.py` leaves it. The starters are those of this repository's history, so it
needs a clone with it. Prints a table and, as the last line, the same as JSON, and draws the scores against the steps.
"""

import argparse
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from isonet.io.checkpoint import load_model
from judging.cases import Sample, made
from judging.score import MEASURES, measures
from quality import corrected

_ROOT = Path(__file__).parents[1]
_SHIPPED = "src/isonet/models/starter.safetensors"


def shipped(folder: Path) -> dict[str, Path]:
    """Write every starter of the history into a folder; return them by their commits, oldest first."""
    commits = _git("log", "--reverse", "--diff-filter=AM", "--format=%h", "--", _SHIPPED).decode().split()
    found = {commit: folder / f"{commit}.safetensors" for commit in commits}
    for commit, path in found.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_git("show", f"{commit}:{_SHIPPED}"))
    return found


def _git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=_ROOT, check=True, stdout=subprocess.PIPE).stdout


def steps(about: Mapping[str, Any] | None) -> int:
    """Count the steps of a starter, and of those that it began with."""
    return 0 if about is None else int(about["steps"]) + steps(about.get("started_from"))


def scored(sample: Sample, folder: Path) -> list[dict[str, Any]]:
    """Numbers of each starter on a sample, fewest steps first."""
    found: list[dict[str, Any]] = []
    for commit, model in shipped(folder).items():
        result = corrected(sample.table, model, folder / commit)
        done = steps(load_model(model)[1])
        found.append({"commit": commit, "steps": done, **measures(sample, result)})
    return sorted(found, key=lambda one: int(one["steps"]))


def draw(found: list[dict[str, Any]], path: Path) -> None:
    """Draw each measure against the steps."""
    figure = Figure((9, 3), layout="constrained")
    done = [one["steps"] for one in found]
    for axes, (measure, title) in zip(figure.subplots(1, len(MEASURES)), MEASURES.items(), strict=True):
        axes.plot(done, [one[measure] for one in found], "o-")
        axes.set(xscale="log", xlabel="steps", title=title)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sample", type=Path, help="folder of a sample, named after its case")
    parser.add_argument("--output", type=Path, default=Path("starters.png"))
    options = parser.parse_args()
    sample = made(options.sample)
    found = scored(sample, options.sample / "starters")
    print("| steps | inside | outside | correlation | commit |\n|---|---|---|---|---|")
    for one in found:
        numbers = " | ".join(f"{one[measure]:.3f}" for measure in MEASURES)
        print(f"| {one['steps']} | {numbers} | {one['commit']} |")
    draw(found, options.output)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
