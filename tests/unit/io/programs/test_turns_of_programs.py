"""Where each program's own formula sees a point of its tomogram, and where tilt and turn as read say it is seen."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from isonet.core.tilts.measured import about
from isonet.errors import InputError
from isonet.io.programs import metadata

TILTS = (-51.0, -20.0, 0.0, 31.0, 60.0)
POINTS = ((5.0, -3.0, 8.0), (-7.0, 11.0, 2.0), (4.0, 9.0, -6.0))  # x, y, z of the tomogram, beam along z
Seen = Callable[[float, tuple[float, float, float]], tuple[float, float]]


def relion(folder: Path, x_tilt: float, y_level: float) -> tuple[Path, Seen]:
    """`R_z(rot) R_y(tilt) R_x(x_tilt) r`, each a right-handed rotation; the tilts hold the level."""
    path = folder / "TS_1.star"
    rows = "".join(f"{x_tilt} {tilt + y_level} 84.5\n" for tilt in TILTS)
    path.write_text(f"data_TS_1\n\nloop_\n_rlnTomoXTilt #1\n_rlnTomoYTilt #2\n_rlnTomoZRot #3\n{rows}\n")

    def seen(tilt: float, point: tuple[float, float, float]) -> tuple[float, float]:
        turned = Rotation.from_euler("xy", [x_tilt, tilt + y_level], degrees=True).apply(point)
        return turned[0], turned[1]

    return path, seen


def warp(folder: Path, x_tilt: float, y_level: float) -> tuple[Path, Seen]:
    """`Euler(0, A + LevelAngleY, -axis) RotateX(LevelAngleX) r`, Euler angles as of RELION: R_z R_y(-t) before R_z."""
    path = folder / "TS_1.xml"
    angles = "\n".join(map(str, TILTS))
    path.write_text(
        f'<TiltSeries LevelAngleX="{x_tilt}" LevelAngleY="{y_level}"><Angles>{angles}</Angles></TiltSeries>'
    )

    def seen(tilt: float, point: tuple[float, float, float]) -> tuple[float, float]:
        sine, cosine = math.sin(math.radians(x_tilt)), math.cos(math.radians(x_tilt))
        x, y, z = point[0], cosine * point[1] - sine * point[2], sine * point[1] + cosine * point[2]
        angle = math.radians(tilt + y_level)
        return x * math.cos(angle) - z * math.sin(angle), y

    return path, seen


def imod(folder: Path, x_tilt: float, y_level: float) -> tuple[Path, Seen]:
    """As `tilt` computes it for row `j` of section `k`: alpha is -XAXISTILT, and both sines are negated.

    Turned by -90 degrees about x, sections are y and rows count along -z.
    """
    path = folder / "tilt.com"
    angles = ",".join(map(str, TILTS))
    path.write_text(f"$tilt\nANGLES {angles}\nOFFSET {y_level}\nXAXISTILT {x_tilt}\nOutputFile TS_1.rec\n")

    def seen(tilt: float, point: tuple[float, float, float]) -> tuple[float, float]:
        x, section, row = point[0], point[1], -point[2]
        alpha, beta = math.radians(-x_tilt), math.radians(tilt + y_level)
        sin_alpha, cos_alpha, sin_beta = -math.sin(alpha), math.cos(alpha), -math.sin(beta)
        u = x * math.cos(beta) + section * sin_alpha * sin_beta + row * cos_alpha * sin_beta
        return u, section * cos_alpha - row * sin_alpha

    return path, seen


@pytest.mark.parametrize("program", [relion, warp, imod])
@pytest.mark.parametrize(("x_tilt", "y_level"), [(0.0, 0.0), (12.0, 0.0), (10.0, -9.0), (-7.5, 5.0)])
def test_a_point_is_seen_where_the_program_sees_it(
    tmp_path: Path, program: Callable[[Path, float, float], tuple[Path, Seen]], x_tilt: float, y_level: float
) -> None:
    path, seen = program(tmp_path, x_tilt, y_level)
    series = metadata.read_tilts(path)
    assert series.tilts is not None
    for tilt, own in zip(TILTS, series.tilts, strict=True):
        for point in POINTS:
            z, y, x = about("x", series.x_tilt) @ np.array(point[::-1])
            angle = math.radians(own)
            found = (x * math.cos(angle) + z * math.sin(angle), y)
            assert found == pytest.approx(seen(tilt, point), abs=1e-6)


def test_a_section_that_rises_with_the_slices_is_made_flat_by_a_positive_xaxistilt(tmp_path: Path) -> None:
    """IMOD's manual: 5 pixels below the middle in the first of 500 slices, 5 above in the last: 1.1 degrees."""
    path, _ = imod(tmp_path, 1.1459, 0.0)
    level = metadata.read_tilts(path).x_tilt
    z, y, _ = about("x", level) @ np.array([0.0, 250.0, 0.0])  # of the flat section, at the last slice
    assert (-z, y) == pytest.approx((5, 250), abs=0.1)  # rows above the middle are at negative z


@pytest.mark.parametrize(("value", "message"), [("abc", "XAXISTILT"), ("nan", "XAXISTILT")])
def test_garbled_turns_are_refused(tmp_path: Path, value: str, message: str) -> None:
    path = tmp_path / "tilt.com"
    path.write_text(f"$tilt\nANGLES -3,0,3\nXAXISTILT {value}\n")
    with pytest.raises(InputError, match=message):
        metadata.read_tilts(path)
