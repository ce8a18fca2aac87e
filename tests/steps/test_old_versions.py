"""Models and runs written by an older version are read, or refused with the remedy.

`tests/data/0.1.0` was written by version 0.1.0: `prepare v.mrc` and a `refine` of two steps on `specimen()`.
"""

import json
import shutil
from pathlib import Path

import commandline as isonet
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

OLD = Path(__file__).parents[1] / "data/0.1.0"


@pytest.fixture
def old(here: Path) -> Path:
    """Copy of the old run folder, beside the tomogram and the table it was made of."""
    isonet.write(here / "v.mrc", isonet.specimen())
    shutil.copy(OLD / "tomograms.star", here)
    shutil.copytree(OLD / "run", here / "run")
    return here / "run"


def test_old_model_corrects(old: Path) -> None:
    isonet.done("predict", "tomograms.star", old)
    assert np.isfinite(isonet.read(Path("corrected/v_corrected.mrc"))).all()


def test_old_run_is_continued_where_its_table_is_given(old: Path) -> None:
    """The table was elsewhere when the run was made; without it, the first line says where it was looked for."""
    isonet.assert_refused(isonet.call("refine", continue_from=old), "tomograms.star")
    isonet.done("refine", "tomograms.star", continue_from=old, iterations=2)
    assert isonet.state(old) == "finished"
    assert {iteration for iteration, _, _ in isonet.losses(old)} == {1, 2}


def test_model_of_a_format_to_come_is_refused_with_the_remedy(old: Path) -> None:
    path = old / "model.safetensors"
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["isonet"])
    save_file(load_file(path), path, metadata={"isonet": json.dumps({**about, "format": about["format"] + 1})})
    outcome = isonet.call("predict", "tomograms.star", old)
    isonet.assert_refused(outcome, "another version", "use that version or train again")
