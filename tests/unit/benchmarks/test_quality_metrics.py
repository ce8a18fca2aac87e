"""The benchmark's measures, on pictures whose answer is plain, and its prior-based baseline."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

import quality as benchmark
import withheld
from isonet.config import RefineConfig, SimulateConfig
from isonet.core.comparison import metrics
from isonet.core.tilts import wedge
from isonet.io import mrc
from isonet.io.mrc_bytes.header import Header
from isonet.steps.simulate import simulate
from isonet.volumes.preview import mean_balance, wedge_balance
from judging import cases as samples
from judging import metrics as quality
from judging import total_variation

SHAPE = (40, 48, 56)
GRID = np.indices(SHAPE).astype(np.float32)


def distance(*centre: float) -> np.ndarray:
    return np.sqrt(sum((axis - c) ** 2 for axis, c in zip(GRID, centre, strict=True)))


def ball(radius: float, *centre: float) -> np.ndarray:
    return np.clip(radius + 0.5 - distance(*centre), 0, 1).astype(np.float32)


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(SHAPE).astype(np.float32)


CENTRES = np.array([[12.0, 14, 14], [26, 30, 16], [14, 34, 40], [28, 14, 42]])


def test_recall_counts_what_is_found_among_as_many_picks() -> None:
    radii = [5.0, 5.0, 4.0, 7.0]
    density = sum(ball(radius, *centre) for radius, centre in zip(radii, CENTRES, strict=True))
    assert quality.picking_recall(density + 0.2 * noise(0), CENTRES, radii) == 1
    missing = density - ball(5.0, *CENTRES[0])
    assert quality.picking_recall(missing, CENTRES, radii) == 0.75
    assert quality.picking_recall(np.roll(density, 4, axis=1), CENTRES, radii) <= 0.25
    assert quality.picking_recall(-density, CENTRES, radii) == 0


def test_a_vesicle_with_a_hole_is_open() -> None:
    shell = np.exp(-0.5 * ((distance(20, 24, 28) - 10) / 1.2) ** 2).astype(np.float32)
    assert quality.closed_vesicles(3 * shell + 7, shell, 1.0) == 1
    caps = shell * (np.abs(GRID[0] - 20) < 8)
    assert quality.closed_vesicles(caps, shell, 1.0) == 0
    assert quality.closed_vesicles(wedge.apply(torch.from_numpy(shell), (-50, 50)).numpy(), shell, 1.0) == 0
    solid = shell + 2 * ball(10, 20, 24, 28)
    assert quality.closed_vesicles(solid, shell, 1.0) == 0
    assert quality.closed_vesicles(noise(8), shell, 1.0) == 0
    assert math.isnan(quality.closed_vesicles(shell, ball(5, 20, 24, 28), 1.0))


def test_power_in_the_wedge_is_told_by_what_was_measured() -> None:
    """Noise in every direction is as strong as what was measured of it, and a tenth of it a hundredth."""
    ice, tilts = torch.from_numpy(noise(3)), (-50.0, 50.0)
    given = wedge.apply(ice, tilts)

    def made(volume: torch.Tensor) -> float:
        return mean_balance(wedge_balance(volume.numpy(), tilts, measured=given.numpy()))

    assert made(given) < 0.02
    assert made(ice + 5) == pytest.approx(1, rel=0.3)
    assert made(0.1 * ice) == pytest.approx(0.01, rel=0.3)


def test_contrast_across_the_beam_is_relative_to_the_truths() -> None:
    truth = ndimage.gaussian_filter(noise(1), 1.5)
    assert quality.slice_contrast(5 * truth - 2, truth) == pytest.approx((1, 1), abs=1e-4)
    blurred = ndimage.gaussian_filter1d(truth, 3, axis=0)
    assert max(quality.slice_contrast(blurred, truth)) < 0.95
    turned = ndimage.gaussian_filter1d(truth, 3, axis=1)
    xz, yz = quality.slice_contrast(turned, truth)
    assert xz > 1.1 and xz > yz


def test_correlation_is_binned_by_the_angle_to_the_beam() -> None:
    truth = noise(2)
    spoilt = np.where(distance(*CENTRES[3]) < 10, noise(3), truth)
    along, between, across = quality.orientation_correlation(spoilt, truth, CENTRES, [5.0] * 4, [0, 20, 29, 75])
    assert along > 0.99 and math.isnan(between) and abs(across) < 0.3
    assert quality.orientation_correlation(truth, truth, CENTRES, [5.0] * 4, [0, 90, 89, 31]) == pytest.approx(
        (1, 1, 1)
    )


def test_a_sheet_is_judged_by_its_profile_along_z() -> None:
    sheet = np.exp(-0.5 * ((GRID[0] - 15) / 2) ** 2).astype(np.float32)
    assert quality.sheet_correlation(2 * sheet + 1, sheet) == pytest.approx(1)
    assert abs(quality.sheet_correlation(np.roll(sheet, 12, axis=0), sheet)) < 0.5
    assert abs(quality.sheet_correlation(sheet * noise(4), sheet)) < 0.6


def test_components_are_counted_above_a_threshold_of_equal_volume() -> None:
    truth = sum(ball(4.0, *centre) for centre in CENTRES)
    density = 10 * truth + ball(0.5, 5, 5, 50) * 20
    threshold = quality.threshold_like(density, truth, 0.5)
    assert 0 < threshold < 10
    assert quality.components_above(density, threshold) == 4
    assert quality.components_above(density, threshold, smallest=1) == 5
    assert quality.components_above(noise(5), 6.0) == 0


def test_what_is_shown_and_not_there_is_counted() -> None:
    """Of four things two are somewhere else, and one of these is flat."""
    truth = sum(ball(4.5, *centre) for centre in CENTRES)
    plate = (np.abs(GRID[0] - 33) < 1.5) & (np.hypot(GRID[1] - 34, GRID[2] - 42) < 5.5)
    there = 3 * (ball(4.5, *CENTRES[0]) + ball(4.5, *CENTRES[3]))
    shown = there + 2 * ball(4.5, 12, 34, 16) + 2 * plate + 0.01 * noise(6)
    assert quality.inventions(truth + 0.01 * noise(6), truth, 0.5) == (0, 0, 0)
    assert quality.inventions(shown.astype(np.float32), truth, 0.5) == (pytest.approx(0.45, abs=0.05), 2, 1)
    assert quality.inventions(np.roll(truth, 2, axis=2) + 0.01 * noise(6), truth, 0.5) == (0, 0, 0)


def test_withheld_measurement_is_compared_across_halves(tmp_path: Path) -> None:
    """A result that repeats its own half's noise gains nothing by it; the unfilled one has nothing there at all."""
    signal, header = noise(7), Header((10.0, 10.0, 10.0))
    measured = [signal + noise(seed) for seed in (8, 9)]
    paths = {}
    for name, volumes in {"measured": measured, "clean": [signal, signal], "own": measured}.items():
        paths[name] = [tmp_path / f"{name}{number}.mrc" for number in (1, 2)]
        for path, volume in zip(paths[name], volumes, strict=True):
            mrc.write(path, volume, header)
    withheld_part = withheld.Measurement(paths["measured"][0], (-60, 60), 40.0).region
    fsc = {name: withheld.crossed(found, paths["measured"], withheld_part).mean(0.1) for name, found in paths.items()}
    assert fsc["own"] == pytest.approx(0.5, abs=0.1)
    assert fsc["clean"] == pytest.approx(math.sqrt(0.5), abs=0.1)
    narrow = [withheld.write_narrowed(path, 40.0, tmp_path) for path in paths["measured"]]
    left = withheld.crossed(narrow, paths["measured"], withheld_part)
    assert left.power(0.1) < 0.1 and left.mean(0.1) < fsc["own"]


