"""Whatever a folder holds: each row is of one tomogram alone and true, or the command says which is not.

`ISONET_FOLDERS=3000 pytest tests/steps/field/test_any_folder.py` tries as many.
"""

import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
from folders import Folder, Series, described
from hypothesis import HealthCheck, given, settings

COUNT = int(os.environ.get("ISONET_FOLDERS", "12"))
COLUMNS = {
    "rlnTomoName": "full",
    "rlnTomoReconstructedTomogramHalf1": "even",
    "rlnTomoReconstructedTomogramHalf2": "odd",
}


@pytest.fixture(scope="session")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int, str], Any]:
    """Parts of three samples with tilts of their own, `[z, y, x]`."""
    made: dict[tuple[int, str], Any] = {}
    for number, (low, high) in {1: (-60, 60), 2: (-70, 50), 3: (-48, 60)}.items():
        folder = tmp_path_factory.mktemp("sample")
        size = {"depth": 32, "height": 48, "width": 48}
        isonet.done("simulate", output_dir=folder, seed=number, snr=0.5, tilt_min=low, tilt_max=high, **size)
        for part in ("full", "even", "odd"):
            made[number, part] = isonet.read(folder / f"{part}.mrc").astype(np.float32)
    return lambda number, part: made[number, part].copy()


def untruths(folder: Folder, root: Path, warnings: list[str]) -> list[str]:
    """What a table says that is not so, and no warning names."""
    wrong = []
    rows = isonet.table(root / "tomograms.star")
    seen: list[str] = []
    for row in rows:
        files = {
            part: (root / row[column]).resolve()
            for column, part in COLUMNS.items()
            if row.get(column, "None") != "None"
        }
        made_here = {part: path for part, path in files.items() if path not in folder.made}
        named = {folder.made[path][0].name for path in files.values() if path in folder.made}
        if set(made_here) - {"full"}:
            wrong.append(f"{made_here}: not a file of the folder")
        if len(named) != 1:
            if not all(any(name in text for text in warnings) for name in named):
                wrong.append(f"{files}: of {sorted(named)}")
            seen += named
            continue
        one = next(series for series in folder.series if series.name in named)
        seen.append(one.name)
        parts = {part: folder.made[path][1] for part, path in files.items() if path in folder.made}
        wrong += [
            f"{files[part]}: {found} taken for {part}"
            for part, found in parts.items()
            if found != part and not any(files[part].name in text for text in warnings)
        ]
        wrong += _untrue_numbers(row, one, warnings)
        if one.halves and "even" not in files and not _named(one, warnings):
            wrong.append(f"{one.name}: without its halves, and no word")
    missing = [one for one in folder.series if one.name not in seen]
    wrong += [f"{one.name}: left out, and no word" for one in missing if not _named(one, warnings)]
    twice = [one for one in folder.series if seen.count(one.name) > 1]
    wrong += [f"{one.name}: twice, and no word" for one in twice if not _named(one, warnings)]
    return wrong


def _named(one: Series, warnings: list[str]) -> bool:
    """Whether a warning is about a series."""
    return any(one.name in text for text in warnings)


def _untrue_numbers(row: dict[str, str], one: Series, warnings: list[str]) -> list[str]:
    """Tilts, pixel size and contrast that are not those of the series."""
    wrong = []
    low, high = min(one.tilts), max(one.tilts)
    found = float(row["rlnTiltMin"]), float(row["rlnTiltMax"])
    if max(abs(found[0] - low), abs(found[1] - high)) > 1 and not _named(one, warnings):
        wrong.append(f"{one.name}: tilts {found}, made with {low, high}")
    if abs(float(row["rlnPixelSize"]) - 10) > 0.1 and not _named(one, warnings):
        wrong.append(f"{one.name}: pixel size {row['rlnPixelSize']}")
    if row.get("rlnTomoContrast", "dark") != "dark" and not _named(one, warnings):
        wrong.append(f"{one.name}: contrast {row['rlnTomoContrast']}")
    return wrong


@settings(max_examples=COUNT, deadline=None, suppress_health_check=list(HealthCheck))
@given(described())
def test_every_row_is_true_or_named(volumes: Callable[[int, str], Any], what: tuple[Any, list[Series], Any]) -> None:
    program, series, words = what
    root = Path(tempfile.mkdtemp(prefix="folder-"))
    before = Path.cwd()
    try:
        os.chdir(root)
        folder = program(root, series, volumes, words)
        outcome = isonet.call("prepare", *folder.words)
        if outcome.code:
            isonet.assert_refused(outcome)
            names = {*folder.words, *(path.name for path in folder.made), *(one.name for one in series)}
            assert any(name in outcome.complaints[0] for name in names), outcome.complaints
            return
        warnings = [line.partition(" warning: ")[2] for line in outcome.err.splitlines() if " warning: " in line]
        assert untruths(folder, root, warnings) == [], outcome.err
    finally:
        os.chdir(before)
        shutil.rmtree(root)
