"""Headers that other programs leave: sizes, modes, extremes and bytes held against the data."""

import bz2
import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import foreign
import numpy as np
import pytest

Simulated = Callable[..., Any]
IMOD_STAMP = 1146047817


def bytes_of(volume: Any, centre: int = 128) -> Any:
    """A tomogram in bytes without a sign, as programs scale it."""
    return np.clip(centre + 30 * (volume - volume.mean()) / volume.std(), 0, 255).astype(np.uint8)


def patched(path: Path, *fields: tuple[int, str, Any]) -> Path:
    """Change fields of a header: byte, format, value."""
    raw = bytearray(path.read_bytes())
    for place, kind, value in fields:
        struct.pack_into(kind, raw, place, *(value if isinstance(value, tuple) else (value,)))
    path.write_bytes(raw)
    return path


def prepared(path: str, **options: Any) -> tuple[dict[str, str], str]:
    """Row of a tomogram and what was said about it."""
    outcome = isonet.done("prepare", path, output="t.star", overwrite=True, **options)
    return isonet.table(Path("t.star"))[0], outcome.err


def refused(path: str, *mentions: str) -> None:
    isonet.assert_refused(isonet.call("prepare", path, output="none.star"), path, *mentions)
    assert not Path("none.star").exists()


def packings() -> list[tuple[str, Callable[[bytes], bytes]]]:
    return [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)]


