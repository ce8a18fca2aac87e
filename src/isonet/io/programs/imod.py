"""IMOD models (`.mod`): objects, contours and points in voxels of the tomogram they were drawn on.

The format is big-endian: an identifier, a model header, and chunks. What a chunk holds stands in tables below, after
IMOD's public description of it. x and y count from the outer edge of the first voxel (0 to NX), z counts sections
from the middle of the first (-0.5 to NZ - 0.5).
"""

import logging
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError
from isonet.io.files import atomic_path, refuse_special

log = logging.getLogger("isonet")
Points = npt.NDArray[np.float64]
_IDENTIFIER, _END = b"IMODV1.2", b"IEOF"
_MODEL = struct.Struct(">128s 4i I 4i 3f 3f 5i f i i 3f")  # name, xmax ymax zmax objects, flags, ...
_OBJECT = struct.Struct(">64s 64s i I 2i 3f i 8B 2i")  # name, extra, contours, flags, ...
_CONTOUR = struct.Struct(">i I i i")  # points, flags, time, surface
_MESH = struct.Struct(">i i I h h")  # vertices, indices, flags, time, surface
_REFERENCE = struct.Struct(">3f 3f 3f 3f 3f 3f")  # old scale, origin, rotation; current scale, start, rotation
_Y_Z_EXCHANGED, _HAS_ORIGIN = 1 << 16, 1 << 14
_OPEN, _SCATTERED = 1 << 3, 1 << 9
_SAVED_BY_3DMOD = 0xF400
_LARGEST = 1 << 28
_ROUNDING = 1e-4  # Å: sizes are stored in single precision
_ALMOST = 0.05  # part of an edge by which a binned one may differ
_POWERS = (-2, -3, -6, -9, -10, -12)
ALIKE = 0.02
"""Part of a pixel size by which another may differ and still be the same."""


@dataclass(frozen=True)
class ModelObject:
    """One object of a model.

    Attributes
    ----------
    name : str
        As the user called it; may be empty.
    contours : tuple of array
        `[points, 3]` each, in x, y, z order.
    kind : str
        `closed`, `open` or `scattered`.
    """

    name: str
    contours: tuple[Points, ...]
    kind: str


@dataclass(frozen=True)
class Model:
    """A model and the image it was drawn on.

    Attributes
    ----------
    objects : tuple of ModelObject
        In the order of the file.
    size : tuple of int
        Voxels x, y, z of the image; 0 where the file does not say.
    voxel_size : float
        Å per voxel of the image along x, as its reference says, else the model's header; 0 where neither does.
    """

    objects: tuple[ModelObject, ...]
    size: tuple[int, int, int]
    voxel_size: float


def read_model(path: Path) -> Model:
    """Read a binary IMOD model.

    Points are given in voxels of the whole image file: a subset that was loaded in 3dmod is put back to its place,
    and y and z are exchanged where the model was saved on an image with y and z flipped.

    Raises
    ------
    InputError
        If the file is missing, not an IMOD model, truncated, or holds numbers that make no sense.
    """
    reader = _Reader(path)
    if reader.take(8, "identifier") != _IDENTIFIER:
        raise InputError(f"{path}: not an IMOD model (no {_IDENTIFIER.decode()} at its beginning); save it in 3dmod")
    header = reader.unpack(_MODEL, "model header")
    flags = int(header[5])
    objects: list[ModelObject] = []
    reference: tuple[float, ...] | None = None
    while (chunk := reader.take(4, f"end mark {_END.decode()}")) != _END:
        if chunk == b"OBJT":
            objects.append(_object(reader))
        elif chunk == b"CONT":
            objects[-1:] = [_with_contour(reader, objects)]
        elif chunk == b"MESH":
            vertices, indices = reader.unpack(_MESH, "mesh")[:2]
            reader.skip(vertices, 12, "mesh")
            reader.skip(indices, 4, "mesh")
        elif chunk == b"MINX":
            data = reader.take(reader.count(1, "image reference"), "image reference")
            reference = _REFERENCE.unpack(data) if len(data) == _REFERENCE.size else None
        else:
            reader.take(reader.count(1, f"chunk {chunk!r}"), f"chunk {chunk!r}")
    scale, shift = _placement(reference, flags)
    if reference is None:
        scale = _header_scale(*header[-6:-4])
    placed = tuple(_placed(each, shift, exchanged=bool(flags & _Y_Z_EXCHANGED)) for each in objects)
    x, y, z = (max(0, int(edge)) for edge in header[1:4])
    return Model(placed, (x, z, y) if flags & _Y_Z_EXCHANGED else (x, y, z), scale)


