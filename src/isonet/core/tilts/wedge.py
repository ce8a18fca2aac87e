r"""The missing wedge: which Fourier coefficients a tilt series has measured.

Arrays are `[z, y, x]`; the beam is z at zero tilt and the tilt axis is y. A tilt of angle `a` measures the plane
`k_z = k_x tan(a)`, whatever `k_y`. With tilts from `tilt_min` to `tilt_max` the planes sweep a double wedge::

                    k_z                        k_z
          missing    |    missing               ^        plane of tilt a:
               \     |     /  tilt_max          |      /   k_z = k_x tan(a)
                \    |    /                     |    /
      measured   \   |   /   measured           |  /  ) a
      ------------\--+--/------------ k_x       |/______)______> k_x
                  /  |  \
                 /   |   \   tilt_min
               /  missing \

and the coefficients about `k_z` stay unknown: the missing wedge, constant along `k_y`. Positive and negative
ends may differ. Every function takes `tilts`: two numbers are the ends `(tilt_min, tilt_max)` of a range
measured throughout; three or more are single tilts. Where neighbours are at most `gap` degrees apart, all between them
counts as measured; a tilt without such a neighbour measures a plane one Fourier pixel thick. A levelled volume, or one
of two tilt axes, is described by :class:`isonet.core.tilts.measured.Measured` in their place.

The weight is 1 where measured, 0 where missing, and falls over one Fourier pixel beyond the last plane (beyond the
faces of one that stands alone): a volume of finite size smears each plane over that distance. Turned wedges are
never resampled: the geometry is turned and the weight evaluated anew.
"""

from functools import reduce

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape, Transfer
from isonet.core.rotation import cube_rotations
from isonet.core.tilts.measured import Matrix, Measured, Sweep, Tilts
from isonet.core.tilts.ranges import LARGEST_GAP, arcs, check_tilts

Frequency = tuple[Tensor, Tensor, Tensor]
_SYMMETRIC_WITHIN = 0.5  # degrees


def face_distance(
    shape: Shape,
    tilts: Tilts,
    rotation: Float[Tensor, "3 3"] | None = None,
    device: torch.device | None = None,
    edge: int | None = None,
    gap: float = LARGEST_GAP,
) -> Float[Tensor, "z y kx"]:
    """Distance to the nearest face of the measured region in Fourier pixels, negative in the missing wedge.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    tilts : sequence of float or Measured
        Degrees: `(tilt_min, tilt_max)`, the list of tilts, or what was measured in general.
    rotation : tensor, optional
        `[3, 3]` in z, y, x order: the wedge of a volume rotated by it, `v'(r) = v(rotation^-1 r)`.
    device : torch.device, optional
        Where to compute.
    edge : int, optional
        Measure in Fourier pixels of a cube of this edge instead of the volume's own.
    gap : float
        Degrees that neighbours in a list of tilts may be apart for all between them to count as measured; 0 leaves each
        its own plane.

    Returns
    -------
    tensor
        `[z, y, x // 2 + 1]` in the rfft layout (y may be 1 where nothing depends on it).
    """
    return _distance(fourier.frequencies(shape, device), shape, Measured.of(tilts), rotation, edge, gap)


def _distance(
    at: Frequency, shape: Shape, measured: Measured, rotation: Tensor | None, edge: int | None, gap: float
) -> Tensor:
    """Distance as :func:`face_distance` at some frequencies of a volume: to the sweep that has measured them best."""
    pixel = torch.tensor([1.0 / (edge or length) for length in shape])
    return reduce(torch.maximum, (_to_sweep(at, pixel, sweep, rotation, gap) for sweep in measured.sweeps))


