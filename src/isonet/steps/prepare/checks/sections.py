"""Power spectra of the middle XZ sections of a half, which tell its planes and its wedge."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from isonet.core.spikes import without_spikes
from isonet.core.tilts.section_range import SectionRange, section_range
from isonet.core.tilts.split import Array, section_power
from isonet.io.volume import Volume
from isonet.volumes.continued import open_continued

_SECTIONS = 64  # read in each of the two parts of a volume
_AT_ONCE = 1 << 20  # voxels read at once, 8 sections at least


@dataclass(frozen=True)
class Sections:
    """A volume with the power spectra of its middle sections.

    Attributes
    ----------
    volume : Volume
        The volume, going on over its padding.
    powers : tuple of array
        Of two parts that share no sections, see :func:`isonet.core.tilts.split.section_power`.
    """

    volume: Volume
    powers: tuple[Array, Array]

    @classmethod
    def of(cls, volume: Volume) -> "Sections":
        """Read the sections of a volume."""
        middle = volume.shape[1] // 2
        count = min(_SECTIONS, middle)
        return cls(volume, (_power(volume, middle - count, middle), _power(volume, middle, middle + count)))

    @classmethod
    def read(cls, path: Path) -> "Sections":
        """Open a file, say what of it is padding, and read its sections."""
        return cls.of(open_continued(path, aloud=True))

    @cached_property
    def range(self) -> SectionRange | None:
        """Which tilts they show; None where there is too little to tell."""
        return section_range(self.powers[0] + self.powers[1], self.volume.shape[2])


def _power(volume: Volume, first: int, last: int) -> Array:
    """Summed spectrum of XZ sections, a few read at once."""
    step = max(8, _AT_ONCE // (volume.shape[0] * volume.shape[2]))
    starts = range(first, last, step)
    read = (volume.read(slice(None), slice(start, min(start + step, last))) for start in starts)
    blocks = [section_power(without_spikes(block)) for block in read]
    total = blocks[0]
    for block in blocks[1:]:
        total = total + block
    return total
