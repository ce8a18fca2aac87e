"""Polygons as they are drawn: corners added, moved and taken away; saved as JSON for `mask` and as an IMOD model."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.polygons import Polygon, read_polygons, write_polygons
from isonet.io.programs.imod import write_closed
from isonet.io.text import counted

Point = tuple[float, float]


@dataclass
class Shape:
    """One polygon being drawn.

    Attributes
    ----------
    points : list of (x, y)
        Corners in voxels from the corner of the tomogram.
    z : tuple of int or None
        First and last section; None for all.
    exclude : bool
        Whether what it encloses is left out.
    """

    points: list[Point] = field(default_factory=list)
    z: tuple[int, int] | None = None
    exclude: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether it encloses something."""
        return len(set(self.points)) >= 3


@dataclass
class Drawing:
    """The polygons of one tomogram.

    Attributes
    ----------
    size : tuple of int
        Voxels x, y, z of the tomogram.
    shapes : list of Shape
        Its polygons.
    current : int
        The one that is worked on; -1 for none.
    corner : int
        Its corner that is worked on; -1 for none.
    """

    size: tuple[int, int, int]
    shapes: list[Shape] = field(default_factory=list)
    current: int = -1
    corner: int = -1

    @property
    def shape(self) -> Shape | None:
        """The polygon that is worked on."""
        return self.shapes[self.current] if 0 <= self.current < len(self.shapes) else None

    def press(self, at: Point, reach: float) -> None:
        """Take the corner within reach, or else add one to the polygon that is worked on, or a new one.

        Parameters
        ----------
        at : (x, y)
            In voxels.
        reach : float
            Voxels within which a corner is taken.
        """
        near = [
            (float(np.hypot(x - at[0], y - at[1])), number, corner)
            for number, shape in enumerate(self.shapes)
            for corner, (x, y) in enumerate(shape.points)
        ]
        if near and min(near)[0] <= reach:
            _, self.current, self.corner = min(near)
            return
        if self.shape is None:
            self.add()
        assert self.shape is not None
        self.shape.points.append(self._inside(at))
        self.corner = len(self.shape.points) - 1

    def drag(self, at: Point) -> None:
        """Move the corner that is worked on."""
        if self.shape is not None and 0 <= self.corner < len(self.shape.points):
            self.shape.points[self.corner] = self._inside(at)

    def insert(self) -> None:
        """Add a corner half way to the one after that which is worked on, or a first one in the middle."""
        if self.shape is None:
            self.add()
        assert self.shape is not None
        points = self.shape.points
        if points:
            here, after = points[self.corner], points[(self.corner + 1) % len(points)]
            at = (here[0] + after[0]) / 2, (here[1] + after[1]) / 2
        else:
            at = self.size[0] / 2, self.size[1] / 2
        self.corner = self.corner + 1 if 0 <= self.corner < len(points) else len(points)
        points.insert(self.corner, self._inside(at))

    def nudge(self, by: Point) -> None:
        """Move the corner that is worked on by so many voxels."""
        if self.shape is not None and 0 <= self.corner < len(self.shape.points):
            x, y = self.shape.points[self.corner]
            self.drag((x + by[0], y + by[1]))

    def svg(self, number: int, index: int, step: int, picture: tuple[int, int], size: int) -> str:
        """Draw one polygon over a picture of a section; what holds in other sections is faint.

        Parameters
        ----------
        number : int
            Which polygon.
        index : int
            Section shown.
        step : int
            Voxels per pixel of the picture.
        picture : tuple of int
            Its rows and columns.
        size : int
            Pixels that the picture is about as wide as on the screen.
        """
        shape, (rows, columns) = self.shapes[number], picture
        points = [(x / step, rows - y / step) for x, y in shape.points]
        if not points:
            return ""
        colour = "#ff6b5e" if shape.exclude else "#4cc9f0"
        here = shape.z is None or shape.z[0] <= index <= shape.z[1]
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        width = 2 if number == self.current else 1
        style = f'stroke="{colour}" stroke-width="{width}" vector-effect="non-scaling-stroke"'
        parts = [f'<polygon points="{text}" fill="{colour}" fill-opacity="0.12" {style}/>']
        radius = 4 * max(columns, 1) / size
        for corner, (x, y) in enumerate(points):
            chosen = number == self.current and corner == self.corner
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.2f}" fill="{"#fff" if chosen else colour}" {style}/>'
            )
        return f'<g opacity="{1 if here else 0.25}">{"".join(parts)}</g>'

    def add(self) -> None:
        """Begin a new polygon."""
        self.shapes = [shape for shape in self.shapes if shape.points]
        self.shapes.append(Shape())
        self.current, self.corner = len(self.shapes) - 1, -1

    def remove_corner(self) -> None:
        """Take away the corner that is worked on."""
        if self.shape is not None and 0 <= self.corner < len(self.shape.points):
            del self.shape.points[self.corner]
            self.corner = len(self.shape.points) - 1

    def remove(self) -> None:
        """Take away the polygon that is worked on."""
        if self.shape is not None:
            del self.shapes[self.current]
            self.current, self.corner = len(self.shapes) - 1, -1

    def _inside(self, at: Point) -> Point:
        """Round to a tenth of a voxel within the tomogram."""
        x, y = (round(min(max(value, 0.0), float(edge)), 1) for value, edge in zip(at, self.size[:2], strict=True))
        return x, y

    def save(self, path: Path, voxel_size: float) -> None:
        """Write `path` (.json) and the IMOD model beside it (.mod).

        Raises
        ------
        InputError
            If a polygon encloses nothing.
        RunError
            If the files cannot be written.
        """
        shapes = [shape for shape in self.shapes if shape.points]
        if not shapes:
            raise InputError("no polygon yet; click three corners at least")
        for number, shape in enumerate(shapes, start=1):
            if not shape.is_complete:
                raise InputError(
                    f"polygon {number} has {counted(len(shape.points), 'corner')}; it needs three, or remove it"
                )
        write_polygons(path, [Polygon(tuple(shape.points), shape.z, shape.exclude) for shape in shapes])
        objects = [
            (
                f"{'exclude' if shape.exclude else 'include'} {number}",
                [np.array([(x, y, z) for x, y in shape.points], float) for z in sorted(set(shape.z or (0,)))],
            )
            for number, shape in enumerate(shapes, start=1)
        ]
        write_closed(path.with_suffix(".mod"), objects, self.size, voxel_size)

    @classmethod
    def read(cls, path: Path, size: tuple[int, int, int]) -> "Drawing":
        """Take up what was saved before; nothing if there is nothing.

        Raises
        ------
        InputError
            If the file holds no polygons.
        """
        if not path.is_file():
            return cls(size)
        shapes = [
            Shape(list(each.points), None if each.z is None else (int(each.z[0]), int(each.z[1])), each.exclude)
            for each in read_polygons(path)
        ]
        return cls(size, shapes, len(shapes) - 1)
