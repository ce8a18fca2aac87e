"""Slices and spectra: what is drawn is what is in the file, and quickly."""

import io
import re
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
from at_work import write_hollow
from PIL import Image

from isonet.errors import InputError
from isonet.gui.pictures import slices, spectrum
from isonet.gui.pictures.slices import View, Volumes
from isonet.io import pyramids
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header


def write(path: Path, volume: Any, pixel_size: float = 10.0) -> Path:
    with mrcfile.new(path, overwrite=True) as file:
        file.set_data(volume)
        file.voxel_size = pixel_size
    return path


def pixels(picture: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(picture)))


@pytest.fixture
def ramp(tmp_path: Path) -> Path:
    """4 x 5 x 6 voxels, every one another value."""
    return write(tmp_path / "ramp.mrc", np.arange(120, dtype=np.float32).reshape(4, 5, 6))


@pytest.mark.parametrize(("plane", "index"), [("xy", 2), ("xz", 3), ("yz", 5)])
def test_a_slice_is_the_file_s_with_its_first_voxel_at_the_lower_left(ramp: Path, plane: str, index: int) -> None:
    whole = np.arange(120).reshape(4, 5, 6)
    expected = whole.take(index, axis=slices.AXES[plane])
    volume = open_volume(ramp)
    np.testing.assert_array_equal(slices.section(volume, plane, index), expected)
    shown = pixels(slices.encoded(slices.grey(slices.section(volume, plane, index), 0, 255)))
    np.testing.assert_array_equal(shown, expected[::-1])


def test_a_slab_is_the_mean_of_its_sections_and_stops_at_the_ends(ramp: Path) -> None:
    volume, whole = open_volume(ramp), np.arange(120).reshape(4, 5, 6)
    np.testing.assert_allclose(slices.section(volume, "xy", 1, slab=3), whole[0:3].mean(0))
    np.testing.assert_allclose(slices.section(volume, "xy", 0, slab=3), whole[0:2].mean(0))
    np.testing.assert_allclose(slices.section(volume, "xy", 99, slab=1), whole[3])


def test_binning_takes_means(ramp: Path) -> None:
    expected = np.arange(120).reshape(4, 5, 6)[0, :4].reshape(2, 2, 3, 2).mean((1, 3))
    np.testing.assert_allclose(slices.section(open_volume(ramp), "xy", 0, step=2), expected)


def test_the_low_pass_halves_the_wave_at_its_cutoff(tmp_path: Path) -> None:
    wave = np.cos(2 * np.pi * np.arange(128) / 8).astype(np.float32)  # 80 A at 10 A/voxel
    volume = open_volume(write(tmp_path / "wave.mrc", np.tile(wave, (2, 128, 1))))
    filtered = slices.drawn(volume, View(lowpass=80.0))
    assert filtered[64, 32:96].max() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("pixel", "lowpass"), [(None, 50), (1.35, 50), (10, 50), (13.6, 70), (20, 100)])
def test_a_raw_tomogram_is_opened_with_a_low_pass_of_a_few_voxels(pixel: float | None, lowpass: float) -> None:
    assert slices.suiting_lowpass(pixel) == lowpass


def test_a_file_that_changed_is_read_anew(ramp: Path) -> None:
    volumes = Volumes()
    before = volumes.get(ramp)
    assert volumes.get(ramp) is before
    write(ramp, np.zeros((3, 7, 8), np.float32))
    assert volumes.get(ramp).shape == (3, 7, 8)


@pytest.mark.parametrize(
    "wrong",
    [
        {"plane": "zz"},
        {"slab": 0},
        {"slab": 10**9},
        {"lowpass": float("nan")},
        {"low": 50, "high": 50},
        {"size": 10**9},
        {"reference": 10**9},
        {"quality": 96},
        {"index": -1},
        {"index": 1 << 40},
    ],
)
def test_views_that_make_no_sense_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        View(**wrong)


