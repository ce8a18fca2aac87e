"""Measures of a corrected tomogram against the truth, beyond Fourier shell correlation.

All take density as bright, `[z, y, x]`, on one grid.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from scipy import ndimage
from torch import Tensor

from isonet.core import fourier

Volume = npt.NDArray[np.float32]
Points = npt.NDArray[np.float64]
BAND = (0.04, 0.25)  # cycles per voxel
_WALL = 0.5  # of a membrane's density is where it begins
_SMALLEST_LUMEN = 200  # voxels
_AROUND = 11  # voxels about a lumen in which its membrane lies
_BESIDE = 2  # voxels from the truth that still count as there
_SHEET = 10  # times as large as the smallest piece is a sheet that counts


def picking_recall(density: Volume, centres: Points, radii: Sequence[float]) -> float:
    """Share of particles found by the Laplacian of Gaussian among as many picks as there are particles.

    The response to balls of every one of the radii (voxels, `sigma = radius / sqrt(3)`, scale-normalised) is
    searched for its highest local maxima; a pick counts for the particle within half of whose radius it lies.

    Parameters
    ----------
    density : array
        Where to pick.
    centres : array
        `[particles, 3]`: z, y, x in voxels.
    radii : sequence of float
        Radius of each particle in voxels.
    """
    volume = density.astype(np.float32) - density.mean()
    response = np.full(volume.shape, -np.inf, np.float32)
    for sigma in {round(radius / math.sqrt(3), 1) for radius in radii}:
        response = np.maximum(response, -(sigma**2) * ndimage.gaussian_laplace(volume, sigma))
    reach = max(1, int(min(radii)))
    peaks = np.argwhere(response == ndimage.maximum_filter(response, 2 * reach + 1))
    strongest = np.argsort(-response[tuple(peaks.T)])[: len(centres)]
    distance = np.linalg.norm(peaks[strongest][None] - centres[:, None], axis=-1)
    return float((distance.min(axis=1) <= np.asarray(radii) / 2).mean())


def closed_vesicles(density: Volume, truth: Volume, wall: float) -> float:
    """Share of the truth's vesicles that are closed in a volume, at one threshold each; NaN where it has none.

    A vesicle is a space that `truth < wall / 2` leaves unconnected with the volume's border. Within 11 voxels about it
    the threshold is set that encloses as many voxels as the true membrane (and its neighbours) has there; it is closed
    if most of the inside is below the threshold and no path below it leads from there to the rim.

    Parameters
    ----------
    density, truth : array
        What to judge, and the truth.
    wall : float
        Density of the true membrane.
    """
    parts, _ = ndimage.label(truth < _WALL * wall)
    border = np.unique(np.concatenate([parts[cut].ravel() for cut in _faces()]))
    sizes = np.bincount(parts.ravel())
    lumens = [number for number in range(1, len(sizes)) if sizes[number] >= _SMALLEST_LUMEN and number not in border]
    closed = [_is_closed(density, truth >= _WALL * wall, parts == number) for number in lumens]
    return float(np.mean(closed)) if closed else math.nan


def _faces() -> list[tuple[slice | int, ...]]:
    """Index the six faces of a volume."""
    return [(*[slice(None)] * axis, end) for axis in range(3) for end in (0, -1)]


def _is_closed(density: Volume, wall: npt.NDArray[np.bool_], lumen: npt.NDArray[np.bool_]) -> bool:
    """Tell whether a wall of as many voxels as the true one separates a lumen from the rim of its surroundings."""
    found = ndimage.find_objects(lumen.astype(np.int8))[0]
    near = tuple(slice(max(0, part.start - _AROUND), part.stop + _AROUND) for part in found)
    density, wall, lumen = density[near], wall[near], lumen[near]
    distance = ndimage.distance_transform_edt(~lumen)
    around, rim = distance <= _AROUND, (distance > _AROUND - 1) & (distance <= _AROUND)
    inside = ndimage.binary_erosion(lumen, iterations=2)
    inside = inside if inside.any() else lumen
    count = int((wall & around).sum())
    below = density < np.partition(density[around], -count)[-count]
    parts, _ = ndimage.label(below & around)
    leaks = set(np.unique(parts[inside])) & set(np.unique(parts[rim])) - {0}
    return bool(below[inside].mean() > 0.5) and not leaks


def slice_contrast(density: Volume, truth: Volume) -> tuple[float, float]:
    """Contrast of XZ and of YZ slices relative to that of XY slices, each over the truth's own ratio.

    Contrast is the standard deviation of the slices, tapered, at 0.04 to 0.25 cycles per voxel within their plane.
    1 is as in the truth; blurring along the beam is below 1, streaks are too.
    """
    found, true = (_in_plane_deviation(volume) for volume in (density, truth))
    xz, yz = ((found[plane] / found[0]) / (true[plane] / true[0]) for plane in (1, 2))
    return xz, yz


def _in_plane_deviation(volume: Volume) -> tuple[float, float, float]:
    """Standard deviation of the XY, XZ and YZ slices within the band."""
    block = torch.from_numpy(volume)
    shape = fourier.spatial_shape(block)
    power = fourier.transform((block - block.mean()) * fourier.taper(shape, max(shape))).abs().square()
    power = power * fourier.multiplicity(shape)
    kz, ky, kx = fourier.frequencies(shape)

    def within(*plane: Tensor) -> float:
        radius = torch.hypot(*plane)
        return math.sqrt(float((power * ((radius >= BAND[0]) & (radius <= BAND[1]))).sum()))

    return within(ky, kx), within(kz, kx), within(kz, ky)


def orientation_correlation(
    density: Volume, truth: Volume, centres: Points, radii: Sequence[float], angles: Sequence[float]
) -> tuple[float, float, float]:
    """Correlation of particles with the truth by the angle of their long axis to the beam: 0-30, 30-60, 60-90 degrees.

    Both volumes are limited to 0.04 to 0.25 cycles per voxel; each particle counts within 1.2 times its radius.

    Parameters
    ----------
    density, truth : array
        What to judge, and the truth.
    centres : array
        `[particles, 3]`: z, y, x in voxels.
    radii, angles : sequence of float
        Of each particle, in voxels and degrees.

    Returns
    -------
    tuple of float
        Means; NaN where no particle lies so.
    """
    found, true = band_passed(density), band_passed(truth)
    values = []
    for centre, radius in zip(centres, radii, strict=True):
        reach = 1.2 * radius
        box = tuple(slice(max(0, int(c - reach)), int(c + reach) + 2) for c in centre)
        z, y, x = (np.arange(*part.indices(edge)) - c for part, edge, c in zip(box, density.shape, centre, strict=True))
        ball = (z**2)[:, None, None] + (y**2)[:, None] + x**2 <= reach**2
        values.append(np.corrcoef(found[box][ball], true[box][ball])[0, 1])
    third = np.minimum(np.asarray(angles) // 30, 2)
    bins = (np.asarray(values)[third == number] for number in range(3))
    along, between, across = (float(part.mean()) if part.size else math.nan for part in bins)
    return along, between, across


def band_passed(volume: Volume) -> Volume:
    """Volume reduced to 0.04 to 0.25 cycles per voxel."""
    block = torch.from_numpy(volume)
    radius = fourier.radial_frequency(fourier.spatial_shape(block))
    return fourier.apply(block, (radius >= BAND[0]) & (radius <= BAND[1])).numpy()


def sheet_correlation(density: Volume, truth: Volume) -> float:
    """Correlation of the mean profile along z over the middle half of y and x: a flat sheet is seen in nothing else."""
    _, height, width = truth.shape
    middle = (slice(None), slice(height // 4, -(height // 4)), slice(width // 4, -(width // 4)))
    return float(np.corrcoef(density[middle].mean((1, 2)), truth[middle].mean((1, 2)))[0, 1])


def threshold_like(density: Volume, truth: Volume, level: float) -> float:
    """Threshold above which a volume has as many voxels as the truth has above `level`."""
    count = max(1, int((truth > level).sum()))
    return float(np.partition(density.ravel(), -count)[-count])


def components_above(density: Volume, threshold: float, smallest: int = 20) -> int:
    """Count connected pieces of at least `smallest` voxels above a threshold."""
    parts, _ = ndimage.label(density > threshold)
    return int((np.bincount(parts.ravel())[1:] >= smallest).sum())


def inventions(density: Volume, truth: Volume, level: float, smallest: int = 20) -> tuple[float, int, int]:
    """Find what a volume shows that is not there.

    Shown is what lies above the threshold of :func:`threshold_like`, invented what of it is farther than 2 voxels from
    everything that is true.

    Parameters
    ----------
    density, truth : array
        What to judge, and the truth.
    level : float
        Density above which the truth is solid.
    smallest : int
        Voxels of the smallest piece that counts.

    Returns
    -------
    share : float
        Invented voxels among all that are shown.
    pieces : int
        Connected pieces of which more than half is invented.
    sheets : int
        Those of them that are twice as long as thick, or longer, in two directions, and ten times as large as the
        smallest one.
    """
    shown = density > threshold_like(density, truth, level)
    far = ndimage.distance_transform_edt(truth <= level) > _BESIDE
    parts, _ = ndimage.label(shown)
    sizes, elsewhere = np.bincount(parts.ravel()), np.bincount(parts.ravel(), far.ravel())
    invented = [n for n in range(1, len(sizes)) if sizes[n] >= smallest and elsewhere[n] > sizes[n] / 2]
    sheets = [n for n in invented if sizes[n] >= _SHEET * smallest and _is_sheet(parts == n)]
    return float(far[shown].mean()) if shown.any() else 0.0, len(invented), len(sheets)


def _is_sheet(piece: npt.NDArray[np.bool_]) -> bool:
    """Tell whether a piece is at least twice as long as thick in two directions, by its moments of inertia."""
    thin, middle, _ = np.linalg.eigvalsh(np.cov(np.argwhere(piece).T))
    return bool(middle >= 4 * thin)
