"""Whether two volumes are of one sample: their correlation in bands of frequency, over a few blocks.

What two volumes share by accident (a slab, the shape of a membrane) lies at low frequencies. A half shares its noise
with the whole, at all frequencies; with the other half only the sample, which stands out of the noise at low ones.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from jaxtyping import Float32, Int64
from scipy import fft

from isonet.core.spikes import standardized, without_spikes
from isonet.core.voxels import Axes, Mirrored, Voxels

Block = tuple[slice, slice, slice]
EDGE = 48
NOISY_EDGE = 32
"""Voxels of a block of volumes that share noise: of what is seen in less of the sample, it tells."""
BANDS = (0.03, 0.06, 0.10, 0.15, 0.22, 0.32)
"""Ends of the bands, cycles per voxel."""
_COARSE = 2  # bands in which unlike volumes may look alike
_FEWEST = 300  # coefficients by which likeness is judged
_SHORTEST = 16
_HOT = 8.0  # deviations from which a block may hold hot voxels
_MAY_BE = 0.2  # likeness of one block in the fine bands, from which more are looked at; chance gives 0.05
_LOOKS_MIRRORED, _MIRRORED = 0.5, 0.8  # likeness of mirrored copies, whose voxels are the same: at first, and at last
_SPARSE = 4  # every so many coefficients show one
_WAYS: tuple[Axes, ...] = ((), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2))
_PLACES = (
    *((0.5, 0.5, 0.5), (0.4, 0.25, 0.25), (0.6, 0.25, 0.75), (0.6, 0.75, 0.25), (0.4, 0.75, 0.75)),
    *((0.5, 0.5, 0.0), (0.5, 0.5, 1.0), (0.5, 0.0, 0.5), (0.5, 1.0, 0.5)),
)


def blocks_of(shape: tuple[int, int, int], edge: int = EDGE) -> list[Block]:
    """Choose blocks of an edge, or as long as the volume, in the middle of a volume and round about it."""
    edges = [min(edge, length) for length in shape]
    corners = dict.fromkeys(
        tuple(round(at * (length - part)) for at, length, part in zip(place, shape, edges, strict=True))
        for place in _PLACES
    )
    blocks = []
    for corner in corners:
        z, y, x = (slice(start, start + part) for start, part in zip(corner, edges, strict=True))
        blocks.append((z, y, x))
    return blocks


def compared(first: Voxels, second: Voxels, edge: int = EDGE, factor: int = 1) -> "Likeness":
    """Compare two volumes of one shape block by block, until it is clear that they are alike.

    Parameters
    ----------
    first, second : array or file
        `[z, y, x]`.
    edge : int
        Of the blocks, voxels: :data:`NOISY_EDGE` where their noise tells, else they are taken for samples.
    factor : int
        How many voxels are taken together along each axis.
    """
    z, y, x = first.shape
    likeness = Likeness()
    for block in blocks_of((z, y, x), edge * factor):
        likeness.add(*(binned(np.asarray(volume[block], np.float32), factor) for volume in (first, second)))
        found, enough = (likeness.of_parts, PARTS[-1]) if edge == NOISY_EDGE else (likeness.of_samples, SAMPLES[-1])
        if found is not None and found >= enough:
            break
    return likeness


def are_one_sample(first: Voxels, second: Voxels) -> bool | None:
    """Tell whether two volumes of one shape are of one sample and share noise, as copies do; None if that is not seen.

    The ways in which one may have been processed, such as filters, leave some of its noise.
    """
    likeness = compared(first, second, NOISY_EDGE).of_parts
    return None if likeness is None else likeness >= PARTS[0]


def alike(volumes: Sequence[Voxels]) -> list[tuple[int, int, Axes]]:
    """Find pairs of volumes of one shape that show one sample and share noise, whatever they are called.

    One block of each is looked at, so that the time hardly grows with the number of pairs; those whose blocks are alike
    are compared further.

    Returns
    -------
    list of tuple
        The numbers of both volumes, and the axes along which the second one must be mirrored to be like the first:
        none, one or three, or two where it is turned by 180 degrees.
    """
    spectra: dict[tuple[int, ...], dict[int, npt.NDArray[np.complex64]]] = {}
    for number, volume in enumerate(volumes):
        spectrum = _middle_spectrum(volume)
        if spectrum is not None:
            spectra.setdefault(volume.shape, {})[number] = spectrum
    found: dict[tuple[int, int], tuple[float, Axes]] = {}
    for shape, own in spectra.items():
        numbers, rows = list(own), np.stack(list(own.values()))
        edges = tuple(min(NOISY_EDGE, edge) for edge in shape)
        fine = [np.flatnonzero(bands_of(edges) == band) for band in range(_COARSE + 1, len(BANDS))]
        for axes in _WAYS if len(numbers) > 1 else ():
            least, some = (_LOOKS_MIRRORED, [one[::_SPARSE] for one in fine]) if axes else (_MAY_BE, fine)
            left, right = ([_normed(_mirrored(rows, one, shape, way)) for one in some] for way in ((), axes))
            likeness = np.mean([(one.conj() @ two.T).real for one, two in zip(left, right, strict=True)], axis=0)
            for one, two in np.argwhere(np.triu(likeness >= least, 1)).tolist():
                pair = numbers[one], numbers[two]
                found[pair] = max(found.get(pair, (0.0, ())), (float(likeness[one, two]), axes))
    return [
        (one, two, axes)
        for (one, two), (_, axes) in sorted(found.items())
        if _surely_alike(volumes[one], Mirrored(volumes[two], axes), _MIRRORED if axes else PARTS[1])
    ]


def _surely_alike(first: Voxels, second: Voxels, least: float) -> bool:
    likeness = compared(first, second, NOISY_EDGE).of_parts
    return likeness is not None and likeness >= least


def _middle_spectrum(volume: Voxels) -> npt.NDArray[np.complex64] | None:
    """Coefficients of the middle block; None where it says nothing."""
    z, y, x = volume.shape
    return spectrum_of(np.asarray(volume[blocks_of((z, y, x), NOISY_EDGE)[0]], np.float32))


def _mirrored(
    rows: npt.NDArray[np.complex64], there: Int64[np.ndarray, " some"], shape: tuple[int, ...], axes: Axes
) -> npt.NDArray[np.complex64]:
    """Some of the coefficients that the middle blocks of volumes of a shape have once these are mirrored along axes.

    A mirrored block, `x[N - 1 - n + s]`, has `exp(2 pi i k (1 - s) / N) X(-k)`; all of `-k` have the conjugate of
    `X(k)`. The middle of a mirrored volume begins `s` voxels later in the volume, where that cannot be halved.
    """
    edges = tuple(min(NOISY_EDGE, length) for length in shape)
    depth, height, width = edges
    middle = blocks_of((shape[0], shape[1], shape[2]), NOISY_EDGE)[0]
    late = [length - one.stop - one.start for length, one in zip(shape, middle, strict=True)]
    place = list(np.unravel_index(there, (depth, height, width // 2 + 1)))
    across = 2 in axes
    turn = sum((place[axis] * ((1 - late[axis]) / edges[axis]) for axis in axes), np.zeros(len(there)))
    for axis in (0, 1):
        if (axis in axes) != across:
            place[axis] = -place[axis] % edges[axis]
    found = rows[:, np.ravel_multi_index(tuple(place), (depth, height, width // 2 + 1))]
    phase = np.exp(2j * np.pi * turn).astype(np.complex64)
    return (found.conj() if across else found) * phase


def _normed(rows: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.finfo(np.float32).tiny)


def binned(block: Float32[np.ndarray, "z y x"], factor: int) -> Float32[np.ndarray, "_z _y _x"]:
    """Mean of `factor` voxels along each axis."""
    if factor == 1:
        return block
    z, y, x = (edge // factor for edge in block.shape)
    whole = block[: z * factor, : y * factor, : x * factor]
    means: Float32[np.ndarray, "_z _y _x"] = whole.reshape(z, factor, y, factor, x, factor).mean(axis=(1, 3, 5))
    return means


class Likeness:
    """Correlation of two volumes in bands, gathered block by block."""

    def __init__(self) -> None:
        self._sums = np.zeros((3, len(BANDS) - 1))
        self._count = 0

    def add(self, first: Float32[np.ndarray, "z y x"], second: Float32[np.ndarray, "z y x"]) -> None:
        """Add a block of both; one that is constant, not finite or too small says nothing and is left out."""
        one, two = spectrum_of(first), spectrum_of(second)
        if one is None or two is None:
            return
        band = bands_of(first.shape)
        products = one.real * two.real + one.imag * two.imag, _squares(one), _squares(two)
        self._sums += [np.bincount(band, part, minlength=len(BANDS) + 1)[1:-1] for part in products]
        self._count += int(np.count_nonzero((band > _COARSE) & (band < len(BANDS))))

    @property
    def correlations(self) -> npt.NDArray[np.float64] | None:
        """Correlation in each band; None where too little was seen."""
        if self._count < _FEWEST:
            return None
        both, one, two = self._sums
        correlations: npt.NDArray[np.float64] = both / np.maximum(np.sqrt(one * two), np.finfo(np.float64).tiny)
        return correlations

    @property
    def of_parts(self) -> float | None:
        """Likeness of a whole and a part of it, noise included; see :data:`PARTS`. None where too little was seen."""
        found = self.correlations
        if found is None:
            return None
        fine, coarse = found[_COARSE:], found[1:_COARSE] / 2.6  # a volume and its mirror image may have 0.55 there
        return float(max((*fine, *coarse), key=abs))

    @property
    def of_samples(self) -> float | None:
        """Likeness of two halves, whose noise differs; see :data:`SAMPLES`. None where too little was seen."""
        found = self.correlations
        if found is None:
            return None
        return float(max(*found[1 : _COARSE + 2], found[0] / 3))  # slabs of one thickness may have 0.87 there


PARTS = (0.25, 0.35, 0.5)
"""Likeness of a whole and a half of it: least, least without doubt, and so that no more need be looked at.

