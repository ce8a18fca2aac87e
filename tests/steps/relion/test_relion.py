"""relion: an External job in a project of the form that RELION 5 documents, seen as RELION sees it."""

import shutil
import signal
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import starfile
from commandline import Process

SET = "Tomograms/job006/tomograms.star"
DENOISED = "rlnTomoReconstructedTomogramDenoised"
OPTIONS = {**isonet.TINY, "split": "frames"}
"""Of a training that takes a fraction of a second; halves of so small tomograms do not tell what they are from."""
_TABLE = """
# version 50001

data_global

loop_
_rlnTomoName #1
_rlnVoltage #2
_rlnSphericalAberration #3
_rlnAmplitudeContrast #4
_rlnMicrographOriginalPixelSize #5
_rlnTomoHand #6
_rlnOpticsGroupName #7
_rlnTomoTiltSeriesPixelSize #8
_rlnTomoTiltSeriesStarFile #9
_rlnTomoTomogramBinning #10
_rlnTomoSizeX #11
_rlnTomoSizeY #12
_rlnTomoSizeZ #13
_rlnTomoReconstructedTomogram #14
_rlnTomoReconstructedTomogramHalf1 #15
_rlnTomoReconstructedTomogramHalf2 #16
"""
_PIPELINE = """
# version 50001

data_pipeline_general

_rlnPipeLineJobCounter                       2


# version 50001

data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
_rlnPipeLineProcessTypeLabel #3
_rlnPipeLineProcessStatusLabel #4
{job} External/mine/ relion.external    Running


# version 50001

data_pipeline_nodes

loop_
_rlnPipeLineNodeName #1
_rlnPipeLineNodeTypeLabel #2
_rlnPipeLineNodeTypeLabelDepth #3
{given} MicrographGroupMetadata.star.relion            1


# version 50001

data_pipeline_input_edges

loop_
_rlnPipeLineEdgeFromNode #1
_rlnPipeLineEdgeProcess #2
{given} {job}

"""


@pytest.fixture
def project(here: Path, volume: Any) -> Path:
    """A project of RELION with two reconstructed tomograms, their halves and their tilt series."""
    job = here / "Tomograms" / "job006"
    noise = np.random.default_rng(0)
    text = _TABLE
    for name in ("TS_01", "TS_02"):
        files = [job / "tomograms" / f"rec_{name}{part}.mrc" for part in ("", "_half1", "_half2")]
        for path in files:
            isonet.write(path, (volume + 0.5 * noise.standard_normal(volume.shape)).astype(np.float32))
        series = job / "tilt_series" / f"{name}.star"
        series.parent.mkdir(exist_ok=True)
        rows = "".join(f"frames/{name}_{tilt}.mrc {tilt}\n" for tilt in range(-54, 58, 3))
        series.write_text(
            f"data_{name}\n\nloop_\n_rlnMicrographMovieName #1\n_rlnTomoNominalStageTiltAngle #2\n{rows}\n"
        )
        named = " ".join(str(path.relative_to(here)) for path in files)
        text += f"{name} 300.0 2.7 0.1 2.5 -1.0 optics1 2.5 {series.relative_to(here)} 4.0 128 128 96 {named}\n"
    (here / SET).write_text(text)
    return here


def started(job: str, given: str = SET) -> Path:
    """What RELION does before it starts a job: its folder and pipeline are there, old marks are not."""
    folder = Path(job)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "job_pipeline.star").write_text(_PIPELINE.format(job=job, given=given))
    for mark in folder.glob("RELION_JOB_*"):
        mark.unlink()
    return folder


def marks(folder: Path) -> list[str]:
    """Names of the marks in a job's folder."""
    return sorted(path.name for path in folder.glob("RELION_JOB_*"))


def nodes(folder: Path) -> dict[str, str]:
    """Outputs of a job with their labels, as RELION reads them; each must be there."""
    table = starfile.read(folder / "RELION_OUTPUT_NODES.star", always_dict=True)["output_nodes"]
    assert all(Path(name).is_file() for name in table["rlnPipeLineNodeName"])
    return dict(zip(table["rlnPipeLineNodeName"], table["rlnPipeLineNodeTypeLabel"], strict=True))


def pipeline(folder: Path) -> dict[str, Any]:
    """Tables of the job's own pipeline."""
    return dict(starfile.read(folder / "job_pipeline.star", always_dict=True))


def refined(job: str = "External/job012/", **options: Any) -> Path:
    """A refine job, typed as RELION does."""
    folder = started(job)
    isonet.done("relion", "refine", "--o", job, "--in_mics", SET, **{**OPTIONS, **options}, j=1)
    return folder


