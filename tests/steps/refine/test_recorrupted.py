"""Training on one map by noise like its own, added and taken away."""

import re
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.config import RefineConfig
from isonet.core import fourier
from isonet.io.checkpoint import load_model
from isonet.project.table import HALF_COLUMNS, Project
from isonet.steps.refine.method import settled
from isonet.steps.refine.subvolumes.recorrupted import MapNoise, recorrupted
from isonet.steps.simulate import grain_of
from isonet.volumes.shared_halves import thickness_of_halves
from isonet.volumes.source import open_source, open_sources

DATA = {"cube_size": 16, "crop_size": 24, "iterations": 2, "epochs": 1, "steps_per_epoch": 2, "batch_size": 1}
TINY = {**DATA, "number_subtomos": 2, "filter_base": 4, "unet_depth": 1, "precision": "float32"}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "data"
    isonet.done("simulate", output_dir=folder, depth=48, height=64, width=64, tilt_step=3, snr=0.3)
    return folder


@pytest.fixture
def table(here: Path, simulated: Path) -> Path:
    """A tomogram with halves, which are of no use here."""
    names = {"even": simulated / "even.mrc", "odd": simulated / "odd.mrc"}
    tilts = simulated / "tilts.tlt"
    isonet.done("prepare", simulated / "full.mrc", **names, tilt_file=tilts, output="t.star", contrast="dark")
    return Path("t.star")


def test_added_noise_is_like_that_of_the_map_and_independent_of_what_is_left(table: Path) -> None:
    """The difference of halves of frames is the true noise."""
    row = Project.read(table).tomograms[0]
    source = open_source(row, row.full_column)
    noise = MapNoise(grain_of(source), seed=1)
    one, other = recorrupted(source, noise)
    halves = open_sources(row, HALF_COLUMNS)
    scales = [half.normalization.std / source.normalization.std for half in halves]
    edges = (48, 48, 48)
    sums, counts = np.zeros(3), 0
    for corner in ((0, 0, 0), (0, 16, 16), (0, 0, 16)):
        block = source.cut(corner, edges)
        more, less = (each.cut(corner, edges) for each in (one, other))
        np.testing.assert_allclose((more + less) / 2, block, atol=1e-5)
        true = sum(s * h.cut(corner, edges) * k for s, h, k in zip(scales, halves, (0.5, -0.5), strict=True))
        added = (more - less) / 2
        sums += [np.var(true), np.var(added), np.mean((true + added) * (true - added))]
        counts += 1
    power, added, product = sums / counts
    assert added == pytest.approx(power, rel=0.1)
    assert abs(product) < 0.1 * power
    np.testing.assert_array_equal(noise.at((0, 3, 4), edges), noise.at((0, 3, 4), edges))
    assert not np.array_equal(noise.at((0, 3, 4), edges), noise.at((0, 3, 5), edges))


def test_both_maps_have_measured_the_same_though_halves_are_of_tilts(table: Path) -> None:
    row = Project.read(table).tomograms[0]
    source = open_source(row, row.full_column)
    tilts = type(row)(row.table, {**row.row, "rlnTiltSplit": "tilts"})
    maps = recorrupted(type(source)(tilts, *(source.volume, source.normalization, source.measured)), None)
    assert thickness_of_halves(maps) is None
    assert maps[0].measured == maps[1].measured == row.measured


