"""The wedge that a volume shows: real and simulated tomograms, every axis, noise, filters, and volumes without one."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from skimage.transform import iradon, radon
from torch import Tensor

from isonet.core import fourier
from isonet.core.simulation import phantom
from isonet.core.simulation.projection import Window, back_project, project, ramp_filter
from isonet.core.tilts import wedge, wedge_spectrum
from isonet.core.tilts.wedge_estimate import WedgeEstimate, estimate_wedge, verdict
from isonet.io.formats import open_volume

SHAPE = (48, 48, 64)
UNEVEN = (-40.0, 62.0)


def measured(volume: Tensor) -> WedgeEstimate:
    blocks = wedge_spectrum.spread_blocks(fourier.spatial_shape(volume), 4)
    spectra = [wedge_spectrum.slice_spectra(volume[block].float().numpy()) for block in blocks]
    return estimate_wedge(np.mean([found for found in spectra if found is not None], axis=0))


def noise(shape: tuple[int, int, int] = SHAPE, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def truth(shape: tuple[int, int, int] = SHAPE) -> Tensor:
    return phantom.cell(shape, 10.0, torch.Generator().manual_seed(3), species=3, vesicles=1, filaments=1).density


def tomogram(
    specimen: Tensor, tilts: Tensor, snr: float = 0.8, window: Window = "ramp", dose_weighted: bool = False
) -> Tensor:
    images = project(specimen, tilts, width=math.ceil(math.hypot(specimen.shape[0], specimen.shape[2])))
    images = images + float(images.var(dim=(1, 2)).mean() / snr) ** 0.5 * noise(fourier.spatial_shape(images), 9)
    if dose_weighted:  # 2 e/A^2 per degree from zero tilt outwards, at 10 A per pixel
        k = torch.hypot(*torch.meshgrid(*map(torch.fft.fftfreq, images.shape[1:]), indexing="ij")).clamp_min(0.003)
        critical = 0.245 * (k / 10) ** -1.665 + 2.81
        decay = torch.exp(-tilts.abs()[:, None, None] / critical) * torch.deg2rad(tilts).cos()[:, None, None]
        images = torch.fft.ifft2(torch.fft.fft2(images) * decay).real
    return back_project(ramp_filter(images, window), tilts, specimen.shape[0], specimen.shape[2])


@pytest.fixture(scope="module")
def uneven() -> Tensor:
    """A simulated tomogram of tilts from -40 to 62 degrees."""
    return tomogram(truth(), torch.arange(-40.0, 62.1, 2))


def assert_range(found: WedgeEstimate, tilts: tuple[float, float], degrees: float = 3.0) -> None:
    assert found.state == "wedge", found
    assert (found.tilt_min, found.tilt_max) == pytest.approx(tilts, abs=degrees)


@pytest.mark.parametrize(
    ("name", "tilts"),
    [("full_f16", 60), ("even_f16", 60), ("odd_f16", 57), ("crop96x160x160_int8", 60)],
)
def test_a_real_tomogram_and_its_halves_show_their_tilts(shared_data: Path, name: str, tilts: float) -> None:
    """The halves are of the tilts 0, 2, 4... and 1, 3, 5... of 41: six degrees apart, the odd ones end at 57."""
    volume = open_volume(shared_data / f"empiar10499/00254_wbp_20Apx_{name}.mrc")
    found = measured(torch.from_numpy(volume.read()))
    assert_range(found, (-tilts, tilts))
    assert found.at_home
    assert found.contrast > 20


@pytest.mark.parametrize(("depth", "snr"), [(40, 0.1), (96, 0.8)])
@pytest.mark.parametrize(
    ("low", "high", "step"), [(-60, 60, 3), (-45, 45, 3), (-40, 62, 2), (-62, 40, 1), (-50, 70, 5)]
)
def test_simulated_tomograms_show_their_tilts(low: float, high: float, step: float, depth: int, snr: float) -> None:
    specimen = noise((depth, 40, 64)) * 0.2
    specimen[8:-8, 8:-8, 12:-12] += truth((depth - 16, 24, 40))
    found = measured(tomogram(specimen, torch.arange(low, high + 0.1, step), snr))
    assert_range(found, (low, high))
    assert found.at_home


@pytest.mark.parametrize("change", ["hamming", "dose", "low-passed", "int8", "masked", "thin", "gold"])
def test_filters_gold_and_thin_ice_leave_the_range_as_it_is(change: str, uneven: Tensor) -> None:
    tilts, specimen = torch.arange(-40.0, 62.1, 3), truth()
    if change in ("hamming", "dose"):
        volume = tomogram(specimen, tilts, window="hamming", dose_weighted=change == "dose")
    elif change == "low-passed":
        volume = fourier.apply(uneven, fourier.low_pass(SHAPE, 0.1))
    elif change == "int8":
        volume = (uneven / uneven.std() * 3).round().clamp(-128, 127)
    elif change == "masked":
        volume = torch.zeros(80, 60, 90)
        volume[20:60, 8:44, 15:71] = uneven[4:-4, 6:-6, 4:-4]
    elif change == "thin":
        volume = tomogram(torch.nn.functional.pad(specimen[16:-16], (0, 0, 0, 0, 40, 40)), tilts)
    else:
        specimen[20:24, 20:24, 30:34] += 300
        specimen[30:34, 40:44, 10:14] += 300
        volume = tomogram(specimen, tilts)
    assert_range(measured(volume), UNEVEN)


def test_another_program_gives_the_same_sign() -> None:
    """scikit-image's theta is minus our angle."""
    random = np.random.default_rng(0)
    disc = np.hypot(*np.mgrid[-24:24, -24:24]) < 20
    theta = -np.arange(-40, 63, 2.0)
    sinograms = (radon(random.normal(size=(48, 48)) * disc, theta=theta, circle=True) for _ in range(32))
    volume = np.stack([iradon(sinogram, theta=theta, circle=True) for sinogram in sinograms], axis=1)
    assert_range(measured(torch.from_numpy(volume)), UNEVEN)


