"""What prepare finds of how a wedge lies: beside the table, and as a warning where it is not what is told."""

import json
import re
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.core.simulation.levelling import as_in_microscope, back_project_turned, finer
from isonet.core.simulation.projection import project, ramp_filter
from isonet.core.tilts.fullness import block_power, fullness
from isonet.core.tilts.measured import Measured, positioned
from isonet.core.tilts.orientation_estimate import estimate_orientation
from isonet.io.formats import open_volume
from isonet.io.programs import metadata
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


BOTH = {"second_tilt_min": -60, "second_tilt_max": 60}
SHIFTED = {**BOTH, "second_tilt_min": -45, "second_tilt_max": 39}


@pytest.fixture(scope="module")
def two_axes() -> Any:
    """A tomogram of two axes, along y and x."""
    return (tomogram(0, seed=1) + tomogram(0, 0, 90, seed=1)).numpy()


def test_two_axes_are_not_taken_for_one(here: Path, two_axes: Any) -> None:
    isonet.write(here / "t.mrc", two_axes)
    said, found = prepared(**BOTH)
    assert "warning" not in said and "two axes, as told" in said
    assert found["missing_energy"] < 0.03
    assert max(abs(found[name]) for name in ("level_x", "level_y", "axis_turn")) < 3
    assert found["faces"] == pytest.approx([-60, 60], abs=2.5)


@pytest.mark.parametrize(
    ("told", "flag"),
    [
        ({**BOTH, "axis_turn": 45, "second_axis_turn": 135}, "--second-axis-turn"),
        (SHIFTED, "--second-tilt-min"),
        ({**BOTH, "level_x": 12}, "--level-x"),
    ],
    ids=["turned", "ends", "level"],
)
def test_two_axes_that_lie_otherwise_are_said(here: Path, two_axes: Any, told: dict[str, float], flag: str) -> None:
    """And the flags that are named mend it."""
    isonet.write(here / "t.mrc", two_axes)
    said, _ = prepared(**told)
    assert "two axes that lie otherwise than told" in said and flag in said
    words = re.findall(r"--([a-z-]+) (-?\d+)", said[: said.index(" if that is right")])
    mended, _ = prepared(**{name.replace("-", "_"): float(value) for name, value in words})
    assert "warning" not in mended and "two axes, as told" in mended


def test_a_second_axis_that_was_not_told_is_named(here: Path, two_axes: Any) -> None:
    isonet.write(here / "t.mrc", two_axes)
    refused = isonet.call("prepare", "t.mrc")
    isonet.assert_refused(refused, "shows tilts about two axes")
    assert "--second-tilt-file" in refused.err and not Path("tomograms.star").exists()
    said, _ = prepared(accept="no-wedge")
    assert "taken by --accept no-wedge" in said


def test_a_second_axis_that_is_not_there_is_said(here: Path) -> None:
    isonet.write(here / "t.mrc", tomogram(0, seed=3).numpy())
    said, _ = prepared(**BOTH)
    assert "about one axis alone" in said


def test_two_axes_as_imod_leaves_it(here: Path, two_axes: Any) -> None:
    isonet.write(here / "t.mrc", np.ascontiguousarray(two_axes[::-1].transpose(1, 0, 2)))
    said, found = prepared(**BOTH)
    assert "turned into" in said and "warning" not in said
    assert found["faces"] == pytest.approx([-60, 60], abs=2.5)


def test_what_shows_no_wedge_says_nothing(here: Path) -> None:
    noise = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    assert not estimate_orientation(fullness(block_power(torch.from_numpy(noise)))).clear  # type: ignore[arg-type]
    assert block_power(torch.zeros(SHAPE)) is None
    isonet.write(here / "t.mrc", noise[:24, :24, :24])
    _, found = prepared()
    assert found["level_x"] is found["faces"] is found["missing_energy"] is None


def test_the_wedge_of_a_real_tomogram_lies_as_its_file_says(shared_data: Path) -> None:
    """EMPIAR-10499 was reconstructed as its XML says, which has level angles of 0."""
    series = metadata.read_tilts(shared_data / "empiar10499/tiltseries/00254.xml")
    assert series.tilts is not None and series.x_tilt == 0
    told = Measured((positioned(series.tilts, series.x_tilt),))
    shown = look(open_volume(shared_data / "empiar10499/00254_wbp_20Apx_full_f16.mrc"), told)
    assert shown is not None and shown.estimate.clear
    assert max(abs(shown.estimate.about_x), abs(shown.estimate.about_z)) < 1
    assert (shown.estimate.tilt_min, shown.estimate.tilt_max) == pytest.approx(told.sweeps[0].ends, abs=2)
    assert shown.missing_energy < 0.01


def test_a_real_tomogram_levelled_as_its_file_says_shows_it(here: Path, shared_data: Path) -> None:
    """The images of EMPIAR-10499, reconstructed with level angles in the XML."""
    folder = shared_data / "empiar10499/tiltseries"
    text = (folder / "00254.xml").read_text(encoding="utf-8-sig")
    level = 'LevelAngleX="9" LevelAngleY="-7"'
    assert 'LevelAngleX="0" LevelAngleY="0"' in text
    Path("00254.xml").write_text(text.replace('LevelAngleX="0" LevelAngleY="0"', level))
    series = {"alignment": "00254.xml", "pixel_size": 40, "thickness": 56, "output_dir": "r"}
    isonet.done("reconstruct", folder / "00254_10Apx_f16.st", **series)
    Path("r/00254_10Apx_f16_full.mrc").rename("t.mrc")
    said, found = prepared(tilt_file="00254.xml", contrast="dark")
    assert "spectrum shows tilts" in said and "as told" in said
    assert not [text for text in found["warnings"] if "spectrum" in text]
    assert (found["level_x"], found["level_y"]) == pytest.approx((9, 7), abs=2)
    assert found["faces"] == pytest.approx([-53, 67], abs=2)
    _, flipped = prepared(tilt_file="00254.xml", level_x=-9, contrast="dark")
    assert flipped["missing_energy"] > 5 * found["missing_energy"]
