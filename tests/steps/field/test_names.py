"""Whose file is whose: halves, tilts, particles, masks and boundaries go to the tomogram that they were made for."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HALVES = ("rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")
TOMO5 = ("Position_20", "Position_20_3")
CUT = {"cube_size": 16, "crop_size": 24, "output": "s.star", "output_dir": "s"}
MASK = np.ones((48, 64, 64), "i1")


def small(number: int, shape: tuple[int, int, int] = (8, 8, 8)) -> Any:
    """A volume that is too small to be judged by its content."""
    return np.random.default_rng(number).standard_normal(shape).astype(np.float32)


def halves_of(table: Path) -> dict[str, tuple[str, ...]]:
    """Stem of each tomogram, and its halves."""
    return {
        Path(row["rlnTomoName"]).stem: tuple(row.get(name, "None") for name in HALVES) for row in isonet.table(table)
    }


@pytest.mark.parametrize("marks", [("", ""), ("_EVN", "_ODD"), ("_half1", "_half2")])
def test_halves_of_a_name_that_goes_on(here: Path, marks: tuple[str, str]) -> None:
    """Of Position_20 and Position_20_3, as Tomo5 calls a series and one at its next target."""
    for number, name in enumerate(TOMO5):
        foreign.mrc(here / f"full/{name}.mrc", small(number))
        for side, mark in zip(("even", "odd"), marks, strict=True):
            foreign.mrc(here / f"{side}/{name}{mark}.mrc", small(10 + number))
    isonet.done("prepare", "full", even="even", odd="odd")
    found = halves_of(here / "tomograms.star")
    assert found == {name: (f"even/{name}{marks[0]}.mrc", f"odd/{name}{marks[1]}.mrc") for name in TOMO5}
    for side, mark in zip(("even", "odd"), marks, strict=True):
        (here / f"{side}/Position_20_3{mark}.mrc").unlink()
    refused = isonet.call("prepare", "full", even="even", odd="odd", overwrite=True)
    isonet.assert_refused(refused, "full/Position_20_3.mrc", "no even and odd halves of this name", "Position_20")
    (here / "full/Position_20_3.mrc").rename(here / "full/TS_7.mrc")
    refused = isonet.call("prepare", "full", even="even", odd="odd", overwrite=True)
    isonet.assert_refused(refused, "full/TS_7.mrc", "no even and odd halves of this name")


SERIES = st.sampled_from(
    ("Position_20", "Position_20_3", "Position_2", "TS_1", "TS_10", "grid_h1_ts_1", "grid_h2_ts_1", "odd_cell", "x 1.a")
)
PLACES = st.sampled_from(("beside", "below", "flags", "one folder"))
WORDS = st.sampled_from((("EVN", "ODD"), ("even", "odd"), ("half1", "half2"), ("Half_1", "Half_2")))
MADE = st.sampled_from(("", "_Vol", "_rec", "_10.00Apx", "_wbp"))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(SERIES, min_size=1, max_size=4, unique=True), PLACES, WORDS, MADE, MADE, st.data())
def test_halves_are_their_own_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    names: list[str],
    place: str,
    words: tuple[str, str],
    made: str,
    half_made: str,
    data: st.DataObject,
) -> None:
    """Every row names files that were made for that tomogram, or the command ends with an error."""
    folder = tmp_path_factory.mktemp("halves")
    missing = data.draw(st.sets(st.sampled_from(names), max_size=1))
    for number, name in enumerate(names):
        foreign.mrc(folder / f"full/{name}{made}.mrc", small(number))
        for side, word in zip(("even", "odd"), words, strict=True):
            where = {"beside": "full", "below": f"full/{side}", "flags": side, "one folder": "halves"}[place]
            mark = "" if place in ("below", "flags") and data.draw(st.booleans()) else f"_{word}"
            if name not in missing:
                foreign.mrc(folder / f"{where}/{name}{mark}{half_made}.mrc", small(10 + number))
    flags = {"flags": ("even", "odd"), "one folder": ("halves", "halves")}.get(place)
    options = {} if flags is None else {side: folder / one for side, one in zip(("even", "odd"), flags, strict=True)}
    outcome = isonet.call("prepare", folder / "full", output=folder / "t.star", **options)
    if outcome.code:
        assert len(outcome.complaints) == 1
        assert missing or (place == "beside" and "odd_cell" in names)  # named as a half beside its halves
        return
    rows = isonet.table(folder / "t.star")
    assert [Path(row["rlnTomoName"]).name for row in rows] == sorted(f"{name}{made}.mrc" for name in names)
    for row in rows:
        (name,) = (one for one in names if Path(row["rlnTomoName"]).name == f"{one}{made}.mrc")
        for half in HALVES:
            found = row.get(half, "None")
            assert (found == "None") == (name in missing)
            assert found == "None" or isonet.read(folder / found) == pytest.approx(small(10 + names.index(name)))


def test_holes_are_no_halves(here: Path) -> None:
    """PACEtomo's h1 and h2, in folders that say even and odd."""
    holes = ("grid_h1_ts_001", "grid_h2_ts_001")
    for number, name in enumerate(holes):
        for side in ("even", "odd"):
            foreign.mrc(here / f"p/{side}/{name}.mrc", small(number))
    isonet.done("prepare", even="p/even", odd="p/odd")
    found = halves_of(here / "tomograms.star")
    assert found == {name: (f"p/even/{name}.mrc", f"p/odd/{name}.mrc") for name in holes}