def test_refine_and_predict_stand_in_the_pipeline(project: Path) -> None:
    folder = refined()
    assert marks(folder) == ["RELION_JOB_EXIT_SUCCESS"]
    assert nodes(folder) == {"External/job012/tomograms.star": "TomogramGroupMetadata.star.relion"}
    told = pipeline(folder)
    process = told["pipeline_processes"].iloc[0]
    assert process["rlnPipeLineProcessStatusLabel"] == "Succeeded"
    assert process["rlnPipeLineProcessAlias"] == "External/mine/"
    assert told["pipeline_nodes"]["rlnPipeLineNodeTypeLabel"][0] == "MicrographGroupMetadata.star.relion"
    assert told["pipeline_input_edges"].iloc[0].tolist() == [SET, "External/job012/"]
    assert told["pipeline_output_edges"].iloc[0].tolist() == ["External/job012/", "External/job012/tomograms.star"]
    ours = isonet.table(folder / "isonet.star")
    assert [(float(row["rlnTiltMin"]), float(row["rlnTiltMax"])) for row in ours] == [(-54, 57)] * 2
    assert {float(row["rlnPixelSize"]) for row in ours} == {10}

    after = started("External/job013/", "External/job012/tomograms.star")
    words = ("--o", "External/job013/", "--in_mics", "External/job012/tomograms.star", "--split", "frames")
    isonet.done("relion", "predict", *words, "--precision", "float32", "--j", "1")
    assert marks(after) == ["RELION_JOB_EXIT_SUCCESS"]
    assert nodes(after) == {"External/job013/tomograms.star": "TomogramGroupMetadata.star.relion"}
    before, now = (starfile.read(path) for path in (SET, "External/job013/tomograms.star"))
    denoised = now.pop(DENOISED).tolist()
    assert now.equals(before)
    assert [Path(path).name for path in denoised] == ["rec_TS_01_corrected.mrc", "rec_TS_02_corrected.mrc"]
    for path in denoised:
        assert not Path(path).is_absolute()
        assert isonet.read(Path(path)).shape == isonet.read(Path("Tomograms/job006/tomograms/rec_TS_01.mrc")).shape
    assert (after / "report.html").is_file()
    assert not (folder / "corrected").exists()


def test_the_model_of_another_job_and_some_tomograms(project: Path) -> None:
    refined()
    started("External/job014/")
    words = ("relion", "predict", "--o", "External/job014/", "--in_mics", SET, "--split", "frames")
    isonet.assert_refused(isonet.call(*words), "--model", SET)
    assert marks(Path("External/job014")) == ["RELION_JOB_EXIT_FAILURE"]
    isonet.done(*words, model="External/job012/", tomo_idx=2, precision="float32")
    assert marks(Path("External/job014")) == ["RELION_JOB_EXIT_SUCCESS"]
    column = starfile.read("External/job014/tomograms.star")[DENOISED].tolist()
    assert [path if isinstance(path, float) else Path(path).name for path in column][1] == "rec_TS_02_corrected.mrc"
    assert "N/A" in Path("External/job014/tomograms.star").read_text()


def test_deconvolved_as_the_training_was(project: Path) -> None:
    """The filter of the refine job is that of the predict job, too."""
    options = {"method": "isonet", "deconv": "on", "defocus": 20000, "snr_falloff": 0.7}
    refined(**options)
    started("External/job013/")
    words = ("--o", "External/job013/", "--in_mics", "External/job012/tomograms.star", "--defocus=20000")
    isonet.done("relion", "predict", *words, precision="float32", split="frames")
    (first, _), (second, _) = (isonet.table(Path(f"External/job0{n}/isonet.star")) for n in (12, 13))
    names = [Path("External", job, row["rlnDeconvTomoName"]) for job, row in (("job012", first), ("job013", second))]
    assert np.array_equal(isonet.read(names[0]), isonet.read(names[1]))


def test_continue_goes_on_where_it_was(project: Path) -> None:
    """Stopped as planned, the job counts as aborted; RELION's Continue types the same line and ends as one run does."""
    folder = refined(max_time="1s", iterations=60, steps_per_epoch=4)
    assert marks(folder) == ["RELION_JOB_EXIT_ABORTED"]
    assert not (folder / "RELION_OUTPUT_NODES.star").exists()
    assert pipeline(folder)["pipeline_processes"]["rlnPipeLineProcessStatusLabel"][0] == "Aborted"
    first = isonet.losses(folder / "results")
    refined(max_time="2min", iterations=len({one for one, _, _ in first}) + 1, steps_per_epoch=4)
    assert marks(folder) == ["RELION_JOB_EXIT_SUCCESS"]
    assert isonet.losses(folder / "results")[: len(first)] == first
    whole = isonet.losses(folder / "results")
    refined(iterations=len({one for one, _, _ in first}) + 1, steps_per_epoch=4)  # all is done
    assert marks(folder) == ["RELION_JOB_EXIT_SUCCESS"]
    assert isonet.losses(folder / "results") == whole


