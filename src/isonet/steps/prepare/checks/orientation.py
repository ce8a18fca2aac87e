"""Comparison of how the wedge lies in a tomogram's own power spectrum with what is said of axis and beam."""

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from isonet.core.sampling import edges_of, moved
from isonet.core.spikes import without_spikes
from isonet.core.tilts.fullness import GRID, Fullness, block_power, fullness
from isonet.core.tilts.measured import Measured
from isonet.core.tilts.orientation_estimate import OrientationEstimate, estimate_orientation, missing_energy
from isonet.core.tilts.two_axes import TwoAxesEstimate, estimate_two_axes
from isonet.core.tilts.wedge_spectrum import spread_blocks
from isonet.io.volume import Volume
from isonet.io.volume_files import title
from isonet.project.table import FULL_COLUMNS, HALF_COLUMNS, Tomogram
from isonet.steps.prepare.checks.faults import Taken, inform, refuse, warn
from isonet.steps.prepare.checks.two_axes import compare_two_axes, sentence_of_two, shows_two_axes
from isonet.steps.prepare.checks.wedge import check_wedge, warn_of_stack
from isonet.volumes.continued import data_box, open_continued
from isonet.volumes.products import is_withheld

log = logging.getLogger("isonet")
_BLOCKS = 4
TOLERANCE = 4.0
"""Degrees by which the axis may be turned otherwise than told; the spectrum tells it to 1."""
_ENDS = 5.0  # degrees by which a face may lie elsewhere


@dataclass(frozen=True)
class Shown:
    """What the spectrum of a tomogram shows.

    Attributes
    ----------
    estimate : OrientationEstimate
        How the wedge lies.
    missing_energy : float
        Share of the energy in the region called missing.
    seen : Fullness
        Of the coefficients of the mean power spectrum of a few blocks.
    two_axes : TwoAxesEstimate or None
        How the wedge lies where two axes are told.
    """

    estimate: OrientationEstimate
    missing_energy: float
    seen: Fullness
    two_axes: TwoAxesEstimate | None = None

    @property
    def clear(self) -> bool:
        """Whether the spectrum shows a wedge of as many axes as are told."""
        return self.estimate.clear if self.two_axes is None else self.two_axes.clear

    @property
    def numbers(self) -> dict[str, object]:
        """For the file beside the table; degrees are null where the spectrum shows no wedge.

        `level_y` is the middle between the faces: the turn about y of a series with as many tilts on either side. Of
        two axes that are told they are of the one nearer to y.
        """
        found, clear = self.estimate, self.clear
        about_x, about_z, ends = found.about_x, found.about_z, (found.tilt_min, found.tilt_max)
        if self.two_axes is not None:
            (about_x, about_z), ends = self.two_axes.turns[0], self.two_axes.measured.sweeps[0].ends
        faces = [round(end, 1) for end in ends]
        return {
            "level_x": round(about_x, 1) if clear else None,
            "level_y": round(sum(faces) / 2, 1) if clear else None,
            "axis_turn": round(about_z, 1) if clear else None,
            "faces": faces if clear else None,
            "missing_energy": round(self.missing_energy, 5),
        }

    def second_axis(self) -> TwoAxesEstimate | None:
        """How two axes lie where one is told and two explain the spectrum much better."""
        return shows_two_axes(self.seen, self.estimate)

    def differs(self, told: Measured) -> bool:
        """Whether the axis is clearly turned about x or z otherwise than told of one sweep."""
        if not self.estimate.clear or len(told.sweeps) > 1:
            return False
        about_x, about_z = told.sweeps[0].turns
        return max(abs(self.estimate.about_x - about_x), abs(self.estimate.about_z - about_z)) > TOLERANCE


NOTHING: dict[str, object] = dict.fromkeys(("level_x", "level_y", "axis_turn", "faces", "missing_energy"))
"""The numbers of a tomogram that shows nothing."""


def look(volume: Volume, told: Measured, *, turned: bool = False) -> Shown | None:
    """Look how the wedge of a tomogram lies; None where it is too small or too empty to show anything.

    Parameters
    ----------
    volume : Volume
        The tomogram; a few blocks of its data are read.
    told : Measured
        What is said to be measured.
    turned : bool
        Look at it as if it were turned by -90 degrees about x, as volumes of IMOD's tilt will be.
    """
    whole = data_box(volume)
    places = [moved(place, whole) for place in spread_blocks(edges_of(whole), _BLOCKS, longest=GRID)]
    blocks = [torch.from_numpy(without_spikes(volume.read(*place))).float() for place in places]
    if turned:
        blocks = [block.permute(1, 0, 2).flip(0) for block in blocks]
    return look_at(blocks, told)


def look_at(blocks: Sequence[Float[Tensor, "z y x"]], told: Measured) -> Shown | None:
    """Look how the wedge of some blocks together lies, as :func:`look` does."""
    powers = [power for power in map(block_power, blocks) if power is not None]
    if not powers:
        return None
    power: Float[Tensor, "z y kx"] = torch.stack(powers).mean(0)
    depth, height, width = blocks[0].shape
    energy = missing_energy(power, told, (depth, height, width))
    seen = fullness(power)
    two = estimate_two_axes(seen, told) if len(told.sweeps) > 1 else None
    return Shown(estimate_orientation(seen, told.sweeps[0].turns), energy, seen, two)