@pytest.mark.parametrize(
    ("even", "odd"),
    [
        ("halfmap1", "halfmap2"),
        ("half_map_1", "half_map_2"),
        ("Even_frames", "Odd_frames"),
        ("evens", "odds"),
        ("half-1", "half-2"),
        ("rec_even", "rec_odd"),
    ],
)
def test_halves_are_found_by_these_words_too(here: Path, even: str, odd: str) -> None:
    """In folders below the tomograms, and as names of files."""
    foreign.mrc(here / "t/TS_1.mrc", small(0))
    foreign.mrc(here / "u/TS_1.mrc", small(0))
    for number, word in enumerate((even, odd)):
        foreign.mrc(here / f"t/{word}/TS_1.mrc", small(1 + number))
        foreign.mrc(here / f"u/TS_1_{word}.mrc", small(1 + number))
    isonet.done("prepare", "t")
    assert halves_of(here / "tomograms.star") == {"TS_1": (f"t/{even}/TS_1.mrc", f"t/{odd}/TS_1.mrc")}
    isonet.done("prepare", "u", overwrite=True)
    assert halves_of(here / "tomograms.star") == {"TS_1": (f"u/TS_1_{even}.mrc", f"u/TS_1_{odd}.mrc")}


@pytest.mark.parametrize("given", ["t", "t/TS_1.mrc"])
@pytest.mark.parametrize(("even", "odd"), [("t_even", "t_odd"), ("even", "odd"), ("t/cell_even", "t/cell_odd")])
def test_folders_that_look_like_halves_are_told(here: Path, even: str, odd: str, given: str) -> None:
    """Beside the tomograms, or below under words that may be of a sample; but not where their files are of others."""
    foreign.mrc(here / "t/TS_1.mrc", small(0))
    for number, folder in enumerate((even, odd)):
        foreign.mrc(here / f"{folder}/TS_1.mrc", small(1 + number))
    said = isonet.done("prepare", given).err
    assert f"warning: {even} and {odd}: look like halves of t/TS_1.mrc" in said
    assert f"give --even {even} --odd {odd}" in said
    assert "look like" not in isonet.done("prepare", given, even=even, odd=odd, overwrite=True).err
    for folder in (even, odd):
        (here / f"{folder}/TS_1.mrc").rename(here / f"{folder}/TS_2.mrc")
    assert "look like" not in isonet.done("prepare", given, overwrite=True).err


