"""Where a tomogram holds density: local maximum and local standard deviation of the low-passed, 2x binned map.

All functions work on slabs of whole sections, so that tomograms of any size can be streamed: a slab that brings enough
neighbouring sections with it gives to the bit what the whole volume gives. No sum runs along an axis further than its
window (a running sum would depend on where it began).
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float32
from scipy.ndimage import correlate1d, gaussian_filter1d, maximum_filter1d, minimum_filter1d

Sections = Float32[np.ndarray, "z y x"]
_BLUR = 0.35  # standard deviation of the low-pass in patches: 0.5, as IsoNet has it, covers less of fine density
_BLUR_REACH = 4.0  # standard deviations
SKIP_ABOVE = 99.8


def halved(edge: int) -> int:
    """Voxels left of an axis after binning by 2; the last of an odd number is kept."""
    return (edge + 1) // 2


def halving_indices(first: int, last: int, edge: int) -> npt.NDArray[np.int64]:
    """Voxels `2 first - 1 ... 2 last` of an axis that :func:`halve` needs for binned voxels `first ... last - 1`.

    The outermost voxels are repeated beyond the ends.
    """
    return np.clip(np.arange(2 * first - 1, 2 * last + 1), 0, edge - 1)


def halve(sections: Sections) -> Float32[np.ndarray, "z2 y2 x2"]:
    """Bin by 2 without aliasing: weights 1 3 3 1 over the four voxels around each new one.

    Parameters
    ----------
    sections : array
        `[z, y, x]`; along z with the sections that :func:`halving_indices` names.

    Returns
    -------
    array
        Half the sections (less the two at the ends), half the rows and columns, odd ones rounded up.
    """
    for axis in (0, 2, 1):
        if axis:
            edge = sections.shape[axis]
            sections = sections.take(halving_indices(0, halved(edge), edge), axis=axis)
        parts = [sections[(slice(None),) * axis + (slice(start, None, 2),)] for start in range(4)]
        count = sections.shape[axis] // 2 - 1
        outer, inner = (
            part[(slice(None),) * axis + (slice(count),)] + other[(slice(None),) * axis + (slice(count),)]
            for part, other in ((parts[0], parts[3]), (parts[1], parts[2]))
        )
        sections = (outer + np.float32(3) * inner) * np.float32(0.125)
    return sections


def blur_reach(patch: int) -> int:
    """Binned voxels that the low-pass looks to either side."""
    return int(_BLUR_REACH * (_BLUR * patch) + 0.5)


def blur(sections: Sections, patch: int, axes: Sequence[int]) -> Sections:
    """Gaussian low-pass of standard deviation `0.35 patch` along some axes, mirrored at the ends."""
    for axis in axes:
        sections = gaussian_filter1d(sections, _BLUR * patch, axis=axis, truncate=_BLUR_REACH)
    return sections


def local_maximum(sections: Sections, patch: int) -> Sections:
    """Largest value in the cube of edge `2 patch + 1` around each voxel."""
    for axis in range(3):
        sections = maximum_filter1d(sections, 2 * patch + 1, axis=axis, mode="nearest")
    return sections


def local_deviation(sections: Sections, patch: int, first: int, depth: int) -> Sections:
    """Standard deviation in the cube of edge `2 patch + 1` around each voxel, as far as it lies in the volume.

    Parameters
    ----------
    sections : array
        Binned map; mean about 0.
    patch : int
        Half the edge of the cube.
    first, depth : int
        Position of the first section in the volume, and the volume's number of sections.
    """
    _, height, width = sections.shape
    positions = (np.arange(first, first + len(sections)), np.arange(height), np.arange(width))
    edges = (depth, height, width)
    mean, square = sections, np.square(sections)
    for axis, (position, edge) in enumerate(zip(positions, edges, strict=True)):
        count = np.minimum(position + patch, edge - 1) - np.maximum(position - patch, 0) + 1
        weight = (1 / count).astype(np.float32).reshape([-1 if each == axis else 1 for each in range(3)])
        mean, square = (_box_sum(each, patch, axis) * weight for each in (mean, square))
    return np.sqrt(np.maximum(square - np.square(mean), 0))


def _box_sum(sections: Sections, patch: int, axis: int) -> Sections:
    return correlate1d(sections, np.ones(2 * patch + 1), axis=axis, mode="constant")


def closed(mask: Bool[np.ndarray, "z y x"], patch: int) -> Bool[np.ndarray, "z y x"]:
    """Fill the gaps that no cube of edge `2 patch + 1` fits into; sections within `2 patch` of a cut may be wrong."""
    result = mask.view(np.uint8)
    for axis in range(3):
        result = maximum_filter1d(result, 2 * patch + 1, axis=axis, mode="nearest")
    for axis in range(3):
        result = minimum_filter1d(result, 2 * patch + 1, axis=axis, mode="nearest")
    return result.view(np.bool_)


def nearest_indices(mask: Sequence[int], volume: Sequence[int]) -> tuple[npt.NDArray[np.int64], ...]:
    """Which voxel of a mask belongs to each voxel of a volume, along z, y, x.

    Parameters
    ----------
    mask, volume : sequence of int
        Their edges. One is the other binned by a whole number, the same along all axes; binning may have dropped or
        rounded up what was left over.

    Raises
    ------
    ValueError
        If the shapes do not belong together.
    """
    for factor in range(1, 17):
        if _is_binned(mask, volume, factor):
            return tuple(
                np.minimum(np.arange(edge) // factor, small - 1) for small, edge in zip(mask, volume, strict=True)
            )
        if _is_binned(volume, mask, factor):
            return tuple(
                np.minimum(np.arange(edge) * factor + factor // 2, large - 1)
                for large, edge in zip(mask, volume, strict=True)
            )
    raise ValueError(
        f"its shape {tuple(mask)} is neither that of the tomogram, {tuple(volume)}, nor a whole number of times smaller"
    )


def _is_binned(small: Sequence[int], large: Sequence[int], factor: int) -> bool:
    return all(a in (b // factor, -(-b // factor)) for a, b in zip(small, large, strict=True))
