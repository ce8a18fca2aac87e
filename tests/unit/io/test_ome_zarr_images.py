"""OME-Zarr images: what other programs write is read, level by level and chunk by chunk."""

import importlib
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.errors import InputError
from isonet.io import mrc, pyramids
from isonet.io.formats import glance, open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.ome_zarr import chunks as chunks_module
from isonet.io.ome_zarr import reading
from isonet.io.volume import fingerprint
from isonet.io.volume_files import find_volumes, is_volume, stem, title
from isonet.volumes.padding import find_padding
from ome_zarr_files import KINDS, attributes, chunk_files, copied, pyramid, with_attributes, without, written

zarr = pytest.importorskip("zarr")
SHAPE = (40, 48, 56)


def noise(shape: tuple[int, ...] = SHAPE, dtype: str = "float32", seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).normal(0, 20, shape)
    return (values + 100).astype(dtype) if np.dtype(dtype).kind in "iu" else values.astype(dtype)


@pytest.fixture(scope="module", params=sorted(KINDS))
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pyramid at 5, 10 and 20 Å by ome-zarr."""
    path = tmp_path_factory.mktemp("zarr") / "cell.zarr"
    return written(path, pyramid(noise()), request.param, pixel_size=5)


@pytest.fixture(autouse=True)
def fresh() -> None:
    """Nothing decoded by a test before."""
    reading._chunks.cache_clear()


def test_files_of_ome_zarr_are_read_to_the_bit(image: Path) -> None:
    for number, expected in enumerate(pyramid(noise())):
        volume = open_volume(image / str(number))
        assert np.array_equal(volume.read(), expected)
        assert volume.pixel_size == 5 * 2**number
        assert volume.stored.absent is None
        assert np.array_equal(volume.stored.mapped(), expected)


def test_the_level_nearest_to_10_angstrom_is_taken_and_the_choice_said(
    image: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="isonet"):
        assert find_volumes(image) == [image / "1"]
    assert f"level 1 taken, of 0 (5 A), 1 (10 A), 2 (20 A); name another one to take it, such as {image / '0'}" in (
        caplog.text
    )
    assert open_volume(image).path == image / "1"
    assert find_volumes(image / "2") == [image / "2"]
    assert stem(image / "2") == stem(image) == "cell" and title(image / "2") == "cell.zarr/2"


@pytest.mark.parametrize(("finest", "taken"), [(0.5, 4), (4.0, 1), (7.0, 0), (6.0, 1), (13.0, 0), (20.0 / 3, 0)])
def test_nearest_is_by_the_difference_and_the_finer_of_two(finest: float, taken: int, tmp_path: Path) -> None:
    written(tmp_path / "a.zarr", pyramid(noise((32, 32, 32)), 5), pixel_size=finest)
    assert find_volumes(tmp_path / "a.zarr") == [tmp_path / "a.zarr" / str(taken)]


@pytest.mark.parametrize(
    ("unit", "size"), [("angstrom", 8.0), ("nanometer", 0.8), ("micrometer", 0.0008), ("picometer", 800.0)]
)
def test_units_are_honoured(unit: str, size: float, tmp_path: Path) -> None:
    written(tmp_path / "a.zarr", [noise()], pixel_size=size, unit=unit)
    assert open_volume(tmp_path / "a.zarr").pixel_size == pytest.approx(8.0)


def test_without_a_unit_the_voxel_size_is_not_known(tmp_path: Path) -> None:
    written(tmp_path / "a.zarr", pyramid(noise()), pixel_size=8, unit=None)
    assert open_volume(tmp_path / "a.zarr").pixel_size == 0
    assert find_volumes(tmp_path / "a.zarr") == [tmp_path / "a.zarr" / "0"]


def test_transformations_of_the_image_come_after_those_of_its_levels(tmp_path: Path) -> None:
    written(tmp_path / "a.zarr", [noise()], pixel_size=2)

    def change(found: dict[str, Any]) -> None:
        image = found["multiscales"][0]
        image["datasets"][0]["coordinateTransformations"].append({"type": "translation", "translation": [1, 2, 3]})
        image["coordinateTransformations"] = [{"type": "scale", "scale": [4, 4, 4]}]

    with_attributes(tmp_path / "a.zarr", change)
    header = open_volume(tmp_path / "a.zarr").header
    assert header.voxel_size == (8, 8, 8) and header.origin == (12, 8, 4)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "float16", "float32"])
def test_types_are_kept(dtype: str, tmp_path: Path) -> None:
    values = noise(dtype=dtype)
    volume = open_volume(written(tmp_path / "a.zarr", [values]))
    assert volume.stored.dtype == dtype and np.array_equal(volume.stored[:], values)
    assert volume.read().dtype == np.float32 and np.array_equal(volume.read(), values.astype(np.float32))


@pytest.mark.parametrize(("dtype", "kept"), [("bool", "uint8"), ("float64", "float32"), (">i2", "int16")])
def test_other_types_that_hold_tomograms_and_masks_are_taken(dtype: str, kept: str, tmp_path: Path) -> None:
    values = (noise() > 0).astype(dtype) if dtype == "bool" else noise().astype(dtype)
    zarr.create_array(str(tmp_path / "a.zarr"), data=values, chunks=(16, 16, 16), zarr_format=2)
    volume = open_volume(tmp_path / "a.zarr")
    assert volume.stored.dtype == kept and np.array_equal(volume.read(), values.astype(np.float32))


@pytest.mark.parametrize("dtype", ["int32", "uint64", "complex64"])
def test_types_that_hold_no_tomogram_are_refused(dtype: str, tmp_path: Path) -> None:
    zarr.create_array(str(tmp_path / "a.zarr"), data=noise().astype(dtype), zarr_format=2)
    with pytest.raises(InputError, match=f"a.zarr: {dtype} voxels are not read; save the tomogram as float32"):
        open_volume(tmp_path / "a.zarr")


def test_an_array_alone_has_no_voxel_size(tmp_path: Path) -> None:
    zarr.create_array(str(tmp_path / "a.zarr"), data=noise(), zarr_format=3)
    volume = open_volume(tmp_path / "a.zarr")
    assert volume.pixel_size == 0 and np.array_equal(volume.read(), noise())


@pytest.mark.parametrize("axes", [("c", "z", "y", "x"), ("t", "c", "z", "y", "x")])
@pytest.mark.parametrize("kind", ["0.4", "0.5"])
def test_first_axes_of_one_are_left_out_and_of_more_refused(axes: tuple[str, ...], kind: str, tmp_path: Path) -> None:
    first = (1,) * (len(axes) - 3)
    one, two = noise().reshape(*first, *SHAPE), noise((*first[:-1], 2, *SHAPE))
    volume = open_volume(written(tmp_path / "one.zarr", [one], kind, axes=axes))
    assert volume.shape == SHAPE and np.array_equal(volume.read(), noise()) and volume.pixel_size == 10
    with pytest.raises(InputError, match=r"2 x 40 x 48 x 56 voxels, of which the first axes hold several volumes; "):
        open_volume(written(tmp_path / "two.zarr", [two], kind, axes=axes))


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_block_is_that_of_the_whole_array(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Law of lazy reading: blocks, strides, single sections and scattered voxels, in any order."""
    shape = data.draw(st.tuples(*[st.integers(2, 24)] * 3))
    chunk = data.draw(st.tuples(*[st.integers(1, 9)] * 3))
    version = data.draw(st.sampled_from([2, 3]))
    shards = tuple(edge * data.draw(st.integers(1, 3)) for edge in chunk) if version == 3 else None
    values = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
    path = tmp_path_factory.mktemp("any") / "a.zarr"
    zarr.create_array(str(path), data=values, chunks=chunk, shards=shards, zarr_format=version)
    volume = open_volume(path)
    for _ in range(3):
        block = tuple(
            slice(*sorted(data.draw(st.tuples(*[st.integers(0, edge)] * 2))), data.draw(st.integers(1, 3)))
            for edge in shape
        )
        assert np.array_equal(volume[block], values[block])
        place = tuple(data.draw(st.integers(-edge, edge - 1)) for edge in shape)
        assert volume.stored[place] == values[place]
        assert np.array_equal(volume.stored[:, place[1]], values[:, place[1]])
        where = tuple(np.array([place[axis], 0]) for axis in range(3))
        assert np.array_equal(volume.stored[where], values[where])
    assert np.array_equal(volume.read(), values)


