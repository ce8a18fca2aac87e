"""MRC files: every mode, every kind of damage, headers kept, writing whole or not at all."""

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest

from isonet.errors import InputError, RunError
from isonet.io import mrc
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.volume import fingerprint
from isonet.io.volume_files import find_volumes, stem

HEADER = Header((8.0, 9.0, 10.0), (1.5, -2.0, 300.0), (-4, 5, 6), ("made by us", "2nd line"))
TYPES = ["int8", "int16", "float32", "uint16", "float16"]


def numbers(dtype: str = "float32", shape: tuple[int, int, int] = (3, 4, 5)) -> np.ndarray:
    values = np.arange(np.prod(shape)).reshape(shape)
    return (values - (0 if dtype == "uint16" else 20)).astype(dtype)


def big_endian(path: Path) -> bytes:
    """Bytes of a file as a big-endian machine writes it."""
    with mrcfile.open(path) as file:
        header, data = file.header.copy(), file.data.copy()
    header.machst = [0x11, 0x11, 0, 0]
    swapped = header.astype(header.dtype.newbyteorder(">"))
    return swapped.tobytes() + data.astype(data.dtype.newbyteorder(">")).tobytes()


@pytest.mark.parametrize("dtype", TYPES)
def test_every_mode_comes_back_as_it_was(dtype: str, tmp_path: Path) -> None:
    mrc.write(tmp_path / "a.mrc", numbers(dtype), HEADER)
    volume = open_volume(tmp_path / "a.mrc")
    assert volume.stored.dtype == dtype
    assert volume.shape == (3, 4, 5)
    assert volume.read().dtype == np.float32
    assert np.array_equal(volume.read(), numbers(dtype).astype(np.float32))
    assert np.array_equal(volume.read(slice(1, 3), slice(0, 2)), numbers(dtype)[1:3, 0:2])
    assert volume[::2, 1:4:2, 3:].dtype == dtype
    assert np.array_equal(volume[::2, 1:4:2, 3:], numbers(dtype)[::2, 1:4:2, 3:])
    assert mrcfile.validate(tmp_path / "a.mrc")


def test_the_header_is_kept(tmp_path: Path) -> None:
    mrc.write(tmp_path / "a.mrc", numbers(), HEADER)
    header = open_volume(tmp_path / "a.mrc").header
    assert header == HEADER
    assert header.pixel_size == 10
    with mrcfile.open(tmp_path / "a.mrc") as file:
        assert file.voxel_size.tolist() == (10, 9, 8)
        assert (float(file.header.dmin), float(file.header.dmax)) == (-20, 39)
        assert float(file.header.dmean) == pytest.approx(9.5)


def test_ten_labels_of_any_text_fit(tmp_path: Path) -> None:
    header = Header(labels=tuple(f"label {number} µm " + 90 * "x" for number in range(12)))
    mrc.write(tmp_path / "a.mrc", numbers(), header)
    labels = open_volume(tmp_path / "a.mrc").header.labels
    assert len(labels) == 10
    assert labels[-1].startswith("label 11 ?m xx")


@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_files_are_read(suffix: str, compress: Callable[[bytes], bytes], tmp_path: Path) -> None:
    mrc.write(tmp_path / "a.mrc", numbers("int16"), HEADER)
    packed = tmp_path / f"b.mrc{suffix}"
    packed.write_bytes(compress((tmp_path / "a.mrc").read_bytes()))
    volume = open_volume(packed)
    assert np.array_equal(volume.read(), numbers("int16"))
    assert volume.header == HEADER


