"""How tilt axis and beam lie in a tomogram, and a second axis: flags, then metadata; in words and in columns."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from isonet.config import InputOptions
from isonet.core.tilts.measured import Measured, positioned
from isonet.core.tilts.ranges import beyond_largest
from isonet.errors import InputError
from isonet.io.programs import metadata
from isonet.io.programs.tilt_series import SAME_TURN, TiltSeries
from isonet.project.orientation import ABOUT_X, ABOUT_Z, SECOND_AXIS
from isonet.steps.prepare.checks.tilt_angles import check_tilt_angles

log = logging.getLogger("isonet")
_QUARTER = 90.0
_STEEPEST = 60.0  # degrees about x, as the flags allow
Said = list[tuple[str, str]]


@dataclass(frozen=True)
class Second:
    """Tilts about a second axis.

    Attributes
    ----------
    tilts : tuple of float
        Range or list in degrees.
    tilt_file : Path or None
        File from which they can be read again.
    about_x, about_z : float
        Degrees by which the volume was turned, as :mod:`isonet.core.tilts.measured` draws it.
    """

    tilts: tuple[float, ...]
    tilt_file: Path | None
    about_x: float
    about_z: float


@dataclass(frozen=True)
class Lying:
    """How tilt axis and beam lie.

    Attributes
    ----------
    about_x, about_z : float
        Degrees by which the volume was turned before it was tilted about the first axis.
    second : Second or None
        The second axis, where there is one.
    """

    about_x: float = 0.0
    about_z: float = 0.0
    second: Second | None = None

    def measured(self, tilts: Sequence[float]) -> Measured:
        """All that was measured, with these tilts about the first axis."""
        sweeps = [positioned(tilts, self.about_x, self.about_z)]
        if self.second is not None:
            sweeps.append(positioned(self.second.tilts, self.second.about_x, self.second.about_z))
        return Measured(tuple(sweeps))

    @property
    def files(self) -> dict[str, Path]:
        """Files by column."""
        if self.second is None or self.second.tilt_file is None:
            return {}
        return {f"rlnTiltFile{SECOND_AXIS}": self.second.tilt_file}

    @property
    def values(self) -> dict[str, str]:
        """Values by column, none of an axis that lies as it usually does."""
        turns = {ABOUT_X: self.about_x, ABOUT_Z: self.about_z} if self.about_x or self.about_z else {}
        if self.second is not None:
            ends = zip(("Min", "Max"), (min(self.second.tilts), max(self.second.tilts)), strict=True)
            turns |= {f"rlnTilt{end}{SECOND_AXIS}": tilt for end, tilt in ends}
            turns |= {f"{ABOUT_X}{SECOND_AXIS}": self.second.about_x, f"{ABOUT_Z}{SECOND_AXIS}": self.second.about_z}
        return {column: f"{value:.6g}" for column, value in turns.items()}


NOTHING_TOLD = Lying()


def lying(name: str, found: Sequence[TiltSeries], source: TiltSeries | None, config: InputOptions, said: Said) -> Lying:
    """Put together how axis and beam lie, and add to what is said where it is from.

    Parameters
    ----------
    name : str
        The tomogram, for messages.
    found : sequence of TiltSeries
        What belongs to it.
    source : TiltSeries or None
        The file that its tilts are from, which counts first.
    config : InputOptions
        Flags, which count more.
    said : list
        Gets values with their origins.

    Raises
    ------
    InputError
        If the tilts about the second axis are no range, or a file turns a volume farther about x than a flag may.
    """
    first = [one for one in found if one not in of_second_axis(found)]
    about_x = _about_x(name, [*(one for one in first if one is source), *first], config, said)
    about_z = config.axis_turn or 0.0
    if config.axis_turn is not None:
        said.append((f"axis turned by {about_z:g} about z", "as given"))
    return Lying(about_x, about_z, _second(name, found, config, said))


def _about_x(name: str, told: Sequence[TiltSeries], config: InputOptions, said: Said) -> float:
    """Turn about x from its flag, else from the first file that tells it."""
    if config.level_x is not None:
        said.append((f"turned by {config.level_x:g} about x", "as given"))
        return config.level_x
    turns = [(one.source, one.x_tilt) for one in told if one.x_tilt is not None]
    if not turns:
        return 0.0
    path, turn = turns[0]
    if abs(turn) > _STEEPEST:
        raise InputError(f"{path}: turns {name} by {turn:g} degrees about x, beyond {_STEEPEST:g}; give --level-x")
    if turn:
        said.append((f"turned by {turn:.4g} about x", f"from {path.name}"))
    for other, differing in turns[1:]:
        if abs(differing - turn) > SAME_TURN:
            log.warning(
                "%s: %s turns it by %g about x, %s by %g; taken from %s, give --level-x if the other is right",
                *(name, path, turn, other, differing, path.name),
            )
    return turn


def of_second_axis(found: Sequence[TiltSeries]) -> list[TiltSeries]:
    """What is about the second of two axes, where there is something about the first."""
    return [item for item in found if item.axis == 2] if any(item.axis == 1 for item in found) else []


def _second(name: str, found: Sequence[TiltSeries], config: InputOptions, said: Said) -> Second | None:
    """The second axis, from flags or from a file of its own."""
    turn = _QUARTER if config.second_axis_turn is None else config.second_axis_turn
    level = config.second_level_y or 0.0
    told: TiltSeries | None = None
    if config.second_tilt_file is not None:
        told = metadata.read_tilts(config.second_tilt_file)
        tilts: tuple[float, ...] = told.tilts or ()
        origin, path = f"from {config.second_tilt_file.name}", config.second_tilt_file
    elif config.second_tilt_min is not None and config.second_tilt_max is not None:
        tilts, origin, path = (config.second_tilt_min, config.second_tilt_max), "as given", None
    else:
        own = [one for one in of_second_axis(found) if one.tilts]
        if not own:
            _refuse_flags_of_nothing(name, config)
            _warn_of_unknown(name, found)
            return None
        told = own[0]
        tilts, origin, path = told.tilts or (), f"from {told.source.name}", told.tilt_file
        if config.second_axis_turn is None:
            log.warning(
                "%s: two axes; that of %s is taken to run along x, and its tilts to have their sign there; give "
                "--second-axis-turn (-90 for the other sign) if it does not",
                *(name, told.source),
            )
    if told is not None:
        check_tilt_angles(told.source, tilts)
    elif not tilts[0] < tilts[1]:
        raise InputError(f"{name}: tilts about the second axis ({origin}) are no range; give --second-tilt-file")
    tilts = tuple(tilt + level for tilt in tilts)
    if beyond_largest(tilts):
        cause = f"--second-level-y {level:g}: makes" if level else f"second axis ({origin}):"
        raise InputError(f"{name}: {cause} tilts beyond -90 to 90 degrees; give others")
    said.append((f"tilts about a second axis {min(tilts):g} to {max(tilts):g}, turned by {turn:g} about z", origin))
    if path is not None and level:  # the file has other tilts
        tilts, path = (min(tilts), max(tilts)), None
    about_x = config.second_level_x
    if about_x is None and told is not None:
        about_x = told.x_tilt
        if told.doubt:
            log.warning("%s: second axis: %s", name, told.doubt)
        if about_x:
            said.append((f"turned by {about_x:.4g} about x before that", origin))
    return Second(tilts, path, about_x or 0.0, turn)


def _refuse_flags_of_nothing(name: str, config: InputOptions) -> None:
    """Refuse flags that say how a second axis lies where there is none."""
    flags = ("second_level_x", "second_level_y", "second_axis_turn")
    given = [f"--{flag.replace('_', '-')}" for flag in flags if getattr(config, flag) is not None]
    if given:
        raise InputError(
            f"{name}: no tilts about a second axis are known for {', '.join(given)}; give --second-tilt-file"
        )


def _warn_of_unknown(name: str, found: Sequence[TiltSeries]) -> None:
    """Say where a file tells of a second axis, but of no tilts about it."""
    double = next((item for item in found if item.axes > 1), None)
    if double is not None:
        log.warning(
            "%s: tilted about two axes (%s), and the tilts about the second are not known: the wedge of the first is "
            "taken; give --second-tilt-file, or --second-tilt-min and --second-tilt-max",
            name,
            double.source,
        )