def _to_sweep(at: Frequency, pixel: Tensor, sweep: Sweep, rotation: Tensor | None, gap: float) -> Tensor:
    """Distance to the nearest face of what one sweep has measured."""
    check_tilts(sweep.tilts)
    turn = torch.tensor(sweep.turn, dtype=torch.float64)
    turn = (turn if rotation is None else rotation.cpu().double() @ turn).to(torch.float32)
    ranges = [(sweep.tilts[0], sweep.tilts[1])] if len(sweep.tilts) == 2 else arcs(sweep.tilts, gap)
    angles = torch.deg2rad(torch.tensor(ranges, dtype=torch.float64)).to(torch.float32)

    def offset(angle: Tensor) -> Tensor:
        """Signed distance from the plane of one tilt, positive on the side of smaller tilts.

        Its numbers stay in host memory, so that nobody has to wait for a device.
        """
        normal = turn @ torch.stack([-torch.cos(angle), torch.zeros_like(angle), torch.sin(angle)])
        blur = torch.linalg.vector_norm(normal * pixel)
        along = sum(at[axis] * normal[axis] for axis in range(3) if normal[axis] != 0)
        return torch.as_tensor(along) / blur

    def one_arc(first: Tensor, last: Tensor) -> Tensor:
        """Distance to the nearer face of what the tilts from one to another sweep; of one tilt, to its plane's."""
        if first == last:
            return 0.5 - offset(first).abs()
        below, above = offset(last), -offset(first)
        return torch.maximum(torch.minimum(below, above), -torch.maximum(below, above))

    return reduce(torch.maximum, (one_arc(first, last) for first, last in angles))


def home(at: Frequency, turn: Matrix) -> Frequency:
    """Bring frequencies of a turned volume to where axis and beam are y and z: `turn^-1 k`, shaped to broadcast."""
    columns = ([row[axis] for row in turn] for axis in range(3))
    z, y, x = (sum(k * part for k, part in zip(at, column, strict=True) if part != 0) for column in columns)
    return torch.as_tensor(z), torch.as_tensor(y), torch.as_tensor(x)


def degrees_beyond(shape: Shape, tilts: Tilts, device: torch.device | None = None) -> Float[Tensor, "z y kx"]:
    """Angle in degrees between the direction of each coefficient, seen along the tilt axis, and the nearest tilt.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    tilts : sequence of float or Measured
        Degrees, between whose ends all is measured here; of two axes, the nearer one counts.
    device : torch.device, optional
        Where to compute.

    Returns
    -------
    tensor
        `[z, y, x // 2 + 1]` in the rfft layout (y is 1 where nothing depends on it); negative in the measured region.
    """
    at = fourier.frequencies(shape, device)
    return reduce(torch.minimum, (beyond_sweep(at, sweep) for sweep in Measured.of(tilts).sweeps))


def beyond_sweep(at: Frequency, sweep: Sweep) -> Tensor:
    """Angle as :func:`degrees_beyond` of frequencies to the tilts of one sweep."""
    kz, _, kx = home(at, sweep.turn)
    kz, kx = torch.where(kx < 0, -kz, kz), kx.abs()
    angle = torch.rad2deg(torch.atan2(kz, kx))
    angle = torch.where(kx == 0, angle.abs(), angle)  # the two ends of the k_z axis are one direction
    low, high = sweep.ends
    inside = (angle >= low) & (angle <= high)
    return torch.where(inside, -1.0, torch.minimum((angle - high) % 180, (low - angle) % 180))


def weight(
    shape: Shape,
    tilts: Tilts,
    rotation: Float[Tensor, "3 3"] | None = None,
    device: torch.device | None = None,
    edge: int | None = None,
    gap: float = LARGEST_GAP,
) -> Float[Tensor, "z y kx"]:
    """Weight of each Fourier coefficient: 1 measured, 0 missing, soft over one Fourier pixel.

    Parameters and layout as :func:`face_distance`. The weight is symmetric under `k -> -k` also on the planes
    of the rfft layout that hold both members of a pair; where the two disagree (only at the Nyquist frequency,
    whose sign is ambiguous) the smaller one counts.
    """
    return _soft(fourier.frequencies(shape, device), shape, Measured.of(tilts), rotation, edge, gap)