@pytest.mark.parametrize(("suffix", "pack"), packings())
def test_files_longer_than_their_header_says(
    here: Path, simulated: Simulated, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    """A mode too narrow, NZ too small, and an extended header of so many bytes that it could be sections."""
    volume = simulated(1)

    def left(name: str, **said: Any) -> str:
        path = foreign.mrc(here / name, volume, **said)
        (here / f"{name}{suffix}").write_bytes(pack(path.read_bytes()))
        return f"{name}{suffix}"

    size = 1024 + volume.nbytes
    refused(left("mode.mrc", mode=1), f"{size} bytes", "mode 1 (int16)", "mode 2 (float32)", "NSYMBT")
    refused(left("less.mrc", size=(64, 64, 24)), f"{size} bytes", "24 sections more than NZ 24")
    late = left("late.mrc", extended=bytes(131072), extended_size=0)
    refused(late, f"{size + 131072} bytes", "131072 more", "8 sections", "NSYMBT (0)")


@pytest.mark.parametrize("dtype", ["f4", "f2", "i2", "i1"])
def test_an_extended_header_that_was_not_counted_is_left_out(here: Path, simulated: Simulated, dtype: str) -> None:
    """Its size is no whole number of sections, it is not like the data, and the data end with the file."""
    volume = simulated(1)
    scaled = np.round(30 * volume / volume.std()).clip(-127, 127).astype(dtype)
    random = np.random.default_rng(0)
    for number, extended in enumerate((bytes(5000), b"FEI2 tilt -60.0 " * 400, random.bytes(3072))):
        name = f"{dtype}{number}.mrc"
        foreign.mrc(here / name, scaled, extended=extended, extended_size=0)
        outcome = isonet.call("resize", name, pixel_size=10)
        if outcome.code:  # text and random bytes may be like bytes of data
            isonet.assert_refused(outcome, name, f"{len(extended)} more")
            assert number == 2 or dtype == "i1"
            continue
        assert f"{len(extended)} more than its header says" in outcome.err
        made = isonet.read(here / f"resized/{dtype}{number}_resized.mrc")
        assert isonet.correlation(made, scaled.astype(float)) > 0.9999


def test_what_follows_the_voxels_is_left_out_with_a_line(here: Path, simulated: Simulated) -> None:
    volume = simulated(1)
    for number, trailing in enumerate((b"\n", bytes(1000), b"processed by me " * 100)):
        path = foreign.mrc(here / f"x{number}.mrc", volume)
        path.write_bytes(path.read_bytes() + trailing)
        outcome = isonet.done("resize", path.name, pixel_size=10)
        assert f"{len(trailing)} more than its header says" in outcome.err
        assert isonet.correlation(isonet.read(here / f"resized/x{number}_resized.mrc"), volume) > 0.9999


@pytest.mark.parametrize(("suffix", "pack"), packings())
def test_files_shorter_than_their_header_says(
    here: Path, simulated: Simulated, suffix: str, pack: Callable[[bytes], bytes]
) -> None:
    volume = simulated(1)
    path = foreign.mrc(here / f"a.mrc{suffix}", volume, extended_size=2048)
    path.write_bytes(pack(path.read_bytes()))
    refused(path.name, *(["2048 bytes of extended header (NSYMBT)", "not there"] if not suffix else ["truncated"]))
    halves = foreign.mrc(here / "b.mrc", volume.astype(np.float16), mode=2)
    refused(halves.name, "truncated", "mode 1 (int16) or 6 (uint16) or 12 (float16)")


def test_unsigned_bytes(here: Path, simulated: Simulated) -> None:
    """By their extremes, by IMOD's stamp, and by what alone gives one range; the mean is off where that is wrong."""
    grey = bytes_of(simulated(1))
    foreign.mrc(here / "extremes.mrc", grey)
    unset = ((76, "<3f", (0, -1, -2)),)
    patched(foreign.mrc(here / "unset.mrc", grey), *unset)
    patched(foreign.mrc(here / "zero.mrc", grey), (76, "<3f", (0, 0, 0)))
    patched(foreign.mrc(here / "stale.mrc", grey), (76, "<3f", (-3.2, 4.1, 0)))
    patched(foreign.mrc(here / "imod.mrc", grey), *unset, (152, "<2i", (IMOD_STAMP, 0)))
    for name in ("extremes", "unset", "zero", "stale", "imod"):
        row, said = prepared(f"{name}.mrc")
        assert row["rlnTomoContrast"] == "dark", name
        assert ("uint8" in said) == (name != "imod"), said
        assert "as told" in said, name
        isonet.done("resize", f"{name}.mrc", pixel_size=10)
        assert isonet.correlation(isonet.read(here / f"resized/{name}_resized.mrc"), grey) > 0.9999


def test_bytes_that_would_all_be_negative_are_named(here: Path, simulated: Simulated) -> None:
    """From 128 on, with no word of a sign: either reading gives them one range."""
    grey = np.clip(bytes_of(simulated(1), centre=190), 128, 255).astype(np.uint8)
    patched(foreign.mrc(here / "unset.mrc", grey), (76, "<3f", (0, -1, -2)))
    patched(foreign.mrc(here / "imod.mrc", grey), (76, "<3f", (0, -1, -2)), (152, "<2i", (IMOD_STAMP, 1)))
    foreign.mrc(here / "extremes.mrc", grey)
    assert "warning: unset.mrc: read as int8" in (said := prepared("unset.mrc")[1]), said
    assert "256 too low" in said
    assert "256 too low" not in prepared("imod.mrc")[1]
    assert "256 too low" not in prepared("extremes.mrc")[1]


def test_signed_bytes_stay_signed(here: Path, simulated: Simulated) -> None:
    grey = (bytes_of(simulated(1)).astype(np.int16) - 128).astype(np.int8)
    foreign.mrc(here / "extremes.mrc", grey)
    patched(foreign.mrc(here / "unset.mrc", grey), (76, "<3f", (0, -1, -2)))
    patched(foreign.mrc(here / "stale.mrc", grey), (76, "<3f", (-3.2, 4.1, 0)))
    patched(foreign.mrc(here / "imod.mrc", grey), (152, "<2i", (IMOD_STAMP, 1)))
    patched(foreign.mrc(here / "copied.mrc", grey), (152, "<2i", (IMOD_STAMP, 0)))
    for name in ("extremes", "unset", "stale", "imod", "copied"):
        row, said = prepared(f"{name}.mrc")
        assert row["rlnTomoContrast"] == "dark", name
        assert ("IMOD's flags say uint8" in said) == (name == "copied")
        assert "uint8" not in said or name == "copied"
        assert "as told" in said


def test_bytes_whose_header_is_of_other_data_are_refused(here: Path, simulated: Simulated) -> None:
    """Extremes of one kind of bytes above voxels of the other."""
    grey = bytes_of(simulated(1))
    patched(foreign.mrc(here / "u.mrc", grey), (76, "<3f", (-128, 127, 0)))
    refused("u.mrc", "-128 to 127", "int8", "uint8", "newstack -mode 2")
    patched(foreign.mrc(here / "s.mrc", (grey.astype(np.int16) - 128).astype(np.int8)), (76, "<3f", (0, 255, 128)))
    refused("s.mrc", "0 to 255", "uint8", "int8", "newstack -mode 2")


@pytest.mark.parametrize(
    ("stored", "mode"),
    [("<u2", 1), ("<i2", 6), ("<f2", 1), ("<i2", 12), (">i2", 1), (">f4", 2), (">f2", 12)],
    ids=lambda value: str(value).replace(">", "swapped "),
)
def test_numbers_of_another_kind_than_the_mode_says(here: Path, simulated: Simulated, stored: str, mode: int) -> None:
    """Read as what the extremes in the header belong to, with a line."""
    volume = simulated(1)
    scaled = (1000 * (volume - volume.mean()) / volume.std() + (40000 if stored == "<u2" else 0)).astype(stored)
    native = scaled.astype(scaled.dtype.newbyteorder("="))
    path = foreign.mrc(here / "x.mrc", native, mode=mode)
    path.write_bytes(path.read_bytes()[:1024] + scaled.tobytes())
    outcome = isonet.done("resize", "x.mrc", pixel_size=10)
    assert f"mode {mode} would be" in outcome.err
    assert isonet.correlation(isonet.read(here / "resized/x_resized.mrc"), native.astype(float)) > 0.999


@pytest.mark.parametrize("stamp", [b"\0\0\0\0", b"DA\0\0", b"\x11\x11\0\0", b"\x44\x44\0\0", b"\xff\xff\xff\xff"])
@pytest.mark.parametrize("dtype", ["i1", "i2", "f4"])
def test_headers_in_either_order_of_bytes_whatever_the_stamp(
    here: Path, simulated: Simulated, stamp: bytes, dtype: str
) -> None:
    volume = simulated(1)
    scaled = np.round(30 * volume / volume.std()).clip(-127, 127).astype(dtype)
    raw = foreign.mrc(here / "x.mrc", scaled).read_bytes()
    words = np.frombuffer(raw[:208], "<u4").astype(">u4").tobytes()  # all fields before the mark have four bytes
    for swapped, name in ((False, "little"), (True, "big")):
        head, data = (words, scaled.astype(f">{dtype}").tobytes()) if swapped else (raw[:208], scaled.tobytes())
        (here / f"{name}.mrc").write_bytes(head + raw[208:212] + stamp + raw[216:1024] + data)
        isonet.done("resize", f"{name}.mrc", pixel_size=10)
        assert isonet.correlation(isonet.read(here / f"resized/{name}_resized.mrc"), scaled.astype(float)) > 0.999


def test_a_stack_of_one_volume_is_that_volume(here: Path, simulated: Simulated) -> None:
    volume = simulated(1)
    foreign.mrc(here / "one.mrc", volume, space_group=401)
    row, said = prepared("one.mrc")
    assert "48 x 64 x 64 voxels" in said and row["rlnPixelSize"] == "10"
    foreign.mrc(here / "two.mrc", volume, space_group=401, intervals=(64, 64, 24))
    refused("two.mrc", "ISPG 401", "48 sections (NZ)", "24 (MZ)")
    foreign.mrc(here / "flat.mrc", volume, space_group=401, intervals=(64, 64, 1))
    refused("flat.mrc", "ISPG 401", "48 sections (NZ)", "1 (MZ)")


@pytest.mark.parametrize(
    ("mode", "kind"), [(101, "4 bits"), (16, "colours"), (3, "complex"), (4, "complex"), (7, "int32")]
)
def test_modes_that_are_not_read_are_named(here: Path, mode: int, kind: str) -> None:
    foreign.mrc(here / "x.mrc", np.zeros((48, 64, 64), np.uint8), mode=mode)
    refused("x.mrc", f"mode {mode}", kind, "newstack -mode 2")


def test_two_voxels_in_a_byte_are_named(here: Path, simulated: Simulated) -> None:
    """As IMOD's flags say of frames that SerialEM packed."""
    patched(foreign.mrc(here / "x.mrc", bytes_of(simulated(1))), (152, "<2i", (IMOD_STAMP, 16)))
    refused("x.mrc", "two voxels in a byte", "newstack -mode 2")


@pytest.mark.parametrize("edges", [(0, 64, 48), (64, -64, 48), (64, 64, 0), (1 << 21, 64, 48)])
def test_sizes_that_cannot_be_are_named(here: Path, simulated: Simulated, edges: tuple[int, int, int]) -> None:
    patched(foreign.mrc(here / "x.mrc", simulated(1)), (0, "<3i", edges))
    refused("x.mrc", " x ".join(map(str, edges)), "NX, NY, NZ")


def test_unknown_modes_and_axes_are_named(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "x.mrc", simulated(1), mode=9)
    refused("x.mrc", "mode 9")
    patched(foreign.mrc(here / "y.mrc", simulated(1)), (64, "<3i", (3, 2, 1)))
    refused("y.mrc", "(3, 2, 1) (MAPC, MAPR, MAPS)")


def test_a_volume_whose_header_says_one_section_is_named(here: Path, simulated: Simulated) -> None:
    foreign.mrc(here / "t/TS_1.mrc", simulated(1), size=(64, 64, 1))
    foreign.mrc(here / "t/TS_2.mrc", simulated(2))
    isonet.assert_refused(isonet.call("prepare", "t"), "t/TS_1.mrc", "more than NZ 1")
