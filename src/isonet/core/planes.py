"""Whole planes of a volume whose grey values lie far off all others, as a section that was read or written wrongly."""

import numpy as np
from jaxtyping import Float32, Float64

_FAR = 3.0  # deviations of the whole volume; of noise and sample means of planes differ by less than one
_MOST = 0.12  # of the planes: more of them would be a side of the volume
_LISTED = 3
_ACROSS = ("z", "y", "x")


class Planes:
    """Mean of each plane of a volume, across z, y and x, gathered from slabs of whole sections."""

    def __init__(self) -> None:
        self._sections: dict[int, float] = {}
        self._sums: list[Float64[np.ndarray, " n"]] = []

    def add(self, slab: Float32[np.ndarray, "z y x"], first: int) -> None:
        """Add a slab that begins with section `first`."""
        depth, height, width = slab.shape
        means = slab.mean(axis=(1, 2), dtype=np.float64)
        self._sections.update(zip(range(first, first + depth), means.tolist(), strict=True))
        rows, columns = slab.sum(axis=0, dtype=np.float64), slab.sum(axis=1, dtype=np.float64)
        sums = [rows.sum(axis=1) / width, columns.sum(axis=0) / height]
        self._sums = [a + b for a, b in zip(self._sums, sums, strict=True)] if self._sums else sums

    def far_off(self, deviation: float) -> list[str]:
        """Say which planes lie how far off, with the remedy.

        Parameters
        ----------
        deviation : float
            Of all voxels.

        Returns
        -------
        list of str
            A text for each axis across which there are such planes.
        """
        count = len(self._sections)
        said = []
        means = [np.array(list(self._sections.values())), *(one / max(count, 1) for one in self._sums)]
        numbers = [list(self._sections), *(list(range(len(one))) for one in self._sums)]
        for axis, values, places in zip(_ACROSS, means, numbers, strict=False):
            away = np.abs(values - np.median(values)) if len(values) else values
            far = np.flatnonzero(away > _FAR * deviation)
            if not 0 < len(far) <= _MOST * len(values):
                continue
            listed = ", ".join(str(places[one]) for one in far[:_LISTED].tolist())
            more = f" and {len(far) - _LISTED} more" if len(far) > _LISTED else ""
            said.append(
                f"its planes across {axis} number {listed}{more} (from 0) lie up to {away.max() / deviation:.0f} "
                "deviations off all others, which spoils the result all about them; reconstruct it again, or cut "
                "them off"
            )
        return said
