"""What is known of one tomogram's tilts and CTF: flags, then metadata, then defaults; and where it is from."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from isonet.config import InputOptions
from isonet.config.deconv import LEAST_WITH_PHASE_PLATE, PLAUSIBLE, phase_plate
from isonet.config.inputs import DEFAULT_AMPLITUDE_CONTRAST, DEFAULT_CS, DEFAULT_TILTS, DEFAULT_VOLTAGE
from isonet.core.tilts.measured import Measured
from isonet.core.tilts.ranges import beyond_largest
from isonet.errors import InputError
from isonet.io.programs import metadata
from isonet.io.programs.tilt_series import TiltSeries
from isonet.steps.prepare.checks.tilt_angles import check_tilt_angles
from isonet.steps.prepare.lying import NOTHING_TOLD, Lying, Said, lying, of_second_axis
from isonet.steps.prepare.zero_tilt import at_zero_tilt

log = logging.getLogger("isonet")
_TILT_ORDER = (".xml", ".star", ".aln", ".com", ".edf", ".tlt", ".rawtlt", ".txt", ".tomostar", ".mdoc")
_SIGNED = ("defocus", "phase shift")
_SAME_END = 0.5  # degrees
_Told = tuple[TiltSeries, float]
_LISTS, _LISTED_IN = (".tlt", ".rawtlt"), (".com", ".edf")
_CTF_ORDER = (".xml", ".star", ".defocus", ".txt", ".mdoc")


@dataclass(frozen=True)
class Description:
    """Tilts, CTF and sampling of one tomogram.

    Attributes
    ----------
    tilt_range : tuple of float
        Smallest and largest tilt in degrees.
    tilts : tuple of float or None
        All tilts in degrees, in the order of their file; None where only the range is known.
    tilt_file : Path or None
        File from which they can be read again.
    defocus, voltage, cs, amplitude_contrast : float
        Å at zero tilt (0: unknown), kV, mm, fraction.
    phase_shift : float
        Degrees, 0 without a phase plate.
    pixel_size, image_pixel_size : float or None
        Å per voxel of the tomogram and per pixel of the images, where metadata say.
    hand : float or None
        RELION's rlnTomoHand.
    series : str or None
        Name of the tilt series, where a table gives one.
    series_star : Path or None
        RELION's file of the tilt series.
    lies : Lying
        How tilt axis and beam lie in the tomogram.
    """

    tilt_range: tuple[float, float] = DEFAULT_TILTS
    tilts: tuple[float, ...] | None = None
    tilt_file: Path | None = None
    defocus: float = 0.0
    voltage: float = DEFAULT_VOLTAGE
    cs: float = DEFAULT_CS
    amplitude_contrast: float = DEFAULT_AMPLITUDE_CONTRAST
    phase_shift: float = 0.0
    pixel_size: float | None = None
    image_pixel_size: float | None = None
    hand: float | None = None
    series: str | None = None
    series_star: Path | None = None
    lies: Lying = NOTHING_TOLD

    @property
    def measured(self) -> Measured:
        """All that was measured."""
        return self.lies.measured(self.tilts or self.tilt_range)


def describe(name: str, found: Sequence[TiltSeries], tilt_file: Path | None, config: InputOptions) -> Description:
    """Put together what is known of a tomogram, and say in one line what was taken from where.

    Parameters
    ----------
    name : str
        The tomogram, for messages.
    found : sequence of TiltSeries
        What belongs to it.
    tilt_file : Path or None
        File of its tilts, if asked for; wins over `found`.
    config : InputOptions
        Flags; those given win over all files but `tilt_file`.

    Raises
    ------
    InputError
        If the tilts of a file are all one, or do not go with a flag.
    """
    said: Said = []
    if tilt_file is not None:
        others = [replace(item, tilts=None, x_tilt=None, axes=1) for item in found]
        asked = metadata.read_tilts(tilt_file)
        given = TiltSeries(tilt_file, tilts=asked.tilts, tilt_file=tilt_file, x_tilt=asked.x_tilt)
        given = replace(given, views=asked.views, images=asked.images)
        found = [*others, replace(given, doubt=asked.doubt, axes=asked.axes)]
    own, source = _tilts(name, found)
    if source is not None and source.doubt and config.level_x is None:
        log.warning("%s: %s", name, source.doubt)
    limited = _limited(name, own, source, found, config, said)
    tilt_range, tilts, file = _levelled(name, limited, config.level_y, said)
    lies = lying(name, found, source, config, said)
    phases = [(item, phase) for item, phase in _values(found, "phase_shift") if phase_plate(phase)]

    def chosen(what: str, unit: str, flag: float | None, default: float, known: Sequence[_Told]) -> float:
        """Choose between flag, metadata and default."""
        value, origin = _choice(name, what, flag, default, known)
        low, high = PLAUSIBLE[what]
        low = min(low, LEAST_WITH_PHASE_PLATE) if what == "defocus" and phases else low
        if value and not low <= (abs(value) if what in _SIGNED else value) <= high:
            text = "%s: %s is %g, which is no number in %s; %g to %g is usual, correct it"
            log.warning(text, name, what, value, unit or "this unit", low, high)
        if origin:
            said.append((f"{what} {value:.6g} {unit}".strip(), origin))
        return value

    defoci = [] if config.defocus is not None else _defoci(name, found, source)
    defocus = chosen("defocus", "A", config.defocus, 0.0, defoci)
    voltage = chosen("voltage", "kV", config.voltage, DEFAULT_VOLTAGE, _values(found, "voltage", zero=False))
    cs = chosen("Cs", "mm", config.cs, DEFAULT_CS, _values(found, "cs"))
    contrasts = _values(found, "amplitude_contrast")
    contrast = chosen("amplitude contrast", "", config.amplitude_contrast, DEFAULT_AMPLITUDE_CONTRAST, contrasts)
    phase_shift = chosen("phase shift", "degrees", None, 0.0, phases)
    log.info("%s: %s", name, _grouped(said))
    star = next((item for item in found if _kind(item) == ".star" and item.names), None)
    return Description(
        tilt_range,
        tilts,
        file,
        defocus,
        voltage,
        cs,
        contrast,
        phase_shift,
        pixel_size=next((size for _, size in _values(found, "pixel_size")), None),
        image_pixel_size=next((size for _, size in _values(found, "image_pixel_size")), None),
        hand=None if star is None else star.hand,
        series=None if star is None else star.names[0],
        series_star=star.tilt_file if star is not None and star.tilt_file != star.source else None,
        lies=lies,
    )


def _limited(
    name: str,
    tilts: tuple[float, ...] | None,
    source: TiltSeries | None,
    found: Sequence[TiltSeries],
    config: InputOptions,
    said: Said,
) -> tuple[tuple[float, float], tuple[float, ...] | None, Path | None]:
    """Range of the tilts, their list and its file; of these only the range where a flag gives an end of it."""
    ranges = [] if tilts else [(item.tilt_range, item.source.name) for item in found if item.tilt_range is not None]
    (low, high), origin = ranges[0] if ranges else ((min(tilts), max(tilts)) if tilts else DEFAULT_TILTS, None)
    given = {"--tilt-min": config.tilt_min, "--tilt-max": config.tilt_max}
    flags = [flag for flag, value in given.items() if value is not None and config.tilt_file is None]
    if flags:
        low = low if config.tilt_min is None else config.tilt_min
        high = high if config.tilt_max is None else config.tilt_max
        if not low < high:
            raise InputError(f"{name}: tilts {low:g} to {high:g} degrees are no range; give --tilt-min and --tilt-max")
        said.append((f"tilts {low:g} to {high:g}", f"from {' and '.join(flags)}"))
        return (low, high), None, None
    if tilts is None or source is None:
        said.append((f"tilts {low:g} to {high:g}", "by default" if origin is None else f"from {origin}"))
        return (low, high), None, None
    for end, (flag, value) in zip((low, high), given.items(), strict=True):
        if value is not None and abs(value - end) > _SAME_END:
            text = "%s: %s %g is left aside, as %s has tilts from %g to %g; leave out one of the two"
            log.warning(text, name, flag, value, source.source, low, high)
    said.append((f"tilts {low:g} to {high:g} ({len(tilts)})", f"from {source.source.name}"))
    return (low, high), tilts, source.tilt_file


def _levelled(
    name: str,
    known: tuple[tuple[float, float], tuple[float, ...] | None, Path | None],
    level: float | None,
    said: Said,
) -> tuple[tuple[float, float], tuple[float, ...] | None, Path | None]:
    """Add to range and list the degrees by which the volume was turned about y; the file has others then."""
    (low, high), tilts, _ = known
    if not level:
        return known
    words = f"turned by {level:g} about y, which makes tilts of {low + level:g} to {high + level:g}"
    if beyond_largest((low + level, high + level)):
        raise InputError(f"{name}: {words}, beyond -90 to 90; give a smaller --level-y")
    said.append((words, "as given"))
    return (low + level, high + level), None if tilts is None else tuple(tilt + level for tilt in tilts), None


def _tilts(name: str, found: Sequence[TiltSeries]) -> tuple[tuple[float, ...] | None, TiltSeries | None]:
    """Tilts from the best of what was found, and that file."""
    second = of_second_axis(found)
    candidates = [item for item in found if item.tilts and item not in second]
    known = sorted(candidates, key=lambda item: (item.nominal, _rank(item, _TILT_ORDER)))
    if not known:
        return None, None
    best = known[0]
    tilts = best.tilts or ()
    check_tilt_angles(best.source, tilts)
    for other in known[1:]:
        if _kind(best) in _LISTED_IN and _kind(other) in _LISTS and best.source.parent == other.source.parent:
            continue  # which it adds its offset to
        ends = min(other.tilts or ()), max(other.tilts or ())
        difference = max(abs(ends[0] - min(tilts)), abs(ends[1] - max(tilts)))
        if difference > (5 if other.nominal else 1):
            log.warning(
                "%s: %s has tilts %g to %g, %s has %g to %g; taken from %s",
                name,
                best.source,
                min(tilts),
                max(tilts),
                other.source,
                *ends,
                best.source.name,
            )
    return tilts, best


def _defoci(name: str, found: Sequence[TiltSeries], source: TiltSeries | None) -> list[_Told]:
    """Defocus at zero tilt of all files that have one, measured before nominal; a doubt about the first is told."""
    known = sorted((item for item in found if item.defoci), key=lambda item: _rank(item, _CTF_ORDER))
    measured = [item for item in known if not item.nominal_defocus] or known
    second = of_second_axis(found)
    others = [item for item in found if item.tilts and item is not source and item not in second]
    lists = [] if source is None else [source, *sorted(others, key=lambda item: _rank(item, _TILT_ORDER))]
    told = [(item, *at_zero_tilt(item, lists)) for item in measured]
    if told and told[0][2]:
        log.warning("%s: %s", name, told[0][2])
    return [(item, value) for item, value, _ in told if value is not None]


def _values(found: Sequence[TiltSeries], field: str, *, zero: bool = True) -> list[_Told]:
    """A value of all files that have it; where it cannot be zero, those say nothing that say it is."""
    ordered = sorted(found, key=lambda item: _rank(item, _CTF_ORDER))
    return [(item, value) for item in ordered if (value := getattr(item, field)) is not None and (zero or value)]


def _rank(item: TiltSeries, order: Sequence[str]) -> int:
    kind = _kind(item)
    return order.index(kind) if kind in order else len(order)


def _kind(item: TiltSeries) -> str:
    """Ending of the name of the file that a record is from."""
    return Path(item.source.name.lower().removesuffix(".gz")).suffix


def _choice(
    name: str, what: str, flag: float | None, default: float, known: Sequence[_Told]
) -> tuple[float, str | None]:
    """Value from flag, metadata or default, and words for its origin, None of a default; conflicts are told."""
    if flag is not None:
        return flag, "as given"
    if not known:
        return default, None
    best, value = known[0]
    for other, differing in known[1:]:
        if abs(differing - value) > 0.05 * abs(value):
            log.warning(
                "%s: %s has %s %g, %s has %g; taken from %s",
                name,
                best.source,
                what,
                value,
                other.source,
                differing,
                best.source.name,
            )
    return value, f"from {best.source.name}"


def _grouped(said: Sequence[tuple[str, str]]) -> str:
    """Join values and where they are from, naming a source once for values that follow each other."""
    groups = groupby(said, key=itemgetter(1))
    return "; ".join(f"{', '.join(value for value, _ in values)} {origin}" for origin, values in groups)
