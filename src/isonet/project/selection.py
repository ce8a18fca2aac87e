"""Which volumes of a folder are tomograms: one of each series, and no images that other programs leave beside them.

::

    TS_1.mrc            tilt series (ISPG 0 and MZ 1, or as many sections as TS_1.aln has tilts)    left out
    TS_1_CTF.mrc        spectra                                                                     left out
    TS_1_Vol.mrc        the tomogram                                                                taken
    TS_1_2ND_Vol.mrc    a second volume                                                             left out
    TS_1_EVN_Vol.mrc    a half: a series of its own here, paired later                              taken
"""

import logging
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from pathlib import Path

from isonet.errors import InputError
from isonet.io import volume_files
from isonet.io.formats import glance
from isonet.io.mrc_bytes.glance import Glance
from isonet.io.programs.metadata import read_tilt_angles
from isonet.io.text import read_text
from isonet.io.volume_files import EXTENSIONS, container, is_folder, is_zarr, stem, title
from isonet.project.names import marks, side_of

log = logging.getLogger("isonet")
_MOST_TILTS = 300
_USUAL = 10.0  # Å per voxel, at which the method works best
_TILT_LISTS = (".aln", ".tlt", ".rawtlt", ".mdoc", ".mrc.mdoc", ".st.mdoc", "_TLT.txt", "_st.tlt")


class _Kind(IntEnum):
    """What the name of a volume says it is, best first."""

    VOLUME = 0
    PLAIN = 1
    UNTRIMMED = 2
    SECOND = 3
    SPECTRUM = 4
    SAMPLE = 5
    STACK = 6


_ENDS = (
    (_Kind.SECOND, re.compile(r"_2nd_vol$", re.IGNORECASE)),
    (_Kind.SAMPLE, re.compile(r"_3dfind_rec$", re.IGNORECASE)),
    (_Kind.UNTRIMMED, re.compile(r"_full(_rec)?$", re.IGNORECASE)),
    (_Kind.VOLUME, re.compile(r"[_.](vol|rec)$", re.IGNORECASE)),
    (_Kind.SPECTRUM, re.compile(r"_(ctf|ps|powerspectrum)$", re.IGNORECASE)),
    (_Kind.STACK, re.compile(r"_(ali|aligned|preali|orig|fixed|st|stack|dcst|erase|3dfind|ctfcorr)$", re.IGNORECASE)),
)
_SAID = {
    _Kind.UNTRIMMED: "not trimmed as",
    _Kind.SECOND: "a second volume of",
    _Kind.STACK: "images of",
    _Kind.SAMPLE: "a sample of",
}
_STACK_HEADER = "a tilt series: it has the header of a stack of images (ISPG 0, MZ 1)"
_TAKE = "; --accept stack takes it"
_SAMPLES = ("top_rec", "mid_rec", "bot_rec", "top", "mid", "bot")  # etomo's, to position a tomogram
_SAMPLING = re.compile(r"_(\d+(\.\d+)?A(px)?|bin_?\d+)$", re.IGNORECASE)


@dataclass(frozen=True)
class _File:
    """A volume of a folder, by its name and the beginning of its header."""

    path: Path

    @cached_property
    def header(self) -> Glance | None:
        return glance(self.path)

    @cached_property
    def _told(self) -> tuple[_Kind, str]:
        """What its name says it is, and the name of its series."""
        name = stem(self.path)
        side = side_of(name)
        key = next(iter(marks(name))) if side else name
        if key.lower() in _SAMPLES:
            return _Kind.SAMPLE, key
        key = _SAMPLING.sub("", key)
        kind = _Kind.VOLUME if self.path.name.lower().endswith(".rec") else _Kind.PLAIN
        for end, pattern in _ENDS:
            if pattern.search(key):
                kind, key = end, pattern.sub("", key)
                break
        while kind is _Kind.STACK and _ENDS[-1][1].search(key):
            key = _ENDS[-1][1].sub("", key)
        bare = re.sub(r"^rec_", "", key, flags=re.IGNORECASE)
        return (_Kind.VOLUME if bare != key and kind is _Kind.PLAIN else kind), _SAMPLING.sub("", bare)

    @property
    def kind(self) -> _Kind:
        return self._told[0]

    @property
    def series(self) -> tuple[Path, str, str | None]:
        """Folder, name and half of the series that it is of."""
        return container(self.path).parent, self._told[1], side_of(stem(self.path))

    @property
    def pixel_size(self) -> float:
        """Å per voxel to a tenth; 0 where it is not known."""
        return 0.0 if self.header is None else round(self.header.pixel_size, 1)

    @cached_property
    def as_listed(self) -> str | None:
        """What makes it a tilt series, whatever its header says; a volume by its name may have as many sections.

        One whose header is that of a stack may only be called after its series, such as `rec_1`.
        """
        if self.header is None or self.header.shape[0] > _MOST_TILTS:
            return None
        if self.kind in (_Kind.VOLUME, _Kind.UNTRIMMED) and not self.header.says_stack:
            return None
        return _as_listed(self.path, self.header.shape[0], self._told[1])


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


