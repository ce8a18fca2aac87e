"""Polygons, the table and outlines: what is drawn and typed is what the steps read."""

import os
from pathlib import Path

import numpy as np
import pytest
from at_work import blobs, write

from isonet.core.masks.region import Region
from isonet.errors import InputError
from isonet.gui.files import table
from isonet.gui.files.drawing import Drawing, Shape
from isonet.gui.pictures import outline
from isonet.io import star
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.steps.mask.areas import read_areas
from quick import leave_out_drawing

SQUARE = [(4.0, 4.0), (40.0, 4.0), (40.0, 50.0), (4.0, 50.0)]
HOLE = [(10.0, 10.0), (20.0, 10.0), (20.0, 20.0)]


def kept(path: Path, volume: Volume) -> np.ndarray:
    """Voxels that `mask` keeps for a boundary."""
    grid = Region(volume.shape, areas=read_areas(path, volume, 10.0)).grid(1)
    return np.asarray(grid.sections(0, volume.shape[0]))


def test_mask_reads_the_same_areas_from_both_files(tmp_path: Path) -> None:
    volume = open_volume(write(tmp_path / "a.mrc", blobs()))
    drawing = Drawing((64, 64, 32), [Shape(list(SQUARE)), Shape(list(HOLE), z=(3, 20), exclude=True)])
    drawing.save(tmp_path / "a.json", 10.0)
    areas = kept(tmp_path / "a.json", volume)
    assert areas[0, 30, 30]
    assert not areas[0, 60, 60]
    assert areas[2, 12, 18]
    assert not areas[3, 12, 18]
    assert not areas[20, 12, 18]
    np.testing.assert_array_equal(kept(tmp_path / "a.mod", volume), areas)
    again = Drawing.read(tmp_path / "a.json", (64, 64, 32))
    assert again.shapes == drawing.shapes


def test_corners_are_set_moved_and_taken_away() -> None:
    drawing = Drawing((64, 64, 32))
    for point in SQUARE:
        drawing.press(point, reach=1.0)
    drawing.press((40.5, 50.5), reach=1.0)  # takes the corner
    drawing.drag((45.0, 1000.0))
    assert drawing.shapes == [Shape([*SQUARE[:2], (45.0, 64.0), SQUARE[3]])]
    drawing.remove_corner()
    assert len(drawing.shapes[0].points) == 3
    drawing.add()
    drawing.press((1.0, 1.0), reach=1.0)
    assert [len(shape.points) for shape in drawing.shapes] == [3, 1]
    drawing.remove()
    assert len(drawing.shapes) == 1


def test_corners_are_set_and_moved_by_keys() -> None:
    drawing = Drawing((64, 40, 32))
    drawing.insert()
    assert drawing.shapes[0].points == [(32.0, 20.0)]
    drawing.nudge((10, -1000))
    drawing.insert()
    drawing.nudge((0, 10))
    drawing.insert()  # between the second and the first
    assert drawing.shapes[0].points == [(42.0, 0.0), (42.0, 10.0), (42.0, 5.0)]
    drawing.current = -1
    drawing.nudge((1, 1))  # nothing is worked on
    assert drawing.shapes[0].points[2] == (42.0, 5.0)


def test_what_encloses_nothing_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="click three corners"):
        Drawing((9, 9, 9)).save(tmp_path / "a.json", 1.0)
    with pytest.raises(InputError, match="polygon 1 has 2 corners"):
        Drawing((9, 9, 9), [Shape([(1, 1), (2, 2)])]).save(tmp_path / "a.json", 1.0)
    assert not list(tmp_path.iterdir())


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write(tmp_path / "small.mrc", blobs())
    row = {"rlnIndex": "1", "rlnTomoName": "small.mrc", "rlnTiltMin": "-60", "rlnTiltMax": "60", "rlnPixelSize": "10"}
    row["rlnTomoContrast"] = "dark"
    write(tmp_path / "other.mrc", blobs())
    star.write_table(tmp_path / table.NAME, [row, {**row, "rlnIndex": "2", "rlnTomoName": "other.mrc"}])
    return tmp_path / table.NAME


def test_a_cell_is_checked_before_it_is_written(project: Path) -> None:
    columns = {column.name: column for column in table.EDITABLE}
    table.edit(project, "2", columns["rlnTiltMin"], " -45.5 ")
    assert [row["rlnTiltMin"] for row in star.read_table(project, ["rlnTomoName"])] == ["-60", "-45.5"]
    before = project.read_bytes()
    for name, text in (
        ("rlnTiltMin", "70"),
        ("rlnTiltMin", "-91"),
        ("rlnPixelSize", "0"),
        ("rlnPixelSize", "nan"),
        ("rlnNumberSubtomo", "1.5"),
        ("rlnDefocus", "2 um"),
    ):
        with pytest.raises(InputError):
            table.edit(project, "1", columns[name], text)
    assert project.read_bytes() == before


def test_an_edited_range_counts_before_the_list_that_it_was_read_from(project: Path) -> None:
    columns = {column.name: column for column in table.EDITABLE}
    (project.parent / "a.tlt").write_text("-60\n0\n60\n")
    rows = [{**row, "rlnTiltFile": "a.tlt"} for row in star.read_table(project, ["rlnTomoName"])]
    star.write_table(project, rows, ["rlnTomoName"])
    edited = table.edit(project, "2", columns["rlnTiltMax"], "40").tomograms
    assert [one.tilts for one in edited] == [(-60, 0, 60), (-60, 40)]


def test_what_was_made_is_what_is_there(project: Path) -> None:
    found = table.read(project)
    assert found is not None
    assert table.volumes(found.tomograms[0]) == {"Tomogram": project.parent / "small.mrc"}
    assert table.made(found.tomograms[0]) == []
    changed = found.recorded("1", rlnMaskName="small.mrc", rlnCorrectedTomoName="gone.mrc")
    assert table.made(changed.tomograms[0]) == ["mask"]
    assert table.read(project.with_name("none.star")) is None
    assert table.products(project.parent) == {}
    for number, name in enumerate(("results", "better")):
        model = project.parent / name / "model.safetensors"
        model.parent.mkdir()
        model.touch()
        os.utime(model, (number, number))
    (project.parent / "subtomo.star").touch()
    assert table.products(project.parent) == {
        "extract": [project.parent / "subtomo.star"],
        "refine": [project.parent / "better/model.safetensors", project.parent / "results/model.safetensors"],
    }


def test_the_live_outline_is_the_mask_that_mask_makes(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from isonet.config import MaskConfig
    from isonet.steps.mask import mask_in_folder

    leave_out_drawing(monkeypatch)
    folder = project.parent
    made = mask_in_folder(
        project, MaskConfig(output_dir=folder / "mask", density_percentage=40, std_percentage=60, tomo_idx="1")
    )
    mask = open_volume(made.tomograms[0].file(table.MASK)).read()
    look = outline.features(folder / "small.mrc", 0, 4, -1)
    live = np.stack([look.slice(z, 40, 60, (64, 64)) for z in range(32)])
    assert 0.05 < mask.mean() < 0.95
    np.testing.assert_array_equal(live, mask > 0.5)
