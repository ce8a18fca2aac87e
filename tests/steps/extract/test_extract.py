"""extract and prepare-subtomo-star: files that hold what the tomogram holds there, and a table that says so."""

import os
import shutil
from pathlib import Path
from typing import Any

import commandline as isonet
import mrcfile
import numpy as np
import pytest
import yaml

from isonet.config import ExtractConfig, PrepareSubtomoStarConfig
from isonet.io import star
from isonet.project.table import Project

SMALL = {"cube_size": 16, "crop_size": 20}


def rows(path: Any = "subtomo.star") -> list[dict[str, str]]:
    """Rows of a table of sub-volumes."""
    return star.read_table(Path(path), ["rlnImageName"])


def centre(row: dict[str, str]) -> tuple[int, int, int]:
    """Voxel z, y, x of a sub-volume's centre."""
    z, y, x = (int(row[f"rlnCoordinate{axis}"]) for axis in "ZYX")
    return z, y, x


def extract(*words: Any, **options: Any) -> list[dict[str, str]]:
    isonet.done("extract", "tomograms.star", *words, **{**SMALL, **options})
    return rows(options.get("output", "subtomo.star"))


def test_files_hold_the_grey_values_that_the_tomogram_holds_there(prepared: Path, volume: Any) -> None:
    with mrcfile.open("v.mrc", "r+") as mrc:
        mrc.header.origin = (100.0, 200.0, -50.0)
    table = extract(number_subtomos=12)
    assert [row["rlnSubtomoIndex"] for row in table] == [str(number) for number in range(1, 13)]
    assert [row["rlnImageName"] for row in table] == [f"subtomo/v_{number:06d}.mrc" for number in range(12)]
    assert len({centre(row) for row in table}) == 12
    for row in table:
        first = [at - 10 for at in centre(row)]
        block = volume[tuple(slice(low, low + 20) for low in first)]
        assert block.shape == (20, 20, 20)
        with mrcfile.open(row["rlnImageName"]) as mrc:
            assert mrc.data.dtype == np.float32
            assert np.array_equal(mrc.data, block)
            assert mrc.voxel_size.tolist() == (10, 10, 10)
            assert mrc.header.origin.tolist() == (100 + 10 * first[2], 200 + 10 * first[1], -50 + 10 * first[0])
    common = {"rlnCubeSize": "16", "rlnCropSize": "20", "rlnPixelSize": "10", "rlnTomoName": "v.mrc", "rlnIndex": "1"}
    assert all(row.items() >= common.items() for row in table)
    assert {row["rlnTomoContrast"] for row in table} == {"dark"}
    assert float(table[0]["rlnTomoMean"]) == pytest.approx(volume.mean(dtype=np.float64), abs=1e-9)
    assert float(table[0]["rlnTomoStd"]) == pytest.approx(volume.std(dtype=np.float64), rel=1e-9)


def test_header_with_a_start_and_no_origin_places_the_sub_volume(prepared: Path) -> None:
    with mrcfile.open("v.mrc", "r+") as mrc:
        mrc.nstart = (5, 6, 7)
    row = extract(number_subtomos=1)[0]
    with mrcfile.open(row["rlnImageName"]) as mrc:
        expected = [10.0 * (start + at - 10) for start, at in zip((5, 6, 7), centre(row)[::-1], strict=True)]
        assert list(mrc.header.origin.tolist()) == expected
        assert mrc.nstart.tolist() == (0, 0, 0)


def test_tilts_of_the_tomogram_go_with_its_sub_volumes(prepared: Path) -> None:
    Path("v.tlt").write_text("-50\n0\n40\n")
    isonet.edited(prepared, rlnTiltMin="-50", rlnTiltMax="40", rlnTiltFile="v.tlt")
    row = extract(number_subtomos=1, output="below/s.star", output_dir="below/files")[0]
    return_path = Path("below") / row["rlnTiltFile"]
    assert return_path.resolve() == Path("v.tlt").resolve()
    assert (row["rlnTiltMin"], row["rlnTiltMax"]) == ("-50", "40")
    assert row["rlnImageName"] == "files/v_000000.mrc"


