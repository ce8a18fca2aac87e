"""Lists of particles of programs whose files are not read: known by name or first words, and what to give instead."""

import re
from dataclasses import dataclass
from pathlib import Path

from isonet.errors import InputError

_BEGINNING = 1 << 13  # bytes looked at


@dataclass(frozen=True)
class _Kind:
    """A kind of file: what it is, what to give instead, its ending where that tells enough, and words in it."""

    what: str
    instead: str
    ending: str = ""
    words: bytes = rb"\b\B"


_SUM = "are x y z; write them as text, a file for each tomogram"
_KINDS = (
    _Kind(
        "a table of Dynamo",
        f"columns 24 to 26 plus its shifts 4 to 6 {_SUM} (column 20): awk '{{print $24+$4, $25+$5, $26+$6}}'",
        ending=".tbl",
    ),
    _Kind(
        "a file in EM format, as motive lists of TOM, AV3 and novaSTA",
        f"rows 8 to 10 plus the shifts 11 to 13 {_SUM} (row 5)",
        ending=".em",
    ),
    _Kind(
        "a motive list of STOPGAP",
        f"orig_x, orig_y, orig_z plus x_shift, y_shift, z_shift {_SUM} (tomo_num)",
        words=rb"^\s*(data_stopgap_motivelist|_motl_idx)\b",
    ),
    _Kind("a wedge list of STOPGAP", "write its tilt angles as .tlt, one a line", words=rb"^data_stopgap_wedgelist\b"),
    _Kind(
        "a motive list of PEET, which has shifts and no places",
        "give the model (.mod) that it goes with",
        words=rb"\A\W*CCC\b[^\n]*\b(pIndex|xOffset)\b",
    ),
    _Kind(
        "a parameter file of PEET",
        "give the models (.mod) that its fnModParticle names",
        ending=".prm",
        words=rb"^\s*fnModParticle\s*=",
    ),
    _Kind(
        "a list of particles of PyTom",
        "X, Y, Z of PickPosition are voxels; write them as text x y z, a file for each tomogram (Origin)",
        words=rb"<ParticleList\b|<Particle\b[^>]*>\s*<(Rotation|Shift|PickPosition)\b",
    ),
    _Kind(
        "a description of EMAN2",
        "write its boxes_3d as text x y z, in voxels of the tomogram counted from 0",
        words=rb'"(boxes_3d|tlt_params|apix_unbin)"\s*:',
    ),
    _Kind(
        "a list of EMAN2",
        "write the places as text x y z, in voxels of the tomogram counted from 0",
        ending=".lst",
        words=rb"\A#LSX",
    ),
    _Kind(
        "an HDF file, as of EMAN2",
        "export places as text x y z, and volumes by e2proc3d.py as .mrc",
        ending=".hdf",
        words=rb"\A\x89HDF\r\n",
    ),
    _Kind(
        "a file of boxes of crYOLO, which count from their corners",
        "give its .coords files",
        ending=".cbox",
        words=rb"^\s*data_cbox\b",
    ),
    _Kind(
        "a set of markers of ChimeraX",
        "they are in A; write them as text under a first line x_A y_A z_A, less the map's origin",
        ending=".cmm",
        words=rb"<marker_sets?\b",
    ),
    _Kind(
        "a file of points of the CryoET Data Portal",
        "its locations are voxels of the tomogram; write them as text x y z",
        ending=".ndjson",
        words=rb'\A\s*\{\s*"type"\s*:\s*"\w*[pP]oint"',
    ),
    _Kind(
        "a file of picks of copick",
        "its locations are in A; write them as text under a first line x_A y_A z_A",
        words=rb'"pickable_object_name"\s*:',
    ),
    _Kind(
        "a JSON file",
        "write the places as text x y z, or give a STAR file or an IMOD model",
        words=rb'\A\s*\[?\s*\{\s*"',
    ),
)
ENDINGS = (*(kind.ending for kind in _KINDS if kind.ending), ".json", ".xml")
"""How names of such files end, where they are not those of lists that are read."""


def refuse_unread(path: Path) -> None:
    """Refuse a file of a program that is known and not read, and say what to give instead.

    What columns mean is from the programs' own descriptions: Dynamo's `dthelp` (its wiki, "Table convention"), the
    motive lists of TOM and AV3 (20 rows), the star files of STOPGAP, PyTom's particle lists.

    Raises
    ------
    InputError
        If it is one.
    """
    if not path.is_file():  # told where it is read, as all that goes wrong there
        return
    try:
        with path.open("rb") as file:
            beginning = file.read(_BEGINNING)
    except OSError:
        return
    if beginning.startswith((b"\xff\xfe", b"\xfe\xff")):
        beginning = beginning[: len(beginning) // 2 * 2].decode("utf-16", "replace").encode()
    for kind in _KINDS:
        if (kind.ending and path.name.lower().endswith(kind.ending)) or re.search(kind.words, beginning, re.MULTILINE):
            raise InputError(f"{path}: is {kind.what}, and is not read; {kind.instead}")
