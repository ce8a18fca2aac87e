"""deconv of corrected tomograms: by predict, by run and by itself, closer to the truth and never twice."""

import json
import signal
from pathlib import Path
from typing import Any

import commandline as isonet
import mrcfile
import numpy as np
import pytest

RESULT = Path("corrected/deconvolved/v_corrected_deconv.mrc")
COLUMN = "rlnCorrectedDeconvTomoName"


def as_in_microscope(volume: Any, defocus: float, pixel_size: float = 10.0) -> Any:
    """A volume times the contrast transfer at 300 kV, 2.7 mm, 7 % amplitude contrast, in double precision."""
    kz, ky, kx = (np.fft.fftfreq(edge, pixel_size) for edge in volume.shape)
    squared, length = kz[:, None, None] ** 2 + ky[:, None] ** 2 + kx**2, 0.0196875
    chi = np.pi * length * defocus * squared - np.pi / 2 * length**3 * 2.7e7 * squared**2
    transfer = np.sqrt(1 - 0.07**2) * np.sin(chi) + 0.07 * np.cos(chi)
    return np.fft.ifftn(np.fft.fftn(volume) * transfer).real.astype(np.float32)


@pytest.fixture
def known(prepared: Path) -> Path:
    """Table of one tomogram, 40000 A out of focus."""
    return isonet.edited(prepared, rlnDefocus="40000")


@pytest.mark.parametrize("defocus", [20000, 40000, 60000])
def test_a_sample_without_noise_comes_closer_to_its_truth(known: Path, volume: Any, defocus: int) -> None:
    seen = as_in_microscope(volume, defocus)
    isonet.write(Path("seen.mrc"), seen)
    isonet.edited(known, rlnCorrectedTomoName="seen.mrc", rlnDefocus=str(defocus), rlnDeconvStrength="-3")
    said = isonet.done("deconv", known, input_column="rlnCorrectedTomoName").err
    made = isonet.read(Path("deconv/v_corrected_deconv.mrc"))
    assert isonet.correlation(made, volume) > isonet.correlation(seen, volume) + 0.1
    row = isonet.table(known)[0]
    assert row[COLUMN] == "deconv/v_corrected_deconv.mrc"
    assert (row.get("rlnDeconvTomoName", "None"), row["rlnDeconvStrength"]) == ("None", "-3")
    with mrcfile.open("deconv/v_corrected_deconv.mrc") as file:
        labels = " ".join(file.get_labels())
    assert "strength 2" in said and "strength 2" in labels and f"defocus {defocus} A" in labels


def test_predict_does_it_beside_and_keeps_it(known: Path, model: Path) -> None:
    isonet.done("predict", known, model, "--deconvolve")
    corrected = Path("corrected/v_corrected.mrc")
    assert list(Path("corrected").glob("*.mrc")) == [corrected]
    made, row = RESULT.stat().st_mtime_ns, isonet.table(known)[0]
    assert (row["rlnCorrectedTomoName"], row[COLUMN]) == (str(corrected), str(RESULT))
    assert isonet.done("predict", known, model, "--deconvolve").err.count("kept") == 2
    assert RESULT.stat().st_mtime_ns == made
    isonet.done("predict", known, model, "--deconvolve", "--keep-measured")  # another correction, another result
    assert RESULT.stat().st_mtime_ns > made
    isonet.done("predict", known, model)
    assert f"{RESULT}: was made of other data" in isonet.done("report", known).err
    isonet.write(RESULT, isonet.read(corrected).astype(np.float32))
    isonet.assert_refused(isonet.call("predict", known, model, "--deconvolve"), RESULT.name, "--overwrite")


def test_a_defocus_that_changed_since_is_said(known: Path, model: Path) -> None:
    said = "was deconvolved for rlnDefocus {}"
    isonet.edited(known, rlnDefocus="41234.567")
    isonet.done("deconv", known)
    assert said[:19] not in isonet.done("extract", known, cube_size=16, crop_size=20, number_subtomos=2).err
    assert said[:19] not in isonet.done("predict", known, model, "--deconvolve").err
    assert said[:19] not in isonet.done("report", known).err
    isonet.edited(known, rlnDefocus="20000")
    steps = {
        "extract": {"cube_size": 16, "crop_size": 20, "number_subtomos": 2, "output": "n.star", "output_dir": "n"},
        "refine": isonet.TINY,
        "report": {},
    }
    for command, options in steps.items():
        told = isonet.done(command, known, **options).err
        assert f"v_deconv.mrc: {said.format(41234.6)}, and {known} has 20000 now" in told, command
        assert (f"v_corrected_deconv.mrc: {said.format(41234.6)}" in told) == (command == "report")
    assert said[:19] not in isonet.done("deconv", known).err
    assert "v_deconv.mrc: was deconvolved" not in isonet.done("report", known).err