def test_centres_lie_in_the_mask_and_seed_and_table_decide_which(prepared: Path, volume: Any) -> None:
    mask = np.zeros(volume.shape, np.int8)
    mask[11:14, 12:20, 14:22] = 1
    isonet.write(Path("mask.mrc"), mask)
    isonet.edited(prepared, rlnMaskName="mask.mrc", rlnNumberSubtomo="40")
    table = extract()
    assert len({centre(row) for row in table}) == 40
    assert {mask[centre(row)] for row in table} == {1}
    again = extract(output="again.star", output_dir="again")
    other = extract(output="other.star", output_dir="other", seed=1)
    assert [centre(row) for row in again] == [centre(row) for row in table] != [centre(row) for row in other]
    few = isonet.done("extract", "tomograms.star", number_subtomos=1000, output="few.star", output_dir="few", **SMALL)
    assert "room for 192 sub-volumes, not 1000" in few.err
    assert len(rows("few.star")) == 3 * 8 * 8
    isonet.write(Path("mask.mrc"), 0 * mask)
    outcome = isonet.call("extract", prepared, output="none.star", output_dir="none", **SMALL)
    isonet.assert_refused(outcome, "mask.mrc", "no voxel", "wider mask")
    isonet.write(Path("mask.mrc"), mask[1:])
    isonet.assert_refused(isonet.call("extract", prepared, output_dir="none", **SMALL), "mask.mrc", "its shape")


def test_tomogram_thinner_than_the_cubes_is_reflected_and_said_to_be(prepared: Path, volume: Any) -> None:
    outcome = isonet.done("extract", prepared, cube_size=24, crop_size=28, number_subtomos=3)
    said = "v.mrc: 24 voxels along z, thinner than the sub-volumes of 28; continued by reflection"
    assert said in outcome.err and f"warning: {said}" not in outcome.err
    for row in rows():
        z, y, x = centre(row)
        inner = volume[:, y - 14 : y + 14, x - 14 : x + 14]
        block = isonet.read(Path(row["rlnImageName"]))
        assert np.array_equal(block[14 - z : 38 - z], inner)
        assert np.array_equal(block[13 - z], inner[1][:, ::-1])  # turned about y, which leaves the wedge in place


def test_column_that_is_cut_from(prepared: Path, volume: Any) -> None:
    isonet.write(Path("deconv.mrc"), 2 * volume)
    isonet.edited(prepared, rlnDeconvTomoName="deconv.mrc")
    for asked, factor, recorded in (("auto", 2, "rlnDeconvTomoName"), ("full", 1, "full"), ("rlnTomoName", 1, "full")):
        row = extract(output=f"{asked}.star", output_dir=asked, input_column=asked, number_subtomos=1)[0]
        at = tuple(slice(low - 10, low + 10) for low in centre(row))
        assert np.array_equal(isonet.read(Path(row["rlnImageName"])), factor * volume[at])
        assert row["rlnTomoInputColumn"] == recorded
        assert row["rlnImageName"] == f"{asked}/v_000000.mrc"


def test_words_in_its_table_are_no_files(prepared: Path) -> None:
    """A folder above that is called `full`, as what was cut from is."""
    prepared.parent.joinpath("full").mkdir()
    table = Path("project/subtomo.star")
    options = {"cube_size": 16, "crop_size": 24, "number_subtomos": 2}
    isonet.done("extract", prepared, output=table, output_dir="project/subtomo", **options)
    assert "which is not there" not in isonet.done("refine", table, **isonet.TINY).err


def test_given_again_it_goes_on_and_never_replaces_other_files(prepared: Path) -> None:
    table = extract(number_subtomos=4)
    files = {path: path.stat().st_mtime_ns for path in Path("subtomo").glob("*.mrc")}
    Path("subtomo/v_000002.mrc").unlink()
    Path("subtomo.star").unlink()
    Path("subtomo/mine.txt").write_text("mine")
    assert "3 of 4 sub-volumes made before, kept" in isonet.done("extract", prepared, number_subtomos=4, **SMALL).err
    assert rows() == table
    now = {path: path.stat().st_mtime_ns for path in Path("subtomo").glob("*.mrc")}
    assert [path.name for path in sorted(files) if now[path] != files[path]] == ["v_000002.mrc"]
    star.write_table(Path("subtomo.star"), [{**row, "rlnMine": "1"} for row in table])
    extract(number_subtomos=4)
    assert rows()[0]["rlnMine"] == "1"

    kept = {
        path: path.read_bytes() for path in Path().rglob("*") if path.is_file() and path.suffix in (".mrc", ".star")
    }
    other = {"number_subtomos": 4, "seed": 5, **SMALL}
    isonet.assert_refused(isonet.call("extract", prepared, **other), "subtomo.star", "--output", "--overwrite")
    outcome = isonet.call("extract", prepared, output="other.star", **other)
    isonet.assert_refused(outcome, "v_000000.mrc", "made otherwise", "--output-dir", "--overwrite")
    assert not Path("other.star").exists()
    assert all(path.read_bytes() == content for path, content in kept.items())
    isonet.done("extract", prepared, "--overwrite", **other)
    assert rows() != table
    assert Path("subtomo/mine.txt").read_text() == "mine"