def test_sessions_with_the_same_names(here: Path) -> None:
    """Tilts and halves are those of the nearest folder; what lies as near to both is refused or told."""
    for number, session in enumerate(("s1", "s2")):
        foreign.mrc(here / f"{session}/rec/Position_1.mrc", small(number))
        for half in ("EVN", "ODD"):
            foreign.mrc(here / f"{session}/rec/Position_1_{half}.mrc", small(10 + number))
        foreign.aln(here / f"{session}/ali/Position_1.aln", [-40 - number, 0, 40 + number])
    isonet.done("prepare", "s1/rec", "s2/rec", metadata=".")
    for number, row in enumerate(isonet.table(here / "tomograms.star")):
        assert row["rlnTomoName"] == f"s{number + 1}/rec/Position_1.mrc"
        assert row[HALVES[0]] == f"s{number + 1}/rec/Position_1_EVN.mrc"
        assert row["rlnTiltMax"] == f"{40 + number}"
    (here / "elsewhere").mkdir()
    foreign.mrc(here / "elsewhere/Position_1.mrc", small(3))
    refused = isonet.call("prepare", "elsewhere", metadata=".", output="e.star")
    isonet.assert_refused(refused, "s1/ali/Position_1.aln", "s2/ali/Position_1.aln", "differ")
    foreign.aln(here / "s2/ali/Position_1.aln", [-40, 0, 40])
    isonet.done("prepare", "elsewhere", metadata=".", output="e.star")
    both = ("s1/rec/Position_1.mrc", "s2/rec/Position_1.mrc")
    said = isonet.done("prepare", *both, metadata="s1/ali", output="near.star").err
    assert [row["rlnTiltMax"] for row in isonet.table(here / "near.star")] == ["40", "60"]
    assert "Position_1: no tilts or defocus of its name in s1/ali" in said
    foreign.aln(here / "m/Position_1.aln", [-42, 0, 42])
    said = isonet.done("prepare", *both, metadata="m", output="far.star").err
    assert f"m/Position_1.aln: fits {both[0]} and {both[1]} equally well and is taken for both" in said


@pytest.mark.parametrize("kind", [".aln", ".tlt", ".mdoc", ".xml"])
def test_tilts_of_another_target(here: Path, kind: str) -> None:
    """Position_20's file says nothing of Position_20_3."""
    foreign.mrc(here / "t/Position_20_3.mrc", small(1))
    write = {".aln": foreign.aln, ".tlt": foreign.angles, ".xml": foreign.warp}
    if kind == ".mdoc":
        foreign.put(here / "m/Position_20.mdoc", "".join(f"[ZValue = {n}]\nTiltAngle = {n * 20}\n\n" for n in range(3)))
    else:
        write[kind](here / f"m/Position_20{kind}", [-40, 0, 20])
    said = isonet.done("prepare", "t", metadata="m")
    assert "Position_20_3: no tilts or defocus of its name in m" in said.err
    (row,) = isonet.table(here / "tomograms.star")
    assert (row["rlnTiltMin"], row["rlnTiltMax"]) == ("-60", "60")


@pytest.mark.parametrize(("name", "other"), [("Lamella_3A", "Lamella_2A"), ("Yeast_b1", "Yeast_b2"), ("p_-1", "p_1")])
def test_nothing_is_taken_of_another_lamella(here: Path, simulated: Callable[..., Any], name: str, other: str) -> None:
    """2A and b2 may be a pixel size and a binning; here they are not, and what they are of is not in the table."""
    foreign.mrc(here / f"t/{name}.mrc", simulated(1))
    foreign.angles(here / f"m/{other}.tlt", [-40, 0, 20])
    foreign.star(here / "m.star", "global", rlnTomoName=[other, "Z_9"], rlnVoltage=[200, 200])
    refused = isonet.call("prepare", "t", tilt_file="m")
    isonet.assert_refused(refused, "no file of tilts (.tlt, .rawtlt, .aln, .mdoc, .xml, .tomostar, .star, .com, .edf)")
    for metadata in ("m.star", "m"):
        said = isonet.done("prepare", "t", metadata=metadata, overwrite=True).err
        assert f"{name}: no tilts or defocus of its name in {metadata}" in said
    (row,) = isonet.table(here / "tomograms.star")
    assert (row["rlnTiltMin"], row["rlnVoltage"]) == ("-60", "300")
    foreign.mrc(here / f"k/{other}_mask.mrc", MASK)
    foreign.put(here / f"b/{other}.json", '{"polygons": [{"points": [[0, 0], [60, 0], [60, 60]]}]}')
    for option in ({"existing": "k"}, {"boundary": "b"}):
        isonet.assert_refused(isonet.call("mask", "tomograms.star", **option), f"no file called {name}")
    foreign.put(here / f"c/{other}.txt", "30 30 24\n")
    foreign.star(here / "p.star", rlnMicrographName=[other], **{f"rlnCoordinate{axis}": [30] for axis in "XYZ"})
    for coordinates in ("c", "p.star"):
        outcome = isonet.call("extract", "tomograms.star", coordinates=coordinates, **CUT)
        isonet.assert_refused(outcome, "no coordinates for any tomogram")


