"""Data continued over padding: as beyond the faces of a volume, from data alone."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isonet.core.masks.continuation import REACH, continued, mirrored, together
from isonet.core.sampling import reflected_indices

laws = settings(max_examples=100, deadline=None)
rows = st.lists(st.booleans(), min_size=1, max_size=40).map(lambda row: np.array(row, bool))


@laws
@given(padded=rows)
def test_values_come_from_data_and_data_stay(padded: Any) -> None:
    sources, odd = mirrored(padded)
    if padded.all():
        assert sources.tolist() == list(range(len(padded)))
        return
    assert not padded[sources].any()
    assert (sources[~padded] == np.flatnonzero(~padded)).all()
    assert not odd[~padded].any()


@laws
@given(low=st.integers(0, 20), length=st.integers(1, 20), high=st.integers(0, 20))
def test_at_rims_it_is_the_reflection_beyond_faces(low: int, length: int, high: int) -> None:
    """Up to half of a wide rim; there the other side is as near."""
    padded = np.ones(low + length + high, bool)
    padded[low : low + length] = False
    expected = low + reflected_indices(-low, low + length + high, length)
    assert mirrored(padded)[0].tolist() == expected.tolist()


@laws
@given(padded=st.lists(st.lists(st.booleans(), min_size=9, max_size=9), min_size=1, max_size=6))
def test_rows_are_continued_one_by_one(padded: Any) -> None:
    mask = np.array(padded, bool)
    values = np.arange(mask.size, dtype=np.float32).reshape(mask.shape)
    found = continued(values, mask)
    for row, sources, one in zip(values, (mirrored(one)[0] for one in mask), found, strict=True):
        assert one.tolist() == row[sources].tolist()


def test_what_lies_together_is_kept() -> None:
    same = np.random.default_rng(0).random((40, 40)) < 0.1
    block = np.zeros_like(same)
    block[:, :1] = block[10:22, 20:33] = True
    kept = together(same | block)
    assert (kept & block).sum() == block.sum()
    assert (kept & ~block).sum() <= 2 * 4 * REACH
    assert not together(same).any()
