"""validate: what is withheld is gone before anything sees it, and what is claimed is true."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.core import fourier
from isonet.core.simulation import projection
from isonet.core.tilts import wedge
from isonet.io import star
from isonet.io.formats import open_volume
from isonet.steps.validate import independent

SHAPE, KEPT = (40, 48, 40), (-30.0, 30.0)
OPTIONS = {**isonet.TINY, "iterations": 1, "withhold": 30}
PNG = b"\x89PNG\r\n\x1a\n"


def numbers(folder: str = "validation") -> Any:
    """What validation.json says."""
    return json.loads((Path(folder) / "validation.json").read_text())


@pytest.fixture(scope="module")
def truth() -> Any:
    """A specimen without a missing wedge."""
    generator = torch.Generator().manual_seed(1)
    volume = torch.randn(SHAPE, generator=generator)
    volume = fourier.apply(volume, torch.exp(-5 * fourier.radial_frequency(SHAPE)))
    return (volume / volume.std()).numpy()


@pytest.fixture
def halves(here: Path, truth: Any) -> Path:
    """Table of a tomogram with halves of little noise, measured from -60 to 60 degrees."""
    isonet.write(here / "truth.mrc", truth)
    for seed, name in enumerate(("even", "odd")):
        noise = np.random.default_rng(seed).standard_normal(SHAPE)
        measured = wedge.apply(torch.tensor(truth + 0.3 * noise, dtype=torch.float32), (-60.0, 60.0))
        isonet.write(here / name / f"v_{name}.mrc", measured.numpy())
    isonet.done("prepare", "--even", "even", "--odd", "odd", "--contrast", "light", accept="no-wedge,other-halves")
    return here / "tomograms.star"


def test_withheld_tilts_are_gone_from_every_file_that_is_made(halves: Path) -> None:
    isonet.done("validate", halves, only_withhold=True, withhold=30)
    folder = Path("validation/withheld")
    (row,) = isonet.table(folder / "tomograms.star")
    assert (row["rlnTiltMin"], row["rlnTiltMax"]) == ("-30", "30")
    names = ("rlnTomoName", "rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2")
    removed = wedge.weight(SHAPE, KEPT).expand(40, 48, 21)
    (before,) = isonet.table(halves)
    for name in names:
        given = torch.from_numpy(isonet.read(folder / row[name]))
        original = torch.from_numpy(isonet.read(halves.parent / before[name]))
        power = fourier.transform(given).abs().square()
        assert float(power[removed == 0].sum()) < 1e-8 * float(power.sum())
        change = fourier.transform(given) - fourier.transform(original)
        assert float(change[removed == 1].abs().max()) < 1e-4 * float(power.max().sqrt())
    assert not (folder / "results").exists() and not Path("validation/validation.json").exists()


def test_trains_compares_and_is_not_done_twice(halves: Path, draws: None) -> None:
    said = isonet.done("validate", halves, truth="truth.mrc", **OPTIONS).err
    found = numbers()
    inside = found["withheld"]
    assert inside["kind"] == "cross-half" and inside["degrees"] == [-60, -30, 30, 60]
    assert inside["status"] in said
    assert abs(inside["controls"]["unfilled"]) < 0.1
    assert 0.8 < np.nanmean([value for value in inside["curves"]["ceiling"] if value is not None]) <= 1
    assert found["truth"]["outside"] > found["truth"]["inside"]
    assert [sector["from"] for sector in inside["sectors"]] == [0, 4, 8, 12, 16, 20, 24, 28]
    assert Path("validation/withheld.png").read_bytes().startswith(PNG)
    assert "empty" in found["balance"][0]["warnings"][0]
    again = isonet.done("validate", halves, truth="truth.mrc", **OPTIONS)
    assert again.err.count("made before, kept") == 6
    assert numbers() == found


def test_goes_on_after_the_time_was_over(halves: Path) -> None:
    isonet.done("validate", halves, "--max-time=0.001s", **OPTIONS)
    assert isonet.state(Path("validation")) == "stopped"
    assert not Path("validation/validation.json").exists()
    isonet.done("validate", halves, **OPTIONS)
    assert isonet.state(Path("validation")) == "finished"
    again = isonet.done("validate", halves, precision="float32", **{n: OPTIONS[n] for n in ("withhold",)}).err
    assert "goes on as that training was begun, with" in again and "--cube-size=16" in again
    assert "\ncube_size: 16\n" in Path("validation/config.yaml").read_text()
    refused = isonet.call("validate", halves, **{**OPTIONS, "withhold": 25})
    isonet.assert_refused(refused, "--withhold", "--overwrite")
    isonet.done("validate", halves, overwrite=True, **{**OPTIONS, "withhold": 25})
    assert Path("validation/withheld/results~1").is_dir()


def test_a_true_prediction_is_believed_and_an_invented_one_is_not(halves: Path, truth: Any) -> None:
    """Handed in by --prediction: the truth itself, and the truth of another place in what was not given."""
    isonet.done("validate", halves, only_withhold=True, withhold=30)
    given = torch.from_numpy(isonet.read(Path("validation/withheld/full/v_withheld.mrc"))).float()
    whole = torch.from_numpy(truth)
    outside = wedge.weight(SHAPE, KEPT)
    isonet.write(Path("good.mrc"), wedge.fill(given, whole, outside).numpy())
    isonet.write(Path("pasted.mrc"), wedge.fill(given, whole.roll((20, 24, 20), (0, 1, 2)), outside).numpy())
    isonet.write(Path("unfilled.mrc"), given.numpy())
    isonet.done("validate", halves, prediction="good.mrc", truth="truth.mrc", withhold=30)
    good = numbers()["withheld"]
    assert good["kind"] == "whole map"
    assert good["resolution_05"] == pytest.approx(good["truth"]["resolution_05"], rel=0.15)
    assert good["resolution_0143"] < 30
    curves = good["curves"]
    known = [number for number, yes in enumerate(curves["measurable"]) if yes]
    assert len(known) > 3
    assert all(curves["claimed_low"][number] < 1 < curves["claimed_high"][number] for number in known)
    for name in ("pasted.mrc", "unfilled.mrc"):
        said = isonet.done("validate", halves, prediction=name, withhold=30).err
        bad = numbers()["withheld"]
        assert bad["resolution_05"] is bad["resolution_0143"] is None
        assert "nothing is claimed" in said


def test_a_prediction_made_from_what_was_withheld_claims_nothing(here: Path) -> None:
    """Noise, and one of the halves in the place of a prediction: it agrees with what no prediction can know."""
    noise = np.random.default_rng(0).standard_normal((2, 24, 40, 40)).astype(np.float32)
    table = isonet.table_of_halves(here, *noise)
    isonet.write(here / "seen.mrc", noise[0])
    isonet.done("validate", table, "--only-withhold", withhold=55)
    said = isonet.done("validate", table, prediction="seen.mrc", withhold=55).err
    assert "warning: nothing is claimed" in said
    assert "it was made from what was withheld" in said
    seen = numbers()["withheld"]
    assert seen["resolution_05"] is seen["resolution_0143"] is seen["lower_limit_0143"] is None
    assert all(sector["resolution_0143"] is None for sector in seen["sectors"])


def test_noise_claims_nothing(here: Path) -> None:
    for seed, name in enumerate(("even", "odd")):
        noise = np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)
        isonet.write(here / name / f"v_{name}.mrc", noise)
    isonet.done("prepare", "--even", "even", "--odd", "odd", "--contrast", "light", accept="no-wedge,other-halves")
    isonet.call("validate", "tomograms.star", **OPTIONS)
    found = numbers()["withheld"]
    assert found["resolution_05"] is found["resolution_0143"] is found["lower_limit_0143"] is None
    assert "not measurable" in found["status"]


SLAB = (64, 48, 96)


def tilt_halves(noise: float) -> torch.Tensor:
    """Table of a slab whose halves, from every other tilt, share no planes where they are compared; its truth."""
    generator = torch.Generator().manual_seed(2)
    slab = fourier.apply(torch.randn(SLAB, generator=generator), torch.exp(-3 * fourier.radial_frequency(SLAB)))
    tilts = torch.arange(-60.0, 61.0, 3.0)
    images = projection.project(slab, tilts, width=116)
    images = images + noise * float(images.std()) * torch.randn(images.shape, generator=generator)
    for name, part in {"full": slice(None), "even": slice(0, None, 2), "odd": slice(1, None, 2)}.items():
        volume = projection.back_project(projection.ramp_filter(images[part]), tilts[part], SLAB[0], SLAB[2])
        isonet.write(Path(f"{name}.mrc"), volume.numpy())
    Path("all.tlt").write_text("".join(f"{tilt:.1f}\n" for tilt in tilts.tolist()))
    isonet.done("prepare", "full.mrc", even="even.mrc", odd="odd.mrc", split="tilts", tilt_file="all.tlt",
                contrast="light")  # fmt: skip
    isonet.write(Path("truth.mrc"), slab.numpy())
    isonet.done("validate", "tomograms.star", only_withhold=True, withhold=30)
    return slab


def claimed(filled: torch.Tensor) -> Any:
    """What is claimed of predictions from both halves that have something in the place of what is withheld."""
    kept = wedge.weight(SLAB, KEPT)
    for number, half in enumerate(("even", "odd"), start=1):
        measured = torch.from_numpy(isonet.read(Path(f"{half}.mrc"))).float()
        isonet.write(Path(f"p{number}.mrc"), wedge.fill(measured, filled, kept).numpy())
    isonet.done("validate", "tomograms.star", prediction="p1.mrc,p2.mrc", truth="truth.mrc", withhold=30)
    return numbers()["withheld"]


def test_claims_hold_where_halves_from_tilts_share_no_planes(here: Path) -> None:
    """A prediction that is true to 0.33 cycles per voxel is claimed to be; the sample of another place is nothing."""
    truth = tilt_halves(0.5)
    elsewhere = truth.roll((24, 48), (1, 2))
    true = 1 / (1 + (fourier.radial_frequency(SLAB) / 0.33) ** 16)
    good = claimed(fourier.apply(truth, true) + fourier.apply(elsewhere, (1 - true.square()).sqrt()))
    for threshold in ("resolution_05", "resolution_0143"):
        assert good[threshold] == pytest.approx(good["truth"][threshold], rel=0.15)
    bad = claimed(elsewhere)
    assert bad["resolution_05"] is bad["resolution_0143"] is None


def test_noise_in_halves_from_tilts_claims_nothing(here: Path) -> None:
    found = claimed(tilt_halves(1000.0))
    assert found["resolution_05"] is found["resolution_0143"] is None
    assert "not measurable" in found["status"]


def test_one_map_gives_a_lower_limit(halves: Path) -> None:
    row = dict.fromkeys(("rlnTomoReconstructedTomogramHalf1", "rlnTomoReconstructedTomogramHalf2"))
    isonet.edited(halves, **row)
    isonet.done("validate", halves, **OPTIONS)
    found = numbers()["withheld"]
    assert found["kind"] == "one map" and "ceiling" not in found["curves"]
    assert found["resolution_0143"] == found["lower_limit_0143"]


def test_who_has_seen_what_is_withheld_is_refused(halves: Path, model: Path) -> None:
    isonet.done("refine", halves, output_dir="full", **isonet.TINY)
    isonet.done("predict", halves, "full", output_dir="full_corrected")
    refused = isonet.call("validate", halves, model="full", **OPTIONS)
    isonet.assert_refused(refused, "full", "has seen all of", "--only-withhold")
    isonet.assert_refused(isonet.call("validate", halves, pretrained_model="full", **OPTIONS), "has seen all of")
    isonet.assert_refused(isonet.call("validate", halves, model=model, **OPTIONS), "tilts of -60 to 60")
    refused = isonet.call("validate", halves, prediction="full_corrected/v_corrected.mrc", withhold=30)
    isonet.assert_refused(refused, "--only-withhold")
    isonet.done("validate", halves, only_withhold=True, withhold=30)
    refused = isonet.call("validate", halves, prediction="full_corrected/v_corrected.mrc", withhold=30)
    isonet.assert_refused(refused, "made from the measured tomogram")


def test_a_model_trained_on_what_is_left_is_scored(halves: Path) -> None:
    isonet.done("validate", halves, only_withhold=True, withhold=30)
    isonet.done("refine", "validation/withheld/tomograms.star", output_dir="mine", **isonet.TINY)
    isonet.done("validate", halves, model="mine", withhold=30)
    assert numbers()["withheld"]["kind"] == "cross-half"
    assert not Path("validation/withheld/results").exists()
    isonet.done("refine", "validation/withheld/tomograms.star", output_dir="more", pretrained_model="mine",
                **{**isonet.TINY, "iterations": 1})  # fmt: skip
    isonet.done("validate", halves, model="more", output_dir="again", withhold=30)
    isonet.assert_refused(isonet.call("validate", halves, model="more", output_dir="third", withhold=32), "-30 to 30")


def test_a_starter_alone_is_scored(halves: Path) -> None:
    """It has seen nothing of the sample; each half is corrected and compared with the other one."""
    isonet.done("train-starter", filter_base=4, unet_depth=1, cube_size=16, batch_size=1, steps=2, precision="float32")
    said = isonet.done("validate", halves, model="starter/model.safetensors", withhold=30).err
    assert "made of other data" not in said
    inside = numbers()["withheld"]
    assert inside["kind"] == "cross-half"
    assert len(list(Path("validation/model/halves").glob("*_corrected.mrc"))) == 2


def test_what_cannot_be_compared_is_refused(halves: Path, truth: Any) -> None:
    isonet.assert_refused(isonet.call("validate", halves, withhold=58), "--withhold")
    isonet.assert_refused(isonet.call("validate", halves, prediction="a.mrc", model="b"), "exclude each other")
    isonet.assert_refused(isonet.call("validate", halves, input_column="rlnCorrectedTomoName"), "--input-column")
    isonet.done("validate", halves, only_withhold=True, withhold=30)
    isonet.write(Path("small.mrc"), truth[:20])
    isonet.assert_refused(isonet.call("validate", halves, prediction="small.mrc", withhold=30), "small.mrc", "40 x 48")


def test_independent_networks_agree_or_not_and_where(halves: Path, draws: None) -> None:
    isonet.done("validate", halves, independent=True, **isonet.TINY)
    found = numbers()["independent"]
    assert found["kind"] == "precision"
    assert {"resolution_05", "resolution_0143"} <= set(found["inside"]) & set(found["outside"])
    outside = [value for value in found["outside"]["fsc"] if value is not None]
    assert np.mean(outside[:6]) > 0.5
    assert len(found["by_angle"]["fsc"]) == 9
    confidence = isonet.read(Path("validation/confidence.mrc"))
    assert confidence.shape == SHAPE and -1 <= confidence.min() < confidence.max() <= 1.001
    assert Path("validation/independent.png").read_bytes().startswith(PNG)
    assert not isonet.same_weights(Path("validation/independent/a/results"), Path("validation/independent/b/results"))
    again = isonet.done("validate", halves, independent=True, **isonet.TINY)
    assert again.err.count("made before, kept") == 3
    isonet.assert_refused(isonet.call("validate", halves, independent=True, method="noise2noise"), "--method")


def test_independent_networks_begin_from_nothing(halves: Path, model: Path) -> None:
    """What both know before they see the data, they agree in."""
    refused = isonet.call("validate", halves, independent=True, pretrained_model="starter", **isonet.TINY)
    isonet.assert_refused(refused, "--pretrained-model starter", "leave it out")


def test_agreement_is_told_in_parts_as_of_the_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However little memory there is."""
    one, two = (open_volume(isonet.write(tmp_path / f"{n}.mrc", isonet.specimen((80, 50, 24), n))) for n in (0, 1))
    whole, parts = np.zeros(one.shape, np.float32), np.zeros(one.shape, np.float32)
    monkeypatch.setattr(independent, "_SECTIONS", 80)
    independent._correlate(one, two, whole, 10**9)
    monkeypatch.setattr(independent, "_SECTIONS", 20)
    independent._correlate(one, two, parts, 1)
    assert np.abs(whole).max() > 0.1
    assert np.abs(whole - parts).max() < 1e-5


