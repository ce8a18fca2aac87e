"""mask: where sub-volumes may lie, from the tomogram, from what the user drew, and from other programs."""

import json
import os
from pathlib import Path
from typing import Any

import commandline as isonet
import mrcfile
import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from skimage.draw import polygon2mask

from isonet.core.masks.slab import Slab
from isonet.io.programs.imod import read_model, write_closed

MASK = Path("mask/v_mask.mrc")


@pytest.fixture(scope="module")
def scene() -> Any:
    """Dark blobs in the half x < 24 of a noisy volume, 28 x 40 x 48."""
    random = np.random.default_rng(3)
    blobs = np.zeros((28, 40, 48))
    blobs[tuple(random.integers(4, high, 25) for high in (24, 36, 20))] = -1
    blobs = gaussian_filter(blobs, 2)
    return (blobs / blobs.std() + 0.5 * random.standard_normal(blobs.shape)).astype(np.float32)


def star_of(volume: Any, name: str = "v", **options: Any) -> str:
    isonet.write(Path(f"{name}.mrc"), volume)
    isonet.done("prepare", f"{name}.mrc", output=f"{name}.star", accept="no-wedge", **options)
    return f"{name}.star"


def mask_of(volume: Any, name: str = "v", *flags: str, **options: Any) -> Any:
    """Prepare one volume under its own name and make its mask."""
    isonet.done("mask", star_of(volume, name), *flags, **options)
    return isonet.read(Path(options.get("output_dir", "mask")) / f"{name}_mask.mrc")


def test_mask_holds_the_density(here: Path, scene: Any) -> None:
    mask = mask_of(scene)
    assert set(np.unique(mask)) == {0, 1}
    assert mask[:, :, :24].mean() > 2 * mask[:, :, 28:].mean()
    row = isonet.table(Path("v.star"))[0]
    assert (row["rlnMaskName"], row["rlnMaskDensityPercentage"]) == (str(MASK), "50")
    with mrcfile.open(MASK) as mrc:
        assert (int(mrc.header.mode), float(mrc.voxel_size.x)) == (0, 10)
        assert float(mrc.header.dmean) == pytest.approx(mask.mean(), abs=1e-6)
        assert (float(mrc.header.dmin), float(mrc.header.dmax)) == (0, 1)
    assert mrcfile.validate(MASK)


def test_sign_and_scale_do_not_matter(here: Path, scene: Any) -> None:
    plain = mask_of(scene)
    assert np.array_equal(mask_of(-scene, "negative"), plain)
    assert np.mean(mask_of(30 * scene + 700, "affine") != plain) < 1e-3