def test_what_is_too_small_to_judge_is_refused_before_training(tmp_path: Path) -> None:
    mrc.write(tmp_path / "small.mrc", noise(1), Header((10.0, 10.0, 10.0)))
    with pytest.raises(SystemExit, match=r"small\.mrc: too small for --keep 58"):
        withheld.withhold(withheld.Measurement(tmp_path / "small.mrc", (-60, 60), 58.0), tmp_path / "out", ())
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", samples.all_cases())
def test_sample_names_say_what_they_are(name: str) -> None:
    case = samples.all_cases()[name]
    if name[0] in "0123456789a":
        range_name, snr, *ctf = name.split("-")
        assert (case.tilts, case.snr, case.ctf) == (samples.TILTS[range_name], float(snr), ctf == ["ctf"])


@pytest.mark.parametrize("split", ["frames", "tilts"])
def test_empty_ice_has_the_noise_of_its_sample_and_nothing_else(tmp_path: Path, split: Any) -> None:
    sizes = {"depth": 32, "height": 40, "width": 48, "tilt_step": 6.0, "species": 2, "vesicles": 0, "filaments": 0}
    simulate(SimulateConfig(output_dir=tmp_path / "data", snr=0.05, split=split, **sizes))
    samples.write_ice(tmp_path / "data", tmp_path / "ice", seed=0, split=split)
    sample, ice = (
        {name: withheld.read(tmp_path / kind / f"{name}.mrc") for name in ("full", "even", "odd")}
        for kind in ("data", "ice")
    )
    noise_of_sample = (sample["even"] - sample["odd"]) / 2
    assert float(ice["full"].std()) == pytest.approx(float(noise_of_sample.std()), rel=0.03)
    assert torch.allclose(ice["full"], (ice["even"] + ice["odd"]) / 2, atol=1e-4)
    spectra = metrics.shell_correlation(ice["full"], noise_of_sample)
    assert spectra.power_ratio[2:].numpy() == pytest.approx(1, abs=0.3)
    assert abs(metrics.correlation(ice["full"], sample["full"])) < 0.05


def test_ablations_become_options_of_refine() -> None:
    words = benchmark.flags("noise2noise:wedge1+rotations", ("--cube-size", "48"), "5min")
    assert words[:6] == ["--method", "noise2noise", "--time-budget", "5min", "--cube-size", "48"]
    assert words[6:] == ["--wedge-weight", "1", "--random-rotations", "0.5"]
    fields = {f"--{name.replace('_', '-')}" for name in RefineConfig.model_fields}
    for options in benchmark.ABLATIONS.values():
        assert {word.replace("--no-", "--") for word in options if word.startswith("--")} <= fields


def test_least_total_variation_fills_the_wedge_of_balls() -> None:
    """Piecewise constant things are what the prior is made for; measured coefficients stay."""
    truth = torch.from_numpy(sum(ball(6.0, *centre) for centre in CENTRES))
    tilts = (-60.0, 60.0)
    tomogram = wedge.apply(truth, tilts) + 0.02 * wedge.apply(torch.from_numpy(noise(6)), tilts)
    before = metrics.wedge_correlation(tomogram, truth, tilts)
    result = total_variation.reconstruct(tomogram, tilts, 0.02, iterations=10)
    after = metrics.wedge_correlation(result, truth, tilts)
    assert before[0].mean() < 0.3 < 0.5 < after[0].mean()
    assert after[1].mean() > before[1].mean() - 0.01
    assert float(result.mean()) == pytest.approx(float(tomogram.mean()), abs=1e-3)
