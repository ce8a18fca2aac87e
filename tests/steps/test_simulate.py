"""A simulated data set: files, grey scale, wedge, noise and refusals."""

import math
from pathlib import Path

import commandline as isonet
import numpy as np
import pytest
import torch
from pydantic import ValidationError

from isonet.config import PrepareConfig, SimulateConfig
from isonet.core import fourier
from isonet.core.comparison import metrics
from isonet.core.simulation.spectra import shared_and_not
from isonet.core.tilts import wedge
from isonet.core.tilts.measured import Measured, about, angles_of, positioned
from isonet.errors import InputError
from isonet.io import mrc, star
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.io.programs import coordinates, metadata
from isonet.steps.prepare import prepare
from isonet.steps.simulate import simulate

SMALL = {"depth": 32, "height": 40, "width": 48, "vesicles": 1, "filaments": 0, "species": 3}


def read(folder: Path, name: str) -> torch.Tensor:
    return torch.tensor(mrc.open_stack(folder / f"{name}.mrc").read())


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a simulation without noise."""
    folder = tmp_path_factory.mktemp("clean")
    return simulate(SimulateConfig(output_dir=folder, snr=math.inf, **SMALL))


def test_files_shapes_and_headers(clean: Path) -> None:
    for name in ("truth", "full", "even", "odd"):
        volume = open_volume(clean / f"{name}.mrc")
        assert volume.shape == (32, 40, 48)
        assert volume.header.voxel_size == pytest.approx((10, 10, 10))
    assert mrc.open_stack(clean / "tilts.mrc").shape == (41, 40, math.ceil(math.hypot(32, 48)))
    assert metadata.read_tilt_angles(clean / "tilts.tlt").tolist() == list(range(-60, 61, 3))


def test_protein_is_dark_and_the_grey_scale_is_that_of_the_truth(clean: Path) -> None:
    truth, full = read(clean, "truth"), read(clean, "full")
    assert float(truth.min()) < -0.8
    kz, ky, kx = fourier.frequencies((32, 40, 48))
    measured = (kz.abs() < kx * math.tan(math.radians(55))) & (torch.hypot(kz, kx) + 0 * ky > 0.06)
    first, second = (fourier.transform(volume.double())[measured] for volume in (truth, full))
    product = (first * second.conj()).real.sum()
    assert float(product / first.abs().square().sum()) == pytest.approx(1, abs=0.03)
    assert float(product / first.norm() / second.norm()) > 0.97


def test_missing_wedge_is_empty_and_objects_are_longer_along_z(clean: Path) -> None:
    """Power about k_z is gone; about k_x, which every tilt range measures, it is there."""
    shape = (32, 40, 48)
    kz, ky, kx = fourier.frequencies(shape)
    missing = (kz.abs() > kx * math.tan(math.radians(68))) & (kz.abs() > 0.08) & (ky.abs() < 0.2)
    truth, full = (fourier.transform(read(clean, name).double()).abs().square() for name in ("truth", "full"))
    assert float(full[missing].sum() / truth[missing].sum()) < 0.05


def test_noise_has_the_ratio_asked_and_halves_are_independent(clean: Path, tmp_path: Path) -> None:
    folder = simulate(SimulateConfig(output_dir=tmp_path, snr=0.5, **SMALL))
    assert torch.equal(read(folder, "truth"), read(clean, "truth"))
    signal = read(clean, "tilts")
    noise = read(folder, "tilts") - signal
    assert float(signal.var(dim=(1, 2)).mean() / noise.var()) == pytest.approx(0.5, rel=0.02)
    full, even, odd = (read(folder, name) - read(clean, name) for name in ("full", "even", "odd"))
    assert abs(np.corrcoef(even.flatten(), odd.flatten())[0, 1]) < 0.02
    assert torch.allclose(full, (even + odd) / 2, atol=1e-3)
    assert float(even.var() / full.var()) == pytest.approx(2, rel=0.05)


def test_images_carry_the_contrast_transfer(clean: Path, tmp_path: Path) -> None:
    """What is left of the clean images in each ring of their transforms is the transfer there, with its sign."""
    optics = {"defocus": 40000, "voltage": 200, "cs": 2.0, "amplitude_contrast": 0.1}
    folder = simulate(SimulateConfig(output_dir=tmp_path, snr=math.inf, **optics, **SMALL))
    before, after = (torch.fft.rfft2(read(each, "tilts")) for each in (clean, folder))
    height, width = read(clean, "tilts").shape[1:]
    radius = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width))
    for centre in (0.15, 0.25, 0.34, 0.42):
        ring = (radius - centre).abs() < 0.01
        left = float((after * before.conj()).real[:, ring].sum() / before[:, ring].abs().square().sum())
        k = centre / 10
        chi = math.pi * (0.02508 * 40000 * k**2 - 0.02508**3 * 2e7 * k**4 / 2)
        assert left == pytest.approx(math.sqrt(0.99) * math.sin(chi) + 0.1 * math.cos(chi), abs=0.12), centre


def test_same_seed_same_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        simulate(SimulateConfig(output_dir=tmp_path / name, tilt_step=15, **SMALL))
    assert torch.equal(read(tmp_path / "a", "odd"), read(tmp_path / "b", "odd"))


def test_halves_from_tilts(tmp_path: Path, clean: Path) -> None:
    folder = simulate(SimulateConfig(output_dir=tmp_path, snr=math.inf, split="tilts", **SMALL))
    assert torch.equal(read(folder, "full"), read(clean, "full"))
    assert not torch.allclose(read(folder, "even"), read(folder, "odd"), atol=0.01)


def test_tilts_as_text_and_light_contrast(tmp_path: Path) -> None:
    config = SimulateConfig(output_dir=tmp_path, tilts="30, -45,0,12.5", contrast="light", **SMALL)
    simulate(config)
    assert metadata.read_tilt_angles(tmp_path / "tilts.tlt").tolist() == [-45, 0, 12.5, 30]
    assert float(read(tmp_path, "truth").max()) > 0.8


def test_tilts_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "in.tlt").write_text("-30\n-10\n10\n50\n")
    simulate(SimulateConfig(output_dir=tmp_path / "out", tilt_file=tmp_path / "in.tlt", **SMALL))
    assert metadata.read_tilt_angles(tmp_path / "out/tilts.tlt").tolist() == [-30, -10, 10, 50]


def test_template(tmp_path: Path) -> None:
    ball = np.zeros((12, 12, 12), np.float32)
    ball[3:9, 3:9, 3:9] = 77
    mrc.write(tmp_path / "ball.mrc", ball, Header((10.0, 10.0, 10.0)))
    only = SMALL | {"species": 0, "vesicles": 0}
    simulate(SimulateConfig(output_dir=tmp_path, templates=str(tmp_path / "ball.mrc"), tilt_step=30, **only))
    assert -1.6 < float(read(tmp_path, "truth").min()) < -0.8
    with pytest.raises(InputError, match=r"ball\.mrc: 10 Å per voxel, 8 asked"):
        simulate(SimulateConfig(output_dir=tmp_path / "b", templates=tmp_path / "ball.mrc", pixel_size=8, **only))


def test_particles_are_listed_where_extract_finds_them(clean: Path) -> None:
    """Dark density stands at the coordinates of the table; the names and angles are those of its columns."""
    points = coordinates.read_coordinates(clean / "particles.star")
    z, y, x = points.voxels((32, 40, 48), 10.0).T
    rows = star.read_table(clean / "particles.star", ("rlnAngleTilt",))
    assert len(rows) == len(points.xyz) >= 3
    assert float(read(clean, "truth")[z, y, x].max()) < -0.3
    assert {row["isonetSpecies"] for row in rows} <= {"species1", "species2", "species3"}
    assert all(0 <= float(row["isonetAxisToBeam"]) <= 90 and 20 < float(row["isonetRadius"]) < 130 for row in rows)


def test_without_particles_there_is_no_list_of_them(clean: Path, tmp_path: Path) -> None:
    """A list of an earlier simulation does not stay beside other volumes."""
    (tmp_path / "particles.star").write_bytes((clean / "particles.star").read_bytes())
    none = SMALL | {"species": 0, "depth": 64, "height": 96, "width": 96}
    simulate(SimulateConfig(output_dir=tmp_path, tilt_step=30, overwrite=True, **none))
    assert not (tmp_path / "particles.star").exists()


@pytest.mark.parametrize("words", [(), ("--metadata", "sim")], ids=["alone", "as isonet advises"])
def test_prepare_takes_the_folder_as_it_is_left(here: Path, words: tuple[str, ...]) -> None:
    """The truth, the images and the particles are no tomograms; the halves and the uneven tilts are found."""
    tilts = tuple(range(-50, 47, 4))
    simulate(SimulateConfig(output_dir=Path("sim"), tilts=tilts, depth=48, height=64, width=64))
    said = isonet.done("prepare", "sim", *words).err
    assert "warning" not in said
    for name in ("truth", "tilts"):
        assert f"sim/{name}.mrc: left out, the {'truth' if name == 'truth' else 'images'} of a simulation" in said
    (row,) = star.read_table(Path("tomograms.star"), ("rlnTomoName",))
    assert row["rlnTomoName"] == "sim/full.mrc"
    assert [row[f"rlnTomoReconstructedTomogramHalf{number}"] for number in (1, 2)] == ["sim/even.mrc", "sim/odd.mrc"]
    assert row["rlnTiltFile"] == "sim/tilts.tlt"


def test_a_truth_is_left_out_whatever_it_is_called_and_an_older_one_by_its_name(clean: Path, here: Path) -> None:
    truth = open_volume(clean / "truth.mrc")
    full = open_volume(clean / "full.mrc")
    for name, labels in (("renamed", truth.header.labels), ("truth", full.header.labels)):
        isonet.write(Path("both/full.mrc"), full.read(), 10.0)
        mrc.write(Path(f"both/{name}.mrc"), truth.read(), Header((10.0,) * 3, labels=labels))
        said = isonet.done("prepare", "both", "--output", f"{name}.star").err
        assert f"both/{name}.mrc: left out, the truth of a simulation" in said
        Path(f"both/{name}.mrc").unlink()


def test_tilts_that_are_told_win_over_those_of_a_simulation(clean: Path, here: Path) -> None:
    said = isonet.call("prepare", clean / "full.mrc", "--tilt-min=-60", "--tilt-max=60").err
    assert "tilts -60 to 60 from --tilt-min and --tilt-max" in said


def test_nothing_is_overwritten_unless_asked(clean: Path) -> None:
    before = (clean / "full.mrc").stat().st_mtime_ns
    with pytest.raises(InputError, match=r"truth\.mrc: exists already"):
        simulate(SimulateConfig(output_dir=clean, **SMALL))
    assert (clean / "full.mrc").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "wrong", [{"tilt_min": 60}, {"tilts": "1"}, {"snr": 0}, {"tilts": "-95 0"}, {"dept": 3}, {"tilt_step": 0}]
)
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SimulateConfig(**wrong)


def test_a_volume_without_room_for_anything_is_refused(tmp_path: Path) -> None:
    tiny = SMALL | {"depth": 16, "height": 24, "width": 24}
    with pytest.raises(InputError, match=r"--depth 16 --height 24 --width 24: nothing .* has room there; make the"):
        simulate(SimulateConfig(output_dir=tmp_path, **tiny))
    assert not list(tmp_path.iterdir())


LEVELS = {
    "levelled": {"level_x": 10, "level_y": -11},
    "two axes": {"second_axis": True},
    "both": {"level_x": 10, "level_y": -11, "second_axis": True},
}


def told(level_x: float = 0, level_y: float = 0, second_axis: bool = False) -> Measured:
    """What the options say has been measured at tilts of -60 to 60 degrees."""
    into = about("y", level_y) @ about("x", level_x)
    ways = map(angles_of, [into, about("z", 90) @ into] if second_axis else [into])
    return Measured(tuple(positioned((-60 + y, 60 + y), x, z) for x, y, z in ways))


def missing_share(volume: torch.Tensor, measured: Measured) -> float:
    """Share of the energy that lies in the region called missing, three Fourier pixels off its faces."""
    shape = fourier.spatial_shape(volume)
    window = fourier.taper(shape, max(shape))
    power = fourier.transform((volume - volume.mean()) * window).abs().square() * fourier.multiplicity(shape)
    return float(power[wedge.regions(shape, measured)[0]].sum() / power.sum())


@pytest.mark.parametrize("name", LEVELS)
def test_the_wedge_lies_as_the_levels_say(tmp_path: Path, name: str) -> None:
    options = LEVELS[name]
    folder = simulate(SimulateConfig(output_dir=tmp_path, snr=1.0, **{**SMALL, "depth": 40}, **options))
    full, truth = read(folder, "full"), read(folder, "truth")
    right = missing_share(full, told(**options))
    assert right < 0.03
    if "level_x" in options:
        for level_x, level_y, times in ((-10, 11, 5), (-10, -11, 2), (10, 11, 5)):
            assert missing_share(full, told(level_x, level_y, "second_axis" in options)) > times * right
    if "second_axis" in options:
        assert missing_share(full, told()) > 5 * right  # the first axis alone
        assert metadata.read_tilt_angles(folder / "tilts2.tlt").tolist() == list(range(-60, 61, 3))
    assert metadata.read_tilt_angles(folder / "tilts.tlt").tolist() == list(range(-60, 61, 3))
    _, outside = metrics.wedge_correlation(full, truth, told(**options))
    assert outside.mean() > 0.8


def test_levels_that_cannot_be_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--level-y 40: tilt angles -20 to 100 degrees"):
        simulate(SimulateConfig(output_dir=tmp_path, level_y=40, **SMALL))
    with pytest.raises(ValidationError, match="second_axis goes with split frames"):
        SimulateConfig(second_axis=True, split="tilts")


def test_a_set_about_one_axis_replaces_one_about_two(tmp_path: Path) -> None:
    small = {"depth": 32, "height": 32, "width": 32, "tilt_step": 20, "output_dir": tmp_path, "overwrite": True}
    simulate(SimulateConfig(second_axis=True, **small))
    assert (tmp_path / "tilts2.tlt").exists()
    with pytest.raises(InputError, match="exists already"):
        simulate(SimulateConfig(**{**small, "overwrite": False}))
    simulate(SimulateConfig(**small))
    assert not list(tmp_path.glob("tilts2.*"))


@pytest.fixture(scope="module", params=["frames", "tilts"])
def imaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Table of a tomogram whose noise, tilts and contrast transfer are known."""
    folder = tmp_path_factory.mktemp("imaged")
    options = {"depth": 48, "height": 96, "width": 96, "vesicles": 1, "filaments": 0, "seed": 4}
    how = {"tilts": tuple(range(-48, 55, 3)), "defocus": 20_000.0}
    simulate(SimulateConfig(output_dir=folder, snr=0.5, split=request.param, contrast="light", **how, **options))
    told = {"even": folder / "even.mrc", "odd": folder / "odd.mrc", "split": request.param, "defocus": 20_000.0}
    asked = PrepareConfig(tilt_file=folder / "tilts.tlt", contrast="light", output=folder / "t.star", **told)
    prepare([folder / "full.mrc"], asked)
    return folder / "t.star"


