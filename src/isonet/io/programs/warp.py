"""Tilt-series files of Warp: angles, alignment, CTF.

At an image's angle A Warp sees a position of the levelled tomogram at `u = x cos(A + L) - z sin(A + L)`, L being
`LevelAngleY`; the tilt for which `u = x cos(a) + z sin(a)` holds is `a = -(A + L)`. The attribute `AreAnglesInverted`
is about the sign of the defocus across an image, not about where things are seen, and changes no angle.
"""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from isonet.errors import InputError
from isonet.io import star
from isonet.io.programs.tilt_series import Alignment, TiltSeries, median_phase_shift
from isonet.io.text import Floats, checked_angles, counted, number, xml


def read_alignment(path: Path) -> Alignment:
    """Read the rigid alignment of a tilt series (angles, axis angle, offsets in Å, images used).

    Angles are returned with the sign for which `u = x cos(a) + z sin(a)` holds. Magnification and local warping are
    left aside.

    Raises
    ------
    InputError
        If the file is missing, not XML, declares a document type, or lacks or garbles one of the lists.
    """
    path = Path(path)
    root = _root(path)
    angles, used = _angles(path, root)
    axis, x, y = (_numbers(path, root, tag) for tag in ("AxisAngle", "AxisOffsetX", "AxisOffsetY"))
    for tag, values in (("AxisAngle", axis), ("AxisOffsetX", x), ("AxisOffsetY", y)):
        _check_count(path, tag, len(values), len(angles))
    cosine, sine = np.cos(np.deg2rad(axis)), np.sin(np.deg2rad(axis))
    matrices = np.stack([np.stack([cosine, sine], -1), np.stack([-sine, cosine], -1)], axis=1)
    shifts = -np.einsum("tij,tj->ti", matrices, np.stack([x, y], axis=1))
    return Alignment(
        matrices, shifts, in_angstrom=True, centre=0.0, tilts=angles, used=used, x_tilt=_level(path, root, "X")
    )


def read_series(path: Path) -> TiltSeries:
    """Read angles of the images used (with the sign of :func:`read_alignment`) and the CTF.

    Defocus is from `<GridCTF>` where it has a value per image (the mean of those at one image), else from `<CTF>`;
    Warp writes micrometres, and 0 or its default of 1 in both before the CTF is fitted. The phase shift, in
    units of pi, is from `<GridCTFPhase>` where that is not 0, else from `<CTF>`.

    Raises
    ------
    InputError
        As :func:`read_alignment`; also if the CTF is garbled.
    """
    root = _root(path)
    angles, used = _angles(path, root)
    said = [(item.get("Name", ""), item.get("Value", "")) for item in root.iterfind("CTF/Param")]
    names = dict(said)
    if len(names) < len(set(said)):
        raise InputError(f"{path}: <CTF> says different things under one name; export it again")
    ctf = {
        name: number(path, f"<CTF> {name}", names[name])
        for name in ("Defocus", "Voltage", "Cs", "Amplitude", "PixelSize", "PhaseShift")
        if name in names
    }
    defoci = _grid(path, root, "GridCTF", len(angles))
    fitted = defoci is not None and bool(np.any(defoci))
    defocus_tilts = None
    if defoci is not None and fitted and len(defoci) == len(angles):
        defoci, defocus_tilts = defoci[used], tuple(angles[used].tolist())
    elif not fitted and defoci is None and ctf.get("Defocus"):
        defoci, fitted = np.array([ctf["Defocus"]]), True
    phases = _grid(path, root, "GridCTFPhase", len(angles))
    if phases is None or not np.any(phases):
        phases = np.array([ctf.get("PhaseShift", 0.0)])
    elif len(phases) == len(angles):
        phases = phases[used]
    size = ctf.get("PixelSize")
    return TiltSeries(
        source=path,
        tilts=tuple(angles[used].tolist()),
        tilt_file=path,
        views=tuple(np.flatnonzero(used).tolist()),
        images=len(used),
        x_tilt=_level(path, root, "X"),
        defoci=tuple((1e4 * defoci).tolist()) if defoci is not None and fitted else (),
        defocus_tilts=defocus_tilts,
        phase_shift=median_phase_shift(180 * phases),
        voltage=ctf.get("Voltage"),
        cs=ctf.get("Cs"),
        amplitude_contrast=ctf.get("Amplitude"),
        image_pixel_size=size if size not in (None, 0.0, 1.0) else None,
    )


