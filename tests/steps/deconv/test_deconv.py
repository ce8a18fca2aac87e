"""deconv: the filter of the whole volume in any memory, values of the table, kept results, pictures."""

import gzip
import re
import shutil
import signal
from pathlib import Path
from typing import Any

import commandline as isonet
import mrcfile
import numpy as np
import pytest
import torch

from isonet.config import SimulateConfig
from isonet.core.comparison import metrics
from isonet.core.filters.ctf import Optics, WienerFilter
from isonet.io import blocks
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.running.run_record import resident
from isonet.steps.simulate import simulate

RESULT = Path("deconv/v_deconv.mrc")


def by_formula(volume: Any, wiener: WienerFilter) -> Any:
    """Filter of the whole volume at once, in double precision and with the full complex transform."""
    kz, ky, kx = (2 * np.fft.fftfreq(edge) for edge in volume.shape)
    radius = np.minimum(1, np.sqrt(kz[:, None, None] ** 2 + ky[:, None] ** 2 + kx**2))
    voxels = volume.astype(np.float64)
    filtered = np.fft.ifftn(np.fft.fftn(voxels) * wiener.at(torch.from_numpy(radius)).numpy()).real
    return filtered / filtered.std() * voxels.std() + voxels.mean()


def largest_difference(one: Any, two: Any) -> float:
    """In units of the standard deviation."""
    return float(np.abs(one - two).max() / np.std(two))


@pytest.mark.parametrize("shape", [(24, 32, 32), (23, 31, 33)])
def test_result_is_the_formula_at_every_voxel(here: Path, shape: tuple[int, int, int]) -> None:
    volume = isonet.specimen(shape) * 3 + 7
    isonet.write(here / "v.mrc", volume)
    isonet.done("prepare", "v.mrc", defocus=30000)
    isonet.done("deconv", "tomograms.star", snr_falloff=0.7, deconv_strength=0.5, highpass_nyquist=0.1)
    expected = by_formula(volume, WienerFilter(Optics(30000), 10.0, 0.7, 0.5, 0.1))
    assert largest_difference(isonet.read(RESULT), expected) < 1e-4
    assert largest_difference(volume, expected) > 1


@pytest.mark.parametrize("kind", ["int8", "int16", "uint16", "float16", "big-endian", "gz"])
def test_every_kind_of_file(here: Path, volume: Any, kind: str) -> None:
    dtype = {"big-endian": ">i2", "gz": "float32"}.get(kind, kind)
    voxels = np.round(20 * volume / np.abs(volume).max() * 5 + (100 if kind == "uint16" else 0)).astype(dtype)
    name = "v.mrc.gz" if kind == "gz" else "v.mrc"
    isonet.write(here / "plain.mrc", voxels.astype(voxels.dtype.newbyteorder("=")))
    if kind == "big-endian":
        with mrcfile.open(here / "plain.mrc") as file:
            header = file.header.copy()
        header.machst = [0x11, 0x11, 0, 0]
        Path(name).write_bytes(header.astype(header.dtype.newbyteorder(">")).tobytes() + voxels.tobytes())
    elif kind == "gz":
        Path(name).write_bytes(gzip.compress(Path("plain.mrc").read_bytes()))
    else:
        shutil.copy("plain.mrc", name)
    isonet.done("prepare", name, defocus=40000)
    isonet.done("deconv", "tomograms.star")
    expected = by_formula(voxels.astype(np.float64), WienerFilter(Optics(40000), 10.0))
    assert largest_difference(isonet.read(RESULT), expected) < 1e-4


def test_header_is_the_inputs_with_statistics_of_the_result(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume, pixel_size=9.5)
    with mrcfile.open(here / "v.mrc", "r+") as file:
        file.header.origin, file.nstart = (7.5, -8, 9), (3, -4, 5)
        file.add_label("from the microscope")
    isonet.done("prepare", "v.mrc", defocus=40000)
    isonet.done("deconv", "tomograms.star")
    assert mrcfile.validate(RESULT)
    with mrcfile.open(RESULT) as file:
        assert file.voxel_size.tolist() == pytest.approx((9.5, 9.5, 9.5))
        assert [float(file.header.origin[axis]) for axis in "xyz"] == [7.5, -8, 9]
        assert [int(file.nstart[axis]) for axis in "xyz"] == [3, -4, 5]
        assert "from the microscope" in file.get_labels()
        assert float(file.header.dmin) == float(file.data.min())
        assert file.data.dtype == np.float32


def deconvolved_with(star: Path, **options: Any) -> tuple[Any, dict[str, str]]:
    """Result and row of the table."""
    isonet.done("deconv", star, **options)
    return isonet.read(RESULT), isonet.table(star)[0]


