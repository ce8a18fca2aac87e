"""Places of particles in the units of other programs: each is found in the voxels of the tomogram."""

import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isonet.errors import InputError
from isonet.io.programs.coordinates import read_coordinates
from isonet.io.programs.imod import write_closed

SHAPE = (48, 64, 64)
"""z, y, x of the tomogram, at 10 Å."""
POINTS = np.array([[20, 30, 20], [41, 7, 33], [55, 60, 5]])
"""x, y, z in its voxels."""


def places(path: Path, tomogram: str = "TS_1", pixel_size: float = 10.0) -> list[list[int]]:
    """x, y, z of the points that a file has for a tomogram."""
    return (
        read_coordinates(path)
        .of({tomogram, f"{tomogram}.tomostar", f"{tomogram}.mrc"})
        .voxels(SHAPE, pixel_size)[:, ::-1]
        .tolist()
    )


def star(path: Path, xyz: object, **columns: object) -> Path:
    values = np.asarray(xyz, dtype=float).round(4)
    said = {name: value if isinstance(value, Sequence) else [value] * len(values) for name, value in columns.items()}
    names = {} if "rlnTomoName" in said else {"rlnMicrographName": ["TS_1.tomostar"] * len(values)}
    axes = {f"rlnCoordinate{axis}": values[:, number] for number, axis in enumerate("XYZ")}
    return foreign.star(path, "particles", **names, **axes, **said)


@pytest.mark.parametrize("fine", [5.0, 2.5, 20.0])
@pytest.mark.parametrize(
    "columns",
    [
        {"rlnDetectorPixelSize": 1.0, "rlnMagnification": 10000},
        {"rlnDetectorPixelSize": 14.0, "rlnMagnification": 140000},
        {"rlnDetectorPixelSize": 1.0},  # template matching by PyTom: Å
        {"rlnPixelSize": 1.0},
        {"rlnImagePixelSize": 1.0},
        {"rlnTomoTiltSeriesPixelSize": 1.0},
        {"rlnTomoTiltSeriesPixelSize": 1.0, "rlnImagePixelSize": 3.0},
    ],
    ids="+".join,
)
def test_own_pixel_size_of_a_table(tmp_path: Path, columns: dict[str, float], fine: float) -> None:
    """The first column stands for `fine` Å."""
    first = next(iter(columns))
    path = star(tmp_path / "p.star", POINTS * 10 / fine, **{**columns, first: columns[first] * fine})
    assert places(path) == POINTS.tolist()


@pytest.mark.parametrize("column", ["rlnTomoTiltSeriesPixelSize", "rlnImagePixelSize"])
@pytest.mark.parametrize("groups", [1, 2])
def test_own_pixel_size_of_an_optics_group(tmp_path: Path, column: str, groups: int) -> None:
    path = star(tmp_path / "p.star", POINTS * 4, **({"rlnOpticsGroup": 1} if groups == 2 else {}))
    rows = "".join(f"{number} {2.5 * number}\n" for number in range(1, groups + 1))
    path.write_text(f"data_optics\n\nloop_\n_rlnOpticsGroup\n_{column}\n{rows}\n{path.read_text()}")
    assert places(path) == POINTS.tolist()


@pytest.mark.parametrize(
    "columns",
    [
        {"rlnPixelSize": 2.5},
        {"rlnDetectorPixelSize": 2.5, "rlnMagnification": 10000},
        {"rlnTomoTiltSeriesPixelSize": 2.5, "rlnImagePixelSize": 10},
        {"rlnMicrographPixelSize": 2.5},
    ],
    ids="+".join,
)
@pytest.mark.parametrize("optics", [False, True])
def test_a_block_of_single_values_is_that_of_all_rows(
    tmp_path: Path, columns: dict[str, float], optics: bool, caplog: pytest.LogCaptureFixture
) -> None:
    path = star(tmp_path / "p.star", POINTS * 4, **({"rlnOpticsGroup": 1} if optics else {}))
    single = "".join(f"_{name} {value}\n" for name, value in columns.items())
    groups = "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnVoltage\n1 300\n2 200\n\n" if optics else ""
    path.write_text(f"data_general\n\n{single}\n{groups}{path.read_text()}")
    assert places(path) == POINTS.tolist()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_row_tells_more_than_a_block_of_single_values(tmp_path: Path) -> None:
    path = star(tmp_path / "p.star", POINTS * 4, rlnPixelSize=2.5)
    path.write_text(f"data_general\n\n_rlnPixelSize 5\n\n{path.read_text()}")
    assert places(path) == POINTS.tolist()
    path = star(tmp_path / "p.star", POINTS * 4)
    path.write_text(f"data_a\n\n_rlnPixelSize 5\n\ndata_b\n\n_rlnPixelSize 2.5\n\n{path.read_text()}")
    with pytest.raises(InputError, match=r"rlnPixelSize is 5 and 2\.5; leave the right one"):
        places(path)


