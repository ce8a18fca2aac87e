"""Where scratch files go that may be as large as a volume."""

import os
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def scratch_folder(beside: Path) -> Path:
    """Where a large scratch file goes: to `TMPDIR` if that is set, else beside a file, else to the system's folder.

    Parameters
    ----------
    beside : Path
        What is unpacked.
    """
    asked = os.environ.get("TMPDIR")
    if asked and os.access(asked, os.W_OK):
        return Path(asked)
    return beside.parent if os.access(beside.parent, os.W_OK) else Path(tempfile.gettempdir())


class ScratchFile:
    """A file without a name, full of holes, that is gone when this object is, however that ends.

    Parameters
    ----------
    folder : Path
        Where it lies.
    size : int
        Its bytes.

    Attributes
    ----------
    path : str
        Where this process can open it.

    Raises
    ------
    OSError
        If it cannot be made.
    """

    def __init__(self, folder: Path, size: int) -> None:
        with tempfile.TemporaryFile(dir=folder) as file:
            os.ftruncate(file.fileno(), size)
            self._descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, self._descriptor)
        self.path = f"/dev/fd/{self._descriptor}"

    def write(self, position: int, values: npt.NDArray[Any]) -> None:
        """Write values that lie together from a position on; `OSError` if there is no room."""
        left = np.ascontiguousarray(values).data.cast("B")
        while left:
            count = os.pwrite(self._descriptor, left, position)
            left, position = left[count:], position + count
