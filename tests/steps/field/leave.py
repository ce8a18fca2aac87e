"""Folders as other programs leave them, complete: with all that is no tomogram."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import foreign
import numpy as np

Part = Callable[..., Any]
SIDES = {"": "full", "_EVN": "even", "_ODD": "odd"}


def stack(path: Path, images: Any, *, space_group: int = 0, sections: int = 1) -> Path:
    """Write a tilt series; other programs than AreTomo and SerialEM may write MZ as the number of images."""
    intervals = (images.shape[2], images.shape[1], sections or images.shape[0])
    return foreign.mrc(path, images, 2.5, space_group=space_group, intervals=intervals)


def mdoc(path: Path, tilts: Sequence[float] = foreign.TILTS) -> Path:
    """Write SerialEM's notes of a tilt series."""
    text = "PixelSpacing = 2.5\nVoltage = 300\n\n"
    return foreign.put(path, text + "".join(f"[ZValue = {n}]\nTiltAngle = {tilt}\n\n" for n, tilt in enumerate(tilts)))


def aretomo(folder: Path, name: str, part: Part, number: int, **header: int) -> None:
    """`-OutDir` of AreTomo 3, after its source: sums, volumes, halves, spectra, alignment and the folder for IMOD."""
    for word, side in SIDES.items():
        stack(folder / f"{name}{word}.mrc", part(number, "tilts"), **header)
        foreign.mrc(folder / f"{name}{word}_Vol.mrc", part(number, side))
    foreign.mrc(folder / f"{name}_CTF.mrc", part(number)[:, :48, :48].copy(), 1.0)
    foreign.mrc(folder / f"{name}_2ND_Vol.mrc", part(number)[::2, ::2, ::2].copy(), 20.0)
    foreign.aln(folder / f"{name}.aln")
    foreign.put(folder / f"{name}_TLT.txt", "".join(f"{tilt:.2f} {n}\n" for n, tilt in enumerate(foreign.TILTS, 1)))
    rows = "".join(f"{n} 30000 29000 10 0 0.1 8\n" for n in range(1, len(foreign.TILTS) + 1))
    foreign.put(
        folder / f"{name}_CTF.txt", f"# Columns: #1 micrograph number; #2 - defocus 1 [A]; #3; #4; #5; #6; #7\n{rows}"
    )
    stack(folder / f"{name}_Imod/{name}_st.mrc", part(number, "tilts"), **header)
    foreign.angles(folder / f"{name}_Imod/{name}_st.tlt")
    foreign.put(folder / f"{name}_MC_GL.csv", "1,2\n")


def etomo(folder: Path, name: str, part: Part, number: int, *, new: bool, **header: int) -> None:
    """Folder of etomo: raw and aligned stacks, samples, the volume before and after trimming; old and new names."""
    series = part(number, "tilts")
    lying = np.rot90(part(number), -1, (0, 1)).copy()
    ending = "{}_{}.mrc" if new else "{}.{}"
    stack(folder / (f"{name}.mrc" if new else f"{name}.st"), series, **header)
    for kind in ("preali", "ali"):
        stack(folder / ending.format(name, kind), series, **header)
    foreign.mrc(folder / (f"{name}_full_rec.mrc" if new else f"{name}_full.rec"), lying)
    foreign.mrc(folder / ending.format(name, "rec"), part(number))
    for sample in ("top", "mid", "bot"):
        foreign.mrc(folder / ending.format(sample, "rec"), part(number)[:, :10].copy())
    stack(folder / f"{name}_3dfind_ali.mrc", series, **header)
    foreign.mrc(folder / f"{name}_3dfind_rec.mrc", part(number)[::2, ::2, ::2].copy(), 20.0)
    foreign.angles(folder / f"{name}.tlt")
    foreign.angles(folder / f"{name}.rawtlt")
    foreign.angles(folder / f"{name}_fid.tlt", [tilt + 0.4 for tilt in foreign.TILTS])
    foreign.put(
        folder / "tilt.com", f"$tilt -StandardInput\nInputProjections {name}.ali\nTILTFILE {name}.tlt\nTHICKNESS 48\n"
    )
    mdoc(folder / f"{name}.mrc.mdoc")


def warp(folder: Path, name: str, part: Part, number: int) -> None:
    """WarpTools: `warp_tiltseries` with reconstructions at two pixel sizes, halves, stacks, `tomostar`, mdocs."""
    made = folder / "warp_tiltseries"
    foreign.warp(made / f"{name}.xml", [-tilt for tilt in foreign.TILTS])
    foreign.mrc(made / f"reconstruction/{name}_10.00Apx.mrc", part(number))
    for side in ("even", "odd"):
        foreign.mrc(made / f"reconstruction/{side}/{name}_10.00Apx.mrc", part(number, side))
    foreign.mrc(made / f"reconstruction/ctf/{name}_10.00Apx.mrc", part(number))
    foreign.mrc(made / f"reconstruction/deconv/{name}_10.00Apx.mrc", part(number))
    foreign.mrc(made / f"reconstruction/{name}_20.00Apx.mrc", part(number)[::2, ::2, ::2].copy(), 20.0)
    foreign.put(made / f"reconstruction/{name}_10.00Apx.png", "a preview")
    stack(made / f"tiltstack/{name}/{name}.st", part(number, "tilts"))
    stack(made / f"tiltstack/{name}/{name}_aligned.mrc", part(number, "tilts"))
    foreign.angles(made / f"tiltstack/{name}/{name}.rawtlt")
    mdoc(folder / f"mdocs/{name}.mdoc")


def relion(folder: Path, names: Sequence[str], part: Part, *, full: bool) -> None:
    """RELION 5 project: tables of three jobs, tilt series, halves and, where asked for, full tomograms."""
    for number, name in enumerate(names, start=1):
        tomograms = folder / "Tomograms/job010/tomograms"
        for half, side in ((1, "even"), (2, "odd")):
            foreign.mrc(tomograms / f"rec_{name}_half{half}.mrc", part(number, side))
        if full:
            foreign.mrc(tomograms / f"rec_{name}.mrc", part(number))
        series = folder / f"Tomograms/job010/tilt_series/{name}.star"
        foreign.star(series, name, rlnTomoYTilt=foreign.TILTS, rlnDefocusU=[30000 + number] * len(foreign.TILTS))
        stack(folder / f"AlignTiltSeries/job005/external/{name}/{name}.mrc", part(number, "tilts"))
    listed = [f"Tomograms/job010/tilt_series/{name}.star" for name in names]
    columns = {"rlnTomoName": names, "rlnVoltage": [300] * len(names), "rlnTomoTiltSeriesStarFile": listed}
    foreign.star(folder / "Tomograms/job010/tomograms.star", "global", **columns)