def test_no_more_than_what_is_looked_at_is_decoded(image: Path, tmp_path: Path) -> None:
    """A chunk that cannot be decoded hurts only those who look at it."""
    broken = copied(image, tmp_path / "cell.zarr")
    last = chunk_files(broken / "0")[-1]
    last.write_bytes(b"\x07" * 40)
    volume = open_volume(broken / "0")
    assert np.array_equal(volume.read(slice(0, 16)), noise()[:16])
    with pytest.raises(InputError, match=r"cell.zarr/0: voxels .*32-39.* cannot be decoded \(.*\); copy it again"):
        volume.read()


def test_decoded_voxels_lie_in_a_scratch_file_that_leaves_nothing_behind(
    image: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    volume = open_volume(image / "0")
    assert np.array_equal(volume.read(slice(3, 4)), noise()[3:4])
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(chunks_module.Chunks, "_decode", lambda *_: pytest.fail("decoded again"))
    assert np.array_equal(open_volume(image / "0").read(slice(0, 9)), noise()[:9])


def test_a_changed_chunk_is_seen_by_who_opens_the_image_next(image: Path, tmp_path: Path) -> None:
    path = copied(image, tmp_path / "cell.zarr") / "0"
    before = fingerprint(open_volume(path))
    zarr.open_array(str(path), mode="r+")[...] = -noise()
    assert np.array_equal(open_volume(path).read(), -noise()) and fingerprint(open_volume(path)) != before


def test_a_disk_without_room_is_an_error_before_anything_is_decoded(
    image: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks_module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000})())
    with pytest.raises(InputError, match=r"decoded it takes 0.00043 GB, 1e-06 are free in .*; free some space or set"):
        open_volume(image / "0").read()


