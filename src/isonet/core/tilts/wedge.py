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
counts as measured; a tilt without such a neighbour measures a plane one Fourier pixel thick.

The weight is 1 where measured, 0 where missing, and falls over one Fourier pixel beyond the last plane (beyond the
faces of one that stands alone): a volume of finite size smears each plane over that distance. Rotated wedges are
never resampled: the geometry is rotated and the weight evaluated anew.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from isonet.core import fourier
from isonet.core.fourier import Shape
from isonet.core.tilts.ranges import LARGEST_GAP, arcs, check_tilts


def face_distance(
    shape: Shape,
    tilts: Sequence[float],
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
    tilts : sequence of float
        Degrees: `(tilt_min, tilt_max)` or the list of tilts.
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
    check_tilts(tilts)
    frequency = fourier.frequencies(shape, device)
    pixel = tuple(1.0 / (edge or length) for length in shape)
    turn = torch.eye(3) if rotation is None else rotation.to(device="cpu", dtype=torch.float32)
    measured = [(tilts[0], tilts[1])] if len(tilts) == 2 else arcs(tilts, gap)
    angles = torch.deg2rad(torch.tensor(measured, dtype=torch.float64)).to(torch.float32)

    def offset(angle: Tensor) -> Tensor:
        """Signed distance from the plane of one tilt, positive on the side of smaller tilts.

        Its numbers stay in host memory, so that nobody has to wait for a device.
        """
        normal = turn @ torch.stack([-torch.cos(angle), torch.zeros_like(angle), torch.sin(angle)])
        blur = torch.linalg.vector_norm(normal * torch.tensor(pixel))
        along = sum(frequency[axis] * normal[axis] for axis in range(3) if normal[axis] != 0)
        return torch.as_tensor(along) / blur

    def one_arc(first: Tensor, last: Tensor) -> Tensor:
        """Distance to the nearer face of what the tilts from one to another sweep; of one tilt, to its plane's."""
        if first == last:
            return 0.5 - offset(first).abs()
        below, above = offset(last), -offset(first)
        return torch.maximum(torch.minimum(below, above), -torch.maximum(below, above))

    return reduce(torch.maximum, (one_arc(first, last) for first, last in angles))


def degrees_beyond(shape: Shape, tilts: Sequence[float], device: torch.device | None = None) -> Float[Tensor, "z 1 kx"]:
    """Angle in degrees between the direction of each coefficient in the plane of `k_z` and `k_x` and the nearest tilt.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    tilts : sequence of float
        Degrees: `(tilt_min, tilt_max)` or the list of tilts, between whose ends all is measured here.
    device : torch.device, optional
        Where to compute.

    Returns
    -------
    tensor
        `[z, 1, x // 2 + 1]` in the rfft layout; negative in the measured region.
    """
    kz, _, kx = fourier.frequencies(shape, device)
    angle = torch.rad2deg(torch.atan2(kz, kx))
    angle = torch.where(kx == 0, angle.abs(), angle)  # the two ends of the k_z axis are one direction
    low, high = min(tilts), max(tilts)
    inside = (angle >= low) & (angle <= high)
    return torch.where(inside, -1.0, torch.minimum((angle - high) % 180, (low - angle) % 180))


def weight(
    shape: Shape,
    tilts: Sequence[float],
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
    soft = (1 + face_distance(shape, tilts, rotation, device, edge, gap)).clamp(0, 1)
    planes = [0, soft.shape[2] - 1] if shape[2] % 2 == 0 else [0]
    for plane in planes:
        soft[..., plane] = torch.minimum(soft[..., plane], _opposite(soft[..., plane]))
    return soft


def _opposite(plane: Tensor) -> Tensor:
    """Value at `-k` for each `k` of a plane over (k_z, k_y)."""
    for axis in range(plane.ndim):
        plane = plane.flip(axis).roll(1, axis)
    return plane


def apply(volume: Float[Tensor, "*b z y x"], tilts: Sequence[float]) -> Float[Tensor, "*b z y x"]:
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
    shape: Shape, tilts: Sequence[float], guard: float = 3.0, device: torch.device | None = None
) -> tuple[Bool[Tensor, "z y kx"], Bool[Tensor, "z y kx"]]:
    """Fourier coefficients inside the missing wedge and outside it, away from its faces.

    Parameters
    ----------
    shape : tuple of int
        Edges z, y, x of the volume.
    tilts : sequence of float
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
    check_tilts(tilts)
    distance = face_distance(shape, (min(tilts), max(tilts)), device=device)
    distance = distance.expand(shape[0], shape[1], shape[2] // 2 + 1)
    return distance <= -guard, distance >= guard
