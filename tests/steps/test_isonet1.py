"""What users of IsoNet 1 and 2 type and have: command lines, tables and files work, or one line says what to do."""

import json
import shlex
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import yaml

from isonet.cli.spellings import OBSOLETE, POSITIONAL, REFUSED, RENAMED, translated
from isonet.config import RefineConfig
from isonet.io import star

TOMOGRAMS = """
data_

loop_
_rlnIndex #1
_rlnMicrographName #2
_rlnPixelSize #3
_rlnDefocus #4
_rlnNumberSubtomo #5
_rlnMaskBoundary #6
_rlnSnrFalloff #7
_rlnDeconvStrength #8
_rlnDeconvTomoName #9
_rlnMaskDensityPercentage #10
_rlnMaskStdPercentage #11
_rlnMaskName #12
1 \ttomoset/TS_01.rec \t10.800000 \t38838.257812 \t3 \tNone \t0.700000 \t1.000000 \tNone \t50.000000 \t50.000000 \tmask/TS_01_mask.mrc \t
2 \ttomoset/TS_43.rec \t10.800000 \t25292.275391 \t2 \tNone \t0.700000 \t1.000000 \tNone \t50.000000 \t50.000000 \tNone \t
"""  # noqa: E501
SUBTOMOS = """
data_

loop_
_rlnSubtomoIndex #1
_rlnImageName #2
_rlnCubeSize #3
_rlnCropSize #4
_rlnPixelSize #5
1 \tsubtomo/TS_01_000000.mrc \t16 \t24 \t10.800000 \t
2 \tsubtomo/TS_01_000001.mrc \t16 \t24 \t10.800000 \t
"""
FAST = "--epochs 1 --steps_per_epoch 2 --batch_size 2 --filter_base 4 --unet_depth 2"


def typed(line: str) -> isonet.Outcome:
    """Type a line of a script."""
    program, *words = shlex.split(line)
    assert program == "isonet.py"
    return isonet.done(*words)


@pytest.fixture
def tomoset(here: Path, volume: Any) -> Path:
    """A folder of two tomograms, as the tutorial has it."""
    isonet.write(here / "tomoset" / "TS_01.rec", volume, pixel_size=10.8)
    isonet.write(here / "tomoset" / "TS_43.rec", volume[::-1].copy(), pixel_size=10.8)
    return here


def test_the_tutorial_as_it_is_typed(tomoset: Path) -> None:
    typed("isonet.py prepare_star tomoset --output_star tomograms.star --pixel_size 10.8 --number_subtomos 3")
    typed(
        "isonet.py extract tomograms.star --use_deconv_tomo False --subtomo_folder subtomo --subtomo_star subtomo.star "
        "--cube_size 16 --crop_size 24 --log_level debug --tomo_idx None"
    )
    assert len(list(Path("subtomo").glob("TS_01_00000?.mrc"))) == 3
    said = typed(
        "isonet.py refine subtomo.star --gpuID 0 --iterations 1 --noise_start_iter 10,15,20,25 --pretrained_model None "
        "--preprocessing_ncpus 16 --data_dir results/data --noise_dir None --noise_mode noFilter --kernel 3,3,3 "
        "--noise_level 0.05,0.1,0.15,0.2 --remove_intermediate True --normalize_percentile True --log_level info "
        f"--batch_normalization True --select_subtomo_number 4 --result_dir results --drop_out 0.3 {FAST}"
    ).err
    for flag in ("preprocessing_ncpus", "data_dir", "remove_intermediate", "normalize_percentile", "log_level"):
        assert said.count(f"--{flag} is not needed any more: ") == 1
    assert "--noise_level 0.05,0.1,0.15,0.2" in said
    assert "--noise-level 0.18,0.35,0.53,0.7" in said
    assert "4 sub-volumes of 24 voxels an epoch" in said
    config = yaml.safe_load(Path("results/config.yaml").read_text())
    assert config["noise_mode"] == "unfiltered"
    assert config["noise_start_iter"] == [10, 15, 20, 25]
    assert (config["normalization"], config["kernel"], config["drop_out"]) == ("batch", 3, 0.3)
    said = typed("isonet.py predict tomograms.star ./results/model_iter01.h5 --gpuID 0,1 --use_deconv_tomo False").err
    assert "results/model_iter01.safetensors is used" in said
    assert sorted(path.name for path in Path("corrected").glob("*.mrc")) == [
        "TS_01_corrected.mrc",
        "TS_43_corrected.mrc",
    ]


def test_arguments_by_name(tomoset: Path) -> None:
    typed("isonet.py prepare_star --folder_name tomoset --number_subtomos=2")
    typed("isonet.py extract --cube_size=16 --crop_size=24 --star_file tomograms.star")
    typed(f"isonet.py refine --iterations 1 --subtomo_star=subtomo.star {FAST}")
    typed("isonet.py predict --model results --star_file tomograms.star --output_dir corrected_tomos")
    assert len(list(Path("corrected_tomos").glob("*_corrected.mrc"))) == 2
    Path("subtomo.star").unlink()
    typed(
        "isonet.py prepare_subtomo_star --folder_name subtomo --output_star subtomo.star --pixel_size 10.8 "
        "--cube_size 16"
    )
    assert star.read_table(Path("subtomo.star"), ["rlnImageName"])[3]["rlnCubeSize"] == "16"


