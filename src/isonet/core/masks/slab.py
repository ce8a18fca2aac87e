"""The slab that a lamella or a layer of ice fills: two planes between which the map varies more than above and below.

Planes are `z = a + b x + c y`, everything in voxels of the same grid.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from jaxtyping import Bool, Float
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
_CONTRAST = 0.1  # smallest difference of log variance that counts as a slab
_EXPLAINED = 0.1  # smallest fraction of the variation along z that the slab explains
_TUKEY = 4.7
_FLOOR = 1e-30


@dataclass(frozen=True)
class Slab:
    """Two planes.

    Attributes
    ----------
    bottom, top : tuple of float
        `a, b, c` of the lower and the upper face.
    """

    bottom: tuple[float, float, float]
    top: tuple[float, float, float]

    def scaled(self, factor: int) -> "Slab":
        """Return the slab in voxels `factor` times as small; voxel j of these lies at `factor (j + 1/2) - 1/2`."""
        offset = (factor - 1) / 2
        low, high = ((factor * a + offset - offset * (b + c), b, c) for a, b, c in (self.bottom, self.top))
        return Slab(low, high)

    def between(
        self, z: Float[np.ndarray, " z"], y: Float[np.ndarray, " y"], x: Float[np.ndarray, " x"]
    ) -> Bool[np.ndarray, "z y x"]:
        """Tell which points of a grid lie between the planes."""
        low, high = (a + b * x + c * y[:, None] for a, b, c in (self.bottom, self.top))
        height = z[:, None, None]
        return np.asarray((height >= low) & (height <= high))

    @property
    def tilt(self) -> tuple[float, float]:
        """Slope of the middle plane along x and y in degrees."""
        slopes = [(low + high) / 2 for low, high in zip(self.bottom[1:], self.top[1:], strict=True)]
        return float(np.rad2deg(np.arctan(slopes[0]))), float(np.rad2deg(np.arctan(slopes[1])))


def block_edge(height: int, width: int) -> int:
    """Edge of the blocks in which the variance is taken: eight along the shorter side."""
    return max(2, min(height, width) // 8)


def block_variance(sections: Float[np.ndarray, "z y x"], edge: int) -> Floats:
    """Variance of each section in square blocks; what is left over at the ends is left out.

    Returns
    -------
    array
        `[z, blocks along y, blocks along x]`.
    """
    depth, height, width = sections.shape
    rows, columns = height // edge, width // edge
    blocks = sections[:, : rows * edge, : columns * edge].reshape(depth, rows, edge, columns, edge)
    return np.asarray(blocks.var(axis=(2, 4), dtype=np.float64))


def fit_slab(variance: Floats, edge: int, wanted: Bool[np.ndarray, "y x"] | None = None) -> Slab | None:
    """Find the two planes from local variances.

    The logarithm of the variance is taken as one level inside and another outside, apart from an offset of each
    column of blocks. First each column gives its own two steps, through which planes are laid robustly; then the six
    numbers of the planes are refined so that they explain as much as possible of all columns together.

    Parameters
    ----------
    variance : array
        `[z, y, x]` from :func:`block_variance`.
    edge : int
        Edge of the blocks in voxels.
    wanted : array of bool, optional
        `[y, x]`: columns to look at.

    Returns
    -------
    Slab or None
        None where no slab stands out.
    """
    depth, rows, columns = variance.shape
    y, x = np.meshgrid(*((np.arange(count) + 0.5) * edge - 0.5 for count in (rows, columns)), indexing="ij")
    usable = (variance > _FLOOR).mean(axis=0) > 0.5
    usable &= True if wanted is None else wanted
    if usable.sum() < 4 or depth < 8:
        return None
    profiles = np.log(np.maximum(variance[:, usable], _FLOOR)).T
    profiles = np.maximum(profiles, np.median(profiles) - 10)
    profiles -= profiles.mean(axis=1, keepdims=True)
    places = np.stack([np.ones(usable.sum()), x[usable], y[usable]], axis=1)
    return _refined(profiles, places, [*_starts(profiles, places)])


def _starts(profiles: Floats, places: Floats) -> list[Floats]:
    """Two guesses of the planes `[2, 3]`: from each column's own steps, and level ones from all columns together."""
    steps = np.array([_steps(profile) for profile in profiles])
    weights = np.maximum(steps[:, 2], 0)
    tilted = np.stack([_robust_plane(places, steps[:, side], weights) for side in (0, 1)])
    low, high, _ = _steps(profiles.mean(axis=0))
    return [tilted, np.array([[low, 0, 0], [high, 0, 0]], dtype=np.float64)]