Of simulated and real tomograms it is 0.7 and more, of filtered ones 0.4, of other tomograms up to 0.15.
"""
SAMPLES = (0.22, 0.35, 0.8)
"""Likeness of two halves: most where they have nothing in common, least, and so that no more need be looked at.

At a signal-to-noise ratio of 0.02 in a projection it is 0.48 and more, of real tomograms 0.7. Of unlike halves it is up
to 0.1, in volumes of 64 voxels 0.2, in smaller ones 0.33.
"""


def spectrum_of(block: Float32[np.ndarray, "z y x"]) -> npt.NDArray[np.complex64] | None:
    """Fourier coefficients of a block brought to mean 0 and deviation 1; None where it says nothing."""
    standard = None if min(block.shape) < _SHORTEST else standardized(block)
    if standard is None:
        return None
    return np.asarray(fft.rfftn(without_hot_voxels(standard) * window(block.shape)).ravel(), np.complex64)


def without_hot_voxels(standard: Float32[np.ndarray, "z y x"]) -> Float32[np.ndarray, "z y x"]:
    """Take hot voxels out of a block of mean 0 and deviation 1, and bring it to these again; mostly there are none."""
    if not float(np.abs(standard).max()) > _HOT:
        return standard
    clean = without_spikes(standard)
    return np.asarray((clean - clean.mean()) / max(float(clean.std()), np.finfo(np.float32).tiny), np.float32)


def _squares(transform: npt.NDArray[np.complex64]) -> npt.NDArray[np.float32]:
    return np.square(transform.real) + np.square(transform.imag)


@lru_cache(maxsize=8)
def window(shape: tuple[int, ...]) -> Float32[np.ndarray, "z y x"]:
    """Hann window along all axes."""
    z, y, x = (np.hanning(edge + 2)[1:-1].astype(np.float32) for edge in shape)
    return z[:, None, None] * y[:, None] * x


@lru_cache(maxsize=8)
def bands_of(shape: tuple[int, ...]) -> Int64[np.ndarray, " coefficients"]:
    """Number of the band of each coefficient of a real transform: 0 below all bands, their number beyond."""
    depth, height, width = shape
    z, y, x = fft.fftfreq(depth), fft.fftfreq(height), fft.rfftfreq(width)
    radius = np.sqrt(np.square(z)[:, None, None] + np.square(y)[:, None] + np.square(x))
    return np.searchsorted(BANDS, radius.ravel(), side="right")
