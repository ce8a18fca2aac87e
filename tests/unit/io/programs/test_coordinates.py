"""Coordinates of particles are read from what picking programs write, to the voxel."""

import struct
from pathlib import Path

import numpy as np
import pytest

from isonet.errors import InputError
from isonet.io.programs.coordinates import read_coordinates
from isonet.io.programs.imod import model_points, read_model

SHAPE = (50, 400, 300)


def voxels(path: Path, text: str, tomogram: str = "TS_01", pixel_size: float = 10.0) -> list[list[int]]:
    path.write_text(text)
    return read_coordinates(path).of({tomogram, f"{tomogram}.tomostar"}).voxels(SHAPE, pixel_size).tolist()


@pytest.mark.parametrize(
    "text",
    [
        "12 300 40\n1.4 2.5 3.6\n",
        "12,300,40\n1.4,2.5,3.6\n",
        "# picked by hand\nx\ty\tz\n\n 12\t300\t40 # a ribosome\n1.4; 2.5; 3.6",
        "\ufeffX,Y,Z\r\n12.0,300.0,40.0\r\n1.4,2.5,3.6\r\n",
    ],
)
def test_text_has_a_point_a_line_in_voxels_counted_from_0(tmp_path: Path, text: str) -> None:
    assert voxels(tmp_path / "p.txt", text) == [[40, 300, 12], [4, 3, 1]]


RELION_3 = """
data_

loop_
_rlnMicrographName #1
_rlnCoordinateX #2
_rlnCoordinateY #3
_rlnCoordinateZ #4
TS_01.tomostar 12.0 300.0 40.0
TS_02.tomostar 13.0 301.0 41.0
TS_01.tomostar 0.0 0.0 0.0
"""
RELION_4 = """
# version 30001

data_optics

loop_
_rlnOpticsGroup #1
_rlnOpticsGroupName #2
_rlnTomoTiltSeriesPixelSize #3
1 opticsGroup1 2.5

data_particles

loop_
_rlnTomoName #1
_rlnCoordinateX #2
_rlnCoordinateY #3
_rlnCoordinateZ #4
_rlnOpticsGroup #5
TS_01 48 1200 160 1
TS_01 0 4 196 1
"""
RELION_5 = """
data_particles

loop_
_rlnTomoName #1
_rlnCenteredCoordinateXAngst #2
_rlnCenteredCoordinateYAngst #3
_rlnCenteredCoordinateZAngst #4
TS_01 -1380.0 1000.0 150.0
TS_01 0.0 0.0 -250.0
"""


def test_star_files_of_relion_3_4_and_5(tmp_path: Path) -> None:
    path = tmp_path / "particles.star"
    assert voxels(path, RELION_3) == [[40, 300, 12], [0, 0, 0]]
    assert voxels(path, RELION_3, "TS_02") == [[41, 301, 13]]
    assert voxels(path, RELION_3, "TS_03") == []
    assert voxels(path, RELION_4) == [[40, 300, 12], [49, 1, 0]]
    assert voxels(path, RELION_5) == [[40, 300, 12], [0, 200, 150]]


TWO_CLASSES = RELION_3.replace("data_", "data_class1") + RELION_3.replace("data_", "data_class2")
UNNAMED = "data_{}\n\nloop_\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n1 2 3\n\n"


def test_all_tables_of_particles_of_a_file_are_read(tmp_path: Path) -> None:
    path = tmp_path / "particles.star"
    assert voxels(path, TWO_CLASSES) == [[40, 300, 12], [0, 0, 0]] * 2
    with pytest.raises(InputError, match=r"row 2 of data_class2: rlnCoordinateX: 'x' is not a number"):
        voxels(path, "13.0".join(TWO_CLASSES.split("13.0")[:2]) + "x" + TWO_CLASSES.split("13.0")[2])
    assert voxels(path, UNNAMED.format("a")) == [[3, 2, 1]]
    with pytest.raises(InputError, match="data_a and data_b, that name no tomograms; add rlnTomoName"):
        voxels(path, UNNAMED.format("a") + UNNAMED.format("b"))
    with pytest.raises(InputError, match="only some of its tables of particles have rlnMicrographName"):
        voxels(path, RELION_3 + UNNAMED.format("b"))