def test_flags_before_columns_before_defaults(prepared: Path, volume: Any) -> None:
    result, row = deconvolved_with(isonet.edited(prepared, rlnDefocus="20000"))
    assert largest_difference(result, by_formula(volume, WienerFilter(Optics(20000), 10.0))) < 1e-4
    assert (row["rlnVoltage"], row["rlnSphericalAberration"], row["rlnAmplitudeContrast"]) == ("300", "2.7", "0.07")
    assert (row["rlnSnrFalloff"], row["rlnDeconvStrength"], row["rlnDeconvTomoName"]) == ("1", "1", str(RESULT))

    columns = {"rlnVoltage": "200", "rlnSphericalAberration": "2", "rlnAmplitudeContrast": "0.1"}
    isonet.edited(prepared, rlnSnrFalloff="0.5", rlnDeconvStrength="0.8", **columns)
    result, _ = deconvolved_with(prepared)
    expected = by_formula(volume, WienerFilter(Optics(20000, 200, 2.0, 0.1), 10.0, 0.5, 0.8))
    assert largest_difference(result, expected) < 1e-4

    options = {
        "defocus": 50000,
        "voltage": 120,
        "cs": 1,
        "amplitude_contrast": 0.2,
        "snr_falloff": 2,
        "deconv_strength": 2,
    }
    result, row = deconvolved_with(prepared, **options, phase_flipped=True)
    expected = by_formula(volume, WienerFilter(Optics(50000, 120, 1.0, 0.2), 10.0, 2.0, 2.0, phase_flipped=True))
    assert largest_difference(result, expected) < 1e-4
    names = ("rlnDefocus", "rlnVoltage", "rlnSphericalAberration", "rlnAmplitudeContrast", "rlnSnrFalloff")
    assert [row[name] for name in (*names, "rlnDeconvStrength")] == ["50000", "120", "1", "0.2", "2", "2"]


def test_commands_of_isonet_1_and_2_work_unchanged(here: Path, volume: Any) -> None:
    isonet.write(here / "v.mrc", volume)
    isonet.star.write_table(
        here / "t.star",
        [{"rlnIndex": "1", "rlnMicrographName": "v.mrc", "rlnPixelSize": "10", "rlnDefocus": "38000.0"}],
    )
    words = ["--snrfalloff", "0.7", "--deconvstrength", "1.2", "--highpassnyquist", "0.03", "--deconv_folder", "./old"]
    outcome = isonet.done(
        "deconv", "t.star", *words, "--ncpu", "4", "--chunk_size", "200", "--overlap_rate=0.25", "--tomo_idx", "1"
    )
    for flag in ("--ncpu ", "--chunk_size ", "--overlap_rate "):
        assert sum(flag in line for line in outcome.err.splitlines()) == 1
    expected = by_formula(volume, WienerFilter(Optics(38000), 10.0, 0.7, 1.2, 0.03))
    assert largest_difference(isonet.read(Path("old/v_deconv.mrc")), expected) < 1e-4
    isonet.done("deconv", "t.star", "--phaseflipped", "True", "--input_column", "rlnMicrographName", output_dir="two")
    assert isonet.table(here / "t.star")[0]["rlnDeconvTomoName"] == "two/v_deconv.mrc"


def test_results_are_kept_and_others_not_overwritten(prepared: Path, volume: Any) -> None:
    isonet.done("deconv", prepared, defocus=40000)
    made = RESULT.stat().st_mtime_ns
    assert "kept" in isonet.done("deconv", prepared).err  # the defocus is in the table now
    assert RESULT.stat().st_mtime_ns == made
    isonet.done("deconv", prepared, snr_falloff=0.5)
    assert RESULT.stat().st_mtime_ns > made
    isonet.write(RESULT, volume)
    isonet.assert_refused(isonet.call("deconv", prepared), "v_deconv.mrc", "--overwrite")
    assert np.array_equal(isonet.read(RESULT), volume)
    isonet.done("deconv", prepared, "--overwrite")
    assert not np.array_equal(isonet.read(RESULT), volume)


@pytest.fixture
def three(here: Path, volume: Any) -> Path:
    """Table of three tomograms, 40000 A out of focus."""
    for name in "abc":
        isonet.write(
            here / f"{name}.mrc",
            volume + 0.1 * np.random.default_rng(ord(name)).standard_normal(volume.shape, np.float32),
        )
    isonet.done("prepare", "a.mrc", "b.mrc", "c.mrc", defocus=40000)
    return here / "tomograms.star"


def changed(star: Path, index: int, **columns: str) -> None:
    """Set columns of one row."""
    rows = isonet.table(star)
    isonet.star.write_table(star, [row | columns if number == index else row for number, row in enumerate(rows)])


