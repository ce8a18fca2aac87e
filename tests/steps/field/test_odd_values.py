"""Values that other programs, tables typed by hand and spreadsheets give in another order, unit, sign or spelling."""

from collections.abc import Sequence
from pathlib import Path

import commandline as isonet
import foreign
import numpy as np
import pytest
from test_units import POINTS, places, star

from isonet.errors import InputError
from isonet.io.programs.aretomo import read_ctf_table
from isonet.io.programs.imod import write_closed
from isonet.io.programs.metadata import read_series, read_tilts
from isonet.io.programs.tilt_series import defocus_at_zero_tilt

SHUFFLED = np.random.default_rng(2).permutation(len(foreign.TILTS)).tolist()


@pytest.fixture
def tomogram(here: Path) -> Path:
    """One tomogram, `TS_1`."""
    return isonet.write(here / "t/TS_1.mrc", isonet.specimen())


def row_of(**options: object) -> tuple[dict[str, str], str]:
    """Prepare it, and return its row in the table and what was said."""
    said = isonet.done("prepare", "t", **options).err
    return isonet.table(Path("tomograms.star"))[0], said


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("order", [sorted(SHUFFLED), SHUFFLED], ids=["in order", "shuffled"])
def test_numbers_of_images_are_no_tilts(tmp_path: Path, first: int, order: Sequence[int]) -> None:
    rows = "".join(f"{first + place} {foreign.TILTS[place]}\n" for place in order)
    with pytest.raises(InputError, match="first column counts"):
        read_tilts(foreign.put(tmp_path / "TS_1.tlt", rows))


def test_tilts_with_numbers_of_images_behind_them_are_read(tmp_path: Path) -> None:
    rows = "".join(f"{tilt} {place}\n" for place, tilt in enumerate(foreign.TILTS))
    assert read_tilts(foreign.put(tmp_path / "TS_1.tlt", rows)).tilts == foreign.TILTS


def ctf_rows(numbers: Sequence[int], order: Sequence[int]) -> str:
    """Rows as CTFFIND writes them: the defocus rises with the tilt, by 500 Å from one to the next."""
    rows = [f"{numbers[place]} {20000 + 500 * place} {20000 + 500 * place} 0 0 0.1 8\n" for place in order]
    return (
        "# Columns: #1 - number; #2 - defocus 1; #3 - defocus 2; #4 - azimuth; #5 - phase; #6 - score; #7 - fit\n"
        + "".join(rows)
    )


@pytest.mark.parametrize("order", [range(41), SHUFFLED], ids=["in order", "shuffled"])
def test_defocus_is_that_of_its_image(tmp_path: Path, order: Sequence[int]) -> None:
    path = foreign.put(tmp_path / "TS_1_CTF.txt", ctf_rows(range(1, 42), order))
    assert defocus_at_zero_tilt(read_ctf_table(path).defoci, foreign.TILTS) == 30000


def test_tables_of_single_images_that_were_joined_keep_their_order(tmp_path: Path) -> None:
    path = foreign.put(tmp_path / "TS_1_CTF.txt", ctf_rows([1] * 41, range(41)))
    assert defocus_at_zero_tilt(read_ctf_table(path).defoci, foreign.TILTS) == 30000


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("rlnVoltage", "-300", "voltage is -300"),
        ("rlnSphericalAberration", "-2.7", "Cs is -2.7"),
        ("rlnAmplitudeContrast", "-0.1", "amplitude contrast is -0.1"),
    ],
)
def test_what_cannot_be_negative_is_said(tomogram: Path, column: str, value: str, what: str) -> None:
    foreign.star(tomogram.parents[1] / "m.star", "global", rlnTomoName=["TS_1"], **{column: [value]})
    _, said = row_of(metadata="m.star")
    assert f"warning: TS_1: {what}, which is no number in" in said


def test_no_voltage_is_the_usual_one(tomogram: Path) -> None:
    foreign.star(tomogram.parents[1] / "m.star", "global", rlnTomoName=["TS_1"], rlnVoltage=[0])
    assert row_of(metadata="m.star")[0]["rlnVoltage"] == "300"


