"""The folder of an External job of RELION: marks, outputs, the job's own pipeline."""

from pathlib import Path

import pytest
import starfile

from isonet.io.programs.relion_job import MARKS, PIPELINE, TOMOGRAMS, Job, State, mark_unread


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A job's folder, named from the project's, which is the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "External/job012").mkdir(parents=True)
    return Path("External/job012/")


@pytest.mark.parametrize("state", MARKS)
def test_one_mark_tells_how_a_job_ended(folder: Path, state: State) -> None:
    job = Job(folder, [Path("Tomograms/job006/tomograms.star")])
    for earlier in MARKS:
        job.end(earlier)
    job.begin()
    assert not list(folder.glob("RELION_JOB_*"))
    job.end(state, [folder / "tomograms.star"])
    assert [path.name for path in folder.glob("RELION_JOB_*")] == [MARKS[state]]
    told = starfile.read(folder / PIPELINE, always_dict=True)
    assert told["pipeline_general"] == {"rlnPipeLineJobCounter": 2}
    assert told["pipeline_processes"].iloc[0].tolist()[2:] == ["relion.external", state.value]
    assert told["pipeline_nodes"]["rlnPipeLineNodeName"].tolist() == [
        "Tomograms/job006/tomograms.star",
        "External/job012/tomograms.star",
    ]


def test_tables_have_the_version_by_which_relion_5_knows_its_labels(folder: Path) -> None:
    """Below version 50001 RELION takes labels for old ones and translates them."""
    Job(folder, [Path("a.star")]).end(State.SUCCEEDED, [folder / "tomograms.star"])
    for name, tables in ((PIPELINE, 5), ("RELION_OUTPUT_NODES.star", 1)):
        lines = [line for line in (folder / name).read_text().splitlines() if line.strip()]
        before = [lines[place - 1] for place, line in enumerate(lines) if line.startswith("data_")]
        assert before == ["# version 50001"] * tables


def test_labels_that_relion_chose_stay(folder: Path) -> None:
    job = Job(folder, [Path("a.star")])
    job.begin()
    text = (folder / PIPELINE).read_text()
    (folder / PIPELINE).write_text(text.replace(TOMOGRAMS, "MicrographGroupMetadata.star.relion"))
    job.end(State.SUCCEEDED, [folder / "tomograms.star"])
    nodes = starfile.read(folder / PIPELINE, always_dict=True)["pipeline_nodes"]
    assert nodes["rlnPipeLineNodeTypeLabel"].tolist() == ["MicrographGroupMetadata.star.relion", TOMOGRAMS]


def test_an_absolute_path_inside_the_project_is_named_from_it(folder: Path) -> None:
    Job(folder.resolve(), [Path("a.star").resolve(), Path("/elsewhere/b.star")]).begin()
    told = starfile.read(folder / PIPELINE, always_dict=True)
    assert told["pipeline_processes"].iloc[0, 0] == "External/job012/"
    assert told["pipeline_nodes"]["rlnPipeLineNodeName"].tolist() == ["a.star", "/elsewhere/b.star"]


def test_the_wish_to_abort_is_taken_away_when_it_is_met(folder: Path) -> None:
    job = Job(folder)
    assert not job.abort_asked
    (folder / "RELION_JOB_ABORT_NOW").touch()
    assert job.abort_asked
    job.end(State.ABORTED)
    assert not job.abort_asked


@pytest.mark.parametrize("words", [["--o", "{}"], ["--x", "--o={}"], ["refine", "--o", "{}", "--y"]])
def test_words_that_cannot_be_understood_are_told(folder: Path, words: list[str]) -> None:
    mark_unread(["relion", *(word.format(folder) for word in words)])
    assert (folder / "RELION_JOB_EXIT_FAILURE").exists()


@pytest.mark.parametrize("words", [["--o"], ["--o", "nowhere"], []])
def test_nothing_is_told_where_there_is_no_job(folder: Path, words: list[str]) -> None:
    mark_unread(["relion", *words])
    assert not list(Path().rglob("RELION_JOB_*"))
