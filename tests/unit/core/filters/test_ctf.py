"""Contrast transfer against another program and numbers worked out by hand; the filter against its formula."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from isonet.core.filters import ctf
from isonet.core.filters.ctf import Optics, WienerFilter

SAMPLES = 256


@pytest.mark.parametrize("defocus", [40000.0, 17000.0, 500.0, -20000.0])
@pytest.mark.parametrize(
    ("voltage", "cs", "amplitude", "shift"), [(300, 2.7, 0.07, 0), (200, 2.0, 0.1, 90), (120, 0, 0, 0)]
)
def test_agrees_with_torch_ctf(defocus: float, voltage: float, cs: float, amplitude: float, shift: float) -> None:
    calculate_ctf_1d = pytest.importorskip("torch_ctf", reason="needs Python 3.11").calculate_ctf_1d
    pixel_size = 4.0
    other = calculate_ctf_1d(defocus / 1e4, voltage, cs, amplitude, shift, pixel_size, SAMPLES, 1)
    k = torch.linspace(0, 0.5, SAMPLES, dtype=torch.float64) / pixel_size
    ours = ctf.ctf(k, Optics(defocus, voltage, cs, amplitude, shift))
    assert torch.allclose(ours, other.double(), atol=2e-3)


@pytest.mark.parametrize(("voltage", "expected"), [(100, 0.03701), (200, 0.02508), (300, 0.01969)])
def test_wavelength_is_that_of_the_textbooks(voltage: float, expected: float) -> None:
    """Williams & Carter, Transmission Electron Microscopy, table 1.2."""
    assert ctf.wavelength(voltage) == pytest.approx(expected, abs=6e-6)


def test_values_worked_out_by_hand() -> None:
    """300 kV, no aberration: the first zero lies where l defocus k^2 = 1, 1/28.06 A at 4 um."""
    optics = Optics(40000, 300, 0.0, 0.0)
    zero = 1 / math.sqrt(0.0196875 * 40000)
    k = torch.tensor([zero / math.sqrt(2), 0.999 * zero, 1.001 * zero], dtype=torch.float64)
    peak, before, behind = ctf.ctf(k, optics).tolist()
    assert peak == pytest.approx(1, abs=1e-5)
    assert before > 0 > behind
    assert float(ctf.ctf(torch.zeros(1), Optics(40000, amplitude_contrast=0.07))) == pytest.approx(0.07)
    # aberration: pi/2 l^3 Cs k^4 = 1.570796 * 7.6308e-6 * 2.7e7 * 1e-4 = 0.032363 at 10 A
    assert float(ctf.ctf(torch.tensor([0.1]), Optics(0.0, 300, 2.7, 0.0))) == pytest.approx(
        -math.sin(0.032363), rel=1e-3
    )


@given(st.floats(-6e4, 6e4), st.floats(0, 0.3), st.floats(0, 0.1))
def test_overfocus_mirrors_the_phase_contrast(defocus: float, amplitude: float, frequency: float) -> None:
    """Without aberration, the parts even and odd in defocus are amplitude and phase contrast."""
    k = torch.tensor([frequency], dtype=torch.float64)
    under, over = (float(ctf.ctf(k, Optics(sign * defocus, 300, 0.0, amplitude))) for sign in (1, -1))
    chi = math.pi * ctf.wavelength(300) * defocus * frequency**2
    assert (under + over) / 2 == pytest.approx(amplitude * math.cos(chi), abs=1e-9)
    assert (under - over) / 2 == pytest.approx(math.sqrt(1 - amplitude**2) * math.sin(chi), abs=1e-9)


def isonet1_table(
    defocus: float, pixel: float, falloff: float, strength: float, highpass: float, flipped: bool
) -> np.ndarray:
    """Filter of IsoNet 1 at 2048 frequencies, step by step in SI units as its description has it."""
    f = np.arange(2048) / 2048
    volts, cs, dz = 300e3, 2.7e-3, -defocus * 1e-10
    length = 12.2643247 / np.sqrt(volts * (1 + volts * 0.978466e-6)) * 1e-10
    k = f / 2 / (pixel * 1e-10)
    w = np.pi / 2 * (length**3 * cs * k**4 + 2 * length * dz * k**2)
    transfer = -np.sqrt(1 - 0.07**2) * np.sin(w) + 0.07 * np.cos(w)
    transfer = np.abs(transfer) if flipped else transfer
    rise = 1 - np.cos(np.pi * np.minimum(1, f / highpass))
    snr = np.exp(-f * falloff * 100 / pixel) * 10**strength * rise + 1e-6
    return transfer / (transfer**2 + 1 / snr)


@pytest.mark.parametrize("flipped", [False, True])
@pytest.mark.parametrize(("falloff", "strength", "highpass"), [(1.0, 1.0, 0.02), (0.7, 0.5, 0.1), (0.0, 2.0, 1.0)])
def test_filter_is_that_of_isonet_1(falloff: float, strength: float, highpass: float, flipped: bool) -> None:
    expected = isonet1_table(40000, 10.0, falloff, strength, highpass, flipped)
    wiener = WienerFilter(Optics(40000), 10.0, falloff, strength, highpass, flipped)
    fraction = torch.arange(2048, dtype=torch.float64) / 2048
    assert np.abs(wiener.at(fraction).numpy() - expected).max() < 1e-6 * np.abs(expected).max()
    assert np.abs(wiener.at(fraction.float()).numpy() - expected).max() < 1e-4 * np.abs(expected).max()


def test_interpolating_a_table_as_isonet_1_does_gives_the_same_at_10_angstrom() -> None:
    expected = isonet1_table(40000, 10.0, 1.0, 1.0, 0.02, False)
    between = np.linspace(0, 2047 / 2048, 9001)
    interpolated = np.interp(between, np.arange(2048) / 2048, expected)
    ours = WienerFilter(Optics(40000), 10.0).at(torch.from_numpy(between)).numpy()
    beyond_highpass = between > 0.021
    assert np.abs(ours - interpolated)[beyond_highpass].max() < 2e-5 * np.abs(expected).max()


def test_phase_flipped_data_have_the_absolute_transfer() -> None:
    fraction = torch.linspace(0, 1, 500)
    plain, flipped = (WienerFilter(Optics(40000), 5.0, phase_flipped=choice) for choice in (False, True))
    assert bool((plain.ctf(fraction) < 0).any())
    assert torch.equal(flipped.ctf(fraction), plain.ctf(fraction).abs())
    assert torch.allclose(flipped.at(fraction), plain.at(fraction).abs())


def test_grid_is_radial_with_each_axis_at_its_own_nyquist_and_constant_in_the_corners() -> None:
    wiener = WienerFilter(Optics(40000), 10.0)
    kz, ky, kx = torch.fft.fftfreq(6), torch.fft.fftfreq(8), torch.fft.rfftfreq(10)
    grid = wiener.radial(kz[:, None, None], ky[None, :, None], kx[None, None, :])
    assert float(grid[0, 0, 5]) == float(grid[3, 0, 0]) == float(grid[0, 4, 0]) == float(wiener.at(torch.ones(1)))
    assert float(grid[3, 4, 5]) == float(wiener.at(torch.ones(1)))
    assert float(grid[1, 2, 3]) == pytest.approx(float(wiener.at(2 * torch.tensor([(1 / 36 + 1 / 16 + 0.09) ** 0.5]))))


def test_modulated_wave_has_the_transfer_as_amplitude() -> None:
    optics, pixel_size = Optics(40000), 10.0
    x = torch.arange(512)
    for period in (64, 16, 8):
        wave = torch.cos(2 * math.pi * x / period).expand(1, 8, 512).contiguous()
        tall = wave.expand(1, 8, 512).repeat(1, 64, 1)
        middle = ctf.modulate(tall, pixel_size, optics)[0, 256, 128:384]
        expected = float(ctf.ctf(torch.tensor([1 / (period * pixel_size)]), optics))
        assert torch.allclose(middle, expected * wave[0, 0, 128:384], atol=0.03)