@pytest.mark.parametrize(
    ("order", "axis", "beam"),
    [((0, 1, 2), "y", "z"), ((0, 2, 1), "x", "z"), ((2, 1, 0), "y", "x"), ((1, 2, 0), "z", "x"), ((2, 0, 1), "x", "y")],
)
def test_axis_and_beam_are_found_whichever_way_the_volume_lies(
    uneven: Tensor, order: tuple[int, int, int], axis: str, beam: str
) -> None:
    """`order` puts beam (0), tilt axis (1) and the axis across (2) where z, y and x were."""
    assert ("zyx"[order.index(1)], "zyx"[order.index(0)]) == (axis, beam)
    found = measured(uneven.permute(order).contiguous())
    assert (found.axis, found.beam) == (axis, beam)
    assert not found.as_imod_tilt
    assert_range(found, UNEVEN)


def test_a_volume_with_the_beam_along_y_shows_the_range_it_will_have_once_turned(uneven: Tensor) -> None:
    as_imod = torch.rot90(uneven, -1, (0, 1))
    found = measured(as_imod)
    assert found.as_imod_tilt
    assert_range(found, UNEVEN)
    assert_range(measured(torch.rot90(as_imod, 1, (0, 1))), UNEVEN)
    assert_range(measured(torch.rot90(as_imod, -1, (0, 1))), (-62, 40))  # the other way, and the axis points down


@settings(max_examples=5, deadline=None)
@given(scale=st.floats(1e-3, 1e4), sign=st.sampled_from([-1, 1]), offset=st.floats(-30, 30))
def test_grey_scale_and_contrast_do_not_matter(uneven: Tensor, scale: float, sign: int, offset: float) -> None:
    volume = uneven / uneven.std()
    here, there = measured(volume), measured(sign * scale * (volume + offset))
    assert (there.tilt_min, there.tilt_max) == pytest.approx((here.tilt_min, here.tilt_max), abs=0.1)


def test_flipping_the_volume_flips_the_range(uneven: Tensor) -> None:
    here, there = measured(uneven), measured(uneven.flip(0))
    assert (there.tilt_min, there.tilt_max) == pytest.approx((-here.tilt_max, -here.tilt_min), abs=0.5)


def test_constant_padding_changes_nothing(uneven: Tensor) -> None:
    padded = torch.nn.functional.pad(uneven, (20, 11, 3, 0, 30, 30), value=7.0)
    assert np.array_equal(wedge_spectrum.without_padding(padded.numpy()), uneven.numpy())
    assert measured(padded) == measured(uneven)


@pytest.mark.parametrize("edge", [32, 40, 64])
def test_a_volume_without_a_wedge_shows_none(edge: int) -> None:
    shape = (edge, edge, edge)
    smooth = fourier.apply(noise(shape), fourier.low_pass(shape, 0.15))
    for volume in (truth(shape), noise(shape), smooth, (noise(shape) * 3).round()):
        found = measured(volume)
        assert found.state == "none", found
        assert math.isnan(found.tilt_min)
        assert not found.as_imod_tilt


def test_a_wedge_filled_where_the_signal_is_counts_as_none(uneven: Tensor) -> None:
    """Corrected tomograms may keep the noise of the measured region at high frequencies."""
    specimen = -truth() / truth().std() * uneven.std()
    assert measured(wedge.fill(uneven, specimen, wedge.weight(SHAPE, UNEVEN))).state == "none"


