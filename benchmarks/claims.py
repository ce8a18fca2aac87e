"""Do the claims of `isonet validate` hold? Compare them with the truth of simulated samples.

    python benchmarks/claims.py --output-dir claims
    python benchmarks/claims.py --output-dir claims --subject starter
    python benchmarks/claims.py --output-dir claims --subject trained -- --preset purified --time-budget 10min
    python benchmarks/claims.py --output-dir claims --samples thick --withhold 30

Six samples (three tilt ranges at two noise levels) are validated; `validate` is given the truth only to measure the
same curve against it. What is validated is `graded`, a prediction whose FSC with the truth is known (in the withheld
region it is the truth, and from 70 A on more and more the truth of another place), the starter model as it is, or a
network trained by the options behind `--`. The resolution that is claimed from the halves is compared with the one
against the truth, in the same withheld region. `missing` is the FSC with the truth in the real wedge, which `validate`
cannot see; the rank correlation over samples tells whether larger claims go with a truer wedge (`graded` says nothing
of it). Where a claim is limited by the end of what can be measured it is not compared. Controls that must claim
nothing are made from the first sample: in the withheld region its predictions have what they predict at another place,
or half a turn away, or noise. Prints a table and writes a JSON file.

`--samples thick` are ten others, 96 to 128 voxels thick, with halves from every other tilt; two of them are all but
noise, and must claim nothing either.
"""

import argparse
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr
from torch import Tensor

from isonet.core import fourier
from isonet.core.tilts import wedge
from isonet.io import files, mrc
from isonet.io.formats import open_volume
from judging.cases import TILTS, WITHHELD, Case, Sample, make
from withheld import isonet, read

SHAPE = (192, 128, 192)
NOISE = (8.0, 2.0)
GRADE = {"thin": 10 / 70, "thick": 10 / 55}  # cycles per voxel where the FSC of graded predictions is 0.5
THRESHOLDS = ("resolution_05", "resolution_0143")


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--withhold", type=float, default=20.0, help="degrees at each end")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--subject", choices=("graded", "starter", "trained"), default="graded")
    parser.add_argument("--samples", choices=("thin", "thick"), default="thin")
    parser.add_argument("--cases", default="", help="names separated by commas; all if left out")
    parser.add_argument("options", nargs="*", help="of isonet validate, behind --")
    return parser.parse_args()


def cases() -> list[Case]:
    """Samples of particles that the starter model has not seen."""
    return [
        Case(f"{name}-{snr:g}", tilts, snr, shape=SHAPE, templates=WITHHELD)
        for name, tilts in TILTS.items()
        for snr in NOISE
    ]


def thick_cases() -> list[Case]:
    """Samples in which halves from every other tilt share little; nothing is to be found in the last two."""

    def case(name: str, tilts: tuple[int, int, int], snr: float, depth: int, pixel_size: float = 10.0) -> Case:
        shape = (depth, 128, 256)
        return Case(name, tilts, snr, shape=shape, templates=WITHHELD, split="tilts", pixel_size=pixel_size)

    return [
        case("60-2", TILTS["60"], 2, 96),
        case("60-0.6", TILTS["60"], 0.6, 96),
        case("51-1", (-51, 51, 3), 1, 112),
        case("asym-1", TILTS["asym"], 1, 96),
        case("fine-0.6", (-60, 60, 2), 0.6, 128),
        case("60-2-20A", TILTS["60"], 2, 96, 20),
        case("60-0.6-20A", TILTS["60"], 0.6, 112, 20),
        case("50-1-20A", (-50, 50, 2), 1, 96, 20),
        case("noise", TILTS["60"], 1e-4, 96),
        case("noise-20A", (-54, 54, 3), 1e-3, 96, 20),
    ]


def validated(sample: Sample, options: argparse.Namespace) -> dict[str, Any]:
    """Validate a sample unless that is done; return what validation.json says."""
    folder = sample.folder / options.subject
    result = folder / "validation.json"
    if not result.exists():
        if options.subject == "graded":
            return scored(sample, folder, options, graded(sample, options))
        subject = options.options if options.subject == "trained" else ["--model", "starter", *options.options]
        isonet("validate", sample.table, *given(sample, folder, options), *subject)
    return read_json(result)


def given(sample: Sample, folder: Path, options: argparse.Namespace) -> tuple[object, ...]:
    """Options of all validations of a sample."""
    return ("--withhold", options.withhold, "--truth", sample.truth, "--output-dir", folder)


def scored(sample: Sample, folder: Path, options: argparse.Namespace, predictions: Sequence[Tensor]) -> dict[str, Any]:
    """Validate predictions from both halves that were made here."""
    paths = [folder.parent / f"{folder.name}{number}.mrc" for number in (1, 2)]
    for path, prediction in zip(paths, predictions, strict=True):
        mrc.write(path, prediction.numpy(), open_volume(sample.truth).header)
    isonet("validate", sample.table, *given(sample, folder, options), "--only-withhold")
    isonet("validate", sample.table, *given(sample, folder, options), "--prediction", ",".join(map(str, paths)))
    return read_json(folder / "validation.json")


def read_json(path: Path) -> dict[str, Any]:
    """Read what `validate` has written."""
    return dict(json.loads(path.read_text(encoding="utf-8")))