@pytest.mark.parametrize(("phase", "warned"), [(1.5708, True), (3.1, True), (90, False), (-90, False), (0, False)])
def test_a_phase_shift_in_radians_is_said(tomogram: Path, phase: float, warned: bool) -> None:
    tilts = foreign.TILTS
    columns = {"rlnTomoYTilt": tilts, "rlnDefocusU": [31000] * len(tilts), "rlnPhaseShift": [phase] * len(tilts)}
    foreign.star(tomogram.parents[1] / "TS_1.star", "TS_1", **columns)
    assert ("phase shift is" in row_of(metadata="TS_1.star")[1]) is warned


@pytest.mark.parametrize(
    ("defocus", "phase", "warned"),
    [
        *[(3000, 0, True), (-3000, 0, True), (5000, 0, False), (30000, 0, False), (0, 0, False)],
        *[(5000, 90, False), (1500, 90, False), (-1500, 90, False), (300, 90, True), (3000, 0.1, True)],
    ],
)
def test_a_defocus_in_nanometres_is_said(tomogram: Path, defocus: float, phase: float, warned: bool) -> None:
    """Less is usual with a phase plate."""
    tilts = foreign.TILTS
    columns = {"rlnTomoYTilt": tilts, "rlnDefocusU": [defocus] * len(tilts), "rlnPhaseShift": [phase] * len(tilts)}
    foreign.star(tomogram.parents[1] / "TS_1.star", "TS_1", **columns)
    said = row_of(metadata="TS_1.star")[1]
    assert (f"warning: TS_1: defocus is {defocus}, which is no number in A" in said) is warned


@pytest.mark.parametrize(("cs", "warned"), [(0.0027, True), (27, True), (0.01, False), (1.4, False), (0, False)])
def test_a_spherical_aberration_in_metres_is_said(tomogram: Path, cs: float, warned: bool) -> None:
    foreign.star(tomogram.parents[1] / "m.star", "global", rlnTomoName=["TS_1"], rlnSphericalAberration=[cs])
    assert (f"Cs is {cs}, which is no number in mm" in row_of(metadata="m.star")[1]) is warned


@pytest.mark.parametrize("size", ["0", "-5"])
def test_no_size_of_a_voxel_is_refused(tmp_path: Path, size: str) -> None:
    with pytest.raises(InputError, match=f"{size} is no size of a voxel"):
        places(foreign.put(tmp_path / "p.csv", f"x,y,z,voxel_size\n10,12,8,{size}\n"))


def of_groups(path: Path, named: str) -> Path:
    """Places of 5 Å in a file that describes two optics groups."""
    star(path, POINTS * 2, rlnOpticsGroup=[named] * 3)
    head = "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnImagePixelSize\n1 5\n2 10\n\n"
    return foreign.put(path, head + path.read_text())


@pytest.mark.parametrize("named", ["1", "1.000000", "01"])
def test_an_optics_group_is_found_however_its_number_is_written(tmp_path: Path, named: str) -> None:
    assert places(of_groups(tmp_path / "p.star", named)) == POINTS.tolist()


def test_an_optics_group_that_is_not_described_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="row 1: rlnOpticsGroup 7 is not among those"):
        places(of_groups(tmp_path / "p.star", "7"))


@pytest.mark.parametrize("defocus", ["3.1e8", "-3.1e8"])
def test_no_defocus_of_metres_is_deconvolved(prepared: Path, defocus: str) -> None:
    isonet.edited(prepared, rlnDefocus=defocus)
    isonet.assert_refused(isonet.call("deconv", prepared), "has a defocus of", "give it in A")


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("rlnSphericalAberration", "27", "Cs is 27"),
        ("rlnSphericalAberration", "0.0027", "Cs is 0.0027"),
        ("rlnVoltage", "2700", "voltage is 2700"),
        ("rlnVoltage", "30", "voltage is 30"),
        ("rlnAmplitudeContrast", "0.0007", "amplitude contrast is 0.0007"),
        ("rlnSphericalAberration", "0", ""),
        ("rlnSphericalAberration", "0.01", ""),
    ],
)
def test_a_microscope_that_cannot_be_is_said(prepared: Path, column: str, value: str, what: str) -> None:
    isonet.edited(prepared, rlnDefocus="40000", **{column: value})
    said = isonet.done("deconv", prepared).err
    assert ("is usual, correct it" in said) == bool(what)
    assert what in said


