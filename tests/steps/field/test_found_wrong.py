"""What prepare measures to be wrong is an error that names the word which lets it pass; what is right stays quiet."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest
from scipy.ndimage import affine_transform, gaussian_filter

from isonet.core.tilts.measured import about

Simulated = Callable[..., Any]


def refused_then_taken(fault: str, *words: Any, mentions: tuple[str, ...] = (), **options: Any) -> None:
    """Nothing is written before the fault is accepted; then it is a warning."""
    isonet.assert_refused(isonet.call("prepare", *words, **options), f"--accept {fault}", *mentions)
    assert not Path("tomograms.star").exists()
    assert not Path("average").exists()
    said = isonet.done("prepare", *words, accept=f"mirrored,{fault}", **options).err
    assert f"taken by --accept {fault}" in said


@pytest.mark.parametrize("value", [0.0, 3.5])
@pytest.mark.parametrize("full", [True, False])
def test_a_black_half(here: Path, simulated: Simulated, value: float, full: bool) -> None:
    foreign.mrc(here / "e/T.mrc", simulated(1, "even"))
    foreign.mrc(here / "o/T.mrc", np.full((48, 64, 64), value, "f4"))
    foreign.mrc(here / "f/T.mrc", simulated(1))
    words = ["f"] if full else []
    refused_then_taken("black-half", *words, even="e", odd="o", mentions=("o/T.mrc", f"all voxels are {value:g}"))


def test_a_half_that_is_mostly_padding_is_not_black(here: Path, simulated: Simulated) -> None:
    padded = {}
    for side in ("full", "even", "odd"):
        padded[side] = np.zeros((48, 160, 160), "f4")
        padded[side][:, :64, :64] = simulated(1, side)
        foreign.mrc(here / f"{side}/T.mrc", padded[side])
    said = isonet.done("prepare", "full", even="even", odd="odd").err
    assert "--accept" not in said
    assert "in common" not in said


@pytest.mark.parametrize("wrong", ["even", "odd", "both", "turned", "mirrored", "shifted", "inverted"])
def test_halves_of_another_tomogram_under_the_right_name(here: Path, simulated: Simulated, wrong: str) -> None:
    foreign.mrc(here / "f/T.mrc", simulated(1))
    for side in ("even", "odd"):
        half = simulated(2 if wrong in (side, "both") else 1, side)
        changed = {
            "turned": half[::-1, ::-1],
            "mirrored": half[::-1],
            "shifted": np.roll(half, 9, 2),
            "inverted": -half,
        }.get(wrong, half)
        foreign.mrc(here / f"{side}/T.mrc", changed.copy())
    named = "odd/T.mrc" if wrong == "odd" else "even/T.mrc"
    said = {"inverted": "is light where f/T.mrc is dark", "mirrored": "is mirrored along z"}
    what = said.get(wrong, "is no half of f/T.mrc")
    refused_then_taken("other-halves", "f", even="even", odd="odd", mentions=(named, what))


@pytest.mark.parametrize("full", [True, False])
def test_halves_that_are_shifted_against_each_other(here: Path, simulated: Simulated, full: bool) -> None:
    """As from two alignments: a network would learn to blur."""
    move = (0, 0, 1) if full else (0, 2, 2)
    foreign.mrc(here / "f/T.mrc", simulated(1))
    foreign.mrc(here / "even/T.mrc", simulated(1, "even"))
    foreign.mrc(here / "odd/T.mrc", np.roll(simulated(1, "odd"), move, (0, 1, 2)))
    mentions = ("even/T.mrc and odd/T.mrc", f"by {', '.join(map(str, move))} voxels along z, y, x")
    refused_then_taken("other-halves", *(["f"] if full else []), even="even", odd="odd", mentions=mentions)


def test_halves_that_are_both_shifted_are_told(here: Path, simulated: Simulated) -> None:
    """As where another program binned the tomogram."""
    foreign.mrc(here / "f/T.mrc", simulated(1))
    for side in ("even", "odd"):
        foreign.mrc(here / f"{side}/T.mrc", np.roll(simulated(1, side), -1, 1))
    said = isonet.done("prepare", "f", even="even", odd="odd").err
    assert "warning: even/T.mrc and odd/T.mrc: both are shifted against f/T.mrc by 0, -1, 0 voxels" in said


@pytest.mark.parametrize(("enlarged", "turned"), [(0.06, 0), (0, 2)])
def test_a_half_of_another_magnification_or_turn_is_told(here: Path, enlarged: float, turned: float) -> None:
    """As from a header with another pixel size, or another alignment of the tilt axis; in later steps, too."""
    isonet.done("simulate", output_dir="s", depth=48, height=112, width=112, snr=0.5, seed=1)
    parts = {name: isonet.read(here / f"s/{name}.mrc").astype("f4") for name in ("full", "even", "odd")}
    back = np.linalg.inv(about("z", turned)) / (1 + enlarged)
    middle = np.array(parts["odd"].shape) / 2
    parts["odd"] = affine_transform(parts["odd"], back, middle - back @ middle, mode="reflect")
    for name, part in parts.items():
        foreign.mrc(here / f"{name}/T.mrc", part)
    what = r"enlarged by about [567] %" if enlarged else r"turned by about (2|1.5|2.5) degrees about z"
    for words, other in (([], "even/T.mrc"), (["full"], "full/T.mrc")):
        said = isonet.done("prepare", *words, even="even", odd="odd", overwrite=True).err
        assert re.search(f"warning: odd/T.mrc: is {what} against {other}; make both with one pixel size", said)
        assert "even/T.mrc: is" not in said
    if enlarged:
        said = isonet.done("refine", "tomograms.star", output_dir="r", **isonet.TINY).err
        assert re.search(f"warning: odd/T.mrc: is {what} against even/T.mrc", said)


@pytest.mark.parametrize(("even", "odd"), [(0, 0.8), (1.5, 0), (1, 1)])
@pytest.mark.parametrize("full", [True, False])
def test_halves_that_are_filtered_differently_are_told(
    here: Path, simulated: Simulated, even: float, odd: float, full: bool
) -> None:
    """Not as halves from tilts; of both filtered alike nothing is said."""
    foreign.mrc(here / "f/T.mrc", simulated(1))
    for side, lowpass in (("even", even), ("odd", odd)):
        foreign.mrc(here / f"{side}/T.mrc", gaussian_filter(simulated(1, side), lowpass))
    said = isonet.done("prepare", *(["f"] if full else []), even="even", odd="odd").err
    assert ("warning: even/T.mrc and odd/T.mrc: are filtered differently (" in said) == (even != odd)
    assert "from tilts" not in said
    assert "in common" not in said


def test_halves_of_two_tomograms(here: Path, simulated: Simulated) -> None:
    for number in (1, 2):
        foreign.mrc(here / f"even/{number}.mrc", simulated(number, "even"))
        foreign.mrc(here / f"odd/{number}.mrc", simulated(3 - number, "odd"))
    mentions = ("even/1.mrc and odd/1.mrc", "little in common")
    refused_then_taken("other-halves", even="even", odd="odd", mentions=mentions)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("full", [True, False])
def test_a_mirrored_half_of_a_small_tomogram(here: Path, simulated: Simulated, axis: int, full: bool) -> None:
    """Of 32 x 48 x 48 voxels, in which unlike halves look alike where the sample is seen."""
    middle = np.s_[8:40, 8:56, 8:56]
    foreign.mrc(here / "f/T.mrc", simulated(1)[middle].copy())
    foreign.mrc(here / "even/T.mrc", simulated(1, "even")[middle].copy())
    foreign.mrc(here / "odd/T.mrc", np.flip(simulated(1, "odd")[middle], axis).copy())
    words = ["f"] if full else []
    mentions = ("odd/T.mrc", f"is mirrored along {'zyx'[axis]}")
    refused_then_taken("other-halves", *words, even="even", odd="odd", mentions=mentions)


@pytest.mark.parametrize("full", [True, False])
def test_halves_that_are_too_thin_to_be_compared_are_told(here: Path, simulated: Simulated, full: bool) -> None:
    for side, part in (("f", "full"), ("even", "even"), ("odd", "odd")):
        foreign.mrc(here / f"{side}/T.mrc", simulated(1, part)[18:30].copy())
    said = isonet.done("prepare", *(["f"] if full else []), even="even", odd="odd").err
    assert "warning: odd/T.mrc: too small, or too empty, to be compared with" in said


@pytest.mark.parametrize("split", ["frames", "tilts"])
@pytest.mark.parametrize("lowpass", [0, 2])
def test_own_halves_of_a_noisy_tomogram_raise_no_alarm(here: Path, split: str, lowpass: int) -> None:
    """Signal of a twentieth of the noise in a projection; filtered or not, with and without a full tomogram."""
    isonet.done("simulate", output_dir="s", depth=48, height=96, width=96, snr=0.05, split=split, seed=3)
    for side in ("full", "even", "odd"):
        volume = gaussian_filter(isonet.read(here / f"s/{side}.mrc"), lowpass if side == "full" else 0)
        foreign.mrc(here / f"{side}/T.mrc", volume.astype("f4"))
        filtered = gaussian_filter(isonet.read(here / f"s/{side}.mrc"), lowpass)
        foreign.mrc(here / f"low_{side}/T.mrc", filtered.astype("f4"))
    for words in (["full", "--even", "even", "--odd", "odd"], ["--even", "low_even", "--odd", "low_odd"]):
        said = isonet.done("prepare", *words, "--overwrite").err
        assert "in common" not in said
        assert "--accept" not in said


def test_the_same_file_twice_is_told(here: Path, simulated: Simulated) -> None:
    for side in ("even", "odd"):
        foreign.mrc(here / f"{side}/T.mrc", simulated(1, "even"))
    assert "even/T.mrc and odd/T.mrc: hold the same voxels" in isonet.done("prepare", even="even", odd="odd").err


def test_a_tomogram_that_is_one_of_its_halves_is_told(here: Path, simulated: Simulated) -> None:
    for side in ("even", "odd"):
        foreign.mrc(here / f"{side}/T.mrc", simulated(1, side))
    foreign.mrc(here / "full/T.mrc", simulated(1, "even"))
    said = isonet.done("prepare", "full", even="even", odd="odd").err
    assert "warning: full/T.mrc: holds the same voxels as even/T.mrc, one of its halves" in said


def test_a_mirrored_wedge(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "t/T.mrc", simulated(1, lopsided=True))
    foreign.angles(here / "m/T.tlt", range(-50, 71, 3))
    mentions = ("t/T.mrc", "mirrored", "--tilt-min")
    refused_then_taken("mirrored", "t", metadata="m", mentions=mentions)
    isonet.assert_refused(isonet.call("prepare", "t", tilt_min=-50, tilt_max=70, overwrite=True), *mentions)
    assert "--accept" not in isonet.done("prepare", "t", tilt_min=-70, tilt_max=50, overwrite=True).err


def test_no_wedge(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "T.mrc", simulated(1, "truth"))
    refused_then_taken("no-wedge", "T.mrc", mentions=("T.mrc", "no wedge", "nothing to fill"))


@pytest.mark.parametrize("change", ["thin", "binned", "bytes", "lowpass", "half empty"])
def test_tomograms_that_show_little_raise_no_alarm(here: Path, simulated: Simulated, change: str) -> None:
    volume = simulated(1)
    changed = {
        "thin": volume[12:36],
        "binned": volume.reshape(24, 2, 32, 2, 32, 2).mean((1, 3, 5)),
        "bytes": np.clip(20 * (volume - volume.mean()) / volume.std(), -127, 127).astype("i1"),
        "lowpass": gaussian_filter(volume, 3),
        "half empty": np.concatenate([volume, np.zeros_like(volume)], axis=1),
    }[change]
    foreign.mrc(here / "T.mrc", np.ascontiguousarray(changed))
    assert "--accept" not in isonet.done("prepare", "T.mrc").err


def test_run_takes_the_same_words(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "T.mrc", simulated(1, "truth"))
    words = ("run", "T.mrc", *isonet.flags(**{**isonet.TINY, "iterations": 1}))
    isonet.assert_refused(isonet.call(*words), "--accept no-wedge")
    assert "taken by --accept no-wedge" in isonet.done(*words, accept="no-wedge").err
    assert "made before" in isonet.done(*words).err
    isonet.assert_refused(isonet.call(*words, accept="everything"), "everything", "no-wedge, stack")


def test_halves_of_two_tomograms_in_a_table_are_said_where_it_is_used(here: Path, simulated: Simulated) -> None:
    for number in (1, 2):
        for side in ("even", "odd"):
            foreign.mrc(here / f"h/{number}_{side}.mrc", simulated(number, side))
    sides = ((1, "even"), (2, "odd"))
    columns = {f"rlnTomoReconstructedTomogramHalf{half}": [f"h/{half}_{side}.mrc"] for half, side in sides}
    columns |= {"rlnIndex": [1], "rlnTomoName": ["h/1_even.mrc"]}
    foreign.star(here / "t.star", **columns, rlnPixelSize=[10], rlnTiltMin=[-60], rlnTiltMax=[60])
    said = isonet.done("predict", "t.star", "starter").err
    assert "warning: h/1_even.mrc and h/2_odd.mrc: have little in common" in said


@pytest.mark.parametrize("height", [40, 1000])
def test_hot_voxels_hide_neither_wedge_nor_contrast(here: Path, simulated: Simulated, height: float) -> None:
    volume = simulated(1).copy()
    volume.flat[np.random.default_rng(0).choice(volume.size, 50, replace=False)] = height * volume.std()
    foreign.mrc(here / "T.mrc", volume)
    said = isonet.done("prepare", "T.mrc").err
    assert "wedge measured from" in said
    assert "as told" in said
    assert "warning" not in said
