"""Files of a folder of sub-volumes: which are none, whether their voxels are of one size, and the wedge they show."""

import logging
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from isonet.core.spikes import without_spikes
from isonet.core.tilts.fullness import block_power, fullness
from isonet.core.tilts.orientation_estimate import OrientationEstimate, estimate_orientation
from isonet.errors import InputError
from isonet.io.formats import glance, open_volume
from isonet.io.text import counted
from isonet.io.volume_files import stem
from isonet.project.derived import why_derived
from isonet.steps.prepare.checks.orientation import ends_differ

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


def compare_wedge(folder: Path, paths: Sequence[Path], tilts: tuple[float, float], *, by_default: bool) -> None:
    """Compare the wedge in the mean power spectrum of some sub-volumes with their tilts, and say what was found."""
    told = f"{tilts[0]:g} to {tilts[1]:g} degrees {'by default' if by_default else 'as told'}"
    found = _wedge(paths)
    if found is not None and ends_differ(found, tilts):
        seen = found.tilt_min, found.tilt_max
        log.warning(
            "%s: the power spectrum of its sub-volumes shows tilts from %.0f to %.0f degrees, taken are %s; give "
            "--tilt-min %.0f --tilt-max %.0f if that is right",
            *(folder, *seen, told, *seen),
        )
    elif found is not None:
        log.info("%s: the power spectrum of its sub-volumes shows tilts of %s", folder, told)
    elif by_default:
        log.warning("%s: tilts %s; give --tilt-min and --tilt-max of the tomograms", folder, told)


def _wedge(paths: Sequence[Path]) -> OrientationEstimate | None:
    """Wedge that sub-volumes together show; None where they are too small or show none."""
    places = np.unique(np.linspace(0, len(paths) - 1, _CUBES).astype(int)).tolist()
    blocks = (torch.from_numpy(without_spikes(open_volume(paths[place]).read())) for place in places)
    powers = [power for power in map(block_power, blocks) if power is not None]
    found = estimate_orientation(fullness(torch.stack(powers).mean(0))) if powers else None
    return found if found is not None and found.clear else None
