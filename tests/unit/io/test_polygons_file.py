"""Polygons in JSON: what is right is read, and each mistake gives a line of its own."""

from pathlib import Path
from typing import Any

import pytest

from isonet.errors import InputError
from isonet.io.polygons import Polygon, read_polygons

POINTS = "[[0, 1], [20.5, 1], [10, 30]]"


def read(path: Path, text: Any) -> Any:
    (path / "p.json").write_text(text.replace("POINTS", POINTS), encoding="utf-8")
    return read_polygons(path / "p.json")


def test_polygons_are_read(tmp_path: Path) -> None:
    points = ((0.0, 1.0), (20.5, 1.0), (10.0, 30.0))
    text = '{"polygons": [{"points": POINTS}, {"points": POINTS, "z": [3, 9], "exclude": true}]}'
    assert read(tmp_path, text) == (Polygon(points, None, False), Polygon(points, (3.0, 9.0), True))


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100000, "not JSON"),
        ("[]", "one list 'polygons'"),
        ('{"polygon": []}', "one list 'polygons'"),
        ('{"polygons": [], "version": 1}', "one list 'polygons'"),
        ('{"polygons": []}', "no polygons"),
        ('{"polygons": [3]}', "polygon 1: 3 where"),
        ('{"polygons": [{}]}', "polygon 1: points are null"),
        ('{"polygons": [{"points": [[0, 0], [1, 1]]}]}', "at least three"),
        ('{"polygons": [{"points": [[0, 0], [1, 1], [0, 0]]}]}', "three different"),
        ('{"polygons": [{"points": [[0, 0], [1, 1], [2]]}]}', r"point \[2\] is not"),
        ('{"polygons": [{"points": [[0, 0], [1, 1], [2, 3, 4]]}]}', r"point \[2, 3, 4\] is not"),
        ('{"polygons": [{"points": [[0, 0], [1, 1], [2, "3"]]}]}', "is not two numbers"),
        ('{"polygons": [{"points": [[0, 0], [1, 1], [2, true]]}]}', "is not two numbers"),
        ('{"polygons": [{"points": [[0, 0], [1, 1], [2, NaN]]}]}', "is not two numbers"),
        ('{"polygons": [{"points": [[0, 0], [1, 1], [2, 1e99]]}]}', "is not two numbers"),
        ('{"polygons": [{"points": POINTS, "z": [9, 3]}]}', "first not larger"),
        ('{"polygons": [{"points": POINTS, "z": 4}]}', "z is 4"),
        (
            '{"polygons": [{"points": POINTS}, {"points": POINTS, "exclude": "yes"}]}',
            'polygon 2: exclude is "yes"',
        ),
        ('{"polygons": [{"points": POINTS, "name": "gold"}]}', '"name" is not known'),
    ],
)
def test_each_mistake_is_named(tmp_path: Path, text: str, mention: str) -> None:
    with pytest.raises(InputError, match=mention) as caught:
        read(tmp_path, text)
    assert "p.json" in str(caught.value)
    assert "\n" not in str(caught.value)
