"""The slab: its faces and tilt are found in noise, and none is found where there is none."""

from typing import Any

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from isonet.core.masks.slab import Slab, block_edge, block_variance, fit_slab

SHAPE = (64, 96, 128)


def specimen(slab: Slab | None, signal: float, seed: int = 0) -> Any:
    """Noise everywhere, and blobs of `signal` times its strength in the slab."""
    random = np.random.default_rng(seed)
    blobs = gaussian_filter(random.standard_normal(SHAPE), 1.5)
    background = gaussian_filter(random.standard_normal(SHAPE), 0.7)
    axes = [np.arange(edge, dtype=np.float64) for edge in SHAPE]
    where = 1 if slab is None else slab.between(*axes)
    return signal * blobs / blobs.std() * where + background / background.std()


def found(volume: Any, wanted: Any = None) -> Slab | None:
    edge = block_edge(*volume.shape[1:])
    return fit_slab(block_variance(gaussian_filter(volume, (0, 1, 1)), edge), edge, wanted)


def largest_error(one: Slab, two: Slab) -> float:
    """Largest distance along z of the faces of two slabs at the corners of the volume."""
    corners = [(1, x, y) for x in (0, SHAPE[2]) for y in (0, SHAPE[1])]
    faces = zip((one.bottom, one.top), (two.bottom, two.top), strict=True)
    return max(abs(np.dot(a, corner) - np.dot(b, corner)) for a, b in faces for corner in corners)


@pytest.mark.parametrize(
    "slab",
    [
        Slab((20.0, 0.0, 0.0), (44.0, 0.0, 0.0)),
        Slab((12.0, 0.1, 0.05), (32.0, 0.1, 0.05)),
        Slab((30.0, -0.15, 0.0), (52.0, -0.12, -0.02)),
    ],
    ids=["level", "tilted", "wedge-shaped"],
)
@pytest.mark.parametrize("signal", [1.0, 0.5])
def test_faces_and_tilt_are_found_in_noise(slab: Slab, signal: float) -> None:
    result = found(specimen(slab, signal))
    assert result is not None
    assert largest_error(result, slab) < 2
    assert result.tilt == pytest.approx(slab.tilt, abs=0.7)


def test_slab_that_touches_one_end() -> None:
    slab = Slab((-5.0, 0.0, 0.0), (30.0, 0.05, 0.0))
    result = found(specimen(slab, 1.0))
    assert result is not None
    assert result.bottom[0] < 1
    assert abs(np.dot(result.top, (1, 64, 48)) - 33.2) < 1.5


@pytest.mark.parametrize("signal", [0.0, 1.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_no_slab_where_nothing_stands_out(signal: float, seed: int) -> None:
    """Noise alone, and blobs from the first section to the last."""
    assert found(specimen(None, signal, seed)) is None


def test_a_few_columns_with_something_strong_do_not_matter() -> None:
    slab = Slab((16.0, 0.06, 0.0), (40.0, 0.06, 0.0))
    volume = specimen(slab, 1.0)
    volume[:4, :24, :24] += 20 * np.random.default_rng(5).standard_normal((4, 24, 24))
    result = found(volume)
    assert result is not None
    assert largest_error(result, slab) < 3


def test_columns_that_are_not_wanted_are_not_looked_at() -> None:
    slab = Slab((16.0, 0.06, 0.0), (40.0, 0.06, 0.0))
    volume = specimen(slab, 1.0)
    volume[:, :, 64:] = specimen(Slab((50.0, 0, 0), (60.0, 0, 0)), 8.0, seed=9)[:, :, 64:]
    wanted = np.zeros((8, 10), np.bool_)
    wanted[:, :5] = True
    result = found(volume, wanted)
    assert result is not None
    assert abs(np.dot(result.bottom, (1, 30, 48)) - 17.8) < 2
    assert abs(np.dot(result.top, (1, 30, 48)) - 41.8) < 2


def test_empty_volume_has_no_slab() -> None:
    assert found(np.zeros(SHAPE)) is None


def test_scaled_slab_holds_the_same_space() -> None:
    slab = Slab((5.03, 0.2, -0.1), (15.03, 0.1, 0.1))
    binned = [np.arange(edge, dtype=np.float64) for edge in (24, 20, 20)]
    fine = [2 * axis + 0.5 for axis in binned]
    assert np.array_equal(slab.between(*binned), slab.scaled(2).between(*fine))
