"""Which volumes of a folder are tomograms: one of each series, and no images that other programs leave beside them.

::

    TS_1.mrc            tilt series (ISPG 0 and MZ 1, or as many sections as TS_1.aln has tilts)    left out
    TS_1_CTF.mrc        spectra                                                                     left out
    TS_1_Vol.mrc        the tomogram                                                                taken
    TS_1_2ND_Vol.mrc    a second volume                                                             left out
    TS_1_Vol_seg.mrc    a segmentation, a mask, or scores of a search                               left out
    truth.mrc           the truth of a simulation, by a label                                       left out
    TS_1_EVN_Vol.mrc    a half: a series of its own here, paired later                              taken

A name alone proves nothing: `TS_1.mrc` beside `rec_TS_1.mrc` may be its images, the same tomogram, or one of another
series that is called so. Where header, list of tilts and content do not tell, what is left out is a warning.
"""

import logging
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path

from isonet.core.comparison.likeness import are_one_sample
from isonet.errors import InputError
from isonet.io import volume_files
from isonet.io.formats import glance, open_volume
from isonet.io.ome_zarr.levels import USUAL_SIZE
from isonet.io.volume_files import EXTENSIONS, container, is_folder, is_zarr, stem, title
from isonet.project.derived import why_derived
from isonet.project.series import SAMPLE_NAMES, Kind, SeriesFile

log = logging.getLogger("isonet")
_UNREAD = (
    *(".em", ".hdf", ".h5", ".hdf5", ".nrrd", ".nii", ".spi", ".img", ".tif", ".tiff", ".npy", ".n5", ".b3d"),
    *(f"{volume}.{packed}" for volume in (".mrc", ".rec", ".map") for packed in ("xz", "zst", "zip")),
)
"""Endings of volumes of other programs."""
_SAID = {
    Kind.UNTRIMMED: "not trimmed as",
    Kind.SECOND: "a second volume of",
    Kind.STACK: "images of",
    Kind.SAMPLE: "a sample of",
}
_STACK_HEADER = "a tilt series: it has the header of a stack of images (ISPG 0, MZ 1)"
_ALIKE = 0.02  # relative difference of pixel sizes that are one: headers round
_TAKE = "; --accept stack takes it"
_ETOMO = ("*.edf", "tilt*.com", "sample*.com", "tomopitch*.com")  # files of a folder of etomo's
Series = tuple[Path, str, str | None]


def find_volumes(path: Path) -> list[Path]:
    """Volumes of a folder in the order of their names, or the file itself; see :func:`only_tomograms` for the rest.

    Links to nowhere and single images are left out, each with a line.

    Raises
    ------
    InputError
        If the path does not exist or the folder holds no volume.
    """
    if path.is_symlink() and not path.exists():
        raise InputError(f"{path}: a link to {path.readlink()}, which is not there; mend or remove it")
    if not is_folder(path):
        return volume_files.find_volumes(path)
    for item in sorted(path.iterdir()):
        if item.is_symlink() and item.name.lower().endswith(EXTENSIONS) and not item.exists():
            log.warning("%s: left out, a link to %s, which is not there; mend or remove it", item, item.readlink())
    _tell_of_unread(path)
    found = []
    for item in volume_files.find_volumes(path):
        header = glance(item)
        if header is not None and header.is_image:
            log.info("%s: left out, one image and no volume", item)
        else:
            found.append(item)
    if not found:
        raise InputError(f"{path}: no tomograms in this folder, but images; give reconstructed tomograms")
    return found


def _tell_of_unread(folder: Path) -> None:
    """Warn of files of a folder that may be volumes of other formats, if there is none of their name that is read."""
    files = sorted(item for item in folder.iterdir() if not item.name.startswith("."))
    known = {stem(item) for item in files if item.name.lower().endswith(EXTENSIONS)}
    unread = [
        item for item in files if item.name.lower().endswith(_UNREAD) and not known & {item.stem, stem(Path(item.stem))}
    ]
    if unread:
        first, more = unread[0], f" (and {len(unread) - 1} more such files)" if len(unread) > 1 else ""
        log.warning(
            "%s%s: left out, %s is not read; if it is a tomogram, convert it to MRC",
            first,
            more,
            first.suffix,
        )