def test_killed_run_goes_on_where_it_was(three: Path) -> None:
    process = isonet.Process(Path("err"), "deconv", three)
    process.wait_for(lambda: "rlnDeconvTomoName" in isonet.table(three)[0])
    process.signal(signal.SIGTERM)
    outcome = process.outcome()
    assert outcome.code in (0, 128 + signal.SIGTERM)
    assert not list(Path("deconv").glob("*.part"))
    first = Path("deconv/a_deconv.mrc").stat().st_mtime_ns
    isonet.done("deconv", three)
    assert Path("deconv/a_deconv.mrc").stat().st_mtime_ns == first
    assert [row["rlnDeconvTomoName"] for row in isonet.table(three)] == [f"deconv/{name}_deconv.mrc" for name in "abc"]


@pytest.mark.parametrize(
    ("columns", "mentions"),
    [
        ({"rlnDefocus": "0"}, ("tomogram 3 (c) has no defocus", "--defocus", "rlnDefocus", "phase")),
        ({"rlnDefocus": "None"}, ("no defocus",)),
        ({"rlnDefocus": "unknown"}, ("rlnDefocus of tomogram 3 is 'unknown'", "number")),
        ({"rlnDefocus": "3.8"}, ("3.8 A", "micrometres")),
        ({"rlnVoltage": "300000"}, ("rlnVoltage", "300000", "3000")),
        ({"rlnAmplitudeContrast": "7"}, ("rlnAmplitudeContrast of tomogram 3 is 7", "equal to 1")),
        ({"rlnDeconvStrength": "1000"}, ("rlnDeconvStrength", "1000", "6")),
        ({"rlnSnrFalloff": "steep"}, ("rlnSnrFalloff", "steep")),
        ({"rlnPixelSize": "ten"}, ("rlnPixelSize", "ten")),
        ({"rlnTomoName": "gone.mrc"}, ("gone.mrc", "no such file")),
        ({"rlnTomoName": "a.mrc"}, ("rows 1 and 3", "a.mrc")),
        ({"rlnTomoName": "twin/a.mrc"}, ("two tomograms are called a",)),
    ],
)
def test_what_is_wrong_with_the_last_tomogram_is_found_before_the_first_is_computed(
    three: Path, columns: dict[str, str], mentions: tuple[str, ...]
) -> None:
    Path("twin").mkdir()
    Path("twin/a.mrc").write_bytes(Path("a.mrc").read_bytes())
    changed(three, 2, **columns)
    isonet.assert_refused(isonet.call("deconv", three), *mentions)
    assert not list(Path("deconv").glob("*.mrc"))
    if "rlnDefocus" in columns:
        isonet.done("deconv", three, tomo_idx="1-2")


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["--max-memory=lots"], ("--max-memory lots", "4GB")),
        (["--max-memory=0"], ("--max-memory 0",)),
        (["--max-memory=100MB"], ("v.mrc", "raise --max-memory 0.1GB")),
        (["--defocus=4um"], ("--defocus 4um", "number")),
        (["--defocus=nan"], ("--defocus",)),
        (["--snr-falloff=-1"], ("--snr-falloff -1", "greater")),
        (["--highpass-nyquist=0"], ("--highpass-nyquist 0", "greater")),
        (["--amplitude-contrast=7"], ("--amplitude-contrast 7", "less")),
        (["--input-column=rlnFoo"], ("rlnFoo",)),
        (["--tomo-idx=9"], ("9",)),
    ],
)
def test_options(prepared: Path, words: list[str], mentions: tuple[str, ...]) -> None:
    given = [] if words[0].startswith("--defocus") else ["--defocus=40000"]
    isonet.assert_refused(isonet.call("deconv", prepared, *given, *words), *mentions)
    assert not list(Path().glob("deconv/*.mrc"))


def test_overfocus_is_done_but_doubted(prepared: Path) -> None:
    assert "underfocus is positive" in isonet.done("deconv", prepared, defocus=-20000).err
    assert "underfocus is positive" not in isonet.done("deconv", prepared, defocus=20000).err


def test_numbers_that_may_be_in_another_unit_are_doubted(prepared: Path) -> None:
    """A defocus of 3 micrometres in nanometres; 1 A/voxel, which headers have where nobody knows the size."""
    said = isonet.done("deconv", prepared, defocus=30000).err
    assert "nanometres" not in said and "default of headers" not in said
    assert "nanometres" in isonet.done("deconv", prepared, defocus=3000, output_dir="nm").err
    isonet.edited(prepared, rlnPixelSize="1")
    assert "default of headers" in isonet.done("deconv", prepared, defocus=30000, output_dir="one").err