def test_other_values_that_changed_since_are_said(known: Path, model: Path) -> None:
    """All that the filter was made of, as far as the table tells it of that volume."""
    made_for = {"rlnVoltage": "300", "rlnSphericalAberration": "2.7", "rlnAmplitudeContrast": "0.07123456789"}
    isonet.edited(known, **made_for)
    isonet.done("deconv", known, snr_falloff=0.7)
    isonet.done("predict", known, model, "--deconvolve")
    assert "was deconvolved for" not in isonet.done("report", known).err
    now = {
        **{"rlnVoltage": "200", "rlnSphericalAberration": "1.4", "rlnAmplitudeContrast": "0.1"},
        **{"rlnSnrFalloff": "1.2", "rlnDeconvStrength": "2", "rlnPixelSize": "12"},
    }
    isonet.edited(known, **now)
    told = isonet.done("report", known).err
    for column, value in now.items():
        of_all = column not in ("rlnSnrFalloff", "rlnDeconvStrength")
        assert told.count(f"was deconvolved for {column} ") == 1 + of_all
        assert f"{known} has {value} now; run isonet deconv" in told
    assert "was deconvolved for rlnVoltage 300, and" in isonet.done("mask", known).err
    isonet.done("deconv", known)
    said = isonet.done("mask", known, "--overwrite").err
    assert "was deconvolved for" not in said
    assert "v_mask.mrc: was made of other data than " in said and "v_deconv.mrc holds now" in said


def test_what_cannot_be_restored_is_told_before_the_work(here: Path, volume: Any, model: Path) -> None:
    for name in "abc":
        isonet.write(here / f"{name}.mrc", volume)
    isonet.done("prepare", "a.mrc", "b.mrc", "c.mrc")
    star = here / "tomograms.star"
    isonet.assert_refused(isonet.call("predict", star, model, "--deconvolve"), "a has no defocus", "fill rlnDefocus")
    assert not list(here.rglob("*_corrected.mrc"))
    plates = ({"rlnDefocus": "40000"}, {"rlnDefocus": "40000", "rlnPhaseShift": "90"}, {})
    isonet.star.write_table(star, [row | more for row, more in zip(isonet.table(star), plates, strict=True)])
    said = isonet.done("predict", star, model, "--deconvolve").err
    assert "b: not deconvolved: it was taken with a phase plate" in said and "c: not deconvolved: it has no" in said
    assert [row[COLUMN] for row in isonet.table(star)] == [
        "corrected/deconvolved/a_corrected_deconv.mrc",
        "None",
        "None",
    ]


def test_what_was_deconvolved_is_not_again(known: Path, model: Path) -> None:
    """Told by the column that a model corrects, or by the labels of a file, though it came with ten."""
    with mrcfile.open("v.mrc", "r+") as file:
        for number in range(10 - int(file.header.nlabl)):
            file.add_label(f"from the microscope {number}")
    isonet.done("deconv", known)
    isonet.done("refine", known, **isonet.TINY)
    refused = isonet.call("predict", known, "results", "--deconvolve")
    isonet.assert_refused(refused, "v was deconvolved before it was corrected")
    isonet.done("predict", known, "results")
    refused = isonet.call("deconv", known, input_column="rlnCorrectedTomoName")
    isonet.assert_refused(refused, "v was deconvolved before it was corrected")


def test_killed_prediction_goes_on_to_the_same(here: Path, volume: Any, model: Path) -> None:
    for name in "abc":
        isonet.write(here / f"{name}.mrc", volume)
    isonet.done("prepare", "a.mrc", "b.mrc", "c.mrc", defocus=40000)
    star = here / "tomograms.star"
    isonet.done("predict", star, model, "--deconvolve", "--no-calibrate", output_dir="whole")
    isonet.edited(star, **{COLUMN: None})
    process = isonet.Process(here / "err", "predict", star, model, "--deconvolve", "--no-calibrate")
    process.wait_for(lambda: isonet.table(star)[0].get(COLUMN, "None") != "None")
    process.signal(signal.SIGKILL)
    process.outcome()
    isonet.done("predict", star, model, "--deconvolve", "--no-calibrate")
    for name in "abc":
        made = f"deconvolved/{name}_corrected_deconv.mrc"
        assert np.array_equal(isonet.read(here / "corrected" / made), isonet.read(here / "whole" / made))
    assert not list(here.rglob("*.part"))


def test_run_restores_what_halves_give_and_the_report_shows_it(here: Path, volume: Any) -> None:
    for name in ("even", "odd"):
        isonet.write(here / name / f"v_{name}.mrc", volume)
    words = ("run", "--even", "even", "--odd", "odd", "--accept=other-halves,no-wedge")
    isonet.done(*words, defocus=40000, **isonet.TINY)
    (path,) = Path("isonet/corrected/deconvolved").glob("*_corrected_deconv.mrc")
    assert isonet.table(Path("isonet/tomograms.star"))[0][COLUMN] == str(path.relative_to("isonet"))
    (shown,) = json.loads(Path("isonet/report.json").read_text())["tomograms"]
    assert shown["deconvolved"] == "defocus 40000 A, falloff 1, strength 2"
    page = Path("isonet/report.html").read_text()
    assert page.count(', deconvolved"') == 2 and "falloff 1, strength 2" in page
    isonet.done(*words, defocus=40000, deconv="off", output_dir="off", **isonet.TINY)
    assert not list(Path("off").rglob("*_deconv.mrc"))