def only_tomograms(paths: Iterable[Path], *, stacks: bool = False) -> list[Path]:
    """Leave out what is no tomogram, or a second volume of a series, each with a line that says why.

    The line is a warning where it may be a tomogram of its own. Where nothing would be left, what looks like a stack
    stays: that is then for who looks at its content.

    Parameters
    ----------
    paths : iterable of Path
        Files, in order.
    stacks : bool
        Whether what looks like a stack of images is taken all the same.
    """
    files = [SeriesFile(path) for path in _once(paths)]
    certain, doubtful = _samples(files)
    certain |= _spectra(files) | _derived(files)
    doubtful |= _copies(files)
    listed = {
        file: f"{file.as_listed}{_TAKE}" for file in files if not stacks and file not in certain and file.as_listed
    }
    for group in _groups(file for file in files if not {file} & {*certain, *doubtful, *listed}).values():
        for file, (why, proven) in _beside_better(group).items():
            (certain if proven else doubtful)[file] = why
    out = {*certain, *doubtful, *listed}
    doubtful |= {} if stacks else _stacks_by_header([file for file in files if file not in out])
    out |= {*doubtful}
    left = [file for file in files if file not in out]
    if not left:
        return [file.path for file in files if file in listed] or [file.path for file in files]
    sizes = Counter(file.pixel_size for file in left)
    for group in (*_groups(left).values(), *_at_binnings(left)):
        doubtful |= _at_other_sizes(group, sizes)
    chosen = [file for file in left if file not in doubtful]
    known = {file.series[:2] for file in chosen}
    for file, why in listed.items():
        (certain if file.series[:2] in known else doubtful)[file] = why
    for file, why in certain.items():
        log.info("%s: left out, %s", file.path, why)
    for file, why in doubtful.items():
        log.warning("%s: left out, %s", file.path, why)
    _tell_of_copies(chosen)
    return [file.path for file in chosen]


def why_stack(path: Path, tilts: int | None = None) -> str | None:
    """Say why a file is taken for a stack of images, or None.

    Parameters
    ----------
    path : Path
        The file.
    tilts : int, optional
        How many tilts are known of it from elsewhere.
    """
    header = glance(path)
    if header is None:
        return None
    if header.shape[0] == tilts and tilts > 2:
        return f"a tilt series: it has {tilts} sections, as many as there are tilts"
    return SeriesFile(path).as_listed or (_STACK_HEADER if header.says_stack else None)


def _once(paths: Iterable[Path]) -> list[Path]:
    """Files that are named twice, or by links, once."""
    seen: dict[Path, Path] = {}
    for path in paths:
        first = seen.setdefault(path.resolve(), path)
        if first != path:
            log.info("%s: left out, it is the same file as %s", path, first)
    return list(seen.values())


def _samples(files: Sequence[SeriesFile]) -> tuple[dict[SeriesFile, str], dict[SeriesFile, str]]:
    """Thin slices that etomo reconstructs to position a tomogram, several of a folder; and what is only called so."""
    found = [file for file in files if stem(file.path).lower() in SAMPLE_NAMES]
    folders = Counter(file.path.parent for file in found)
    several = [file for file in found if folders[file.path.parent] > 1]
    etomo = {folder for folder in folders if any(any(folder.glob(pattern)) for pattern in _ETOMO)}
    what = "a sample to position a tomogram"
    certain = {file: what for file in several if file.path.parent in etomo}
    return certain, {file: f"{what} by its name; if it is none, rename it" for file in several if file not in certain}


def _spectra(files: Sequence[SeriesFile]) -> dict[SeriesFile, str]:
    """Spectra by their names, where there is anything else of their series, and nothing of their shape."""
    others: dict[tuple[Path, str], list[SeriesFile]] = {}
    for file in files:
        if file.kind is not Kind.SPECTRUM:
            others.setdefault(file.series[:2], []).append(file)
    found = []
    for file in files:
        beside = others.get(file.series[:2], []) if file.kind is Kind.SPECTRUM else []
        if beside and not any(_are_of_one_shape(file, one) for one in beside):
            found.append(file)
    return dict.fromkeys(found, "spectra by its name")


def _derived(files: Sequence[SeriesFile]) -> dict[SeriesFile, str]:
    """Segmentations, masks, scores, truths and images of a simulation, where the folder holds anything else."""
    found = {file: why for file in files if (why := why_derived(file.path, file.header)) is not None}
    others = {container(file.path).parent for file in files if file not in found}
    return {file: why for file, why in found.items() if container(file.path).parent in others}