@pytest.mark.parametrize("suffix", [".gz", ".bz2"])
def test_compressed_files_are_unpacked_once_into_a_file_that_leaves_nothing_behind(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TMPDIR", raising=False)
    mrc.write(tmp_path / "a.mrc", numbers("int16"), HEADER)
    raw = (tmp_path / "a.mrc").read_bytes()
    path = tmp_path / f"b.mrc{suffix}"
    path.write_bytes({".gz": gzip, ".bz2": bz2}[suffix].compress(raw))
    first = open_volume(path)
    assert isinstance(first.stored.mapped(), np.memmap)
    for module in (gzip, bz2):
        monkeypatch.setattr(module, "open", lambda *_, **__: pytest.fail("unpacked again"))
    again = open_volume(path)
    assert np.array_equal(again.read_rows(slice(1, 2)), numbers("int16")[1:2])
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.mrc", path.name]


def test_a_compressed_file_that_was_replaced_is_unpacked_anew(tmp_path: Path) -> None:
    for factor in (1, 2):
        mrc.write(tmp_path / "a.mrc", factor * numbers("int16"), HEADER)
        (tmp_path / "b.mrc.gz").write_bytes(gzip.compress((tmp_path / "a.mrc").read_bytes(), compresslevel=factor))
        assert np.array_equal(open_volume(tmp_path / "b.mrc.gz").read(), factor * numbers("int16"))


def test_big_endian_files_are_read(tmp_path: Path) -> None:
    mrc.write(tmp_path / "a.mrc", numbers("int16"), HEADER)
    (tmp_path / "b.mrc").write_bytes(big_endian(tmp_path / "a.mrc"))
    volume = open_volume(tmp_path / "b.mrc")
    assert np.array_equal(volume.read(), numbers("int16"))
    assert volume.header == HEADER


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("flags", "first"), [(0, 236), (1, -20)])
def test_bytes_are_unsigned_where_imod_says_so(order: str, flags: int, first: int, tmp_path: Path) -> None:
    mrc.write(tmp_path / "a.mrc", numbers("int8"), HEADER)
    raw = bytearray((tmp_path / "a.mrc").read_bytes() if order == "<" else big_endian(tmp_path / "a.mrc"))
    raw[76:88] = np.array([0, -1, -2], dtype=order + "f4").tobytes()  # no extremes, which would be proof
    raw[152:160] = np.array([1146047817, flags], dtype=order + "i4").tobytes()
    (tmp_path / "b.mrc").write_bytes(raw)
    assert open_volume(tmp_path / "b.mrc").read().flat[0] == first


