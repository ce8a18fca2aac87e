"""Volumes written and read row by row: what another program reads, and what is in memory."""

from pathlib import Path

import mrcfile
import numpy as np
import pytest
from test_mrc import HEADER, TYPES, big_endian, numbers

from isonet.errors import InputError, RunError
from isonet.io import blocks, mrc
from isonet.io.formats import open_volume


def test_blocks_make_the_file_that_write_makes(tmp_path: Path) -> None:
    voxels = numbers(shape=(4, 6, 5))
    with blocks.create(tmp_path / "a.mrc", (4, 6, 5), HEADER) as volume:
        for top in (0, 2, 4):
            volume.write_rows(0, top, voxels[:, top : top + 2])
        assert np.array_equal(volume.read_rows(slice(1, 3), slice(3, 5)), voxels[1:3, 3:5])
        assert np.array_equal(volume.read_rows(slice(None)), voxels)
        volume.statistics = (float(voxels.min()), float(voxels.max()), float(voxels.mean()), float(voxels.std()))
    mrc.write(tmp_path / "b.mrc", voxels, HEADER)
    assert mrcfile.validate(tmp_path / "a.mrc")
    assert (tmp_path / "a.mrc").read_bytes() == (tmp_path / "b.mrc").read_bytes()


def test_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), blocks.create(tmp_path / "a.mrc", (4, 6, 5), HEADER):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"), blocks.create(tmp_path / "file/a.mrc", (2, 2, 2), HEADER):
        pass


def test_scratch_vanishes(tmp_path: Path) -> None:
    with blocks.scratch(tmp_path, (2, 3, 4)) as room:
        room.write_rows(1, 1, np.ones((1, 2, 4), dtype=np.float32))
        assert room.read_rows(slice(0, 2)).sum() == 8
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("dtype", TYPES)
def test_rows_of_every_mode_and_byte_order(dtype: str, tmp_path: Path) -> None:
    voxels = numbers(dtype, (4, 5, 6))
    mrc.write(tmp_path / "a.mrc", voxels, HEADER)
    (tmp_path / "b.mrc").write_bytes(big_endian(tmp_path / "a.mrc"))
    for name in ("a.mrc", "b.mrc"):
        volume = open_volume(tmp_path / name)
        for part in [
            (slice(1, 3), slice(2, 4)),
            (slice(None), slice(None)),
            (slice(3, 9), slice(4, 9)),
        ]:
            block = volume.read_rows(*part)
            assert block.dtype == np.float32
            assert block.dtype.isnative
            assert np.array_equal(block, voxels[part].astype(np.float32))
            block += 1  # is the caller's own


def test_rows_behind_an_extended_header_and_of_imods_unsigned_bytes(tmp_path: Path) -> None:
    with mrcfile.new(tmp_path / "a.mrc") as file:
        file.set_data(np.arange(136, 256, dtype=np.uint8).reshape(4, 5, 6).view(np.int8))
        file.set_extended_header(np.zeros(100, dtype="V1"))
        extra = bytearray(file.header.extra2.tobytes())
        extra[40:48] = np.array([1146047817, 0], dtype=np.int32).tobytes()
        file.header.extra2 = np.frombuffer(bytes(extra), dtype=file.header.extra2.dtype)[0]
        file.header.dmin, file.header.dmax = 0, 255  # as IMOD counts them
    volume = open_volume(tmp_path / "a.mrc")
    assert np.array_equal(volume.read_rows(slice(0, 2), slice(1, 5)), volume.read(slice(0, 2), slice(1, 5)))
    assert volume.read_rows(slice(None)).max() == 255


def test_file_cut_off_while_it_is_read(tmp_path: Path) -> None:
    mrc.write(tmp_path / "a.mrc", numbers(shape=(4, 5, 6)), HEADER)
    volume = open_volume(tmp_path / "a.mrc")
    (tmp_path / "b").write_bytes((tmp_path / "a.mrc").read_bytes()[:-40])
    (tmp_path / "b").replace(tmp_path / "a.mrc")
    with pytest.raises(InputError, match=r"a\.mrc: ended"):
        volume.read_rows(slice(3, 4))


def test_blocks_of_a_scratch_file_are_added_to_and_read(tmp_path: Path) -> None:
    expected = np.zeros((4, 5, 6), dtype=np.float32)
    with blocks.scratch(tmp_path, (4, 5, 6)) as room:
        for place in [(slice(0, 3), slice(1, 4), slice(2, 6)), (slice(2, 4), slice(0, 2), slice(0, 3))]:
            expected[place] += 2
            room.add(place, np.full(expected[place].shape, 2, dtype=np.float32))
        assert np.array_equal(room.read_rows(slice(None)), expected)
        assert np.array_equal(room[1:3, 0:4, 1:5], expected[1:3, 0:4, 1:5])