def transfer(shape: Shape, tilts: Tilts, edge: int | None = None, gap: float = LARGEST_GAP) -> Transfer:
    """Weight as filters of volumes of any size ask for it: at every `k_z`, for some of the `k_y`.

    Parameters
    ----------
    shape, tilts, edge, gap
        As of :func:`weight`.

    Returns
    -------
    callable
        Takes `k_z` (whichever), `k_y`, `k_x` in cycles per voxel; what does not depend on `k_y` is computed once.
    """
    measured = Measured.of(tilts)
    if measured.at_home:
        flat = weight((shape[0], 1, shape[2]), measured, edge=edge, gap=gap)
        return lambda *_: flat
    kz = fourier.frequencies(shape)[0]
    return lambda _, ky, kx: _soft((kz, ky, kx), shape, measured, None, edge, gap)


def _soft(
    at: Frequency, shape: Shape, measured: Measured, rotation: Tensor | None, edge: int | None, gap: float
) -> Tensor:
    """Weight at some frequencies of a volume."""

    def soft(kz: Tensor, ky: Tensor, kx: Tensor) -> Tensor:
        return (1 + _distance((kz, ky, kx), shape, measured, rotation, edge, gap)).clamp(0, 1)

    weights = soft(*at)
    kz, ky, kx = at
    planes = [0, weights.shape[2] - 1] if shape[2] % 2 == 0 else [0]
    for plane in planes:
        opposite = soft(_opposite(kz), _opposite(ky), kx[..., plane : plane + 1])[..., 0]
        weights[..., plane] = torch.minimum(weights[..., plane], opposite)
    return weights


def _opposite(frequency: Tensor) -> Tensor:
    """Frequency of the other member of a pair; the Nyquist frequency has one sign only."""
    return torch.where(frequency == -0.5, frequency, -frequency)


def moving_rotations(tilts: Tilts) -> Int[Tensor, "n 3 3"]:
    """Return the cube rotations that move the wedge of `tilts` (degrees).

    Of the 24, the identity and the half turn about the tilt axis leave every wedge about y in place; a wedge whose two
    ends are equal (within half a degree) is left in place also by the half turns about the beam and about x. So 20
    remain for a symmetric range and 22 for any other; 23 where the volume was levelled, about x alone 22 or 23.
    """
    measured = Measured.of(tilts)
    return torch.stack([one for one in cube_rotations() if not measured.stays(one.numpy(), _SYMMETRIC_WITHIN)])


def apply(volume: Float[Tensor, "*b z y x"], tilts: Tilts) -> Float[Tensor, "*b z y x"]:
    """Remove the missing wedge from a volume: what a tilt series over `tilts` counts as having measured."""
    return fourier.apply(volume, weight(fourier.spatial_shape(volume), tilts, device=volume.device))


def fill(
    measured: Float[Tensor, "*b z y x"], prediction: Float[Tensor, "*b z y x"], weights: Tensor
) -> Float[Tensor, "*b z y x"]:
    """Fill what was not measured with a prediction: `F^-1[W F(v) + (1 - W) F(b)]`.

    Parameters
    ----------
    measured, prediction : tensor
        `v` and `b`, `[..., z, y, x]`.
    weights : tensor
        `W` from :func:`weight`.

    Returns
    -------
    tensor
        Wherever `W = 1` its Fourier content is that of `measured`.
    """
    shape = fourier.spatial_shape(measured)
    data, guess = fourier.transform(measured), fourier.transform(prediction)
    return fourier.inverse(guess + weights * (data - guess), shape)


def regions(
    shape: Shape, tilts: Tilts, guard: float = 3.0, device: torch.device | None = None
) -> tuple[Bool[Tensor, "z y kx"], Bool[Tensor, "z y kx"]]:
    """Fourier coefficients inside the missing wedge and outside it, away from its faces.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    tilts : sequence of float or Measured
        Degrees; of a list, the ends count.
    guard : float
        Fourier pixels left out on either side of each face: a window spreads measured power that far.
    device : torch.device, optional
        Where to compute.

    Returns
    -------
    missing, measured : tensor of bool
        `[z, y, x // 2 + 1]` in the rfft layout.
    """
    distance = face_distance(shape, Measured.of(tilts).ends, device=device)
    distance = distance.expand(shape[0], shape[1], shape[2] // 2 + 1)
    return distance <= -guard, distance >= guard
