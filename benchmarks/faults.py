"""Let things go wrong at random moments of every step, and see whether anything is lost.

    python benchmarks/faults.py --each 4 --output faults.json

After each fault: no product under its own name may be half-written; the program must have said in one line what is
wrong and what to do, with an exit code that is not 0; when that is done (the same command again, or what a training
says to go on with), the products must be those of a run without a fault, bit for bit, and what was there in whole must
not have been made again. A run that ends well in spite of the fault must have the right products at once.

Disks are filled in a small file system in memory (needs root; without, the size of files is limited), folders are made
read-only for a user who is not root. Prints a table of survived and tried faults and, as the last line, JSON.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from failing.steps import STEPS
from failing.suffered import Laid, chosen_fault, lay, possible, suffer

FAULTS = (
    *("kill -9", "SIGTERM", "SIGINT", "disk full", "files limited", "read-only folder", "vanished input"),
    *("truncated file", "two runs", "clock jumps", "no memory", "MemoryError", "worker out of memory", "worker killed"),
)


@dataclass
class Tally:
    """Faults of one kind in one step."""

    tried: int = 0
    survived: int = 0
    struck: int = 0
    problems: list[str] = field(default_factory=list)


@contextmanager
def small_disk(size: int = 200) -> Iterator[tuple[Path, bool]]:
    """Give a folder and whether it is a file system of its own, of so many megabytes, that can be filled."""
    with tempfile.TemporaryDirectory(prefix="faults-") as around:
        folder = Path(around) / "disk"
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size}m", "tmpfs", str(folder)]
        mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
        Path(around).chmod(0o755)
        folder.chmod(0o777)
        try:
            yield folder, mounted
        finally:
            if mounted:
                subprocess.run(["umount", "--lazy", str(folder)], check=True)


def main() -> None:
    """Run as told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=2, help="faults of each kind in each step")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--faults", default=",".join(FAULTS))
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    kinds = options.faults.split(",")
    results: dict[str, dict[str, Tally]] = {}
    with small_disk() as (root, mounted):
        for name in options.steps.split(","):
            laid = lay(STEPS[name], root)
            print(f"{name}: {laid.events} file events, {laid.seconds:.1f} s", flush=True)
            results[name] = {
                kind: tally_of(laid, kind, options, root) for kind in kinds if mounted or kind != "disk full"
            }
            of = results[name].values()
            print(f"{name}: {sum(one.survived for one in of)} of {sum(one.tried for one in of)} survived", flush=True)
            for path in root.glob(f"{name}-*"):
                shutil.rmtree(path)
    print(table(results, kinds))
    text = json.dumps(
        {"seed": options.seed, "steps": {name: {k: vars(t) for k, t in of.items()} for name, of in results.items()}}
    )
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text)


def tally_of(laid: Laid, kind: str, options: argparse.Namespace, root: Path) -> Tally:
    """Let faults of one kind befall a step."""
    tally = Tally()
    for number in range(options.each if possible(kind, laid.step) else 0):
        chance = random.Random(f"{options.seed} {laid.step.name} {kind} {number}")
        fault = chosen_fault(kind, laid, chance)
        struck, problems = suffer(laid, fault, chance, root)
        tally.tried += 1
        tally.struck += struck
        tally.survived += not problems
        for problem in problems:
            print(f"    {fault}: {problem}", flush=True)
        tally.problems += problems
    return tally


def table(results: dict[str, dict[str, Tally]], kinds: list[str]) -> str:
    """Survived of tried, and in brackets how many ended the run, by fault and step."""
    lines = ["| fault | " + " | ".join(results) + " | all |", "|---" * (len(results) + 2) + "|"]
    for kind in kinds:
        every = [of.get(kind, Tally()) for of in results.values()]
        cells = [f"{one.survived}/{one.tried}" if one.tried else "-" for one in every]
        struck = sum(one.struck for one in every)
        total = f"{sum(one.survived for one in every)}/{sum(one.tried for one in every)} ({struck})"
        lines.append(f"| {kind} | {' | '.join(cells)} | {total} |")
    every = [one for of in results.values() for one in of.values()]
    lines.append(f"{sum(one.survived for one in every)} of {sum(one.tried for one in every)} survived")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
