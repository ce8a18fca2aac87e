"""Which numbers bytes are: as they were written, but for a constant, or refused; whatever a header says that can be."""

from typing import Any

import numpy as np
from hypothesis import assume, example, given
from hypothesis import strategies as st
from mrcfile.dtypes import HEADER_DTYPE

from isonet.io.mrc_bytes import numbers as mrc_numbers

UNSET = [(0.0, 0.0), (0.0, -1.0), (-1.0, -2.0), (np.nan, np.nan), (np.inf, -np.inf), (5.0, 5.0)]
STALE = [(-3.2, 4.1), (-128.0, 255.0), (-500.0, 900.0), (0.0, 255.0), (-128.0, 127.0), (12.5, 180.0)]
WIDTHS = {1: ("i1", "u1", 0), 2: ("i2", "u2", 1)}


def header(mode: int, found: tuple[float, float], flags: int | None, mean: float = 0.0) -> Any:
    record = np.zeros((), HEADER_DTYPE).view(np.recarray)
    record.mode, record.dmin, record.dmax, record.dmean = mode, *found, mean
    if flags is not None:
        extra = bytearray(record.extra2.tobytes())
        extra[40:48] = np.array([1146047817, flags], "<i4").tobytes()
        record.extra2 = np.frombuffer(bytes(extra), record.extra2.dtype)[0]
    return record


FEW_ABOVE = {"width": 1, "signed": False, "centre": 0.305, "spread": 0.094, "beads": None, "stamp": None, "seed": 0}


@example(said="stale", which=4, **FEW_ABOVE)
@example(said="unset", which=0, **FEW_ABOVE)
@given(
    width=st.sampled_from([1, 2]),
    signed=st.booleans(),
    centre=st.floats(0.3, 0.7),
    spread=st.floats(0.02, 0.2),
    beads=st.sampled_from([None, 0.02, 0.98]),
    said=st.sampled_from(["true", "unset", "stale"]),
    which=st.integers(0, 5),
    stamp=st.sampled_from([None, True, False]),
    seed=st.integers(0, 99),
)
def test_integers_are_read_as_they_were_written_or_refused(
    *,
    width: int,
    signed: bool,
    centre: float,
    spread: float,
    beads: float | None,
    said: str,
    which: int,
    stamp: bool | None,
    seed: int,
) -> None:
    """Or said to be ambiguous. IMOD's flag may be wrong where extremes are right, and extremes may be of other data."""
    names, levels = WIDTHS[width], 256**width
    values = levels * (centre + spread * np.random.default_rng(seed).standard_normal((8, 16, 16)))
    if beads is not None:
        values[2:4, 3:6, 3:6] = values[5:7, 9:12, 9:12] = levels * beads
    written = (values.clip(0, levels - 1) - levels // 2 * signed).astype(names[not signed])
    found = (float(written.min()), float(written.max()))
    found = {"true": found, "unset": UNSET[which], "stale": STALE[which]}[said]
    flags = None if stamp is None or width > 1 else int(signed == stamp)
    assume(said == "true" or stamp is not False)
    try:
        dtype, remark = mrc_numbers.type_of(header(names[2], found, flags), written.view(names[0]))
    except ValueError:
        assert said == "stale"
        return
    read, truth = written.view(dtype).astype(np.int64), written.astype(np.int64)
    assert np.ptp(read - truth) == 0 or "ambiguous" in str(remark)


@given(
    signed=st.booleans(),
    centre=st.floats(0.45, 0.55),
    spread=st.floats(0.05, 0.12),
    said=st.booleans(),
    stamped=st.booleans(),
    seed=st.integers(0, 99),
)
def test_bytes_of_a_usual_tomogram_are_read_without_doubt(
    signed: bool, centre: float, spread: float, said: bool, stamped: bool, seed: int
) -> None:
    """About the middle of their range, whether the header has their extremes, IMOD's flags, or neither."""
    values = 256 * (centre + spread * np.random.default_rng(seed).standard_normal((8, 16, 16)))
    written = (values.clip(1, 254) - 128 * signed).astype("i1" if signed else "u1")
    found = (float(written.min()), float(written.max())) if said else (0.0, 0.0)
    record = header(0, found, int(signed) if stamped else None)
    dtype, remark = mrc_numbers.type_of(record, written.view("i1"))
    assert dtype == written.dtype
    assert (remark is None) == (signed or stamped)
    assert "ambiguous" not in str(remark)


@given(outside=st.sampled_from([0, 128, 255]), inside=st.sampled_from([1, 127, 128, 200, 255]), told=st.booleans())
def test_masks_are_read_without_doubt(outside: int, inside: int, told: bool) -> None:
    """Two values tell of no sign; :mod:`isonet.volumes.masks` knows what they mean."""
    written = np.full((8, 16, 16), outside, "u1")
    written[2:6, 4:12, 4:12] = inside
    found = (float(written.min()), float(written.max())) if told else (0.0, -1.0)
    remark = mrc_numbers.type_of(header(0, found, None), written.view("i1"))[1]
    assert "ambiguous" not in str(remark)


CASES = [
    (stored, mode, told)
    for mode, declared in ((1, "<i2"), (2, "<f4"), (6, "<u2"), (12, "<f2"))
    for stored in ("<i2", ">i2", "<u2", ">u2", "<f2", ">f2", "<f4", ">f4")
    for told in (True, False)
    if stored[2] == declared[2] and (told or stored == declared)
]


@given(case=st.sampled_from(CASES), mean=st.floats(-100, 100), std=st.floats(20, 200))
def test_sixteen_and_thirty_two_bits(case: tuple[str, int, bool], mean: float, std: float) -> None:
    """With their extremes and mean they are found under any mode of their size; without, the mode is believed."""
    stored, mode, told = case
    declared = np.dtype({1: "<i2", 2: "<f4", 6: "<u2", 12: "<f2"}[mode])
    offset = 20000 if "u" in stored else 0
    written = (offset + mean + std * np.random.default_rng(0).standard_normal((8, 16, 16))).astype(stored)
    found = (float(written.min()), float(written.max())) if told else (0.0, -1.0)
    sample = np.frombuffer(written.tobytes(), declared).reshape(written.shape)
    dtype, remark = mrc_numbers.type_of(header(mode, found, None, float(written.mean(dtype=np.float64))), sample)
    assert np.array_equal(sample.view(dtype), written)
    assert remark is not None or stored == declared.str or {stored, declared.str} == {"<i2", "<u2"}