def test_killed_while_writing(prepared: Path) -> None:
    whole = extract(number_subtomos=6, output="whole.star", output_dir="whole")
    words = ["extract", prepared, "--number-subtomos=6", *isonet.flags(**SMALL)]
    outcome = isonet.Process(Path("err"), *words, file_limit=20_000).outcome()
    isonet.assert_refused(outcome, "subtomo", "free some space", code=1)
    assert not Path("subtomo.star").exists()
    assert not list(Path("subtomo").glob("*.part"))
    assert not list(Path("subtomo").glob("*.mrc"))
    isonet.done(*words)
    assert [centre(row) for row in rows()] == [centre(row) for row in whole]


def test_disk_without_room_is_noticed_before_the_first_file(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free = shutil.disk_usage(".")._replace(free=300_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: free)
    outcome = isonet.call("extract", prepared, number_subtomos=30, **SMALL)
    isonet.assert_refused(outcome, "subtomo", "1 MB will be written", "0 MB are free", "--number-subtomos")
    assert not list(Path("subtomo").glob("*.mrc"))
    assert "9 sub-volumes of 20^3: 0 MB" in isonet.done("extract", prepared, number_subtomos=9, **SMALL).err


def test_names_with_dots_and_two_tomograms_of_one_name(here: Path, volume: Any) -> None:
    isonet.write(here / "a" / "x_8.00Apx.rec.mrc", volume)
    isonet.write(here / "b" / "x_8.00Apx.rec.mrc", volume)
    isonet.done("prepare", "a", "b")
    outcome = isonet.call("extract", "tomograms.star", **SMALL)
    isonet.assert_refused(outcome, "x_8.00Apx.rec", "--tomo-idx")
    assert [row["rlnImageName"] for row in extract(tomo_idx=2, number_subtomos=1)] == [
        "subtomo/x_8.00Apx.rec_000000.mrc"
    ]


@pytest.fixture
def two(here: Path, volume: Any) -> Path:
    """Table of two tomograms: TS_10, whose name comes first, and TS_1."""
    for name in ("TS_1", "TS_10"):
        isonet.write(here / "tomos" / f"{name}_10.00Apx.mrc", volume)
    isonet.done("prepare", "tomos")
    return here / "tomograms.star"


def test_coordinates_of_a_star_file_go_to_their_tomograms(two: Path) -> None:
    star.write_table(
        Path("particles.star"),
        [
            {"rlnTomoName": name, "rlnCoordinateX": x, "rlnCoordinateY": "11", "rlnCoordinateZ": "12"}
            for name, x in (("TS_10", "20"), ("TS_1", "21"), ("TS_10", "5"))
        ],
    )
    outcome = isonet.done("extract", two, coordinates="particles.star", **SMALL)
    assert [(row["rlnIndex"], centre(row)) for row in rows()] == [
        ("1", (12, 11, 20)),
        ("1", (12, 11, 5)),
        ("2", (12, 11, 21)),
    ]
    assert "1 of 2 sub-volumes reach beyond the tomogram" in outcome.err
    only = extract(coordinates="particles.star", tomo_idx=1, number_subtomos=1, output="o.star", output_dir="o")
    assert len(only) == 1


def test_rows_of_no_tomogram_are_counted_once(two: Path) -> None:
    head = "loop_\n_rlnTomoName\n_rlnCoordinateX\n_rlnCoordinateY\n_rlnCoordinateZ\n"
    known = f"data_TS_1\n\n{head}TS_1 20 11 12\n\ndata_TS_10\n\n{head}TS_10 21 11 12\n"
    Path("known.star").write_text(known)
    Path("more.star").write_text(known + "TS_2 9 9 9\nTS_01 9 9 9\nTS_2 8 8 8\n")
    assert "no tomogram" not in isonet.done("extract", two, coordinates="known.star", **SMALL).err
    assert [centre(row) for row in rows()] == [(12, 11, 21), (12, 11, 20)]
    for number, options in enumerate(({}, {"tomo_idx": 1}, {"tomo_idx": 2})):
        where = {"output": f"{number}.star", "output_dir": str(number)}
        said = isonet.done("extract", two, coordinates="more.star", **options, **where, **SMALL).err
        expected = f"more.star: 3 of 5 rows are of no tomogram of {two} and are left out: TS_2, TS_01;"
        assert said.count(expected) == said.count("left out") == 1


def test_coordinates_of_a_folder_and_of_the_table(two: Path) -> None:
    Path("picks").mkdir()
    Path("picks/TS_10.txt").write_text("16 15 14\n")
    outcome = isonet.done("extract", two, coordinates="picks", **SMALL)
    assert "TS_1_10.00Apx: no coordinates in picks" in outcome.err
    assert [(row["rlnIndex"], centre(row)) for row in rows()] == [("1", (14, 15, 16))]
    table = isonet.table(two)
    star.write_table(two, [{**table[0], "rlnBoxFile": "picks/TS_10.txt"}, {**table[1], "rlnBoxFile": "None"}])
    mixed = extract(number_subtomos=3, output="mixed.star", output_dir="mixed")
    assert [row["rlnIndex"] for row in mixed] == ["1", "2", "2", "2"]
    assert centre(mixed[0]) == (14, 15, 16)
    shutil.copy("picks/TS_10.txt", "picks/TS_10_10.00Apx_again.txt")
    outcome = isonet.call("extract", two, coordinates="picks", output_dir="none", **SMALL)
    isonet.assert_refused(outcome, "picks", "several files", "TS_10", "rlnBoxFile")


def test_coordinates_of_an_imod_model(two: Path, volume: Any, shared_data: Path) -> None:
    isonet.write(two.parent / "tomos" / "TS_1_10.00Apx.mrc", np.tile(volume, (4, 4, 4)))
    model = shared_data / "metadata" / "imod" / "two_contour_example.mod"
    assert len(extract(coordinates=model, tomo_idx=2)) == 25


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["--coordinates=one.txt"], ("one.txt", "--tomo-idx", "folder")),
        (["--coordinates=none.txt"], ("none.txt", "no such file")),
        (["--coordinates=empty"], ("empty", "no coordinates", "tomograms.star")),
        (["--coordinates=outside.txt", "--tomo-idx=1"], ("outside.txt", "line 2", "99 3 3")),
        (["--cube-size=32"], ("crop_size 20", "cube_size 32")),
        (["--cube-size=8"], ("--cube-size 8",)),
        (["--number-subtomos=0"], ("--number-subtomos 0",)),
        (["--input-column=rlnFoo"], ("rlnFoo", "tomograms.star")),
        (["--tomo-idx=3"], ("rlnIndex 3",)),
    ],
)
def test_what_cannot_be_extracted(two: Path, words: list[str], mentions: tuple[str, ...]) -> None:
    Path("one.txt").write_text("3 3 3\n")
    Path("outside.txt").write_text("3 3 3\n99 3 3\n")
    Path("empty").mkdir()
    given = isonet.flags(**{name: value for name, value in SMALL.items() if name.replace("_", "-") not in str(words)})
    isonet.assert_refused(isonet.call("extract", two, *words, *given), *mentions)
    assert not Path("subtomo.star").exists()


