"""The tilt series of a simulated sample: its tilts, and how the volume lies in the microscope."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from isonet.config import SimulateConfig
from isonet.core.tilts.measured import Measured, Sweep, about, angles_of, positioned
from isonet.core.tilts.ranges import check_tilts
from isonet.errors import InputError
from isonet.io import files
from isonet.io.programs import metadata
from isonet.io.text import counted


@dataclass(frozen=True)
class Series:
    """A tilt series to make.

    Attributes
    ----------
    tilts : Tensor
        Degrees, of the stage.
    about_x, about_y, about_z : float
        Degrees by which the volume is turned before it is tilted.
    split : str
        What the halves are: of `frames` or of `tilts`.
    """

    tilts: Float[Tensor, " tilts"]
    about_x: float
    about_y: float
    about_z: float
    split: str

    @property
    def at_home(self) -> bool:
        """Whether the tilt axis is y and the beam z."""
        return self.about_x == self.about_z == 0

    def part(self, name: str) -> slice:
        """Which tilts the whole tomogram (`full`) or a half (`even`, `odd`) is made of."""
        if self.split == "frames" or name == "full":
            return slice(None)
        return slice(0, None, 2) if name == "even" else slice(1, None, 2)

    def sweep(self, name: str) -> Sweep:
        """What those tilts measure."""
        return positioned((self.tilts[self.part(name)] + self.about_y).tolist(), self.about_x, self.about_z)


def all_series(config: SimulateConfig) -> list[Series]:
    """The tilt series about one axis or two, of a volume that was turned so that it lies flat.

    Raises
    ------
    InputError
        If the tilts cannot be read, are too few to be split, or go too far.
    """
    tilts = _tilts(config)
    into = about("y", config.level_y) @ about("x", config.level_x)
    ways = [into, about("z", 90) @ into] if config.second_axis else [into]
    found = []
    for about_x, about_y, about_z in map(angles_of, ways):
        try:
            check_tilts((tilts + about_y).tolist())
        except ValueError as error:
            raise InputError(f"--level-y {config.level_y:g}: {error}; use smaller tilts or levels") from error
        found.append(Series(tilts, about_x, about_y, about_z, config.split))
    return found


def measured_by(series: Series, name: str = "full") -> Measured:
    """What the whole tomogram or a half of one series has measured."""
    return Measured((series.sweep(name),))


def write_tilts(path: Path, tilts: Float[Tensor, " tilts"]) -> None:
    """Write tilt angles in degrees, one per line, as IMOD's `.tlt`."""
    files.write_text(path, "".join(f"{tilt:.2f}\n" for tilt in tilts.tolist()))


def _tilts(config: SimulateConfig) -> Float[Tensor, " tilts"]:
    """Tilt angles in degrees from the file, the list or the range, in rising order."""
    if config.tilt_file is not None:
        angles = metadata.read_tilt_angles(config.tilt_file)
        if len(angles) < 2:
            raise InputError(
                f"{config.tilt_file}: {counted(len(angles), 'tilt angle')}, at least two are needed; give another file"
            )
    elif config.tilts:
        angles = np.array(config.tilts, dtype=np.float64)
    else:
        angles = np.arange(config.tilt_min, config.tilt_max + 1e-6, config.tilt_step)
    if len(angles) < 4 and config.split == "tilts":
        raise InputError(
            f"{counted(len(angles), 'tilt')} cannot be split into halves; give at least 4, or --split frames"
        )
    return torch.from_numpy(np.sort(angles)).float()
