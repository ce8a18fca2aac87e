"""Change the source of `core` in small ways, and count how many of the changes the unit tests notice.

    python benchmarks/mutants.py --number 150 --output mutants.json

Draws mutants (swapped comparisons and operators, other constants, negated conditions, statements left out) from all
modules at random, and runs the unit tests that import the changed module, to the first failure, in a process that is
forked from one that has imported the libraries. A mutant is caught where a test fails or takes ten times as long.
Prints the survivors, a table and, as the last line, JSON. Mutants that change nothing that can be observed survive too.
"""

import argparse
import ast
import json
import multiprocessing
import os
import random
import resource
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from fuzzing.mutants_made import Mutant, count, mutant

_ROOT = Path(__file__).parents[1]
_LIBRARIES = ["torch", "scipy.ndimage", "scipy.stats", "hypothesis", "pytest", "beartype", "jaxtyping", "mutants"]


def tests_of(module: str, layer: str = "core") -> list[Path]:
    """Unit tests that import a module, else those that import another one of its layer that does."""
    name = f"isonet.{layer}.{module}"
    tests = sorted((_ROOT / "tests/unit").glob("test_*.py"))
    tests.sort(key=lambda path: path.name != f"test_{module}.py")
    direct = [path for path in tests if name in _imports(path)]
    if direct:
        return direct
    users = [path.stem for path in (_ROOT / "src/isonet" / layer).glob("*.py") if name in _imports(path)]
    return sorted({path for user in users for path in tests if f"isonet.{layer}.{user}" in _imports(path)})


def _imports(path: Path) -> set[str]:
    """Modules, and what is taken out of them, that a file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module), *(f"{node.module}.{name.name}" for name in node.names)}
    return found


def _test(source: str, tests: list[str], seconds: int) -> None:
    """Body of a process: run tests on a copy of the program."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    sys.path.insert(0, source)
    os.chdir(_ROOT)
    settings.register_profile("mutants", deadline=None, derandomize=True, database=None)
    quiet = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-profile=mutants"]
    quiet += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # the libraries are there already
    code = pytest.main([*quiet, *tests])
    used = resource.getrusage(resource.RUSAGE_SELF)
    Path(source, "seconds").write_text(str(used.ru_utime + used.ru_stime), encoding="utf-8")
    os._exit(int(code))


def run(source: Path, tests: list[Path], seconds: int = 600) -> tuple[int | None, float]:
    """Run tests in a process; return its exit code, and the processor time it took."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_LIBRARIES)
    process = context.Process(target=_test, args=(str(source), [str(path) for path in tests], seconds))
    process.start()
    process.join()
    told = source / "seconds"
    taken = float(told.read_text(encoding="utf-8")) if told.exists() else float(seconds)
    told.unlink(missing_ok=True)
    return process.exitcode, taken


def survives(source: Path, module: Path, changed: Mutant, tests: list[Path], seconds: float) -> bool:
    """Tell whether all tests pass although a module was changed."""
    copy = source / module.relative_to(_ROOT / "src")
    copy.write_text(changed.source, encoding="utf-8")
    try:
        return run(source, tests, int(10 * seconds) + 10)[0] == 0
    finally:
        copy.write_text(module.read_text(encoding="utf-8"), encoding="utf-8")


def drawn(number: int, seed: int, layer: str, only: str) -> dict[Path, list[Mutant]]:
    """Draw mutants from all modules of a layer, each as likely as any other."""
    modules = [path for path in sorted((_ROOT / "src/isonet" / layer).glob("*.py")) if path.stem != "__init__"]
    every = [
        (path, place)
        for path in modules
        if not only or path.stem in only.split(",")
        for place in range(count(path.read_text(encoding="utf-8")))
    ]
    chosen = sorted(random.Random(seed).sample(every, min(number, len(every))))
    found: dict[Path, list[Mutant]] = {}
    for path, place in chosen:
        found.setdefault(path, []).append(mutant(path.read_text(encoding="utf-8"), place))
    print(f"{len(chosen)} of {len(every)} mutants of {len(modules)} modules", flush=True)
    return found


def main() -> None:
    """Run as told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--layer", default="core")
    parser.add_argument("--only", default="", help="modules, separated by commas")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    options = parser.parse_args()
    tried: Counter[str] = Counter()
    survivors: list[dict[str, object]] = []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder)
        shutil.copytree(_ROOT / "src/isonet", source / "isonet", ignore=shutil.ignore_patterns("__pycache__"))
        for module, changed in drawn(options.number, options.seed, options.layer, options.only).items():
            tests = tests_of(module.stem, options.layer)
            code, seconds = run(source, tests)
            if code != 0 or not tests:
                raise RuntimeError(f"{module.stem}: its tests fail as it is ({[path.name for path in tests]})")
            for change in changed:
                tried[module.stem] += 1
                if survives(source, module, change, tests, seconds):
                    survivors.append({"module": module.stem, "line": change.line, "change": change.change})
                    print(f"    {module.stem}:{change.line}: {change.change}", flush=True)
            print(f"{module.stem}: {tried[module.stem]} tried, tests take {seconds:.1f} s", flush=True)
    caught = tried.total() - len(survivors)
    print(f"{caught} of {tried.total()} caught, {100 * caught / tried.total():.0f} %")
    text = json.dumps({"seed": options.seed, "tried": tried, "survivors": survivors})
    if options.output is not None:
        options.output.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
