"""Damaged files of every kind: each parser returns or refuses them in one line that names the file."""

import bz2
import gzip
import json
import random
import struct
from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from fuzz import judged
from fuzzing.mutations import damaged
from fuzzing.seeds import SHAPE, models
from fuzzing.targets import TARGETS, Target
from isonet.cli.arguments import config_files
from isonet.config import RefineConfig
from isonet.errors import InputError
from isonet.io import checkpoint, polygons, star, structure
from isonet.io.formats import open_volume
from isonet.io.options import read_options
from isonet.io.programs import aretomo, metadata
from isonet.models.trained import read_model
from isonet.running.run_record import earlier_runs

SECONDS = 10.0


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
def test_valid_files_are_read(target: Target, tmp_path: Path) -> None:
    """Else the fuzzing would begin from nothing."""
    for raw in target.valid()[:1]:
        path = tmp_path / target.files[0]
        path.write_bytes(target.packed(raw, path.name))
        assert judged(target.read, path, SECONDS) is None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)
@settings(max_examples=5, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 1 << 40))
def test_damaged_files_are_read_or_refused(target: Target, seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    path = tmp_path / target.file(chance)
    path.write_bytes(target.packed(damaged(chance, target.valid()), path.name))
    assert judged(target.read, path, SECONDS) in (None, "refused")


def bomb(levels: int = 9) -> str:
    """Nine short lines of YAML that stand for 9^levels values."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for level in range(levels):
        lines.append(f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join(['*' + chr(97 + level)] * 9)}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (bomb().encode(), "aliases"),
        (b"a: 2001-99-99", "not YAML"),
        (b"a: !!int ''", "not YAML"),
        (b"[" * 100_000, "nested too deeply"),
        (b"a: 1\0", "not YAML"),
        (b"\xff\xfe\xfd", "not YAML"),
        (b"- a\n- b\n", "no options"),
        (b"1: 2\n", "no options"),
        (b"a: !!python/object/apply:os.system [ls]", "not YAML"),
        (b"# " + b"a" * (1 << 20), "too large"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_options_that_are_none(text: bytes, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "options.yaml"
    path.write_bytes(text)
    with pytest.raises(InputError, match=rf"options\.yaml: .*{reason}"):
        read_options(path)
    with pytest.raises(InputError, match=rf"options\.yaml: .*{reason}"):
        config_files(["--config", str(path)])


@pytest.mark.parametrize(
    "value",
    [
        1e-5,
        1e22,
        0.1,
        float("inf"),
        7,
        -3,
        "030",
        "1:30:00",
        "1e5",
        "1.5e3",
        "-.5",
        "0x1",
        "1_0",
        "yes",
        "",
        True,
        None,
    ],
)
def test_options_that_were_written_are_read_again(value: object, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({"option": value}))
    read = read_options(path)["option"]
    assert (read, type(read)) == (value, type(value))


@pytest.mark.parametrize("text", ["1:30:00", "01:30:00", "90min", "5400"])
def test_durations_in_a_file_are_those_of_the_command_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"time_budget: {text}\n")
    assert RefineConfig(**read_options(path)).time_budget == RefineConfig(time_budget=text).time_budget == 5400


def test_option_without_a_value_is_as_if_not_named(tmp_path: Path) -> None:
    """As in the `config.yaml` of a run; it upset the command line where a list was expected."""
    path = tmp_path / "options.yaml"
    path.write_text("noise-level:\nepochs: 7\n")
    (config,) = config_files(["--config", str(path)])
    assert config.config == {"epochs": 7}


def test_nested_json_is_refused(tmp_path: Path) -> None:
    for name in ("status.json", "area.json"):
        (tmp_path / name).write_text("[" * 200_000)
    assert earlier_runs(tmp_path, "refine") == []
    with pytest.raises(InputError, match=r"area\.json"):
        polygons.read_polygons(tmp_path / "area.json")


def test_number_too_large_for_a_corner_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "area.json"
    path.write_text(json.dumps({"polygons": [{"points": [[1, 1], [10**400, 2], [3, 3]]}]}))
    with pytest.raises(InputError, match="point"):
        polygons.read_polygons(path)


def test_word_without_end_in_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "TiltSeries_Metrics.csv"
    path.write_text('Tilt_Series,Pix_Size(A)\n"' + "a" * 200_000 + '",1\n')
    with pytest.raises(InputError, match=r"Metrics\.csv: not a table of AreTomo"):
        aretomo.read_metrics(path)


def test_a_tilt_series_without_tilts_is_refused(tmp_path: Path) -> None:
    """The table of tomograms names a table that has other columns."""
    path = tmp_path / "tomograms.star"
    path.write_text(
        "data_global\n\nloop_\n_rlnTomoName #1\n_rlnVoltage #2\nTS_1 300\n\n"
        "data_TS_1\n\nloop_\n_rlnOther #1\n_rlnMore #2\n1 2\n"
    )
    with pytest.raises(InputError, match=r"tomograms\.star: .*rlnTomoYTilt"):
        metadata.read_series(path)


def test_damaged_star_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.star.gz"
    path.write_bytes(gzip.compress(b"data_\nloop_\n_a #1\n_b #2\n1\n1 2 3\ndata_\nx y z\n"))
    with pytest.raises(InputError, match=r"a\.star\.gz: not a readable"):
        star.read_tables(path)


def volume_file(path: Path, edges: tuple[int, int, int]) -> bytes:
    """Bytes of a small float32 volume whose header promises other edges."""
    with mrcfile.new(path, overwrite=True) as volume:
        volume.set_data(np.zeros((3, 4, 5), np.float32))
    raw = bytearray(path.read_bytes())
    raw[:12] = struct.pack("<3i", *edges)
    return bytes(raw)


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".bz2", bz2.compress)])
@pytest.mark.parametrize(("edges", "reason"), [((800, 800, 800), "truncated"), ((600_001,) * 3, "are free in")])
def test_packed_volume_makes_no_room_for_what_it_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, pack: Any, edges: tuple[int, int, int], reason: str
) -> None:
    path = tmp_path / f"v.mrc{suffix}"
    path.write_bytes(pack(volume_file(tmp_path / "v.mrc", edges)))
    monkeypatch.setattr(np, "memmap", lambda *_, **__: pytest.fail("room was made"))
    with pytest.raises(InputError, match=reason):
        open_volume(path)


def test_stack_of_volumes_without_sections_is_refused(tmp_path: Path) -> None:
    raw = bytearray(volume_file(tmp_path / "v.mrc", (5, 4, 3)))
    raw[36:40], raw[88:92] = struct.pack("<i", 0), struct.pack("<i", 401)  # MZ, ISPG
    (tmp_path / "v.mrc").write_bytes(raw)
    with pytest.raises(InputError, match=r"v\.mrc: not a readable"):
        open_volume(tmp_path / "v.mrc")


def test_extended_header_makes_no_room_for_what_the_file_does_not_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The size fits the file if its bytes are read in the order that the machine stamp, or the mode, rules out."""
    raw = bytearray(volume_file(tmp_path / "v.mrc", (5, 4, 3)))
    raw[92:96] = struct.pack(">i", 66)
    monkeypatch.setattr(np, "memmap", lambda *_, **__: pytest.fail("room was made"))
    for stamp in (bytes(raw[212:216]), b"\0\0\0\0"):
        raw[212:216] = stamp
        (tmp_path / "v.mrc").write_bytes(raw)
        with pytest.raises(InputError, match=r"v\.mrc: .*makes no sense"):
            open_volume(tmp_path / "v.mrc")


def test_archive_with_a_damaged_stream_is_refused(tmp_path: Path) -> None:
    raw = bytearray(gzip.compress(volume_file(tmp_path / "v.mrc", (5, 4, 3))))
    raw[12] ^= 0xFF
    (tmp_path / "v.mrc.gz").write_bytes(raw)
    with pytest.raises(InputError, match=r"v\.mrc\.gz: not a readable"):
        open_volume(tmp_path / "v.mrc.gz")


@pytest.mark.parametrize(
    "network",
    [
        {"depth": 10**9},
        {"depth": -1},
        {"filter_base": 10**7},
        {"kernel": 4},
        {"normalization": "other"},
        {"new_option": 1},
        None,
        [],
    ],
    ids=str,
)
def test_network_that_cannot_be_takes_no_memory(tmp_path: Path, network: Any) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(models()[0])
    weights, about = checkpoint.load_model(path)
    changed = {**about["network"], **network} if isinstance(network, dict) else network
    checkpoint.save_model(path, weights, {**about, "network": changed})
    with pytest.raises(InputError, match="do not match"):
        read_model(path)


@pytest.mark.parametrize("missing", ["cube_size", "input_column", "tilts", "pixel_sizes", "network"])
def test_description_that_lacks_what_is_used_is_refused(tmp_path: Path, missing: str) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(models()[0])
    weights, about = checkpoint.load_model(path)
    assert read_model(path).network.shape == SHAPE
    checkpoint.save_model(path, weights, {name: value for name, value in about.items() if name != missing})
    with pytest.raises(InputError, match="do not match"):
        read_model(path)


def test_deeply_nested_description_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    save_file({"a": torch.zeros(2)}, path, metadata={"isonet": "[" * 200_000})
    with pytest.raises(InputError, match="not a model of isonet"):
        checkpoint.load_model(path)


def test_atoms_too_far_apart_make_no_map(tmp_path: Path) -> None:
    line = "ATOM  {:5d}  N   ALA A   1    {:8.1f}{:8.1f}{:8.1f}  1.00  0.00           N\n"
    path = tmp_path / "a.pdb"
    path.write_text(line.format(1, 0, 0, 0) + line.format(2, 99999, 99999, 99999) + "END\n")
    with pytest.raises(InputError, match="too far apart"):
        structure.read_density(path)
