"""Halves are looked at as their tomogram is: their wedge, padding and grey values, as they are what is trained on."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest

Simulated = Callable[..., Any]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Halves of the sample of `simulated(1)`, reconstructed with fewer tilts."""
    folder = tmp_path_factory.mktemp("narrow")
    isonet.done("simulate", output_dir=folder, depth=48, height=64, width=64, seed=1, snr=0.3, tilt_max=30)
    yield {name: isonet.read(folder / f"{name}.mrc").astype("f4") for name in ("even", "odd")}


def said_of(here: Path, even: Any, odd: Any, full: Any = None, **options: Any) -> str:
    """What `prepare` says of halves, with or without their tomogram, as it takes them."""
    return isonet.done("prepare", *written(here, even, odd, full), **options).err


def written(here: Path, even: Any, odd: Any, full: Any = None) -> list[Any]:
    """Write halves, and words that name them."""
    for name, data in (("e", even), ("o", odd), ("f", full)):
        if data is not None:
            foreign.mrc(here / name / "t.mrc", np.ascontiguousarray(data, "i1" if data.dtype == np.int8 else "f4"))
    return [*(["f"] if full is not None else []), "--even", "e", "--odd", "o"]


@pytest.mark.parametrize("with_full", [True, False])
def test_own_halves_are_taken_without_a_word(here: Path, simulated: Simulated, with_full: bool) -> None:
    full = simulated(1) if with_full else None
    assert "warning" not in said_of(here, simulated(1, "even"), simulated(1, "odd"), full)


@pytest.mark.parametrize("which", ["even", "odd", "both"])
@pytest.mark.parametrize("with_full", [True, False])
def test_a_half_of_fewer_tilts_is_said(
    here: Path, simulated: Simulated, narrow: dict[str, Any], which: str, with_full: bool
) -> None:
    """Were the range that of all three, the tomogram would say so, and the halves need not."""
    names = ("even", "odd") if which == "both" else (which,)
    even, odd = (narrow[name] if name in names else simulated(1, name) for name in ("even", "odd"))
    said = said_of(here, even, odd, simulated(1) if with_full else None)
    told = [line for line in said.splitlines() if "shows tilts" in line and "-60 to 60" in line]
    expected = [f"{name[0]}/t.mrc" for name in names] if with_full or which != "both" else ["average/t.mrc"]
    assert [line.split("warning: ")[1].split(": ")[0] for line in told] == expected
    assert all(re.search(r"from -(58|59|6.) to (29|3.) degrees", line) for line in told)


def test_halves_without_a_wedge_are_refused(here: Path, simulated: Simulated) -> None:
    truth, full = simulated(1, "truth"), simulated(1)
    filled = truth / truth.std()
    noise = np.random.default_rng(0).standard_normal((2, *truth.shape))
    words = written(here, filled + noise[0], filled + noise[1], full)
    isonet.assert_refused(isonet.call("prepare", *words), "e/t.mrc", "no wedge", "--accept no-wedge")
    assert "e/t.mrc: no wedge" in isonet.done("prepare", *words, accept="no-wedge").err


def test_halves_whose_wedge_is_filled_in_part_are_refused(here: Path, simulated: Simulated) -> None:
    truth = simulated(1, "truth") / simulated(1, "truth").std()
    halves = [simulated(1, name) for name in ("even", "odd")]
    even, odd = (half / half.std() + truth for half in halves)
    refused = isonet.call("prepare", *written(here, even, odd, simulated(1)))
    isonet.assert_refused(refused, "e/t.mrc", "no wedge in its power spectrum, where f/t.mrc has one")


