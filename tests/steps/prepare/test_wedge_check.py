"""What the wedge check says of a tomogram, and the turning of volumes as IMOD's tilt writes them."""

import logging
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commandline as isonet
import numpy as np
import pytest
import torch

from isonet.config.inputs import ACCEPTABLE
from isonet.errors import InputError
from isonet.io import mrc
from isonet.io.formats import open_volume
from isonet.io.mrc_bytes.header import Header
from isonet.steps.prepare.checks.wedge import check_wedge
from isonet.steps.prepare.turn import turned

WORDS = ("mirrored", "axis", "no wedge")
Said = tuple[list[str], list[str]]


@pytest.fixture(scope="module")
def uneven() -> Any:
    """A tomogram of 48 x 48 x 48 voxels measured from -40 to 62 degrees."""
    return isonet.specimen((48, 48, 48), tilts=(-40, 62))


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any, tuple[float, float]], Said]:
    """Check an array and return the warnings and the lines of information."""
    lines: list[logging.LogRecord] = []
    handler = logging.Handler()
    monkeypatch.setattr(handler, "emit", lines.append)
    logger = logging.getLogger("isonet")
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "level", logging.INFO)
    monkeypatch.setattr(logger, "propagate", False)

    def check(volume: Any, tilts: tuple[float, float]) -> Said:
        check_wedge(open_volume(isonet.write(tmp_path / "x.mrc", volume)), tilts, ACCEPTABLE)
        assert all("x.mrc: " in line.getMessage() for line in lines)
        by_level = [[line.getMessage() for line in lines if line.levelno == level] for level in (30, 20)]
        return by_level[0], by_level[1]

    return check


def test_agreement_is_one_line_of_information(said: Callable[..., Said], uneven: Any) -> None:
    warnings, information = said(uneven, (-40, 62))
    assert warnings == []
    (line,) = information
    match = re.fullmatch(r"x.mrc: wedge measured from (-\d+) to (\d+) degrees in its power spectrum, as told", line)
    assert match
    assert (float(match[1]), float(match[2])) == pytest.approx((-40, 62), abs=3)


def axes_exchanged(volume: Any) -> Any:
    return volume.transpose(0, 2, 1).copy()


def as_imod(volume: Any) -> Any:
    return np.rot90(volume, -1, (0, 1)).copy()


@pytest.mark.parametrize(
    ("change", "tilts", "word", "remedy"),
    [
        (np.copy, (-62, 40), "mirrored", "--tilt-min -40 --tilt-max 62"),
        (np.copy, (-60, 60), "", r"--tilt-min -(39|4\d) --tilt-max 6\d"),
        (axes_exchanged, (-40, 62), "axis", "--axis-turn -90 if"),
        (axes_exchanged, (-62, 40), "axis", "--axis-turn 90 if"),
        (axes_exchanged, (-62, 62), "axis", r"--axis-turn -90 --tilt-min -(39|4\d) --tilt-max 6\d"),
        (as_imod, (-40, 62), "axis", "turned"),
        (lambda volume: np.random.default_rng(0).normal(size=volume.shape).astype("f4"), (-60, 60), "no wedge", "give"),
    ],
)
def test_warnings_name_what_is_wrong_and_the_remedy(
    said: Callable[..., Said], uneven: Any, change: Any, tilts: tuple[float, float], word: str, remedy: str
) -> None:
    warnings, information = said(change(uneven), tilts)
    assert information == []
    (line,) = warnings
    assert [other for other in WORDS if other in line] == ([word] if word else [])
    assert re.search(remedy, line)
    assert "\n" not in line


def test_of_a_volume_that_must_be_turned_nothing_else_is_said(said: Callable[..., Said], uneven: Any) -> None:
    warnings, _ = said(as_imod(uneven), (-62, 40))
    assert [[word for word in WORDS if word in line] for line in warnings] == [["axis"]]


@pytest.mark.parametrize("shape", [(24, 48, 48), (48, 48, 48)], ids=["thin", "half empty"])
def test_where_nothing_can_be_told_there_is_no_warning(said: Callable[..., Said], shape: tuple[int, ...]) -> None:
    volume = np.zeros(shape, dtype=np.float32)
    volume[:24] = np.random.default_rng(0).normal(size=(24, 48, 48))
    warnings, (line,) = said(volume, (-60, 60))
    assert warnings == []
    assert "too small or too empty" in line