def _copies(files: Sequence[SeriesFile]) -> dict[SeriesFile, str]:
    """OME-Zarr images beside MRC files of the same names, as the CryoET Data Portal has them."""
    plain = {(file.path.parent, stem(file.path)): file.path.name for file in files if not is_zarr(file.path)}
    places = {file: (container(file.path).parent, stem(file.path)) for file in files if is_zarr(file.path)}
    return {
        file: f"{plain[place]} is the same tomogram by its name" for file, place in places.items() if place in plain
    }


def _stacks_by_header(files: Sequence[SeriesFile]) -> dict[SeriesFile, str]:
    """Stacks by their headers alone, which tells only where others have headers of volumes."""
    headers = [file.header for file in files if file.header is not None]
    if all(header.says_stack for header in headers):
        return {}
    plain = (file for file in files if file.kind is not Kind.VOLUME and file.says_stack)
    return dict.fromkeys(plain, f"{_STACK_HEADER}{_TAKE}")


def _beside_better(group: Sequence[SeriesFile]) -> dict[SeriesFile, tuple[str, bool]]:
    """Volumes of a series that are not its tomogram: why, and whether that is more than what their names say."""

    def rank(one: SeriesFile) -> Kind:
        return Kind.STACK if one.kind is Kind.PLAIN and one.says_stack else one.kind

    best = min(group, key=rank)
    found = {}
    for file in group:
        if rank(file) > rank(best):
            alike = _one_sample(file, best)
            if alike is False and file.kind is Kind.PLAIN:
                continue  # a series of its own
            why = _SAID.get(file.kind, "of the series of") + f" {container(best.path).name}"
            proven = file.says_stack if alike is None and file.kind is Kind.PLAIN else alike is not False
            remedy = "" if proven else " by its name; if it is a tomogram of its own, rename it"
            found[file] = f"{why}{remedy}", proven
    return found


def _one_sample(first: SeriesFile, second: SeriesFile) -> bool | None:
    """Tell whether two volumes show one sample; None where they differ in shape, are packed, or do not tell."""
    if not _are_of_one_shape(first, second):
        return None
    try:
        volumes = open_volume(first.path), open_volume(second.path)
    except InputError:  # for who opens those that are taken
        return None
    return are_one_sample(*volumes) if volumes[0].shape == volumes[1].shape else None


def _are_of_one_shape(first: SeriesFile, second: SeriesFile) -> bool:
    return first.header is not None and second.header is not None and first.header.shape == second.header.shape


def _at_binnings(files: Sequence[SeriesFile]) -> list[list[SeriesFile]]:
    """Groups of volumes whose names differ in their binnings alone, and whose pixel sizes are as these."""
    named: dict[Series, list[SeriesFile]] = {}
    for file in files:
        name, size = file.unbinned
        if size:
            named.setdefault((file.series[0], name, file.series[2]), []).append(file)
    return [
        [one for one in group if math.isclose(one.unbinned[1], group[0].unbinned[1], rel_tol=_ALIKE)]
        for group in named.values()
    ]


def _at_other_sizes(group: Sequence[SeriesFile], sizes: Mapping[float, int]) -> dict[SeriesFile, str]:
    """Volumes of one series at other pixel sizes than the one that most tomograms, or the usual ones, have."""
    known = {file.pixel_size for file in group} - {0.0}
    if len(known) < 2:
        return {}
    chosen = max(known, key=lambda size: (sizes[size], -abs(size - USUAL_SIZE)))
    taken = next(title(file.path) for file in group if file.pixel_size == chosen)
    others = (file for file in group if file.pixel_size not in (chosen, 0.0))
    return dict.fromkeys(others, f"{taken} of the same series at {chosen:g} A/voxel is taken; name one to choose")


def _tell_of_copies(chosen: Iterable[SeriesFile]) -> None:
    """Warn of volumes of one series by their names that are all taken."""
    for group in _groups(chosen).values():
        for first, second in combinations(group, 2):
            said = {False: "taken for two tomograms by what they show", None: "both taken, which counts it twice"}
            one = _one_sample(first, second)
            if one is not True:  # else it is told of all whose content is one
                log.warning("%s and %s: %s, though of one series by their names", first.path, second.path, said[one])


def _groups(files: Iterable[SeriesFile]) -> dict[Series, list[SeriesFile]]:
    """Files by their series."""
    groups: dict[Series, list[SeriesFile]] = {}
    for file in files:
        groups.setdefault(file.series, []).append(file)
    return groups