def read_tomostar(path: Path) -> TiltSeries:
    """Read the nominal tilts of a `.tomostar` file, in the order of its rows; its angles are Warp's.

    Raises
    ------
    InputError
        If the file is no STAR file, has no column wrpAngleTilt, or a value is garbled.
    """
    rows = star.read_table(path, needs=("wrpAngleTilt",))
    angles = [
        0.0 - number(path, f"row {line}: wrpAngleTilt", row["wrpAngleTilt"]) for line, row in enumerate(rows, start=1)
    ]
    return TiltSeries(path, tilts=tuple(checked_angles(path, angles).tolist()), nominal=True, tilt_file=path)


def _root(path: Path) -> ElementTree.Element:
    root = xml(path)
    if root.tag != "TiltSeries":
        raise InputError(f"{path}: <{root.tag[:40]}> is not a Warp tilt series; give the XML that has <TiltSeries>")
    return root


def _angles(path: Path, root: ElementTree.Element) -> tuple[Floats, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """Angles with our sign, and which images are used."""
    angles = checked_angles(path, 0.0 - _numbers(path, root, "Angles") - _level(path, root, "Y"))
    used = np.ones(len(angles), dtype=np.bool_)
    if root.find("UseTilt") is not None:
        used = np.array([_boolean(path, word) for word in _words(path, root, "UseTilt")])
    _check_count(path, "UseTilt", len(used), len(angles))
    if not used.any():
        raise InputError(f"{path}: <UseTilt> leaves out all images; select some in Warp")
    return angles, used


def _level(path: Path, root: ElementTree.Element, axis: str) -> float:
    """Degrees by which the tomogram was levelled about an axis."""
    return number(path, f"LevelAngle{axis}", root.get(f"LevelAngle{axis}") or "0")


def _grid(path: Path, root: ElementTree.Element, tag: str, count: int) -> Floats | None:
    """Values of a grid as `<GridCTF>` (micrometres): one, or one per image; None where there is no grid."""
    grid = root.find(tag)
    if grid is None or not len(grid):
        return None
    values: dict[int, list[float]] = {}
    for node in grid:
        image = number(path, f"<{tag}> Z", node.get("Z", "0"))
        values.setdefault(int(image), []).append(number(path, f"<{tag}> Value", node.get("Value", "")))
    if len(values) not in (1, count):
        raise InputError(f"{path}: {counted(len(values), 'value')} in <{tag}>, {count} in <Angles>; export it again")
    return np.array([np.mean(values[image]) for image in sorted(values)])


def _check_count(path: Path, tag: str, found: int, expected: int) -> None:
    if found != expected:
        raise InputError(f"{path}: {counted(found, 'value')} in <{tag}>, {expected} in <Angles>; export it again")


def _words(path: Path, root: ElementTree.Element, tag: str) -> list[str]:
    element = root.find(tag)
    words = (element.text or "").split() if element is not None else []
    if not words:
        raise InputError(f"{path}: no <{tag}>; give a tilt-series XML that Warp has aligned")
    return words


def _numbers(path: Path, root: ElementTree.Element, tag: str) -> Floats:
    return np.array([number(path, f"<{tag}>", word) for word in _words(path, root, tag)], dtype=np.float64)


def _boolean(path: Path, word: str) -> bool:
    if word.lower() not in ("true", "false"):
        raise InputError(f"{path}: {word[:40]!r} where True or False was expected; export it again")
    return word.lower() == "true"