COMMAND = "$tilt -StandardInput\nInputProjections TS_1_ali.mrc\nTILTFILE TS_1.tlt\n{}\n"


@pytest.mark.parametrize(
    ("option", "doubted"),
    [
        ("EXCLUDELIST 1-3", False),
        ("EXCLUDELIST 1,41", False),
        ("EXCLUDELIST 1-3,60", True),
        ("EXCLUDELIST 0,1", True),
        ("INCLUDE 1-60", True),
        ("OFFSET 3", False),
    ],
)
def test_views_that_there_are_not_are_doubted(tmp_path: Path, option: str, doubted: bool) -> None:
    foreign.angles(tmp_path / "TS_1.tlt")
    doubt = read_tilts(foreign.put(tmp_path / "tilt.com", COMMAND.format(option))).doubt
    assert ("of one series" in doubt) is doubted


@pytest.mark.parametrize(("second", "refused"), [("9", True), ("3.1", False)])
def test_two_values_of_one_name_in_warp_are_refused(tmp_path: Path, second: str, refused: bool) -> None:
    path = foreign.warp(tmp_path / "TS_1.xml", foreign.TILTS)
    said = "".join(f'<Param Name="Defocus" Value="{value}"/>' for value in ("3.1", second))
    foreign.put(path, path.read_text().replace("</TiltSeries>", f"<CTF>{said}</CTF></TiltSeries>"))
    if refused:
        with pytest.raises(InputError, match="different things under one name"):
            read_series(path)
    else:
        assert read_series(path)[0].defoci == (31000,)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TS_1.mdoc", "PixelSpacing = -2.5\n\n[ZValue = 0]\nTiltAngle = -60\n\n[ZValue = 1]\nTiltAngle = 60\n"),
        ("TiltSeries_Metrics.csv", "Tilt_Series,Pix_Size(A)\nTS_1.mrc,-2.5\n"),
        ("m.star", "data_global\n\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesPixelSize\nTS_1 -2.5\n"),
        ("m.star", "data_\n\nloop_\n_rlnTomoName\n_rlnTomoTiltSeriesPixelSize\n_rlnTomoTomogramBinning\nTS_1 2.5 -4\n"),
    ],
)
def test_a_negative_pixel_size_is_refused(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(InputError, match=r"a pixel size of -(2\.5|10) A cannot be"):
        read_series(foreign.put(tmp_path / name, text))


def test_a_pixel_size_of_zero_says_nothing(tmp_path: Path) -> None:
    columns = {"rlnTomoTiltSeriesPixelSize": [0], "rlnTomoTomogramBinning": [4]}
    (found,) = read_series(foreign.star(tmp_path / "m.star", "global", rlnTomoName=["TS_1"], **columns))
    assert (found.pixel_size, found.image_pixel_size) == (None, None)


@pytest.mark.parametrize(
    ("columns", "tilts", "missing"),
    [
        ({"rlnTiltMin": -40}, ("-40", "60"), "rlnTiltMax"),
        ({"rlnTiltMax": 40}, ("-60", "40"), "rlnTiltMin"),
        ({"rlnTiltMin": -40, "rlnTiltMax": 50}, ("-40", "50"), None),
        ({}, ("-60", "60"), None),
    ],
)
def test_one_end_of_a_range_is_kept(
    tomogram: Path, columns: dict[str, float], tilts: tuple[str, str], missing: str | None
) -> None:
    values = {name: [value] for name, value in columns.items()}
    foreign.star(tomogram.parents[1] / "in.star", rlnIndex=[1], rlnTomoName=["t/TS_1.mrc"], **values)
    said = isonet.done("prepare", "in.star", output="o.star").err
    (row,) = isonet.table(Path("o.star"))
    assert (row["rlnTiltMin"], row["rlnTiltMax"]) == tilts
    assert ("taken" in said) is (missing is not None)
    assert missing is None or f"warning: in.star: no {missing}" in said


def reconstruct(transform: str, *, count: int = 9) -> isonet.Outcome:
    """Reconstruct noise with one transform for all images, and for the last another one."""
    images = np.random.default_rng(0).normal(size=(count, 32, 32)).astype(np.float32)
    foreign.mrc(Path("TS.st"), images, space_group=0)
    foreign.angles(Path("TS.tlt"), range(-4 * 10, 5 * 10, 10))
    foreign.put(Path("TS.xf"), "1 0 0 1 0 0\n" * (count - 1) + transform + "\n")
    return isonet.call("reconstruct", "TS.st", tilt_file="TS.tlt", alignment="TS.xf", thickness=16)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("transform", "mentions"),
    [
        ("1 0 0 1 5000 0", ("image 9 is shifted by 5000 0 pixels", "out of the field")),
        ("1 0 0 1 0 -33", ("image 9 is shifted by 0 -33 pixels", "out of the field")),
        ("-1 0 0 1 0 0", ("transform 9 mirrors the image",)),
    ],
)
def test_alignments_that_show_nothing_are_refused(transform: str, mentions: tuple[str, ...]) -> None:
    isonet.assert_refused(reconstruct(transform), "TS.xf", *mentions)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("transform", ["1 0 0 1 20 -20", "0 1 -1 0 3 3", "-1 0 0 -1 0 0", "2 0 0 2 40 0"])
