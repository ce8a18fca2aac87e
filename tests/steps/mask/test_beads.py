"""Gold beads: found where they are and only there, painted over alike in both halves, put back as they were."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.core.masks.beads import Bead, leave_out, patches
from isonet.core.simulation import projection
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.project.table import Project
from isonet.volumes.beads import find_beads, painted, read_beads, restore_beads
from isonet.volumes.continued import open_continued
from isonet.volumes.source import open_sources

SHAPE = (40, 80, 96)
TILTS = torch.arange(-60.0, 61.0, 3.0)
CENTRES = ((10, 20, 24), (28, 60, 70), (20, 30, 74))


def tomogram(density: Any, noise: float, seed: int = 0) -> Any:
    """Tomogram of a density, dark, as weighted back-projection of noisy projections gives it."""
    images = projection.project(density, TILTS)
    images = images + noise * images.std() * torch.randn(images.shape, generator=torch.Generator().manual_seed(seed))
    filtered = projection.ramp_filter(images)
    return -projection.back_project(filtered, TILTS, SHAPE[0], SHAPE[2]).numpy()


def with_balls(sample: Any, centres: Iterable[Any]) -> Any:
    """Put balls of 7 voxels into a sample that are twenty times as dense."""
    z, y, x = torch.meshgrid(*(torch.arange(edge) for edge in SHAPE), indexing="ij")
    density = sample.clone()
    for centre in centres:
        out = (z - centre[0]) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2
        density[out <= 12] = 20.0
    return density


@pytest.fixture(scope="module")
def sample() -> Any:
    """Sixty particles, some of which touch."""
    generator = torch.Generator().manual_seed(4)
    density = torch.zeros(SHAPE)
    places = torch.rand(60, 3, generator=generator) * torch.tensor(SHAPE)
    for z, y, x in places.long().tolist():
        density[max(0, z - 3) : z + 3, max(0, y - 3) : y + 3, max(0, x - 3) : x + 3] += 1.0
    return density


@pytest.fixture(scope="module")
def gold(sample: Any) -> Any:
    """The same with three balls."""
    return with_balls(sample, CENTRES)


@pytest.mark.parametrize("noise", [0.0, 0.7, 3.0])
def test_without_gold_nothing_is_found(here: Path, sample: Any, noise: float) -> None:
    isonet.write(here / "v.mrc", tomogram(sample, noise))
    isonet.write(here / "density.mrc", sample.numpy())
    assert find_beads(open_volume(here / "v.mrc"), -1) == ()
    assert find_beads(open_volume(here / "density.mrc"), 1) == ()


@pytest.mark.parametrize("noise", [0.0, 0.7])
def test_each_bead_is_found_where_it_is(here: Path, gold: Any, noise: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in slabs whose borders cut them."""
    isonet.write(here / "v.mrc", tomogram(gold, noise))
    volume = open_volume(here / "v.mrc")
    found = find_beads(volume, -1)
    assert len(found) == len(CENTRES)
    for centre, bead in zip(sorted(CENTRES), found, strict=True):
        assert np.abs(np.subtract(centre, bead.centre)).max() <= 3
        assert 4 <= bead.radius <= 14
    monkeypatch.setattr("isonet.volumes.beads._AT_ONCE", 7 * SHAPE[1] * SHAPE[2])
    again = find_beads(volume, -1)
    assert np.allclose([one.centre for one in again], [one.centre for one in found], atol=1.5)


@pytest.mark.parametrize(("many", "noise"), [(6, 0.7), (6, 1.5), (12, 0.7)])
def test_beads_are_found_however_many_there_are(here: Path, sample: Any, many: int, noise: float) -> None:
    """Twelve with their fringes are more than one voxel in a hundred; touching ones are one."""
    places = (np.random.default_rng(1).random((many, 3)) * np.array(SHAPE)).astype(int)
    isonet.write(here / "v.mrc", tomogram(with_balls(sample, places), noise))
    found = find_beads(open_volume(here / "v.mrc"), -1)
    for place in places:
        assert any(np.abs(np.subtract(place, one.centre)).max() <= one.height for one in found), place
    for one in found:
        assert any(np.abs(np.subtract(place, one.centre)).max() <= 4 for place in places) or one.radius > 8


