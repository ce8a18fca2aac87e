"""Folders as laboratories have them: any program, any names, with parts missing, padded, under odd headers.

A folder knows for which tomogram each of its files was made, and with which numbers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import foreign
import numpy as np
from hypothesis import strategies as st

Volumes = Callable[[int, str], Any]
"""Gives a part (full, even, odd) of the sample of a number, `[z, y, x]`."""
NAMES = (
    *("Position_20", "Position_20_3", "Position_2", "TS_1", "TS_01", "TS_10", "TS_1_2", "00256", "256", "1"),
    *(
        "grid_h1_ts_001",
        "grid_h2_ts_001",
        "even_cell",
        "odd_cell",
        "tomo.1",
        "tomo",
        "rec_TS_1",
        "L1-a_003",
        "L1_a_003",
    ),
)
"""Names of tilt series, many of which begin as others do or hold words that mean halves."""
TILTS = {1: (-60, 60), 2: (-70, 50), 3: (-48, 60)}
"""Tilt range of each sample, in degrees, by 3."""
HALF_WORDS = (("", ""), ("_EVN", "_ODD"), ("_even", "_odd"), ("_half1", "_half2"))
HEADERS = ("plain", "plain", "plain", "int16", "unsigned", "volume stack", "no pixel size", "short")
PADDINGS = ("none", "none", "none", "rim", "sections")


@dataclass(frozen=True)
class Series:
    """One tilt series and what is there of it.

    Attributes
    ----------
    name : str
        As its program calls it.
    sample : int
        Which sample it shows; decides its tilts.
    halves, metadata : bool
        Whether it has them.
    header, padding : str
        What its volumes are like.
    """

    name: str
    sample: int
    halves: bool
    metadata: bool
    header: str
    padding: str

    @property
    def tilts(self) -> list[float]:
        """All tilts in degrees."""
        low, high = TILTS[self.sample]
        return [float(tilt) for tilt in range(low, high + 1, 3)]


@dataclass
class Folder:
    """A folder of several series, and the words that name it to `prepare`.

    Attributes
    ----------
    series : list of Series
        What it holds.
    words : list of str
        Arguments of `prepare`.
    made : dict
        For each file the series it was made for and its part: full, even, odd, or what is no tomogram.
    """

    series: Sequence[Series]
    words: list[str] = field(default_factory=list)
    made: dict[Path, tuple[Series, str]] = field(default_factory=dict)

    def add(self, path: Path, one: Series, part: str, volumes: Volumes) -> None:
        """Write a volume of a series."""
        _write_volume(path, one, volumes(one.sample, part))
        self.made[path.resolve()] = (one, part)

    def add_other(self, path: Path, one: Series, data: Any, **header: Any) -> None:
        """Write what is no tomogram."""
        foreign.mrc(path, data.astype(np.float32), **header)
        self.made[path.resolve()] = (one, "no tomogram")


def _write_volume(path: Path, one: Series, volume: Any) -> None:
    """Write a volume under the header, with the padding, of its series."""
    volume = (volume - volume.mean()) / volume.std()
    if one.padding == "rim":
        volume[:, :, :4] = 0
    elif one.padding == "sections":
        volume[:2] = 0
    if one.header == "int16":
        foreign.mrc(path, np.round(1000 * volume).astype(np.int16))
    elif one.header == "unsigned":
        foreign.mrc(path, np.clip(128 + 30 * volume, 0, 255).astype(np.uint8))
    elif one.header == "volume stack":
        foreign.mrc(path, volume.astype(np.float32), space_group=401)
    elif one.header == "no pixel size":
        foreign.mrc(path, volume.astype(np.float32), 0.0)
    elif one.header == "short":
        foreign.mrc(path, volume.astype(np.float32), size=(*volume.shape[:0:-1], volume.shape[0] // 2))
    else:
        foreign.mrc(path, volume.astype(np.float32))


def _images(one: Series) -> Any:
    """Images of a tilt series: noise of its own."""
    random = np.random.default_rng(one.sample)
    return random.standard_normal((len(one.tilts), 24, 24)).astype(np.float32)


def plain(root: Path, series: Sequence[Series], volumes: Volumes, words: tuple[str, str]) -> Folder:
    """Folders full, even, odd and metadata; halves bear words, or only their folder says."""
    folder = Folder(series, ["full", "--even", "even", "--odd", "odd", "--metadata", "metadata"])
    for part in ("full", "even", "odd", "metadata"):
        (root / part).mkdir()
    for one in series:
        folder.add(root / f"full/{one.name}.mrc", one, "full", volumes)
        for part, word in zip(("even", "odd"), words, strict=True):
            if one.halves:
                folder.add(root / f"{part}/{one.name}{word}.mrc", one, part, volumes)
        if one.metadata:
            foreign.angles(root / f"metadata/{one.name}.tlt", one.tilts)
    return folder


def aretomo(root: Path, series: Sequence[Series], volumes: Volumes, words: tuple[str, str]) -> Folder:
    """One folder with aligned stacks, their halves, volumes, spectra and alignments, as AreTomo 3 leaves it."""
    folder = Folder(series, ["out", "--metadata", "out"])
    for one in series:
        parts = {"": "full", "_EVN": "even", "_ODD": "odd"} if one.halves else {"": "full"}
        for word, part in parts.items():
            folder.add_other(
                root / f"out/{one.name}{word}.mrc",
                one,
                _images(one),
                space_group=0,
                intervals=(24, 24, 1),
            )
            folder.add(root / f"out/{one.name}{word}_Vol.mrc", one, part, volumes)
        folder.add_other(root / f"out/{one.name}_CTF.mrc", one, np.abs(_images(one)), pixel_size=1.0)
        if one.metadata:
            foreign.aln(root / f"out/{one.name}.aln", one.tilts)
    return folder


def warp(root: Path, series: Sequence[Series], volumes: Volumes, words: tuple[str, str]) -> Folder:
    """Processing folder of WarpTools: reconstructions with the pixel size in their name, XML above them."""
    place = "warp_tiltseries/reconstruction"
    folder = Folder(
        series, [place, "--even", f"{place}/even", "--odd", f"{place}/odd", "--metadata", "warp_tiltseries"]
    )
    for part in ("even", "odd"):
        (root / place / part).mkdir(parents=True)
    for one in series:
        folder.add(root / place / f"{one.name}_10.00Apx.mrc", one, "full", volumes)
        for part in ("even", "odd") if one.halves else ():
            folder.add(root / place / part / f"{one.name}_10.00Apx.mrc", one, part, volumes)
        if one.metadata:
            foreign.warp(root / f"warp_tiltseries/{one.name}.xml", [-tilt for tilt in one.tilts])
    return folder


def imod(root: Path, series: Sequence[Series], volumes: Volumes, words: tuple[str, str]) -> Folder:
    """A folder for each series, as etomo leaves them: raw stack, final volume, tilts; no halves."""
    folder = Folder([replace(one, halves=False) for one in series], [])
    for one in folder.series:
        place = root / f"imod/{one.name}"
        folder.add(place / f"{one.name}_rec.mrc", one, "full", volumes)
        folder.add_other(place / f"{one.name}.mrc", one, _images(one), space_group=0, intervals=(24, 24, 1))
        if one.metadata:
            foreign.angles(place / f"{one.name}.tlt", one.tilts)
        folder.words.append(f"imod/{one.name}/{one.name}_rec.mrc")
    folder.words += ["--metadata", "imod"]
    return folder


def relion(root: Path, series: Sequence[Series], volumes: Volumes, words: tuple[str, str]) -> Folder:
    """A job of RELION 5: volumes `rec_<name>`, a table of tomograms, one of tilts for each."""
    folder = Folder(series, ["job/tomograms", "--metadata", "job/tomograms.star"])
    columns: dict[str, list[object]] = {
        name: []
        for name in (
            *("rlnTomoName", "rlnTomoTiltSeriesStarFile", "rlnTomoTiltSeriesPixelSize", "rlnTomoTomogramBinning"),
        )
    }
    for one in series:
        parts = {"_half1": "even", "_half2": "odd"} if one.halves else {"": "full"}
        for word, part in parts.items():
            folder.add(root / f"job/tomograms/rec_{one.name}{word}.mrc", one, part, volumes)
        if one.metadata:
            table = foreign.star(root / f"job/tilt_series/{one.name}.star", one.name, rlnTomoYTilt=one.tilts)
            for name, value in zip(columns, (one.name, table.relative_to(root), 2.5, 4), strict=True):
                columns[name].append(value)
    foreign.star(root / "job/tomograms.star", "global", **columns)
    return folder


PROGRAMS = (plain, aretomo, warp, imod, relion)


@st.composite
def described(draw: st.DrawFn) -> tuple[Any, list[Series], tuple[str, str]]:
    """Draw a program, its series, and the words of its halves."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    usual = {"halves": draw(st.booleans()), "metadata": draw(st.sampled_from((True, True, False)))}
    header, padding = draw(st.sampled_from(HEADERS)), draw(st.sampled_from(PADDINGS))
    series = [Series(name, number, **usual, header=header, padding=padding) for number, name in enumerate(names, 1)]
    odd_one = draw(st.sampled_from(range(len(series))))
    change = draw(st.sampled_from(("nothing", "nothing", "halves", "metadata")))
    if change != "nothing":
        series[odd_one] = replace(series[odd_one], **{change: not getattr(series[odd_one], change)})
    return draw(st.sampled_from(PROGRAMS)), series, draw(st.sampled_from(HALF_WORDS))
