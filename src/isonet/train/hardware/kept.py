"""Tensors that are made once and kept, as many as there is room for."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock

from torch import Tensor


class Kept:
    """Tensors by what they were made of, those that were used last.

    Parameters
    ----------
    room : int
        Bytes that they may take together.
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._taken = 0
        self._tensors: OrderedDict[Hashable, Tensor] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Tensor]) -> Tensor:
        """Return the tensor of a key, made now if it is not there; threads may ask at once."""
        with self._lock:
            if key in self._tensors:
                self._tensors.move_to_end(key)
                return self._tensors[key]
        made = make()
        with self._lock:
            if key not in self._tensors:
                self._tensors[key] = made
                self._taken += made.nbytes
            while self._taken > self._room and len(self._tensors) > 1:
                self._taken -= self._tensors.popitem(last=False)[1].nbytes
        return made