def test_what_is_not_a_number_is_black_and_a_constant_volume_is_drawn(tmp_path: Path) -> None:
    volume = np.ones((3, 4, 4), np.float32)
    volume[1, 0, 0] = np.nan
    with pytest.warns(RuntimeWarning, match="NaN"):
        path = write(tmp_path / "flat.mrc", volume)
    assert pixels(Volumes().picture(path, View(index=1))).tolist() == np.zeros((4, 4)).tolist()


def test_the_wedge_s_faces_lie_at_the_tilts() -> None:
    (_, low), (_, high) = spectrum.faces((-60, 40))
    assert np.degrees(np.arctan2(low[1], low[0])) == pytest.approx(-60)
    assert np.degrees(np.arctan2(high[1], high[0])) == pytest.approx(40)
    assert max(map(abs, (*low, *high))) == pytest.approx(0.5)


def test_the_spectrum_shows_a_wave_where_its_frequency_is(tmp_path: Path) -> None:
    z, x = np.mgrid[:32, :64]
    wave = np.cos(2 * np.pi * (z / 8 + x / 4))  # k_z 1/8, k_x 1/4
    volume = np.repeat(wave[:, None, :], 8, axis=1).astype(np.float32)
    values = spectrum.power(open_volume(write(tmp_path / "wave.mrc", volume)), "xz")
    row, column = np.unravel_index(int(values.argmax()), values.shape)
    assert {(row - 16, column - 32)} <= {(4, 16), (-4, -16)}
    assert pixels(spectrum.picture(open_volume(tmp_path / "wave.mrc"), "xz", (-60, 60))).shape == (256, 256, 3)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A volume of 1 GB that takes 4 MB on the disk."""
    return write_hollow(tmp_path_factory.mktemp("large") / "large.mrc", (256, 1024, 1024))


def test_a_slice_of_a_large_volume_costs_a_fraction_of_reading_it(large: Path) -> None:
    """The first look at a plane also finds its range of grey values; after that only the slice is read."""
    stored = open_volume(large).stored.mapped()
    start = time.process_time()
    assert np.isfinite(stored.sum(dtype=np.float64))
    whole = time.process_time() - start
    volumes = Volumes()
    for plane in slices.AXES:
        volumes.picture(large, View(plane, 100))
        times = []
        for index in (50, 150, 200):
            start = time.process_time()
            volumes.picture(large, View(plane, index, lowpass=60))
            times.append(time.process_time() - start)
        assert min(times) < whole / 3, (plane, times, whole)


MOVING = {"size": 512, "reference": 768, "quality": 35}
"""Pictures while one moves, as in viewer.js."""
LINE = 1_000_000  # bytes a second of a slow line
SLICES = 10  # a second


@pytest.mark.parametrize(("plane", "shape"), [("xy", (4, 1024, 1024)), ("xz", (256, 4, 1024)), ("yz", (256, 1024, 4))])
def test_ten_slices_a_second_of_1_gb_go_over_a_slow_line(tmp_path: Path, plane: str, shape: tuple[int, ...]) -> None:
    """Noise alone, which can be compressed least, as large as a slice of 256 x 1024 x 1024 voxels."""
    path = write(tmp_path / "noise.mrc", np.random.default_rng(0).standard_normal(shape).astype(np.float32))
    volumes = Volumes()
    moving = volumes.picture(path, View(plane, 1, slab=3, lowpass=50, **MOVING))
    resting = volumes.picture(path, View(plane, 1, slab=3, lowpass=50, size=1024, reference=768))
    assert SLICES * len(moving) < LINE
    assert len(moving) < len(resting) / 8
    script = files("isonet.gui").joinpath("viewer.js").read_text("utf-8")
    assert f"size: {MOVING['size']}, quality: {MOVING['quality']} " in script
    assert f"REFERENCE = {MOVING['reference']};" in script
    assert (Image.open(io.BytesIO(moving)).format, Image.open(io.BytesIO(resting)).format) == ("JPEG", "PNG")


def test_ten_slices_a_second_of_1_gb_are_drawn(large: Path) -> None:
    volumes = Volumes()
    for plane in slices.AXES:
        volumes.picture(large, View(plane, 100, slab=3, lowpass=50, **MOVING))
        start = time.process_time()
        for index in range(101, 106):
            volumes.picture(large, View(plane, index, slab=3, lowpass=50, **MOVING))
        assert time.process_time() - start < 5 / SLICES, plane


def test_pictures_of_several_sizes_look_alike(tmp_path: Path) -> None:
    """Binned noise has less contrast than the noise itself: the reference is for both."""
    noise = np.random.default_rng(0).standard_normal((3, 128, 128)).astype(np.float32)
    path = write(tmp_path / "noise.mrc", noise)

    def spread(**how: int) -> float:
        return float(pixels(Volumes().picture(path, View(index=1, **how))).std())

    assert spread(size=32) == pytest.approx(spread(size=128), rel=0.1)  # each by its own grey values
    assert spread(size=32, reference=128) == pytest.approx(spread(size=128) / 4, rel=0.1)
    assert spread(size=128, reference=32) > 1.5 * spread(size=128)


def test_a_jpeg_is_the_picture_but_for_a_little(tmp_path: Path) -> None:
    smooth = np.add.outer(np.arange(64), np.arange(64)).astype(np.float32)
    path = write(tmp_path / "smooth.mrc", np.stack([smooth] * 3))
    exact, near = (pixels(Volumes().picture(path, View(index=1, quality=quality))) for quality in (0, 90))
    assert np.abs(exact.astype(int) - near).max() < 8


def test_parts_of_a_file_that_nobody_looks_at_are_given_back(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mapped() -> int:
        return int(re.findall(r"RssFile:\s+(\d+)", Path("/proc/self/status").read_text())[0]) * 1024

    volumes = Volumes()
    before = mapped()
    first = volumes.picture(large, View("yz", 5))
    assert mapped() - before > 5e8  # every row of the file was touched
    volumes.rest()
    assert mapped() - before > 5e8  # somebody looks at it
    monkeypatch.setattr(slices, "_UNUSED", -1.0)
    volumes.rest()
    assert mapped() - before < 5e7
    assert volumes.picture(large, View("yz", 5)) == first


@pytest.mark.parametrize("plane", ["xy", "xz", "yz"])
def test_binning_and_averaging_are_those_of_the_whole_volume(tmp_path: Path, plane: str) -> None:
    whole = np.random.default_rng(0).integers(-99, 99, (9, 10, 12)).astype(np.int16)
    volume, axis = open_volume(write(tmp_path / "a.mrc", whole)), slices.AXES[plane]
    mean = whole.take(range(2, 7), axis).mean(axis)
    np.testing.assert_allclose(slices.section(volume, plane, 4, slab=5), mean, rtol=1e-6, atol=1e-5)
    rows, columns = (edge // 3 for edge in mean.shape)
    binned = mean[: 3 * rows, : 3 * columns].reshape(rows, 3, columns, 3).mean((1, 3))
    np.testing.assert_allclose(slices.section(volume, plane, 4, slab=5, step=3), binned, rtol=1e-5, atol=1e-5)


def test_slices_of_an_ome_zarr_image_are_those_of_the_mrc_file(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    volume = np.random.default_rng(0).normal(size=(20, 33, 47)).astype(np.float32)
    write(tmp_path / "v.mrc", volume)
    pyramids.write(tmp_path / "v.zarr" / "0", volume, np.float32, Header((10.0,) * 3))
    volumes = Volumes()
    for plane in slices.AXES:
        view = View(plane, 9, slab=3, size=20)
        assert volumes.picture(tmp_path / "v.zarr" / "0", view) == volumes.picture(tmp_path / "v.mrc", view)
        if plane != "xy":
            first, second = (open_volume(tmp_path / name) for name in ("v.mrc", "v.zarr/0"))
            assert np.array_equal(spectrum.power(first, plane), spectrum.power(second, plane))
