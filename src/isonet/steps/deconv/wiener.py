"""The filter of one tomogram: options, columns of the table and defaults, and how it is written down."""

import logging
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from isonet.config import DeconvConfig
from isonet.config.deconv import CORRECTED, FOR_CORRECTED, IN_TABLE, PLAUSIBLE, phase_plate
from isonet.core.filters.ctf import Optics, WienerFilter
from isonet.errors import InputError
from isonet.io.volume import Volume
from isonet.project.table import Tomogram
from isonet.volumes.pixel_size import DEFAULT_SIZE, pixel_size
from isonet.volumes.products import OPTICS, SETTING, labels_of

log = logging.getLogger("isonet")
_SMALLEST_DEFOCUS = 100.0  # Å: less is a value in micrometres
_LARGEST_DEFOCUS = 1_000_000.0  # Å: more is a value in Å that was taken for another unit
_UNUSUAL_DEFOCUS = 8_000.0  # Å: less may be a value in nanometres


def value(tomogram: Tomogram, config: DeconvConfig, option: str) -> float:
    """Return an option of one tomogram: the flag, else its column within the flag's bounds, else the default.

    Raises
    ------
    InputError
        If the column holds no number, or one that the flag could not be.
    """
    column, default = IN_TABLE[option]
    flag = getattr(config, option)
    if flag is None and config.input_column == CORRECTED and option in FOR_CORRECTED:
        return FOR_CORRECTED[option]
    in_table = tomogram.number(column)
    if flag is None and in_table is not None:
        try:
            DeconvConfig(**{option: in_table})
        except ValidationError as error:
            where = f"{tomogram.table}: {column} of tomogram {tomogram.index} is {in_table:g}"
            raise InputError(f"{where}; {error.errors()[0]['msg']}") from error
    found = float(next(known for known in (flag, in_table, default) if known is not None))
    return phase_plate(found) if option == "phase_shift" else found


def wiener_of(tomogram: Tomogram, volume: Volume, config: DeconvConfig) -> WienerFilter:
    """Filter of one tomogram, whose volume tells the pixel size where the table does not.

    Raises
    ------
    InputError
        If its defocus or pixel size is not known, or a value cannot be used.
    """
    size = pixel_size(tomogram, volume)
    if not size > 0:
        raise InputError(f"{tomogram.table}: tomogram {tomogram.index} has no pixel size; fill rlnPixelSize (A)")
    return WienerFilter(
        Optics(
            _defocus(tomogram, config),
            value(tomogram, config, "voltage"),
            value(tomogram, config, "cs"),
            value(tomogram, config, "amplitude_contrast"),
        ),
        size,
        value(tomogram, config, "snr_falloff"),
        value(tomogram, config, "deconv_strength"),
        config.highpass_nyquist,
        config.phase_flipped,
    )


def _defocus(tomogram: Tomogram, config: DeconvConfig) -> float:
    """Defocus in Å; refuse what is unknown or in another unit."""
    defocus = value(tomogram, config, "defocus")
    where = f"{tomogram.table}: tomogram {tomogram.index} ({tomogram.name})"
    if defocus == 0:
        raise InputError(
            f"{where} has no defocus; fill rlnDefocus or give --defocus (A, positive is underfocus); for a phase "
            "plate fill rlnPhaseShift or give --phase-shift"
        )
    if not _SMALLEST_DEFOCUS <= abs(defocus) <= _LARGEST_DEFOCUS:
        raise InputError(f"{where} has a defocus of {defocus:g} A; give it in A (4 micrometres are 40000)")
    return defocus


def warn_of_doubtful(tomogram: Tomogram, wiener: WienerFilter) -> None:
    """Warn of values that may be a default, or in another unit, or of the other sign."""
    if wiener.pixel_size == DEFAULT_SIZE:
        log.warning(
            "%s: tomogram %s has 1 A/voxel, which is a default of headers; fill rlnPixelSize",
            tomogram.table,
            tomogram.index,
        )
    defocus = wiener.optics.defocus
    where = f"{tomogram.table}: tomogram {tomogram.index} ({tomogram.name})"
    if abs(defocus) < _UNUSUAL_DEFOCUS:
        log.warning(
            "%s has a defocus of %g A, which is little for a tomogram; if it is in nanometres, give ten times as much",
            *(where, defocus),
        )
    if defocus < 0:
        log.warning("%s has a defocus of %g A, which is overfocus; underfocus is positive", where, defocus)
    optics = wiener.optics
    constants = ("voltage", optics.voltage, "kV"), ("Cs", optics.cs, "mm")
    for what, number, unit in (*constants, ("amplitude contrast", optics.amplitude_contrast, "fractions of 1")):
        low, high = PLAUSIBLE[what]
        if number and not low <= number <= high:
            text = "%s: %s is %g, which is no number in %s; %g to %g is usual, correct it"
            log.warning(text, where, what, number, unit, low, high)


def optics_in(tomogram: Tomogram, volume: Volume) -> Optics | None:
    """Contrast transfer that a volume of a tomogram has: None where its defocus is not known, or what it took is back.

    Raises
    ------
    InputError
        As of :func:`wiener_of`.
    """
    table = DeconvConfig()
    defocus, phase = (value(tomogram, table, option) for option in ("defocus", "phase_shift"))
    if was_deconvolved(volume.path) or (defocus == 0 and phase == 0):
        return None
    if defocus == 0:
        return Optics(0.0, phase_shift=phase)
    wiener = wiener_of(tomogram, volume, table)
    warn_of_doubtful(tomogram, wiener)
    return replace(wiener.optics, phase_shift=phase)


def columns_of(wiener: WienerFilter) -> dict[str, str]:
    """Values used, by column of the table."""
    optics = wiener.optics
    numbers = {
        "defocus": optics.defocus,
        "voltage": optics.voltage,
        "cs": optics.cs,
        "amplitude_contrast": optics.amplitude_contrast,
        "snr_falloff": wiener.snr_falloff,
        "deconv_strength": wiener.strength,
    }
    return {IN_TABLE[option][0]: f"{number:.8g}" for option, number in numbers.items()}


def setting_labels(wiener: WienerFilter) -> tuple[str, str]:
    """Labels of a deconvolved volume that tell how and for which microscope."""
    optics, phases = wiener.optics, ", phases flipped" if wiener.phase_flipped else ""
    return (
        f"{SETTING}defocus {optics.defocus:g} A, falloff {wiener.snr_falloff:g}, strength {wiener.strength:g}{phases}",
        f"{OPTICS}{optics.voltage:g} kV, Cs {optics.cs:g} mm, amplitude contrast {optics.amplitude_contrast:g}, "
        f"{wiener.pixel_size:g} A/voxel",
    )


def was_deconvolved(path: Path) -> bool:
    """Tell whether a volume, or what it was made of, was deconvolved by this program."""
    return any(label.startswith("isonet deconv") for label in labels_of(path))