def test_a_truth_that_cannot_be_compared_is_refused_before_anything_is_trained(halves: Path, truth: Any) -> None:
    isonet.write(Path("short.mrc"), truth[:-2])
    refused = isonet.call("validate", halves, truth="short.mrc", **OPTIONS)
    isonet.assert_refused(refused, "--truth short.mrc", "38 x 48 x 40 voxels")
    broken = truth.copy()
    broken[3, 4, 5] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        isonet.write(Path("nan.mrc"), broken)
    isonet.assert_refused(isonet.call("validate", halves, truth="nan.mrc", **OPTIONS), "nan.mrc", "section 3")
    assert not Path("validation/withheld").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one: one, None),
        (lambda one: -one, "is light where"),
        (lambda one: np.roll(one, 3, 0), "is shifted against full.mrc by 3, 0, 0 voxels"),
        (lambda one: one[::-1].copy(), "has little in common"),
    ],
    ids=["right", "inverted", "shifted", "mirrored"],
)
def test_a_truth_that_is_not_of_the_tomogram_is_warned_of(here: Path, change: Any, said: str | None) -> None:
    isonet.done("simulate", output_dir=".", depth=64, height=96, width=96, snr=0.3, seed=3)
    isonet.done("prepare", "full.mrc")
    isonet.write(Path("changed.mrc"), change(isonet.read(Path("truth.mrc")).astype(np.float32)))
    text = isonet.done("validate", "tomograms.star", truth="changed.mrc", only_withhold=True).err
    assert ("--truth" not in text) if said is None else (f"warning: --truth changed.mrc: {said}" in text)