@given(st.tuples(*[st.integers(1, 600)] * 3), st.tuples(*[st.integers(1, 4000)] * 3))
def test_what_is_decoded_at_once_is_whole_chunks_and_bounded(chunk: tuple[int, ...], shape: tuple[int, ...]) -> None:
    brick = chunks_module._brick(chunk, shape)
    assert all(edge % min(part, last) == 0 for edge, part, last in zip(brick, chunk, shape, strict=True))
    alone = int(np.prod([min(part, last) for part, last in zip(chunk, shape, strict=True)]))
    assert np.prod(brick) <= max(alone, chunks_module._TOGETHER)


@pytest.mark.parametrize("fill", [0.0, 7.0, float("nan")])
@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("shards", [None, (16, 16, 16)])
def test_chunks_left_out_are_counted_and_read_as_the_fill_value_or_0(
    fill: float, version: int, shards: tuple[int, ...] | None, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    if version == 2 and shards is not None:
        pytest.skip("no shards in version 2")
    whole = noise((30, 30, 30))
    options = {"chunks": (8, 8, 8), "shards": shards, "zarr_format": version, "fill_value": fill, "dtype": "float32"}
    array = zarr.create_array(str(tmp_path / "a.zarr"), shape=whole.shape, **options)
    array[:16, :, :] = whole[:16]
    array[16:, 24:, 24:] = whole[16:, 24:, 24:]
    expected = np.full_like(whole, 0 if np.isnan(fill) else fill)
    expected[:16] = whole[:16]
    expected[16:, 24:, 24:] = whole[16:, 24:, 24:]
    with caplog.at_level(logging.INFO, logger="isonet"):
        volume = open_volume(tmp_path / "a.zarr")
    missing = 14 * (900 - 36)
    assert volume.stored.absent is not None and volume.stored.absent.voxels == missing
    assert f"{missing} voxels (45 %) are in no chunk on disk" in caplog.text
    assert np.array_equal(volume.read(), expected)
    padding = find_padding(volume)
    assert padding is not None and padding.share == pytest.approx(missing / whole.size)
    assert "if a copy was cut short, copy it again" in next(one for one in caplog.records if one.levelno > 20).message


@pytest.mark.parametrize("dtype", ["int8", "float32"])
def test_a_single_chunk_left_out_is_padding_though_too_small_to_be_seen_as_such(dtype: str, tmp_path: Path) -> None:
    values = noise((64, 128, 128), "float32")
    values = (values / 2).round().astype(dtype) if dtype == "int8" else values
    written(tmp_path / "a.zarr", [values], chunk=16)
    assert find_padding(open_volume(tmp_path / "a.zarr")) is None
    without(tmp_path / "a.zarr" / "0", 1)
    padding = find_padding(open_volume(tmp_path / "a.zarr"))
    assert padding is not None and padding.share == pytest.approx(16**3 / values.size, rel=0.2)
    assert padding.block(slice(0, 16))[:, :16, :16].mean() > 0.9


def test_all_left_out_is_no_padding_but_a_constant_volume(tmp_path: Path) -> None:
    written(tmp_path / "a.zarr", [noise()])
    without(tmp_path / "a.zarr" / "0", 1000)
    volume = open_volume(tmp_path / "a.zarr")
    assert find_padding(volume) is None and not volume.read().any()


def change_axes(*names: str) -> Any:
    def change(found: dict[str, Any]) -> None:
        for axis, name in zip(found["multiscales"][0]["axes"], names, strict=True):
            axis["name"] = name

    return change


def change_image(**values: Any) -> Any:
    return lambda found: found["multiscales"][0].update(values)


def change_level(**values: Any) -> Any:
    return lambda found: found["multiscales"][0]["datasets"][0].update(values)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (change_axes("x", "y", "z"), "axis order x, y, z is not read; save it with x fastest, then y, then z"),
        (change_axes("c", "y", "x"), "axes c, y, x are no volume; give a tomogram with axes z, y, x"),
        (change_image(version="0.3"), r"OME-Zarr 0.3 is not read, 0.4 and 0.5 are; convert it"),
        (change_image(axes=["z", "y", "x"]), "its multiscales name no axes; mend its attributes, or copy it again"),
        (change_image(datasets=[]), r"its multiscales name no levels \(datasets\); mend"),
        (change_level(path="../other.zarr/0"), "name a level '../other.zarr/0'; mend"),
        (change_level(path=None), "name a level None; mend"),
        (change_level(path="/etc"), "name a level '/etc'; mend"),
        (
            change_level(coordinateTransformations=[{"type": "scale", "scale": [1, 0, 1]}]),
            r"level 0: scale \[1, 0, 1\] for 3 axes makes no sense; mend",
        ),
        (
            change_level(coordinateTransformations=[{"type": "scale", "scale": [1, 1, 10**400]}]),
            r"level 0: scale \[1, 1, 10+\] for 3 axes makes no sense; mend",
        ),
        (
            change_level(coordinateTransformations=[{"type": "scale", "scale": [1, 1]}]),
            r"level 0: scale \[1, 1\] for 3 axes makes no sense; mend",
        ),
        (
            change_level(coordinateTransformations=[{"type": "affine", "affine": []}]),
            "level 0: a transformation 'affine' is not read, scale is; resample it",
        ),
        (
            lambda found: found["multiscales"][0]["axes"][0].update(unit="inch"),
            "the unit of axis z is 'inch'; use angstrom, picometer, nanometer",
        ),
        (lambda found: found.clear(), r"no multiscales in its attributes, so no OME-Zarr image; .* such as .*a.zarr/0"),
        (lambda found: found.update(plate={}), "a plate of wells, not one image; give an image in it"),
        (lambda found: found.update(well={}), "a well of images, not one image; give an image in it"),
    ],
)
def test_what_attributes_say_wrong_is_one_line(change: Any, message: str, tmp_path: Path) -> None:
    with_attributes(written(tmp_path / "a.zarr", [noise()]), change)
    for read in (open_volume, find_volumes):
        with pytest.raises(InputError, match=message) as caught:
            read(tmp_path / "a.zarr")
        assert str(caught.value).startswith(str(tmp_path / "a.zarr")) and "\n" not in str(caught.value)
    assert glance(tmp_path / "a.zarr") is None