def test_lamellae_that_are_called_as_pixel_sizes_are_no_copies(here: Path) -> None:
    """Nor are they left out, where one is at another pixel size; TS_1 at its 10 and 20 A is one series."""
    for number in range(1, 4):
        foreign.mrc(here / f"t/Cell_{number}A.mrc", small(number), 10.0 + number)
    said = isonet.done("prepare", "t").err
    assert len(isonet.table(here / "tomograms.star")) == 3
    assert "of one series" not in said
    for size in (10.0, 20.0):
        foreign.mrc(here / f"u/TS_1_{size:.0f}A.mrc", small(1), size)
    assert "of the same series at 10 A/voxel is taken" in isonet.done("prepare", "u", output="u.star").err


def test_tilts_of_another_target_in_a_table(here: Path) -> None:
    """RELION's table names Position_20; of both names each gets its own."""
    for number, name in enumerate(TOMO5):
        foreign.mrc(here / f"t/rec_{name}.mrc", small(number))
    foreign.star(here / "one.star", "global", rlnTomoName=["Position_20"], rlnVoltage=[200])
    foreign.star(here / "both.star", "global", rlnTomoName=TOMO5[::-1], rlnVoltage=[200, 120])
    said = isonet.done("prepare", "t", metadata="one.star").err
    assert [row["rlnVoltage"] for row in isonet.table(here / "tomograms.star")] == ["200", "300"]
    assert "rec_Position_20_3: no tilts or defocus" in said
    isonet.done("prepare", "t", metadata="both.star", overwrite=True)
    assert [row["rlnVoltage"] for row in isonet.table(here / "tomograms.star")] == ["120", "200"]


def test_rows_of_one_name_are_told_by_their_numbers(here: Path) -> None:
    foreign.mrc(here / "t/rec_TS_1.mrc", small(1))
    foreign.mrc(here / "t/rec_TS_2.mrc", small(2))
    foreign.star(
        here / "m.star", "global", rlnTomoName=["TS_1", "TS_2", "TS_1", "TS_2"], rlnVoltage=[200, 300, 120, 300]
    )
    said = isonet.done("prepare", "t", metadata="m.star").err
    assert [row["rlnVoltage"] for row in isonet.table(here / "tomograms.star")] == ["200", "300"]
    assert "warning: m.star: rows 1 and 3 are both called TS_1 and differ; the first is taken" in said
    assert "equally well" not in said


def test_a_file_of_another_name_is_taken_where_it_is_named_and_told(here: Path) -> None:
    foreign.mrc(here / "b_2.mrc", small(1))
    foreign.angles(here / "a_1.tlt", [-50, 0, 50])
    said = isonet.done("prepare", "b_2.mrc", metadata="a_1.tlt").err
    assert "a_1.tlt: taken for b_2.mrc, though it has another name" in said


def test_tilts_of_one_tomogram_that_are_given_for_all_are_told(here: Path) -> None:
    for number in (1, 2):
        foreign.mrc(here / f"t/TS_{number}.mrc", small(number))
    for name in ("TS_1", "tilts"):
        foreign.angles(here / f"{name}.tlt", [-50, 0, 50])
    said = isonet.done("prepare", "t", tilt_file="TS_1.tlt").err
    assert "warning: TS_1.tlt: called as TS_1 is, and taken for all 2 tomograms" in said
    assert "called as" not in isonet.done("prepare", "t", tilt_file="tilts.tlt", overwrite=True).err
    assert "called as" not in isonet.done("prepare", "t/TS_1.mrc", tilt_file="TS_1.tlt", overwrite=True).err


def test_a_name_with_more_in_front_is_told_unless_all_have_it(here: Path) -> None:
    for name in ("TS_1", "TS_2"):
        foreign.mrc(here / f"t/20240512_{name}.mrc", small(1))
        foreign.angles(here / f"m/{name}.tlt", [-50, 0, 50])
    assert "part of the name" not in isonet.done("prepare", "t", metadata="m").err
    assert {row["rlnTiltMax"] for row in isonet.table(here / "tomograms.star")} == {"50"}
    said = isonet.done("prepare", "t/20240512_TS_1.mrc", metadata="m", overwrite=True).err
    assert "m/TS_1.tlt: taken for t/20240512_TS_1.mrc by a part of the name" in said


@pytest.fixture
def targets(here: Path, simulated: Callable[..., Any]) -> Path:
    """Table of Position_20 and Position_20_3, as Warp calls their tomograms."""
    for number, name in enumerate(TOMO5, start=1):
        foreign.mrc(here / f"t/{name}_10.00Apx.mrc", simulated(number))
    isonet.done("prepare", "t")
    return here / "tomograms.star"


