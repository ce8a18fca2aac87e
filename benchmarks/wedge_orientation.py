"""How well is the orientation of the wedge read from a power spectrum? Levelled tomograms, and as many at home.

    python benchmarks/wedge_orientation.py --cases 40

Prints the errors of each case (turns about x and z, both ends, in degrees), the largest of all, and how many of those
at home would be warned of.
"""

import argparse
import math

import numpy as np
import torch
from torch import Tensor

from isonet.core.simulation import levelling, phantom, projection
from isonet.core.tilts.fullness import GRID, block_power, fullness
from isonet.core.tilts.measured import Sweep, positioned
from isonet.core.tilts.orientation_estimate import estimate_orientation
from isonet.steps.prepare.checks.orientation import TOLERANCE


def tomogram(shape: tuple[int, int, int], sweep: Sweep, turns: tuple[float, float], snr: float, seed: int) -> Tensor:
    """Simulate a tilt series of a volume that lies turned about x and z, and reconstruct it."""
    generator = torch.Generator().manual_seed(seed)
    cell = phantom.cell(shape, 10.0, generator, species=4, crowding=0.1, vesicles=2, filaments=2)
    seen, tilts = levelling.as_in_microscope(-cell.density, *turns), torch.tensor(sweep.tilts)
    images = projection.project(seen, tilts, width=math.ceil(math.hypot(seen.shape[0], seen.shape[2])))
    sigma = math.sqrt(float(images.var(dim=(1, 2)).mean()) / snr)
    images = projection.ramp_filter(images + sigma * torch.randn(images.shape, generator=generator))
    if turns == (0.0, 0.0):
        return projection.back_project(images, tilts, shape[0], shape[2])
    return levelling.back_project_turned(levelling.finer(images), sweep, shape)


def main() -> None:
    """Measure all and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=40, help="tomograms that are levelled, and that are not")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    random, errors, wrong = np.random.default_rng(options.seed), [], 0
    for case in range(2 * options.cases):
        levelled = case < options.cases
        about_x, about_y, about_z = (random.uniform(-12, 12), random.uniform(-10, 10), random.uniform(-4, 4))
        if not levelled:
            about_x = about_y = about_z = 0.0
        snr, step = float(random.choice([0.1, 0.2, 0.5, 1.0])), float(random.choice([2.0, 3.0]))
        low, high = -float(random.choice([48, 54, 60])), float(random.choice([48, 54, 60]))
        shape = (int(random.integers(48, 80)), *(int(random.integers(90, 128)),) * 2)
        sweep = positioned((np.arange(low, high + 0.1, step) + about_y).tolist(), about_x, about_z)
        volume = tomogram(shape, sweep, (about_x, about_z), snr, 1000 + case)[:GRID, :GRID, :GRID]
        power = block_power(volume)
        if power is None:
            raise ValueError("too small")
        found = estimate_orientation(fullness(power))
        ends = found.tilt_min - sweep.ends[0], found.tilt_max - sweep.ends[1]
        errors.append((found.about_x - about_x, found.about_z - about_z, *ends))
        wrong += not levelled and max(abs(found.about_x), abs(found.about_z)) > TOLERANCE
        print(case, snr, shape, " ".join(f"{error:.1f}" for error in errors[-1]), found.clear, flush=True)
    largest = np.abs(np.array(errors))
    for name, part in (("levelled", largest[: options.cases]), ("at home", largest[options.cases :])):
        about_x, about_z, ends = part[:, 0].max(), part[:, 1].max(), part[:, 2:].max()
        print(f"{name}: largest errors about x {about_x:.2f}, z {about_z:.2f}, of the ends {ends:.2f} degrees")
    print(f"{wrong} of {options.cases} at home would be warned of")


if __name__ == "__main__":
    main()
