"""How well is the tilt range read from a tomogram's power spectrum? Over sizes, ranges, steps, noise and filters.

Simulates tomograms with values drawn from the lists below, and volumes without a wedge:

    python benchmarks/wedge_check.py --cases 60

Prints one line per case and the statistics of the errors of both ends.
"""

import argparse
import math
import random

import numpy as np
import torch
from torch import Generator, Tensor

from isonet.core import fourier
from isonet.core.simulation import phantom
from isonet.core.simulation.projection import back_project, project, ramp_filter
from isonet.core.tilts import wedge_estimate, wedge_spectrum
from isonet.core.tilts.wedge_estimate import WedgeEstimate

RANGES = [(-60, 60), (-45, 45), (-40, 62), (-62, 40), (-70, 70), (-30, 30), (-54, 66), (-20, 68)]
STEPS = [1, 2, 3, 4, 5]
DEPTHS = [40, 64, 128, 200, 300]
SIGNAL_TO_NOISE = [0.05, 0.1, 0.3, 0.8]
CHANGES = ["ramp", "hamming", "SIRT-like", "low-passed", "int8", "float16", "padded", "mirrored", "thin", "wide"]


def phantom_volume(depth: int, seed: int) -> Tensor:
    """Cell-like density 48 voxels high and 80 wide."""
    generator = Generator().manual_seed(seed)
    return -phantom.cell((depth, 48, 80), 10.0, generator, species=3, vesicles=1, filaments=1).density


def tomogram(depth: int, tilts: Tensor, snr: float, change: str, seed: int) -> Tensor:
    """Simulate a tilt series, reconstruct it and change the result."""
    specimen = phantom_volume(40 if change == "thin" else depth, seed)
    lack = max(0, depth - specimen.shape[0])
    specimen = torch.nn.functional.pad(specimen, (0, 0, 0, 0, lack // 2, lack - lack // 2))
    images = project(specimen, tilts, width=math.ceil(math.hypot(depth, 80)))
    sigma = math.sqrt(float(images.var(dim=(1, 2)).mean()) / snr)
    images = images + sigma * torch.randn(images.shape, generator=Generator().manual_seed(seed))
    if change != "SIRT-like":
        images = ramp_filter(images, "hamming" if change == "hamming" else "ramp")
    volume = back_project(images, tilts, depth, 140 if change == "wide" else 80)
    return changed(volume / volume.std(), change)


def changed(volume: Tensor, change: str) -> Tensor:
    """Do to a tomogram what other programs do."""
    if change == "low-passed":
        return fourier.apply(volume, fourier.low_pass(fourier.spatial_shape(volume), 0.12))
    if change == "int8":
        return (volume * 4).round().clamp(-128, 127)
    if change == "float16":
        return (volume * 10 + 1000).half().float()
    if change == "padded":
        return torch.nn.functional.pad(volume, (20, 30, 0, 10, 15, 15), value=2.0)
    return volume.flip(0) if change == "mirrored" else volume


def measured(volume: Tensor) -> WedgeEstimate:
    """Estimate the wedge of a volume in memory."""
    blocks = wedge_spectrum.spread_blocks(fourier.spatial_shape(volume), 8)
    spectra = [wedge_spectrum.slice_spectra(volume[block].numpy()) for block in blocks]
    return wedge_estimate.estimate_wedge(np.mean([found for found in spectra if found is not None], axis=0))


def main() -> None:
    """Simulate, measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    choose = random.Random(options.seed)
    errors: list[float] = []
    missed = 0
    for case in range(options.cases):
        low, high = choose.choice(RANGES)
        step, depth, snr = choose.choice(STEPS), choose.choice(DEPTHS), choose.choice(SIGNAL_TO_NOISE)
        change = CHANGES[case % len(CHANGES)]
        tilts = torch.arange(low, high + 0.01, step)
        found = measured(tomogram(depth, tilts, snr, change, options.seed + case))
        ends = (float(tilts[0]), float(tilts[-1]))
        told = (-ends[1], -ends[0]) if change == "mirrored" else ends
        error = (found.tilt_min - told[0], found.tilt_max - told[1])
        print(
            f"{told[0]:g} to {told[1]:g} by {step}, {depth} slices, SNR {snr}, {change}: {found.state}, "
            f"errors {error[0]:+.2f} {error[1]:+.2f}, contrast {found.contrast:.0f}",
            flush=True,
        )
        if found.state == "wedge" and found.at_home:
            errors += error
        else:
            missed += 1
    wrong = sum(
        measured(volume).state != "none"
        for seed in range(8)
        for volume in (phantom_volume(64, seed), torch.randn(64, 48, 80, generator=Generator().manual_seed(seed)))
    )
    square, largest = torch.tensor(errors).square().mean().sqrt(), torch.tensor(errors).abs().max()
    print(
        f"{options.cases} tomograms: {missed} not recognised; errors of {len(errors)} ends: root mean square "
        f"{float(square):.2f}, largest {float(largest):.2f} degrees; 16 volumes without a wedge: {wrong} not recognised"
    )


if __name__ == "__main__":
    main()
