r"""What a tomogram has measured: its tilts, and how tilt axis and beam lie in the volume; without torch.

A sweep is one tilt series. At home its axis is y and the beam at zero tilt z, as :mod:`isonet.core.tilts.wedge` draws
it. Programs turn the volume afterwards, so that the sample lies flat; then axis and beam are turned in the volume, and
the missing wedge with them. A point `r` of the volume is seen at tilt `a` where the microscope has it::

    R_y(a) R_x(about_x) R_z(about_z) r          right-handed turns, x to y to z; of which x and y are seen

A turn about y is the same as other tilts, and is counted among them. `about_x` is what RELION 5 calls rlnTomoXTilt.
`about_z` is 0 where the axis runs along y, and 90 where it runs along x, as the second one of two axes does.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

Matrix = tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
"""Rotation that acts on columns in z, y, x order."""
Range = tuple[float, float]
AT_HOME: Matrix = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_ACROSS = {"xz": (1, 2), "yz": (2, 1)}  # of a plane of k_z: the axis across it, and the one in it


@dataclass(frozen=True)
class Sweep:
    """One tilt series.

    Attributes
    ----------
    tilts : tuple of float
        Degrees: `(tilt_min, tilt_max)` or the list of tilts, those by which the volume is levelled about y included.
    turn : tuple of tuple of float
        Rotation, z, y, x order, that takes directions of the microscope (axis y, beam z) to those of the volume.
    """

    tilts: tuple[float, ...]
    turn: Matrix = AT_HOME

    @property
    def ends(self) -> Range:
        """Smallest and largest tilt in degrees."""
        return min(self.tilts), max(self.tilts)

    @property
    def turns(self) -> tuple[float, float]:
        """Degrees about x and z by which the volume was turned, see :func:`positioned`."""
        about_x, _, about_z = angles_of(np.array(self.turn).T)
        return about_x, about_z

    @property
    def axis(self) -> npt.NDArray[np.float64]:
        """Direction of the tilt axis in the volume, z, y, x."""
        return np.array(self.turn)[:, 1]

    def normal(self, tilt: float) -> npt.NDArray[np.float64]:
        """Direction across the plane that a tilt (degrees) measures, z, y, x: the beam's."""
        angle = math.radians(tilt)
        direction: npt.NDArray[np.float64] = np.array(self.turn) @ (-math.cos(angle), 0.0, math.sin(angle))
        return direction


def about(axis: Literal["x", "y", "z"], degrees: float) -> npt.NDArray[np.float64]:
    """Right-handed rotation about an axis, z, y, x order: about x it takes y to z, about y z to x, about z x to y."""
    first, second = {"x": (1, 0), "y": (0, 2), "z": (2, 1)}[axis]
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cosine
    matrix[second, first], matrix[first, second] = sine, -sine
    return matrix


def positioned(tilts: Sequence[float], about_x: float = 0.0, about_z: float = 0.0) -> Sweep:
    """Sweep whose volume was turned by `about_z` and then `about_x` degrees, as the module says."""
    return Sweep(tuple(tilts), _rounded((about("x", about_x) @ about("z", about_z)).T))