def centres(table: Path) -> dict[str, list[float]]:
    """Place along x of the sub-volumes of each tomogram, by its number."""
    found: dict[str, list[float]] = {}
    for row in isonet.star.read_table(table, ("rlnImageName",)):
        found.setdefault(row["rlnIndex"], []).append(float(row["rlnCoordinateX"]))
    return found


@pytest.mark.parametrize("ending", [".tomostar", "", ".mrc"])
def test_particles_go_to_their_tomogram(here: Path, targets: Path, ending: str) -> None:
    """In a folder and in a table; those of a tomogram that is not there go nowhere."""
    for number, name in enumerate(TOMO5):
        foreign.put(here / f"c/{name}.txt", f"{30 + number} 30 24\n")
    isonet.done("extract", targets, coordinates="c", overwrite=True, **CUT)
    assert centres(here / "s.star") == {"1": [30], "2": [31]}
    columns = {f"rlnCoordinate{axis}": [32, 33, 34] for axis in "XYZ"}
    names = [f"{name}{ending}" for name in (*TOMO5, "Position_2")]
    foreign.star(here / "p.star", rlnTomoName=names, **columns)
    isonet.done("extract", targets, coordinates="p.star", overwrite=True, **CUT)
    assert centres(here / "s.star") == {"1": [32], "2": [33]}
    (here / "c/Position_20_3.txt").unlink()
    isonet.done("extract", targets, coordinates="c", overwrite=True, **CUT)
    assert centres(here / "s.star") == {"1": [30]}
    refused = isonet.call("extract", targets, coordinates="c", tomo_idx=2, overwrite=True, **CUT)
    isonet.assert_refused(refused, "no coordinates for any tomogram")


def test_rows_of_another_session_are_left_out_or_told(here: Path, simulated: Callable[..., Any]) -> None:
    """Where its path tells that a row is of another session; where paths do not tell, a warning names both."""
    foreign.mrc(here / "s2/TS_1.mrc", simulated(1))
    isonet.done("prepare", "s2")
    for sessions, taken in ((("s1", "s2"), [31]), (("../x/s1", "../x/s2"), [31]), (("a", "b"), [30, 31])):
        names = [f"{session}/TS_1.tomostar" for session in sessions]
        places = {f"rlnCoordinate{axis}": [30, 31] for axis in "XYZ"}
        foreign.star(here / "p.star", rlnTomoName=names, **places)
        said = isonet.done("extract", "tomograms.star", coordinates="p.star", overwrite=True, **CUT).err
        assert centres(here / "s.star") == {"1": taken}
        both = f"{names[0]} and {names[1]}: rows of both are taken for s2/TS_1.mrc"
        out = f"1 of 2 rows are of no tomogram of tomograms.star and are left out: {names[0]}"
        assert (f"warning: {both}" in said, out in said) == (len(taken) == 2, len(taken) == 1)
    foreign.star(here / "p.star", rlnTomoName=["tomostar/TS_1.tomostar", "TS_1"], **places)
    assert "warning" not in isonet.done("extract", "tomograms.star", coordinates="p.star", overwrite=True, **CUT).err


def test_names_of_relion_are_known_in_all_commands(here: Path, simulated: Callable[..., Any]) -> None:
    """The series is TS_1, its file rec_TS_1.mrc."""
    foreign.mrc(here / "t/rec_TS_1.mrc", simulated(1))
    isonet.done("prepare", "t")
    columns = {f"rlnCenteredCoordinate{axis}Angst": [0] for axis in "XYZ"}
    foreign.star(here / "p.star", rlnTomoName=["TS_1"], **columns)
    isonet.done("extract", "tomograms.star", coordinates="p.star", **CUT)
    assert centres(here / "s.star") == {"1": [32]}


def test_tilts_of_a_series_that_is_called_as_the_volume_of_another(here: Path, simulated: Callable[..., Any]) -> None:
    """RELION writes rec_TS_1.mrc of TS_1, and rec_rec_TS_1.mrc of rec_TS_1: names cannot tell, a warning says so."""
    for number, name in ((1, "TS_1"), (2, "rec_TS_1")):
        foreign.mrc(here / f"t/rec_{name}.mrc", simulated(number))
        foreign.angles(here / f"m/{name}.tlt")
    both = "t/rec_TS_1.mrc and t/rec_rec_TS_1.mrc"
    said = isonet.done("prepare", "t", metadata="m").err
    assert f"warning: m/rec_TS_1.tlt: taken for {both}, as of one series; if they are one tomogram, as at two" in said
    said = isonet.done("prepare", "t", tilt_file="m", overwrite=True).err
    assert f"warning: m/rec_TS_1.tlt: taken for {both}, as of one series; if they are one tomogram, as at two" in said