def test_it_trains_on_the_full_map_and_goes_on_alike(table: Path) -> None:
    isonet.done("refine", table, method="recorrupted", output_dir="whole", **TINY)
    isonet.call("refine", table, method="recorrupted", output_dir="parts", max_time="0.01s", **TINY)
    isonet.done("refine", continue_from="parts")
    whole, parts = isonet.weights(Path("whole")), isonet.weights(Path("parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)
    about = load_model(Path("whole"))[1]
    assert about["input_column"] == "full"
    assert len(about["seen"]) == 1
    isonet.done("predict", table, "whole")
    assert Path("corrected/full_corrected.mrc").exists()
    isonet.done("validate", table, method="recorrupted", withhold=25, **TINY)
    assert Path("validation/validation.json").exists()


def test_run_deconvolves_the_result_and_not_what_it_is_trained_on(here: Path) -> None:
    """Deconvolved noise would not be that of a back-projection any more."""
    isonet.done("simulate", output_dir="data", depth=32, height=48, width=48, tilt_step=6, defocus=40000)
    given = {"tilt_file": "data/tilts.tlt", "contrast": "dark", "defocus": 40000, "mask": "off"}
    isonet.done("run", "data/full.mrc", method="recorrupted", output_dir="r", **given, **{**TINY, "iterations": 1})
    assert not Path("r/deconv").exists()
    assert list(Path("r/corrected/deconvolved").glob("*.mrc"))
    assert "recorrupted" in Path("r/report.html").read_text()


def test_it_takes_the_place_of_halves_from_tilts_that_share_little(here: Path) -> None:
    """Of a thick sample, in which they have measured the same only near the tilt axis."""
    isonet.done("simulate", output_dir="data", depth=160, height=48, width=48, tilt_step=3, snr=0.5, split="tilts")
    halves = {"even": "data/even.mrc", "odd": "data/odd.mrc", "split": "tilts"}
    isonet.done("prepare", "data/full.mrc", **halves, tilt_file="data/tilts.tlt", contrast="dark")
    project = Project.read(Path("tomograms.star"))
    found = settled(project, RefineConfig())
    assert (found.method, str(found.pretrained_model)) == ("recorrupted", "starter")
    assert settled(project, RefineConfig(method="noise2noise")).pretrained_model is None
    assert settled(project, RefineConfig(input_column="halves")).method == "noise2noise"
    assert settled(project, RefineConfig(preset="plastic")).method == "noise2noise"
    row = project.tomograms[0]
    volume = torch.tensor(isonet.read(row.file(row.full_column)), dtype=torch.float32)
    low_passed = torch.exp(-((fourier.radial_frequency(tuple(volume.shape)) / 0.1) ** 2))
    isonet.write(Path("data/low.mrc"), fourier.apply(volume, low_passed).numpy(), 10.0)
    star = Path("tomograms.star").read_text()
    Path("low.star").write_text(star.replace("data/full.mrc", "data/low.mrc"))
    found = settled(Project.read(Path("low.star")), RefineConfig())
    assert (found.method, found.pretrained_model) == ("noise2noise", None)  # its noise is not known
    line = next(line for line in star.splitlines() if "data/full.mrc" in line)
    more = []
    for index in (2, 3, 4):
        for name in ("full", "even", "odd"):
            other = "low" if (index, name) == (4, "full") else name
            Path(f"data/{name}{index}.mrc").write_bytes(Path(f"data/{other}.mrc").read_bytes())
        more.append(re.sub(r"data/(full|even|odd)", rf"data/\g<1>{index}", line.replace("1", str(index), 1)))
    Path("four.star").write_text("\n".join([star.rstrip(), *more, ""]))
    assert settled(Project.read(Path("four.star")), RefineConfig()).method == "noise2noise"  # one of four is enough


def test_a_tomogram_with_a_hole_in_its_middle_is_refused(table: Path, simulated: Path) -> None:
    """A cube that is larger than the tomogram has one place, in its middle, and there are no data."""
    full = isonet.read(simulated / "full.mrc").astype(np.float32)
    full[:, 12:52, 12:52] = 0
    isonet.write(Path("hole.mrc"), full, 10.0)
    isonet.done("prepare", "hole.mrc", tilt_file=simulated / "tilts.tlt", output="h.star", contrast="dark")
    isonet.assert_refused(isonet.call("refine", "h.star", method="recorrupted", **TINY), "no room for cubes")


def test_it_begins_with_the_starter_unless_a_network_is_asked_for(table: Path) -> None:
    outcome = isonet.done("refine", table, method="recorrupted", **{**DATA, "number_subtomos": 2, "iterations": 1})
    assert "network of the starter model" in outcome.err


def test_a_filtered_map_is_refused(table: Path) -> None:
    """Its noise is not that which is known of back-projections."""
    volume = torch.tensor(isonet.read(Project.read(table).tomograms[0].file("rlnTomoName")), dtype=torch.float32)
    radius = fourier.radial_frequency(tuple(volume.shape))
    isonet.write(Path("low.mrc"), fourier.apply(volume, torch.exp(-((radius / 0.1) ** 2))).numpy())
    isonet.done("prepare", "low.mrc", output="low.star", contrast="dark")
    isonet.assert_refused(isonet.call("refine", "low.star", method="recorrupted", **TINY), "low.mrc", "filtered")


@pytest.mark.parametrize(
    ("options", "said"),
    [({"input_column": "halves"}, "--input-column halves"), ({"independent": True}, "--independent")],
)
def test_options_that_cannot_be_are_refused(table: Path, options: dict[str, Any], said: str) -> None:
    command = "validate" if "independent" in options else "refine"
    isonet.assert_refused(isonet.call(command, table, method="recorrupted", **options, **TINY), said)


def test_a_turned_geometry_is_refused(simulated: Path, here: Path) -> None:
    isonet.done("prepare", simulated / "full.mrc", level_x=10, output="v.star", contrast="dark")
    isonet.assert_refused(isonet.call("refine", "v.star", method="recorrupted", **TINY), "full.mrc", "about y alone")
