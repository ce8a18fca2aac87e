"""How a tomogram would show a scene: contrast transfer, tilts, noise and reconstruction, straight in Fourier space.

Tilt series are not simulated: a tilt measures a plane of the volume's Fourier transform
(:mod:`isonet.core.tilts.wedge`), the contrast transfer multiplies it, and back-projected noise has a known spectrum
(:mod:`isonet.core.tilts.noise`). So one transform takes the place of projection and back-projection; tests compare the
two.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core import fourier, rotation
from isonet.core.filters import ctf
from isonet.core.sampling import central_cube
from isonet.core.simulation.scenery import Scene
from isonet.core.tilts import noise, wedge
from isonet.core.tilts.noise import NoiseMode

_MARGIN = 12  # voxels around a cube within which the wedge smears content into it
Correction = Literal["none", "flipped", "wiener"]
CORRECTIONS: tuple[Correction, ...] = get_args(Correction)
_MODES: tuple[NoiseMode, ...] = ("unfiltered", "ramp", "hamming")


@dataclass(frozen=True)
class Imaging:
    """How one tomogram was recorded and reconstructed.

    Attributes
    ----------
    tilts : tuple of float
        Degrees: range or list.
    mode : str
        Filter of the reconstruction.
    snr : float
        Variance of the signal that was measured over that of the noise, voxel by voxel.
    optics : Optics, optional
        Contrast transfer; None leaves it out.
    correction : str
        What was done about it: `none`, phases `flipped`, or a `wiener` filter.
    falloff : float
        Frequency (cycles per voxel) at which signal and noise are down to one half: detector and low-pass.
    signal_falloff : float
        The same for the signal alone: motion, thickness, radiation.
    highpass : float
        Frequency (cycles per voxel) below which signal and noise are taken away; 0 leaves them.
    """

    tilts: tuple[float, ...]
    mode: NoiseMode
    snr: float
    optics: ctf.Optics | None = None
    correction: Correction = "none"
    falloff: float = math.inf
    signal_falloff: float = math.inf
    highpass: float = 0.0

    def transfer(self, frequency: Float[Tensor, "*k"], pixel_size: float) -> tuple[Tensor, Tensor]:
        """Factors of signal and of noise at frequencies in cycles per voxel."""
        both = fourier.half_at(frequency, self.falloff)
        if self.highpass > 0:
            both = both * (1 - torch.exp(-0.5 * (frequency / self.highpass).square()))
        signal = fourier.half_at(frequency, self.signal_falloff)
        if self.optics is not None:
            function = ctf.ctf(frequency / pixel_size, self.optics)
            if self.correction == "flipped":
                function = function.abs()
            elif self.correction == "wiener":
                both = both * ctf.WienerFilter(self.optics, pixel_size).at(2 * frequency)
            signal = signal * function
        return both * signal, both


def draw_imaging(random: np.random.Generator, snr: tuple[float, float]) -> Imaging:
    """Draw a way to record and reconstruct; `snr` from and to.

    One in two is the usual one: back-projection with a filter, of about as many tilts as most record, its contrast
    transfer corrected or of no account. The others are as different as those of laboratories are.
    """
    strength = float(snr[0] * (snr[1] / snr[0]) ** random.random())
    if random.random() < 0.5:
        mode = _MODES[int(random.choice(3, p=(0.0, 0.7, 0.3)))]
        low, high = -random.uniform(45, 65), random.uniform(45, 65)
        return Imaging(_tilts(low, high, random), mode, strength)
    low, high = -random.uniform(38, 70), random.uniform(38, 70)
    return Imaging(
        tilts=_tilts(low, high, random),
        mode=_MODES[int(random.choice(3, p=(0.2, 0.5, 0.3)))],
        snr=strength,
        optics=None if random.random() < 0.4 else _draw_optics(random),
        correction=CORRECTIONS[int(random.integers(3))],
        falloff=math.inf if random.random() < 0.4 else random.uniform(0.2, 0.6),
        signal_falloff=math.inf if random.random() < 0.4 else random.uniform(0.15, 0.5),
        highpass=0.0 if random.random() < 0.6 else random.uniform(0.003, 0.02),
    )


def _draw_optics(random: np.random.Generator) -> ctf.Optics:
    return ctf.Optics(
        defocus=float(random.uniform(10_000, 70_000)),
        voltage=float(random.choice((200.0, 300.0))),
        amplitude_contrast=float(random.uniform(0.05, 0.12)),
        phase_shift=90.0 if random.random() < 0.05 else 0.0,
    )


def _tilts(low: float, high: float, random: np.random.Generator) -> tuple[float, ...]:
    """All between two ends, or as often tilts 1 to 5 degrees apart, a few of them left out."""
    if random.random() < 0.5:
        return low, high
    angles = np.arange(low, high, random.uniform(1, 5))
    kept = angles[(random.random(len(angles)) > random.choice((0.0, 0.1))) | (np.arange(len(angles)) % 5 == 0)]
    return tuple(float(angle) for angle in kept)


def show(
    scene: Scene, corner: Sequence[int], cube: int, turn: Tensor, imaging: Imaging, random: np.random.Generator
) -> tuple[Float[Tensor, "c c c"], Float[Tensor, "c c c"], float]:
    """Show a piece of a scene as a tomogram would, and as it would without noise and wedge.

    Parameters
    ----------
    scene : Scene
        What is there.
    corner : sequence of int
        First voxel of the piece with its margins, which is :func:`piece_edge` wide.
    cube : int
        Edge of the cubes that are returned.
    turn : tensor
        Cube rotation (or a mirrored one) of the content.
    imaging : Imaging
        How it is recorded.
    random : Generator
        Source of the noise.

    Returns
    -------
    shown : tensor
        `v`, on the scale of a tomogram with mean 0 and standard deviation 1, its wedge empty.
    truth : tensor
        What of `v` is signal, the wedge included.
    strength : float
        Standard deviation of the signal in the whole scene on that scale.
    """
    edge = piece_edge(cube)
    content = scene.density[tuple(slice(c, c + edge) for c in corner)]
    content = rotation.rotate_cube(content, turn)
    shape = (edge, edge, edge)
    signal, damping = imaging.transfer(fourier.radial_frequency(shape), scene.pixel_size)
    weights = wedge.weight(shape, imaging.tilts, gap=0)
    variance = _variance(scene, imaging)
    white = torch.from_numpy(random.standard_normal(shape, dtype=np.float32))
    grain = noise.like_back_projection(white, noise.amplitude(shape, imaging.tilts, imaging.mode, gap=0) * damping)
    measured = variance * float((max(imaging.tilts) - min(imaging.tilts)) / 180)
    sigma = math.sqrt(measured / imaging.snr)
    scale = 1 / math.sqrt(measured + sigma**2)
    truth = fourier.apply(content, signal)
    shown = scale * (fourier.apply(truth, weights) + sigma * grain)
    return central_cube(shown, cube), scale * central_cube(truth, cube), scale * math.sqrt(variance)


def _variance(scene: Scene, imaging: Imaging) -> float:
    """Variance of a whole scene after its transfer, all directions measured."""
    frequency = torch.arange(len(scene.spectrum)) / scene.density.shape[0]
    signal, _ = imaging.transfer(frequency, scene.pixel_size)
    return max(1e-9, float((scene.spectrum * signal.square()).sum()))


def piece_edge(cube: int) -> int:
    """Edge of the piece of a scene that a cube needs: the cube and its margins."""
    return cube + 2 * _MARGIN
