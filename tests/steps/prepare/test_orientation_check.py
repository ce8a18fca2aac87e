"""What prepare finds of how a wedge lies: beside the table, and as a warning where it is not what is told."""

import json
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.core.simulation.levelling import as_in_microscope, back_project_turned, finer
from isonet.core.simulation.projection import project, ramp_filter
from isonet.core.tilts.measured import Measured, positioned
from isonet.core.tilts.orientation_estimate import block_power, estimate_orientation
from isonet.io import mrc
from isonet.steps.prepare.checks.orientation import look

SHAPE = (48, 72, 72)
TILTS = torch.arange(-60.0, 61, 3)


def tomogram(about_x: float, about_y: float = 0.0, about_z: float = 0.0, seed: int = 0, noise: float = 8.0) -> Any:
    """Blobs seen with noise by a levelled tilt series."""
    generator = torch.Generator().manual_seed(seed)
    density = torch.zeros(SHAPE)
    for z, y, x in (torch.rand(60, 3, generator=generator) * (torch.tensor(SHAPE) - 3)).long().tolist():
        density[z : z + 3, y : y + 3, x : x + 3] -= 1
    images = project(as_in_microscope(density, about_x, about_z), TILTS + about_y, width=96)
    images += noise * float(images.std()) * torch.randn(images.shape, generator=generator) / 3
    sweep = positioned((TILTS + about_y).tolist(), about_x, about_z)
    return back_project_turned(finer(ramp_filter(images)), sweep, SHAPE)


def prepared(**options: Any) -> tuple[str, dict[str, Any]]:
    """What prepare says of t.mrc, and what it leaves beside the table."""
    said = isonet.done("prepare", "t.mrc", overwrite=True, **options).err
    (found,) = json.loads(Path("tomograms.check.json").read_text())["tomograms"]
    assert found["name"] == "t"
    return said, found


@pytest.mark.parametrize(("about_x", "about_y", "about_z"), [(10, -11, 0), (-7, 4, 3)])
def test_a_levelled_tomogram_is_told_by_its_spectrum(
    here: Path, about_x: float, about_y: float, about_z: float
) -> None:
    isonet.write(here / "t.mrc", tomogram(about_x, about_y, about_z).numpy())
    said, found = prepared()
    assert f"--level-x {about_x}" in said
    assert found["level_x"] == pytest.approx(about_x, abs=2)
    assert found["level_y"] == pytest.approx(about_y, abs=2)
    assert found["axis_turn"] == pytest.approx(about_z, abs=2)
    assert found["faces"] == pytest.approx([-60 + about_y, 60 + about_y], abs=2.5)
    assert found["warnings"]
    assert found["warnings"][0] in json.loads(Path("tomograms.check.json").read_text())["warnings"]
    said, right = prepared(level_x=about_x, level_y=about_y, axis_turn=about_z)
    assert "warning" not in said and right["warnings"] == []
    assert "as told" in said
    assert right["missing_energy"] < 0.03
    if about_x == 10:
        assert found["missing_energy"] > 3 * right["missing_energy"]
    said, _ = prepared(level_x=-about_x, level_y=about_y, axis_turn=about_z)
    assert f"--level-x {about_x}" in said
    said, _ = prepared(level_x=-about_x, level_y=-about_y, axis_turn=about_z)
    assert f"--level-x {about_x}" in said and "--tilt-min" in said


def test_a_levelled_wedge_that_is_mirrored_is_refused(here: Path) -> None:
    isonet.write(here / "t.mrc", tomogram(10, -11).numpy())
    refused = isonet.call("prepare", "t.mrc", level_x=10, level_y=11)
    isonet.assert_refused(refused, "the wedge is mirrored")
    assert "--tilt-min" in refused.err and not Path("tomograms.star").exists()
    said, _ = prepared(level_x=10, level_y=11, accept="mirrored")
    assert "taken by --accept mirrored" in said


def test_a_tomogram_at_home_has_no_warning(here: Path) -> None:
    isonet.write(here / "t.mrc", tomogram(0, seed=3).numpy())
    said, found = prepared()
    assert "warning" not in said and found["warnings"] == []
    assert max(abs(found[name]) for name in ("level_x", "level_y", "axis_turn")) < 2


def test_levelled_as_imod_leaves_it(here: Path) -> None:
    """Turned by 90 degrees about x: rows count along -z."""
    isonet.write(here / "t.mrc", np.ascontiguousarray(tomogram(9).numpy()[::-1].transpose(1, 0, 2)))
    said, found = prepared(level_x=9)
    assert "turned into" in said and "warning" not in said
    assert found["level_x"] == pytest.approx(9, abs=2)


def test_two_axes_are_not_taken_for_one(here: Path) -> None:
    made = tomogram(0, seed=1) + tomogram(0, 0, 90, seed=1)
    isonet.write(here / "t.mrc", made.numpy())
    said, found = prepared(second_tilt_min=-60, second_tilt_max=60)
    assert "warning" not in said
    assert found["missing_energy"] < 0.03


def test_what_shows_no_wedge_says_nothing(here: Path) -> None:
    noise = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    assert not estimate_orientation(block_power(torch.from_numpy(noise))).clear  # type: ignore[arg-type]
    assert block_power(torch.zeros(SHAPE)) is None
    isonet.write(here / "t.mrc", noise[:24, :24, :24])
    _, found = prepared()
    assert found["level_x"] is found["faces"] is found["missing_energy"] is None


def test_wedges_of_real_tomograms_lie_as_their_files_say(shared_data: Path) -> None:
    """EMPIAR-10499 has level angles of 0 in its XML."""
    shown = look(mrc.open_volume(shared_data / "empiar10499/00254_wbp_20Apx_full_f16.mrc"), Measured.of((-60, 60)))
    assert shown is not None and shown.estimate.clear
    assert max(abs(shown.estimate.about_x), abs(shown.estimate.about_z)) < 1
    assert shown.estimate.tilt_min == pytest.approx(-60, abs=2)
    assert shown.missing_energy < 0.01