def model_points(model: Model) -> Points:
    """Points of all contours of all objects of a model, `[n, 3]` in x, y, z order."""
    contours = [contour for each in model.objects for contour in each.contours]
    return np.concatenate([np.zeros((0, 3)), *contours])


def says_size(drawn_at: float) -> bool:
    """Tell whether the Å per voxel of a model are some: 1 Å is what IMOD writes for images that do not say."""
    return drawn_at != 0 and abs(drawn_at - 1) >= _ROUNDING


def scale_of_drawing(path: Path, drawn_at: float, pixel_size: float, header_size: float = 0.0) -> float:
    """Voxels of a tomogram per voxel of the image that a model was drawn on, with a line where they are not one.

    Parameters
    ----------
    path : Path
        The model, for messages.
    drawn_at : float
        Å per voxel of the image, see :func:`says_size`.
    pixel_size : float
        Å per voxel of the tomogram; 0 if unknown.
    header_size : float
        What the tomogram's file says, where that is another: a model that says so too was drawn on it.
    """
    if not says_size(drawn_at) or not pixel_size or abs(drawn_at / pixel_size - 1) < ALIKE:
        return 1.0
    if header_size and abs(drawn_at / header_size - 1) < ALIKE:
        return 1.0
    log.info("%s: drawn at %g A/voxel, scaled to %g A/voxel", path, drawn_at, pixel_size)
    return drawn_at / pixel_size


def warn_of_another_image(
    path: Path, drawn_on: tuple[int, int, int], edges: tuple[int, int, int], scale: float
) -> None:
    """Warn where a model was drawn on another binning of a tomogram than it says, or with y and z exchanged.

    Parameters
    ----------
    path : Path
        The model, for messages.
    drawn_on, edges : tuple of int
        Voxels x, y, z of the image and of the tomogram; 0 where the model does not say. Other sizes tell nothing:
        programs that make models of lists write the extent of the points.
    scale : float
        As of :func:`scale_of_drawing`.
    """
    if min(*drawn_on, *edges) == 0:
        return
    ratio = scale * np.array(drawn_on) / np.array(edges)
    factor = max(round(float(ratio[0])), round(1 / float(ratio[0])))
    binned = factor > 1 and any((np.abs(ratio * by - 1) < _ALMOST).all() for by in (factor, 1 / factor))
    x, z, y = drawn_on
    swapped = np.array([x, y, z]) * scale / np.array(edges)
    exchanged = (np.abs(swapped - 1) < ALIKE).all() and not (np.abs(ratio - 1) < _ALMOST).all()
    if binned or exchanged:
        drawn, found = (" x ".join(map(str, size)) for size in (drawn_on, edges))
        odd = "y and z exchanged" if exchanged else "another binning"
        text = "%s: drawn on %s voxels along x, y, z, this tomogram has %s; %s? If so, draw it on this one"
        log.warning(text, path, drawn, found, odd)


def write_closed(
    path: Path, objects: Sequence[tuple[str, Sequence[Points]]], size: tuple[int, int, int], voxel_size: float
) -> None:
    """Write closed contours as a model that 3dmod and :func:`read_model` open, atomically.

    Parameters
    ----------
    path : Path
        File to write.
    objects : sequence of (name, contours)
        Contours `[points, 3]` in x, y, z order.
    size : tuple of int
        Voxels x, y, z of the image.
    voxel_size : float
        Å per voxel; 0 if unknown. No image reference is written: 3dmod then shows the points on any image as they are.
    """
    nothing = (0.0,) * 3
    name = b"isonet"
    header = (*size, len(objects), _SAVED_BY_3DMOD, 1, 1, 0, 255, *nothing, 1.0, 1.0, 1.0, 0, 0, 0, 3, 128)
    parts = [_IDENTIFIER, _MODEL.pack(name, *header, voxel_size / 10 or 1.0, -9 if voxel_size else 0, 0, *nothing)]
    for label, contours in objects:
        text = label.encode("ascii", "replace")[:63]
        drawing = (0.0, 1.0, 0.0, 0, 1, 3, 1, 1, 0, 0, 0, 0)
        parts += [b"OBJT", _OBJECT.pack(text, b"", len(contours), 0, 0, 1, *drawing, 0, 0)]
        for contour in contours:
            parts += [b"CONT", _CONTOUR.pack(len(contour), 0, 0, 0), np.asarray(contour, ">f4").tobytes()]
    with atomic_path(path) as temporary:
        temporary.write_bytes(b"".join([*parts, _END]))