def lies_turned(volume: Volume, told: Measured) -> bool:
    """Tell whether a levelled tomogram lies as IMOD's tilt leaves volumes: its wedge shows only once it is turned."""
    turned = look(volume, told, turned=True)
    if turned is not None and turned.clear:
        return True
    warn_of_stack(volume.path, len(told.tilts))
    log.info("%s: its power spectrum does not tell how the wedge lies; taken as told", title(volume.path))
    return False


def compared(path: Path, shown: Shown | None, told: Measured, accepted: Taken) -> bool:
    """Compare a wedge that is clear with what is told; tell whether that was done.

    It is left to :func:`isonet.steps.prepare.checks.wedge.check_wedge` where it lies about y, as told, with other ends.

    Parameters
    ----------
    path : Path
        The tomogram, or the folder of sub-volumes, for messages.
    shown : Shown or None
        What it shows.
    told : Measured
        What is said to be measured.
    accepted : sequence of str or None
        Faults that are taken all the same, with a warning; None where nothing is refused.

    Raises
    ------
    InputError
        If the wedge is mirrored about an axis that lies as told, unless that is accepted.
    """
    if shown is None or not (shown.clear or shown.estimate.clear):
        return False
    if shown.two_axes is not None:
        compare_two_axes(path, shown.two_axes, shown.estimate, told)
        return True
    if told.at_home and not shown.differs(told):
        return _ends_agree(path, shown.estimate, told.sweeps[0].ends, accepted)
    compare_with_told(path, shown, told, accepted)
    return True


def warn_of_other_wedge(tomogram: Tomogram) -> None:
    """Warn where the spectrum shows another wedge than a table says, or none, which `prepare` may not have seen."""
    told = tomogram.measured
    if len(told.sweeps) > 1:
        return
    named = (tomogram.file(name) for name in (*FULL_COLUMNS, *HALF_COLUMNS) if tomogram.text(name) is not None)
    path = next((path for path in named if path.exists()), None)
    if path is None:
        return
    volume = open_continued(path)
    if is_withheld(volume):  # to the ends that the table says
        return
    shown = look(volume, told)
    if shown is not None and shown.clear:
        compare_with_told(path, shown, told, None)
    elif told.at_home:
        check_wedge(volume, told.tilts, None, None if shown is None else shown.second_axis)


def _ends_agree(path: Path, found: OrientationEstimate, ends: tuple[float, float], accepted: Taken) -> bool:
    """Tell whether the ends of a wedge about y are those told, and say so."""
    if ends_differ(found, ends):
        return False
    seen = f"{found.tilt_min:.0f} to {found.tilt_max:.0f} degrees"
    inform(f"{title(path)}: wedge measured from {seen} in its power spectrum, as told", accepted)
    return True


def ends_differ(found: OrientationEstimate, ends: tuple[float, float]) -> bool:
    """Tell whether a face of the wedge lies elsewhere than told."""
    return max(abs(found.tilt_min - ends[0]), abs(found.tilt_max - ends[1])) > _ENDS


def compare_with_told(path: Path, shown: Shown, told: Measured, accepted: Taken) -> None:
    """Say how the wedge lies; a warning, or an error where it is mirrored, has the flags that mend it."""
    found, (about_x, about_z), ends = shown.estimate, told.sweeps[0].turns, told.sweeps[0].ends
    seen = f"tilts of {found.tilt_min:.0f} to {found.tilt_max:.0f} degrees about an axis that is {_words(found)}"
    turned = shown.differs(told)
    two = shown.second_axis() if turned else None
    if two is not None:
        warn(f"{path}: {sentence_of_two(two)}", accepted)
        return
    shifted = ends_differ(found, ends)
    if not turned and not shifted:
        inform(f"{title(path)}: its power spectrum shows {seen}, as told", accepted)
        return
    mirrored = max(abs(found.tilt_min + ends[1]), abs(found.tilt_max + ends[0])) <= _ENDS and shifted
    flags = [f"--level-x {round(found.about_x)}"] if turned or about_x else []
    flags += [f"--axis-turn {round(found.about_z)}"] if abs(found.about_z - about_z) > TOLERANCE or about_z else []
    flags += [f"--tilt-min {found.tilt_min:.0f} --tilt-max {found.tilt_max:.0f}"] if shifted else []
    text = (
        f"{path}: {'the wedge is mirrored: ' if mirrored else ''}its power spectrum shows {seen}, told were "
        f"{ends[0]:g} to {ends[1]:g} degrees, turned by {about_x:g} about x and {about_z:g} about z; give "
        f"{' '.join(flags)} if that is right"
    )
    if mirrored and not turned:
        refuse("mirrored", text, accepted)
    else:
        warn(text, accepted)


def _words(found: OrientationEstimate) -> str:
    turns = [(found.about_x, "x"), (found.about_z, "z")]
    told = [f"turned by {turn:.0f} about {axis}" for turn, axis in turns if math.fabs(turn) >= TOLERANCE / 2]
    return " and ".join(told) or "y"