def test_tomograms_of_several_pixel_sizes_are_not_compared_together(halves: Path) -> None:
    (row,) = isonet.table(halves)
    row = {name: value for name, value in row.items() if "Half" not in name}
    star.write_table(halves, [row, {**row, "rlnIndex": "2", "rlnTomoName": "w.mrc", "rlnPixelSize": "20"}])
    shutil.copy(row["rlnTomoName"], "w.mrc")
    refused = isonet.call("validate", halves, model="starter", withhold=30)
    isonet.assert_refused(refused, "10 to 20 A", "--tomo-idx")


def test_independent_networks_of_one_map_tell_consistency_only(prepared: Path) -> None:
    isonet.done("validate", prepared, independent=True, **isonet.TINY)
    found = numbers()["independent"]
    assert found["kind"] == "consistency" and "consistency" in found["status"]
    assert not any(name.startswith("resolution") for name in (*found["inside"], *found["outside"]))


def test_too_small_a_tomogram_is_refused_before_anything_is_trained(here: Path) -> None:
    isonet.write(here / "tiny.mrc", isonet.specimen((16, 24, 24)))
    isonet.done("prepare", "tiny.mrc", output="tiny.star")
    refused = isonet.call("validate", "tiny.star", **isonet.TINY)
    isonet.assert_refused(refused, "tiny.mrc", "16 x 24 x 24", "use --withhold 43 or more")
    assert not (here / "validation" / "withheld").exists()
    isonet.assert_refused(isonet.call("validate", "tiny.star", withhold=42, **isonet.TINY), "--withhold 43 or more")
    isonet.assert_refused(isonet.call("validate", "tiny.star", withhold=56, **isonet.TINY), "--withhold 55 or less")


