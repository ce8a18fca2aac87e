"""Files that tell about tilt series, whichever program wrote them: the right reader for each.

Angles are returned in degrees, in the order of the images, with the sign for which `u = x cos(a) + z sin(a)` holds in
the program's own tomogram; views that a file excludes are left out. Only Warp's have their sign turned, see
:mod:`isonet.io.programs.warp`. What is not needed is passed over. What is needed and not understood is refused with an
:class:`InputError` that names the file, the line or value, and the remedy.
"""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from isonet.errors import InputError
from isonet.io.programs import aretomo, imod_metadata, mdoc, relion, tilt_command, warp
from isonet.io.programs.particles.unread import refuse_unread
from isonet.io.programs.tilt_series import Alignment, TiltSeries
from isonet.io.text import Floats, read_text

Reader = Callable[[Path], list[TiltSeries]]


def read_tilt_angles(path: Path) -> Floats:
    """Read tilt angles from any file that lists them.

    Parameters
    ----------
    path : Path
        `.tlt`, `.rawtlt` (and any other name: one angle per line), AreTomo `.aln`, SerialEM `.mdoc`, Warp `.xml`,
        or `.tomostar`, RELION `.star` of one tilt series, IMOD `tilt.com`, etomo `.edf`; gzipped or not.

    Returns
    -------
    numpy array
        Angles in degrees, shape `(tilts,)`, of the images used.

    Raises
    ------
    InputError
        If the file is missing, empty, binary or malformed, lists several tilt series, or an angle lies beyond
        -90 to 90 degrees.
    """
    return np.array(read_tilts(path).tilts, dtype=np.float64)


def read_tilts(path: Path) -> TiltSeries:
    """Read the one tilt series of a file that lists angles, as :func:`read_tilt_angles`, with all else it says."""
    path = Path(path)
    refuse_unread(path)
    kind = suffix(path)
    if kind not in _READERS or kind in (".tlt", ".rawtlt", ".txt"):
        return imod_metadata.read_angle_file(path)
    found = _READERS[kind](path)
    if len(found) > 1:
        names = ", ".join(series.names[0] for series in found[:3])
        raise InputError(f"{path}: lists {len(found)} tilt series ({names} ...); use --metadata, which picks by name")
    if not found or found[0].tilts is None:
        raise InputError(f"{path}: lists no tilt angles; give another --tilt-file")
    return found[0]


def read_alignment(path: Path) -> Alignment:
    """Read how images are aligned from an IMOD `.xf` or a Warp `.xml` file, told by its name.

    Raises
    ------
    InputError
        If the file is of another kind that is known, or cannot be read.
    """
    path = Path(path)
    kind = suffix(path)
    if kind == ".xml":
        return warp.read_alignment(path)
    if kind == ".aln":
        raise InputError(
            f"{path}: the alignment of an .aln of AreTomo is not read; give the .xf in its folder {stem(path)}_Imod, "
            "which -OutImod makes, and the .tlt beside it as --tilt-file"
        )
    if kind == ".star":
        raise InputError(
            f"{path}: the alignment of a .star of RELION is not read; give the .xf of IMOD or AreTomo, or Warp's .xml"
        )
    if kind in _READERS:
        raise InputError(
            f"{path}: a {kind} has no alignment; give the .xf of IMOD or AreTomo, or Warp's .xml, and this one as "
            "--tilt-file if it has the tilts"
        )
    return imod_metadata.read_xf(path)


def read_series(path: Path) -> list[TiltSeries]:
    """Read what a file says about tilt series; see :func:`is_metadata` for the kinds.

    Raises
    ------
    InputError
        If the file cannot be read, is malformed, or of no kind that is known.
    """
    path = Path(path)
    refuse_unread(path)
    reader = _READERS.get(suffix(path))
    if reader is None:
        raise InputError(f"{path}: no metadata that is known; give {', '.join(sorted(_READERS))} or a folder with some")
    return reader(path)


def is_metadata(path: Path) -> bool:
    """Tell whether a file in a folder looks like metadata of a tilt series, by its name and where need be its text."""
    kind = suffix(path)
    telling = _TELLING.get(kind)
    if telling is None:
        return kind in _READERS
    try:
        return re.search(telling, read_text(path, odd_characters=True), re.IGNORECASE | re.MULTILINE) is not None
    except InputError:
        return False


def stem(path: Path) -> str:
    """Name of the tilt series as a file's name tells it: `TS_1.mrc.mdoc`, `TS_1_CTF.txt`, `TS_1_ali.xf` give `TS_1`."""
    name = re.sub(r"\.gz$", "", path.name, flags=re.IGNORECASE).rpartition(".")[0]
    name = re.sub(r"\.(mrc|st|mrcs|tomostar)$", "", name, flags=re.IGNORECASE)
    return re.sub(
        r"[_.-](ctf|ctffind\d?|ali|aln|st|imod|fid|tilt|tlt|raw|sorted|order_list)$", "", name, flags=re.IGNORECASE
    )


def suffix(path: Path) -> str:
    """Ending that tells the kind of a file."""
    name = path.name.lower().removesuffix(".gz")
    return "_tlt.txt" if name.endswith("_tlt.txt") else Path(name).suffix


def _single(reader: Callable[[Path], TiltSeries]) -> Reader:
    """Make a reader of one tilt series one of a list."""
    return lambda path: [reader(path)]


_READERS: dict[str, Reader] = {
    ".tlt": _single(imod_metadata.read_angle_file),
    ".rawtlt": _single(imod_metadata.read_angle_file),
    ".com": _single(tilt_command.read_tilt_command),
    ".edf": _single(tilt_command.read_etomo),
    ".defocus": _single(imod_metadata.read_defocus),
    ".aln": _single(aretomo.read_alignment),
    ".txt": _single(aretomo.read_ctf_table),
    "_tlt.txt": _single(aretomo.read_tilt_list),
    ".csv": aretomo.read_metrics,
    ".mdoc": _single(mdoc.read_series),
    ".xml": _single(warp.read_series),
    ".tomostar": _single(warp.read_tomostar),
    ".star": relion.read_star,
}
_TELLING = {  # what a file of a common kind must hold to be taken from a folder
    ".com": tilt_command.TILT_COMMAND,
    ".txt": r"^#.*defocus 1",
    ".csv": r"Tilt_Series",
    ".xml": r"<TiltSeries\b",
    ".star": r"^\s*_rln(TomoName|TomoYTilt|TomoNominalStageTiltAngle|TomoProjZ|OpticsGroupName)\b",
}