def test_plain_files_are_memory_mapped_and_cannot_be_changed(tmp_path: Path) -> None:
    mrc.write(tmp_path / "a.mrc", numbers(), HEADER)
    volume = open_volume(tmp_path / "a.mrc")
    assert isinstance(volume.stored.mapped(), np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        volume.stored.mapped()[0, 0, 0] = 1


def test_slabs_cover_the_volume_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isonet.io.volume._SLAB_VOXELS", 45)
    mrc.write(tmp_path / "a.mrc", numbers(shape=(7, 4, 5)), HEADER)
    slabs = list(open_volume(tmp_path / "a.mrc").slabs())
    assert [(part.start, part.stop) for part, _ in slabs] == [(0, 2), (2, 4), (4, 6), (6, 7)]
    assert np.array_equal(np.concatenate([block for _, block in slabs]), numbers(shape=(7, 4, 5)))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda raw: raw[:-1], "truncated: the header promises 3 x 4 x 5 voxels, the file has 1263 bytes"),
        (lambda raw: raw[:1024], "truncated"),
        (lambda raw: raw[:500], "not a readable MRC file"),
        (lambda _: b"", "not a readable MRC file"),
        (lambda _: b"II*\x00\x08" + bytes(2000), "not an MRC file"),
        (lambda _: b"-60\n-57\n-54\n-51\n" * 5 + bytes(1000), "not an MRC file"),
        (lambda raw: raw[:12] + (4).to_bytes(4, "little") + raw[16:] + raw[1024:], "mode 4"),
        (lambda raw: raw[:12] + (3).to_bytes(4, "little") + raw[16:], "M"),
        (lambda raw: raw[:8] + (1).to_bytes(4, "little") + raw[12 : 1024 + 80], "is an image, not a volume"),
        (lambda raw: raw[:8] + (-1).to_bytes(4, "little", signed=True) + raw[12:], "not a"),
    ],
    ids=[
        "one byte short",
        "header only",
        "half a header",
        "empty",
        "tiff",
        "text",
        "complex",
        "mode 3",
        "2-D",
        "edge -1",
    ],
)
def test_damaged_and_foreign_files_are_refused(damage: Callable[[bytes], bytes], message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    mrc.write(path, numbers(), HEADER)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError) as caught:
        open_volume(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", [lambda raw: raw[:60], lambda raw: b"x" + raw], ids=["short", "not packed"])
@pytest.mark.parametrize(("suffix", "compress"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
def test_damaged_compressed_files_are_refused(
    suffix: str, compress: Callable[[bytes], bytes], damage: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    mrc.write(tmp_path / "a.mrc", numbers(), HEADER)
    packed = tmp_path / f"b.mrc{suffix}"
    packed.write_bytes(damage(compress((tmp_path / "a.mrc").read_bytes())))
    with pytest.raises(InputError, match="MRC file"):
        open_volume(packed)


def test_missing_files_and_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_volume(tmp_path / "none.mrc")
    with pytest.raises(InputError, match="is a folder"):
        open_volume(tmp_path)


def test_a_stack_may_hold_a_single_image(tmp_path: Path) -> None:
    with mrcfile.new(tmp_path / "a.mrc", np.ones((4, 5), dtype=np.float32)):
        pass
    assert mrc.open_stack(tmp_path / "a.mrc").shape == (1, 4, 5)
    with pytest.raises(InputError, match="1 x 4 x 5 voxels is an image"):
        open_volume(tmp_path / "a.mrc")


@pytest.mark.parametrize("name", ["a tomogram.mrc", "x_8.00Apx.rec.mrc", "Größe é 细胞.mrc", "no_extension", "#1.map"])
def test_names_may_be_of_any_kind(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "a folder.of ü"
    mrc.write(folder / name, numbers(), HEADER)
    assert np.array_equal(open_volume(folder / name).read(), numbers())
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x_8.00Apx.rec.mrc", "x_8.00Apx.rec"),
        ("a.MRC", "a"),
        ("a.b.rec.gz", "a.b"),
        ("a.mrc.bz2", "a"),
        ("a.b.st", "a.b"),
        ("a", "a"),
    ],
)
def test_the_stem_loses_one_extension_only(name: str, expected: str) -> None:
    assert stem(Path("folder.mrc") / name) == expected


def test_volumes_of_a_folder_come_in_the_order_of_their_names(tmp_path: Path) -> None:
    for name in ("b.rec", "a.mrc", "c.MAP.GZ", "notes.txt", ".hidden.mrc", "tilts.st"):
        (tmp_path / name).touch()
    (tmp_path / "folder.mrc").mkdir()
    assert [path.name for path in find_volumes(tmp_path)] == ["a.mrc", "b.rec", "c.MAP.GZ"]
    assert find_volumes(tmp_path / "tilts.st") == [tmp_path / "tilts.st"]
    with pytest.raises(InputError, match="no tomograms in this folder"):
        find_volumes(tmp_path / "folder.mrc")
    with pytest.raises(InputError, match="no such file or folder"):
        find_volumes(tmp_path / "none")


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.mrc"
    mrc.write(path, numbers("int8"), HEADER)
    before = path.read_bytes()
    with pytest.raises(KeyboardInterrupt), mrc.create(path, (3, 4, 5), HEADER) as voxels:
        voxels[0] = 7
        raise KeyboardInterrupt
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_told_before_the_first_voxel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(RunError, match="No space left on device"), mrc.create(tmp_path / "a.mrc", (3, 4, 5), HEADER):
        pytest.fail("the block must not run")
    with pytest.raises(RunError, match="No space left on device"), mrc.scratch(tmp_path, (3, 4, 5)):
        pytest.fail("the block must not run")
    assert not list(tmp_path.iterdir())


def test_scratch_space_vanishes(tmp_path: Path) -> None:
    with mrc.scratch(tmp_path, (2, 3, 4)) as voxels:
        voxels[:] = 3
        assert voxels.shape == (2, 3, 4) and float(voxels.sum()) == 72
        assert len(list(tmp_path.iterdir())) == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["full_f16", "crop96x160x160_int8"])
def test_real_tomograms_are_read(kind: str, shared_data: Path) -> None:
    volume = open_volume(shared_data / f"empiar10499/00254_wbp_20Apx_{kind}.mrc")
    assert volume.header.pixel_size == pytest.approx(20, rel=1e-3)
    assert volume.shape == ((104, 280, 288) if kind == "full_f16" else (96, 160, 160))
    assert np.isfinite(volume.read(slice(40, 44))).all()


def test_fingerprint_is_that_of_the_data_whatever_the_file(tmp_path: Path) -> None:
    voxels = np.random.default_rng(0).standard_normal((20, 40, 30)).astype(np.float32)
    mrc.write(tmp_path / "a.mrc", voxels, Header())
    mrc.write(tmp_path / "b.mrc", voxels, Header((7.0,) * 3, labels=("copy",)))
    mrc.write(tmp_path / "c.mrc", 1.001 * voxels, Header())
    mrc.write(tmp_path / "d.mrc", voxels.reshape(40, 20, 30), Header())
    one, copy, scaled, other = (fingerprint(open_volume(tmp_path / f"{name}.mrc")) for name in "abcd")
    assert one == copy and len({one, scaled, other}) == 3


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (MemoryError(), "not enough memory .*; end other programs"),
        (FileNotFoundError(), "no such file any more; bring"),
    ],
    ids=["memory", "vanished"],
)
def test_what_happens_while_a_file_is_opened_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, says: str
) -> None:
    """Neither is a fault of the file, so neither may be called unreadable."""

    def fail(*_: Any, **__: Any) -> None:
        raise error

    path = tmp_path / "v.mrc"
    with mrcfile.new(path) as volume:
        volume.set_data(np.zeros((3, 4, 5), np.float32))
    monkeypatch.setattr(np, "memmap", fail)
    with pytest.raises(InputError, match=says):
        open_volume(path)
