"""A validation in the interface: its curves as charts, and its confidence as colours over slices."""

import copy
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import validated
from at_work import write
from matplotlib.figure import Figure
from PIL import Image

from isonet.gui.pages.elsewhere import obstacle
from isonet.gui.pages.validation import flattened, sentences
from isonet.gui.pictures import confidence, slices
from isonet.gui.pictures.validation_charts import charts
from isonet.io.formats import open_volume
from isonet.validation.curve_styles import WITHHELD


def test_every_curve_of_the_report_is_drawn_over_frequency() -> None:
    whole, sectors, independent = charts(validated.report())
    lines = {line["name"]: line for line in whole.options["series"] if "stack" not in line}
    assert list(lines) == [each.label for name, each in WITHHELD.items() if name != "truth"]
    given = validated.curves()
    drawn = lines["prediction with measurement"]["data"]
    assert [point[1] for point in drawn] == given["agreement"]
    assert [point[0] for point in drawn] == pytest.approx([1 / value for value in given["resolution"]], abs=1e-6)
    assert [point[1] for point in lines["ceiling, a perfect prediction"]["data"]][-2:] == [None, None]
    assert [line["name"] for line in sectors.options["series"]] == ["0 to 5 degrees beyond", "5 to 10 degrees beyond"]
    assert {line["name"] for line in independent.options["series"]} == {
        "inside the missing wedge",
        "outside the missing wedge",
    }
    assert {one["yAxis"] for one in whole.options["series"][0]["markLine"]["data"]} == {0.143, 0.5}
    json.dumps([chart.options for chart in (whole, sectors, independent)], allow_nan=False)


def test_the_interval_is_the_space_between_two_stacked_lines() -> None:
    low, width = (line["data"] for line in charts(validated.report())[0].options["series"] if "stack" in line)
    given = validated.curves()
    for (_, bottom), (_, height), highest in zip(low, width, given["claimed_high"], strict=True):
        assert (bottom is None) == (height is None) == (highest is None)
        if highest is not None:
            assert bottom + height == pytest.approx(highest)


def test_what_cannot_be_measured_is_shaded() -> None:
    area = charts(validated.report())[0].options["series"][0]["markArea"]["data"]
    assert [(start["xAxis"], end["xAxis"]) for start, end in area] == [
        pytest.approx((10 / 240, 11 / 240), abs=1e-4),
        pytest.approx((11 / 240, 12 / 240), abs=1e-4),
    ]


def test_the_curves_are_called_and_coloured_as_in_the_figures_and_in_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from isonet.steps.report import plots
    from isonet.steps.validate import pictures as validation_pictures  # the others do without torch

    kept: list[Figure] = []
    monkeypatch.setattr(validation_pictures, "save_figure", lambda figure, _path: kept.append(figure))
    withheld = {**validated.report()["withheld"], "degrees": [-60, -50, 50, 60]}
    validation_pictures.draw_withheld(tmp_path / "withheld.png", withheld)
    figure = {line.get_label(): line.get_color() for line in kept[0].axes[0].lines}
    shown = [line for line in charts(validated.report())[0].options["series"] if "stack" not in line]
    assert len(shown) == 5
    for line in shown:
        assert figure[line["name"]] == line["color"]
        assert line["name"] in plots.draw_withheld(withheld)


def test_a_damaged_report_is_shown_as_far_as_it_goes() -> None:
    whole = validated.report()
    for part in ("withheld", "independent"):
        for name in (*whole[part], None):
            for value in (None, [], {}, "x", math.nan, [1, "x", None, math.inf], [{}, None, 3]):
                broken: Any = copy.deepcopy(whole)
                if name is None:
                    broken[part] = value
                else:
                    broken[part][name] = value
                json.dumps([chart.options for chart in charts(broken)], allow_nan=False)
                sentences(broken)
                flattened(broken)
    for name in validated.curves():
        broken = copy.deepcopy(whole)
        broken["withheld"]["curves"][name] = ["x", True, math.nan, 0, None]
        json.dumps([chart.options for chart in charts(broken)], allow_nan=False)
    assert charts([]) == charts(None) == charts({}) == []
    assert sentences(whole) == [validated.STATUS, "they agree to 20 A"]


def test_confidence_is_red_white_blue_and_clear_where_it_is_unknown() -> None:
    drawn = confidence.colours(np.array([[-1, 0, 0.5, 1, np.nan]], np.float32))
    assert drawn[0].tolist() == [
        [178, 24, 43, 255],
        [178, 24, 43, 255],
        [247, 247, 247, 255],
        [33, 102, 172, 255],
        [178, 24, 43, 0],
    ]


def test_a_section_of_confidence_lies_as_the_slice_does(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((4, 6, 8), dtype=np.float32)
    volume = open_volume(write(tmp_path / "confidence.mrc", values))
    for plane, axis in slices.AXES.items():
        shown = np.asarray(Image.open(io.BytesIO(confidence.picture(volume, plane, 2, 1))))
        np.testing.assert_array_equal(shown, confidence.colours(values.take(2, axis))[::-1])
        binned = Image.open(io.BytesIO(confidence.picture(volume, plane, 2, 2)))
        assert binned.size == tuple(edge // 2 for edge in reversed(values.take(2, axis).shape))


def test_a_program_is_opened_only_where_it_is_and_has_a_screen(tmp_path: Path) -> None:
    program = tmp_path / "3dmod"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert obstacle("3dmod", {"PATH": str(tmp_path), "DISPLAY": ":0"}) == ""
    assert obstacle("3dmod", {"PATH": str(tmp_path), "WAYLAND_DISPLAY": "wayland-0"}) == ""
    assert obstacle("3dmod", {"PATH": str(tmp_path)}) == "no screen here"
    assert obstacle("napari", {"PATH": str(tmp_path), "DISPLAY": ":0"}) == "not installed here"