class _Reader:
    """The bytes of a model, taken from the beginning; whatever is not there is an `InputError`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0
        refuse_special(path)
        if not path.is_file():
            raise InputError(f"{path}: no such file; check the name of the model")
        try:
            if path.stat().st_size > _LARGEST:
                raise InputError(f"{path}: {path.stat().st_size} bytes are too many for a model; give a .mod file")
            self._data = path.read_bytes()
        except OSError as error:
            raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error

    def take(self, size: int, what: str) -> bytes:
        """Take so many bytes."""
        part = self._data[self._position : self._position + size]
        if len(part) < size:
            place = f"{what} at byte {self._position} of {len(self._data)}"
            raise InputError(f"{self.path}: truncated or damaged ({place}); save the model again")
        self._position += size
        return part

    def unpack(self, layout: struct.Struct, what: str) -> tuple[Any, ...]:
        """Take one record."""
        return layout.unpack(self.take(layout.size, what))

    def count(self, size: int, what: str) -> int:
        """Take a number of things of so many bytes each, and check that they are there."""
        return self.checked(struct.unpack(">i", self.take(4, what))[0], size, what)

    def checked(self, count: float, size: int, what: str) -> int:
        """Check that so many things of so many bytes each can follow."""
        if not 0 <= count * size <= len(self._data) - self._position:
            place = f"{what} at byte {self._position} says {int(count)}"
            raise InputError(f"{self.path}: truncated or damaged ({place}); save the model again")
        return int(count)

    def skip(self, count: float, size: int, what: str) -> None:
        """Pass over so many things of so many bytes each."""
        self.take(self.checked(count, size, what) * size, what)


def _object(reader: _Reader) -> ModelObject:
    record = reader.unpack(_OBJECT, "object")
    name, flags = record[0], record[3]
    kind = "scattered" if flags & _SCATTERED else "open" if flags & _OPEN else "closed"
    return ModelObject(name.partition(b"\0")[0].decode("utf-8", "replace").strip(), (), kind)


def _with_contour(reader: _Reader, objects: list[ModelObject]) -> ModelObject:
    """Read a contour into the last object."""
    if not objects:
        raise InputError(f"{reader.path}: damaged (a contour before the first object); save the model again")
    count = reader.checked(reader.unpack(_CONTOUR, "contour")[0], 12, "contour")
    with np.errstate(invalid="ignore"):  # signalling NaN, refused below
        points = np.frombuffer(reader.take(12 * count, "contour"), ">f4").reshape(-1, 3).astype(np.float64)
    if not np.all(np.abs(points) < 1e6):
        raise InputError(f"{reader.path}: damaged (points that are no positions in a volume); save the model again")
    last = objects[-1]
    return ModelObject(last.name, (*last.contours, points), last.kind)


def _placement(reference: tuple[float, ...] | None, flags: int) -> tuple[float, Points]:
    """Voxel size of the image, and what to add to points so that they count from the corner of the whole file."""
    if reference is None:
        return 0.0, np.zeros(3)
    values = np.array(reference).reshape(6, 3)
    origin, scale, start = values[1], values[3], values[4]
    if not (np.isfinite(scale) & (scale > 1e-3) & (scale < 1e6)).all():
        return 0.0, np.zeros(3)
    shift = (origin - start) / scale if flags & _HAS_ORIGIN else np.zeros(3)
    return float(scale[0]), shift if (np.abs(shift) < 1e6).all() else np.zeros(3)


def _header_scale(size: float, power: int) -> float:
    """Å of a length in units of a power of ten of metres, such as -9; 0 where it is in pixels or makes no sense."""
    scale = size * 10.0 ** (10 + power) if power in _POWERS else 0.0
    return scale if 1e-3 < scale < 1e6 else 0.0


def _placed(each: ModelObject, shift: Points, *, exchanged: bool) -> ModelObject:
    """Bring points from the image as it was displayed to the image as it is in its file."""
    order = [0, 2, 1] if exchanged else [0, 1, 2]
    return ModelObject(each.name, tuple(contour[:, order] + shift for contour in each.contours), each.kind)
