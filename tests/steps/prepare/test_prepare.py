"""prepare: tomograms of all names, sizes and sources become a table."""

import logging
import os
from pathlib import Path
from typing import Any

import commandline as isonet
import mrcfile
import numpy as np
import pytest


def prepare(*words: Any, **options: Any) -> list[dict[str, str]]:
    isonet.done("prepare", *words, **options)
    return isonet.table(Path(options.get("output", "tomograms.star")))


def pair(folder: Path, even: str, odd: str, volume: Any) -> None:
    """Two halves that differ, with a known mean."""
    isonet.write(folder / "even" / even, volume + 1)
    isonet.write(folder / "odd" / odd, volume - 3)


def test_folder_files_and_both_once_each(here: Path, volume: Any) -> None:
    for name in ("data/b.mrc", "data/a.rec", "data/c.map", "other/d.mrc"):
        isonet.write(here / name, volume)
    (here / "data" / "notes.txt").write_text("no tomogram")
    rows = prepare("data", "other/d.mrc", "data/a.rec")
    assert [row["rlnTomoName"] for row in rows] == ["data/a.rec", "data/b.mrc", "data/c.map", "other/d.mrc"]
    assert [row["rlnIndex"] for row in rows] == ["1", "2", "3", "4"]
    assert {row["rlnNumberSubtomo"] for row in rows} == {"75"}
    assert prepare("other/d.mrc", overwrite=True, number_subtomos=7)[0]["rlnNumberSubtomo"] == "7"


def test_any_name_comes_through_to_the_corrected_file(here: Path, volume: Any) -> None:
    names = ("x_8.00Apx.rec.mrc", "tomo ä 1.mrc", "a b.c.rec", "UPPER.MRC", "plain#1.map")
    for name in names:
        isonet.write(here / "my data" / name, volume)
    isonet.write(here / "plain#2.mrc", volume)
    assert {Path(row["rlnTomoName"]).name for row in prepare("my data")} == set(names)
    assert {Path(row["rlnTomoName"]).name for row in prepare("plain#2.mrc", output="other.star")} == {"plain#2.mrc"}
    isonet.done("refine", "tomograms.star", **{**isonet.TINY, "iterations": 1})
    isonet.done("predict", "tomograms.star", "results")
    expected = {f"{name.rpartition('.')[0]}_corrected.mrc" for name in names}
    assert {path.name for path in Path("corrected").glob("*.mrc")} == expected
    for row in isonet.table(here / "tomograms.star"):
        assert row["rlnCorrectedTomoName"] == f"corrected/{Path(row['rlnTomoName']).stem}_corrected.mrc"
        assert isonet.read(here / row["rlnCorrectedTomoName"]).shape == volume.shape


@pytest.mark.parametrize("name", [b'v"1.mrc', b"v'1.mrc", b"v\t1.mrc", b"v\xff1.mrc"])
def test_name_that_no_table_can_hold(here: Path, volume: Any, name: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("isonet"), "propagate", False)  # xdist cannot send such log lines
    isonet.write(here / "v.mrc", volume).rename(here / os.fsdecode(name))
    isonet.assert_refused(isonet.call("prepare", "."), "tomograms.star", "rename")
    assert not (here / "tomograms.star").exists()


def test_pixel_size_from_header_or_flag(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume, pixel_size=7.84)
    assert float(prepare("v.mrc")[0]["rlnPixelSize"]) == pytest.approx(7.84)
    assert float(prepare("v.mrc", pixel_size=12.5, overwrite=True)[0]["rlnPixelSize"]) == 12.5


@pytest.mark.parametrize(
    ("pixel_size", "warning"),
    [
        (0, "--pixel-size"),
        (1, "--pixel-size"),
        (2, "isonet resize"),
        (30, "with less binning"),
        (5, None),
        (10, None),
        (25, None),
    ],
)
def test_warning_on_an_unlikely_pixel_size(here: Path, volume: Any, pixel_size: float, warning: str | None) -> None:
    isonet.write(here / "v.mrc", volume, pixel_size=pixel_size)
    said = isonet.done("prepare", "v.mrc").err
    if warning is None:
        assert "--pixel-size" not in said
        assert "5 to 25" not in said
    else:
        assert any("v.mrc" in line and warning in line for line in said.splitlines())


