"""refine from subtomo.star: each sub-volume as it was in its tomogram, with its tilts, and going on when stopped."""

import signal
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.config import RefineConfig
from isonet.io import star
from isonet.io.checkpoint import load_model
from isonet.models.folder import STATE_NAME
from isonet.project.table import Project
from isonet.steps.refine.subvolumes.files import SubvolumeFiles, open_subvolume_files
from isonet.volumes.source import Source, open_source

TRAIN = {
    name: value for name, value in isonet.TINY.items() if name not in ("cube_size", "crop_size", "number_subtomos")
}
"""Options of a refine that takes the sizes and all sub-volumes of its table."""
SMALL = {"cube_size": 16, "crop_size": 24}


@pytest.fixture
def extracted(prepared: Path) -> Path:
    """Tables of one tomogram and of five sub-volumes of it."""
    isonet.done("extract", prepared, number_subtomos=5, **SMALL)
    return prepared.with_name("subtomo.star")


def opened(path: Path, **options: Any) -> list[SubvolumeFiles]:
    """Open the sub-volumes of a table as refine does."""
    rows = Project.read(path, subvolumes=True).tomograms
    return open_subvolume_files(rows, RefineConfig(**{**SMALL, **options}), torch.device("cpu"))


def blocks(files: SubvolumeFiles, size: int, seed: int = 0) -> list[Any]:
    places = files.places(size, files.count, np.random.default_rng(seed))
    return [source.cut(corner, (size,) * 3) for (source,), corner in places]


def edit(path: Path, **columns: str | None) -> None:
    """Set columns of every row (None removes one)."""
    table = [{**row, **columns} for row in star.read_table(path, ["rlnImageName"])]
    star.write_table(path, [{name: value for name, value in row.items() if value is not None} for row in table])


