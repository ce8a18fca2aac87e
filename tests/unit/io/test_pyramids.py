"""OME-Zarr images that this program writes: whole, true, readable elsewhere, and over nothing of others."""

import errno
import warnings
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from skimage.transform import downscale_local_mean

from isonet.errors import InputError, RunError
from isonet.io import blocks, mrc, pyramids
from isonet.io.formats import create, open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.ome_zarr import pyramid
from ome_zarr_files import attributes, written

zarr = pytest.importorskip("zarr")
HEADER = Header((8.0,) * 3, (1.5, -2.0, 300.0), (-4, 5, 6), ("made by us", "2nd line"))
VERSIONS = ("0.4", "0.5")


def numbers(dtype: str = "float32", shape: tuple[int, int, int] = (70, 90, 131)) -> np.ndarray:
    """Voxels of a type, with those that are easily lost: zeros of either sign, tiny ones, whole chunks of zeros."""
    random = np.random.default_rng(1)
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        values = random.integers(info.min, info.max, shape, dtype, endpoint=True)
    else:
        values = (300 * random.standard_normal(shape)).astype(dtype)
        values[0, 0, :4] = [-0.0, 0.0, 3e4, np.finfo(dtype).smallest_subnormal]
    values[:, :, 128:] = 0
    values[2:9] = -values[2:9] * 0
    return values


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("dtype", ["int8", "int16", "uint16", "float16", "float32"])
def test_mrc_to_zarr_to_mrc_is_the_same_file(dtype: str, version: str, tmp_path: Path) -> None:
    mrc.write(tmp_path / "a.mrc", numbers(dtype), HEADER)
    first = open_volume(tmp_path / "a.mrc")
    pyramids.write(tmp_path / "a.zarr" / "0", first, first.stored.dtype, first.header, version)
    second = open_volume(tmp_path / "a.zarr" / "0")
    assert second.header == first.header and second.stored.dtype == dtype and second.stored.absent is None
    assert second.stored[:].tobytes() == numbers(dtype).tobytes()
    mrc.write(tmp_path / "b.mrc", second.stored[:], second.header)
    assert (tmp_path / "b.mrc").read_bytes() == (tmp_path / "a.mrc").read_bytes()