def test_the_pixel_size_of_movies_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """RELION: that before binning; rlnMicrographPixelSize is that of the micrograph, in whose pixels places are."""
    both = {"rlnMicrographOriginalPixelSize": 1.25, "rlnMicrographPixelSize": 2.5}
    assert places(star(tmp_path / "p.star", POINTS * 4, **both)) == POINTS.tolist()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    assert places(star(tmp_path / "p.star", POINTS, rlnMicrographOriginalPixelSize=1.25)) == POINTS.tolist()
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "rlnMicrographOriginalPixelSize is that of the movies" in warning
    assert "add rlnPixelSize" in warning


@pytest.mark.parametrize("binning", [1, 2, 4, 2.5])
@pytest.mark.parametrize("where", ["row", "group"])
def test_what_is_binned_are_the_sub_tomograms(
    tmp_path: Path, binning: float, where: str, caplog: pytest.LogCaptureFixture
) -> None:
    """RELION: rlnImagePixelSize = rlnTomoTiltSeriesPixelSize x rlnTomoSubtomogramBinning, places in the latter's."""
    series = 2.5
    said = {"rlnImagePixelSize": series * binning, "rlnTomoSubtomogramBinning": binning}
    path = star(tmp_path / "p.star", POINTS * 10 / series, **(said if where == "row" else {"rlnOpticsGroup": 1}))
    if where == "group":
        head = "data_optics\n\nloop_\n_rlnOpticsGroup\n" + "".join(f"_{name}\n" for name in said)
        path.write_text(f"{head}1 {' '.join(map(str, said.values()))}\n\n{path.read_text()}")
    assert places(path) == POINTS.tolist()
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == (binning != 1)
    for warning in warnings:
        assert "2.5 A" in warning
        assert f"{series * binning:g} A" in warning
        assert "add rlnTomoTiltSeriesPixelSize" in warning