def test_phase_plate_is_skipped(three: Path) -> None:
    changed(three, 1, rlnPhaseShift="90", rlnDefocus="0")
    outcome = isonet.done("deconv", three)
    assert "b: phase plate (90 degrees), skipped" in outcome.err
    assert [row.get("rlnDeconvTomoName") for row in isonet.table(three)] == [
        "deconv/a_deconv.mrc",
        "None",
        "deconv/c_deconv.mrc",
    ]
    changed(three, 1, rlnPhaseShift="0.001", rlnDefocus="40000")
    changed(three, 2, rlnPhaseShift="-1e-6")
    said = isonet.done("deconv", three, output_dir="no_plate").err
    assert "phase plate" not in said
    assert len(list(Path("no_plate").glob("*.mrc"))) == 3
    isonet.done("deconv", three, phase_shift=90, output_dir="none")
    assert not list(Path("none").glob("*.mrc"))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_voxels_that_are_no_numbers(prepared: Path, value: float) -> None:
    with mrcfile.open("v.mrc", "r+") as file:
        file.data[5, 6, 7] = value
    isonet.assert_refused(isonet.call("deconv", prepared, defocus=40000), "v.mrc", "section 5", "again")
    assert not Path("deconv").exists()


def test_constant_volume(prepared: Path, volume: Any) -> None:
    isonet.write(Path("v.mrc"), np.full_like(volume, 3.5))
    isonet.assert_refused(isonet.call("deconv", prepared, defocus=40000), "v.mrc", "3.5", "constant")


def test_disk_full(prepared: Path) -> None:
    outcome = isonet.Process(Path("err"), "deconv", prepared, "--defocus=40000", file_limit=40_000).outcome()
    isonet.assert_refused(outcome, "deconv", "free some space", code=1)
    assert not [path for path in Path("deconv").rglob("*") if path.suffix in (".mrc", ".part", ".png")]
    isonet.done("deconv", prepared, defocus=40000)


def test_memory_stays_within_the_limit(here: Path) -> None:
    """270 MB in 90 MB beside the program, with what the system counts for mapped pages."""
    with blocks.create(here / "v.mrc", (64, 1024, 1024), Header()) as volume:
        section = np.random.default_rng(0).standard_normal((1, 1024, 1024), dtype=np.float32)
        for number in range(64):
            volume.write_rows(number, 0, section)
    row = {"rlnIndex": "1", "rlnTomoName": "v.mrc", "rlnPixelSize": "10", "rlnDefocus": "40000"}
    isonet.star.write_table(here / "t.star", [row])
    limit = resident() + 150_000_000 + 90_000_000
    Path("/proc/self/clear_refs").write_text("5")  # forget the largest amount so far
    isonet.done("deconv", "t.star", max_memory=limit)
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    assert 1024 * int(peak[1]) < limit
    assert RESULT.stat().st_size == Path("v.mrc").stat().st_size


@pytest.mark.usefixtures("draws")
def test_pictures(prepared: Path) -> None:
    isonet.done("deconv", prepared, defocus=40000)
    assert Path("deconv/previews/v.png").read_bytes().startswith(b"\x89PNG")
    before = prepared.read_bytes()
    outcome = isonet.done("deconv", prepared, "--preview", output_dir="look")
    assert Path(outcome.out.strip()).read_bytes().startswith(b"\x89PNG")
    assert [path.name for path in Path("look").rglob("*.mrc")] == []
    assert prepared.read_bytes() == before


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a simulated tomogram 4 um out of focus."""
    folder = tmp_path_factory.mktemp("simulated")
    options = {"depth": 48, "height": 96, "width": 96, "tilt_step": 6, "vesicles": 1, "filaments": 1}
    return simulate(SimulateConfig(output_dir=folder, snr=0.8, seed=1, defocus=40000, **options))


def test_deconvolution_brings_a_simulated_tomogram_closer_to_its_truth(here: Path, simulated: Path) -> None:
    isonet.done("prepare", simulated / "full.mrc", defocus=40000)
    truth, before = (torch.tensor(open_volume(simulated / f"{name}.mrc").read()) for name in ("truth", "full"))

    def outside(volume: torch.Tensor) -> float:
        """Correlation with the truth where it was measured."""
        return metrics.measured_correlation(volume, truth, (-60, 60))

    at_first = outside(before)
    for falloff, strength in ((1.0, 1.0), (0.7, 1.0), (1.0, 0.5)):
        isonet.done("deconv", "tomograms.star", snr_falloff=falloff, deconv_strength=strength)
        after = torch.tensor(open_volume(Path("deconv/full_deconv.mrc")).read())
        assert outside(after) > at_first + 0.3, (falloff, strength)
        assert metrics.correlation(after, truth) > metrics.correlation(before, truth) + 0.2