def angles_of(into: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Degrees about x, y and z of a rotation into the microscope, z, y, x order: `R_y R_x R_z`, as the module says."""
    (zz, _, _), (yz, yy, yx), (xz, _, _) = np.asarray(into).tolist()
    angles = -math.asin(max(-1.0, min(1.0, yz))), math.atan2(xz, zz), math.atan2(yx, yy)
    x, y, z = (round(math.degrees(angle), 9) + 0.0 for angle in angles)
    return x, y, z


@dataclass(frozen=True)
class Measured:
    """All that was measured: what any of the sweeps has.

    Attributes
    ----------
    sweeps : tuple of Sweep
        One for each tilt axis.
    """

    sweeps: tuple[Sweep, ...]

    @staticmethod
    def of(tilts: "Tilts") -> "Measured":
        """Take a range or list of tilts in degrees as one sweep at home; leave what is `Measured` already."""
        return tilts if isinstance(tilts, Measured) else Measured((Sweep(tuple(tilts)),))

    @property
    def at_home(self) -> bool:
        """Whether there is one sweep about y with the beam along z, so that nothing depends on `k_y`."""
        return len(self.sweeps) == 1 and self.sweeps[0].turn == AT_HOME

    @property
    def ends(self) -> "Measured":
        """The same with ranges in place of lists, between whose ends all counts as measured."""
        return self.each(lambda tilts: (min(tilts), max(tilts)))

    @property
    def tilts(self) -> tuple[float, ...]:
        """Tilts of all sweeps in degrees."""
        return tuple(tilt for sweep in self.sweeps for tilt in sweep.tilts)

    def each(self, change: Callable[[tuple[float, ...]], Sequence[float]]) -> "Measured":
        """Change the tilts of each sweep."""
        return Measured(tuple(replace(sweep, tilts=tuple(change(sweep.tilts))) for sweep in self.sweeps))

    def turned(self, matrix: npt.ArrayLike) -> "Measured":
        """What is measured of a volume turned by a rotation, `[3, 3]` in z, y, x order."""
        turns = [_rounded(np.asarray(matrix, np.float64) @ np.array(sweep.turn)) for sweep in self.sweeps]
        pairs = zip(self.sweeps, turns, strict=True)
        return Measured(tuple(replace(sweep, turn=turn) for sweep, turn in pairs))

    def stays(self, matrix: npt.ArrayLike, within: float) -> bool:
        """Whether a rotation maps what is measured onto itself, its faces to so many degrees."""
        return self.alike(self.turned(matrix), within)

    def alike(self, other: "Measured", within: float) -> bool:
        """Whether the faces of what is measured are the same to so many degrees, in any order of the sweeps.

        It is compared by both faces and the plane in the middle, so that no missing wedge passes for a measured one.
        """
        left = list(self.ends.sweeps)
        for sweep in other.ends.sweeps:
            same = next((one for one in left if _alike(sweep, one, within)), None)
            if same is None:
                return False
            left.remove(same)
        return not left

    def traces(self, plane: Literal["xz", "yz"]) -> list[float]:
        """Lines along which the faces of the wedge cut the plane of `k_z` and `k_x` (or `k_y`).

        Returns
        -------
        list of float
            Degrees from `k_x` (or `k_y`) towards `k_z`, -90 to 90, of the sweeps whose axis runs across the plane.
        """
        across, along = _ACROSS[plane]
        found = []
        for sweep in self.sweeps:
            if int(np.abs(sweep.axis).argmax()) == across:
                normals = [sweep.normal(tilt) for tilt in sweep.ends]
                found += [_folded(math.degrees(math.atan2(-normal[along], normal[0]))) for normal in normals]
        return found


Tilts = Sequence[float] | Measured
"""Degrees: a range or a list of tilts about y, the beam along z; or all that was measured, however it lies."""


def _alike(one: Sweep, other: Sweep, within: float) -> bool:
    """Whether faces and middle of two sweeps are the same planes to so many degrees; the faces in either order."""

    def apart(first: float, second: float) -> float:
        """Degrees between two planes."""
        normals = one.normal(first), other.normal(second)
        return math.degrees(math.atan2(np.linalg.norm(np.cross(*normals)), abs(float(np.dot(*normals)))))

    (low, high), ends = one.ends, other.ends
    if apart((low + high) / 2, sum(ends) / 2) >= within:
        return False
    return any(max(apart(low, first), apart(high, last)) < within for first, last in (ends, ends[::-1]))


def _folded(angle: float) -> float:
    """Angle of a line, -90 to 90 degrees."""
    return round((angle + 90) % 180 - 90, 6)


def _rounded(matrix: npt.NDArray[np.float64]) -> Matrix:
    """Matrix as numbers, quarter turns exactly."""
    rows = [tuple(float(round(value, 15)) + 0.0 for value in row) for row in matrix]
    z, y, x = rows
    return z, y, x  # type: ignore[return-value]