def test_masks_and_boundaries_go_to_their_tomogram(here: Path, targets: Path) -> None:
    for number, name in enumerate(TOMO5):
        mask = MASK.copy()
        mask[: 10 * (number + 1)] = 0
        foreign.mrc(here / f"m/{name}_mask.mrc", mask)
        square = [[number, 0], [60, 0], [60, 60], [0, 60]]
        foreign.put(here / f"b/{name}.json", f'{{"polygons": [{{"points": {square}}}]}}')
    isonet.done("mask", targets, existing="m", boundary="b")
    for row, removed in zip(isonet.table(targets), (10, 20), strict=True):
        kept = isonet.read(here / row["rlnMaskName"])
        assert int(kept.any(axis=(1, 2)).argmax()) == removed
        assert row["rlnMaskBoundary"] == f"b/{Path(row['rlnTomoName']).stem.removesuffix('_10.00Apx')}.json"
    (here / "m/Position_20_3_mask.mrc").unlink()
    refused = isonet.call("mask", targets, existing="m", overwrite=True)
    isonet.assert_refused(refused, "m", "no file called Position_20_3_10.00Apx")


@pytest.mark.parametrize(
    ("name", "other", "said"),
    [
        ("TS_1_bin4", "TS_1_bin8", "of binning 8 by its name, TS_1_bin4 is of binning 4"),
        ("TS_1_10.00Apx", "TS_1_5.00Apx", "of 5 A/voxel by its name, TS_1_10.00Apx is of 10 A/voxel"),
        ("TS_1", "TS_1_5.00Apx", "of 5 A/voxel by its name, TS_1 is of 10 A/voxel"),
    ],
)
def test_places_of_another_binning_are_refused(
    here: Path, simulated: Callable[..., Any], name: str, other: str, said: str
) -> None:
    """Unless the file itself says how large its voxels are."""
    foreign.mrc(here / f"t/{name}.mrc", simulated(1))
    isonet.done("prepare", "t")
    foreign.put(here / f"c/{other}.txt", "30 30 24\n")
    columns: dict[str, Any] = {f"rlnCoordinate{axis}": [30] for axis in "XYZ"}
    foreign.star(here / "p.star", rlnMicrographName=[f"{other}.mrc"], **columns)
    foreign.put(here / f"b/{other}.json", '{"polygons": [{"points": [[0, 0], [60, 0], [60, 60]]}]}')
    for coordinates, file in (("c", f"c/{other}.txt"), ("p.star", "p.star")):
        refused = isonet.call("extract", "tomograms.star", coordinates=coordinates, **CUT)
        isonet.assert_refused(refused, file, said)
    isonet.assert_refused(isonet.call("mask", "tomograms.star", boundary="b"), f"b/{other}.json", said)
    foreign.star(here / "p.star", rlnMicrographName=[f"{other}.mrc"], rlnPixelSize=[5.0], **columns)
    isonet.done("extract", "tomograms.star", coordinates="p.star", **CUT)
    assert centres(here / "s.star") == {"1": [15]}


def test_a_table_is_taken_at_its_word(here: Path) -> None:
    """Halves that it names apart are a tomogram of their own, whatever they are called."""
    for number, name in enumerate(("a", "a_EVN", "a_ODD")):
        foreign.mrc(here / f"d/{name}.mrc", small(number))
    columns = {"rlnTomoName": ["d/a.mrc", "None"]}
    columns |= {half: ["None", f"d/a_{side}.mrc"] for half, side in zip(HALVES, ("EVN", "ODD"), strict=True)}
    foreign.star(here / "pairs.star", **columns)
    isonet.done("prepare", "pairs.star")
    rows = isonet.table(here / "tomograms.star")
    assert {(row["rlnTomoName"], row[HALVES[0]]) for row in rows} == {
        ("d/a.mrc", "None"),
        ("average/a.mrc", "d/a_EVN.mrc"),
    }


@pytest.mark.parametrize("before", ["", "rec_"])
def test_samples_that_are_called_even_and_odd_are_no_halves_without_a_word(here: Path, before: str) -> None:
    for number, name in enumerate(("even_cell", "odd_cell")):
        foreign.mrc(here / f"t/{before}{name}.mrc", small(number))
    outcome = isonet.call("prepare", "t", accept="other-halves")
    assert outcome.code == 0
    assert any(" warning: " in line and "if they are two, rename them" in line for line in outcome.err.splitlines())