@pytest.mark.parametrize(
    ("withhold", "said"),
    [(30, "; a larger --withhold reaches coarser detail, 55 at most of "), (55, "; no larger --withhold reaches")],
)
def test_a_larger_range_is_advised_where_it_helps_alone(here: Path, withhold: int, said: str) -> None:
    """Noise, of which nothing can be predicted."""
    noise = np.random.default_rng(0).standard_normal((3, 24, 40, 40)).astype(np.float32)
    table = isonet.table_of_halves(here, *noise[:2])
    isonet.write(here / "p.mrc", noise[2])
    isonet.done("validate", table, "--only-withhold", withhold=withhold)
    isonet.done("validate", table, withhold=withhold, prediction="p.mrc")
    assert said in numbers()["withheld"]["status"]


def test_a_tomogram_that_no_withheld_range_suits_is_not_advised_one(here: Path) -> None:
    isonet.write(here / "tiny.mrc", isonet.specimen((12, 20, 20)))
    isonet.done("prepare", "tiny.mrc", output="tiny.star")
    refused = isonet.call("validate", "tiny.star", **isonet.TINY)
    isonet.assert_refused(refused, "tiny.mrc", "12 x 20 x 20", "take a larger tomogram")


def test_a_prediction_that_cannot_be_read_is_refused_at_once(here: Path) -> None:
    isonet.write(here / "v.mrc", isonet.specimen((48, 48, 48)))
    isonet.done("prepare", "v.mrc", output="v.star")
    Path("cut.mrc").write_bytes((here / "v.mrc").read_bytes()[:5000])
    isonet.assert_refused(isonet.call("validate", "v.star", prediction="cut.mrc", withhold=25), "cut.mrc", "truncated")
    isonet.assert_refused(isonet.call("validate", "v.star", truth="cut.mrc", withhold=25), "cut.mrc", "truncated")
    assert not (here / "validation" / "withheld").exists()
