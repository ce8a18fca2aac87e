"""Volumes this program made: a label in their header tells from what, so that nothing is made twice or lost."""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.io.pyramids import refuse_foreign
from isonet.io.storage.version import stamp
from isonet.io.volume import Volume, fingerprint
from isonet.io.volume_files import container, is_zarr
from isonet.project.table import Tomogram

log = logging.getLogger("isonet")
_INPUT = re.compile(r"isonet .*: input (\w+) options ")
MRC, ZARR = ".mrc", ".zarr/0"
"""How the paths of products end: a file, or the finest level of an OME-Zarr image."""
SETTING = "isonet deconvolution: "
"""How the label begins that tells how a volume was deconvolved."""
OPTICS = "isonet optics: "
"""How the label begins that tells what else it was deconvolved for."""
_DECONVOLVED = {
    "rlnDefocus": re.compile(rf"{SETTING}defocus (\S+) A\b"),
    "rlnVoltage": re.compile(rf"{OPTICS}(\S+) kV\b"),
    "rlnSphericalAberration": re.compile(rf"{OPTICS}.*\bCs (\S+) mm\b"),
    "rlnAmplitudeContrast": re.compile(rf"{OPTICS}.*\bamplitude contrast ([^\s,]+)"),
    "rlnPixelSize": re.compile(rf"{OPTICS}.* (\S+) A/voxel"),
    "rlnSnrFalloff": re.compile(rf"{SETTING}.*\bfalloff ([^\s,]+)"),
    "rlnDeconvStrength": re.compile(rf"{SETTING}.*\bstrength ([^\s,]+)"),
}
_LABEL = re.compile(r"isonet (?P<kind>.*): input \w+ options \w+ of (?P<data>\w+)")


def output_paths(tomograms: Sequence[Tomogram], folder: Path, kind: str, ending: str = MRC) -> list[Path]:
    """One file `<name>_<kind>.mrc` per tomogram, or one of another ending; refuse two of one name."""
    names = [tomogram.name for tomogram in tomograms]
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise InputError(f"{folder}: two tomograms are called {twice[0]}; put them into two folders by --tomo-idx")
    return [folder / f"{name}_{kind}{ending}" for name in names]


def product_label(kind: str, inputs: Sequence[Path], options: object, data: Sequence[Path] | None = None) -> str:
    """Text for the header of a product: its kind, and hashes of its input files, of what was asked, and of the data.

    The data are those of the inputs, or of some of them.
    """
    made_of = data_mark(inputs if data is None else data)
    return f"isonet {kind}: input {inputs_mark(inputs)} options {_hash(options)} of {made_of}"


def label_of_next(kind: str, product: Path, options: object) -> str:
    """Label of what is made of a product alone: of the same input, so that it is replaced where the product was."""
    marks = [found[1] for label in labels_of(product) if (found := _INPUT.match(label))]
    made_of = marks[-1] if marks else inputs_mark([product])
    return f"isonet {kind}: input {made_of} options {_hash(options)} of {data_mark([product])}"


def inputs_mark(inputs: Sequence[Path]) -> str:
    """Hash of input files in a label; a file counts as another one when its path, size or time of change differ."""
    return _hash([(str(path.resolve()), *stamp(path)) for path in inputs])


def data_mark(paths: Sequence[Path]) -> str:
    """Short hash of the data of volumes, the same for every copy of them."""
    return _hash([fingerprint(open_volume(path)) for path in paths])[:8]


def _hash(value: object) -> str:
    return hashlib.sha256(repr(value).encode()).hexdigest()[:12]


def labels_of(path: Path) -> tuple[str, ...]:
    """Labels in the header of a volume; none where it is no volume."""
    try:
        return open_volume(path).header.labels
    except InputError:
        return ()


def setting_of(path: Path) -> str | None:
    """How this program deconvolved a volume, None where it did not."""
    found = [label.removeprefix(SETTING) for label in labels_of(path) if label.startswith(SETTING)]
    return found[-1] if found else None


def deconvolved_for(path: Path) -> dict[str, float]:
    """Values that this program deconvolved a volume for, by column of the table; without those that it does not say."""
    labels = labels_of(path)
    found = {
        column: [match[1] for one in labels if (match := told.match(one))] for column, told in _DECONVOLVED.items()
    }
    return {column: float(values[-1]) for column, values in found.items() if values}


def made_before(path: Path, label: str, *, overwrite: bool) -> bool:
    """Tell whether `path` is this very product already, and say so.

    What was made of the same data in another place or at another time, as in a project that was copied, is made again:
    the mark of data is that of voxels all over them, not of each.

    Raises
    ------
    InputError
        If there is another file, or a product of other data, unless it may be overwritten.
    """
    if not container(path).exists():
        return False
    labels = labels_of(path)
    if label in labels:
        log.info("%s: made before, kept", path)
        return True
    same_input = label.rpartition(" options ")[0]
    with_options = any(text.startswith(same_input) for text in labels)
    if not (overwrite or with_options or any(_of_same_data(text, label) for text in labels)):
        raise InputError(f"{path}: exists and was not made from this input; move it away or add --overwrite")
    if is_zarr(path):
        refuse_foreign(container(path))
    other = "options" if with_options else "files"
    log.info("%s: made before with other %s, replaced", path, other)
    return False


def mark_in(label: str) -> str | None:
    """Hash of the data that a product was made of, by a label in its header; None where that is another text."""
    found = _LABEL.fullmatch(label)
    return None if found is None else found["data"]


def kind_in(label: str) -> str | None:
    """Kind of a product by a label in its header, such as "corrected"; None where that is another text."""
    found = _LABEL.fullmatch(label)
    return None if found is None else found["kind"]


def is_withheld(volume: Volume) -> bool:
    """Tell whether a volume is a tomogram from which `validate` has taken tilts away."""
    return "withheld" in map(kind_in, volume.header.labels)


def _of_same_data(one: str, other: str) -> bool:
    """Whether two labels are of products of one kind made of the same data."""
    first, second = _LABEL.fullmatch(one), _LABEL.fullmatch(other)
    return first is not None and second is not None and first.group("kind", "data") == second.group("kind", "data")