def test_samples_that_are_called_even_or_odd_alone_are_taken_at_their_word(here: Path) -> None:
    """With one line for all that may be halves without their partners."""
    for number, name in enumerate(("odd_cell_1", "odd_cell_2", "TS_1_even", "TS_2")):
        foreign.mrc(here / f"t/{name}.mrc", small(number))
    said = isonet.done("prepare", "t", accept="no-wedge").err
    assert len(isonet.table(here / "tomograms.star")) == 4
    told = "warning: t/TS_1_even.mrc (and 2 more): taken as a tomogram of this name; if it is a half, whose partner is "
    assert f"{told}not there, add that or leave it out" in said
    assert said.count("half") == 1
    for number, (side, name) in enumerate((side, name) for side in ("full", "a", "b") for name in ("odd_cell", "c")):
        foreign.mrc(here / f"{side}/{name}.mrc", small(number))
    named = {"even": "a", "odd": "b", "accept": "other-halves,no-wedge", "overwrite": True}
    assert "whose partner" not in isonet.done("prepare", "full", **named).err


@pytest.mark.parametrize("names", [("Pos_7", "Pos_8"), ("1", "2"), ("lamella", "cell")])
def test_metadata_of_another_session_are_not_taken_by_their_order(
    here: Path, simulated: Callable[..., Any], names: tuple[str, ...]
) -> None:
    """Said once of all tomograms; one tomogram alone takes a lone series, of whatever name, with a word."""
    for number in (1, 2):
        foreign.mrc(here / f"t/TS_{number}.mrc", simulated(number))
    foreign.star(here / "other.star", "global", rlnTomoName=names, rlnVoltage=[200] * 2)
    said = isonet.done("prepare", "t", metadata="other.star").err
    assert "warning: TS_1, TS_2: no tilts or defocus of its name in other.star; name files after it" in said
    assert said.count("warning:") == 1
    assert {row["rlnVoltage"] for row in isonet.table(here / "tomograms.star")} == {"300"}
    foreign.star(here / "one.star", "global", rlnTomoName=names[:1], rlnVoltage=[200])
    said = isonet.done("prepare", "t/TS_1.mrc", metadata="one.star", output="one_t.star").err
    assert "warning: one.star: taken for t/TS_1.mrc, though it has another name" in said
    columns: dict[str, Any] = {f"rlnCoordinate{axis}": [30, 30] for axis in "XYZ"}
    foreign.star(here / "p.star", rlnTomoName=names, **columns)
    for table in ("tomograms.star", "one_t.star"):
        refused = isonet.call("extract", table, coordinates="p.star", **CUT)
        isonet.assert_refused(refused, "p.star: no coordinates for any tomogram")


NO_NAMES = ["it's.mrc", 'a"b.mrc', "tab\tb.mrc", "line\nb.mrc"]


@pytest.mark.parametrize("name", NO_NAMES)
@pytest.mark.parametrize("what", ["tomogram", "half"])
def test_names_that_no_table_can_carry_are_left_out_or_refused_before_anything_is_measured(
    here: Path, name: str, what: str
) -> None:
    """With them what is of the same tomogram; the others of the folder are taken."""
    files = {"tomogram": [f"t/{name}"], "half": [f"t/even/{name}", f"t/odd/{name}"]}[what]
    for number, file in enumerate(files):
        foreign.mrc(here / file, small(number, (16, 16, 16)))
    outcome = isonet.call("prepare", "t")
    isonet.assert_refused(outcome, repr(files[0]), "cannot be written to a STAR file; rename it without quotes")
    assert "voxels" not in outcome.err, outcome.err
    for number, file in enumerate(files, start=2):
        foreign.mrc((here / file).with_name("TS_1.mrc"), small(number, (16, 16, 16)))
    said = isonet.done("prepare", "t", accept="other-halves,no-wedge").err
    assert f"warning: left out: tomograms.star: {files[0]!r} cannot be written to a STAR file; rename it" in said
    assert len(isonet.table(here / "tomograms.star")) == 1


