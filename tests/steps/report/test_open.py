"""open: scripts that show before, after, mask and confidence in other programs under one camera."""

import ast
import runpy
import shlex
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import commandline as isonet
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from isonet.steps.report.viewers import Scene, chimerax, napari


class Layer:
    """What napari was asked to show."""

    def __init__(self, kind: str, data: Any, options: dict[str, Any]) -> None:
        self.kind, self.data, self.options = kind, np.asarray(data), options
        self.contour = 0


class Viewer:
    """A stand-in for `napari.Viewer` that remembers what it was asked for."""

    opened: "list[Viewer]" = []  # noqa: RUF012

    def __init__(self, title: str) -> None:
        self.title, self.layers, self.ran = title, dict[str, Layer](), False
        self.dims = self.scale_bar = self
        self.point: tuple[int, float] | None = None
        self.opened.append(self)

    def add_image(self, data: Any, *, name: str, **options: Any) -> Layer:
        return self.layers.setdefault(name, Layer("image", data, options))

    def add_labels(self, data: Any, *, name: str, **options: Any) -> Layer:
        return self.layers.setdefault(name, Layer("labels", data, options))

    def set_point(self, axis: int, value: float) -> None:
        self.point = (axis, value)

    def reset_view(self) -> None:
        self.ran = True


def shown_by_napari(script: Path, monkeypatch: pytest.MonkeyPatch) -> Viewer:
    """Run a script against the stand-in and return the one viewer that it opened."""
    module = ModuleType("napari")
    Viewer.opened.clear()
    module.Viewer, module.run = Viewer, lambda: None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "napari", module)
    runpy.run_path(str(script))
    (viewer,) = Viewer.opened
    assert viewer.ran
    return viewer


@pytest.fixture
def corrected(prepared: Path, model: Path) -> Path:
    """A table whose tomogram is masked and corrected."""
    isonet.done("mask", prepared)
    isonet.done("predict", prepared, model, precision="float32")
    return prepared


def test_the_commands_are_printed_and_their_files_are_there(corrected: Path) -> None:
    lines = isonet.done("open", "tomograms.star").out.splitlines()
    assert lines == ["chimerax open/v.cxc", "napari open/v.py"]
    assert all(Path(shlex.split(line)[1]).is_file() for line in lines)
    assert len(isonet.done("open", "corrected").out.splitlines()) == 2


def test_napari_shows_all_in_one_viewer(corrected: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume, after = isonet.read(Path("v.mrc")), isonet.read(Path("corrected/v_corrected.mrc"))
    isonet.write(Path("validation/confidence.mrc"), np.abs(volume).astype(np.float32))
    Path("validation/validation.json").write_text("{}")
    isonet.done("open", "tomograms.star")
    viewer = shown_by_napari(Path("open/v.py"), monkeypatch)
    assert list(viewer.layers) == ["before", "after", "confidence", "mask"]
    assert np.array_equal(viewer.layers["before"].data, volume)
    assert np.array_equal(viewer.layers["after"].data, after)
    assert set(np.unique(viewer.layers["mask"].data)) == {0, 1}
    places = [layer.options.get("translate", (0, 0, 0))[2] for layer in viewer.layers.values()]
    width = 10 * volume.shape[2]
    assert places[0] == places[3] == 0
    assert width < places[1] < places[2] - width
    assert all(layer.options["scale"] == (10, 10, 10) for layer in viewer.layers.values())
    low, high = viewer.layers["before"].options["contrast_limits"]
    assert volume.min() < low < volume.mean() < high < 4 * volume.max()
    assert viewer.point == (0, 10 * (volume.shape[0] // 2))
    assert viewer.layers["mask"].contour == 1


def test_chimerax_shows_the_mask_around_the_tomogram_before(corrected: Path) -> None:
    isonet.done("open", "tomograms.star")
    lines = Path("open/v.cxc").read_text().splitlines()
    assert [line.split("/")[-1] for line in lines if line.startswith("open")] == [
        'v.mrc"',
        'v_corrected.mrc"',
        'v_mask.mrc"',
    ]
    assert lines[0] == "# v: #1 before, #2 after, #3 mask"
    assert any(line.startswith("volume #3 style mesh") for line in lines)
    assert sum(line.startswith("move") for line in lines) == 1
    assert lines[-2:] == ["camera ortho", "view"]


def test_what_is_not_there_is_left_out(prepared: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    isonet.done("predict", prepared, model, precision="float32")
    isonet.done("open", "tomograms.star", output_dir="elsewhere")
    assert "mask" not in Path("elsewhere/v.cxc").read_text().splitlines()[0]
    assert list(shown_by_napari(Path("elsewhere/v.py"), monkeypatch).layers) == ["before", "after"]


def test_the_report_has_the_same_script(corrected: Path) -> None:
    isonet.done("open", "tomograms.star")
    isonet.call("report", "tomograms.star")
    assert Path("report.cxc").read_text() == Path("open/v.cxc").read_text()


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=40)


@given(name=NAMES, file=NAMES)
@example(name="a\nclose", file='a"; import os; "')
@example(name="{x}", file="a\\'\"\nclose")
def test_names_are_shown_and_never_obeyed(name: str, file: str) -> None:
    """Whatever a tomogram is called, the Python holds its name as text, and ChimeraX gets no further line."""
    path = Path("/data") / file
    scene = Scene(name, path, path, path, None, (4, 5, 6), 10.0, -1, 0.0, 1.0)
    texts = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in ast.parse(napari.script(scene)).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id.isupper()
    }
    assert texts["NAME"] == name
    assert texts["BEFORE"] == texts["MASK"] == str(path.resolve())
    assert len(chimerax.script(scene).splitlines()) == PLAIN


PLAIN = len(chimerax.script(Scene("v", *[Path("/v.mrc")] * 3, None, (4, 5, 6), 10.0, -1, 0.0, 1.0)).splitlines())


def test_what_cannot_be_opened_is_refused(prepared: Path, corrected: Path) -> None:
    Path("open").mkdir()
    Path("open/v.py").write_text("print('mine')\n")
    isonet.assert_refused(isonet.call("open", "tomograms.star"), "open/v.py", "--output-dir")
    isonet.edited(prepared, rlnCorrectedTomoName="None")
    isonet.assert_refused(isonet.call("open", "tomograms.star"), "tomograms.star", "isonet predict")
    isonet.assert_refused(isonet.call("open", "nowhere"), "nowhere")
