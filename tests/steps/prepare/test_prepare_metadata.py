"""prepare --metadata: what belongs to each tomogram is found by name, told, and overridden by flags."""

from pathlib import Path
from typing import Any

import commandline as isonet
import pytest
import starfile

from isonet.project.table import Project

MDOC = "".join(f"[ZValue = {n}]\nTiltAngle = {tilt}\nTargetDefocus = -4\n\n" for n, tilt in enumerate((-54, 0, 54)))
CTF = "# Columns: #1 micrograph number; #2 - defocus 1 [A]; #3 - defocus 2; #4; #5; #6; #7\n" + "".join(
    f"{n} {value} {value + 1000} 10 0 0.1 8\n" for n, value in enumerate((30000, 31000, 32000), start=1)
)
SERIES = "data_x\n\nloop_\n_rlnTomoYTilt #1\n_rlnDefocusU #2\n-40 24000\n0 25000\n45 26000\n"


def put(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def row(*words: Any, **options: Any) -> tuple[dict[str, str], str]:
    """The only row of the table made, and what was said."""
    said = isonet.done("prepare", *words, **options).err
    (only,) = isonet.table(Path(options.get("output", "tomograms.star")))
    return only, said


def values(only: dict[str, str]) -> tuple[str, ...]:
    names = ("TiltMin", "TiltMax", "Defocus", "Voltage", "SphericalAberration", "AmplitudeContrast")
    return tuple(only[f"rln{name}"] for name in names)


def test_defaults_are_written(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    assert values(row("v.mrc")[0]) == ("-60", "60", "0", "300", "2.7", "0.07")


def test_one_line_says_what_came_from_where_and_flags_override(here: Path, volume: Any) -> None:
    isonet.write(here / "TS_01_rec.mrc", volume)
    put(here / "m/TS_01.tlt", "-57\n1\n59\n")
    put(here / "m/TS_01_CTF.txt", CTF)
    only, said = row("TS_01_rec.mrc", metadata="m")
    assert values(only) == ("-57", "59", "31500", "300", "2.7", "0.07")
    assert only["rlnTiltFile"] == "m/TS_01.tlt"
    assert "TS_01_rec: tilts -57 to 59 (3) from TS_01.tlt; defocus 31500 A from TS_01_CTF.txt" in said
    flags = {"defocus": 0, "voltage": 200, "cs": 2, "amplitude_contrast": 0.07, "tilt_max": 50}
    only, said = row("TS_01_rec.mrc", metadata="m", overwrite=True, **flags)
    assert values(only) == ("-57", "50", "0", "200", "2", "0.07")
    assert only["rlnTiltFile"] == "None"
    assert "from --tilt-max" in said
    only, _ = row("TS_01_rec.mrc", metadata="m", tilt_file="m/TS_01.tlt", tilt_max=50, overwrite=True)
    assert values(only)[:2] == ("-57", "59")


def test_measured_wins_over_nominal_and_conflicts_are_told(here: Path, volume: Any) -> None:
    isonet.write(here / "TS_01.mrc", volume)
    put(here / "m/TS_01.mrc.mdoc", MDOC)
    only, said = row("TS_01.mrc", metadata="m")
    assert values(only)[:3] == ("-54", "54", "40000")
    put(here / "m/sub/TS_01.tlt", "-44\n0\n64\n")
    put(here / "m/sub/TS_01_CTF.txt", CTF)
    only, said = row("TS_01.mrc", metadata="m", overwrite=True)
    assert values(only)[:3] == ("-44", "64", "31500")
    (warning,) = (line for line in said.splitlines() if "taken from TS_01.tlt" in line)
    assert "m/sub/TS_01.tlt has tilts -44 to 64, m/TS_01.mrc.mdoc has -54 to 54" in warning


def test_a_phase_plate_is_told_and_not_deconvolved(here: Path, volume: Any) -> None:
    """In the row of its tomogram only."""
    for name, phase in (("TS_1", "0"), ("TS_2", "1.5707963")):
        isonet.write(here / f"data/{name}.mrc", volume)
        put(here / f"m/{name}.tlt", "-57\n1\n59\n")
        put(here / f"m/{name}_CTF.txt", CTF.replace(" 10 0 ", f" 10 {phase} "))
    said = isonet.done("prepare", "data", metadata="m").err
    assert "phase shift 90 degrees from TS_2_CTF.txt" in said and said.count("phase shift") == 1
    assert [one["rlnPhaseShift"] for one in isonet.table(here / "tomograms.star")] == ["None", "90"]
    assert "TS_2: phase plate (90 degrees), skipped" in isonet.done("deconv", "tomograms.star").err
    assert [path.name for path in (here / "deconv").glob("*.mrc")] == ["TS_1_deconv.mrc"]
    isonet.done("prepare", "tomograms.star", output="again.star")
    assert [one["rlnPhaseShift"] for one in isonet.table(here / "again.star")] == ["None", "90"]
    put(here / "m/TS_2_CTF.txt", CTF.replace(" 10 0 ", " 10 0.001 "))  # 0.06 degrees, as a fit without a plate gives
    said = isonet.done("prepare", "data", metadata="m", overwrite=True).err
    assert "phase shift" not in said
    assert "rlnPhaseShift" not in isonet.table(here / "tomograms.star")[1]


def test_tomograms_without_defocus_beside_others_are_counted_and_named(here: Path, volume: Any) -> None:
    for number in range(1, 4):
        isonet.write(here / f"data/TS_{number}.mrc", volume + number)
        put(here / f"m/TS_{number}.tlt", "-57\n1\n59\n")
    assert "no defocus" not in isonet.done("prepare", "data", metadata="m").err
    put(here / "m/TS_2_CTF.txt", CTF)
    said = isonet.done("prepare", "data", metadata="m", overwrite=True).err
    assert "warning: tomograms.star: no defocus is known of 2 of 3 tomograms (TS_1, TS_3)" in said
    for number in (1, 3):
        put(here / f"m/TS_{number}_CTF.txt", CTF)
    assert "no defocus" not in isonet.done("prepare", "data", metadata="m", overwrite=True).err


def test_a_pixel_size_is_no_part_of_a_series_name(here: Path, volume: Any) -> None:
    """Of TS_1 and TS_1_10, at 10.00 Å."""
    for name, end in (("TS_1", 41), ("TS_1_10", 42)):
        isonet.write(here / f"data/{name}_10.00Apx.mrc", volume)
        put(here / f"m/{name}.tlt", f"-40\n0\n{end}\n")
    isonet.done("prepare", "data", metadata="m")
    found = {Path(row["rlnTomoName"]).stem: row["rlnTiltMax"] for row in isonet.table(here / "tomograms.star")}
    assert found == {"TS_1_10.00Apx": "41", "TS_1_10_10.00Apx": "42"}


def test_longest_name_folders_and_tables_decide(here: Path, volume: Any) -> None:
    """TS_1 and TS_10 and TS_1_b are three; tilt.com goes by its folder; a table names its rows."""
    for name in ("TS_1", "TS_10", "TS_1_b_rec", "P7_full", "rec_Q_12"):
        isonet.write(here / "data" / f"{name}.mrc", volume)
    for name, end in (("TS_1", 41), ("TS_10", 42), ("TS_1_b", 43)):
        put(here / f"m/{name}.rawtlt", f"-40\n0\n{end}\n")
    put(here / "m/P7/tilt.com", "$tilt\nANGLES -40 0 44\n")
    put(
        here / "m/job/ts/Q_12.star",
        "data_Q_12\n\nloop_\n_rlnTomoYTilt #1\n_rlnDefocusU #2\n-40 24000\n0 25000\n45 26000\n",
    )
    put(
        here / "m/job/tomograms.star",
        "data_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesStarFile #2\n_rlnVoltage #3\nQ_12 ts/Q_12.star 200\n",
    )
    isonet.done("prepare", "data", metadata="m")
    rows = {Path(item["rlnTomoName"]).stem: item for item in isonet.table(here / "tomograms.star")}
    ends = {"TS_1": "41", "TS_10": "42", "TS_1_b_rec": "43", "P7_full": "44", "rec_Q_12": "45"}
    assert {name: item["rlnTiltMax"] for name, item in rows.items()} == ends
    assert (rows["rec_Q_12"]["rlnVoltage"], rows["rec_Q_12"]["rlnTiltFile"]) == ("200", "m/job/ts/Q_12.star")
    assert rows["P7_full"]["rlnTiltFile"] == "m/P7/tilt.com"


def test_tilts_of_a_block_in_a_table_get_a_list(here: Path, volume: Any) -> None:
    isonet.write(here / "A_1.mrc", volume)
    rows = "".join(f"[{-x},0,{z},0]\n" for x, z in ((-0.5, 0.8660254), (0, 1), (0.5, 0.8660254)))
    head = "data_global\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\nA_1 300\nA_2 300\n\n\n"
    put(here / "m.star", f"{head}data_A_1\n\nloop_\n_rlnTomoProjZ #1\n{rows}")
    only, _ = row("A_1.mrc", metadata="m.star")
    assert values(only)[:2] == ("-30", "30")
    assert Project.read(here / "tomograms.star").tomograms[0].tilts == (-30, 0, 30)
    put(here / "tilts/A_1.tlt", "-1\n0\n1\n")
    refused = isonet.call("prepare", "A_1.mrc", metadata="m.star", output="n.star")
    isonet.assert_refused(refused, "tilts/A_1.tlt", "--overwrite")


def test_nothing_found_is_a_warning_and_a_lone_file_needs_no_name(here: Path, volume: Any) -> None:
    for name in ("a_1", "b_2"):
        isonet.write(here / "data" / f"{name}.mrc", volume)
    put(here / "m/a_1.tlt", "-50\n0\n50\n")
    said = isonet.done("prepare", "data", metadata="m").err
    (warning,) = (line for line in said.splitlines() if "--tilt-file" in line)
    assert "b_2" in warning
    only, _ = row("data/b_2.mrc", metadata="m/a_1.tlt", overwrite=True)
    assert only["rlnTiltMax"] == "50"
    isonet.assert_refused(isonet.call("prepare", "data", metadata="none", output="n.star"), "none", "--metadata")
    (here / "empty").mkdir()
    isonet.assert_refused(isonet.call("prepare", "data", metadata="empty", output="n.star"), "empty", ".xml")


def test_malformed_metadata_are_an_error_where_they_belong(here: Path, volume: Any) -> None:
    isonet.write(here / "a_1.mrc", volume)
    put(here / "m/a_1.aln", "1 2 3\n")
    put(here / "m/other.tlt", "sixty\n")
    isonet.assert_refused(isonet.call("prepare", "a_1.mrc", metadata="m"), "m/a_1.aln", "3 columns")
    put(here / "m/a_1.aln", "0 0 1 0 0 1 1 1 0 -33\n1 0 1 0 0 1 1 1 0 33\n")
    assert row("a_1.mrc", metadata="m")[0]["rlnTiltMax"] == "33"
    put(here / "m/a_1.aln", "0 0 1 0 0 1 1 1 0 -33\n")
    isonet.assert_refused(isonet.call("prepare", "a_1.mrc", metadata="m", overwrite=True), "m/a_1.aln", "range")
    assert not (here / "average").exists()


def test_tables_of_particles_and_of_this_program_are_no_metadata(here: Path, volume: Any) -> None:
    isonet.write(here / "a_1.mrc", volume)
    put(here / "particles.star", "data_\n\nloop_\n_rlnTomoName #1\n_rlnCoordinateX #2\na_1 nonsense\n")
    put(here / "a_1.tlt", "-50\n0\n51\n")
    for _ in range(2):
        only, said = row("a_1.mrc", metadata=".", overwrite=True)
        assert only["rlnTiltMax"] == "51"
        assert "tomograms.star" not in said.splitlines()[0]
    refused = isonet.call("prepare", "a_1.mrc", metadata="particles.star", output="n.star")
    isonet.assert_refused(refused, "particles.star", "no metadata")
    refused = isonet.call("prepare", "a_1.mrc", tilt_file="particles.star", output="n.star")
    isonet.assert_refused(refused, "particles.star", "no tilt angles")


def test_pixel_size_of_metadata_only_where_the_header_has_none(here: Path, volume: Any) -> None:
    isonet.write(here / "a_1.mrc", volume, pixel_size=0)
    put(
        here / "t.star",
        "data_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesPixelSize #2\n_rlnTomoTomogramBinning #3\n"
        "a_1 1.5 8\n",
    )
    only, said = row("a_1.mrc", metadata="t.star")
    assert only["rlnPixelSize"] == "12"
    assert "--pixel-size" not in said
    isonet.write(here / "a_1.mrc", volume, pixel_size=11)
    only, said = row("a_1.mrc", metadata="t.star", overwrite=True)
    assert only["rlnPixelSize"] == "11"
    assert "11 A/voxel, metadata say 12" in said
    isonet.write(here / "a_1.mrc", volume, pixel_size=11.9)
    assert "metadata say" not in row("a_1.mrc", metadata="t.star", overwrite=True)[1]


def test_real_series(here: Path, shared_data: Path) -> None:
    """EMPIAR-10499: Warp's inverted angles win over the .tlt; another alignment of a longer name is left alone."""
    folder = shared_data / "empiar10499"
    only, said = row(folder / "00254_wbp_20Apx_crop96x160x160_int8.mrc", metadata=folder / "tiltseries")
    assert values(only) == ("-59.98", "60.01", "19049.8", "300", "2.7", "0.1")
    assert "taken from" not in said
    assert len(Project.read(here / "tomograms.star").tomograms[0].tilts) == 41


def test_table_for_relion(here: Path, volume: Any) -> None:
    """Read back by another program's reader and by our own; unbinned sizes; nothing overwritten."""
    isonet.write(here / "vol/TS_1_rec.mrc", volume, pixel_size=12)
    isonet.write(here / "vol/half1/TS_1_rec.mrc", volume, pixel_size=12)
    isonet.write(here / "vol/half2/TS_1_rec.mrc", volume, pixel_size=12)
    put(here / "ts/TS_1.star", SERIES)
    put(
        here / "ts/in.star",
        "data_global\n\nloop_\n_rlnTomoName #1\n_rlnTomoTiltSeriesStarFile #2\n_rlnVoltage #3\n_rlnTomoHand #4\n"
        "_rlnTomoTiltSeriesPixelSize #5\n_rlnTomoTomogramBinning #6\nTS_1 TS_1.star 200 1 1.5 8\n",
    )
    isonet.done("prepare", "vol", metadata="ts", relion5="relion/tomograms.star")
    tables = starfile.read(here / "relion/tomograms.star", always_dict=True)
    (only,) = tables["global"].to_dict("records")
    assert only == {
        "rlnTomoName": "TS_1",
        "rlnVoltage": 200,
        "rlnSphericalAberration": 2.7,
        "rlnAmplitudeContrast": 0.07,
        "rlnMicrographOriginalPixelSize": 1.5,
        "rlnTomoHand": 1,
        "rlnOpticsGroupName": "optics1",
        "rlnTomoTiltSeriesPixelSize": 1.5,
        "rlnTomoTiltSeriesStarFile": "ts/TS_1.star",
        "rlnTomoTomogramBinning": 8,
        "rlnTomoSizeX": 32 * 8,
        "rlnTomoSizeY": 32 * 8,
        "rlnTomoSizeZ": 24 * 8,
        "rlnTomoReconstructedTomogram": "vol/TS_1_rec.mrc",
        "rlnTomoReconstructedTomogramHalf1": "vol/half1/TS_1_rec.mrc",
        "rlnTomoReconstructedTomogramHalf2": "vol/half2/TS_1_rec.mrc",
    }
    again, _ = row("vol/TS_1_rec.mrc", metadata="relion", output="again.star")
    assert values(again) == ("-40", "45", "25000", "200", "2.7", "0.07")
    refused = isonet.call("prepare", "vol", relion5="relion/tomograms.star", output="n.star")
    isonet.assert_refused(refused, "relion/tomograms.star", "--relion5", "--overwrite")
    isonet.write(here / "vol/TS_1_rec.mrc", volume, pixel_size=0)
    refused = isonet.call("prepare", "vol/TS_1_rec.mrc", relion5="r.star", output="m.star")
    isonet.assert_refused(refused, "TS_1_rec.mrc", "--pixel-size")
    assert not (here / "m.star").exists()


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["--mask_folder", "m"], ("--mask_folder", "isonet mask")),
        (["--coordinate_folder=m"], ("--coordinate_folder", "isonet extract")),
        (["--defocus", "[10000,20000]"], ("--defocus", "--metadata")),
    ],
)
def test_what_replaced_flags_of_isonet_2(here: Path, volume: Any, words: list[str], mentions: tuple[str, ...]) -> None:
    isonet.write(here / "full/v.mrc", volume)
    isonet.assert_refused(isonet.call("prepare_star", "--full", "full", *words), *mentions)


def test_flags_of_isonet_2(here: Path, volume: Any) -> None:
    isonet.write(here / "full/v.mrc", volume)
    words = "--full full --star_name s.star --pixel_size auto --number_subtomos auto --ac 0.07 --cs 2 --voltage 200"
    words += " --defocus [10000] --tilt_min -50 --tilt_max 50 --create_average True --mask_folder None"
    words += " --coordinate_folder None"
    assert "--create_average is not needed" in isonet.done("prepare_star", *words.split()).err
    (only,) = isonet.table(here / "s.star")
    assert values(only) == ("-50", "50", "10000", "200", "2", "0.07")
    assert (only["rlnPixelSize"], only["rlnNumberSubtomo"]) == ("10", "300")