def test_options_are_recorded(prepared: Path) -> None:
    extract(number_subtomos=1, seed=3)
    stored = ExtractConfig(**yaml.safe_load(Path("subtomo/config.yaml").read_text()))
    assert (stored.seed, stored.cube_size, stored.number_subtomos) == (3, 16, 1)
    assert isonet.state(Path("subtomo")) == "finished"


def test_table_of_sub_volumes_made_elsewhere(here: Path, volume: Any) -> None:
    for number in range(3):
        block = np.tile(volume, (2, 1, 1))[:32].copy()
        isonet.write(here / "cubes" / f"p{number}.mrc", block, pixel_size=7.5)
    (here / "cubes" / "notes.txt").write_text("not a volume")
    outcome = isonet.done("prepare-subtomo-star", "cubes", tilt_min=-50, tilt_max=65)
    assert "3 sub-volumes of 32^3, cubes of 16, tilts -50 to 65, density dark" in outcome.err
    expected = {
        "rlnCubeSize": "16",
        "rlnCropSize": "32",
        "rlnPixelSize": "7.5",
        "rlnTiltMin": "-50",
        "rlnTiltMax": "65",
    }
    assert all(row.items() >= {**expected, "rlnTomoContrast": "dark"}.items() for row in rows())
    assert [row["rlnImageName"] for row in rows()] == [f"cubes/p{number}.mrc" for number in range(3)]
    isonet.assert_refused(isonet.call("prepare_subtomo_star", "cubes"), "subtomo.star", "--overwrite")
    words = ["cubes", "--overwrite", "--cube_size=24", "--pixel_size=9", "--contrast=light"]
    isonet.done("prepare_subtomo_star", *words, output_star="s.star")
    assert rows("s.star")[0].items() >= {"rlnCubeSize": "24", "rlnPixelSize": "9", "rlnTomoContrast": "light"}.items()
    for edge, cube in ((96, 64), (80, 48), (64, 32), (72, 48)):
        isonet.write(here / f"of{edge}" / "p.mrc", np.tile(volume, (4, 3, 3))[:edge, :edge, :edge])
        isonet.done("prepare-subtomo-star", f"of{edge}", output=f"of{edge}.star")
        assert rows(f"of{edge}.star")[0]["rlnCubeSize"] == str(cube)