@pytest.mark.parametrize("seed", range(6))
def test_a_few_strong_particles_in_ice_are_no_gold(here: Path, seed: int) -> None:
    small = {"depth": 24, "height": 40, "width": 40, "vesicles": 1, "filaments": 0, "tilt_step": 10}
    isonet.done("simulate", output_dir="s", seed=seed, snr=2, **small)
    assert find_beads(open_volume(here / "s/full.mrc"), -1) == ()


@pytest.mark.parametrize("edge", [8, 20, 23, 26])
def test_padding_beside_a_bead_hides_no_bead(here: Path, gold: Any, edge: int) -> None:
    """The first bead lies at x = 24: beside the padding, cut by it, or in it."""
    values = tomogram(gold, 0.7)
    isonet.write(here / "whole.mrc", values)
    values[:, :, :edge] = 0
    values[:, -6:] = 0
    isonet.write(here / "v.mrc", values)
    whole, found = (find_beads(open_continued(here / name), -1) for name in ("whole.mrc", "v.mrc"))
    others = [centre for centre in CENTRES if centre[2] > 30]
    for centre in others + ([CENTRES[0]] if edge < 24 else []):
        assert any(np.abs(np.subtract(centre, one.centre)).max() <= 4 for one in found), (edge, centre)
    for one in found:
        assert one.centre[2] >= edge
        assert min(np.abs(np.subtract(one.centre, other.centre)).max() for other in whole) <= 4
    radii = {one.radius for one in found if one.centre[2] > 40}
    assert radii == {one.radius for one in whole if one.centre[2] > 40}


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_painted_blocks_are_parts_of_the_painted_whole(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("painted")
    values = np.random.default_rng(0).standard_normal((20, 50, 60)).astype(np.float32)
    isonet.write(folder / "v.mrc", values)
    volume = open_volume(folder / "v.mrc")
    beads = (Bead((8.0, 20.0, 15.5), 6.0, 9.0), Bead((19.0, 40.0, 45.0), 5.0, 7.0))
    whole = painted(volume, beads).read()
    steps = st.sampled_from([None, 2, 5])
    block = tuple(
        slice(
            data.draw(st.integers(0, edge - 1)),
            data.draw(st.integers(1, edge)),
            data.draw(steps),
        )
        for edge in values.shape
    )
    assert np.array_equal(painted(volume, beads).read(*block), whole[block])
    changed = whole != values
    for bead, shift in ((one.bead, one.shift) for one in patches(beads, volume.shape)):
        z, y, x = (round(at) for at in bead.centre)
        z = min(z, 19)
        assert whole[z, y, x] == values[z, y + shift[0], x + shift[1]]
    outside = np.ones(values.shape, dtype=np.bool_)
    leave_out(beads, outside, 0, 1)
    assert not (changed & outside).any()
    flat, parts = np.zeros_like(values), np.zeros_like(values)
    restore_beads(beads, [volume], 0, 0, flat)
    for section in range(0, 20, 3):
        restore_beads(beads, [volume], section, 0, parts[section : section + 3])
    assert np.array_equal(flat, parts)
    assert flat[8, 20, 15] == values[8, 20, 15]
    assert not flat[outside].any()


def test_mask_lists_beads_and_every_step_sees_sample_in_their_place(here: Path, gold: Any, model: Path) -> None:
    halves = [tomogram(gold, 0.7, seed) for seed in (1, 2)]
    for name, volume in zip(("even", "odd", "v"), (*halves, sum(halves) / 2), strict=True):
        isonet.write(here / f"{name}.mrc", volume)
    isonet.done("prepare", "v.mrc", even="even.mrc", odd="odd.mrc", output="v.star", contrast="dark")
    said = isonet.done("mask", "v.star", density_percentage=100, std_percentage=100)
    assert "3 gold beads" in said.err
    mask = isonet.read(Path("mask/v_mask.mrc"))
    assert [mask[centre] for centre in CENTRES] == [0, 0, 0]
    assert mask.mean() > 0.7
    (row,) = Project.read(Path("v.star")).tomograms
    beads = read_beads(row)
    assert len(beads) == 3
    sources = open_sources(row, ("rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2"))
    z, y, x = CENTRES[0]
    for source, half in zip(sources, halves, strict=True):
        assert half[z, y, x] < -8 * half.std()
        seen = source.cut((z - 5, y - 5, x - 5), (10, 10, 10))
        assert np.abs(seen).max() < 8
        shift = patches(beads, SHAPE)[0].shift
        assert source.voxels.read(slice(z, z + 1), slice(y, y + 1), slice(x, x + 1)).item() == pytest.approx(
            half[z, y + shift[0], x + shift[1]], rel=1e-4
        )
    isonet.done("predict", "v.star", model, input_column="rlnTomoName")
    result = isonet.read(Path("corrected/v_corrected.mrc"))
    given = isonet.read(Path("v.mrc"))
    for centre in CENTRES:
        assert result[centre] == pytest.approx(given[centre], rel=1e-3)
    isonet.done("mask", "v.star", "--no-beads", density_percentage=100, std_percentage=100)
    isonet.done("predict", "v.star", model, input_column="rlnTomoName")  # made again
    assert not np.array_equal(isonet.read(Path("corrected/v_corrected.mrc")), result)


def test_a_sample_without_beads_or_nobeads_names_none(here: Path, sample: Any, gold: Any) -> None:
    isonet.write(here / "v.mrc", tomogram(sample, 0.7))
    isonet.write(here / "w.mrc", tomogram(gold, 0.7))
    isonet.done("prepare", "v.mrc", "w.mrc", output="v.star", contrast="dark")
    isonet.done("mask", "v.star")
    first, second = Project.read(Path("v.star")).tomograms
    assert read_beads(first) == ()
    assert len(read_beads(second)) == 3
    isonet.done("mask", "v.star", "--no-beads")
    assert read_beads(Project.read(Path("v.star")).tomograms[1]) == ()


def test_padding_is_no_gold_and_gold_beside_it_is_found(here: Path, gold: Any) -> None:
    """Zeros in a rim and in a corner, which are far denser than a tomogram whose grey values are far from them."""
    volume = 1000 + tomogram(gold, 0.7)
    volume[:, :9] = volume[:, 60:, :14] = 0
    isonet.write(here / "v.mrc", volume)
    isonet.done("prepare", "v.mrc", output="v.star", contrast="dark")
    isonet.done("mask", "v.star")
    beads = read_beads(Project.read(Path("v.star")).tomograms[0])
    assert len(beads) == 3
    assert np.allclose([bead.centre for bead in beads], sorted(CENTRES), atol=3)


def test_a_broken_list_is_named(here: Path, gold: Any) -> None:
    isonet.write(here / "v.mrc", tomogram(gold, 0.7))
    isonet.done("prepare", "v.mrc", output="v.star", contrast="dark")
    isonet.done("mask", "v.star")
    path = Path("mask/v_beads.star")
    path.write_text(path.read_text().replace("\n10.", "\nno."))
    outcome = isonet.call("predict", "v.star", "starter")
    assert outcome.code != 0
    assert str(path) in outcome.err


def test_beads_that_cannot_be_painted_over_are_told(here: Path, gold: Any) -> None:
    """Of a tomogram that is too narrow for another place of a bead's size."""
    isonet.write(here / "v.mrc", tomogram(gold, 0.7)[:, 2:38, 6:42])
    isonet.done("prepare", "v.mrc", "--accept", "no-wedge", output="v.star", contrast="dark")
    assert "beside 1 of 1 gold bead is no room" in isonet.done("mask", "v.star").err
    isonet.write(here / "w.mrc", tomogram(gold, 0.7))
    isonet.done("prepare", "w.mrc", output="w.star", contrast="dark")
    assert "have no room" not in isonet.done("mask", "w.star").err


@pytest.fixture
def listed(here: Path, gold: Any) -> Path:
    """The list of the beads of v.star."""
    isonet.write(here / "v.mrc", tomogram(gold, 0.7))
    isonet.done("prepare", "v.mrc", output="v.star", contrast="dark")
    isonet.done("mask", "v.star")
    return Path("mask/v_beads.star")


def first_row(listed: Path) -> str:
    """The line of the first bead."""
    return next(line for line in listed.read_text().splitlines() if line[:1].isdigit())


@pytest.mark.parametrize("bad", ["nan 20 20 8 9", "10 inf 20 8 9", "10 20 20 0 9", "10 20 20 8 -9", "10 20 20 8 nan"])
def test_a_bead_that_can_be_none_is_refused(listed: Path, bad: str) -> None:
    listed.write_text(listed.read_text().replace(first_row(listed), bad))
    with pytest.raises(InputError, match=r"v_beads\.star: bead 1.* run isonet mask again"):
        read_beads(Project.read(Path("v.star")).tomograms[0])


@pytest.mark.parametrize("bad", ["-50 20 20 8 9", "20 100 20 8 9", "100 200 240 80 90"])
def test_a_bead_outside_the_tomogram_is_refused(listed: Path, bad: str) -> None:
    """As where a list is in another unit, or of another voxel size."""
    listed.write_text(listed.read_text().replace(first_row(listed), bad))
    (row,) = Project.read(Path("v.star")).tomograms
    with pytest.raises(InputError, match=r"v_beads\.star: bead 1 .* outside the tomogram of 40 x 80 x 96 voxels"):
        open_sources(row, ("rlnTomoName",))
    listed.write_text(listed.read_text().replace(bad, "-3 20 20 8 9"))
    assert len(open_sources(row, ("rlnTomoName",))[0].beads) == 3  # cut by a face


@pytest.mark.parametrize("old, new", [("_rlnBeadRadius", "_rlnRadius"), ("data_beads", "data_other")])
def test_a_list_of_something_else_is_refused(listed: Path, old: str, new: str) -> None:
    listed.write_text(listed.read_text().replace(old, new))
    with pytest.raises(InputError, match=r"v_beads\.star: no .* run isonet mask again"):
        read_beads(Project.read(Path("v.star")).tomograms[0])


def test_a_list_whose_rows_were_all_deleted_holds_no_bead(listed: Path) -> None:
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(line for line in lines if not line[:1].isdigit()))
    assert read_beads(Project.read(Path("v.star")).tomograms[0]) == ()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_bead_deleted_from_the_list_does_not_come_back(listed: Path, *, overwrite: bool) -> None:
    """The mask made before is one of another list: it is made again, and keeps the place of that bead."""
    whole = {"density_percentage": 100, "std_percentage": 100}
    isonet.done("mask", "v.star", **whole)
    assert "made before, kept" in isonet.done("mask", "v.star", **whole).err
    assert not isonet.read(Path("mask/v_mask.mrc"))[CENTRES[0]]
    listed.write_text(listed.read_text().replace(first_row(listed) + "\n", ""))
    edited = listed.read_text()
    said = isonet.done("mask", "v.star", **whole, overwrite=overwrite).err
    assert "v_mask.mrc: made before with other options, replaced" in said
    assert "2 gold beads as mask/v_beads.star says" in said
    assert isonet.read(Path("mask/v_mask.mrc"))[CENTRES[0]]
    assert listed.read_text() == edited
    assert len(read_beads(Project.read(Path("v.star")).tomograms[0])) == 2
    assert "made before, kept" in isonet.done("mask", "v.star", **whole).err


