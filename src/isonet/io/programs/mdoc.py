"""SerialEM's `.mdoc`: one section per image, in the order of acquisition."""

import re
from pathlib import Path, PureWindowsPath

from isonet.errors import InputError
from isonet.io.programs.tilt_series import TiltSeries
from isonet.io.text import checked_angles, number, read_text

_MOVIE = "FrameSet"
_IMAGES = ("ZValue", _MOVIE)


def read_series(path: Path) -> TiltSeries:
    """Read nominal tilts, voltage, pixel size and target defocus.

    Sections are `[ZValue = n]` or, in the `.mdoc` of a single movie, `[FrameSet = n]`. Tilts are in the order of the
    sections. A title `[T = ...]` may go over several lines; lines that are no `key = value` are passed over. The
    defocus is `TargetDefocus` with its sign turned, in micrometres in the file; the readout of the lens (`Defocus`)
    has no fixed zero and is not used.

    Raises
    ------
    InputError
        If the file cannot be read, has no such section, or one has no tilt angle or a garbled value.
    """
    head, sections = _sections(path)
    if not sections:
        raise InputError(f"{path}: no [ZValue = n] section; give the .mdoc of a tilt series")
    tilts, defoci = [], []
    for title, values in sections:
        if "TiltAngle" not in values:
            raise InputError(f"{path}: [{title}] has no TiltAngle; copy the file again, it may be cut short")
        tilts.append(number(path, f"[{title}] TiltAngle", values["TiltAngle"]))
        if "TargetDefocus" in values:
            defoci.append(-1e4 * number(path, f"[{title}] TargetDefocus", values["TargetDefocus"]))
    first = {**sections[0][1], **head}
    known = {key: number(path, key, first[key]) for key in ("Voltage", "PixelSpacing") if key in first}
    image = PureWindowsPath(first.get("ImageFile", "")).name
    return TiltSeries(
        source=path,
        names=(image.rpartition(".")[0] or image,) if image else (),
        tilts=tuple(checked_angles(path, tilts).tolist()),
        nominal=True,
        tilt_file=path,
        defoci=tuple(defoci) if len(defoci) == len(tilts) and any(defoci) else (),
        defocus_tilts=tuple(tilts) if len(defoci) == len(tilts) else None,
        nominal_defocus=True,
        voltage=known.get("Voltage") or None,
        image_pixel_size=known.get("PixelSpacing") or None,
    )


def _sections(path: Path) -> tuple[dict[str, str], list[tuple[str, dict[str, str]]]]:
    """Entries before the first section, and title and entries of each image's section."""
    head: dict[str, str] = {}
    sections: list[tuple[str, dict[str, str]]] = []
    entries, in_title = head, False
    for text in read_text(path, odd_characters=True).split("\n"):
        if match := re.match(r"\s*\[\s*(\w+)\s*=\s*([^\]]*)", text):
            in_title = match[1] == "T" and "]" not in text
            if match[1] in _IMAGES:
                entries = {}
                sections.append((f"{match[1]} = {match[2].strip()[:20]}", entries))
            elif match[1] != "T":
                entries = {}  # of something else, such as a montage
        elif in_title:
            in_title = "]" not in text
        elif "=" in text:
            key, _, value = text.partition("=")
            entries[key.strip()] = value.strip()
    return head, sections
