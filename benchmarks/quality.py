"""Which recipe fills the wedge best in a given time? Simulated samples with truth, and one table.

    python benchmarks/quality.py --output-dir quality --time-budget 20min
    python benchmarks/quality.py --output-dir quality --cases 60-0.6,asym-0.6 --methods input,noise2noise:wedge1
    python benchmarks/quality.py --output-dir quality --quick
    python benchmarks/quality.py --output-dir quality --cases 60-0.6 --steps 400 --methods noise2noise:purified+medium
    python benchmarks/quality.py --output-dir quality --cases empiar --methods isonet,noise2noise

Methods are `truth` (what a perfect result scores), `input` (deconvolved where there is a defocus),
`total-variation` (a prior instead of a network), `starter` (the model that comes with the program, not trained on the
sample), `tailored` (the starter, trained on simulations that are shown as the sample is), those of `isonet refine`, and
these with an ablation behind a colon.
Every run has a folder of its own, `<output-dir>/<case>/<method>-<time budget or steps>`; one that is done is not
done again, so that the same command goes on after an interruption; without its `score.json` it is only judged anew.
The case `empiar` is the withheld-tilt score of a real tomogram, see `withheld.py`. Prints a markdown table, which is
also in `quality.md`, and its numbers in `quality.json`.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from isonet.io import files, mrc
from isonet.io.formats import open_volume
from judging import cases as samples
from judging import total_variation
from judging.cases import Sample
from judging.score import Score, markdown, score
from withheld import Measurement, isonet, read, withhold

ABLATIONS: dict[str, tuple[str, ...]] = {
    "wedge1": ("--wedge-weight", "1"),
    "wedge20": ("--wedge-weight", "20"),
    "plain": ("--loss-weighting", "none"),
    "residual": ("--residual",),
    "direct": ("--no-residual",),
    "adamw": ("--optimizer", "adamw", "--learning-rate", "3e-3"),
    "paper-start": ("--initialization", "paper"),
    "rotations": ("--random-rotations", "0.5"),
    "no-average": ("--weight-averaging", "0"),
    "constant": ("--schedule", "constant"),
    "slow": ("--learning-rate", "1e-3"),
    "purified": ("--preset", "purified"),
    "paper": ("--preset", "paper", "--arch", "small"),
    "batch4": ("--batch-size", "4"),
    "cube64": ("--cube-size", "64", "--crop-size", "64"),
    "seed1": ("--seed", "1"),
    "cold": ("--from-scratch",),
    "medium": ("--arch", "medium"),
    "wide": ("--arch", "paper"),
    "drop": ("--drop-out", "0.3"),
    "no-drop": ("--drop-out", "0"),
    "instance": ("--normalization", "instance"),
    "fast": ("--learning-rate", "1e-2"),
}
"""Options of `isonet refine` for each ablation; `noise2noise:wedge1+rotations` has both."""
METHODS = ("isonet", "noise2noise", "denoise", "recorrupted")
WITHOUT_TRAINING = ("truth", "input", "total-variation", "starter", "tailored")
QUICK_METHODS = ("truth", "input", "total-variation", "isonet", "noise2noise")
EMPIAR = "empiar"
STEPS_OF_ITERATION = 50
SUBVOLUMES_OF_ITERATION = 12
Run = tuple[str, str, Score]


def arguments() -> argparse.Namespace:
    """Read the command line and check the names in it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, default=Path("quality"))
    parser.add_argument("--cases", help="names separated by commas; all but quick and empiar if left out")
    parser.add_argument("--methods", help="names separated by commas, all without ablations if left out")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--time-budget", help="of each training, 20min if left out; 2min with --quick")
    length.add_argument("--steps", type=int, help=f"of each training, in iterations of {STEPS_OF_ITERATION}")
    parser.add_argument("--seed", type=int, default=3, help="of the samples")
    parser.add_argument("--quick", action="store_true", help="one small sample and two minutes for each method")
    parser.add_argument("--list", action="store_true", help="name the cases and ablations, and do nothing")
    given = parser.parse_args()
    known = [*samples.all_cases(), EMPIAR]
    usual = ["quick"] if given.quick else known[:-2]
    methods = QUICK_METHODS if given.quick else (*WITHOUT_TRAINING, *METHODS)
    given.cases = given.cases.split(",") if given.cases else usual
    given.methods = given.methods.split(",") if given.methods else list(methods)
    if given.steps is not None and (given.steps < 1 or given.steps % STEPS_OF_ITERATION):
        parser.error(f"--steps: {given.steps} is no multiple of {STEPS_OF_ITERATION}")
    given.amount = f"{given.steps}steps" if given.steps else given.time_budget or ("2min" if given.quick else "20min")
    if given.list:
        lines = (f"{name:12} {' '.join(words)}" for name, words in ABLATIONS.items())
        parser.exit(message="\n".join(["Cases:", *known, "Ablations:", *lines]) + "\n")
    for name in given.cases:
        if name not in known:
            parser.error(f"--cases: no case {name}; there are {', '.join(known)}")
    for name in given.methods:
        method, _, ablations = name.partition(":")
        wrong = [part for part in ablations.split("+") if part and part not in ABLATIONS]
        if wrong or method not in (METHODS if ablations else (*WITHOUT_TRAINING, *METHODS)):
            parser.error(f"--methods: no method {name}; --list names the ablations")
    return given


def flags(method: str, case_flags: Sequence[str], amount: str) -> list[str]:
    """Options of `isonet refine` for a method with its ablations, and for a time or a number of steps."""
    name, _, ablations = method.partition(":")
    extra = [word for part in ablations.split("+") if part for word in ABLATIONS[part]]
    return ["--method", name, *_lasting(amount), *case_flags, *extra]


