"""Halves from tilts and halves from frames are told apart by their planes, at any signal-to-noise ratio."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from scipy.ndimage import gaussian_filter

from isonet.core.simulation import projection
from isonet.core.tilts.split import SplitEstimate, estimate, section_power, tilts_of_first
from isonet.io.formats import open_volume
from isonet.io.programs import metadata
from isonet.steps.prepare.checks.sections import Sections
from isonet.steps.prepare.tilt_lists import measure_split

Halves = tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
SHAPE = (48, 32, 96)


def reconstructed(tilts: Sequence[float], split: str, snr: float, seed: int = 0) -> Halves:
    """Back-projections of a few balls in noise, from the frames or from every other tilt."""
    generator = torch.Generator().manual_seed(seed)
    angles = torch.tensor(tilts, dtype=torch.float32)
    truth = torch.zeros(SHAPE)
    for corner in (torch.rand((40, 3), generator=generator) * torch.tensor([42.0, 26, 90])).int().tolist():
        truth[corner[0] : corner[0] + 4, corner[1] : corner[1] + 4, corner[2] : corner[2] + 4] += 1
    clean = projection.project(truth, angles, width=112)
    sigma = float(clean.std()) / snr**0.5
    noise = [sigma * torch.randn(clean.shape, generator=generator) for _ in range(2)]
    parts = [slice(0, None, 2), slice(1, None, 2)] if split == "tilts" else [slice(None)] * 2
    noises = noise if split == "frames" else [noise[0]] * 2
    halves = []
    for part, added in zip(parts, noises, strict=True):
        images = projection.ramp_filter((clean + added)[part], "ramp")
        halves.append(projection.back_project(images, angles[part], SHAPE[0], SHAPE[2]).numpy())
    return halves[0], halves[1]


def judged(halves: Halves) -> SplitEstimate:
    """Estimate from two parts along y."""
    middle = halves[0].shape[1] // 2
    powers = [[section_power(half[:, :middle]), section_power(half[:, middle:])] for half in halves]
    return estimate(powers[0], powers[1], halves[0].shape[2])


RANGES = {
    "60 by 3": np.arange(-60, 61, 3.0),
    "60 by 2": np.arange(-60, 61, 2.0),
    "-40 to 62 by 3": np.arange(-40, 63, 3.0),
    "45 by 5": np.arange(-45, 46, 5.0),
}


@pytest.mark.parametrize("snr", [0.01, 0.3, 1e6])
@pytest.mark.parametrize("name", RANGES)
def test_tilts_and_frames_are_told_apart(name: str, snr: float) -> None:
    tilts = RANGES[name].tolist()
    found = judged(reconstructed(tilts, "tilts", snr))
    assert found.kind == "tilts"
    assert tilts_of_first(found, tilts).tolist() == [index % 2 == 0 for index in range(len(tilts))]
    assert judged(reconstructed(tilts, "frames", snr)).kind != "tilts"


@pytest.mark.parametrize("split", ["frames", "tilts"])
@pytest.mark.parametrize("lowpass", [(0, 0.7), (1, 0), (1, 1)])
@pytest.mark.parametrize("snr", [0.01, 0.3])
def test_filtered_halves_are_what_they_were(split: str, lowpass: tuple[float, float], snr: float) -> None:
    halves = reconstructed(RANGES["60 by 3"].tolist(), split, snr)
    first, second = (gaussian_filter(half, one) for half, one in zip(halves, lowpass, strict=True))
    assert judged((first, second)).kind == split


def test_halves_exchanged_exchange_the_tilts() -> None:
    tilts = RANGES["60 by 3"].tolist()
    first, second = reconstructed(tilts, "tilts", 0.1)
    assert tilts_of_first(judged((second, first)), tilts).tolist() == [index % 2 == 1 for index in range(len(tilts))]


def test_every_other_tilt_in_the_order_of_acquisition() -> None:
    """A dose-symmetric series whose list is in the order of exposure, split by that order."""
    tilts = [0.0]
    for step in range(1, 14):
        tilts += [3.0 * step, -3.0 * step] if step % 2 else [-3.0 * step, 3.0 * step]
    chosen = tilts_of_first(judged(reconstructed(tilts, "tilts", 0.1)), tilts)
    assert chosen.tolist() == [index % 2 == 0 for index in range(len(tilts))]


def test_tilts_split_in_an_order_that_the_list_has_lost() -> None:
    """Every other one as recorded, and the list sorted by angle, as IMOD writes it; the smallest tilts do not show."""
    recorded = [0.0]
    for step in range(1, 14):
        recorded += [3.0 * step, -3.0 * step] if step % 2 else [-3.0 * step, 3.0 * step]
    chosen = tilts_of_first(judged(reconstructed(recorded, "tilts", 0.1)), sorted(recorded))
    right = [tilt in recorded[::2] for tilt in sorted(recorded)]
    assert sum(one == other for one, other in zip(chosen.tolist(), right, strict=True)) >= len(right) - 2


@pytest.mark.parametrize("shape", [(24, 32, 32), (48, 64, 64), (8, 8, 8)])
def test_noise_without_planes_says_nothing(shape: tuple[int, int, int]) -> None:
    for seed in range(8):
        random = np.random.default_rng(seed)
        first, second = (random.standard_normal(shape).astype(np.float32) for _ in range(2))
        assert judged((first, second)).kind == "unknown"


def test_empty_halves_say_nothing() -> None:
    empty = np.zeros((32, 16, 32), np.float32)
    assert judged((empty, empty)).kind == "unknown"


def test_real_halves_from_tilts(shared_data: Path) -> None:
    """EMPIAR-10499: even has tilts 0, 2, 4 ... of the series, odd the others."""
    even, odd = (shared_data / f"empiar10499/00254_wbp_20Apx_{half}_f16.mrc" for half in ("even", "odd"))
    found = measure_split(Sections.read(even), Sections.read(odd))
    assert found.kind == "tilts"
    tilts = metadata.read_tilt_angles(shared_data / "empiar10499/tiltseries/00254.xml").tolist()
    assert tilts_of_first(found, tilts).tolist() == [index % 2 == 0 for index in range(41)]
    full = open_volume(shared_data / "empiar10499/00254_wbp_20Apx_full_f16.mrc").read(slice(None), slice(0, 64))
    random = np.random.default_rng(0)
    noisy = [full + 0.1 * full.std() * random.standard_normal(full.shape).astype(np.float32) for _ in range(2)]
    assert judged((noisy[0], noisy[1])).kind == "frames"
    for lowpass in ((0, 1), (0, 2), (2, 2)):
        volumes = (open_volume(half).read(slice(None), slice(0, 128)) for half in (even, odd))
        first, second = (gaussian_filter(half, one) for half, one in zip(volumes, lowpass, strict=True))
        assert judged((first, second)).kind == "tilts"