def test_halves_from_tilts_told_to_be_from_frames_are_said(
    here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("tilts")
    isonet.done("simulate", output_dir=folder, depth=48, height=64, width=64, seed=1, snr=0.3, split="tilts")
    said = isonet.done("prepare", folder / "full.mrc", even=folder / "even.mrc", odd=folder / "odd.mrc", split="frames")
    assert "--split frames given, but both halves measure different planes as if from tilts" in said.err


def test_halves_of_two_grey_values_are_refused(here: Path, simulated: Simulated) -> None:
    even, odd = ((simulated(1, name) > 0).astype("i1") for name in ("even", "odd"))
    for full in (simulated(1), None):
        words = written(here, even, odd, full)
        isonet.assert_refused(isonet.call("prepare", *words), "e/t.mrc", "2 grey values", "give the half")


def test_halves_that_were_clipped_are_said(here: Path, simulated: Simulated) -> None:
    even, odd = (simulated(1, name).clip(-3, 3) for name in ("even", "odd"))
    said = said_of(here, even, odd, simulated(1))
    assert all(f"{name}/t.mrc: " in said and "voxels are exactly 3, taken as data" in said for name in "eo")


@pytest.mark.parametrize("with_full", [True, False])
def test_a_half_with_nan_is_refused(here: Path, simulated: Simulated, with_full: bool) -> None:
    odd = simulated(1, "odd").copy()
    odd[0, 0, 0] = np.nan
    words = written(here, simulated(1, "even"), odd, simulated(1) if with_full else None)
    isonet.assert_refused(isonet.call("prepare", *words), "o/t.mrc", "NaN or infinite voxels in section 0")


@pytest.mark.parametrize("part", [np.s_[:, :, :16], np.s_[20:26], np.s_[:, :4]])
@pytest.mark.parametrize("with_full", [True, False])
def test_a_half_that_is_empty_in_part_is_said(here: Path, simulated: Simulated, part: Any, with_full: bool) -> None:
    odd, both = simulated(1, "odd").copy(), simulated(1, "even").copy()
    odd[part] = both[part] = 0
    full = simulated(1) if with_full else None
    assert "e/t.mrc and o/t.mrc: 0 and " in said_of(here, simulated(1, "even"), odd, full)
    assert "of them are empty" not in said_of(here, both, odd, full, overwrite=True)


def test_a_slope_of_one_half_is_said(here: Path, simulated: Simulated) -> None:
    even, odd, full = (simulated(1, name) for name in ("even", "odd", "full"))
    slope = 8 * odd.std() * np.linspace(-1, 1, 64)
    said = said_of(here, even, odd + slope, full)
    assert "o/t.mrc: its background is not flat" in said
    assert "e/t.mrc: its background" not in said
    said = said_of(here, even + slope, odd + slope, full + slope, overwrite=True)
    assert said.count("its background is not flat") == 1


def test_halves_of_two_scales_or_levels_are_said(here: Path, simulated: Simulated) -> None:
    even, odd, full = (simulated(1, name) for name in ("even", "odd", "full"))
    assert re.search(r"o/t.mrc: its deviation is 1.[45]\d* times", said_of(here, even, 1.5 * odd, full))
    said = said_of(here, even, odd + 100 * odd.std(), full, overwrite=True)
    assert "o/t.mrc: its grey values lie 1" in said
    assert "away from those of e/t.mrc" in said
    assert "its grey values lie" in said_of(here, even, odd + 100 * odd.std(), overwrite=True)


@pytest.mark.parametrize("voxels", [3, 4, 6])
@pytest.mark.parametrize("axis", [1, 2])
def test_a_half_that_is_shifted_is_not_called_inverted(
    here: Path, simulated: Simulated, voxels: int, axis: int
) -> None:
    """As where the first tilt of one was aligned otherwise."""
    odd = np.roll(simulated(1, "odd"), voxels, axis)
    words = written(here, simulated(1, "even"), odd, simulated(1))
    isonet.assert_refused(isonet.call("prepare", *words), "o/t.mrc", "shifted", ", ".join(shift_of(voxels, axis)))
    words = written(here, simulated(1, "even"), -simulated(1, "odd"), simulated(1))
    isonet.assert_refused(isonet.call("prepare", *words), "o/t.mrc", "light where f/t.mrc is dark")


def shift_of(voxels: int, axis: int) -> list[str]:
    """Words for a shift along one axis."""
    return [str(voxels if one == axis else 0) for one in range(3)]


@pytest.mark.parametrize("strength", [100, 1e4, 1e6])
@pytest.mark.parametrize("with_full", [True, False])
def test_hot_voxels_of_one_half_do_not_make_it_another_tomogram(
    here: Path, simulated: Simulated, strength: float, with_full: bool
) -> None:
    odd = simulated(1, "odd").copy()
    places = np.random.default_rng(0).integers(0, odd.size, 5)
    odd.flat[[*places, odd[:24, :32, :32].size]] = strength * odd.std()
    odd[24, 32, 32] = strength * odd.std()
    said = said_of(here, simulated(1, "even"), odd, simulated(1) if with_full else None)
    assert "halves measure the same planes" in said
    assert "warning" not in said


@pytest.mark.parametrize("kind", ["mixed", "noise added", "strong signal"])
def test_halves_that_share_part_of_their_noise_are_said(here: Path, simulated: Simulated, kind: str) -> None:
    even, odd, full = (simulated(1, name) for name in ("even", "odd", "full"))
    if kind == "mixed":
        even, odd = 0.75 * even + 0.25 * odd, 0.25 * even + 0.75 * odd
    elif kind == "noise added":
        noise = np.random.default_rng(0).standard_normal((2, *full.shape))
        even, odd = (full + full.std() * one for one in noise)
    else:
        isonet.done("simulate", output_dir="s", depth=48, height=64, width=64, seed=1, snr=20, defocus=40000)
        even, odd, full = (isonet.read(here / "s" / f"{name}.mrc").astype("f4") for name in ("even", "odd", "full"))
    said = said_of(here, even, odd, full, accept="no-wedge")
    assert ("have their noise in common" in said) == (kind != "strong signal")