def test_the_pixel_size_of_the_tilt_series_wins(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    said = {"rlnTomoTiltSeriesPixelSize": 2.5, "rlnImagePixelSize": 10.0, "rlnTomoSubtomogramBinning": 4}
    assert places(star(tmp_path / "p.star", POINTS * 4, **said)) == POINTS.tolist()
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize("binning", ["0", "-2", "two"])
def test_a_binning_that_is_none_is_refused(tmp_path: Path, binning: str) -> None:
    path = star(tmp_path / "p.star", POINTS * 4, rlnImagePixelSize=10, rlnTomoSubtomogramBinning=[binning] * 3)
    with pytest.raises(InputError, match="rlnTomoSubtomogramBinning"):
        places(path)


@pytest.mark.parametrize("series", [{"rlnTomoTiltSeriesPixelSize": 2.5}, {"rlnTomoSubtomogramBinning": 2}, {}])
def test_origins_in_pixels_are_those_of_the_images(tmp_path: Path, series: dict[str, float]) -> None:
    """RELION's converter: rlnOriginXAngst = rlnOriginX x rlnImagePixelSize, whatever places are counted in."""
    image, fine = 5.0, 2.5 if series else 5.0
    shift = np.array([20.0, -30.0, 40.0])  # Å
    pixels = dict(zip(("rlnOriginX", "rlnOriginY", "rlnOriginZ"), shift / image, strict=True))
    path = star(tmp_path / "p.star", (POINTS * 10 + shift) / fine, rlnImagePixelSize=image, **series, **pixels)
    assert places(path) == POINTS.tolist()


def test_origins_of_two_units_count_once(tmp_path: Path) -> None:
    """RELION reads those in Å, where both are."""
    shift = np.array([20.0, -30.0, 40.0])
    both = {f"rlnOrigin{axis}": shift[number] / 5 for number, axis in enumerate("XYZ")}
    both |= {f"rlnOrigin{axis}Angst": shift[number] for number, axis in enumerate("XYZ")}
    path = star(tmp_path / "p.star", (POINTS * 10 + shift) / 5, rlnImagePixelSize=5.0, **both)
    assert places(path) == POINTS.tolist()


def test_fractions_of_the_volume(tmp_path: Path) -> None:
    path = star(tmp_path / "p.star", POINTS / np.array(SHAPE[::-1]))
    assert places(path) == POINTS.tolist()
    foreign.put(tmp_path / "p.txt", "0.41 0.63 0.22\n")
    assert places(tmp_path / "p.txt") == [[26, 40, 11]]
    foreign.put(tmp_path / "whole.txt", "0 1 1\n1 1 0\n")
    assert places(tmp_path / "whole.txt") == [[0, 1, 1], [1, 1, 0]]
    mixed = star(tmp_path / "mixed.star", [[0.4, 0.6, 0.2], [40, 60, 20]])
    assert places(mixed) == [[0, 1, 0], [40, 60, 20]]


def test_a_voxel_beside_others_is_no_fraction(tmp_path: Path) -> None:
    """What the file holds decides, and not the few points of one tomogram."""
    path = star(tmp_path / "p.star", [[0.6, 0.7, 0.2], [40, 60, 20]], rlnTomoName=["TS_1", "TS_2"])
    assert places(path) == [[1, 1, 0]]


@pytest.mark.parametrize("fine", [10.0, 5.0])
def test_refined_origins_are_subtracted(tmp_path: Path, fine: float) -> None:
    shift = np.array([2.0, -3.0, 4.0])  # voxels of the tomogram
    pixels = dict(zip(("rlnOriginX", "rlnOriginY", "rlnOriginZ"), shift * 10 / fine, strict=True))
    path = star(tmp_path / "p.star", (POINTS + shift) * 10 / fine, rlnPixelSize=fine, **pixels)
    assert places(path) == POINTS.tolist()
    angstrom = {f"{name}Angst": 10 * value for name, value in zip(pixels, shift, strict=True)}
    path = star(tmp_path / "p.star", (POINTS + shift) * 10 / fine, rlnPixelSize=fine, **angstrom)
    assert places(path) == POINTS.tolist()
    assert places(star(tmp_path / "p.star", POINTS + shift, **angstrom)) == POINTS.tolist()


@given(angles=st.tuples(*[st.floats(-180, 180)] * 3))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_origins_of_relion_5_are_those_of_the_sub_tomogram(tmp_path: Path, angles: tuple[float, ...]) -> None:
    """RELION: position = centre - A origin, A its matrix of rot, tilt, psi, written out here as its source has it."""
    (sa, sb, sg), (ca, cb, cg) = np.sin(np.deg2rad(angles)), np.cos(np.deg2rad(angles))
    matrix = np.array(
        [
            [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
            [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
            [sb * ca, sb * sa, cb],
        ]
    )
    origin = np.array([31.0, -22.0, 17.0])
    centred = (POINTS - np.array(SHAPE[::-1]) / 2) * 10 + matrix @ origin
    columns = {
        **{f"rlnCenteredCoordinate{axis}Angst": centred[:, number].round(4) for number, axis in enumerate("XYZ")},
        **{f"rlnOrigin{axis}Angst": [origin[number]] * 3 for number, axis in enumerate("XYZ")},
        **{f"rlnTomoSubtomogram{name}": [f"{angles[i]:.9f}"] * 3 for i, name in enumerate(("Rot", "Tilt", "Psi"))},
    }
    path = foreign.star(tmp_path / "p.star", "particles", rlnTomoName=["TS_1"] * 3, **columns)
    assert places(path) == POINTS.tolist()


def model(path: Path, points: object, voxel_size: float, reference: tuple[float, ...] | None) -> Path:
    """Write a model as 3dmod does: with the voxel size in its reference to the image, or in its header alone."""
    write_closed(path, [("p", [np.asarray(points, float)])], (128, 128, 96), voxel_size)
    if reference is not None:
        chunk = b"MINX" + struct.pack(">i18f", 72, 1, 1, 1, *[0] * 6, *reference, *[0] * 6)
        path.write_bytes(path.read_bytes()[:-4] + chunk + b"IEOF")
    return path


@pytest.mark.parametrize(
    ("voxel_size", "reference"), [(5.0, (5, 5, 5)), (0.0, (5, 5, 5)), (5.0, None)], ids=["both", "image", "header"]
)
def test_a_model_drawn_on_another_binning(
    tmp_path: Path, voxel_size: float, reference: tuple[float, ...] | None
) -> None:
    path = model(tmp_path / "fine.mod", [(30, 40, 24), (36, 36, 30), (50, 40, 40)], voxel_size, reference)
    assert places(path) == [[15, 20, 12], [18, 18, 15], [25, 20, 20]]


@pytest.mark.parametrize(("voxel_size", "reference"), [(10.0, (10, 10, 10)), (0.0, (1, 1, 1)), (0.0, None)])
def test_a_model_drawn_on_this_tomogram(tmp_path: Path, voxel_size: float, reference: tuple[float, ...] | None) -> None:
    path = model(tmp_path / "m.mod", [(30, 40, 24)], voxel_size, reference)
    assert places(path) == [[30, 40, 24]]


def test_a_model_drawn_on_a_file_whose_header_is_wrong(tmp_path: Path) -> None:
    """The table was told 10 Å, the file says 8, and so does the model that was drawn on it."""
    points = read_coordinates(model(tmp_path / "m.mod", [(30, 40, 24)], 8.0, (8, 8, 8)))
    assert points.voxels(SHAPE, 10.0, 8.0).tolist() == [[24, 40, 30]]


UNITS = {"": 1.0, "_px": 1.0, " (voxel)": 1.0, "_nm": 1.0, " [nm]": 1.0, "_angstrom": 10.0, " (Å)": 10.0, "_A": 10.0}
"""What one voxel of 10 Å is."""


@given(
    order=st.permutations(["x", "y", "z", "score", "id"]),
    unit=st.sampled_from(sorted(UNITS)),
    separator=st.sampled_from([",", ";", "\t"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    capitals=st.booleans(),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_columns_with_names(
    tmp_path: Path, order: list[str], unit: str, separator: str, end: str, capitals: bool
) -> None:
    def cell(name: str, point: Sequence[int]) -> str:
        """Value of a column."""
        return "" if name in ("score", "id") else f"{UNITS[unit] * point['xyz'.index(name)]:.3f}"

    header = [name + (unit if name in "xyz" else "") for name in order]
    lines = [header, *([cell(name, point) for name in order] for point in POINTS.tolist())]
    text = end.join(separator.join(line) for line in lines) + end
    path = foreign.put(tmp_path / "p.csv", text.replace("x", "X", 1) if capitals and "px" not in unit else text)
    assert places(path) == POINTS.tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("z y x\n20 30 40\n", [[40, 30, 20]]),
        ("# z y x\n20 30 40\n", [[40, 30, 20]]),
        ("# x y z in nm\n20 30 40\n", [[20, 30, 40]]),
        ("# picked by hand\n20 30 40 # a ribosome\n", [[20, 30, 40]]),
        ("index,axis-0,axis-1,axis-2\n0,20,30,40\n", [[40, 30, 20]]),
        ("index,axis-0,axis-1,axis-2,axis-3\n0,0.0,20,30,40\n", [[40, 30, 20]]),
        ("index,axis-0,axis-1,axis-2,axis-3,axis-4\n0,2,1,20,30,40\n1,2,1,20,30,41\n", [[40, 30, 20], [41, 30, 20]]),
        ("x,y,z,voxel_size\n40,60,40,5\n", [[20, 30, 20]]),
        ("x,y,z,tomogram_voxel_size_nm\n40,60,40,0.5\n", [[20, 30, 20]]),
        ("x,y,z,Pixel Size (A)\n40,60,40,5\n", [[20, 30, 20]]),
        ("x,y,z,x_nm,y_nm,z_nm\n1,2,3,20,30,20\n", [[20, 30, 20]]),
        ('"x","y","z","class"\n20,30,20,"a, b"\n', [[20, 30, 20]]),
        ("x_um,y_um,z_um\n0.02,0.03,0.02\n", [[20, 30, 20]]),
        ("tomo_name,x,y,z\nTS_1,20,30,20\nTS_2,1,1,1\n", [[20, 30, 20]]),
    ],
)
def test_tables_of_text(tmp_path: Path, text: str, expected: list[list[int]]) -> None:
    assert places(foreign.put(tmp_path / "p.csv", text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Position X,Position Y,Position Z,Unit,Category\n{nm},nm,Spot\n",
        "x,y,z,units\n{A},angstrom\n",
        "x,y,z,unit,voxel_size\n{fine},px,5\n",
        "x y z unit\n20 30 20 voxel\n",
        "x,y,z,binning,voxel_size\n{fine},2,5\n",
        "# coordinates in nm\n{nm}\n",
        "# nm\n{nm}\n",
        "# x y z\n# nm\n{nm}\n",
        "# unit: nm\n{nm}\n",
        "# coordinates in Angstrom\n{A}\n",
        "# x y z (Å)\n{A}\n",
        "# x y z A\n{A}\n",
        "# x, y, z in Angstrom\n{A}\n",
        "X Y Z # in A\n{A}\n",
        "x y z id # in A\n200 300 200 1\n",
        "# pixel size: 5 A\n{fine}\n",
        "# pixel_size = 5.0\n# x y z\n{fine}\n",
        "# x y z in voxels\n# voxel size (nm): 0,5\n{fine}\n",
        "# picked at 5.0 A/px\n{fine}\n",
        "# coordinates in nm\n# picked in bin 2 of 2.5 A/px\n{nm}\n",
        "# picked in a tomogram, box 30 nm\n{own}\n",
        "# tomogram TS_01_bin4.mrc, bin4/TS_01.mrc\n{own}\n",
    ],
)
def test_units_beside_the_numbers(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    separator = "," if "," in text.split("\n", maxsplit=1)[0] and not text.startswith("#") else " "
    values = {"nm": (20, 30, 20), "A": (200, 300, 200), "fine": (40, 60, 40), "own": (20, 30, 20)}
    filled = text.format(**{name: separator.join(map(str, value)) for name, value in values.items()})
    assert places(foreign.put(tmp_path / "p.csv", filled)) == [[20, 30, 20]]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("# x y z (bin4)\n40 40 40\n", "line 1: 'bin4' does not tell which pixels .*'# pixel size: N A'"),
        ("# x y z\n# (picked in bin 2)\n40 40 40\n", "line 2: 'bin 2' .*'# pixel size: N A'"),
        ("# coordinates in unbinned pixels\n40 40 40\n", "'unbinned' .*'# pixel size: N A'"),
        ("# pixel size 1.35 A, coordinates at bin8\n40 40 40\n", "'bin8' .*'# pixel size: N A'"),
        ("x,y,z,binning\n40,60,40,4\n", "line 2: a binning of 4 .*'# pixel size: N A'"),
        ("x,y,z,unit\n40,60,40,inch\n", "line 2: 'inch' is no unit"),
        ("# in nm\n# coordinates in A\n40 60 40\n", r"nm \(line 1\) and A \(line 2\)"),
        ("# pixel size: 0 A\n40 60 40\n", "line 1: 'pixel size: 0 A' is no size"),
    ],
)
def test_a_unit_that_is_not_clear_is_refused(tmp_path: Path, text: str, mention: str) -> None:
    with pytest.raises(InputError, match=mention):
        places(foreign.put(tmp_path / "p.csv", text))


@pytest.mark.parametrize(
    "text",
    [
        "# coordinates in order z y x\n20 30 40\n",
        "# coordinates in order z, y, x\n20 30 40\n",
        "# columns: Z Y X (voxels)\n20 30 40\n",
        "# picked by hand (ZYX)\n# 12 March\n20,30,40\n",
        "# numpy order: z/y/x\n20 30 40\n",
        "# columns: x_px, z_px, y_px\n40 20 30\n",
        "# first y, then z and x\n30 20 40\n",
        "# columns: z_A y_A x_A\n200 300 400\n",
        "# columns: z (nm), y (nm), x (nm)\n20 30 40\n",
        "# order zyx in nm\n20 30 40\n",
        "# shape of the volume (z y x): 48 64 64\n# order x y z\n40 30 20\n",
    ],
)
def test_an_order_that_comments_say(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    assert places(foreign.put(tmp_path / "p.txt", text)) == [[40, 30, 20]]
    assert not [record for record in caplog.records if record.levelname == "WARNING"]
    assert ("p.txt: its numbers are" in caplog.text) == ("40 30 20" not in text)


@pytest.mark.parametrize("comment", ["shape (z, y, x): 48 64 64", "slice, row, column"])
def test_an_order_that_is_not_clear(tmp_path: Path, comment: str, caplog: pytest.LogCaptureFixture) -> None:
    assert places(foreign.put(tmp_path / "p.txt", f"# {comment}\n40 30 20\n")) == [[40, 30, 20]]
    (warning,) = caplog.messages
    assert f"line 1: '{comment}' is not taken for the order of its numbers; write '# z y x' if it is" in warning


def test_orders_that_contradict(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert places(foreign.put(tmp_path / "p.txt", "# zyx\n# shape (z y x)\nx y z # in px\n4 3 2\n")) == [[4, 3, 2]]
    assert caplog.messages[0].endswith(
        "line 1: says z y x, but the names of its columns x y z, which counts; correct the wrong one"
    )
    assert places(foreign.put(tmp_path / "p.txt", "# as z y x\nz y x # in px\n2 3 4\n")) == [[4, 3, 2]]
    assert len(caplog.messages) == 1
    with pytest.raises(InputError, match=r"two orders of its numbers, z y x \(line 1\) and x y z \(line 2\)"):
        places(foreign.put(tmp_path / "p.txt", "# order zyx\n# in xyz\n1 2 3\n"))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("id,experiment,particle_type,x,y,z\n0,TS_1,ribosome,50.0,40.0,30.0\n1,TS_2,ribosome,1,1,1\n", [5, 4, 3]),
        ("experiment,particle_type,x,y,z\nTS_2,ribosome,1,1,1\nTS_1,ribosome,50,40,30\n", [5, 4, 3]),
        ("run_name,x,y,z,transform_00,transform_01\nTS_1,50,40,30,1,0\n", [5, 4, 3]),
        ("experiment,particle_type,x,y,z\nTS_1,a,0.5,0.5,0.5\n", [0, 0, 0]),
    ],
)
def test_places_of_copick_are_in_angstrom(
    tmp_path: Path, text: str, place: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert places(foreign.put(tmp_path / "p.csv", text)) == [place]
    assert "columns are those of copick, so x y z are in A" in caplog.text


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("experiment,particle_type,x_px,y_px,z_px\nTS_1,a,50,40,30\n", [50, 40, 30]),
        ("# in nm\nexperiment,particle_type,x,y,z\nTS_1,a,50,40,30\n", [50, 40, 30]),
        ("experiment,x,y,z\nTS_1,50,40,30\n", [50, 40, 30]),
    ],
)
def test_what_is_said_of_the_unit_wins(
    tmp_path: Path, text: str, place: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert places(foreign.put(tmp_path / "p.csv", text)) == [place]
    assert "copick" not in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        "# coordinates (Å), center of tomogram is origin\n50 40 20\n",
        "# origin at the centre\n5 4 2\n",
        "# origin is in the middle of the volume\n5 4 2\n",
        "# centered coordinates\n5 4 2\n",
        "# x y z (centered, nm)\n5 4 2\n",
        "# x y z relative to the center of the tomogram\n5 4 2\n",
        "# measured from the middle\nx,y,z\n5,4,2\n",
        "# centred on the tomogram\n5 4 2\n",
    ],
)
def test_places_from_the_middle_are_refused(tmp_path: Path, text: str) -> None:
    mention = r"line 1: .* says that x y z count from the middle; .*rlnCenteredCoordinateXAngst"
    with pytest.raises(InputError, match=mention):
        places(foreign.put(tmp_path / "p.txt", text))


@pytest.mark.parametrize(
    "comment",
    [
        "centers of particles, origin at the corner",
        "particle center coordinates, origin: first voxel",
        "box centre, from the corner of the volume",
        "boxes centered on ribosomes",
        "from the acquisition center in Basel",
    ],
)
def test_other_middles_pass(tmp_path: Path, comment: str) -> None:
    assert places(foreign.put(tmp_path / "p.txt", f"# {comment}\n5 4 2\n")) == [[5, 4, 2]]


@pytest.mark.parametrize(
    "text",
    [
        "# 1-based voxel coordinates\n6 5 3\n",
        "# one-based\nx,y,z\n6,5,3\n",
        "# voxels counted from 1\n6 5 3\n",
        "# z y x, indices start at 1\n3 5 6\n",
        "# order zyx (1 based)\n3 5 6\n",
        "# first voxel is 1\n# pixel size: 5 A\n11 9 5\n",
        "# MATLAB, 1-indexed, not 0.5\n1.9 1.9 1.9\n1 1 1\n",
    ],
)
def test_voxels_counted_from_1(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    found = places(foreign.put(tmp_path / "p.txt", text))
    assert found == ([[1, 1, 1], [0, 0, 0]] if "MATLAB" in text else [[5, 4, 2]])
    assert "is taken from x, y, z" in caplog.text


def test_what_else_counts_from_1_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert places(foreign.put(tmp_path / "p.txt", "# 0-based; starting at 1.5 A\n5 4 2\n")) == [[5, 4, 2]]
    assert not caplog.records
    assert places(foreign.put(tmp_path / "p.txt", "# tomogram ids are 1-based\n5 4 2\n")) == [[5, 4, 2]]
    assert "line 1: '1-based' is not taken for that of x, y, z; write '# 1-based'" in caplog.text


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("# 1-based (0-based in Python)\n5 4 2\n", r"from 1 \(line 1\) and from 0 \(line 1\); leave the right one"),
        ("# 1-based\n# x y z in nm\n5 4 2\n", "'1-based' is of voxels, and x y z are in nm"),
    ],
)
def test_a_first_voxel_that_is_not_clear(tmp_path: Path, text: str, mention: str) -> None:
    with pytest.raises(InputError, match=mention):
        places(foreign.put(tmp_path / "p.txt", text))