def only_tomograms(paths: Iterable[Path], *, stacks: bool = False) -> list[Path]:
    """Leave out what is no tomogram, or a second volume of a series, each with a line that says why.

    Where nothing would be left, what looks like a stack stays: that is then for who looks at its content.

    Parameters
    ----------
    paths : iterable of Path
        Files, in order.
    stacks : bool
        Whether what looks like a stack of images is taken all the same.
    """
    files = [_File(path) for path in _once(paths)]
    listed = {} if stacks else {file: f"{file.as_listed}{_TAKE}" for file in files if file.as_listed}
    reasons = _samples(files) | _spectra(files) | listed | _copies(files)
    for group in _groups(file for file in files if file not in reasons).values():
        reasons |= _beside_better(group)
    doubtful = {} if stacks else _stacks_by_header([file for file in files if file not in reasons])
    left = [file for file in files if file not in reasons and file not in doubtful]
    if not left:
        return [file.path for file in files if file in listed] or [file.path for file in files]
    sizes = Counter(file.pixel_size for file in left)
    for group in _groups(left).values():
        doubtful |= _at_other_sizes(group, sizes)
    for file, why in reasons.items():
        log.info("%s: left out, %s", file.path, why)
    for file, why in doubtful.items():
        log.warning("%s: left out, %s", file.path, why)
    chosen = [file for file in left if file not in doubtful]
    for group in _groups(chosen).values():
        if len(group) > 1:
            text = "%s and %s: both taken, though of one series by their names; training counts it twice"
            log.warning(text, group[0].path, group[1].path)
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
    return _File(path).as_listed or (_STACK_HEADER if header.says_stack else None)


def _once(paths: Iterable[Path]) -> list[Path]:
    """Files that are named twice, or by links, once."""
    seen: dict[Path, Path] = {}
    for path in paths:
        first = seen.setdefault(path.resolve(), path)
        if first != path:
            log.info("%s: left out, it is the same file as %s", path, first)
    return list(seen.values())


def _samples(files: Sequence[_File]) -> dict[_File, str]:
    """Thin slices that etomo reconstructs to position a tomogram: several of a folder."""
    found = [file for file in files if stem(file.path).lower() in _SAMPLES]
    folders = Counter(file.path.parent for file in found)
    return {file: "a sample to position a tomogram" for file in found if folders[file.path.parent] > 1}


def _spectra(files: Sequence[_File]) -> dict[_File, str]:
    """Spectra by their names, where there is anything else of their series."""
    others = {(folder, name) for file in files if file.kind is not _Kind.SPECTRUM for folder, name, _ in [file.series]}
    found = (file for file in files if file.kind is _Kind.SPECTRUM and file.series[:2] in others)
    return dict.fromkeys(found, "spectra by its name")


def _copies(files: Sequence[_File]) -> dict[_File, str]:
    """OME-Zarr images beside MRC files of the same names, as the CryoET Data Portal has them."""
    plain = {(file.path.parent, stem(file.path)): file.path.name for file in files if not is_zarr(file.path)}
    places = {file: (container(file.path).parent, stem(file.path)) for file in files if is_zarr(file.path)}
    return {
        file: f"{plain[place]} is the same tomogram by its name" for file, place in places.items() if place in plain
    }


def _stacks_by_header(files: Sequence[_File]) -> dict[_File, str]:
    """Stacks by their headers alone, which tells only where others have headers of volumes."""
    headers = [file.header for file in files if file.header is not None]
    if all(header.says_stack for header in headers):
        return {}
    plain = (file for file in files if file.kind is not _Kind.VOLUME and file.header is not None)
    return {file: f"{_STACK_HEADER}{_TAKE}" for file in plain if file.header is not None and file.header.says_stack}


def _beside_better(group: Sequence[_File]) -> dict[_File, str]:
    """Volumes of a series that are not its tomogram by their names, and why."""
    best = min(group, key=lambda one: one.kind)
    return {
        file: _SAID.get(file.kind, "of the series of") + f" {container(best.path).name}"
        for file in group
        if file.kind > best.kind
    }


def _at_other_sizes(group: Sequence[_File], sizes: Mapping[float, int]) -> dict[_File, str]:
    """Volumes of one series at other pixel sizes than the one that most tomograms, or the usual ones, have."""
    known = {file.pixel_size for file in group} - {0.0}
    if len(known) < 2:
        return {}
    chosen = max(known, key=lambda size: (sizes[size], -abs(size - _USUAL)))
    taken = next(title(file.path) for file in group if file.pixel_size == chosen)
    others = (file for file in group if file.pixel_size not in (chosen, 0.0))
    return dict.fromkeys(others, f"{taken} of the same series at {chosen:g} A/voxel is taken; name one to choose")


def _groups(files: Iterable[_File]) -> dict[tuple[Path, str, str | None], list[_File]]:
    """Files by their series."""
    groups: dict[tuple[Path, str, str | None], list[_File]] = {}
    for file in files:
        groups.setdefault(file.series, []).append(file)
    return groups


def _as_listed(path: Path, sections: int, series: str) -> str | None:
    """Say which list beside a file has as many tilts as the file has sections."""
    for key in dict.fromkeys((stem(path), series)):
        for ending in _TILT_LISTS:
            listed = container(path).with_name(f"{key}{ending}")
            if listed.is_file() and sections in _counts(listed):
                return f"a tilt series: it has {sections} sections, as many as {listed.name} has tilts"
    return None


def _counts(path: Path) -> set[int]:
    """How many tilts a file lists; of AreTomo's `.aln` also how many there were before dark ones were left out."""
    try:
        counts = {len(read_tilt_angles(path))}
        raw = re.search(r"RawSize\s*=\s*\d+\s+\d+\s+(\d+)", read_text(path)) if path.suffix == ".aln" else None
    except InputError:
        return set()
    return counts | ({int(raw[1])} if raw else set())