def kept(sample: Sample, options: argparse.Namespace) -> Tensor:
    """Weights of what is not withheld from a sample."""
    low, high, _ = sample.case.tilts
    return wedge.weight(sample.case.shape, (low + options.withhold, high - options.withhold))


def graded(sample: Sample, options: argparse.Namespace) -> list[Tensor]:
    """Predictions whose FSC with the truth in the withheld region falls from 1 to 0, through 0.5 at `GRADE`."""
    truth, shape = read(sample.truth), sample.case.shape
    true = 1 / (1 + (fourier.radial_frequency(shape) / GRADE[options.samples]) ** 8)
    elsewhere = truth.roll((shape[1] // 2, shape[2] // 2), (1, 2))
    filled = fourier.apply(truth, true) + fourier.apply(elsewhere, (1 - true.square()).sqrt())
    measured = [read(sample.folder / f"data/{half}.mrc") for half in ("even", "odd")]
    return [pasted(half, filled, kept(sample, options)) for half in measured]


def pasted(volume: Tensor, invented: Tensor, weights: Tensor) -> Tensor:
    """Put something in the place of what is withheld."""
    return fourier.apply(volume, weights) + fourier.apply(invented, 1 - weights)


def row(name: str, numbers: dict[str, Any]) -> dict[str, Any]:
    """Claims of one sample and what the truth says of them."""
    found = numbers["withheld"]
    claims = {f"claimed {key[11:]}": found[key] for key in THRESHOLDS}
    limited = {f"limited {key[11:]}": found[f"{key}_limited"] for key in THRESHOLDS}
    true = {f"true {key[11:]}": found["truth"][key] for key in THRESHOLDS}
    known = [value for value in found["curves"]["claimed"] if value is not None]
    mean = round(sum(known) / len(known), 3) if known else None
    return {
        "case": name,
        "mean claimed": mean,
        "measurable": found["measurable"],
        **claims,
        **limited,
        **true,
        "missing": numbers["truth"]["missing"],
    }


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Rows as a table."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|---" * len(rows[0]) + "|"]
    lines += ["| " + " | ".join("-" if value is None else str(value) for value in one.values()) + " |" for one in rows]
    return "\n".join(lines)


def controls(sample: Sample, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Claims for the sample's predictions with something invented in the withheld region: all must be none."""
    halves = [read(path) for path in predictions_of(sample, options)]
    shape, generator = sample.case.shape, torch.Generator().manual_seed(options.seed)
    invent: dict[str, Callable[[Tensor], Tensor]] = {
        "half a turn": lambda true: true.flip((1, 2)),
        "another place": lambda true: true.roll((shape[1] // 3, shape[2] // 3), (1, 2)),
        "noise": lambda true: float(true.std()) * torch.randn(shape, generator=generator),
    }
    weights = kept(sample, options)
    return [
        row(
            f"{sample.case.name}, {name}",
            scored(
                sample,
                sample.folder / f"{options.subject}-{name.replace(' ', '-')}",
                options,
                [pasted(half, invention(half), weights) for half in halves],
            ),
        )
        for name, invention in invent.items()
    ]


def predictions_of(sample: Sample, options: argparse.Namespace) -> list[Path]:
    """Predictions from both halves that were validated."""
    folder = sample.folder / options.subject
    if options.subject == "graded":
        return [sample.folder / f"graded{number}.mrc" for number in (1, 2)]
    corrected = folder / ("withheld/corrected" if options.subject == "trained" else "model")
    return [corrected / f"halves/full_withheld_half{number}_corrected.mrc" for number in (1, 2)]


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Largest departures of claims from the truth, in percent, and the rank correlation with the real wedge."""
    pairs = [
        (one[f"claimed {key[11:]}"], one[f"true {key[11:]}"])
        for one in rows
        for key in THRESHOLDS
        if not one[f"limited {key[11:]}"] and None not in (one[f"claimed {key[11:]}"], one[f"true {key[11:]}"])
    ]
    if not pairs:
        return {"compared": 0}
    departures = [100 * (claimed / true - 1) for claimed, true in pairs]
    ranked = [(one["mean claimed"], one["missing"]) for one in rows if one["mean claimed"] is not None]
    rank = spearmanr([one for one, _ in ranked], [one for _, one in ranked]).statistic if len(ranked) > 2 else math.nan
    return {
        "compared": len(pairs),
        "departure in percent, least and most": [round(min(departures), 1), round(max(departures), 1)],
        "rank correlation of mean claimed with missing": round(float(rank), 3) if math.isfinite(rank) else None,
    }


def main() -> None:
    """Run as told."""
    options = arguments()
    thick = options.samples == "thick"
    seeded = [(case, options.seed + number * thick) for number, case in enumerate(thick_cases() if thick else cases())]
    chosen = [(case, seed) for case, seed in seeded if not options.cases or case.name in options.cases.split(",")]
    done = [make(case, options.output_dir / case.name, seed) for case, seed in chosen]
    rows = [row(sample.case.name, validated(sample, options)) for sample in done]
    invented = controls(done[0], options)
    numbers = {"samples": rows, "controls": invented, **summary(rows)}
    files.write_json(options.output_dir / f"{options.subject}.json", numbers)
    print(table([*rows, *invented]))
    print(json.dumps(summary(rows)))


if __name__ == "__main__":
    main()