@pytest.mark.parametrize(
    "names",
    [
        "shift_x,shift_y,shift_z",
        "x_offset,y_offset,z_offset",
        "xShift,yShift,zShift",
        "offset.x,offset.y,offset.z",
        "rlnOriginXAngst,rlnOriginYAngst,rlnOriginZAngst",
        "transform_03,transform_13,transform_23",
        "shift_x_nm,shift_y_nm,shift_z_nm",
    ],
)
def test_shifts_that_are_left_aside_are_told(tmp_path: Path, names: str, caplog: pytest.LogCaptureFixture) -> None:
    for values in ("0.0,0,0", ",,"):
        assert places(foreign.put(tmp_path / "p.csv", f"x,y,z,{names}\n40,30,20,{values}\n")) == [[40, 30, 20]]
    assert not caplog.records
    assert places(foreign.put(tmp_path / "p.csv", f"x,y,z,{names}\n40,30,20,0,5,0\n")) == [[40, 30, 20]]
    assert f"p.csv: its shifts {names.replace(',', ', ')} are left aside; add them to x y z" in caplog.text


@pytest.mark.parametrize("first", [0, 1])
def test_a_number_before_x_and_y_is_told(tmp_path: Path, first: int, caplog: pytest.LogCaptureFixture) -> None:
    rows = "".join(f"{number} {30 + number} 20\n" for number in range(first, first + 4))
    for text in ("# x y z\n" + rows, "# order x y z\n" + rows, rows.partition("\n")[2], "9 9 9\n" + rows):
        places(foreign.put(tmp_path / "p.txt", text))
    assert not caplog.records
    places(foreign.put(tmp_path / "p.txt", rows))
    assert f"p.txt: its first column counts {first}, {first + 1}, {first + 2} ...; if that numbers" in caplog.text
    assert "write '# x y z' above them if not" in caplog.text


