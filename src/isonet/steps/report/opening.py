"""Scripts that open corrected tomograms in other programs, and the commands to type."""

import logging
import shlex
from pathlib import Path

from isonet.config import OpenConfig, ReportConfig
from isonet.errors import InputError
from isonet.io import files
from isonet.io.formats import open_volume
from isonet.project.table import Tomogram
from isonet.steps.report.comparison import files_compared
from isonet.steps.report.data import CORRECTED, MASK, existing
from isonet.steps.report.sources import Sources, confidence_map, find_sources
from isonet.steps.report.training import input_column, trained_model
from isonet.steps.report.viewers import Scene, chimerax, napari
from isonet.volumes.products import output_paths
from isonet.volumes.source import contrast_sign, pooled_statistics

log = logging.getLogger("isonet")


def open_elsewhere(path: Path, config: OpenConfig) -> list[Path]:
    """Write scripts that show before, after, mask and confidence of corrected tomograms, and print how to run them.

    Parameters
    ----------
    path : Path
        Run folder of run, refine, predict or validate, or tomograms.star.
    config : OpenConfig
        Options.

    Returns
    -------
    list of Path
        For each tomogram a script for ChimeraX (.cxc) and one for napari (.py).

    Raises
    ------
    InputError
        If there is no table, nothing in it is corrected, or a file of that name is no such script.
    """
    sources = find_sources(path, ReportConfig(validation=config.validation))
    chosen = sources.project.selected(config.tomo_idx)
    shown = [one for one in chosen if existing(one, CORRECTED) is not None]
    if not shown:
        raise InputError(f"{sources.project.path}: no corrected tomogram to open; run 'isonet predict' first")
    column = input_column(trained_model(sources.runs.get("refine")))
    folder = sources.project.path.parent / "open" if config.output_dir is None else config.output_dir
    written = []
    for tomogram, plain in zip(shown, output_paths(shown, folder, "open"), strict=True):
        scene = _scene(tomogram, column, sources)
        for program, viewer, ending in (("chimerax", chimerax, ".cxc"), ("napari", napari, ".py")):
            script = plain.with_name(plain.name.removesuffix("_open.mrc") + ending)
            _write(script, viewer.script(scene), viewer.MARK)
            print(shlex.join([program, str(script)]))
            written.append(script)
    return written


def _scene(tomogram: Tomogram, column: str, sources: Sources) -> Scene:
    """Take what belongs to a corrected tomogram."""
    before, after = (open_volume(path) for path in files_compared(tomogram, column).values() if path is not None)
    mean, std = pooled_statistics([after])
    return Scene(
        name=tomogram.name,
        before=before.path,
        after=after.path,
        mask=existing(tomogram, MASK),
        confidence=confidence_map(tomogram, sources),
        shape=after.shape,
        pixel_size=tomogram.number("rlnPixelSize") or before.header.pixel_size or 1.0,
        sign=contrast_sign(tomogram, [before]),
        mean=mean,
        std=std,
    )


def _write(path: Path, text: str, mark: str) -> None:
    """Write a script, but not over a file that is none."""
    if path.exists() and mark not in path.read_text(encoding="utf-8", errors="replace").partition("\n")[0]:
        raise InputError(f"{path}: exists and is no script of isonet open; move it away or choose another --output-dir")
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, text)