def test_a_sample_imaged_like_a_tomogram_has_its_tilts_noise_and_contrast(imaged: Path, tmp_path: Path) -> None:
    """Another sample: what is alike is how it is shown."""
    folder = simulate(
        SimulateConfig(output_dir=tmp_path / "twin", like=imaged, depth=48, height=96, width=96, vesicles=1, seed=9)
    )
    first, second = (imaged.parent / "tilts.tlt", folder / "tilts.tlt")
    assert metadata.read_tilt_angles(first).tolist() == metadata.read_tilt_angles(second).tolist()
    assert float(read(folder, "truth").max()) > 0.8  # light, as that is
    assert all((folder / name).is_file() for name in ("like.png", "like_spectra.png"))
    measured = Measured((positioned(metadata.read_tilt_angles(first).tolist()),))
    shares = []
    for where in (imaged.parent, folder):
        signal, noise = shared_and_not(torch.stack([read(where, "even"), read(where, "odd")])[None], measured)
        shell = slice(3, 20)
        coefficients = torch.arange(len(noise))[shell].square()
        ratio = (signal[shell] * coefficients).sum() / (noise[shell] * coefficients).sum()
        shares.append((noise[6:40] / noise[6:40].mean(), ratio))
    (noise, ratio), (its_noise, its_ratio) = shares
    assert float((noise / its_noise).log().abs().mean()) < 0.2
    assert float(ratio / its_ratio) == pytest.approx(1, abs=0.35)
    wedge_of = metrics.wedge_correlation(read(folder, "full"), read(folder, "truth"), (-48, 54))
    assert float(wedge_of[0].mean()) < 0.2 < float(wedge_of[1].mean())


@pytest.mark.parametrize("option", ["defocus", "snr", "tilt_min", "split", "pixel_size"])
def test_what_the_tomogram_decides_is_not_asked_for(option: str) -> None:
    value = {"split": "tilts", "pixel_size": 5.0, "tilt_min": -50}.get(option, 1.0)
    with pytest.raises(ValidationError, match=f"{option} is that of the tomogram with like"):
        SimulateConfig(like=Path("t.star"), **{option: value})


def test_a_turned_tomogram_is_not_imaged_like(imaged: Path, tmp_path: Path) -> None:
    rows = [{**row, "rlnTiltAxisTurn": "90"} for row in star.read_table(imaged, ("rlnTomoName",))]
    star.write_table(imaged.with_name("turned.star"), rows)
    with pytest.raises(InputError, match="not tilted about y alone"):
        simulate(SimulateConfig(output_dir=tmp_path, like=imaged.with_name("turned.star")))