@pytest.mark.parametrize("shape", [(28, 40, 48), (27, 39, 47)])
@pytest.mark.parametrize("steps", [(1, 1, 1), (3, 2, 5)])
def test_streamed_is_whole(
    here: Path, scene: Any, shape: tuple[int, int, int], steps: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In slabs of any thickness, through files or memory, and with odd numbers of voxels: the same to the bit."""
    from isonet.steps.mask import room as mask_room

    part = scene[tuple(slice(edge) for edge in shape)]
    flags = ("--slab", "--crop-y=0.1")
    whole = mask_of(part, "v", *flags)
    monkeypatch.setattr(mask_room.Steps, "fitting", lambda *_: mask_room.Steps(*steps))
    monkeypatch.setattr(mask_room, "MemoryRoom", None)  # nothing fits into memory
    monkeypatch.setattr("isonet.running.memory.resident", lambda: 4_000_000_000)
    assert np.array_equal(mask_of(part, "w", *flags), whole)
    assert whole[-1].any() or shape[0] == 28
    assert whole.shape == shape
    assert not list(Path("mask").glob(".isonet*"))


def test_last_odd_voxels_are_not_lost(here: Path, scene: Any) -> None:
    mask = mask_of(scene[:27, :39, :47], "v", density_percentage=100, std_percentage=100)
    assert mask.all()


def test_percentages_from_flag_table_and_default(here: Path, scene: Any) -> None:
    star = Path(star_of(scene))
    isonet.edited(star, rlnMaskDensityPercentage="30", rlnMaskStdPercentage="100")
    isonet.done("mask", star)
    thirty = isonet.read(MASK).mean()
    assert 0.25 < thirty < 0.45  # closed gaps add some
    isonet.done("make_mask", star, density_percentage=60)
    assert isonet.read(MASK).mean() > thirty + 0.15
    row = isonet.table(star)[0]
    assert (row["rlnMaskDensityPercentage"], row["rlnMaskStdPercentage"]) == ("60", "100")
    isonet.edited(star, rlnMaskDensityPercentage="120")
    isonet.assert_refused(isonet.call("mask", star), "rlnMaskDensityPercentage", "120")


def test_isonet_1_spellings(here: Path, scene: Any) -> None:
    star = star_of(scene)
    isonet.done(
        "make_mask", star, "--mask_folder", "m", "--z_crop", "0.25", "--patch_size", "4", "--use_deconv_tomo", "True"
    )
    mask = isonet.read(Path("m/v_mask.mrc"))
    assert not mask[:7].any() and not mask[21:].any() and mask[7:21].any()


def test_crops_at_each_end(here: Path, scene: Any) -> None:
    mask = mask_of(scene, "v", crop_x=0.25, crop_y=0.1, crop_z=0.0, density_percentage=100, std_percentage=100)
    assert mask[:, 4:36, 12:36].all()
    assert mask.sum() == 28 * 32 * 24


def polygons(*entries: Any, path: str = "p.json") -> str:
    Path(path).write_text(json.dumps({"polygons": list(entries)}))
    return path


LEFT = {"points": [[0, 0], [24, 0], [24, 40], [0, 40]]}


def test_polygons_keep_and_exclude(here: Path, scene: Any) -> None:
    boundary = polygons(LEFT, {"points": [[0, 0], [10, 0], [10, 10], [0, 10]], "z": [0, 13], "exclude": True})
    mask = mask_of(scene, "v", boundary=boundary, density_percentage=100, std_percentage=100)
    expected = np.zeros(scene.shape)
    expected[:, :, :24] = 1
    expected[:14, :10, :10] = 0
    assert np.array_equal(mask, expected)
    assert isonet.table(Path("v.star"))[0]["rlnMaskBoundary"] == "p.json"


def test_percentages_are_of_what_the_boundary_leaves(here: Path, scene: Any) -> None:
    """Something strong outside the boundary does not use up what may be kept inside."""
    boundary = polygons(LEFT)
    plain = mask_of(scene, "v", boundary=boundary)
    gold = scene.copy()
    gold[:, :, 40:] -= 20 * np.random.default_rng(1).random(gold[:, :, 40:].shape).astype(np.float32)
    assert np.mean(mask_of(gold, "gold", boundary=boundary) != plain) < 0.03


def test_imod_models_of_several_kinds(here: Path, scene: Any) -> None:
    def square(z: float, low: float, high: float) -> Any:
        return np.array([(low, low, z), (high, low, z), (high, high, z), (low, high, z)], dtype=float)

    marks = np.array([(5, 5, 4), (5, 5, 20)], dtype=float)
    everything = {"density_percentage": 100, "std_percentage": 100, "boundary": "b.mod"}
    models: dict[str, tuple[Any, Any]] = {
        "one contour": ([("", [square(9, 4, 20)])], lambda m: m[:, 4:20, 4:20]),
        "a stack": ([("", [square(6, 4, 20), square(18, 4, 20)])], lambda m: m[6:19, 4:20, 4:20]),
        "last two points": ([("", [np.vstack([square(9, 4, 20), marks])])], lambda m: m[4:21, 4:20, 4:20]),
        "two points as a contour": ([("", [square(9, 4, 20), marks])], lambda m: m[4:21, 4:20, 4:20]),
        "two points as an object": ([("", [square(9, 4, 20)]), ("", [marks])], lambda m: m[4:21, 4:20, 4:20]),
    }
    star = star_of(scene)
    for name, (objects, part) in models.items():
        write_closed(Path("b.mod"), objects, (48, 40, 28), 10)
        isonet.done("mask", star, **everything)
        mask = isonet.read(MASK)
        assert part(mask).all(), name
        assert part(mask).sum() == mask.sum(), name
    write_closed(Path("b.mod"), [("Carbon edge", [square(9, 4, 20)])], (48, 40, 28), 10)
    isonet.done("mask", star, **everything)
    assert (isonet.read(MASK) == 0).sum() == 28 * 16 * 16


def test_boundaries_in_a_folder_and_in_the_table(here: Path, scene: Any) -> None:
    Path("b").mkdir()
    polygons(LEFT, path="b/v_boundary.json")
    polygons({"points": [[30, 0], [48, 0], [40, 40]]}, path="b/w.json")
    star = Path(star_of(scene))
    isonet.done("mask", star, boundary="b")
    first = MASK.read_bytes()
    assert isonet.table(star)[0]["rlnMaskBoundary"] == "b/v_boundary.json"
    isonet.done("mask", star)  # from the column
    assert MASK.read_bytes() == first
    Path("b/v_boundary.json").rename("b/none.json")
    isonet.assert_refused(isonet.call("mask", star, boundary="b"), "no file", "v")
    isonet.assert_refused(isonet.call("mask", star), "v_boundary.json", "no such file")


def test_boundaries_that_cannot_be_used(here: Path, scene: Any) -> None:
    star = star_of(scene)
    far = polygons({"points": [[100, 0], [120, 0], [120, 40]]})
    isonet.assert_refused(isonet.call("mask", star, boundary=far), "p.json", "area 1", "v.mrc", "48 x 40 x 28")
    far = polygons({"points": [[0, 0], [20, 0], [20, 40]], "z": [50, 60]})
    isonet.assert_refused(isonet.call("mask", star, boundary=far), "z 50 to 60")
    write_closed(Path("b.mod"), [("", [np.array([(1.0, 2, 3), (5, 6, 3)])])], (48, 40, 28), 10)
    isonet.assert_refused(isonet.call("mask", star, boundary="b.mod"), "b.mod", "2 points", "three")
    flat = np.array([(1.0, 7, 3), (30, 7, 3), (30, 7, 20), (1, 7, 20)])
    write_closed(Path("b.mod"), [("", [flat])], (48, 40, 28), 10)
    isonet.assert_refused(isonet.call("mask", star, boundary="b.mod"), "nothing in XY")
    Path("b.txt").write_text("1 2")
    isonet.assert_refused(isonet.call("mask", star, boundary="b.txt"), "b.txt", ".mod", ".json")
    everything = polygons({"points": [[-1, -1], [49, -1], [49, 41], [-1, 41]], "exclude": True})
    isonet.assert_refused(isonet.call("mask", star, boundary=everything), "nothing", "v.mrc")


def test_real_model_on_a_tomogram_of_another_pixel_size(here: Path, shared_data: Path) -> None:
    """Drawn on 128^3 voxels of 4.48 A; the tomogram is the same at 8.96 A."""
    model = shared_data / "metadata/imod/two_contour_example.mod"
    volume = np.random.default_rng(0).standard_normal((64, 64, 64)).astype(np.float32)
    star = star_of(volume, pixel_size=8.96)
    isonet.done("mask", star, boundary=model, density_percentage=100, std_percentage=100)
    mask = isonet.read(MASK)
    kept = np.flatnonzero(mask.any(axis=(1, 2)))
    assert (kept[0], kept[-1]) == (30, 39)  # sections 59 to 80
    for section, contour in ((31, 1), (38, 0)):  # the nearest
        corners = read_model(model).objects[0].contours[contour][:, 1::-1] / 2 - 0.5
        expected = polygon2mask((64, 64), corners)
        assert expected.sum() > 100
        assert np.mean(mask[section] != expected) < 0.002


def test_slab_is_followed(here: Path) -> None:
    shape, random = (48, 64, 80), np.random.default_rng(2)
    slab = Slab((14.0, 0.08, 0.04), (30.0, 0.08, 0.04))
    axes = [np.arange(edge, dtype=float) for edge in shape]
    blobs = gaussian_filter(random.standard_normal(shape), 2)
    volume = (blobs / blobs.std() * slab.between(*axes) + 0.7 * random.standard_normal(shape)).astype(np.float32)
    star = star_of(volume)
    outcome = isonet.done("mask", star, "--slab", density_percentage=100, std_percentage=100)
    assert "tilted by 4." in outcome.err
    mask, wanted = isonet.read(MASK) > 0, slab.between(*axes)
    assert (mask & wanted).sum() / wanted.sum() > 0.93
    assert (mask & ~wanted).sum() / mask.sum() < 0.1
    isonet.write(here / "w.mrc", random.standard_normal(shape).astype(np.float32))
    isonet.done("prepare", "w.mrc", output="w.star", accept="no-wedge")
    outcome = isonet.done("mask", "w.star", "--slab", density_percentage=100, std_percentage=100)
    assert "no slab" in outcome.err
    assert isonet.read(Path("mask/w_mask.mrc")).all()


@pytest.mark.parametrize("snr", ["inf", "0.1"])
def test_mask_covers_the_density_of_a_simulated_tomogram(here: Path, snr: str) -> None:
    isonet.done("simulate", output_dir=".", depth=64, height=96, width=96, snr=snr)
    isonet.done("prepare", "full.mrc")
    isonet.done("mask", "tomograms.star")
    truth, mask = isonet.read(Path("truth.mrc")), isonet.read(Path("mask/full_mask.mrc")) > 0
    density = np.abs(truth - np.median(truth))
    assert density[mask].sum() / density.sum() > 0.9
    assert mask.mean() < 0.6


def test_mask_covers_the_density_of_a_thin_crowded_deconvolved_tomogram(here: Path) -> None:
    """The hardest of the tomograms tried; density is what exceeds a fifth of the truth's maximum."""
    isonet.done("simulate", output_dir=".", depth=48, height=96, width=160, snr=0.1, defocus=40000)
    isonet.done("prepare", "full.mrc", defocus=40000)
    isonet.done("deconv", "tomograms.star")
    isonet.done("mask", "tomograms.star")
    density, mask = -isonet.read(Path("truth.mrc")), isonet.read(Path("mask/full_mask.mrc")) > 0
    assert mask[density > 0.2 * density.max()].mean() > 0.9
    assert mask.mean() < 0.6


def test_fraction_is_told_and_warned_about(here: Path, scene: Any) -> None:
    star = star_of(scene)
    assert "% of the voxels kept" in isonet.done("mask", star).err
    assert "raise --density-percentage" in isonet.done("mask", star, density_percentage=1).err
    assert "lower --density-percentage" in isonet.done("mask", star, density_percentage=100, std_percentage=100).err


def test_made_before_is_kept_other_options_replace_other_input_is_refused(here: Path, scene: Any) -> None:
    star = star_of(scene)
    isonet.done("mask", star)
    os.utime(MASK, ns=(10**18, 10**18))
    assert "kept" in isonet.done("mask", star).err
    assert MASK.stat().st_mtime_ns == 10**18
    boundary = polygons(LEFT)
    for options in ({"boundary": boundary}, {"crop_z": 0.1}, {"patch_size": 6}):
        assert "replaced" in isonet.done("mask", star, **options).err
    polygons({"points": [[0, 0], [30, 0], [30, 40]]})
    assert "replaced" in isonet.done("mask", star).err  # an edited boundary
    isonet.write(Path("v.mrc"), 2 * scene)
    isonet.assert_refused(isonet.call("mask", star), "v_mask.mrc", "--overwrite")
    isonet.done("mask", star, "--overwrite")


def test_mask_of_another_program_stays_unless_told(here: Path, scene: Any) -> None:
    theirs = isonet.write(here / "theirs.mrc", np.ones(scene.shape, np.int8))
    star = Path(star_of(scene))
    isonet.edited(star, rlnMaskName="theirs.mrc")
    assert "theirs.mrc" in isonet.done("mask", star).err
    assert isonet.table(star)[0]["rlnMaskName"] == "theirs.mrc"
    isonet.done("mask", star, "--overwrite")
    assert isonet.table(star)[0]["rlnMaskName"] == str(MASK)
    assert theirs.exists()


def test_existing_masks_of_any_make(here: Path, scene: Any) -> None:
    star = star_of(scene)
    ball = np.linalg.norm(np.stack(np.indices(scene.shape)) - [[[[14]]], [[[20]]], [[[24]]]], axis=0) < 10
    kinds: dict[str, Any] = {
        "binary": ball.astype(np.int8),
        "grey": (255 * ball).astype(np.uint16),
        "soft": gaussian_filter(ball.astype(np.float32), 1.0),
        "binned": ball[1::2, 1::2, 1::2].astype(np.float32),
        "IMOD bytes with a sign": ((255 * ball).astype(np.int16) - 128).astype(np.int8),
        "IMOD bytes, 0 and 1": (ball.astype(np.int16) - 128).astype(np.int8),
        "soft IMOD bytes": (255 * gaussian_filter(ball.astype(np.float32), 1.0) - 128).astype(np.int8),
        "unsigned bytes": (255 * ball).astype(np.uint8).view(np.int8),
        "soft unsigned bytes": (255 * gaussian_filter(ball.astype(np.float32), 1.0)).astype(np.uint8).view(np.int8),
        "plus and minus": np.where(ball, 1, -1).astype(np.int8),
        "finer": ball.repeat(2, 0).repeat(2, 1).repeat(2, 2).astype(np.int8),
    }
    for name, mask in kinds.items():
        isonet.write(Path(f"{name}.mrc"), mask)
        isonet.done("mask", star, existing=f"{name}.mrc", output_dir=name, crop_x=0.25)
        result = isonet.read(Path(name) / "v_mask.mrc")
        assert set(np.unique(result)) == {0, 1}
        assert not result[:, :, :12].any(), name
        wrong = np.mean((result > 0)[:, :, 12:36] != ball[:, :, 12:36])
        assert wrong < {
            "soft": 0.005,
            "soft unsigned bytes": 0.005,
            "soft IMOD bytes": 0.005,
            "binned": 0.04,
        }.get(name, 1e-9), name
    Path("folder").mkdir()
    Path("binary.mrc").rename("folder/v_other.mrc")
    isonet.done("mask", star, existing="folder", output_dir="from_folder")
    assert np.array_equal(isonet.read(Path("from_folder/v_mask.mrc")), ball)
    isonet.assert_refused(isonet.call("mask", star, "--slab", existing="folder"), "slab", "existing")


@pytest.mark.parametrize(("option", "ending"), [("existing", "_mask.mrc"), ("boundary", ".json")])
def test_one_file_for_several_tomograms(here: Path, scene: Any, option: str, ending: str) -> None:
    for name in ("TS_1", "TS_2"):
        isonet.write(here / f"t/{name}.mrc", scene)
    isonet.done("prepare", "t", output="t.star")
    for name in ("TS_1", "TS_3", "all"):
        if option == "existing":
            isonet.write(here / f"{name}{ending}", np.ones(scene.shape, np.int8))
        else:
            polygons(LEFT, path=f"{name}{ending}")
    theirs = f"TS_1{ending}"
    isonet.assert_refused(isonet.call("mask", "t.star", **{option: theirs}), theirs, "TS_2", "--tomo-idx", "folder")
    assert "taken for all" not in isonet.done("mask", "t.star", tomo_idx=1, **{option: theirs}).err
    said = isonet.done("mask", "t.star", **{option: f"all{ending}"}).err
    assert f"warning: all{ending}: taken for all 2 tomograms" in said


@pytest.mark.parametrize(
    ("highest", "offset", "kept"),
    [(2, 0, [1, 2]), (3, 0, [1, 2, 3]), (3, -128, [1, 2, 3]), (900, 0, [1, 2, 3]), (0.5, 0, [2, 3])],
    ids=["two", "three", "IMOD bytes with a sign", "large", "soft"],
)
def test_all_labels_of_a_mask_are_kept(here: Path, scene: Any, highest: float, offset: int, kept: list[int]) -> None:
    labels = np.zeros(scene.shape, np.float32)
    for label in (1, 2, 3):
        labels[12:16, 4:36, 8 * label : 8 * label + 8] = label
    given = np.minimum(labels, highest) if highest in (2, 3) else labels * highest / 3
    isonet.write(here / "m.mrc", (given + offset).astype(np.int8) if offset else given)
    said = isonet.done("mask", star_of(scene), existing="m.mrc").err
    assert ("labels up to" in said) == (highest != 0.5)
    assert np.array_equal(isonet.read(MASK) > 0, np.isin(labels, [*kept, 3]))


def test_two_labels_of_which_one_is_small_are_kept_or_told(here: Path, scene: Any) -> None:
    """A few voxels of 200 and many of 3 are labels; many of 200 and few of 3 may be a soft edge, which is said."""
    star = star_of(scene)
    few, many = (slice(12, 16), slice(4, 36), slice(8, 12)), (slice(12, 16), slice(4, 36), slice(12, 30))
    for name, low, high in (("a", many, few), ("b", few, many)):
        given = np.zeros(scene.shape, np.int16)
        given[low], given[high] = 3, 200
        isonet.write(here / f"{name}.mrc", given)
        said = isonet.done("mask", star, existing=f"{name}.mrc", output_dir=name).err
        assert ("a.mrc: holds 2 labels up to 200; all are kept" in said) == (name == "a")
        left_out = "warning: b.mrc: 18 % of its voxels above 0 are below half of the largest value, 200, and left out"
        assert (left_out in said) == (name == "b")


def test_bytes_with_a_ramp_and_values_below_zero(here: Path, scene: Any) -> None:
    """A probability in bytes is cut at its half; scores with a sign are doubted."""
    star, ramp = star_of(scene), np.zeros(scene.shape, np.float32)
    ramp[12:16, 4:36, 4:40] = np.linspace(1, 255, 36)
    isonet.write(here / "ramp.mrc", ramp.round())
    said = isonet.done("mask", star, existing="ramp.mrc", output_dir="ramp").err
    assert "labels" not in said
    assert "are below half of the largest value, 255, and left out" in said
    isonet.write(here / "score.mrc", ramp / 255 - 0.5)
    said = isonet.done("mask", star, existing="score.mrc", output_dir="score").err
    assert "warning: score.mrc: holds values down to -0.5, as scores and distances do" in said


def test_existing_masks_that_do_not_fit(here: Path, scene: Any) -> None:
    star = Path(star_of(scene))
    isonet.write(here / "empty.mrc", np.zeros(scene.shape, np.int8))
    isonet.assert_refused(isonet.call("mask", star, existing="empty.mrc"), "empty.mrc", "no voxel")
    isonet.write(here / "other.mrc", np.ones((28, 40, 40), np.int8))
    isonet.assert_refused(isonet.call("mask", star, existing="other.mrc"), "other.mrc", "(28, 40, 40)", "(28, 40, 48)")
    assert "smaller; make a mask of the shape of v.mrc" in isonet.call("mask", star, existing="other.mrc").err
    assert not MASK.exists()
    for name in ("empty.mrc", "other.mrc"):
        isonet.edited(star, rlnMaskName=name)
        isonet.assert_refused(isonet.call("refine", star, **isonet.TINY), name)


def test_refine_takes_a_binned_mask(here: Path, volume: Any) -> None:
    star = Path(star_of(volume))
    for factor in (1, 2):
        small = np.zeros([edge // factor for edge in volume.shape], np.float32)
        small[small.shape[0] // 2] = 1
        isonet.write(here / f"m{factor}.mrc", small)
        isonet.edited(star, rlnMaskName=f"m{factor}.mrc")
        isonet.done("refine", star, output_dir=f"r{factor}", **{**isonet.TINY, "iterations": 1})
    assert isonet.same_weights(Path("r1"), Path("r2"))  # the only section a cube can be centred in is in both masks


def test_preview_shows_the_outline(here: Path, scene: Any, draws: None) -> None:
    import matplotlib.image

    mask_of(scene)
    image = matplotlib.image.imread("mask/previews/v.png")[..., :3]
    orange = (image[..., 0] > 0.9) & (abs(image[..., 1] - 0.65) < 0.1) & (image[..., 2] < 0.2)
    assert orange.sum() > 300
    empty = matplotlib.image.imread("mask/previews/v.png").std()
    assert empty > 0.05


def test_memory_that_cannot_do(here: Path, scene: Any) -> None:
    star = star_of(scene)
    isonet.assert_refused(isonet.call("mask", star, max_memory="100MB"), "v.mrc", "28 x 40 x 48", "--max-memory 0.1GB")
    isonet.assert_refused(isonet.call("mask", star, max_memory="a lot"), "4GB")


def test_an_existing_mask_of_a_tomogram_that_was_turned_is_warned_of(here: Path) -> None:
    """It may have been drawn in the volume as it lay before; y and z have the same edges here."""
    volume = isonet.specimen((48, 48, 48), tilts=(-60, 60))
    isonet.write(here / "t.mrc", np.rot90(volume, -1, (0, 1)).copy())
    assert "turned into" in isonet.done("prepare", "t.mrc").err
    isonet.write(here / "m.mrc", np.ones(volume.shape, np.int8))
    said = isonet.done("mask", "tomograms.star", existing="m.mrc").err
    assert "m.mrc: taken as places in turned/t.mrc, which is t.mrc turned" in said