@pytest.mark.parametrize("name", NO_NAMES)
def test_tilts_of_a_name_that_no_table_can_carry_are_written_anew(here: Path, name: str) -> None:
    foreign.mrc(here / "TS_1.mrc", small(1, (16, 16, 16)))
    tilts = foreign.angles((here / name).with_suffix(".tlt"), (-50, 0, 40))
    assert isonet.call("prepare", "TS_1.mrc", tilt_file=tilts, accept="no-wedge").code == 0
    (row,) = isonet.table(here / "tomograms.star")
    assert row["rlnTiltFile"] == "tilts/TS_1.tlt"
    assert isonet.done("mask", "tomograms.star").code == 0
    assert (here / "tilts/TS_1.tlt").read_text().split()[-3:] == ["-50.00", "0.00", "40.00"]


def test_holes_with_one_half_marked(here: Path) -> None:
    """Of what is left of a name, the longest counts: h1 is no half where `_EVN` is."""
    for number, hole in enumerate(("grid_h1_ts_1", "grid_h2_ts_1")):
        foreign.mrc(here / f"full/{hole}.mrc", small(number))
        foreign.mrc(here / f"full/even/{hole}{'_EVN' if number == 0 else ''}.mrc", small(10 + number))
        foreign.mrc(here / f"full/odd/{hole}{'_ODD' if number == 1 else ''}.mrc", small(10 + number))
    isonet.done("prepare", "full")
    assert halves_of(here / "tomograms.star") == {
        "grid_h1_ts_1": ("full/even/grid_h1_ts_1_EVN.mrc", "full/odd/grid_h1_ts_1.mrc"),
        "grid_h2_ts_1": ("full/even/grid_h2_ts_1.mrc", "full/odd/grid_h2_ts_1_ODD.mrc"),
    }


def test_halves_beside_a_tomogram_that_is_given_alone(here: Path) -> None:
    """They are not read, which is said with what reads them."""
    for number, mark in enumerate(("", "_EVN", "_ODD")):
        foreign.mrc(here / f"TS_1{mark}.mrc", small(1 if number == 0 else 10))
        foreign.mrc(here / f"TS_10{mark}.mrc", small(2))
    said = isonet.done("prepare", "TS_1.mrc").err
    assert "TS_1_EVN.mrc and TS_1_ODD.mrc: look like halves of TS_1.mrc and were not read" in said
    assert "give --even TS_1_EVN.mrc --odd TS_1_ODD.mrc" in said
    assert "TS_10" not in said
    said = isonet.done("prepare", "TS_1.mrc", "TS_10.mrc", overwrite=True).err
    assert "look like halves of TS_1.mrc (and 1 more) and were not read; if they are, give --even . --odd ." in said
    said = isonet.done("prepare", "TS_1.mrc", "TS_10.mrc", even=".", odd=".", overwrite=True).err
    assert "look like" not in said
    assert halves_of(here / "tomograms.star") == {
        "TS_1": ("TS_1_EVN.mrc", "TS_1_ODD.mrc"),
        "TS_10": ("TS_10_EVN.mrc", "TS_10_ODD.mrc"),
    }


def test_halves_beside_a_full_tomogram_that_is_given_alone(here: Path) -> None:
    for number, word in enumerate(("full", "even", "odd")):
        foreign.mrc(here / f"TS_1_{word}_f16.mrc", small(1 if number == 0 else 10))
        foreign.mrc(here / f"TS_10_{word}_f16.mrc", small(2))
    said = isonet.done("prepare", "TS_1_full_f16.mrc").err
    assert "TS_1_even_f16.mrc and TS_1_odd_f16.mrc: look like halves of TS_1_full_f16.mrc" in said


@pytest.mark.parametrize("odd", ["TS_2", None])
def test_a_half_without_its_partner_is_named(here: Path, odd: str | None) -> None:
    """It would be passed over, and all tomograms trained on as single maps."""
    for number, name in enumerate(("TS_1", "TS_2")):
        foreign.mrc(here / f"t/{name}.mrc", small(number))
        foreign.mrc(here / f"t/even/{name}.mrc", small(10 + number))
        foreign.mrc(here / f"t/odd/{odd or name}.mrc", small(11 if odd else 10 + number))
    said = isonet.done("prepare", "t").err
    alone = f"warning: t/even/TS_1.mrc: left out, its partner is in neither {Path('t/even')} nor {Path('t/odd')}"
    unlike = "warning: tomograms.star: no halves of 1 of 2 tomograms (TS_1)"
    assert (alone in said, unlike in said) == ((odd is not None,) * 2)
    said = isonet.done("refine", "tomograms.star", **isonet.TINY).err
    assert ("1 of 2 tomograms (TS_1), so that refine takes all as single maps" in said) == (odd is not None)
