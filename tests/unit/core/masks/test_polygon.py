"""Areas: the even-odd rule against pictures and scikit-image, stacks of contours, and regions made of them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.draw import polygon2mask

from isonet.core.masks.polygon import Area, inside, stacked
from isonet.core.masks.region import Region, columns_seen

CORNER = st.tuples(st.integers(-3, 23), st.integers(-3, 18))


def picture(points: list[tuple[float, float]], height: int, width: int) -> list[str]:
    mask = inside(points, np.arange(height) + 0.5, np.arange(width) + 0.5)
    return ["".join("#" if value else "." for value in row) for row in mask]


def test_rectangle_counts_from_the_corner_of_the_first_voxel() -> None:
    assert picture([(1, 1), (4, 1), (4, 3), (1, 3)], 4, 5) == [".....", ".###.", ".###.", "....."]
    assert picture([(0, 0), (3, 0), (3, 2), (0, 2)], 2, 3) == ["###", "###"]


def test_star_has_a_hole_by_the_even_odd_rule() -> None:
    star = [
        (0.0, 0.0),
        (6.0, 0.0),
        (6.0, 6.0),
        (0.0, 6.0),
        (0.0, 0.0),
        (2.0, 2.0),
        (4.0, 2.0),
        (4.0, 4.0),
        (2.0, 4.0),
        (2.0, 2.0),
    ]
    assert picture(star, 6, 6) == ["######", "######", "##..##", "##..##", "######", "######"]
    assert picture([(0, 0), (4, 4), (4, 0), (0, 4)], 4, 4)[0][1:3] == ".."  # a bow tie: nothing between its wings


@given(points=st.lists(CORNER, min_size=3, max_size=9), shift=st.sampled_from([0, 1, 2]))
@settings(max_examples=100, deadline=None)
def test_agrees_with_scikit_image(points: list[tuple[int, int]], shift: int) -> None:
    """Off the edges, on which programs differ."""
    height, width = 15, 20
    y, x = np.arange(height) + 0.0137, np.arange(width) + 0.0071
    mine = inside(points, y, x)
    corners = np.array([(cy - 0.0137, cx - 0.0071) for cx, cy in np.roll(points, shift, axis=0)])
    assert np.array_equal(mine, polygon2mask((height, width), corners))


def contour(z: float, low: float = 0, high: float = 10) -> np.ndarray:  # type: ignore[type-arg]
    return np.array([(low, low, z), (high, low, z), (high, high, z), (low, high, z)], dtype=np.float64)


def test_contours_of_one_section_hold_everywhere_and_stacks_from_first_to_last() -> None:
    assert [area.z for area in stacked([contour(7), contour(7.2)], exclude=False)] == [None, None]
    areas = stacked([contour(30), contour(10), contour(16)], exclude=True)
    assert [area.z for area in areas] == [(23, 30), (10, 13), (13, 23)]
    assert all(area.exclude for area in areas)


def test_region_is_the_union_less_what_is_excluded() -> None:
    areas = (
        Area(((0, 0), (4, 0), (4, 6), (0, 6))),
        Area(((6, 0), (8, 0), (8, 6), (6, 6)), z=(1, 1)),
        Area(((0, 0), (2, 0), (2, 2), (0, 2)), exclude=True),
    )
    sections = Region((3, 6, 8), areas=areas).grid(1).sections(0, 3)
    picture = ["".join("#" if value else "." for value in row) for row in sections[1]]
    assert picture == ["..##..##", "..##..##", "####..##", "####..##", "####..##", "####..##"]
    assert not sections[[0, 2], :, 4:].any()
    only = Region((3, 6, 8), areas=areas[2:]).grid(1).sections(0, 3)
    assert (~only).sum() == 3 * 4  # nothing to keep is named: all but the excluded


def test_crops_take_a_fraction_off_each_end() -> None:
    kept = Region((10, 20, 40), (0.2, 0.1, 0.25)).grid(1).sections(0, 10)
    assert kept[2:8, 2:18, 10:30].all()
    assert kept.sum() == 6 * 16 * 20
    assert Region((10, 20, 40)).grid(1).sections(3, 5).all()


@pytest.mark.parametrize("shape", [(8, 12, 16), (9, 13, 15)])
def test_binned_region_is_the_region_at_the_binned_voxels(shape: tuple[int, int, int]) -> None:
    region = Region(shape, (0.25, 0.0, 0.0), (Area(((2, 2), (10, 2), (10, 10), (2, 10)), z=(0, 5)),))
    fine, binned = region.grid(1).sections(0, shape[0]), region.grid(2).sections(0, -(-shape[0] // 2))
    assert np.array_equal(binned[:4, :6, :7], fine[:8:2, :12:2, :14:2])


def test_columns_that_lie_in_the_region() -> None:
    region = Region((8, 16, 16), areas=(Area(((0, 0), (8, 0), (8, 16), (0, 16))),))
    assert columns_seen(region.grid(2), 4).tolist() == [[True, False], [True, False]]


def test_an_area_in_finer_voxels_covers_the_same_place() -> None:
    """The middles of sections 1 and 3 lie 1.5 and 3.5 voxels from the first face: 3 and 7 finer ones, from -0.5."""
    area = Area(((1.0, 2.0), (5.0, 2.0), (3.0, 4.0)), (1.0, 3.0), exclude=True)
    finer = area.scaled(2.0)
    assert finer.points == ((2.0, 4.0), (10.0, 4.0), (6.0, 8.0))
    assert finer.z == (2.5, 6.5)
    assert finer.scaled(0.5) == area
    assert Area(area.points, None).scaled(3.0).z is None
