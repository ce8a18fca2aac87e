"""Presets: what their files may hold, and what comes before what."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from isonet.config import (
    PRESETS,
    FilterOptions,
    MaskOptions,
    RefineConfig,
    RunConfig,
    TrainingOptions,
    preset_options,
    preset_step,
)
from isonet.train.network.unet import ARCHITECTURES

DEFAULTS = RefineConfig()
WITH_OPTIONS = [name for name in PRESETS if preset_options(name)]
ROOT = Path(__file__).parents[3]


def test_each_name_has_its_file_and_each_file_its_name() -> None:
    """Only files within the package are in the wheel."""
    folder = files("isonet").joinpath("presets")
    found = [entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    assert sorted(found) == sorted(f"{name}.yaml" for name in PRESETS)


def test_the_files_come_with_the_package() -> None:
    """The wheel takes the package's folder as a whole: nothing that git knows is left out."""
    build = (ROOT / "pyproject.toml").read_text().partition("[tool.hatch")[2].partition("[tool.ruff")[0]
    assert 'packages = ["src/isonet"]' in build
    assert "exclude" not in build
    ignored = (ROOT / ".gitignore").read_text()
    assert "presets" not in ignored
    assert "yaml" not in ignored


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_holds_only_options_of_training_that_differ_from_the_defaults(name: Any) -> None:
    options = preset_options(name)
    assert set(options) <= set(TrainingOptions.model_fields) - {"preset"}
    made = RefineConfig(**options)
    assert [option for option in options if getattr(made, option) == getattr(DEFAULTS, option)] == []


@pytest.mark.parametrize("kind", [RefineConfig, RunConfig])
@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_options_given_one_by_one(kind: type[TrainingOptions], name: Any) -> None:
    assert kind(preset=name).model_dump() == {**kind(**preset_options(name)).model_dump(), "preset": name}


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_what_is_given_comes_before_the_preset_even_if_it_is_the_default(name: Any) -> None:
    for option in preset_options(name):
        made = RefineConfig(preset=name, **{option: getattr(DEFAULTS, option)})
        assert getattr(made, option) == getattr(DEFAULTS, option)
        others = {key: value for key, value in preset_options(name).items() if key != option}
        assert {key: getattr(made, key) for key in others} == others


def test_only_what_is_given_counts_as_set() -> None:
    """So that a table of sub-volumes decides their sizes, and a continued run asks for no change."""
    assert RefineConfig(preset="cellular", seed=3).model_fields_set == {"preset", "seed"}


def test_a_crop_size_that_only_the_table_can_judge_is_left_to_it() -> None:
    """As with the default cube size: sub-volumes of 72 may hold cubes of 48, which the table says."""
    assert RefineConfig(preset="plastic", crop_size=72).crop_size == 72


@pytest.mark.parametrize("name", PRESETS)
def test_the_record_of_a_run_says_the_same_without_the_preset(name: Any) -> None:
    recorded = RefineConfig(preset=name, epochs=3).model_dump(mode="json")
    assert RefineConfig(**recorded).model_dump() == RefineConfig(**{**recorded, "preset": None}).model_dump() | {
        "preset": name
    }


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("arch", ARCHITECTURES)
def test_cubes_of_every_preset_go_through_every_network(name: Any, arch: str) -> None:
    made, divisor = RefineConfig(preset=name), ARCHITECTURES[arch].divisor
    assert (made.cube_size % divisor, made.subvolume_size % divisor) == (0, 0)


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_needs_twice_the_memory_of_the_defaults(name: Any) -> None:
    """Training memory goes with the voxels of a batch."""
    made = RefineConfig(preset=name)
    assert made.batch_size * made.cube_size**3 < 2 * DEFAULTS.batch_size * DEFAULTS.cube_size**3


@pytest.mark.parametrize("name", ["", "cell", "Cellular", "../presets/cellular", ["cellular"], 1])
def test_an_unknown_preset_is_refused_with_those_that_are_known(name: Any) -> None:
    with pytest.raises(ValidationError, match="'purified', 'cellular', 'phase-plate', 'plastic' or 'paper'"):
        RefineConfig(preset=name)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize(("step", "kind"), [("deconv", FilterOptions), ("mask", MaskOptions)])
def test_what_a_preset_says_of_the_steps_before_is_known_and_explained(name: Any, step: Any, kind: Any) -> None:
    asked = preset_step(name, step)
    section = (ROOT / "docs" / "presets.md").read_text().partition(f"## `{name}`")[2].partition("\n## ")[0]
    if asked is None:
        assert f"`{step}: false`" in section
        return
    assert set(asked) <= set(kind.model_fields)
    kind(**asked)
    for option, value in asked.items():
        assert f"`{step}: {option}: {value}`" in section


def test_no_preset_leaves_the_steps_as_they_are() -> None:
    assert preset_step(None, "mask") == preset_step(None, "deconv") == {}


@pytest.mark.parametrize("name", PRESETS)
def test_every_option_of_every_preset_is_explained(name: Any) -> None:
    page = (ROOT / "docs" / "presets.md").read_text()
    section = page.partition(f"## `{name}`")[2].partition("\n## ")[0]
    for option, value in preset_options(name).items():
        assert f"`{option}: {yaml.safe_dump(value).splitlines()[0]}`" in section
