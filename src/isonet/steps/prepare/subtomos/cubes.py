"""Files of a folder of sub-volumes: which are none, whether their voxels are of one size, and the wedge they show."""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from isonet.core.spikes import without_spikes
from isonet.core.tilts.measured import Measured
from isonet.core.tilts.wedge_estimate import estimate_wedge
from isonet.errors import InputError
from isonet.io.formats import glance, open_volume
from isonet.io.text import counted
from isonet.io.volume_files import stem
from isonet.project.derived import why_derived
from isonet.project.table import SUBVOLUME_COLUMN, Tomogram
from isonet.steps.prepare.checks.faults import Taken
from isonet.steps.prepare.checks.orientation import compare_with_told, look_at
from isonet.steps.prepare.checks.wedge import check_estimate, mean_spectra

log = logging.getLogger("isonet")
_BESIDE = re.compile(r"(?<![a-z])(?:weights?|ctf|multiplicity)(?![a-z])", re.IGNORECASE)
_AVERAGE = re.compile(r"(?<![a-z])(?:average|avg|mean|reference|ref)(?![a-z])", re.IGNORECASE)
_FEW = 8  # grey values of a mask
_LOOKED_AT = 1 << 14  # voxels of a file that tell its grey values
_CUBES = 24  # whose power spectra are averaged
_SAME = 0.01  # relative difference of pixel sizes that are one


def sub_volumes_of(paths: Sequence[Path]) -> list[Path]:
    """Leave out what other programs put beside sub-volumes, masks and what is constant; say of each kind which.

    Raises
    ------
    InputError
        If nothing is left.
    """
    names = {stem(path).lower() for path in paths}
    left: dict[str, list[Path]] = {}
    taken = []
    for path in paths:
        kind = _why_none(path, names)
        if kind is None:
            taken.append(path)
        else:
            left.setdefault(kind, []).append(path)
    for kind, files in left.items():
        text = "%s: %s, left out%s"
        log.warning(text, files[0], kind, f", as {counted(len(files) - 1, 'other')}" if len(files) > 1 else "")
    if not taken:
        raise InputError(f"{paths[0].parent}: no sub-volume is left; give the folder that holds them")
    for path in taken:
        if len(taken) > 1 and _AVERAGE.search(stem(path)):
            log.warning("%s: an average by its name, and taken; move it away if it is none of the sub-volumes", path)
    return taken


def _why_none(path: Path, names: set[str]) -> str | None:
    """Say why a file is no sub-volume; None where it may be one."""
    name = stem(path).lower()
    if any(other in names - {name} for other in _names_without(name)):
        return "weights or CTF of another file by its name"
    derived = why_derived(path, glance(path))
    if derived is not None:
        return derived
    values = open_volume(path).read()
    low, high = float(values.min()), float(values.max())
    if low == high:
        return f"all voxels are {low:g}"
    some = np.unique(values.reshape(-1)[:: max(1, values.size // _LOOKED_AT)])
    if len(some) <= _FEW and np.isfinite((low, high)).all():
        return f"only {counted(len(some), 'grey value')}, as a mask"
    return None


def _names_without(name: str) -> Iterator[str]:
    """What the data are called that a file lies beside: `0_data` for `0_weights`, `a_10.00A` for `a_ctf_10.00A`."""
    for found in _BESIDE.finditer(name):
        before, after = name[: found.start()], name[found.end() :]
        yield f"{before}data{after}"
        yield (before.rstrip("_-.") + after).lstrip("_-.")


def warn_of_sizes(paths: Sequence[Path]) -> None:
    """Warn where headers of sub-volumes tell several pixel sizes."""
    sizes = {path: open_volume(path).pixel_size for path in paths}
    least, most = min(paths, key=lambda path: sizes[path]), max(paths, key=lambda path: sizes[path])
    if sizes[most] - sizes[least] > _SAME * sizes[most]:
        log.warning(
            "%s has %g A/voxel and %s %g; leave those of one size, or give --pixel-size where headers are wrong",
            *(least, sizes[least], most, sizes[most]),
        )


def compare_wedge(folder: Path, paths: Sequence[Path], told: Measured, accepted: Taken, *, by_default: bool) -> None:
    """Compare the wedge in the mean power spectrum of some sub-volumes with what is told, and say what was found.

    Parameters
    ----------
    folder : Path
        What they are said to lie in.
    paths : sequence of Path
        The sub-volumes, a few of which are read.
    told : Measured
        What is said to be measured.
    accepted : sequence of str or None
        Faults that are taken all the same, with a warning; None where nothing is refused.
    by_default : bool
        Whether nobody said so.

    Raises
    ------
    InputError
        If the wedge is mirrored, or there is none, unless that is accepted.
    """
    places = np.unique(np.linspace(0, len(paths) - 1, _CUBES).astype(int)).tolist()
    cubes = [without_spikes(open_volume(paths[place]).read()) for place in places]
    spectra = mean_spectra(cubes) if told.at_home else None
    found = None if spectra is None else estimate_wedge(spectra)
    lying = found is not None and found.state == "wedge" and found.beam != "z"
    shown = None if lying else look_at([torch.from_numpy(cube).float() for cube in cubes], told)
    if shown is not None and shown.clear:
        compare_with_told(folder, shown, told, accepted)
        return
    if found is not None:
        check_estimate(folder, found, told.tilts, accepted)
    if by_default and (found is None or found.state != "wedge"):
        ends = told.sweeps[0].ends
        log.warning(
            "%s: tilts %g to %g degrees by default; give --tilt-min and --tilt-max of the tomograms", folder, *ends
        )


def warn_of_other_wedge_of_cubes(rows: Sequence[Tomogram]) -> None:
    """Warn where sub-volumes of a table, which one range is told of, show another wedge, or none."""
    told = rows[0].measured
    alike = [row.file(SUBVOLUME_COLUMN) for row in rows if row.measured == told]
    if len(told.sweeps) == 1 and all(path.exists() for path in alike):
        compare_wedge(rows[0].table, alike, told, None, by_default=False)
