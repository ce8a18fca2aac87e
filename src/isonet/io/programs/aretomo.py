"""Files of AreTomo, and CTF tables of CTFFIND: `.aln`, `_CTF.txt`, `_TLT.txt`, `TiltSeries_Metrics.csv`."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs.angle_lists import first_column
from isonet.io.programs.tilt_series import NO_DOUBT, Doubt, TiltSeries, median_phase_shift
from isonet.io.text import checked_angles, counted, number, read_text, rows, table


def read_alignment(path: Path) -> TiltSeries:
    """Read the tilts of an `.aln` file: last column of the global alignment, which leaves dark images out.

    Raises
    ------
    InputError
        If the file is missing, empty, binary or malformed.
    """
    text = read_text(path)
    values = table(path, _global_rows(text), 10, "SEC ROT GMAG TX TY SMEAN SFIT SCALE BASE TILT")
    dark = [int(number) for number in re.findall(r"^\s*#\s*DarkFrame\s*=\s*(\d+)", text, re.MULTILINE)]
    views, images = _views(values[:, 0].astype(int).tolist(), dark)
    tilts = tuple(checked_angles(path, values[:, 9]).tolist())
    return TiltSeries(path, tilts=tilts, tilt_file=path, views=views, images=images, doubt=_doubt(path, text))


def _doubt(path: Path, text: str) -> Doubt:
    """Say that a turn about x is not taken over; the offset about y, alpha, is in the tilts already."""
    match = re.search(r"^\s*#\s*BetaOffset\s*=\s*(\S+)", text, re.MULTILINE | re.IGNORECASE)
    beta = 0.0 if match is None else number(path, "BetaOffset", match[1])
    if not beta:
        return NO_DOUBT
    return Doubt(
        f"{path}: BetaOffset is {beta:g}, whose sign and axis are not documented, and it is left aside; compare with "
        "what the power spectrum shows, and give --level-x"
    )


def _views(sections: list[int], dark: list[int]) -> tuple[tuple[int, ...] | None, int | None]:
    """Images from 0 that rows are of, and how many there are, where SEC and dark images count all images of a stack.

    Some versions count from 0, some from 1, and some without the dark images: those tell nothing.
    """
    every = sorted(sections + dark)
    if every != list(range(every[0], every[0] + len(every))) or every[0] not in (0, 1):
        return None, None
    return tuple(section - every[0] for section in sections), len(every)


def read_tilt_list(path: Path) -> TiltSeries:
    """Read nominal tilts from a `_TLT.txt` file: the first column, before order of acquisition and dose.

    Raises
    ------
    InputError
        If the file is malformed.
    """
    values = first_column(path, "tilt, order of acquisition, dose")
    return TiltSeries(path, tilts=tuple(checked_angles(path, values).tolist()), nominal=True, tilt_file=path)


def read_ctf_table(path: Path) -> TiltSeries:
    """Read a CTF table of AreTomo or CTFFIND 4 or 5.

    The first seven columns are: image, defocus 1 and 2 in Å, azimuth, phase shift in radians, score, resolution.
    Rows are taken in the order of the images, where each has a number of its own; tables of single images that were
    joined have not.
    AreTomo 3 adds the defocus handedness, CTFFIND 5 the tilt and the thickness; a header that lists the columns tells
    how many.
    CTFFIND's header also holds voltage, Cs, amplitude contrast and pixel size.

    Raises
    ------
    InputError
        If the file is malformed.
    """
    text = read_text(path, odd_characters=True)
    lines = list(rows(text))
    header = [line for line in text.splitlines() if line.startswith("#") and "Columns:" in line]
    told = len(re.findall(r"#\s*\d+", header[0])) if header else 0
    columns = max(7, told or (len(lines[0][1]) if lines else 7))
    lines = [(line, words[:3] + [_finite(word) for word in words[3:]]) for line, words in lines]
    values = table(path, lines, columns, "image, defocus 1, defocus 2, azimuth, phase shift, score, resolution")
    numbers = values[:, 0]
    numbered = len(np.unique(numbers)) == len(numbers) and bool((numbers >= 0).all() and (numbers % 1 == 0).all())
    if numbered:
        values = values[np.argsort(numbers)]
        numbers = values[:, 0] - min(1, values[0, 0])
    return TiltSeries(
        path,
        defoci=tuple(values[:, 1:3].mean(axis=1).tolist()),
        defocus_images=tuple(map(int, numbers)) if numbered else None,
        phase_shift=median_phase_shift(np.rad2deg(values[:, 4])),
        voltage=_told(path, text, "acceleration voltage"),
        cs=_told(path, text, "spherical aberration"),
        amplitude_contrast=_told(path, text, "amplitude contrast"),
        image_pixel_size=_told(path, text, "pixel size") or None,
    )


def read_metrics(path: Path) -> list[TiltSeries]:
    """Read `TiltSeries_Metrics.csv`: pixel size of the images of each tilt series.

    Raises
    ------
    InputError
        If the file is malformed.
    """
    try:
        lines = list(csv.reader(read_text(path).splitlines()))
    except csv.Error as error:  # more than 131072 characters between two commas
        raise InputError(f"{path}: not a table of AreTomo ({error}); export it again") from error
    titles = [title.strip() for title in lines[0]] if lines else []
    if "Tilt_Series" not in titles or "Pix_Size(A)" not in titles:
        raise InputError(f"{path}: no columns Tilt_Series and Pix_Size(A), with commas; give AreTomo's own table")
    found = []
    for line, words in enumerate(lines[1:], start=2):
        if not any(word.strip() for word in words):
            continue
        if len(words) != len(titles):
            raise InputError(
                f"{path}: line {line} has {counted(len(words), 'column')}, {len(titles)} expected by its first line; "
                "copy it again"
            )
        row = dict(zip(titles, (word.strip() for word in words), strict=True))
        size = number(path, f"line {line}: Pix_Size(A)", row["Pix_Size(A)"])
        found.append(TiltSeries(path, names=(Path(row["Tilt_Series"]).stem,), image_pixel_size=size or None))
    if not found:
        raise InputError(f"{path}: lists no tilt series; export it again")
    return found


def _finite(word: str) -> str:
    """Return a word, or 0 for the `inf` and `nan` that CTFFIND writes behind the defocus of images without rings."""
    return "0" if word.lower().lstrip("+-") in ("inf", "nan") else word


def _told(path: Path, text: str, words: str) -> float | None:
    """Return the number behind some words of the header."""
    match = re.search(rf"^#.*?{words}\s*:\s*(\S+)", text, re.IGNORECASE | re.MULTILINE)
    return None if match is None else number(path, words, match[1].rstrip(";,"))


def _global_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the rows of the global alignment."""
    for line, content in enumerate(text.splitlines(), start=1):
        if content.lstrip().startswith("#"):
            if "local alignment" in content.lower():
                return
        elif content.strip():
            yield line, content.split()