def test_tables_as_isonet_1_writes_them(tomoset: Path, volume: Any) -> None:
    mask = np.zeros(volume.shape, np.int8)
    mask[12, 12:20, 12:20] = 1
    isonet.write(Path("mask/TS_01_mask.mrc"), mask)
    Path("tomograms.star").write_text(TOMOGRAMS)
    said = isonet.done("extract", "tomograms.star", cube_size=16, crop_size=24).err
    assert "no rlnTiltMin, rlnTiltMax; -60 to 60 degrees taken" in said
    rows = star.read_table(Path("subtomo.star"), ["rlnImageName"])
    assert [row["rlnIndex"] for row in rows] == ["1"] * 3 + ["2"] * 2
    assert {row["rlnCoordinateZ"] for row in rows[:3]} == {"12"}
    assert rows[0]["rlnPixelSize"] == "10.8"
    options = {name: isonet.TINY[name] for name in isonet.TINY if name not in ("cube_size", "crop_size")}
    Path("subtomo.star").write_text(SUBTOMOS)
    said = isonet.done("refine", "subtomo.star", **options).err
    assert "-60 to 60 degrees taken" in said
    assert "2 sub-volumes of 24 voxels an epoch" in said
    isonet.done("predict", "tomograms.star", "results")
    table = isonet.table(Path("tomograms.star"))
    assert [row["rlnCorrectedTomoName"] for row in table] == [f"corrected/TS_{n}_corrected.mrc" for n in ("01", "43")]
    assert table[0]["rlnSnrFalloff"] == "0.700000"


def test_models_and_runs_of_isonet_1_and_2(prepared: Path) -> None:
    Path("results").mkdir()
    state = Path("results/refine_iter10.json")
    state.write_text(json.dumps({"iter_count": 10}))
    for path in (state, Path("none/refine_iter05.json")):
        outcome = isonet.call("refine", "subtomo.star", "--continue_from", path)
        isonet.assert_refused(outcome, str(path), "IsoNet 1", "isonet refine subtomo.star", "--output-dir")
    for name, program in (("model_iter10.h5", "IsoNet 1"), ("network_isonet2_100.pt", "IsoNet 2")):
        Path("results", name).write_bytes(b"\x89HDF\r\n\x1a\n" * 100)
        isonet.assert_refused(isonet.call("predict", prepared, f"results/{name}"), name, program, "isonet refine")
        outcome = isonet.call(
            "refine", prepared, "--pretrained_model", f"results/{name}", output_dir="r", **isonet.TINY
        )
        isonet.assert_refused(outcome, name, program, "isonet refine")
    isonet.assert_refused(
        isonet.call("predict", prepared, "results/model_iter30.h5"), "model_iter30.h5", "no such model"
    )


@pytest.mark.parametrize(
    ("line", "here_it_is"),
    [
        ("refine s.star --gpuID 1", "refine s.star --device=cuda:1"),
        ("refine s.star --gpuID=2,3 --epochs 5", "refine s.star --device=cuda:2 --epochs 5"),
        ("predict t.star m.h5 --gpuID CPU", "predict t.star m.h5 --device=cpu"),
        ("predict t.star m.h5 --gpuID None", "predict t.star m.h5"),
        ("refine s.star --remove_intermediate --epochs 5", "refine s.star --epochs 5"),
        ("refine s.star --batch_normalization False", "refine s.star --normalization=none"),
        ("refine s.star --batch_normalization --pool", "refine s.star --normalization=batch --pool"),
        ("refine s.star --kernel '(5, 5, 5)' --pool 2,2,2", "refine s.star --kernel=5 --pool=true"),
        ("refine s.star --noise_mode None", "refine s.star --noise_mode=unfiltered"),
        ("refine s.star --noise_mode ramp", "refine s.star --noise_mode=ramp"),
        ("extract t.star --use_deconv_tomo", "extract t.star --input-column=auto"),
        ("extract --star_file=t.star --tomo_idx=None", "extract t.star"),
        ("predict --model m --epochs 3 --star_file t", "predict t m --epochs 3"),
        ("refine --pool s.star --epochs 5", "refine --pool s.star --epochs 5"),
        ("mask t.star --patch_size 4 --z_crop None", "mask t.star --patch_size 4"),
        ("mask t.star --z_crop 0.2 --use_deconv_tomo False", "mask t.star --crop-z=0.2 --input-column=full"),
        ("deconv t.star --snrfalloff 0.7 --ncpu 4 --chunk_size=200", "deconv t.star --snr-falloff=0.7"),
        ("run tomos --noise-level=0.2 --tilt-min -50", "run tomos --noise-level=0.2 --tilt-min -50"),
        ("refine t.star --output=", "refine t.star --output="),
        ("refine t.star --method isonet2-n2n --CTF_mode None", "refine t.star --method=noise2noise"),
        ("refine t.star --random_rot_weight 0.2 --with_preview False", "refine t.star --random-rotations=0.2"),
        ("refine t.star --method isonet --epochs 5", "refine t.star --method=isonet --epochs 5"),
    ],
)
def test_what_the_words_become(line: str, here_it_is: str) -> None:
    assert translated(shlex.split(line), lambda: 4)[0] == shlex.split(here_it_is)


