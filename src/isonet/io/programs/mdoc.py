"""SerialEM's `.mdoc`: one section per image, whose ZValue is the number of the image in the stack."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PureWindowsPath

from isonet.errors import InputError
from isonet.io.programs.tilt_series import TiltSeries
from isonet.io.text import checked_angles, number, read_text

_MOVIE = "FrameSet"
_IMAGES = ("ZValue", _MOVIE)
_ROUNDING = 0.6


def read_series(path: Path) -> TiltSeries:
    """Read nominal tilts, voltage, pixel size and target defocus.

    Sections are `[ZValue = n]` or, in the `.mdoc` of a single movie, `[FrameSet = n]`. Tilts are in the order of the
    images: by ZValue, which counts them from 0; of the sections where two have one ZValue. A title `[T = ...]` may go
    over several lines; lines that are no `key = value` are passed over. The defocus is `TargetDefocus` with its sign
    turned, in micrometres in the file; the readout of the lens (`Defocus`) has no fixed zero and is not used.

    Raises
    ------
    InputError
        If the file cannot be read, has no such section, or one has no tilt angle or a garbled value.
    """
    head, sections = _sections(path)
    if not sections:
        raise InputError(f"{path}: no [ZValue = n] section; give the .mdoc of a tilt series")
    first = {**sections[0][1], **head}
    views = _views([title for title, _ in sections])
    if views is not None:
        sections = [sections[views.index(view)] for view in sorted(views)]
    tilts, defoci = [], []
    for title, values in sections:
        if "TiltAngle" not in values:
            raise InputError(f"{path}: [{title}] has no TiltAngle; copy the file again, it may be cut short")
        tilts.append(number(path, f"[{title}] TiltAngle", values["TiltAngle"]))
        if "TargetDefocus" in values:
            defoci.append(-1e4 * number(path, f"[{title}] TargetDefocus", values["TargetDefocus"]))
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
        views=None if views is None else tuple(sorted(views)),
        images=None if views is None else max(views) + 1,
        movie=[title.split()[0] for title, _ in sections] == [_MOVIE],
    )


def _views(titles: Sequence[str]) -> list[int] | None:
    """Images of a stack that sections are of, from 0; None where they have no number, or one that another has."""
    found = [re.fullmatch(r"ZValue = (\d{1,6})", title) for title in titles]
    views = [int(match[1]) for match in found if match is not None]
    return views if len(set(views)) == len(titles) else None


def gathered(movies: Sequence[TiltSeries]) -> tuple[list[TiltSeries], list[TiltSeries]]:
    """Put tilt series together from the `.mdoc` files of their movies.

    What stands before number and tilt in the names of movies, `TS_01` in `TS_01_003_-6.0.mrc.mdoc`, is the name of the
    series. Where names have no tilt, a folder of movies is a series.

    Parameters
    ----------
    movies : sequence of TiltSeries
        One for each movie.

    Returns
    -------
    series : list of TiltSeries
        One for each series, by rising tilt.
    lone : list of TiltSeries
        Movies that are of no series of two or more.
    """
    by_name: dict[tuple[Path, str], list[TiltSeries]] = {}
    for movie in movies:
        folder = movie.source.parent
        by_name.setdefault((folder, _series_of(movie) or folder.name), []).append(movie)
    series, lone = [], []
    for (folder, name), of_it in by_name.items():
        if len(of_it) < 2:
            lone += of_it
            continue
        ordered = sorted(of_it, key=lambda movie: movie.tilts or ())
        tilts = tuple(tilt for movie in ordered for tilt in movie.tilts or ())
        defoci = tuple(value for movie in ordered for value in movie.defoci)
        whole = replace(ordered[0], source=folder / f"{name}*.mdoc", names=(name,), tilts=tilts, tilt_file=None)
        complete = len(defoci) == len(tilts)
        known = (defoci, tilts) if complete else ((), None)
        series.append(replace(whole, defoci=known[0], defocus_tilts=known[1], movie=False))
    return series, lone


def _series_of(movie: TiltSeries) -> str | None:
    """Name of the tilt series that the name of a movie's file begins with; None where no tilt stands in it."""
    name, (tilt,) = movie.source.name, movie.tilts or (0.0,)
    numbers = [found for found in re.finditer(r"-?\d+(\.\d+)?", name) if _is_tilt(found[0], tilt)]
    if not numbers:
        return None
    written_out = [found for found in numbers if found[1] is not None]  # -6.0, and not the time of day behind it
    place = (written_out or numbers[::-1])[0].start()
    return re.sub(r"[_\- ]+\d+$", "", name[:place].rstrip("_-[( ")) or None


def _is_tilt(word: str, tilt: float) -> bool:
    """Tell whether a number in a name is a tilt, rounded, perhaps behind a hyphen."""
    return min(abs(float(word) - tilt), abs(float(word.lstrip("-")) - tilt)) < _ROUNDING


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