def test_points_of_models_that_imod_wrote(shared_data: Path) -> None:
    """Numbers of points and a contour as `imodinfo` would list them."""
    folder = shared_data / "metadata" / "imod"
    counts = {path.stem: len(model_points(read_model(path))) for path in folder.glob("*.mod")}
    assert counts == {
        "multiple_objects_example": 6,
        "point_sizes_example": 18,
        "slicer_angle_example": 4,
        "two_contour_example": 25,
    }
    points = read_coordinates(folder / "two_contour_example.mod")
    first = model_points(read_model(folder / "two_contour_example.mod"))[0]
    assert points.listed.places[0] == "point 1"
    expected = [int(first[2] + 0.5), int(first[1]), int(first[0])]
    assert points.voxels((100, 200, 200), 0.0)[0].tolist() == expected


def test_a_model_that_ends_early(shared_data: Path, tmp_path: Path) -> None:
    whole = (shared_data / "metadata" / "imod" / "two_contour_example.mod").read_bytes()
    path = tmp_path / "cut.mod"
    for length in (100, 300, len(whole) - 4):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"cut\.mod: truncated"):
            model_points(read_model(path))
    path.write_bytes(whole[:240] + b"CONT" + struct.pack(">iIii", -5, 0, 0, 0) + b"IEOF")
    with pytest.raises(InputError, match=r"cut\.mod"):
        model_points(read_model(path))


@pytest.mark.parametrize(
    ("name", "text", "mentions"),
    [
        ("p.txt", "1 2 3\n4 5\n", ("line 2", "'4 5'", "x y z")),
        ("p.txt", "1 2 3\n4 5 six\n", ("line 2", "six")),
        ("p.txt", "1 2 nan\n", ("line 1", "nan")),
        ("p.txt", "1 2 3\n1 2 3 4\n", ("line 2", "three numbers")),
        ("p.txt", "1 2 3\n\n300 2 3\n", ("line 3", "300 2 3", "300 400 50", "counted from 0")),
        ("p.txt", "1 2 3\n1 -2 3\n", ("line 2", "1 -2 3", "outside")),
        ("p.txt", "", ("no coordinates",)),
        ("p.star", RELION_3.replace("300.0", "high"), ("row 1", "rlnCoordinateY", "high")),
        ("p.star", RELION_3.replace("300.0", "400.0"), ("row 1", "12 400 40", "outside")),
        ("p.star", RELION_4.replace("2.5", "0"), ("rlnTomoTiltSeriesPixelSize", "'0'")),
        ("p.star", RELION_3.replace("CoordinateX", "X"), ("rlnCoordinateX", "rlnCenteredCoordinateXAngst")),
        ("p.mod", "no model", ("p.mod", "3dmod")),
        ("p.txt", "# version 30001\n" + RELION_3, ("STAR file by its text", "name it .star")),
        ("p.star", "x y z\n1 2 3\n", ("no STAR table", "name it .txt")),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, text: str, mentions: tuple[str, ...]) -> None:
    with pytest.raises(InputError) as caught:
        voxels(tmp_path / name, text)
    for mention in (name, *mentions):
        assert mention in str(caught.value)


def test_angstroms_need_a_pixel_size(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="rlnPixelSize"):
        voxels(tmp_path / "p.star", RELION_5, pixel_size=0.0)
    with pytest.raises(InputError, match="no such file"):
        read_coordinates(tmp_path / "none.txt")
    (tmp_path / "binary.txt").write_bytes(np.arange(200, 256, dtype=np.uint8).tobytes())
    with pytest.raises(InputError, match="not a text file"):
        read_coordinates(tmp_path / "binary.txt")