def _lasting(amount: str) -> list[str]:
    """Options for a training of a time (`20min`) or of a number of steps (`400steps`)."""
    if not amount.endswith("steps"):
        return ["--time-budget", amount]
    iterations = int(amount.removesuffix("steps")) // STEPS_OF_ITERATION
    each = ("--epochs", "1", "--steps-per-epoch", str(STEPS_OF_ITERATION))
    return ["--iterations", str(iterations), *each, "--number-subtomos", str(SUBVOLUMES_OF_ITERATION)]


def trained(sample: Sample, method: str, folder: Path, amount: str) -> tuple[Path, Path, float]:
    """Train on a sample, correct it and its empty ice; return both and the seconds that the training took."""
    results, done = folder / "results", folder / "trained.json"
    if not done.exists():
        started, words = time.monotonic(), flags(method, sample.case.refine, amount)
        isonet("refine", sample.table, "--output-dir", results, "--overwrite", "--keep-models", 99, *words)
        files.write_json(done, {"seconds": time.monotonic() - started, "refine": words})
    result, ice = (corrected(table, results, folder) for table in (sample.table, sample.ice_table))
    return result, ice, float(json.loads(done.read_text())["seconds"])


def corrected(table: Path, model: Path | str, folder: Path) -> Path:
    """Correct the tomogram of a table and return the result."""
    isonet("predict", table, model, "--no-halves", "--output-dir", folder / table.stem)
    return next((folder / table.stem).glob("*_corrected.mrc"))


def untrained(sample: Sample, method: str, folder: Path) -> tuple[Path, Path, float]:
    """Return a sample and its empty ice as given, as they truly are, or as a prior or the starter makes them."""
    given, ice = sample.given(sample.table), sample.given(sample.ice_table)
    if method == "input":
        return given, ice, math.nan
    if method == "truth":
        nothing = folder / "ice.mrc"
        mrc.write(nothing, 0 * open_volume(ice).read(), open_volume(ice).header)
        return sample.truth, nothing, math.nan
    sigma, started = float(read(ice).std()), time.monotonic()
    if method in ("starter", "tailored"):
        model: Path | str = "starter" if method == "starter" else folder / "model"
        if method == "tailored" and not (folder / "model").exists():
            isonet("refine", sample.table, "--method", "tailored", "--output-dir", model)
        made = [corrected(table, model, folder) for table in (sample.table, sample.ice_table)]
        return made[0], made[1], (time.monotonic() - started) / 2
    written = []
    for source in (given, ice):
        volume = total_variation.reconstruct(read(source), sample.case.tilts[:2], sigma)
        written.append(folder / f"{source.parent.name}_corrected.mrc")
        mrc.write(written[-1], volume.numpy(), open_volume(source).header)
    return written[0], written[1], (time.monotonic() - started) / 2


def judged(sample: Sample, method: str, folder: Path, amount: str) -> Score:
    """Run one method on one sample and judge it."""
    folder.mkdir(parents=True, exist_ok=True)
    by_training = method.split(":", maxsplit=1)[0] in METHODS
    result, ice, seconds = trained(sample, method, folder, amount) if by_training else untrained(sample, method, folder)
    numbers, sectors = score(sample, result, ice)
    if not math.isnan(seconds):
        numbers["seconds"] = seconds
    files.write_json(folder / "sectors.json", sectors)
    return numbers


def real(method: str, folder: Path, amount: str) -> Score:
    """Withheld-tilt score of EMPIAR-10499: on halves for methods on halves, before and after, and its ceiling."""
    data = Path(os.environ.get("ISONET_TEST_DATA", "../shared/data")) / "empiar10499"
    full, even, odd = (data / f"00254_wbp_20Apx_{name}_f16.mrc" for name in ("full", "even", "odd"))
    one_map = method.startswith(("isonet", "recorrupted"))
    measurement = Measurement(
        *(full, (-60.0, 60.0), 48.0),
        halves=() if one_map else (even, odd),
        tilt_file=None if one_map else data / "tiltseries/00254.tlt",
    )
    found = withhold(measurement, folder, flags(method, ("--overwrite",), amount))
    return {f"withheld_{name}": numbers["fsc"] for name, numbers in found.items()}


def once(folder: Path, run: Callable[[], Score]) -> Score:
    """Return the numbers of a run, made now unless they are there."""
    path = folder / "score.json"
    if not path.exists():
        files.write_json(path, run())
    found: Score = json.loads(path.read_text())
    return found


def one_case(name: str, options: argparse.Namespace) -> list[Run]:
    """Run all methods on one case."""
    home: Path = options.output_dir / name
    sample = None if name == EMPIAR else samples.make(samples.all_cases()[name], home, options.seed)
    rows: list[Run] = []
    for method in options.methods:
        training = method.split(":")[0] in METHODS
        folder = home / (f"{method.replace(':', '-')}-{options.amount}" if training else method)
        if sample is not None:
            numbers = once(folder, partial(judged, sample, method, folder, options.amount))
        elif training:
            numbers = once(folder, partial(real, method, folder, options.amount))
        else:
            continue
        rows.append((name, method, numbers))
    return rows


def main() -> None:
    """Run what is asked for, print the table and write the numbers."""
    options = arguments()
    rows: list[Run] = []
    for name in options.cases:
        rows += one_case(name, options)
        listed = [{"case": case, "method": method, **numbers} for case, method, numbers in rows]
        about = {"trained": options.amount, "seed": options.seed, "rows": listed}
        files.write_json(options.output_dir / "quality.json", about)
        files.write_text(options.output_dir / "quality.md", markdown(rows) + "\n")
    print(markdown(rows))


if __name__ == "__main__":
    main()