def test_gpus_that_are_not_used_are_named() -> None:
    assert "cuda:2" in translated(["refine", "--gpuID", "2,3"], lambda: 4)[1][0]
    words, notes = translated(["refine", "--gpuID", "0,1,2,3"], lambda: 0)
    assert words == ["refine", "--device=auto"]
    assert "no GPU" in notes[0]
    assert translated(["refine", "--gpuID", "1"], lambda: 4)[1] == []
    assert translated([], lambda: 4) == ([], [])


def test_noise_levels_in_this_program_s_spelling_are_left_without_comment() -> None:
    assert translated(["refine", "--noise-level", "0.18,0.35"], lambda: 0)[1] == []


FLAGS_OF_ISONET_1 = {
    "extract": "use_deconv_tomo subtomo_folder subtomo_star cube_size crop_size log_level tomo_idx",
    "refine": "gpuID iterations data_dir pretrained_model log_level result_dir remove_intermediate "
    "select_subtomo_number preprocessing_ncpus continue_from epochs batch_size steps_per_epoch noise_level "
    "noise_start_iter noise_mode noise_dir learning_rate drop_out convs_per_depth kernel pool unet_depth filter_base "
    "batch_normalization normalize_percentile",
    "predict": "output_dir gpuID cube_size crop_size use_deconv_tomo batch_size normalize_percentile log_level "
    "tomo_idx",
    "prepare-star": "output_star pixel_size defocus number_subtomos",
    "prepare-subtomo-star": "output_star pixel_size cube_size",
}


@pytest.mark.parametrize("command", FLAGS_OF_ISONET_1)
def test_every_flag_of_isonet_1_is_known(command: str) -> None:
    """It has a place in this program's help, or in one of the tables."""
    text = isonet.done(command.replace("-", "_"), "--help").out
    ours = "prepare" if command == "prepare-star" else command
    for name in FLAGS_OF_ISONET_1[command].split():
        flag = f"--{name.replace('_', '-')}"
        target = RENAMED.get(ours, {}).get(flag, "--device" if name == "gpuID" else flag)
        assert flag in OBSOLETE.get(ours, {}) or f"{target} " in text.replace(",", " ").replace("\n", " "), flag


FLAGS_OF_ISONET_2 = {
    "refine": "gpuID ncpus method input_column arch pretrained_model cube_size epochs batch_size loss_func "
    "save_interval learning_rate learning_rate_min mixed_precision CTF_mode isCTFflipped do_phaseflip_input bfactor "
    "clip_first_peak_mode snrfalloff deconvstrength highpassnyquist with_preview prev_tomo_idx mw_weight apply_mw_x1 "
    "noise_level noise_mode random_rot_weight",
    "predict": "gpuID input_column apply_mw_x1 isCTFflipped padding_factor tomo_idx output_prefix save_slices "
    "output_dir",
}


@pytest.mark.parametrize("command", FLAGS_OF_ISONET_2)
def test_every_flag_of_isonet_2_is_known_or_answered(command: str) -> None:
    text = isonet.done(command, "--help").out
    for name in FLAGS_OF_ISONET_2[command].split():
        flag = f"--{name.replace('_', '-')}"
        target = RENAMED.get(command, {}).get(flag, "--device" if name == "gpuID" else flag)
        answered = flag in OBSOLETE[command] or flag in REFUSED[command]
        assert answered or f"{target} " in text.replace(",", " ").replace("\n", " "), flag


def test_what_isonet_2_does_and_this_program_does_not_is_refused_with_a_remedy() -> None:
    isonet.assert_refused(isonet.call("refine", "t.star", "--CTF_mode", "network"), "CTF_mode", "isonet deconv")
    isonet.assert_refused(isonet.call("refine", "t.star", "--mw_weight", "20"), "mw_weight", "--wedge-weight")


def test_tables_name_only_what_there_is() -> None:
    for command in ("extract", "refine", "predict"):
        known = [*FLAGS_OF_ISONET_1[command].split(), *FLAGS_OF_ISONET_2.get(command, "").split()]
        for flag in (*OBSOLETE[command], *RENAMED[command], *REFUSED.get(command, ())):
            assert flag.removeprefix("--").replace("-", "_") in known
    assert set(RENAMED["refine"].values()) <= {f"--{name.replace('_', '-')}" for name in RefineConfig.model_fields}
    assert POSITIONAL["predict"] == ("--star-file", "--model")
