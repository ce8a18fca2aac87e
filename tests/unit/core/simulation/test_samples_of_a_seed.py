"""Imagined samples are those that the recipe of a starter, or a seed of `simulate`, has always meant.

A model's description names the seed and the recipe it was trained by; whoever trains it again must see the same
samples. `tests/data/0.1.0/samples.json` holds what version 0.1.0 imagined. Where a change is meant, write it anew, and
say in the changelog that older recipes cannot be repeated: python tests/unit/core/simulation/test_samples_of_a_seed.py
"""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from isonet.core.fourier import taper
from isonet.core.rotation import cube_rotations
from isonet.core.simulation import assemblies, imaging, particles, phantom, scenery

WRITTEN = Path(__file__).parents[3] / "data/0.1.0/samples.json"
Made = torch.Tensor | list[float]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def template() -> torch.Tensor:
    """A lopsided density."""
    axis = torch.arange(14.0)
    return taper((14, 12, 10), 4) * (1 + 0.5 * torch.sin(axis)[:, None, None] + 0.3 * torch.cos(axis[:12])[:, None])


def added(
    function: Callable[[torch.Tensor, float, np.random.Generator], None], pixel_size: float, seed: int
) -> torch.Tensor:
    volume = torch.zeros(40, 40, 40)
    function(volume, pixel_size, np.random.default_rng(seed))
    return volume


def scene(seed: int, *, templates: bool) -> torch.Tensor:
    chosen = [scenery.Template(template(), 11.0)] if templates else []
    made = scenery.scene(40, np.random.default_rng(seed), chosen)
    return torch.cat([made.density.flatten(), made.spectrum, torch.tensor([made.pixel_size])])


def shown(seed: int) -> torch.Tensor:
    random = np.random.default_rng(seed)
    made = scenery.scene(48, random)
    how = imaging.draw_imaging(random, (0.05, 1.0))
    piece, truth, strength = imaging.show(made, (1, 2, 3), 20, cube_rotations()[seed], how, random)
    return torch.cat([piece.flatten(), truth.flatten(), torch.tensor([strength])])


def recorded(seed: int) -> list[float]:
    how = imaging.draw_imaging(np.random.default_rng(seed), (0.05, 1.0))
    optics = how.optics
    tilts = [min(how.tilts), max(how.tilts), float(len(how.tilts)), sum(how.tilts)]
    lens = [] if optics is None else [optics.defocus, optics.voltage, optics.amplitude_contrast, optics.phase_shift]
    kind = [len(how.mode), len(how.correction), how.snr]
    falls = [min(9.0, how.falloff), min(9.0, how.signal_falloff), how.highpass]
    return [*tilts, *lens, *map(float, kind), *falls]


def cell(seed: int, **options: Any) -> torch.Tensor:
    made = phantom.cell((44, 60, 52), 10.0, seeded(seed), **options)
    where = [torch.cat([p.centre, p.matrix.flatten(), p.axis.abs(), torch.tensor([p.solid])]) for p in made.placements]
    return torch.cat([made.density.flatten(), *where])


def line() -> torch.Tensor:
    part = torch.linspace(0, 1, 60)[:, None]
    return torch.tensor([[40.0, 20, 30]]) + part * torch.tensor([[60.0, 420, 90]]) + 30 * torch.sin(math.pi * part)


def drawn(cloud: particles.Cloud) -> torch.Tensor:
    volume = torch.zeros(30, 50, 36)
    particles.draw(volume, cloud, torch.tensor([2.0, 1.5, -2.25]), 10.0)
    return torch.cat([volume.flatten(), cloud.positions.flatten(), cloud.weights, torch.tensor([cloud.sigma])])


SAMPLES: dict[str, Callable[[int], Made]] = {
    "scene": lambda seed: scene(seed, templates=False),
    "scene with a template": lambda seed: scene(seed, templates=True),
    "shown": shown,
    "recorded": recorded,
    "membrane": lambda seed: added(scenery.add_membrane, 9.0 + 3 * seed, seed),
    "filament": lambda seed: added(scenery.add_filament, 9.0 + 3 * seed, seed),
    "irregular": lambda seed: assemblies.irregular(np.random.default_rng(seed), 9.0 + 3 * seed),
    "symmetric": lambda seed: assemblies.symmetric(np.random.default_rng(seed), 9.0 + 3 * seed),
    "density": lambda seed: assemblies.from_density(template(), 10.0, np.random.default_rng(seed), 7.0 + 3 * seed),
    "microtubule": lambda seed: drawn(particles.microtubule(line(), 8.0 + 4 * seed)),
    "actin": lambda seed: drawn(particles.actin(line(), 8.0 + 4 * seed)),
    "thread": lambda seed: drawn(particles.thread(line(), 8.0 + 4 * seed)),
    "particle": lambda seed: drawn(particles.particle(seeded(seed), 8.0 + 2 * seed)),
    "cell": lambda seed: cell(seed, species=2, templates=[template()], filaments=seed, vesicles=seed % 2),
    "crowded cell": lambda seed: cell(seed, species=3, vesicles=0, filaments=0, crowding=0.3, sheets=seed % 3),
}
NUMBER = {"scene": 14, "recorded": 12, "shown": 8}


def fingerprint(made: Made) -> list[float]:
    """Number of values, their mean and spread, and three sums in which each value counts differently."""
    values = torch.as_tensor(made, dtype=torch.float64).flatten()
    if len(values) < 30:
        return [round(float(value), 5) for value in values]
    place = torch.arange(len(values), dtype=torch.float64)
    sums = [float((values * torch.cos(step * place)).sum()) / math.sqrt(len(values)) for step in (0.013, 0.41, 1.7)]
    return [float(len(values)), *(round(value, 5) for value in (float(values.mean()), float(values.std()), *sums))]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_seed_means_the_same_sample_as_ever(name: str) -> None:
    told = json.loads(WRITTEN.read_text(encoding="utf-8"))[name]
    for seed, expected in enumerate(told):
        assert fingerprint(SAMPLES[name](seed)) == pytest.approx(expected, rel=2e-3, abs=2e-3), f"seed {seed}"
    assert len(told) == NUMBER.get(name, 5)


if __name__ == "__main__":
    every = {name: [fingerprint(make(seed)) for seed in range(NUMBER.get(name, 5))] for name, make in SAMPLES.items()}
    text = {name: ",".join(f"\n  {json.dumps(one)}" for one in told) for name, told in every.items()}
    lines = [f'"{name}": [{told}]' for name, told in text.items()]
    WRITTEN.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