@pytest.mark.parametrize("text", ["", "{", "[1]", "\xff", '{"multiscales": 5}', '{"multiscales": [3]}'])
def test_broken_attributes_are_one_line(text: str, tmp_path: Path) -> None:
    path = written(tmp_path / "a.zarr", [noise()])
    (path / ".zattrs").write_bytes(text.encode("latin1"))
    with pytest.raises(InputError, match=r"a\.zarr.*; (copy|give)"):
        open_volume(path)


def test_missing_files_are_one_line_each(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zarr", pyramid(noise()))
    with pytest.raises(InputError, match=r"a.zarr/7: no such file or folder; there is 0, 1, 2"):
        open_volume(path / "7")
    with pytest.raises(InputError, match=r"b.zarr: no such file or folder; check the name"):
        open_volume(tmp_path / "b.zarr")
    (path / "0" / ".zarray").unlink()
    with pytest.raises(InputError, match=r"a.zarr/0: no zarr.json, .zgroup or .zarray in it"):
        open_volume(path / "0")
    (path / ".zattrs").unlink()
    with pytest.raises(InputError, match="no multiscales in its attributes"):
        open_volume(path)
    (path / ".zgroup").unlink()
    with pytest.raises(InputError, match="so no OME-Zarr image; copy it again"):
        open_volume(path)


def test_voxels_that_are_no_cubes_are_refused_with_their_edges_as_those_of_mrc_files(tmp_path: Path) -> None:
    volume = open_volume(written(tmp_path / "a.zarr", [noise()], pixel_size=(20, 10, 10)))
    with pytest.raises(InputError, match="voxels of 10 x 10 x 20 A along x, y, z are not cubes; give prepare"):
        _ = volume.pixel_size


@pytest.mark.parametrize("address", ["https://x.org/a.zarr", "s3://bucket/a.zarr/0", "http://x.org/a.mrc"])
def test_what_lies_in_the_network_is_refused(address: str) -> None:
    for read in (open_volume, find_volumes):
        with pytest.raises(InputError) as caught:
            read(Path(address))
        remedy = "is not read over the network; copy it to this machine and give its path"
        assert str(caught.value) == f"{address}: {remedy}"


def test_of_a_folder_images_are_taken_and_what_is_none_left_out_with_a_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written(tmp_path / "b.zarr", pyramid(noise()), pixel_size=5)
    mrc.write(tmp_path / "a.mrc", noise(), Header((10.0,) * 3))
    with_attributes(written(tmp_path / "plate.zarr", [noise()]), lambda found: found.update(plate={}))
    with_attributes(written(tmp_path / "seg.zarr", [noise()]), lambda found: found.update({"image-label": {}}))
    (tmp_path / "empty.zarr").mkdir()
    with caplog.at_level(logging.WARNING, logger="isonet"):
        assert find_volumes(tmp_path) == [tmp_path / "a.mrc", tmp_path / "b.zarr" / "1"]
    for name, why in (("plate", "a plate of wells"), ("seg", "a segmentation"), ("empty", "no OME-Zarr image")):
        assert any(f"{name}.zarr" in line and why in line for line in caplog.messages)
    assert is_volume(tmp_path / "b.zarr") and is_volume(tmp_path / "a.mrc") and not is_volume(tmp_path)


def test_labels_are_masks_for_who_names_them_and_no_tomograms(tmp_path: Path) -> None:
    path = written(tmp_path / "a.zarr", pyramid(noise()), pixel_size=5)
    written(path / "labels" / "membrane", [(noise() > 0).astype(np.uint8)])
    with pytest.raises(InputError, match="labels, a segmentation and no tomogram; give the image they belong to"):
        find_volumes(path / "labels" / "membrane")
    assert open_volume(path / "labels" / "membrane").read().max() == 1
    assert find_volumes(path) == [path / "1"]


@pytest.mark.parametrize(
    ("found", "said"), [(None, "needs the package zarr"), ("2.18.3", "needs zarr 3, this is 2.18")]
)
def test_where_zarr_is_not_installed_the_remedy_is_said(
    found: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(name: str) -> Any:
        if found is None:
            raise ImportError(name)
        return type("Old", (), {"__version__": found})

    written(tmp_path / "a.zarr", [noise()])
    monkeypatch.setattr(importlib, "import_module", load)
    with pytest.raises(InputError, match=rf"a\.zarr/0: OME-Zarr {said}.*; .* -m pip install 'zarr>="):
        open_volume(tmp_path / "a.zarr")
    with pytest.raises(InputError, match=r"pip install 'zarr>="):
        pyramids.write(tmp_path / "b.zarr" / "0", noise(), np.float32, Header())
    assert find_volumes(tmp_path / "a.zarr") == [tmp_path / "a.zarr" / "0"], "names need no package"


def test_the_package_is_not_loaded_by_who_reads_mrc_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mrc.write(tmp_path / "a.mrc", noise(), Header((10.0,) * 3))
    monkeypatch.setattr(importlib, "import_module", lambda name: pytest.fail(f"{name} loaded"))
    assert open_volume(tmp_path / "a.mrc").shape == SHAPE


def test_what_this_program_says_of_its_own_images_is_in_an_attribute(tmp_path: Path) -> None:
    header = Header((5.0,) * 3, (1.0, 2.0, 3.0), (4, 5, 6), ("isonet corrected: one", "two"))
    pyramids.write(tmp_path / "a.zarr" / "0", noise((80, 80, 80)), np.float32, header)
    assert attributes(tmp_path / "a.zarr")["isonet"] == {"labels": list(header.labels), "start": [4, 5, 6]}
    assert open_volume(tmp_path / "a.zarr" / "0").header == header
    assert open_volume(tmp_path / "a.zarr" / "1").header.start == (0, 0, 0)