def test_the_list_that_the_table_names_is_used(listed: Path) -> None:
    """Wherever it lies, and wherever the mask is to lie."""
    listed.write_text(listed.read_text().replace(first_row(listed) + "\n", ""))
    listed.rename("mine.star")
    isonet.edited(Path("v.star"), rlnBeadsName="mine.star")
    assert "2 gold beads as mine.star says" in isonet.done("mask", "v.star", output_dir="other").err
    (row,) = Project.read(Path("v.star")).tomograms
    assert row.text("rlnBeadsName") == "mine.star"
    assert not Path("other/v_beads.star").exists()


def test_an_edited_list_outlives_a_mask_of_other_options(listed: Path) -> None:
    listed.write_text(listed.read_text().replace(first_row(listed) + "\n", ""))
    edited = listed.read_text()
    said = isonet.done("mask", "v.star", density_percentage=60).err
    assert "2 gold beads as" in said
    assert listed.read_text() == edited


@pytest.mark.parametrize("broken", [True, False])
def test_a_deleted_list_is_made_again(listed: Path, broken: bool) -> None:
    whole = listed.read_text().splitlines()[1:]  # the first line tells the time
    if broken:
        listed.write_text("data_beads\n\nloop_\n_rlnCoordinateZ #1\n1\n")
        isonet.assert_refused(isonet.call("mask", "v.star", density_percentage=60), str(listed), "delete it")
    listed.unlink()
    isonet.done("mask", "v.star")
    assert listed.read_text().splitlines()[1:] == whole