def test_a_unit_of_something_else_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert places(foreign.put(tmp_path / "p.txt", "# particle diameter in nm: 30\n20 30 20\n")) == [[20, 30, 20]]
    (warning,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert "line 1" in warning
    assert "is not taken for the unit of its numbers; write '# x y z in nm'" in warning


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('"x","y","z"\n"20","40","30"\n', [[20, 40, 30]]),
        ('"20" "40" "30"\n', [[20, 40, 30]]),
        ("x;y;z\n40,5;60,2;40,0\n1;2;3,4\n", [[41, 60, 40], [1, 2, 3]]),
        ("x;y;z;score\n40,5;60,2;40,0;0,9\n", [[41, 60, 40]]),
        ('"x";"y";"z"\n"40,5";"60,2";"40"\n', [[41, 60, 40]]),
        ("40,5;60,2;40,0\n1;2,5;3\n", [[41, 60, 40], [1, 3, 3]]),
        ("40,5\t60,2\t40\n", [[41, 60, 40]]),
        ("x\ty\tz\n40,5\t60,2\t40,0\n", [[41, 60, 40]]),
        ("40,60,40\n40; 60; 40\n40, 60, 40\n", [[40, 60, 40]] * 3),
    ],
)
def test_tables_of_spreadsheets(tmp_path: Path, text: str, expected: list[list[int]]) -> None:
    """Every value in quotes, and commas in the place of points."""
    assert places(foreign.put(tmp_path / "p.csv", text)) == expected


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("row,col,slice\n1,2,3\n", "does not name x, y, z"),
        ("axis-0,axis-1,axis-2,axis-3\n0,1,2,3\n1,1,2,3\n", "several volumes, axis-0 0 and 1"),
        ("x,y\n1,2\n", "does not name x, y, z"),
        ("x,y,z,score\n1,2,3\n", "4 columns"),
        ("x,y,z,score\n1,2,,4\n", "is not a number"),
        ("1,024\t1,100\t2,000\n", "give three numbers a line, with points in the place of decimal commas"),
        ("1,5 2,5 3,5\n", "with points in the place of decimal commas"),
        ("1,2,3,4\n", "three numbers a line$"),
        ("1_0 2 3\n", "'1_0' is not a number"),
    ],
)
def test_text_is_never_guessed(tmp_path: Path, text: str, mention: str) -> None:
    with pytest.raises(InputError, match=mention):
        places(foreign.put(tmp_path / "p.csv", text))


def test_numbers_in_other_units_are_said(here: Path, simulated: Callable[..., Any]) -> None:
    """Defocus in micrometres, voltage in volts, contrast in percent."""
    foreign.mrc(here / "t/TS_1.mrc", simulated(1))
    columns = {"rlnVoltage": [300000], "rlnSphericalAberration": [0.0002], "rlnAmplitudeContrast": [7]}
    foreign.star(here / "m.star", "global", rlnTomoName=["TS_1"], **columns)
    said = isonet.done("prepare", "t", metadata="m.star", defocus=3.2).err
    for what in ("defocus is 3.2", "voltage is 300000", "Cs is 0.0002", "amplitude contrast is 7"):
        assert f"warning: TS_1: {what}, which is no number in" in said
