"""Groups and arrays of zarr, version 2 and 3: what their small JSON files say."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isonet.errors import InputError

Fields = Mapping[str, Any]
_AGAIN = "copy the folder again"


@dataclass(frozen=True)
class Node:
    """A group or an array.

    Attributes
    ----------
    path : Path
        Its folder.
    version : int
        Of zarr, 2 or 3.
    is_array : bool
        Whether it holds voxels.
    attributes : dict
        What others than zarr have written about it.
    fields : dict
        What zarr itself says of an array.
    """

    path: Path
    version: int
    is_array: bool
    attributes: Fields = field(repr=False)
    fields: Fields = field(repr=False)

    @property
    def shape(self) -> tuple[int, ...]:
        """Edges of an array, all its axes.

        Raises
        ------
        InputError
            If its file makes no sense.
        """
        return self.numbers("shape", self.fields.get("shape"))

    @property
    def chunks(self) -> tuple[int, ...]:
        """Edges of what is in one file of an array: a chunk, or a shard of several; errors as :attr:`shape`."""
        if self.version == 2:
            return self.numbers("chunks", self.fields.get("chunks"))
        grid = _mapping(self.fields.get("chunk_grid"))
        return self.numbers("chunk_shape", _mapping(grid.get("configuration")).get("chunk_shape"))

    @property
    def ome(self) -> Fields:
        """Attributes of OME: in a folder of their own since 0.5."""
        return _mapping(self.attributes.get("ome")) if "ome" in self.attributes else self.attributes

    def numbers(self, name: str, found: object) -> tuple[int, ...]:
        """Check a list of edges.

        Raises
        ------
        InputError
            If it is none.
        """
        whole = isinstance(found, Sequence) and all(isinstance(edge, int) and edge > 0 for edge in found)
        if not isinstance(found, Sequence) or isinstance(found, str) or not whole or not found:
            raise InputError(f"{self.path}: its metadata give {name} {found!r}; {_AGAIN}")
        return tuple(found)


def read_node(path: Path) -> Node | None:
    """Read what a folder says it is; None where that is no group or array of zarr.

    Raises
    ------
    InputError
        If its files cannot be read.
    """
    both = _read(path / "zarr.json")
    if both is not None:
        attributes = _mapping(both.get("attributes"))
        return Node(path, 3, both.get("node_type") == "array", attributes, both)
    array, group = _read(path / ".zarray"), _read(path / ".zgroup")
    if array is None and group is None:
        return None
    return Node(path, 2, array is not None, _read(path / ".zattrs") or {}, array or {})


def _read(path: Path) -> Fields | None:
    """Read a JSON file; None where there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON ({error}); {_AGAIN}") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no names and values, as JSON of zarr does; {_AGAIN}")
    return found


def _mapping(found: object) -> Fields:
    return found if isinstance(found, dict) else {}
