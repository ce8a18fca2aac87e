r"""Tilt series and back: projections of a volume, ramp filter, weighted back-projection, image alignment.

Arrays are `[z, y, x]`, the tilt axis is y, positions count from the centre voxel `n // 2`. At tilt `a` (degrees)
a voxel is seen at the detector coordinate

    u = x cos(a) + z sin(a)

and so the image's Fourier transform is the plane `k_z = k_x tan(a)` of the volume's (central-slice theorem):

          k_z  ^     / a = +60          measured: the fan between -60 and +60 degrees about k_x
        \      |    /                   missing:  the double wedge about k_z
           \   |  /
              \|/________> k_x
"""

import math
from typing import Literal

import torch
import torch.nn.functional as nnf
from jaxtyping import Float
from torch import Tensor

Window = Literal["ramp", "hamming"]
_ENTRIES = 1 << 22


def project(
    volume: Float[Tensor, "z y x"], tilts: Float[Tensor, " tilts"], width: int | None = None
) -> Float[Tensor, "tilts y u"]:
    """Integrate a volume along the beam at every tilt.

    The central slices are summed as they are defined, `P(k) = sum_zx v(z, x) exp(-2 pi i k (x cos a + z sin a))`,
    so that nothing is lost to interpolation.

    Parameters
    ----------
    volume : Tensor
        Density of shape `(z, y, x)`, zero outside.
    tilts : Tensor
        Tilt angles in degrees.
    width : int, optional
        Pixels of the images along u; the volume's unless given.

    Returns
    -------
    Tensor
        Images of shape `(tilts, y, u)`, density times voxels; the tilt axis lies at pixel `u // 2`.
    """
    depth, height, across = volume.shape
    width = across if width is None else width
    length = _fast_length(max(width, math.ceil((math.hypot(depth, across) + width) / 2)) + 8)
    frequency = torch.fft.rfftfreq(length, dtype=torch.float64, device=volume.device)
    z, x = (_centred(n, volume) for n in (depth, across))
    rows = volume.permute(1, 0, 2).contiguous()
    images = volume.new_empty(len(tilts), height, width)
    for image, angle in zip(images, torch.deg2rad(tilts.double()).tolist(), strict=True):
        cosine, sine = _waves(x * math.cos(angle), frequency).to(volume.dtype).unbind(-1)
        over_z = torch.view_as_complex(_waves(z * math.sin(angle), frequency).to(volume.dtype))
        spectrum = torch.complex(rows @ cosine.contiguous(), rows @ sine.contiguous())
        line = torch.fft.irfft((spectrum * over_z).sum(1), n=length)
        image.copy_(torch.roll(line, width // 2, dims=-1)[:, :width])
    return images


def ramp_filter(images: Float[Tensor, "tilts y u"], window: Window = "ramp") -> Float[Tensor, "tilts y u"]:
    """Weight the images for back-projection by `|k_u|`.

    The images are padded with zeros to twice their width, so that nothing wraps around, and the filter makes
    good what linear interpolation in :func:`back_project` takes away (`sinc(k)^2`).

    Parameters
    ----------
    images : Tensor
        Projections of shape `(tilts, y, u)`, about zero at their edges.
    window : {"ramp", "hamming"}
        "ramp" is the exact weight; "hamming" rolls it off to 8 % at Nyquist, for less noise.

    Returns
    -------
    Tensor
        Filtered images, shape `(tilts, y, u)`.
    """
    width = images.shape[-1]
    length = _fast_length(2 * width)
    response = _ramp(length, window, images)
    filtered: Tensor = torch.fft.irfft(torch.fft.rfft(images, n=length) * response, n=length)
    return filtered[..., :width]


def angular_weights(tilts: Float[Tensor, " tilts"]) -> Float[Tensor, " tilts"]:
    """Angle in radians that each tilt stands for: half of the way to its neighbour on either side.

    The outermost tilts stand for as much outwards as inwards, equal tilts share, a lone tilt stands for 180 degrees.
    """
    angles, which, copies = torch.unique(tilts.double(), return_inverse=True, return_counts=True)
    if len(angles) < 2:
        return torch.full_like(tilts, math.pi / max(1, len(tilts)))
    gaps = angles.diff()
    spacing = (torch.cat([gaps[:1], gaps]) + torch.cat([gaps, gaps[-1:]])) / 2
    return torch.deg2rad(spacing / copies)[which].to(tilts.dtype)


def back_project(
    images: Float[Tensor, "tilts y u"], tilts: Float[Tensor, " tilts"], depth: int, width: int | None = None
) -> Float[Tensor, "z y x"]:
    """Smear images back along the beam: voxel `(z, y, x)` sums `image(y, u = x cos a + z sin a)`.

    Each image counts by the angle it stands for (:func:`angular_weights`), so that
    `back_project(ramp_filter(project(v)))` has the grey scale of `v` where `v` was measured. Rows are independent:
    a tall volume can be made a few rows at a time.

    Parameters
    ----------
    images : Tensor
        Images of shape `(tilts, y, u)`, filtered or not.
    tilts : Tensor
        Tilt angles in degrees.
    depth : int
        Voxels along z.
    width : int, optional
        Voxels along x; that of the images unless given.

    Returns
    -------
    Tensor
        Volume of shape `(z, y, x)`; a ray beyond an image's edge adds nothing.
    """
    count, height, pixels = images.shape
    width = pixels if width is None else width
    table = images.permute(0, 2, 1).reshape(count * pixels, height).contiguous()
    angles, weights = torch.deg2rad(tilts.double()), angular_weights(tilts).double()
    z, x = _centred(depth, images), _centred(width, images)
    first = torch.arange(count, device=images.device) * pixels
    volume = images.new_empty(depth, height, width)
    step = max(1, _ENTRIES // max(1, 2 * count * width))
    for planes in (slice(start, start + step) for start in range(0, depth, step)):
        u = (x[:, None] * angles.cos() + z[planes, None, None] * angles.sin() + pixels // 2).flatten(0, 1)
        left = u.floor()
        pixel = torch.stack([left, left + 1], dim=-1)
        weight = (1 - (u[..., None] - pixel).abs()) * weights[:, None]
        weight = weight * ((pixel >= 0) & (pixel < pixels))
        entry = pixel.long().clamp(0, pixels - 1) + first[:, None]
        summed = nnf.embedding_bag(
            entry.flatten(1), table, mode="sum", per_sample_weights=weight.flatten(1).to(table.dtype)
        )
        volume[planes] = summed.reshape(-1, width, height).permute(0, 2, 1)
    return volume


def align(
    image: Float[Tensor, "y x"],
    matrix: Float[Tensor, "2 2"],
    shift: Float[Tensor, "2"],
    shape: tuple[int, int],
    centre: tuple[float, float] | None = None,
) -> Float[Tensor, "height width"]:
    """Resample an image so that its tilt axis runs along y through the centre: `r' = A (r - c_in) + d + c_out`.

    Parameters
    ----------
    image : Tensor
        Image of shape `(y, x)`.
    matrix : Tensor
        `A`, acting on (x, y), as in a line of an IMOD `.xf` file: `[[a11, a12], [a21, a22]]`.
    shift : Tensor
        `d` = (dx, dy) in output pixels.
    shape : tuple of int
        Height and width of the result, whose centre `c_out` is pixel `n // 2`.
    centre : tuple of float, optional
        `c_in` = (x, y) in pixels; IMOD's `(n - 1) / 2` unless given.

    Returns
    -------
    Tensor
        Aligned image, cubic interpolation, zero where the input has nothing.
    """
    (height, width), (rows, columns) = image.shape, shape
    middle = ((width - 1) / 2, (height - 1) / 2) if centre is None else centre
    inverse = torch.linalg.inv(matrix.double())
    y, x = torch.meshgrid(_centred(rows, image), _centred(columns, image), indexing="ij")
    source = (torch.stack([x, y], dim=-1) - shift.double()) @ inverse.T + torch.tensor(middle).to(inverse)
    # grid_sample counts from -1 to 1 between the outer edges of the outer pixels
    grid = (2 * source + 1) / torch.tensor([width, height]).to(source) - 1
    sampled = nnf.grid_sample(image[None, None], grid[None].to(image.dtype), mode="bicubic", align_corners=False)
    return sampled[0, 0]


def _centred(size: int, like: Tensor) -> Float[Tensor, " n"]:
    return torch.arange(size, dtype=torch.float64, device=like.device) - size // 2


def _waves(position: Float[Tensor, " n"], frequency: Float[Tensor, " k"]) -> Float[Tensor, "n k 2"]:
    """Real and imaginary part of `exp(-2 pi i position frequency)`."""
    phase = -2 * math.pi * position[:, None] * frequency
    return torch.stack([phase.cos(), phase.sin()], dim=-1)


def _ramp(length: int, window: Window, like: Tensor) -> Float[Tensor, " k"]:
    """Frequency response of the band-limited ramp, made in real space so that the mean comes out right."""
    lag = torch.fft.fftfreq(length, d=1 / length, dtype=torch.float64, device=like.device)
    odd = lag.remainder(2) == 1
    kernel = torch.where(odd, -1 / (math.pi * lag).square(), 0)
    kernel[0] = 0.25
    frequency = torch.fft.rfftfreq(length, dtype=torch.float64, device=like.device)
    response: Tensor = torch.fft.rfft(kernel).real / torch.sinc(frequency).square()
    if window == "hamming":
        response = response * (0.54 + 0.46 * torch.cos(2 * math.pi * frequency))
    return response.to(like.dtype)


def _fast_length(size: int) -> int:
    """Return the smallest even 2-3-5-smooth number not below `size`."""
    length = size + size % 2
    while True:
        rest = length
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return length
        length += 2
