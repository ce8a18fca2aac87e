"""Do the claims of `isonet validate` hold? Compare them with the truth of simulated samples.

    python benchmarks/claims.py --output-dir claims
    python benchmarks/claims.py --output-dir claims --train -- --preset purified --time-budget 10min

Six samples (three tilt ranges at two noise levels) are validated with the starter model as it is, or, with `--train`,
with a network trained by the options behind `--`; `validate` is given the truth only to measure the same curve against
it. The resolution that is claimed from the halves is compared with the one against the truth, in the same withheld
region. `missing` is the FSC with the truth in the real wedge, which `validate` cannot see; the rank correlation over
samples tells whether finer claims go with a truer wedge. Controls that must claim nothing are made from the first
sample: in the withheld region its predictions have what they predict at another place, or half a turn about the beam
away, or noise. Prints a table and writes `claims.json`.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from scipy.stats import spearmanr

from isonet.core import fourier, withheld
from isonet.io import files, mrc
from quality_cases import TILTS, WITHHELD, Case, Sample, make
from withheld import isonet, read

SHAPE = (192, 128, 192)
NOISE = (2.0, 0.6)
THRESHOLDS = ("resolution_05", "resolution_0143")
_HALF = "full_withheld_half{}_corrected.mrc"


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--withhold", type=float, default=20.0, help="degrees at each end")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--train", action="store_true", help="train for each sample instead of using the starter")
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


def validated(sample: Sample, options: argparse.Namespace, *words: object) -> dict[str, Any]:
    """Validate a sample unless that is done; return what validation.json says."""
    folder = sample.folder / ("trained" if options.train else "starter")
    result = folder / "validation.json"
    if not result.exists():
        subject = options.options if options.train else ["--model", "starter", *options.options]
        given = ("--withhold", options.withhold, "--truth", sample.truth, "--output-dir", folder)
        isonet("validate", sample.table, *given, *subject, *words)
    return json.loads(result.read_text(encoding="utf-8"))


def row(name: str, numbers: dict[str, Any]) -> dict[str, Any]:
    """Claims of one sample and what the truth says of them."""
    found = numbers["withheld"]
    claims = {f"claimed {key[11:]}": found[key] for key in THRESHOLDS}
    limited = {f"limited {key[11:]}": found[f"{key}_limited"] for key in THRESHOLDS}
    true = {f"true {key[11:]}": found["truth"][key] for key in THRESHOLDS}
    return {
        "case": name,
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
    folder = sample.folder / ("trained" if options.train else "starter")
    halves = folder / ("withheld/corrected" if options.train else "model") / "halves"
    low, high, _ = sample.case.tilts
    kept = withheld.removal(SHAPE, (low + options.withhold, high - options.withhold))
    generator = torch.Generator().manual_seed(options.seed)
    found = []
    for name in ("turned", "moved", "noise"):
        made = []
        for number in (1, 2):
            path = halves / _HALF.format(number)
            true = read(path)
            invented = {
                "turned": true.flip((1, 2)),
                "moved": true.roll((SHAPE[1] // 3, SHAPE[2] // 3), (1, 2)),
                "noise": float(true.std()) * torch.randn(SHAPE, generator=generator),
            }[name]
            pasted = fourier.apply(true, kept) + fourier.apply(invented, 1 - kept)
            made.append(sample.folder / f"{name}{number}.mrc")
            mrc.write(made[-1], pasted.numpy(), mrc.open_volume(path).header)
        out = folder.with_name(f"{folder.name}-{name}")
        given = ("--withhold", options.withhold, "--truth", sample.truth, "--output-dir", out, "--overwrite")
        isonet("validate", sample.table, *given, "--only-withhold")
        isonet("validate", sample.table, *given, "--prediction", ",".join(map(str, made)))
        found.append(row(f"{sample.case.name}, {name}", json.loads((out / "validation.json").read_text("utf-8"))))
    return found


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Largest departure of a claim from the truth, in percent, and the rank correlation with the real wedge."""
    pairs = [
        (one[f"claimed {key[11:]}"], one[f"true {key[11:]}"])
        for one in rows
        for key in THRESHOLDS
        if one[f"claimed {key[11:]}"] is not None and one[f"true {key[11:]}"] is not None
    ]
    departures = [100 * (claimed / true - 1) for claimed, true in pairs]
    ranked = [(one["claimed 0143"], one["missing"]) for one in rows if one["claimed 0143"] is not None]
    rank = spearmanr([one for one, _ in ranked], [one for _, one in ranked]).statistic if len(ranked) > 2 else math.nan
    return {
        "compared": len(pairs),
        "departure in percent, least and most": [round(min(departures), 1), round(max(departures), 1)] if pairs else [],
        "rank correlation of claimed 0143 with missing": round(float(rank), 3),
    }


def main() -> None:
    """Run as told."""
    options = arguments()
    chosen = [case for case in cases() if not options.cases or case.name in options.cases.split(",")]
    done = [make(case, options.output_dir / case.name, options.seed) for case in chosen]
    rows = [row(sample.case.name, validated(sample, options)) for sample in done]
    invented = controls(done[0], options)
    numbers = {"samples": rows, "controls": invented, **summary(rows)}
    files.write_json(options.output_dir / "claims.json", numbers)
    print(table([*rows, *invented]))
    print(json.dumps(summary(rows)))


if __name__ == "__main__":
    main()
