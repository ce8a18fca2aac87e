"""What a line that names the columns of a list of points says: where x, y, z stand, their unit, and what is beside."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from isonet.io.programs.particles.separated import separator_of, split
from isonet.io.programs.particles.stated_units import UNITS, unit_of

_PREFERRED = ("A", "nm", "um", "voxel", "")
_PLACE = r"(?:rln)?(?:pos(?:ition)?s?|coord(?:inate)?s?|loc(?:ation)?s?|cent(?:er|re)s?|points?)?"
_ANY_UNIT = "|".join(f"(?:{pattern})" for pattern in UNITS.values())
_COLUMN = re.compile(
    rf"{_PLACE}[ _.\-]*(?P<axis>[xyz])[ _.\-]*{_PLACE}[ _.\-/]*[\[(]?(?:in )?"
    rf"(?P<unit>{_ANY_UNIT})?[\])]?",
    re.IGNORECASE,
)
_NAPARI = re.compile(r"axis-(?P<number>\d)", re.IGNORECASE)
_COPICK = ({"experiment", "particle_type"}, {"run_name", "transform_00"})
_NAMES = re.compile(
    r"(?:rln)?(?:tomo|tomogram|micrograph|experiment|run|(?:tilt[ _]?)?series|volume|file)[ _]?(?:name|id|file|path)?",
    re.IGNORECASE,
)
_SIZES = re.compile(
    rf"(?:tomo(?:gram)?[ _]?)?(?:(?:pixel|voxel|px)[ _]?(?:size|spacing)|angpix|apix)[ _]?[\[(]?"
    rf"(?P<unit>(?:{UNITS['A']})|(?:{UNITS['nm']}))?[\])]?",
    re.IGNORECASE,
)
_UNIT_COLUMNS = re.compile(r"(?:(?:coord(?:inate)?s?|pos(?:ition)?)[ _]?)?units?", re.IGNORECASE)
_BINNING_COLUMNS = re.compile(r"bin(?:ning|ned)?(?:[ _]?(?:factor|level))?", re.IGNORECASE)
_SHIFT = r"(?:refined[ _.\-]*)?(?:shift|offset|off|origin|translation|delta)s?"
_SHIFTS = re.compile(
    rf"(?:rln)?(?:{_SHIFT}[ _.\-]*[xyz]|[xyz][ _.\-]*{_SHIFT})(?:[ _.\-/]*[\[(]?(?:{_ANY_UNIT})[\])]?)?|"
    r"transform_[012]3",
    re.IGNORECASE,
)
_OTHER = {"name": _NAMES, "size": _SIZES, "unit": _UNIT_COLUMNS, "binning": _BINNING_COLUMNS}


@dataclass(frozen=True)
class Columns:
    """Which columns hold what; three of x, y, z where no line names them.

    Attributes
    ----------
    count : int
        Number of columns.
    axes : tuple of int
        Columns of x, y, z.
    unit : str
        `A`, `nm`, `um`, `voxel`, or nothing where their names do not say.
    separator : str or None
        What separates columns; None for blanks.
    others : dict of str to int
        Columns of the `name` of the tomogram, the `size` of a voxel, the `unit` of the numbers and their `binning`.
    size_unit : str
        Unit of the size: `A` or `nm`.
    stack : dict of str to int
        Columns of axes of napari before z, by name, which tell one volume of a stack from another.
    shifts : dict of str to int
        Columns of shifts, by name, which are not applied.
    copick : bool
        Whether columns are those of copick, or of the CZII challenge, whose places are in Å.
    """

    count: int = 3
    axes: tuple[int, ...] = (0, 1, 2)
    unit: str = ""
    separator: str | None = None
    others: dict[str, int] = field(default_factory=dict)
    size_unit: str = "A"
    stack: dict[str, int] = field(default_factory=dict)
    shifts: dict[str, int] = field(default_factory=dict)
    copick: bool = False

    @property
    def order(self) -> str:
        """Order in which x, y, z stand: `xyz` or another."""
        return "".join(sorted("xyz", key=dict(zip("xyz", self.axes, strict=True)).__getitem__))


def columns_named(line: str) -> Columns | None:
    """Read the names of columns, perhaps in a comment; None where the line names no x, y and z."""
    separator = separator_of(line)
    words = split(line.strip().lstrip("#% "), separator)
    if separator is None:
        commented = line.lstrip()[0] in "#%"  # such as `# z y x in nm`
        words = words[:3] if commented else split(line.partition(" #")[0], None)
    found, stack = _axes(words), {}
    if not found and len(axes := _of_napari(words)) > 2:
        *before, z, y, x = sorted(axes)
        found, stack = {"": {"x": axes[x], "y": axes[y], "z": axes[z]}}, {words[axes[one]]: axes[one] for one in before}
    complete = [unit for unit in _PREFERRED if len(found.get(unit, {})) == 3]
    if not complete:
        return None
    named = {
        what: [(position, match) for position, word in enumerate(words) if (match := pattern.fullmatch(word))]
        for what, pattern in _OTHER.items()
    }
    others = {what: places[0][0] for what, places in named.items() if places}
    return Columns(
        len(words),
        tuple(found[complete[0]][axis] for axis in "xyz"),
        complete[0],
        separator,
        others,
        (unit_of(named["size"][0][1]["unit"]) if "size" in others else "") or "A",
        stack,
        {word: position for position, word in enumerate(words) if _SHIFTS.fullmatch(word)},
        any(names <= set(map(str.lower, words)) for names in _COPICK),
    )


def beside_names(line: str, columns: Columns) -> list[str]:
    """What the line that names the columns states of their unit beside that."""
    if columns.separator is not None:
        return []
    text, _, comment = line.strip().lstrip("#% ").partition("#")
    return [f"{text} {comment}" if line.lstrip()[0] in "#%" else f"x y z {comment}"]


def _axes(words: Sequence[str]) -> dict[str, dict[str, int]]:
    """Columns that are called x, y, z, by the unit that their names say."""
    found: dict[str, dict[str, int]] = {}
    for position, word in enumerate(words):
        if match := _COLUMN.fullmatch(word):
            found.setdefault(unit_of(match["unit"]), {}).setdefault(match["axis"].lower(), position)
    return found


def _of_napari(words: Iterable[str]) -> dict[int, int]:
    """Columns of napari's axes by their number, of which the last three are z, y, x."""
    return {int(match["number"]): position for position, word in enumerate(words) if (match := _NAPARI.fullmatch(word))}