def test_alignments_that_show_a_part_pass(transform: str) -> None:
    assert reconstruct(transform).code == 0


@pytest.mark.parametrize(
    ("size", "voxel_size", "said"),
    [
        ((64, 64, 48), 10.0, ""),
        ((128, 128, 96), 5.0, ""),  # scaled, as it says how
        ((128, 128, 96), 10.0, "another binning"),
        ((128, 128, 96), 0.0, "another binning"),
        ((127, 129, 96), 0.0, "another binning"),
        ((256, 256, 192), 1.0, "another binning"),
        ((32, 32, 24), 0.0, "another binning"),
        ((64, 48, 64), 10.0, "y and z exchanged"),
        ((60, 50, 41), 10.0, ""),  # the extent of the points, as of point2model
        ((0, 0, 0), 0.0, ""),
    ],
)
def test_a_model_of_another_image_is_said(
    tmp_path: Path, size: tuple[int, int, int], voxel_size: float, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_closed(tmp_path / "m.mod", [("p", [np.array([(20, 24, 12)], float)])], size, voxel_size)
    places(tmp_path / "m.mod")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == bool(said)
    assert all(said in warning for warning in warnings)


def test_a_boundary_of_another_image_is_said(prepared: Path) -> None:
    corners = np.array([(2, 2, 6), (30, 2, 6), (30, 30, 6), (2, 30, 6)], float)
    write_closed(prepared.parent / "b.mod", [("area", [corners])], (64, 64, 48), 0.0)
    said = isonet.done("mask", prepared, boundary="b.mod").err
    assert "warning: b.mod: drawn on 64 x 64 x 48 voxels along x, y, z, this tomogram has 32 x 32 x 24" in said


@pytest.mark.parametrize("named", ["2", "2.000000"])
def test_constants_of_an_optics_group_are_found_however_its_number_is_written(tmp_path: Path, named: str) -> None:
    optics = "data_optics\n\nloop_\n_rlnOpticsGroup\n_rlnVoltage\n1 300\n2 200\n\n"
    table = f"data_global\n\nloop_\n_rlnTomoName\n_rlnOpticsGroup\nTS_1 {named}\n"
    (found,) = read_series(foreign.put(tmp_path / "m.star", optics + table))
    assert found.voltage == 200