@pytest.mark.parametrize("amplitude", [0.3, 0.45])
def test_a_wedge_half_filled_is_unclear(amplitude: float) -> None:
    weight = wedge.weight(SHAPE, (-60, 60))
    found = measured(fourier.apply(noise(), weight + amplitude * (1 - weight)))
    assert found.state == "unclear"


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_smooth_fall_of_power_towards_an_axis_is_no_wedge(axis: int) -> None:
    """As the ramp filter leaves in every tomogram, corrected or not."""
    ramp = fourier.frequencies(SHAPE)[axis].abs()
    assert measured(fourier.apply(noise(), ramp)).state != "wedge"


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("dirt", [0.0, 0.01])
def test_stripes_along_an_axis_are_no_wedge(axis: int, dirt: float) -> None:
    """Their power lies in one plane."""
    stripes = noise().narrow(axis, 0, 1).expand(SHAPE) + dirt * noise(seed=1)
    assert measured(stripes).state != "wedge"


def wedge_of(low: float, high: float, axis: str = "y", beam: str = "z") -> WedgeEstimate:
    return WedgeEstimate("wedge", axis, beam, low, high, 0.5, 100.0)


@pytest.mark.parametrize(
    ("found", "tilts", "findings"),
    [
        (wedge_of(-60, 60), (-60, 60), ["agrees"]),
        (wedge_of(-55.5, 64.5), (-60, 60), ["agrees"]),
        (wedge_of(-54.5, 60), (-60, 60), ["range"]),
        (wedge_of(-60, 65.5), (-60, 60), ["range"]),
        (wedge_of(-40, 62), [-41, 0, 20, 60], ["agrees"]),
        (wedge_of(-62, 40), (-40, 62), ["mirrored"]),
        (wedge_of(-62, 20), (-40, 62), ["range"]),
        (wedge_of(-60, 60, "x"), (-60, 60), ["axis"]),
        (wedge_of(-62, 40, "x"), (-40, 62), ["axis"]),
        (wedge_of(-45, 45, "x"), (-60, 60), ["axis", "range"]),
        (wedge_of(-40, 62, "z", "y"), (-40, 62), ["axis"]),
        (wedge_of(-62, 40, "z", "y"), (-40, 62), ["axis", "mirrored"]),
        (WedgeEstimate("none", "y", "z", math.nan, math.nan, 9, 1.2), (-60, 60), ["no wedge"]),
        (WedgeEstimate("unclear", "y", "z", math.nan, math.nan, 9, 6), (-60, 60), ["unclear"]),
    ],
)
def test_verdicts(found: WedgeEstimate, tilts: tuple[float, ...], findings: list[str]) -> None:
    assert verdict(found, tilts) == findings


@settings(max_examples=40, deadline=None)
@given(shape=st.tuples(*[st.integers(20, 1500)] * 3), count=st.integers(1, 9))
@example(shape=(20, 20, 257), count=3)
def test_blocks_lie_inside_and_begin_in_the_middle(shape: tuple[int, int, int], count: int) -> None:
    blocks = wedge_spectrum.spread_blocks(shape, count)
    assert 1 <= len(blocks) <= count
    assert len({str(block) for block in blocks}) == len(blocks)
    for block in blocks:
        for part, edge in zip(block, shape, strict=True):
            assert 0 <= part.start < part.stop <= edge
            assert part.stop - part.start == min(edge, wedge_spectrum.GRID)
    for part, edge in zip(blocks[0], shape, strict=True):
        assert abs(part.start + part.stop - edge) <= 1


@pytest.mark.parametrize(
    "block",
    [torch.ones(40, 40, 40), noise((31, 64, 64)), noise((40, 40, 40)).index_fill(0, torch.tensor([9]), math.nan)],
)
def test_blocks_that_show_nothing_are_left_out(block: Tensor) -> None:
    assert wedge_spectrum.slice_spectra(block.numpy()) is None


def test_a_wave_is_where_its_frequency_says() -> None:
    """0.125 cycles per voxel along z, whatever the edges of the block."""
    for depth, width in ((40, 64), (64, 33)):
        z = torch.arange(float(depth))[:, None, None]
        wave = torch.cos(2 * math.pi * 0.125 * z) * torch.ones(depth, 48, width) + 0.01 * noise((depth, 48, width))
        spectra = wedge_spectrum.slice_spectra(wave.numpy())
        assert spectra is not None
        for axis in (1, 2):
            row, column = divmod(int(spectra[axis].argmax()), spectra.shape[2])
            assert min(row, 256 - row) == pytest.approx(32, abs=1)
            assert column == 0
