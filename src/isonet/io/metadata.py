"""Tilt angles and alignments as other programs write them.

Angles are returned as the file gives them, in degrees and in the order of the images. All readers refuse what they
do not understand with an :class:`InputError` that names the file, the line or value, and the remedy.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from isonet.errors import InputError

Floats = npt.NDArray[np.float64]
_LARGEST_TEXT = 1 << 26


@dataclass(frozen=True)
class Alignment:
    """How recorded images are shifted and turned so that the tilt axis runs along y through their centre.

    A position `r` of a recorded image, (x, y), goes to `A (r - c) + d` from the centre of the aligned image.

    Attributes
    ----------
    matrices : numpy array
        `A`, shape `(tilts, 2, 2)`, acting on (x, y).
    shifts : numpy array
        `d` = (dx, dy), shape `(tilts, 2)`, in pixels of the recorded images or in Å: see `in_angstrom`.
    in_angstrom : bool
        True where shifts are in Å.
    centre : float
        Where `c` lies from pixel `n / 2` (counted from 0), in pixels: -0.5 in IMOD, 0 in Warp.
    tilts : numpy array or None
        Tilt angles in degrees for `u = x cos(a) + z sin(a)`; None where the file has none.
    used : numpy array of bool
        False for images that the alignment leaves out.
    """

    matrices: Floats
    shifts: Floats
    in_angstrom: bool
    centre: float
    tilts: Floats | None
    used: npt.NDArray[np.bool_]


def read_tilt_angles(path: Path) -> Floats:
    """Read tilt angles from a `.tlt` or `.rawtlt` file (one per line) or an AreTomo `.aln` file.

    Parameters
    ----------
    path : Path
        The file; `.aln` is told by its name, everything else is read as one angle per line.

    Returns
    -------
    numpy array
        Angles in degrees, shape `(tilts,)`, as the file gives them. AreTomo leaves dark images out of its list.

    Raises
    ------
    InputError
        If the file is missing, empty, binary or malformed, or an angle lies beyond -90 to 90 degrees.
    """
    path = Path(path)
    if path.suffix.lower() == ".aln":
        rows = _numbers(path, _aretomo_rows(path), 10, "SEC ROT GMAG TX TY SMEAN SFIT SCALE BASE TILT")
    else:
        rows = _numbers(path, _rows(path), 1, "one tilt angle in degrees per line")
    return _checked_angles(path, rows[:, -1])


def read_imod_xf(path: Path) -> Alignment:
    """Read the linear transforms of an IMOD `.xf` file (`a11 a12 a21 a22 dx dy`); it holds no angles.

    Raises
    ------
    InputError
        If the file is missing, empty, binary or malformed, or a transform cannot be inverted.
    """
    path = Path(path)
    rows = _numbers(path, _rows(path), 6, "a11 a12 a21 a22 dx dy")
    matrices = rows[:, :4].reshape(-1, 2, 2)
    singular = np.abs(np.linalg.det(matrices)) < 1e-3
    if singular.any():
        number = int(singular.argmax()) + 1
        raise InputError(f"{path}: transform {number} flattens the image (determinant 0); align it again")
    used = np.ones(len(rows), dtype=np.bool_)
    return Alignment(matrices, rows[:, 4:], in_angstrom=False, centre=-0.5, tilts=None, used=used)


def read_warp_alignment(path: Path) -> Alignment:
    """Read the rigid alignment of a Warp tilt-series XML (angles, axis angle, offsets in Å, images used).

    Angles are returned with the sign for which `u = x cos(a) + z sin(a)` holds: Warp's own, or its opposite where
    `AreAnglesInverted` is True. Levelling, magnification and local warping are left aside.

    Raises
    ------
    InputError
        If the file is missing, not XML, declares a document type, or lacks or garbles one of the lists.
    """
    path = Path(path)
    root = _xml(path)
    if root.tag != "TiltSeries":
        raise InputError(f"{path}: <{root.tag}> is not a Warp tilt series; give the XML that has <TiltSeries>")
    angles = _checked_angles(path, _xml_numbers(path, root, "Angles"))
    axis, x, y = (_xml_numbers(path, root, tag) for tag in ("AxisAngle", "AxisOffsetX", "AxisOffsetY"))
    used = np.array([_xml_bool(path, word) for word in _xml_words(path, root, "UseTilt")])
    for tag, values in (("AxisAngle", axis), ("AxisOffsetX", x), ("AxisOffsetY", y), ("UseTilt", used)):
        if len(values) != len(angles):
            raise InputError(f"{path}: {len(values)} values in <{tag}>, {len(angles)} in <Angles>; export it again")
    sign = -1 if _xml_bool(path, root.get("AreAnglesInverted", "False")) else 1
    cosine, sine = np.cos(np.deg2rad(axis)), np.sin(np.deg2rad(axis))
    matrices = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], axis=1)
    shifts = -np.einsum("tij,tj->ti", matrices, np.stack([x, y], axis=1))
    return Alignment(matrices, shifts, in_angstrom=True, centre=0.0, tilts=sign * angles, used=used)


def _text(path: Path) -> str:
    """Read a text file, refusing what is none."""
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= _LARGEST_TEXT else b"\0"
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; check the name") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the name and its permissions") from error
    if b"\0" in raw:
        raise InputError(f"{path}: not a text file; give the file that lists the tilts, not the images")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: not a text file (byte {error.start}); save it as plain text") from error
    if not text.strip():
        raise InputError(f"{path}: empty; export it again")
    return text


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Iterate over line number and words of the lines that hold something, without comments."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def _aretomo_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Iterate over the rows of the global alignment of an `.aln` file."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.startswith("#"):
            if "local alignment" in line.lower():
                return
        elif line.strip():
            yield number, line.split()


def _numbers(path: Path, rows: Iterator[tuple[int, list[str]]], columns: int, meaning: str) -> Floats:
    """Turn rows of words into a table of numbers with so many columns."""
    table = []
    for number, words in rows:
        if len(words) != columns:
            raise InputError(f"{path}: line {number} has {len(words)} columns, {columns} expected ({meaning})")
        table.append([_number(path, f"line {number}", word) for word in words])
    if not table:
        raise InputError(f"{path}: no values found; {meaning} expected")
    return np.array(table, dtype=np.float64)


def _number(path: Path, where: str, word: str) -> float:
    if not re.fullmatch(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?", word):
        raise InputError(f"{path}: {where}: {word[:40]!r} is not a number; correct it or export the file again")
    return float(word)


def _checked_angles(path: Path, angles: Floats) -> Floats:
    beyond = np.abs(angles) > 90
    if beyond.any():
        number = int(beyond.argmax())
        raise InputError(
            f"{path}: angle {number + 1} is {angles[number]:g} degrees, beyond -90 to 90; give tilt angles in degrees"
        )
    return angles


def _xml(path: Path) -> ElementTree.Element:
    """Parse XML without document types, so that no entity is ever expanded or fetched."""
    text = _text(path)
    if re.search(r"<!\s*(DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise InputError(f"{path}: declares a document type, which is not read; remove the <!DOCTYPE ...> part")
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: not valid XML ({error}); export it again") from error


def _xml_words(path: Path, root: ElementTree.Element, tag: str) -> list[str]:
    element = root.find(tag)
    words = (element.text or "").split() if element is not None else []
    if not words:
        raise InputError(f"{path}: no <{tag}>; give a tilt-series XML that Warp has aligned")
    return words


def _xml_numbers(path: Path, root: ElementTree.Element, tag: str) -> Floats:
    return np.array([_number(path, f"<{tag}>", word) for word in _xml_words(path, root, tag)], dtype=np.float64)


def _xml_bool(path: Path, word: str) -> bool:
    if word.lower() not in ("true", "false"):
        raise InputError(f"{path}: {word[:40]!r} where True or False was expected; export it again")
    return word.lower() == "true"