def _steps(profile: Floats) -> tuple[float, float, float]:
    """Sections between which a profile is highest against the rest, and the variation this explains."""
    depth = len(profile)
    total = np.concatenate([[0.0], np.cumsum(profile - profile.mean())])
    count = np.arange(depth + 1)[None, :] - np.arange(depth + 1)[:, None]
    gain = total[None, :] - total[:, None]
    possible = (count >= 3) & (count <= depth - 2) & (gain > 0)
    size = np.where(possible, count, 1)
    explained = np.where(possible, gain**2 * depth / (size * np.maximum(depth - size, 1)), 0)
    low, high = np.unravel_index(int(explained.argmax()), explained.shape)
    return float(low) - 0.5, float(high) - 0.5, float(explained[low, high])


def _robust_plane(places: Floats, heights: Floats, weights: Floats) -> Floats:
    """Plane through points of which some are far off: least squares with Tukey's weights, again and again."""
    shared = weights + 1e-12
    plane = np.array([np.median(heights), 0.0, 0.0])
    for width in (4.0, 2.0, 1.0, 1.0, 1.0, 1.0):
        off = np.abs(heights - places @ plane)
        scale = max(1.0, 1.4826 * float(np.median(off))) * _TUKEY * width
        trust = np.sqrt(shared * np.maximum(1 - (off / scale) ** 2, 0) ** 2)
        plane = np.linalg.lstsq(places * trust[:, None], heights * trust, rcond=None)[0]
    return np.asarray(plane)


def _refined(profiles: Floats, places: Floats, starts: list[Floats]) -> Slab | None:
    """Maximise what the planes explain, from each guess, and judge the best."""
    spread = np.abs(places).max(axis=0)

    def loss(numbers: Floats) -> float:
        return -_explained(numbers.reshape(2, 3) / spread, profiles, places)[0]

    results = []
    for planes in starts:
        found = minimize(
            loss,
            np.ravel(planes * spread),
            method="Powell",
            options={"xtol": 0.02, "ftol": 1e-6, "maxiter": 30},
        )
        results.append((float(found.fun), found.x.reshape(2, 3) / spread))
    planes = min(results, key=lambda result: result[0])[1]
    explained, contrast = _explained(planes, profiles, places)
    if contrast < _CONTRAST or explained < _EXPLAINED:
        return None
    low, high = ((float(plane[0]), float(plane[1]), float(plane[2])) for plane in planes)
    return Slab(low, high)


def _explained(planes: Floats, profiles: Floats, places: Floats) -> tuple[float, float]:
    """Fraction of the variation along z that a slab with soft faces explains, and its contrast."""
    z = np.arange(profiles.shape[1])
    low, high = ((places @ plane)[:, None] for plane in planes)
    inside = np.clip(z - low + 0.5, 0, 1) * np.clip(high - z + 0.5, 0, 1)
    inside -= inside.mean(axis=1, keepdims=True)
    variation = float((inside**2).sum())
    if variation < 1e-3 * inside.size:
        return 0.0, 0.0
    common = float((inside * profiles).sum())
    return max(common, 0) ** 2 / variation / max(float((profiles**2).sum()), _FLOOR), common / variation
