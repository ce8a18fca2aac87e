"""IMOD models: real files, round trips, and damaged ones, which must give one clear line."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isonet.errors import InputError
from isonet.io.programs.imod import read_model, write_closed

MODELS = ["multiple_objects", "point_sizes", "slicer_angle", "two_contour"]


def model_path(shared_data: Path, name: str) -> Path:
    return shared_data / "metadata" / "imod" / f"{name}_example.mod"


def square(z: float) -> Any:
    return np.array([(1.5, 2, z), (9, 2.25, z), (9, 8, z)])


def test_two_contours(shared_data: Path) -> None:
    model = read_model(model_path(shared_data, "two_contour"))
    assert (model.size, round(model.voxel_size, 3)) == ((128, 128, 128), 4.48)
    (only,) = model.objects
    assert (only.kind, only.name, [len(contour) for contour in only.contours]) == ("closed", "", [17, 8])
    assert only.contours[0][0] == pytest.approx((64.333, 64.667, 80), abs=1e-3)
    assert only.contours[1][2] == pytest.approx((85.333, 47.667, 59), abs=1e-3)
    assert [set(contour[:, 2].tolist()) for contour in only.contours] == [{80.0}, {59.0}]


def test_several_objects_with_meshes(shared_data: Path) -> None:
    model = read_model(model_path(shared_data, "multiple_objects"))
    assert (model.size, round(model.voxel_size, 3)) == ((956, 924, 300), 19.733)
    assert [(each.name, each.kind, len(each.contours)) for each in model.objects] == [
        ("", "closed", 0),
        ("chemo-array", "open", 1),
        ("chemo-array", "open", 1),
    ]
    assert model.objects[1].contours[0][2] == pytest.approx((474.333, 662.5, 134), abs=1e-3)
    assert model.objects[2].contours[0][0] == pytest.approx((783.5, 359, 141))


def test_scattered_points_with_sizes_on_an_image_with_an_origin(shared_data: Path) -> None:
    model = read_model(model_path(shared_data, "point_sizes"))
    assert [each.kind for each in model.objects] == ["scattered", "open", "open"]
    assert [len(each.contours) for each in model.objects] == [1, 3, 1]
    assert model.objects[0].contours[0][3] == pytest.approx((311.5, 873.5, 77))  # as drawn: all of it was loaded
    assert model.size == (1314, 1298, 100)


def test_slicer_angles_are_passed_over(shared_data: Path) -> None:
    (only,) = read_model(model_path(shared_data, "slicer_angle")).objects
    assert [len(contour) for contour in only.contours] == [1, 1, 1, 1]
    assert only.contours[1][0] == pytest.approx((221.808, 661.045, 327), abs=1e-3)


def edited(data: bytes, **fields: Any) -> bytes:
    """Change the flags of a model, or what its MINX chunk says."""
    result = bytearray(data)
    if "flags" in fields:
        result[152:156] = struct.pack(">I", fields["flags"])
    place = result.index(b"MINX") + 8
    for name, offset in (("origin", 12), ("scale", 36), ("start", 48)):
        if name in fields:
            result[place + offset : place + offset + 12] = struct.pack(">3f", *fields[name])
    return bytes(result)


def first_point(path: Path, data: bytes) -> Any:
    path.write_bytes(data)
    return read_model(path).objects[0].contours[0][0]


def test_subset_of_an_image_is_put_back_to_its_place(shared_data: Path, tmp_path: Path) -> None:
    """Drawn with voxels from (10, 20, 5) on loaded: subsets have negative starts in IMOD's convention."""
    data = model_path(shared_data, "two_contour").read_bytes()
    plain = first_point(tmp_path / "m.mod", data)
    subset = edited(data, scale=(2, 2, 2), start=(-20, -40, -10))
    assert first_point(tmp_path / "m.mod", subset) == pytest.approx(np.add(plain, (10, 20, 5)))
    origin = edited(data, scale=(2, 2, 2), start=(7, 8, 9), origin=(7, 8, 9))
    assert first_point(tmp_path / "m.mod", origin) == pytest.approx(plain)
    nonsense = edited(data, scale=(float("nan"), 0, -1), start=(-20, -40, -10))
    assert first_point(tmp_path / "m.mod", nonsense) == pytest.approx(plain)


def test_flipped_image(shared_data: Path, tmp_path: Path) -> None:
    data = model_path(shared_data, "two_contour").read_bytes()
    x, y, z = first_point(tmp_path / "m.mod", data)
    assert first_point(tmp_path / "m.mod", edited(data, flags=0xF400 | 1 << 16)) == pytest.approx((x, z, y))


def test_round_trip(tmp_path: Path) -> None:
    objects = [("cell", [square(3), square(7.5)]), ("carbon", [square(-0.5)])]
    write_closed(tmp_path / "m.mod", objects, (30, 20, 10), 13.5)
    model = read_model(tmp_path / "m.mod")
    assert (model.size, [each.kind for each in model.objects]) == ((30, 20, 10), ["closed", "closed"])
    for (name, contours), each in zip(objects, model.objects, strict=True):
        assert each.name == name
        assert all(np.array_equal(one, two) for one, two in zip(contours, each.contours, strict=True))


@pytest.mark.parametrize("name", MODELS)
def test_every_truncation_is_told(shared_data: Path, tmp_path: Path, name: str) -> None:
    data = model_path(shared_data, name).read_bytes()
    path = tmp_path / "m.mod"
    for length in [0, 7, 8, 200, *range(240, len(data) - 4, 97), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"m\.mod: .*(again|3dmod)"):
            read_model(path)


@pytest.mark.parametrize("word", [b"\x7f\x80\x00\x01", b"\x7f\xc0\x00\x00", b"\x7f\x80\x00\x00", b"\x7f\x00\x00\x00"])
def test_points_that_are_no_numbers_are_refused(tmp_path: Path, word: bytes) -> None:
    """Signalling and quiet NaN, infinity, and what is out of every volume."""
    write_closed(tmp_path / "m.mod", [("cell", [square(3)])], (30, 20, 10), 13.5)
    content = (tmp_path / "m.mod").read_bytes()
    first = struct.pack(">f", 1.5)
    assert content.count(first) == 1
    (tmp_path / "m.mod").write_bytes(content.replace(first, word))
    with pytest.raises(InputError, match=r"m\.mod: damaged \(points that are no positions"):
        read_model(tmp_path / "m.mod")


@given(data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_give_a_model_or_one_line(shared_data: Path, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(model_path(shared_data, data.draw(st.sampled_from(MODELS))).read_bytes())
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(content) - 4))
        content[place : place + 4] = data.draw(st.binary(min_size=4, max_size=4))
    path = tmp_path / "m.mod"
    path.write_bytes(bytes(content) if data.draw(st.booleans()) else b"IMODV1.2" + data.draw(st.binary(max_size=400)))
    try:
        read_model(path)
    except InputError as error:
        assert "\n" not in str(error)


def test_not_a_model(tmp_path: Path) -> None:
    (tmp_path / "m.mod").write_text("imod 1\nobject 0 1 0\n")
    with pytest.raises(InputError, match="not an IMOD model"):
        read_model(tmp_path / "m.mod")
    with pytest.raises(InputError, match="no such file"):
        read_model(tmp_path / "none.mod")
