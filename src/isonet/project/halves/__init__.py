"""Even and odd halves: the folders they lie in, and which two are of one tomogram, by their names."""

from isonet.project.halves.folders import half_folders, tell_of_other_folders, tell_of_unread_halves, volumes_of
from isonet.project.halves.pairs import Halves, Pair, check_shapes, half_key, pair_halves, paired

__all__ = [
    "Halves",
    "Pair",
    "check_shapes",
    "half_folders",
    "half_key",
    "pair_halves",
    "paired",
    "tell_of_other_folders",
    "tell_of_unread_halves",
    "volumes_of",
]