def test_an_edited_bead_that_leaves_no_room_is_told_of_by_every_step(listed: Path, model: Path) -> None:
    """One wider than the tomogram: no bead can be painted over any more."""
    listed.write_text(listed.read_text().rstrip() + "\n24.00\t20.00\t20.00\t200.00\t9.00\n")
    assert "is no room for sample" in isonet.done("predict", "v.star", model, output_dir="again").err


def test_a_given_mask_that_keeps_all_is_told_of_by_its_name(here: Path, sample: Any) -> None:
    isonet.write(here / "v.mrc", tomogram(sample, 0.7))
    isonet.write(here / "all.mrc", np.ones(SHAPE, np.int8))
    isonet.done("prepare", "v.mrc", output="v.star", contrast="dark")
    said = isonet.done("mask", "v.star", existing="all.mrc").err
    assert "as all.mrc says" in said
    assert "density-percentage" not in said


def test_validate_leaves_out_beads_that_nobody_has_listed(here: Path, sample: Any, gold: Any) -> None:
    """What it finds is as with a list in the table: gold is dense in every direction, and no sample."""
    isonet.write(here / "v.mrc", tomogram(gold, 0.7))
    isonet.done("prepare", "v.mrc", tilt_min=min(TILTS), tilt_max=max(TILTS))
    said = isonet.done("validate", "tomograms.star", model="starter", withhold=15, output_dir="sought").err
    assert f"v.mrc: {len(CENTRES)} gold beads, which are no sample, are left out of what is compared" in said
    isonet.edited(Path("tomograms.star"), rlnBeadsName="sought/v_beads.star")
    said = isonet.done("validate", "tomograms.star", model="starter", withhold=15, output_dir="listed").err
    assert "gold" not in said
    sought, listed = (json.loads(Path(folder, "validation.json").read_text()) for folder in ("sought", "listed"))
    assert sought["withheld"]["curves"] == listed["withheld"]["curves"]
    isonet.edited(Path("tomograms.star"), rlnBeadsName=None)
    options = {"model": "starter", "withhold": 15, "output_dir": "sought"}
    assert "gold" not in isonet.done("validate", "tomograms.star", **options).err
    isonet.write(here / "v.mrc", tomogram(with_balls(sample, CENTRES[:2]), 0.7))
    os.utime("sought/v_beads.star", (1, 1))
    assert "v.mrc: 2 gold beads" in isonet.done("validate", "tomograms.star", "--overwrite", **options).err