def test_voxels_that_are_no_cubes_need_a_pixel_size(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    with mrcfile.open(here / "v.mrc", "r+") as mrc:
        mrc.voxel_size = (10, 10, 12)
    isonet.assert_refused(isonet.call("prepare", "v.mrc"), "v.mrc", "10 x 10 x 12 A", "not cubes", "--pixel-size")
    assert "not cubes" in isonet.done("prepare", "v.mrc", pixel_size=10).err


def test_tilt_range(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    row = prepare("v.mrc")[0]
    assert [float(row[key]) for key in ("rlnTiltMin", "rlnTiltMax")] == [-60, 60]
    row = prepare("v.mrc", tilt_min=-42.5, tilt_max=66, overwrite=True)[0]
    assert [float(row[key]) for key in ("rlnTiltMin", "rlnTiltMax")] == [-42.5, 66]


def test_tilt_file_for_all_or_one_each(here: Path, volume: Any) -> None:
    for name in ("a", "b_rec"):
        isonet.write(here / "data" / f"{name}.mrc", volume)
    (here / "all.tlt").write_text("-51\n0\n48.5\n")
    rows = prepare("data", tilt_file="all.tlt")
    assert [(row["rlnTiltMin"], row["rlnTiltMax"], row["rlnTiltFile"]) for row in rows] == [
        ("-51", "48.5", "all.tlt")
    ] * 2
    (here / "tilts").mkdir()
    (here / "tilts" / "a.tlt").write_text("-40\n0\n40\n")
    isonet.assert_refused(
        isonet.call("prepare", "data", tilt_file="tilts", output="n.star"), "tilts", "b_rec", "--tilt-min"
    )
    (here / "tilts" / "b.rawtlt").write_text("-30\n0\n30\n")
    rows = prepare("data", tilt_file="tilts", overwrite=True)
    assert [(row["rlnTiltMin"], row["rlnTiltFile"]) for row in rows] == [
        ("-40", "tilts/a.tlt"),
        ("-30", "tilts/b.rawtlt"),
    ]


@pytest.mark.parametrize(
    ("even", "odd", "common"),
    [
        ("TS 1_EVN.mrc", "TS 1_ODD.mrc", "TS 1"),
        ("TS_1_even.mrc", "TS_1_odd.mrc", "TS_1"),
        ("TS_1_half1.mrc", "TS_1_half2.mrc", "TS_1"),
        ("even_TS.1_rec.mrc", "odd_TS.1_rec.mrc", "TS.1_rec"),
        ("same.mrc", "same.mrc", "same"),
    ],
)
def test_halves_pair_by_name_and_are_averaged(here: Path, volume: Any, even: str, odd: str, common: str) -> None:
    pair(here, even, odd, volume)
    pair(here, "oddity_9_even.mrc", "oddity_9_odd.mrc", volume[::-1])  # a name with 'odd' inside
    rows = {Path(row["rlnTomoName"]).stem: row for row in prepare("--even", "even", "--odd", "odd")}
    assert set(rows) == {common, "oddity_9"}
    row = rows[common]
    assert row["rlnTomoReconstructedTomogramHalf1"] == f"even/{even}"
    assert row["rlnTomoReconstructedTomogramHalf2"] == f"odd/{odd}"
    assert row["rlnTomoName"] == f"average/{common}.mrc"
    np.testing.assert_allclose(isonet.read(here / row["rlnTomoName"]), volume - 1, atol=1e-5)
    assert float(row["rlnPixelSize"]) == 10


def test_halves_given_as_files_of_any_name(here: Path, volume: Any) -> None:
    """Even where nothing is left of the name without `even`."""
    isonet.write(here / "even.mrc", volume)
    isonet.write(here / "odd.mrc", volume)
    (row,) = prepare("--even", "even.mrc", "--odd", "odd.mrc")
    average = Path(row["rlnTomoName"])
    assert not average.name.startswith(".")
    np.testing.assert_allclose(isonet.read(average), volume, atol=1e-6)
    assert row["rlnTomoReconstructedTomogramHalf2"] == "odd.mrc"


def test_average_follows_its_halves(here: Path, volume: Any) -> None:
    """An average made from other halves is not taken for theirs, and one that is no product is not replaced."""
    words = ("--even", "even.mrc", "--odd", "odd.mrc", "--overwrite")
    for sign in (1, -1):
        isonet.write(here / "even.mrc", sign * volume)
        isonet.write(here / "odd.mrc", sign * volume)
        (row,) = prepare(*words)
        np.testing.assert_allclose(isonet.read(here / row["rlnTomoName"]), sign * volume, atol=1e-6)
    isonet.write(here / "average" / "average.mrc", volume)
    (here / "tomograms.star").unlink()
    isonet.assert_refused(isonet.call("prepare", *words[:-1]), "average/average.mrc", "--overwrite")


def test_halves_beside_full_tomograms(here: Path, volume: Any) -> None:
    for name in ("TS_1", "TS_10"):
        isonet.write(here / "full" / f"{name}.mrc", volume)
        pair(here, f"{name}_EVN.mrc", f"{name}_ODD.mrc", volume)
    rows = prepare("full", "--even", "even", "--odd", "odd")
    for row, name in zip(rows, ("TS_1", "TS_10"), strict=True):
        assert row["rlnTomoName"] == f"full/{name}.mrc"
        assert row["rlnTomoReconstructedTomogramHalf1"] == f"even/{name}_EVN.mrc"
        assert row["rlnTomoReconstructedTomogramHalf2"] == f"odd/{name}_ODD.mrc"
    assert not (here / "average").exists()


def test_halves_of_another_shape_or_without_partner_are_refused(here: Path, volume: Any) -> None:
    isonet.write(here / "even" / "a_EVN.mrc", volume)
    isonet.write(here / "odd" / "a_ODD.mrc", volume[:20])
    words = ("prepare", "--even", "even", "--odd", "odd")
    isonet.assert_refused(isonet.call(*words), "odd/a_ODD.mrc", "(20, 32, 32)", "(24, 32, 32)")
    isonet.write(here / "odd" / "a_ODD.mrc", volume)
    isonet.write(here / "odd" / "b_ODD.mrc", volume)
    isonet.assert_refused(isonet.call(*words), "odd/b_ODD.mrc", "partner", "rename")
    (here / "odd" / "b_ODD.mrc").unlink()
    isonet.write(here / "full" / "a.mrc", volume[:, :30])
    isonet.assert_refused(isonet.call("prepare", "full", *words[1:]), "a_EVN.mrc", "(24, 30, 32)")
    isonet.assert_refused(isonet.call("prepare", "full", "--even", "even"), "even", "odd", "both")
    assert not (here / "tomograms.star").exists()


def test_existing_table_is_kept_unless_told(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    prepare("v.mrc")
    before = (here / "tomograms.star").read_text()
    isonet.assert_refused(isonet.call("prepare", "v.mrc", tilt_max=50), "tomograms.star", "--overwrite")
    assert (here / "tomograms.star").read_text() == before
    assert prepare("v.mrc", tilt_max=50, overwrite=True)[0]["rlnTiltMax"] == "50"


def test_old_spellings(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    words = ("v.mrc", "--pixel_size", "11", "--tilt_min", "-50", "--number_subtomos", "9")
    isonet.done("prepare_star", *words, "--output_star", "old.star")
    (row,) = isonet.table(here / "old.star")
    assert [row[key] for key in ("rlnPixelSize", "rlnTiltMin", "rlnNumberSubtomo")] == ["11", "-50", "9"]
    refused = isonet.call("prepare", "v.mrc", "--output", "old.star", "--overwrite", "False")
    isonet.assert_refused(refused, "old.star", "--overwrite")
    isonet.done("prepare", "--overwrite", "True", "v.mrc", "--output", "old.star")
    assert isonet.table(here / "old.star")[0]["rlnPixelSize"] == "10"


def test_numbers_with_zeros_before_them_in_a_file(here: Path, volume: Any) -> None:
    """Octal in YAML 1.1."""
    isonet.write(here / "v.mrc", volume)
    (here / "options.yaml").write_text("defocus: 030000\ntilt_max: 050\n")
    row = prepare("v.mrc", config="options.yaml")[0]
    assert (row["rlnDefocus"], row["rlnTiltMax"]) == ("30000", "50")


def test_options_from_a_file(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    (here / "options.yaml").write_text("pixel_size: 12.5\ntilt_min: -45\nnumber_subtomos: 11\n")
    row = prepare("v.mrc", "--tilt-min", "-33", config="options.yaml")[0]
    values = [row[key] for key in ("rlnPixelSize", "rlnTiltMin", "rlnTiltMax", "rlnNumberSubtomo")]
    assert values == ["12.5", "-33", "60", "11"]


@pytest.mark.parametrize(
    ("text", "mentions"),
    [
        ("pixl_size: 12.5\n", ("pixl",)),
        ("tilt_min: [\n", ("options.yaml",)),
        ("- 1\n- 2\n", ("options.yaml",)),
        ("tilt_min: \xff\n", ("options.yaml", "YAML")),
        ("pixel_size: wide\n", ("pixel", "wide")),
        ("tilt_min: -120\n", ("tilt-min", "-120")),
        ("defocus: 30:00\n", ("defocus", "30:00")),
        ("prepare:\n  defocus: 30000\nmask:\n  crop_z: 0.3\n", ("options.yaml", "'prepare'", "sections", "own file")),
        ("mask: {crop_z: 0.3}\n", ("'mask'", "sections")),
        ("tilt_min: -50\ntilt_max: 50\ntilt_min: -40\n", ("options.yaml, line 3", "'tilt_min'", "second time")),
        ("tilt_min: -50\ntilt-min: -40\n", ("options.yaml, line 2", "'tilt-min'", "second time")),
    ],
)
def test_bad_options_file(here: Path, volume: Any, text: str, mentions: tuple[str, ...]) -> None:
    isonet.write(here / "v.mrc", volume)
    (here / "options.yaml").write_bytes(text.encode("latin-1"))
    isonet.assert_refused(isonet.call("prepare", "v.mrc", config="options.yaml"), *mentions)
    assert not (here / "tomograms.star").exists()


def test_missing_options_file(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    for words in (["--config", "none.yaml"], ["--config=none.yaml"]):
        isonet.assert_refused(isonet.call("prepare", "v.mrc", *words), "none.yaml", "YAML")
    isonet.assert_refused(isonet.call("prepare", "v.mrc", "--config"), "--config")


@pytest.mark.parametrize(("factor", "expected"), [(1, "dark"), (-1, "light")])
def test_contrast(here: Path, volume: Any, factor: int, expected: str) -> None:
    isonet.write(here / "v.mrc", factor * volume)
    assert prepare("v.mrc")[0]["rlnTomoContrast"] == expected
    other = {"dark": "light", "light": "dark"}[expected]
    assert prepare("v.mrc", contrast=other, overwrite=True)[0]["rlnTomoContrast"] == other


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint16, np.float16, np.float32])
@pytest.mark.parametrize("extension", [".mrc", ".mrc.gz", ".rec.bz2"])
def test_every_stored_type_plain_or_compressed(here: Path, volume: Any, dtype: Any, extension: str) -> None:
    stored = np.round(12 * (volume - volume.min())).astype(dtype)
    name = f"v.1{extension}"
    opened = {"gz": "gzip", "z2": "bzip2"}.get(extension[-2:])
    with mrcfile.new(here / name, compression=opened) as mrc:
        mrc.set_data(stored)
        mrc.voxel_size = 10
    (row,) = prepare(name)
    assert (row["rlnTomoName"], row["rlnPixelSize"], row["rlnTomoContrast"]) == (name, "10", "dark")


def test_volumes_as_imod_leaves_them_are_turned(here: Path) -> None:
    """Beam along y: a turned copy with the tilt range of the file takes the place of each volume and is kept."""
    upright = isonet.specimen((48, 56, 48), tilts=(-40, 62))
    lying = np.ascontiguousarray(upright.transpose(1, 0, 2)[:, ::-1])
    for name in ("v", "v_EVN", "v_ODD"):
        isonet.write(here / "rec" / f"{name}.mrc", lying)
    for overwrite in (False, True):
        outcome = isonet.call("prepare", "rec", tilt_min=-40, tilt_max=62, overwrite=overwrite)
        assert outcome.code == 0
        assert "axis" in outcome.err and "turned" in outcome.err
        assert "mirrored" not in outcome.err
        assert "v.mrc: wedge measured from" in outcome.err
    (row,) = isonet.table(here / "tomograms.star")
    columns = ("rlnTomoName", "rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")
    for column in columns:
        assert np.array_equal(isonet.read(here / row[column]), upright)
    assert row["rlnTomoTurnedFrom"] == "rec/v.mrc"


@pytest.mark.parametrize(("tilts", "word"), [((-40, 62), None), ((-62, 40), "mirrored"), ((-60, 30), "were told")])
def test_the_wedge_is_compared_with_the_tilts(here: Path, tilts: tuple[float, float], word: str | None) -> None:
    isonet.write(here / "v.mrc", isonet.specimen((48, 48, 48), tilts=(-40, 62)))
    if word == "mirrored":
        refused = isonet.call("prepare", "v.mrc", tilt_min=tilts[0], tilt_max=tilts[1])
        isonet.assert_refused(refused, "v.mrc", "mirrored", "--tilt-min -40 --tilt-max 62", "--accept mirrored")
        assert not (here / "tomograms.star").exists()
    outcome = isonet.call("prepare", "v.mrc", tilt_min=tilts[0], tilt_max=tilts[1], accept="mirrored")
    assert outcome.code == 0
    warned = [text for text in ("mirrored", "axis", "no wedge", "were told") if text in outcome.err]
    assert (word in warned) if word else not warned