@pytest.mark.parametrize("name", ["full_f16", "crop96x160x160_int8"])
def test_a_real_tomogram_is_not_warned_of(shared_data: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    warnings: list[str] = []
    monkeypatch.setattr(
        "isonet.steps.prepare.checks.wedge.log.warning", lambda text, *parts: warnings.append(text % parts)
    )
    found = check_wedge(open_volume(shared_data / f"empiar10499/00254_wbp_20Apx_{name}.mrc"), (-60, 60), ())
    assert warnings == []
    assert found
    assert (found.tilt_min, found.tilt_max) == pytest.approx((-60, 60), abs=3)


@pytest.mark.parametrize("dtype", ["int8", "int16", "float32", "uint16", "float16"])
def test_turning_is_a_rotation_by_minus_90_degrees_about_x(
    tmp_path: Path, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A point at (x, y, z) from the middle goes to (x, z, -y)."""
    monkeypatch.setattr("isonet.io.volume._SLAB_VOXELS", 100)  # several slabs
    voxels = np.zeros((9, 5, 7), dtype)
    voxels[4 + 3, 2 + 1, 3 + 2] = 1  # x = 2, y = 1, z = 3
    voxels[0, 0, 0] = 2
    header = Header((3.0, 2.0, 1.0), (1.0, 2.0, 3.0), (4, 5, 6), ("a label",))
    mrc.write(tmp_path / "a.rec", voxels, header)
    result = turned(open_volume(tmp_path / "a.rec"), tmp_path / "turned.mrc")
    assert result.shape == (5, 9, 7)
    assert result.stored.dtype == dtype
    assert result.stored[2 - 1, 4 + 3, 3 + 2] == 1
    assert np.array_equal(result.stored.mapped(), np.rot90(voxels, 1, (0, 1)))
    assert result.header.voxel_size == (2.0, 3.0, 1.0)
    assert (result.header.origin, result.header.start) == ((1.0, 3.0, 2.0), (4, 6, 5))
    assert result.header.labels[0] == "a label"


def test_a_turned_volume_has_its_wedge_where_it_belongs(tmp_path: Path, uneven: Any) -> None:
    """As a whole tomogram of another program: recognised, turned, and the range told before is measured."""
    volume = open_volume(isonet.write(tmp_path / "a.mrc", as_imod(uneven)))
    before = check_wedge(volume, (-40, 62), ())
    after = check_wedge(turned(volume, tmp_path / "b.mrc"), (-40, 62), ())
    assert before
    assert after
    assert before.as_imod_tilt
    assert after.at_home
    assert (after.tilt_min, after.tilt_max) == pytest.approx((before.tilt_min, before.tilt_max), abs=0.5)
    assert (after.tilt_min, after.tilt_max) == pytest.approx((-40, 62), abs=3)


def test_a_volume_turned_before_is_kept_and_others_are_not_replaced(tmp_path: Path, uneven: Any) -> None:
    volume = open_volume(isonet.write(tmp_path / "a.mrc", uneven))
    path = tmp_path / "b.mrc"
    turned(volume, path)
    written = path.stat().st_mtime_ns
    turned(volume, path)
    assert path.stat().st_mtime_ns == written
    other = open_volume(isonet.write(tmp_path / "c.mrc", -uneven))
    with pytest.raises(InputError, match=r"b\.mrc: exists and was not made from this input"):
        turned(other, path)
    turned(other, path, overwrite=True)
    assert path.stat().st_mtime_ns != written


def test_unsigned_bytes_of_imod_keep_their_values(tmp_path: Path) -> None:
    voxels = torch.arange(200, 224).reshape(2, 3, 4).numpy()
    mrc.write(tmp_path / "a.rec", voxels.astype(np.uint8).view(np.int8), Header())
    content = bytearray((tmp_path / "a.rec").read_bytes())
    content[76:88] = np.array([0, -1, -2], "<f4").tobytes()  # no extremes, which would be proof
    content[152:160] = np.array([1146047817, 0], "<i4").tobytes()
    (tmp_path / "a.rec").write_bytes(content)
    result = turned(open_volume(tmp_path / "a.rec"), tmp_path / "b.mrc")
    assert np.array_equal(result.read(), np.rot90(voxels, 1, (0, 1)))
