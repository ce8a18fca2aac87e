"""What the name of a volume and the beginning of its header say it is, and of which series."""

import math
import re
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path

from isonet.errors import InputError
from isonet.io.formats import glance
from isonet.io.mrc_bytes.glance import Glance
from isonet.io.programs.metadata import read_tilt_angles
from isonet.io.text import read_text
from isonet.io.volume_files import container, stem
from isonet.project.names import marks, side_of

_MOST_TILTS = 300
_TILT_LISTS = (".aln", ".tlt", ".rawtlt", ".mdoc", ".mrc.mdoc", ".st.mdoc", "_TLT.txt", "_st.tlt")
SAMPLE_NAMES = ("top_rec", "mid_rec", "bot_rec", "top", "mid", "bot")
"""Names of what etomo reconstructs to position a tomogram."""


class Kind(IntEnum):
    """What the name of a volume says it is, best first."""

    VOLUME = 0
    PLAIN = 1
    UNTRIMMED = 2
    SECOND = 3
    SPECTRUM = 4
    SAMPLE = 5
    STACK = 6


_ENDS = (
    (Kind.SECOND, re.compile(r"_2nd_vol$", re.IGNORECASE)),
    (Kind.SAMPLE, re.compile(r"_3dfind_rec$", re.IGNORECASE)),
    (Kind.UNTRIMMED, re.compile(r"_full_rec$", re.IGNORECASE)),
    (Kind.PLAIN, re.compile(r"_full$", re.IGNORECASE)),
    (Kind.VOLUME, re.compile(r"[_.](vol|rec)$", re.IGNORECASE)),
    (Kind.SPECTRUM, re.compile(r"_(ctf|ps|powerspectrum)$", re.IGNORECASE)),
    (Kind.STACK, re.compile(r"_(ali|aligned|preali|orig|fixed|st|stack|dcst|erase|3dfind|ctfcorr)$", re.IGNORECASE)),
)
_SAMPLING = re.compile(r"_(\d+(?:\.\d+A|(?:\.\d+)?Apx)|(\d+)A|bin_?\d+)$", re.IGNORECASE)
_BINNED = re.compile(r"_b([1-9]\d*)$", re.IGNORECASE)  # or the name of a place: what the header says decides


@dataclass(frozen=True)
class SeriesFile:
    """A volume of a folder, by its name and the beginning of its header."""

    path: Path

    @cached_property
    def header(self) -> Glance | None:
        """Sizes in its header; None where it is packed or makes no sense."""
        return glance(self.path)

    @cached_property
    def _told(self) -> tuple[Kind, str]:
        """What its name says it is, and the name of its series."""
        name = stem(self.path)
        side = side_of(name)
        key = next(iter(marks(name))) if side else name
        if key.lower() in SAMPLE_NAMES:
            return Kind.SAMPLE, key
        key = self._without_sampling(key)
        imod = self.path.name.lower().endswith(".rec")
        kind = Kind.VOLUME if imod else Kind.PLAIN
        key += "_rec" if imod and key.lower().endswith("_full") else ""
        for end, pattern in _ENDS:
            if pattern.search(key):
                kind, key = end, pattern.sub("", key)
                break
        while kind is Kind.STACK and _ENDS[-1][1].search(key):
            key = _ENDS[-1][1].sub("", key)
        bare = re.sub(r"^rec_", "", key, flags=re.IGNORECASE)
        return (Kind.VOLUME if bare != key and kind is Kind.PLAIN else kind), self._without_sampling(bare)

    def _without_sampling(self, key: str) -> str:
        """Take the pixel size or binning off a name; `3A` is one only where the header says 3 Å."""
        found = _SAMPLING.search(key)
        size = 0.0 if self.header is None else self.header.pixel_size
        if found is None or (found[2] and int(found[2]) not in (math.floor(size), math.ceil(size))):
            return key
        return key[: found.start()]

    @property
    def kind(self) -> Kind:
        """What its name says it is."""
        return self._told[0]

    @property
    def series(self) -> tuple[Path, str, str | None]:
        """Folder, name and half of the series that it is of."""
        return container(self.path).parent, self._told[1], side_of(stem(self.path))

    @property
    def pixel_size(self) -> float:
        """Å per voxel to a tenth; 0 where it is not known."""
        return 0.0 if self.header is None else round(self.header.pixel_size, 1)

    @property
    def unbinned(self) -> tuple[str, float]:
        """Name of its series without a binning such as `b4`, and its pixel size over that; 0 where it has none."""
        name, size = self.series[1], 0.0 if self.header is None else self.header.pixel_size
        found = _BINNED.search(name)
        return (name, 0.0) if found is None else (name[: found.start()], size / int(found[1]))

    @property
    def says_stack(self) -> bool:
        """Whether its header is that of a stack of images."""
        return self.header is not None and self.header.says_stack

    @cached_property
    def as_listed(self) -> str | None:
        """What makes it a tilt series, whatever its header says; a volume by its name may have as many sections.

        One whose header is that of a stack may only be called after its series, such as `rec_1`.
        """
        if self.header is None or self.header.shape[0] > _MOST_TILTS:
            return None
        if self.kind in (Kind.VOLUME, Kind.UNTRIMMED) and not self.says_stack:
            return None
        return _as_listed(self.path, self.header.shape[0], self._told[1])


def _as_listed(path: Path, sections: int, series: str) -> str | None:
    """Say which list beside a file has as many tilts as the file has sections."""
    for key in dict.fromkeys((stem(path), series)):
        for ending in _TILT_LISTS:
            listed = container(path).with_name(f"{key}{ending}")
            if listed.is_file() and sections in _counts(listed):
                return f"a tilt series: it has {sections} sections, as many as {listed.name} has tilts"
    return None


def _counts(path: Path) -> set[int]:
    """How many tilts a file lists; of AreTomo's `.aln` also how many there were before dark ones were left out."""
    try:
        counts = {len(read_tilt_angles(path))}
        raw = re.search(r"RawSize\s*=\s*\d+\s+\d+\s+(\d+)", read_text(path)) if path.suffix == ".aln" else None
    except InputError:
        return set()
    return counts | ({int(raw[1])} if raw else set())