@pytest.mark.parametrize(
    ("shape", "words", "mentions"),
    [
        ((32, 32, 30), (), ("z.mrc", "32 x 32 x 30", "cube")),
        ((24, 24, 24), (), ("z.mrc", "24 voxels", "a.mrc", "32", "one size")),
        (None, ("--cube-size=40",), ("--cube-size 40", "32 voxels", "smaller")),
        (None, ("--tilt-min=70",), ("tilt_min 70", "smaller")),
        (None, ("--output=/proc/none/s.star",), ("/proc/none",)),
    ],
)
def test_sub_volumes_that_cannot_be_used(here: Path, volume: Any, shape: Any, words: Any, mentions: Any) -> None:
    cube = np.tile(volume, (2, 1, 1))[:32]
    isonet.write(here / "cubes" / "a.mrc", cube)
    if shape is not None:
        isonet.write(here / "cubes" / "z.mrc", cube[tuple(map(slice, shape))].copy())
    outcome = isonet.call("prepare-subtomo-star", "cubes", *words)
    isonet.assert_refused(outcome, *mentions, code=1 if "/proc" in str(words) else 2)
    assert not (here / "subtomo.star").exists()


def test_sub_volumes_with_nan_or_too_small(here: Path, volume: Any) -> None:
    bad = np.tile(volume, (2, 1, 1))[:32]
    isonet.write(here / "cubes" / "a.mrc", bad)
    with mrcfile.mmap(here / "cubes" / "a.mrc", "r+") as mrc:
        mrc.data[3, 4, 5] = np.nan
    isonet.assert_refused(isonet.call("prepare-subtomo-star", "cubes"), "a.mrc", "NaN", "section 3")
    isonet.write(here / "small" / "a.mrc", volume[:20, :20, :20].copy())
    isonet.assert_refused(isonet.call("prepare-subtomo-star", "small"), "a.mrc", "20 voxels", "too small")
    os.makedirs("none")  # noqa: PTH103
    isonet.assert_refused(isonet.call("prepare-subtomo-star", "none"), "none", ".mrc")


def test_every_option_is_tried_here() -> None:
    text = Path(__file__).read_text() + (Path(__file__).parent.parent / "field/test_sub_volumes.py").read_text()
    for name in {**ExtractConfig.model_fields, **PrepareSubtomoStarConfig.model_fields}:
        assert name in text or name.replace("_", "-") in text, name


def test_sub_volumes_are_cut_again_where_the_list_of_beads_is_another(prepared: Path) -> None:
    """Beads are painted over in them."""
    points, beads = Path("points.txt"), Path("beads.star")
    points.write_text("30 30 20\n")
    extract(coordinates=points)
    (before,) = (mrcfile.read(row["rlnImageName"]) for row in rows())
    columns = ("rlnCoordinateZ", "rlnCoordinateY", "rlnCoordinateX", "rlnBeadRadius", "rlnBeadHeight")
    star.write_table(beads, [dict(zip(columns, ("20", "30", "30", "4", "5"), strict=True))], name="beads")
    Project.read(Path("tomograms.star")).recorded("1", rlnBeadsName=str(beads))
    extract("--overwrite", coordinates=points)
    (after,) = (mrcfile.read(row["rlnImageName"]) for row in rows())
    assert after[10, 10, 10] != before[10, 10, 10]
    assert np.array_equal(after[0], before[0])
