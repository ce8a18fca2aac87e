"""IMOD model files (`.mod`), read natively."""

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError

_HEADER = 240  # bytes of the identifier and the model's data
_FIXED = {b"OBJT": 176}  # bytes of chunks that do not say how long they are
_CONTOUR = struct.Struct(">iIii")  # points, flags, time, surface
_MESH = struct.Struct(">iiIhh")  # vertices, indices, flags, time, surface


def read_model_points(path: Path) -> npt.NDArray[np.float64]:
    """Read the points of all contours of all objects of a model.

    Parameters
    ----------
    path : Path
        A binary IMOD model (`IMODV1.2`).

    Returns
    -------
    numpy array
        `[n, 3]`: x, y, z as stored, in voxels; the middle of the first voxel is at 0.5, 0.5, 0.

    Raises
    ------
    InputError
        If the file is missing, no IMOD model, or truncated.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; check the name")
    data = path.read_bytes()
    if not data.startswith(b"IMODV1.2"):
        raise InputError(f"{path}: not a binary IMOD model; save it with 3dmod")
    try:
        contours = list(_contours(data))
    except (struct.error, ValueError) as error:
        raise InputError(f"{path}: truncated or damaged IMOD model; save it again with 3dmod") from error
    return np.concatenate([np.zeros((0, 3)), *contours])


def _contours(data: bytes) -> Iterator[npt.NDArray[np.float64]]:
    """Walk through the chunks of a model; the points of each contour."""
    at = _HEADER
    while (kind := data[at : at + 4]) != b"IEOF":
        at += 4
        if kind == b"CONT":
            count = _CONTOUR.unpack_from(data, at)[0]
            at += _CONTOUR.size
            yield np.frombuffer(data, ">f4", 3 * count, at).reshape(-1, 3).astype(np.float64)
            at += 12 * count
        elif kind == b"MESH":
            vertices, indices = _MESH.unpack_from(data, at)[:2]
            at += _MESH.size + 12 * vertices + 4 * indices
        else:
            at += _FIXED.get(kind) or 4 + struct.unpack_from(">I", data, at)[0]
