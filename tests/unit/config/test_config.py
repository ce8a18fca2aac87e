"""Options: how they may be written, their bounds, and what contradicts itself."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from isonet import config
from isonet.config import DeconvConfig, PredictConfig, PrepareConfig, RefineConfig, SimulateConfig, StepConfig

EVERY = sorted(
    (kind for kind in vars(config).values() if isinstance(kind, type) and issubclass(kind, StepConfig)),
    key=lambda kind: kind.__name__,
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("90s", 90),
        ("20min", 1200),
        ("20 min", 1200),
        ("5m", 300),
        ("1.5h", 5400),
        ("2D", 172800),
        ("02:30", 150),
        ("1:30:00", 5400),
        ("100:00:00", 360000),
        ("1-02:00:00", 93600),
        (" 10min ", 600),
        (45, 45),
        (0.5, 0.5),
    ],
)
def test_durations_may_be_written_in_many_ways(text: object, seconds: float) -> None:
    assert RefineConfig(max_time=text).max_time == seconds


@pytest.mark.parametrize("text", ["", "soon", "10 parsecs", "-5min", "1:2:3:4", "0", "1h30", "nan", "1:xx"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"duration such as 20min|greater than 0"):
        RefineConfig(max_time=text)


@pytest.mark.parametrize(
    ("text", "size"),
    [("4GB", 4e9), ("4 gb", 4e9), ("500MB", 5e8), ("1.5G", 1.5e9), ("2GiB", 2e9), ("64k", 64e3), ("1000", 1e3), (7, 7)],
)
def test_sizes_may_be_written_in_many_ways(text: object, size: float) -> None:
    assert DeconvConfig(max_memory=text).max_memory == size


@pytest.mark.parametrize("text", ["", "much", "4 pounds", "-4GB", "0", "4GBs", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match=r"size such as 4GB|greater than 0"):
        DeconvConfig(max_memory=text)


@pytest.mark.parametrize(("text", "devices"), [("auto", "auto"), ("Auto", "auto"), ("2", 2), (1, 1)])
def test_devices_are_a_number_or_left_to_the_program(text: object, devices: object) -> None:
    assert DeconvConfig(devices=text).devices == devices


@pytest.mark.parametrize("text", ["0", -1, "all", 1.5, ""])
def test_what_is_no_number_of_devices_is_refused_once(text: object) -> None:
    with pytest.raises(ValidationError, match="should be auto or a number of 1 or more") as refused:
        DeconvConfig(devices=text)
    assert refused.value.error_count() == 1


@pytest.mark.parametrize("written", ["0.1,0.2", "0.1, 0.2", "(0.1,0.2)", "[0.1, 0.2]", ["0.1", "0.2"], (0.1, 0.2)])
def test_lists_may_be_written_with_commas(written: object) -> None:
    made = RefineConfig(noise_level=written, noise_start_iter="2,4")
    assert made.noise_level == (0.1, 0.2)
    assert made.noise_start_iter == (2, 4)


def test_a_list_may_have_one_entry_or_be_of_paths() -> None:
    made = RefineConfig(noise_level=0.3, noise_start_iter=5)
    assert (made.noise_level, made.noise_start_iter) == ((0.3,), (5,))
    assert SimulateConfig(templates="a.mrc,b c.mrc").templates == (Path("a.mrc"), Path("b c.mrc"))
    assert SimulateConfig(tilts="-60,0,60").tilts == (-60, 0, 60)


def test_noise_rises_by_its_schedule() -> None:
    made = RefineConfig()
    assert [made.noise_level_at(n) for n in (1, 10, 11, 15, 16, 21, 25, 26, 30, 99)] == [
        *[0, 0, 0.18, 0.18, 0.35],
        *[0.53, 0.53, 0.70, 0.70, 0.70],
    ]
    assert RefineConfig(noise_level="0", noise_start_iter="1").noise_level_at(5) == 0


def test_sub_volumes_are_half_as_large_again_as_cubes_unless_told() -> None:
    found = {cube: RefineConfig(cube_size=cube).subvolume_size for cube in (16, 48, 64, 80, 96)}
    assert found == {16: 32, 48: 80, 64: 96, 80: 128, 96: 144}
    assert RefineConfig(cube_size=96, crop_size=96).subvolume_size == 96


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (RefineConfig, {"noise_level": "0.1,0.2"}, "same number of entries"),
        (RefineConfig, {"noise_start_iter": "11,9,21,26"}, "must increase"),
        (RefineConfig, {"noise_level": "-0.1", "noise_start_iter": "1"}, "greater than or equal to 0"),
        (RefineConfig, {"cube_size": 64, "crop_size": 48}, "crop_size 48 must not be smaller than cube_size 64"),
        (RefineConfig, {"cube_size": 8}, "greater than or equal to 16"),
        (RefineConfig, {"iterations": 0}, "greater than or equal to 1"),
        (RefineConfig, {"learning_rate": 0}, "greater than 0"),
        (RefineConfig, {"drop_out": 1}, "less than 1"),
        (RefineConfig, {"kernel": 4}, "3, 5 or 7"),
        (RefineConfig, {"precision": "float8"}, "'auto', 'float32', 'bf16' or 'fp16'"),
        (RefineConfig, {"itertions": 5}, "Extra inputs are not permitted"),
        (PredictConfig, {"cube_size": 96, "crop_size": 64}, "crop_size 64 must not be smaller than cube_size 96"),
        (PrepareConfig, {"tilt_min": 60, "tilt_max": -60}, "tilt_min 60 must be smaller than tilt_max -60"),
        (PrepareConfig, {"tilt_min": -95}, "greater than or equal to -90"),
        (PrepareConfig, {"pixel_size": 0}, "greater than 0"),
        (PrepareConfig, {"even": "e"}, "give both or neither"),
        (SimulateConfig, {"tilts": "5"}, "at least two angles"),
        (SimulateConfig, {"tilts": "5,x"}, "valid number"),
    ],
)
def test_options_out_of_bounds_and_contradictions_are_refused(
    kind: type[StepConfig], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        kind(**options)


@pytest.mark.parametrize("kind", EVERY)
def test_every_option_is_described_has_a_default_and_is_frozen(kind: type[StepConfig]) -> None:
    for name, field in kind.model_fields.items():
        assert field.description, name
    made = kind()
    assert kind(**made.model_dump(mode="json")) == made
    for name in kind.model_fields:
        with pytest.raises(ValidationError, match="frozen"):
            setattr(made, name, None)
        break
