"""Feed damaged files to every parser, and count what they do.

    python benchmarks/fuzz.py --cases 100000 --output fuzz.json

A parser must return, or raise an `InputError` in one line that names the file, within `--seconds` of processor time
and 1 GB of memory. Cases are made from valid files (written here, and those of other programs in
`$ISONET_TEST_DATA/metadata`) by `fuzz_mutations.py`; those that reach lines of the program not reached before join the
files that more are made from. Each parser has a process of its own, so that a crash is counted too. Prints a table and,
as the last line, JSON.
"""

import argparse
import json
import multiprocessing
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from fuzzing.mutations import damaged
from fuzzing.targets import TARGETS, Target
from isonet.errors import InputError

_MEMORY = 1_000_000_000  # bytes a parser may take beyond what the process has
_LONGEST_KEPT = 60_000


class TooSlowError(BaseException):
    """A parser took more processor time than it may."""


@dataclass
class Tally:
    """What the cases of one parser came to."""

    cases: int = 0
    read: int = 0
    refused: int = 0
    corpus: int = 0
    slowest: float = 0.0
    failures: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Tally") -> "Tally":
        """Return the tally of both."""
        return Tally(
            self.cases + other.cases,
            self.read + other.read,
            self.refused + other.refused,
            self.corpus + other.corpus,
            max(self.slowest, other.slowest),
            self.failures + other.failures,
        )

    def row(self) -> str:
        """Columns of the table."""
        failed = self.failures.total()
        return f"| {self.cases} | {self.read} | {self.refused} | {self.corpus} | {self.slowest:.2f} | {failed} |"


def judged(read: Callable[[Path], object], path: Path, seconds: float) -> str | None:
    """Tell how a parser took a file: None where it read it, `refused`, or what is wrong with it."""

    def late(_number: int, _frame: FrameType | None) -> None:
        raise TooSlowError

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        read(path)
    except InputError as error:
        return "refused" if path.name in str(error) and "\n" not in str(error) else f"message: {str(error)[:150]!r}"
    except TooSlowError:
        return f"took more than {seconds:g} s"
    except Exception as error:
        return f"{type(error).__name__}: {' '.join(str(error).split())[:80]}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return None


class Novelty:
    """Tells whether lines of this program were reached that never were before."""

    def __init__(self) -> None:
        self._seen: set[tuple[CodeType, int]] = set()
        self._new = False

    def __enter__(self) -> "Novelty":
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, _event: str, _: object) -> Any:
        return self._line if "/isonet/" in frame.f_code.co_filename else None

    def _line(self, frame: FrameType, _event: str, _: object) -> Any:
        place = frame.f_code, frame.f_lineno
        if place not in self._seen:
            self._seen.add(place)
            self._new = True
        return self._line

    def taken(self) -> bool:
        """Tell, and begin anew."""
        new, self._new = self._new, False
        return new


def fuzz(
    target: Target,
    cases: range,
    seed: int,
    seconds: float,
    folder: Path,
    told: Callable[[int], None] = lambda _: None,
    keep: Path | None = None,
) -> Tally:
    """Feed one parser with damaged files, the cases of some numbers."""
    tally, corpus = Tally(), target.valid()
    valid = len(corpus)
    with Novelty() as novelty:
        for number in cases:
            told(number)
            chance = random.Random(f"{seed} {target.name} {number}")
            raw = damaged(chance, corpus)
            path = folder / target.file(chance)
            path.write_bytes(target.packed(raw, path.name))
            outcome = _counted(tally, target, path, seconds)
            if outcome is not None and keep is not None and tally.failures[outcome] == 1:
                shutil.copy(path, keep / f"{target.name}-{number}-{path.name}".replace(" ", "_"))
            if novelty.taken() and len(raw) < _LONGEST_KEPT:
                corpus.append(raw)
            path.unlink()
    tally.corpus = len(corpus) - valid
    return tally


def _counted(tally: Tally, target: Target, path: Path, seconds: float) -> str | None:
    """Count one case and return what is wrong, if anything."""
    began, peak = time.process_time(), _peak()
    outcome = judged(target.read, path, seconds)
    if outcome in (None, "refused") and _peak() - peak > _MEMORY // 2:
        outcome = f"took {(_peak() - peak) / 1e6:.0f} MB"
    tally.slowest = max(tally.slowest, time.process_time() - began)
    tally.cases += 1
    tally.read += outcome is None
    tally.refused += outcome == "refused"
    if outcome in (None, "refused"):
        return None
    tally.failures[outcome] += 1
    return outcome


def _peak() -> int:
    """Most bytes this process has had in memory so far."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _child(answers: Connection, number: Any, target: Target, cases: range, options: argparse.Namespace) -> None:
    """Body of a process that fuzzes one parser."""
    size = int(Path("/proc/self/statm").read_text("utf-8").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 2 * _MEMORY, size + 2 * _MEMORY))
    warnings.simplefilter("ignore")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)

    def told(case: int) -> None:
        number.value = case

    with tempfile.TemporaryDirectory() as folder:
        answers.send(fuzz(target, cases, options.seed, options.seconds, Path(folder), told, options.keep))


def in_a_process(target: Target, options: argparse.Namespace) -> Tally:
    """Fuzz one parser in a process of its own; a crash is a failure of the case it came in, and others follow."""
    total, first = Tally(), 0
    while first < options.each:
        listens, answers = multiprocessing.Pipe(duplex=False)
        number = multiprocessing.Value("q", first, lock=False)
        process = multiprocessing.Process(
            target=_child, args=(answers, number, target, range(first, options.each), options)
        )
        process.start()
        answers.close()
        try:
            part: Tally = listens.recv()
            first_after = options.each
        except EOFError:
            process.join()
            first_after = number.value + 1
            part = Tally(cases=first_after - first, failures=Counter({f"process ended, {process.exitcode}": 1}))
        process.join()
        total = total + part
        first = first_after
    return total


def main() -> None:
    """Run as told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3100, help="in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=10.0, help="that one case may take")
    parser.add_argument("--only", default="", help="parsers with this in their names")
    parser.add_argument("--keep", type=Path, help="folder for a file of each failure")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    chosen = [target for target in TARGETS if options.only in target.name]
    options.each = -(-options.cases // len(chosen))
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
    print("| parser | cases | read | refused | kept as new | slowest (s) | failures |\n|---|---|---|---|---|---|---|")
    results = {}
    for target in chosen:
        tally = results[target.name] = in_a_process(target, options)
        print(f"| {target.name} {tally.row()}", flush=True)
        for failure, count in tally.failures.most_common(8):
            print(f"    {count} x {failure}", flush=True)
    print(f"| all {sum(results.values(), Tally()).row()}")
    text = json.dumps({"seed": options.seed, "parsers": {name: vars(tally) for name, tally in results.items()}})
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