@pytest.mark.parametrize("version", VERSIONS)
def test_each_level_is_the_mean_of_8_voxels_of_the_one_before_and_lies_where_it_did(
    version: str, tmp_path: Path
) -> None:
    voxels = numbers(shape=(70, 90, 300))
    pyramids.write(tmp_path / "a.zarr" / "0", voxels, np.float32, HEADER, version)
    expected, z, y, x = voxels, 8.0, 8.0, 8.0
    middle = None
    for number in range(4):
        volume = open_volume(tmp_path / "a.zarr" / str(number))
        assert np.allclose(volume.read(), expected, rtol=1e-4, atol=1e-3)
        assert volume.header.voxel_size == (z, y, x)
        corner = [first - size / 2 for first, size in zip(volume.header.origin, (x, y, z), strict=True)]
        middle = middle or corner
        assert corner == middle  # the outer corner of the first voxel
        depth, height, width = (edge // 2 * 2 for edge in expected.shape)
        expected = downscale_local_mean(expected[:depth, :height, :width], (2, 2, 2))
        z, y, x = 2 * z, 2 * y, 2 * x
    assert not (tmp_path / "a.zarr" / "4").exists()


def test_means_of_whole_numbers_are_rounded(tmp_path: Path) -> None:
    pyramids.write(tmp_path / "a.zarr" / "0", numbers("int8"), np.int8, HEADER)
    cut = numbers("int8")[:, :, :130].astype(np.float64)
    mean = downscale_local_mean(cut, (2, 2, 2))
    assert np.array_equal(open_volume(tmp_path / "a.zarr" / "1").read(), np.rint(mean))


@pytest.mark.parametrize("version", VERSIONS)
def test_the_reference_implementation_reads_what_is_written(version: str, tmp_path: Path) -> None:
    pyramids.write(tmp_path / "a.zarr" / "0", numbers(), np.float32, HEADER, version)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reading = pytest.importorskip("ome_zarr.reader")
        place = pytest.importorskip("ome_zarr.io").parse_url(str(tmp_path / "a.zarr"))
        (node,) = reading.Reader(place)()
        shapes = [level.shape for level in node.data]
        finest = np.asarray(node.data[0])
    assert shapes == [(70, 90, 131), (35, 45, 65), (17, 22, 32)]
    assert np.array_equal(finest, numbers())
    assert [axis["name"] for axis in node.metadata["axes"]] == ["z", "y", "x"]
    assert {axis["unit"] for axis in node.metadata["axes"]} == {"angstrom"}
    assert node.metadata["coordinateTransformations"][1][0] == {"type": "scale", "scale": [16.0] * 3}


def test_a_voxel_size_that_is_not_known_is_not_invented(tmp_path: Path) -> None:
    pyramids.write(tmp_path / "a.zarr" / "0", numbers(), np.float32, Header())
    axes = attributes(tmp_path / "a.zarr")["multiscales"][0]["axes"]
    assert not any("unit" in axis for axis in axes)
    assert open_volume(tmp_path / "a.zarr" / "0").header.voxel_size == (0, 0, 0)


@pytest.mark.parametrize("shape", [(2, 200, 300), (3, 65, 65), (130, 2, 500), (64, 64, 64), (5, 129, 257)])
def test_any_shape_has_levels_until_it_is_small_or_thin(shape: tuple[int, int, int], tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    pyramids.write(tmp_path / "a.zarr" / "0", voxels, np.float32, HEADER)
    levels = sorted(path for path in (tmp_path / "a.zarr").iterdir() if path.is_dir())
    shapes = [zarr.open_array(str(path), mode="r").shape for path in levels]
    assert shapes[0] == shape and np.array_equal(open_volume(levels[0]).read(), voxels)
    assert all(tuple(edge // 2 for edge in fine) == coarse for fine, coarse in pairwise(shapes))
    assert max(shapes[-1]) <= 64 or min(shapes[-1]) < 4


def test_a_volume_is_written_block_by_block_into_either_format(tmp_path: Path) -> None:
    for path in (tmp_path / "a.mrc", tmp_path / "a.zarr" / "0"):
        with create(path, (70, 90, 131), HEADER, np.float16) as target:
            for section in range(70):
                target.write_rows(section, 0, numbers("float16")[section : section + 1])
        assert np.array_equal(open_volume(path).stored[:], numbers("float16"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mrc", "a.zarr"]


def test_what_fails_leaves_nothing_and_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pyramids.write(tmp_path / "a.zarr" / "0", numbers(), np.float32, HEADER)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pyramid, "_halved", full)
    for name in ("a", "b"):
        with pytest.raises(RunError, match=rf"{name}.zarr: cannot be written \(No space left on device\); free some"):
            pyramids.write(tmp_path / f"{name}.zarr" / "0", -numbers(), np.float32, HEADER)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zarr"]
    assert np.array_equal(open_volume(tmp_path / "a.zarr" / "0").read(), numbers())


def test_an_image_of_this_program_is_replaced_and_no_other_folder(tmp_path: Path) -> None:
    pyramids.write(tmp_path / "a.zarr" / "0", numbers(), np.float32, HEADER)
    pyramids.write(tmp_path / "a.zarr" / "0", -numbers(), np.float32, HEADER, "0.5")
    assert np.array_equal(open_volume(tmp_path / "a.zarr" / "0").read(), -numbers())
    assert not (tmp_path / "a.zarr" / ".zattrs").exists()
    written(tmp_path / "other.zarr", [numbers()])
    (tmp_path / "notes.zarr").mkdir()
    (tmp_path / "notes.zarr" / "thesis.txt").write_text("all of it")
    for name in ("other", "notes"):
        before = sorted((tmp_path / f"{name}.zarr").rglob("*"))
        with pytest.raises(InputError, match=rf"{name}.zarr: exists and is no result of isonet; move it away"):
            pyramids.write(tmp_path / f"{name}.zarr" / "0", numbers(), np.float32, HEADER)
        assert sorted((tmp_path / f"{name}.zarr").rglob("*")) == before


def test_no_more_than_a_row_of_chunks_is_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of the source at once is bounded by chunks along two axes, however large it is."""
    asked = []
    read = blocks.BlockFile.__getitem__

    def noted(self: Any, block: tuple[slice, ...]) -> Any:
        found = read(self, block)
        asked.append(found.shape)
        return found

    monkeypatch.setattr(blocks.BlockFile, "__getitem__", noted)
    with create(tmp_path / "a.zarr" / "0", (300, 290, 140), HEADER) as target:
        target.clear()
    assert len(asked) == 9 and all(edge <= 128 for shape in asked for edge in shape[:2])