def test_continue_with_other_data_is_refused(project: Path) -> None:
    folder = refined()
    started("External/job012/")
    words = ("relion", "refine", "--o", "External/job012/", "--in_mics")
    isonet.assert_refused(isonet.call(*words, SET, **OPTIONS, tilt_max=50), "--tilt-max", "isonet.star")
    shutil.copy(SET, "Tomograms/other.star")
    isonet.assert_refused(isonet.call(*words, "Tomograms/other.star", **OPTIONS), "--in-mics")
    assert marks(folder) == ["RELION_JOB_EXIT_FAILURE"]
    refined()
    assert marks(folder) == ["RELION_JOB_EXIT_SUCCESS"]


def test_relion_aborts_and_continues(project: Path) -> None:
    folder = started("External/job012/")
    words = ["relion", "refine", "--o", "External/job012/", "--in_mics", SET]
    options = {**OPTIONS, "iterations": 500}
    process = Process(project / "err.txt", *words, **options)
    process.wait_for((folder / "results" / "model_iter02.safetensors").exists)
    (folder / "RELION_JOB_ABORT_NOW").touch()
    assert process.outcome().code == 128 + signal.SIGTERM
    assert marks(folder) == ["RELION_JOB_EXIT_ABORTED"]
    done = isonet.losses(folder / "results")
    assert done
    isonet.done(*words, **{**options, "iterations": max(one for one, _, _ in done) + 1})
    assert isonet.losses(folder / "results")[: len(done)] == done
    assert "RELION_JOB_EXIT_SUCCESS" in marks(folder)


@pytest.mark.parametrize(
    ("words", "mentions"),
    [
        (["relion", "refine"], "--in_mics"),
        (["relion", "refine", "--in_mics", SET, "--in_parts", SET], "--in_mics"),
        (["relion", "classify", "--in_mics", SET], "classify"),
        (["relion", "refine", "--in_mics", SET, "--turns", "2"], "--turns"),
        (["relion", "predict", "--in_mics", SET, "--iterations", "3"], "--iterations"),
        (["relion", "predict", "--in_mics", SET, "--format", "zarr"], "give both"),
        (["relion", "refine", "--in_mics", SET, "--cube_size", "many"], "cube-size"),
        (["relion", "refine", "--in_mics", SET, "--no_such_flag", "1"], "no-such-flag"),
        (["relion", "refine", "--in_mics", "nowhere.star"], "nowhere.star"),
        (["relion", "refine", "--in_parts", "Tomograms/job006/tilt_series/TS_01.star"], "TS_01.star"),
    ],
)
def test_what_cannot_be_done_is_told_to_relion(project: Path, words: list[str], mentions: str) -> None:
    folder = started("External/job012/")
    isonet.assert_refused(isonet.call(*words, "--o", "External/job012/"), mentions)
    assert marks(folder) == ["RELION_JOB_EXIT_FAILURE"]


def test_without_a_job_by_hand(project: Path) -> None:
    isonet.assert_refused(isonet.call("relion", "refine", "--in_mics", SET), "--o")
    isonet.done("relion", "refine", "--o", "External/new/", "--in_mics", SET, **OPTIONS)
    told = pipeline(Path("External/new"))
    assert told["pipeline_processes"].iloc[0].tolist()[:1] == ["External/new/"]
    assert told["pipeline_processes"]["rlnPipeLineProcessTypeLabel"][0] == "relion.external"


def test_tomograms_that_are_not_there_yet_are_left_out(project: Path) -> None:
    """RELION writes of a tomogram it did not reconstruct that there is none."""
    text = Path(SET).read_text().replace("Tomograms/job006/tomograms/rec_TS_02_half1.mrc", "None")
    text = text.replace("Tomograms/job006/tomograms/rec_TS_02_half2.mrc", "None")
    Path(SET).write_text(text.replace("Tomograms/job006/tomograms/rec_TS_02.mrc", "None"))
    folder = refined()
    assert [Path(row["rlnTomoName"]).name for row in isonet.table(folder / "isonet.star")] == ["rec_TS_01.mrc"]
    assert len(starfile.read(folder / "tomograms.star")) == 2


def test_halves_alone_are_enough(project: Path) -> None:
    """RELION may have reconstructed the halves and nothing else: their mean is made, and the row is found again."""
    text = Path(SET).read_text()
    for name in ("TS_01", "TS_02"):
        text = text.replace(f" Tomograms/job006/tomograms/rec_{name}.mrc ", " None ")
    Path(SET).write_text(text)
    refined()
    started("External/job013/", "External/job012/tomograms.star")
    words = ("--o", "External/job013/", "--in_mics", "External/job012/tomograms.star", "--split", "frames")
    isonet.done("relion", "predict", *words, precision="float32", tomo_idx=1)
    column = starfile.read("External/job013/tomograms.star", parse_as_string=[DENOISED])[DENOISED].tolist()
    assert Path(column[0]).is_file() and "TS_01" in column[0]
    assert not Path(str(column[1])).exists()