@pytest.mark.parametrize("size", [24, 20])
def test_a_sub_volume_is_to_the_network_what_it_was_in_the_tomogram(extracted: Path, size: int) -> None:
    """Bit for bit, because the grey values of the whole tomogram are recorded."""
    source = open_source(Project.read(Path("tomograms.star")).tomograms[0], "rlnTomoName")
    (files,) = opened(extracted)
    table = star.read_table(extracted, ["rlnImageName"])
    assert len(table) == files.count == 5
    for row, block in zip(table, blocks(files, size), strict=True):
        corner = [int(row[f"rlnCoordinate{axis}"]) - size // 2 for axis in "ZYX"]
        assert np.array_equal(block, source.cut(corner, (size,) * 3))


def test_without_recorded_grey_values_the_sub_volumes_are_normalised_together(extracted: Path) -> None:
    edit(extracted, rlnTomoMean=None, rlnTomoStd=None, rlnTomoContrast=None)
    (files,) = opened(extracted)
    whole = np.stack(blocks(files, 24)).astype(np.float64)
    assert whole.mean() == pytest.approx(0, abs=1e-5)
    assert whole.std() == pytest.approx(1, abs=1e-5)
    assert files.normalization.sign == -1
    assert len({round(float(block.mean()), 3) for block in whole}) > 1  # not each on its own


def test_a_random_choice_is_drawn_anew(extracted: Path) -> None:
    (files,) = opened(extracted, number_subtomos=3)
    (every,) = opened(extracted)
    assert files.count == 3
    number = {block.tobytes(): index for index, block in enumerate(blocks(every, 24))}
    choices = {tuple(number[block.tobytes()] for block in blocks(files, 24, seed)) for seed in range(20)}
    assert all(len(set(choice)) == 3 and list(choice) == sorted(choice) for choice in choices)
    assert len(choices) > 3


def test_each_sub_volume_has_the_tilts_of_its_tomogram(here: Path) -> None:
    ranges = {"a": (-60, 60), "b": (-40, 65)}
    for name, tilts in ranges.items():
        isonet.write(here / "data" / f"{name}.mrc", isonet.specimen(tilts=tilts))
        (here / "data" / f"{name}.tlt").write_text("".join(f"{tilt}\n" for tilt in range(tilts[0], tilts[1] + 1, 5)))
    isonet.done("prepare", "data", tilt_file="data")
    isonet.done("extract", "tomograms.star", number_subtomos=4, **SMALL)
    first, second = opened(here / "subtomo.star")
    assert [len(one.sources[0].tomogram.tilts) for one in (first, second)] == [25, 22]
    assert not torch.equal(first.optics.weights[0], second.optics.weights[0])
    halved = opened(here / "subtomo.star", number_subtomos=4)
    assert [one.count for one in halved] == [2, 2]
    isonet.done("refine", "subtomo.star", **TRAIN)
    about = load_model(Path("results"))[1]
    assert [len(tilts) for tilts in about["tilts"]] == [25, 22]
    assert (about["input_column"], about["pixel_sizes"], about["cube_size"]) == ("full", [10, 10], 16)
    outcome = isonet.done("predict", "tomograms.star", "results")
    assert "trained at" not in outcome.err
    isonet.done("refine", "subtomo.star", tomo_idx=2, output_dir="one", **TRAIN)
    assert len(load_model(Path("one"))[1]["tilts"]) == 1


def test_sizes_are_those_of_the_table_unless_given(extracted: Path) -> None:
    isonet.done("refine", extracted, **TRAIN)
    isonet.done("refine", extracted, output_dir="given", **TRAIN, **SMALL)
    isonet.done("refine", extracted, output_dir="smaller", crop_size=20, **TRAIN)
    assert isonet.same_weights(Path("results"), Path("given"))
    assert not isonet.same_weights(Path("results"), Path("smaller"))
    outcome = isonet.call("refine", extracted, output_dir="larger", crop_size=28, **TRAIN)
    isonet.assert_refused(outcome, "v_000000.mrc", "24 x 24 x 24", "28", "--crop-size")
    outcome = isonet.call("refine", extracted, output_dir="larger", cube_size=28, **TRAIN)
    isonet.assert_refused(outcome, "--crop-size 24", "--cube-size, 28")
    outcome = isonet.call("refine", "tomograms.star", output_dir="tomograms", crop_size=24, **TRAIN)
    isonet.assert_refused(outcome, "--crop-size 24", "--cube-size, 64")
    edit(extracted, rlnCropSize="23", rlnCubeSize="16")
    said = isonet.done("refine", extracted, output_dir="odd", **TRAIN).err
    assert "the middle 20 of 23 voxels used, a multiple of 4" in said
    assert isonet.same_weights(Path("odd"), Path("smaller"))


def test_all_are_used_or_a_number_of_them(extracted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    cut = Source.cut

    def recording(self: Source, corner: Any, shape: Any) -> Any:
        if tuple(shape) == (20, 20, 20):
            read.append(self.volume.path)
        return cut(self, corner, shape)

    monkeypatch.setattr(Source, "cut", recording)
    for count, options in ((5, {}), (2, {"number_subtomos": 2}), (5, {"number_subtomos": 9})):
        read.clear()
        isonet.done(
            "refine", extracted, output_dir=f"of{options}", crop_size=20, **{**TRAIN, "batch_size": 4, **options}
        )
        for iteration in (read[:count], read[count:]):
            assert len(set(iteration)) == len(iteration) == count


def test_what_the_sub_volumes_were_cut_from(extracted: Path, volume: Any) -> None:
    """The model knows it, and predict corrects the same; where no table says so, the user decides."""
    isonet.write(Path("deconv.mrc"), 2 * volume)
    isonet.edited(Path("tomograms.star"), rlnDeconvTomoName="deconv.mrc")
    isonet.done("extract", "tomograms.star", output="d.star", output_dir="d", number_subtomos=2, **SMALL)
    isonet.done("refine", "d.star", **TRAIN)
    isonet.done("predict", "tomograms.star", "results")
    assert isonet.read(Path("corrected/v_corrected.mrc")).std() == pytest.approx(2, rel=0.5)
    isonet.assert_refused(
        isonet.call("refine", "d.star", input_column="full", output_dir="full", **TRAIN), "rlnDeconvTomoName", "extract"
    )
    for asked in ("full", "rlnTomoName"):
        outcome = isonet.call("predict", "tomograms.star", "results", output_dir="other", input_column=asked)
        isonet.assert_refused(outcome, "rlnDeconvTomoName", asked)
    both = star.read_table(Path("d.star"), ["rlnImageName"]) + star.read_table(extracted, ["rlnImageName"])
    star.write_table(Path("both.star"), both)
    isonet.assert_refused(
        isonet.call("refine", "both.star", output_dir="both", **TRAIN), "both.star", "full and rlnDec"
    )
    edit(Path("d.star"), rlnTomoInputColumn=None)
    isonet.done("refine", "d.star", output_dir="unknown", **TRAIN)
    for asked, corrected in (("auto", "rlnDeconvTomoName"), ("full", "rlnTomoName")):
        words = ("predict", "tomograms.star", "unknown")
        assert f"{corrected} is corrected" in isonet.done(*words, output_dir=asked, input_column=asked).err


LONG = {**TRAIN, "iterations": 3, "epochs": 2, "steps_per_epoch": 4, "number_subtomos": 3, "noise_start_iter": 2}
LONG["noise_level"] = 0.2


def test_interrupted_and_continued_it_is_the_uninterrupted_run(extracted: Path) -> None:
    """To the bit, also in which sub-volumes each iteration chose."""
    isonet.done("refine", extracted, output_dir="whole", **LONG)
    for number in (signal.SIGTERM, signal.SIGKILL):
        interrupted_and_continued(extracted, number)
        Path("results").rename(f"results{number}")


def interrupted_and_continued(extracted: Path, number: signal.Signals) -> None:
    """Interrupt a run after three epochs, go on with it, and insist that it is the whole one."""
    process = isonet.Process(Path("err"), "refine", extracted, **LONG)
    metrics = Path("results/metrics.jsonl")
    process.wait_for(lambda: metrics.exists() and metrics.read_text().count("loss") >= 3)
    process.signal(number)
    process.outcome()
    assert Path("results", STATE_NAME).exists()
    isonet.done("refine", "--continue-from", "results")
    assert isonet.state(Path("results")) == "finished"
    assert isonet.same_weights(Path("results"), Path("whole"))
    assert isonet.losses(Path("results")) == isonet.losses(Path("whole"))
    assert len(isonet.losses(Path("results"))) == 6


def test_sub_volumes_made_elsewhere(here: Path, volume: Any) -> None:
    """Each normalised on its own, light, of odd size: training works, and the model corrects tomograms."""
    for number in range(3):
        block = -np.roll(volume, number * 7, axis=1)[:, :24, :24] * (number + 1) + number
        isonet.write(here / "cubes" / f"p.{number}.rec.mrc", np.tile(block, (2, 2, 2))[:27, :27, :27])
    isonet.done("prepare-subtomo-star", "cubes")
    assert "light" in star.read_table(Path("subtomo.star"), ["rlnImageName"])[0]["rlnTomoContrast"]
    assert "the middle 24 of 27" in isonet.done("refine", "subtomo.star", **TRAIN).err
    isonet.write(here / "v.mrc", volume)
    isonet.done("prepare", "v.mrc")
    isonet.done("predict", "tomograms.star", "results")


def test_a_file_that_is_gone_is_named(extracted: Path) -> None:
    gone = Project.read(extracted, subvolumes=True).tomograms[0].file("rlnImageName")
    gone.unlink()
    isonet.assert_refused(isonet.call("refine", extracted, **TRAIN), gone.name, "no such file")


@pytest.mark.parametrize(
    ("columns", "mentions"),
    [
        ({"rlnImageName": "one.mrc"}, ("rows 1 and 2", "one.mrc", "rlnImageName")),
        ({"rlnImageName": "None"}, ("subtomo.star", "rlnImageName", "empty")),
        ({"rlnTomoStd": "0"}, ("subtomo.star", "rlnTomoStd", "extract")),
        ({"rlnTomoMean": "many"}, ("subtomo.star", "rlnTomoMean", "many")),
        ({"rlnTiltMin": "70"}, ("subtomo.star", "rlnTiltMin")),
        ({"rlnTomoContrast": "grey"}, ("subtomo.star", "grey", "dark or light")),
        ({"rlnCubeSize": "some"}, ("subtomo.star", "rlnCubeSize", "some")),
    ],
)
def test_tables_that_cannot_be_used(extracted: Path, columns: dict[str, str], mentions: tuple[str, ...]) -> None:
    edit(extracted, **columns)
    isonet.assert_refused(isonet.call("refine", extracted, **TRAIN), *mentions)


def test_nan_in_a_sub_volume_and_tables_of_sub_volumes_elsewhere(extracted: Path, model: Path) -> None:
    for command in (["predict", extracted, model], ["extract", extracted]):
        isonet.assert_refused(isonet.call(*command), "subtomo.star", "only refine", "table of tomograms")
    isonet.assert_refused(isonet.call("refine", extracted, tomo_idx=7, **TRAIN), "rlnIndex 7")
    damaged = Path("subtomo/v_000003.mrc")
    content = bytearray(damaged.read_bytes())
    content[2000:2004] = np.float32(np.nan).tobytes()
    damaged.write_bytes(content)
    isonet.assert_refused(isonet.call("refine", extracted, **TRAIN), "v_000003.mrc", "NaN")
