"""Make masks: where sub-volumes may be centred, one file per tomogram."""

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isonet.config import MaskConfig
from isonet.core.masks.region import Region
from isonet.core.masks.slab import Slab
from isonet.errors import InputError
from isonet.io import blocks, star
from isonet.io.files import refuse_read_only
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.io.volume_files import EXTENSIONS, title
from isonet.project.places import warn_of_turned
from isonet.project.table import Project, Tomogram
from isonet.running.companions import start_together
from isonet.running.memory import with_its_share, within_limit
from isonet.running.processes import side_by_side
from isonet.running.runs import PREVIEWS, Run
from isonet.running.sharing import nobodys
from isonet.steps.mask.areas import BOUNDARY_EXTENSIONS, boundary_text, read_areas
from isonet.steps.mask.content import Content, ContentOptions, write_content, write_mask
from isonet.steps.mask.given import belonging, check_shared
from isonet.steps.mask.gold import list_of_beads, lost_list, of_no_list, without_beads
from isonet.steps.mask.preview import save_outline
from isonet.steps.mask.room import Steps
from isonet.volumes.beads import BEADS_COLUMN, read_list
from isonet.volumes.masks import KIND, MASK_COLUMN, ExistingMask, is_foreign, warn_of_other_extent
from isonet.volumes.pixel_size import corrected_size, header_for, pixel_size, pixel_size_in_table
from isonet.volumes.products import made_before, output_paths, product_label
from isonet.volumes.source import Source, choose_column, open_source

log = logging.getLogger("isonet")
DENSITY_COLUMN, DEVIATION_COLUMN = "rlnMaskDensityPercentage", "rlnMaskStdPercentage"
BOUNDARY_COLUMN = "rlnMaskBoundary"
_DEFAULT_PERCENTAGE = 50.0
_FEW, _MANY = 0.05, 0.95


@dataclass(frozen=True)
class Plan:
    """What is to be made for one tomogram.

    Attributes
    ----------
    source : Source
        Its voxels.
    content : Content
        How its density is found.
    region : Region
        Crops and areas.
    existing : Path or None
        Mask that takes the place of the density.
    boundary : Path or None
        File with the areas, where an option names it.
    slab : bool
        Whether to look for the lamella.
    beads : Path or None
        File that lists the gold beads, or will; None where they stay.
    """

    source: Source
    content: Content
    region: Region
    existing: Path | None
    boundary: Path | None
    slab: bool
    beads: Path | None

    @property
    def label(self) -> str:
        """Text that tells which input, options and beads the mask was made from: those listed, as a user edits them."""
        listed = read_list(self.beads) if self.beads is not None and self.beads.exists() else ()
        inputs = [self.source.volume.path, *([self.existing] if self.existing else [])]
        options = self.content.options
        asked = (options.density, options.deviation, options.patch, self.region, self.slab, self.beads is not None)
        corrected = corrected_size(self.source.tomogram, self.source.volume)
        told = (asked, *self.source.normalization.in_words, *corrected, *listed)
        return product_label(KIND, inputs, told, inputs[:1])


def mask_in_folder(star: Path, config: MaskConfig) -> Project:
    """Make masks for the tomograms of a table in `config.output_dir`."""
    return side_by_side(config, _mask, star, config)


def _mask(star: Path, config: MaskConfig) -> Project:
    project = Project.read(star)
    refuse_read_only(project.path)
    with start_together(config.output_dir, "mask", config, inputs=(star,)) as run:
        return mask(project, with_its_share(config), run)


def mask(project: Project, config: MaskConfig, run: Run) -> Project:
    """Make a mask for each tomogram of a table.

    Parameters
    ----------
    project : Project
        The table.
    config : MaskConfig
        Options.
    run : Run
        The run folder.

    Returns
    -------
    Project
        With `rlnMaskName` and what it was made with filled in, also on disk after each tomogram.

    Raises
    ------
    InputError
        If a tomogram, boundary or mask cannot be used.
    RunError
        If the result cannot be written.
    """
    chosen = project.selected(config.tomo_idx)
    column = choose_column(chosen, config.input_column)
    for tomogram in chosen:
        open_volume(tomogram.file(column))  # before the first one is masked: the file of any may not be whole
    if config.crop_z:
        log.info("%g %% of the sections are left out at each end of z", 100 * config.crop_z)
    check_shared(config.existing, "--existing", project, chosen)
    check_shared(config.boundary, "--boundary", project, chosen)
    for tomogram, path in nobodys(chosen, output_paths(chosen, config.output_dir, KIND)):
        if not config.overwrite and is_foreign(tomogram):
            log.warning(
                "%s: mask of tomogram %s, not made by this program, is kept, and no gold is sought; add --overwrite to "
                "make another, with --existing %s to keep what it holds and leave gold out",
                *(tomogram.file(MASK_COLUMN), tomogram.index, tomogram.file(MASK_COLUMN)),
            )
            continue
        lost = lost_list(tomogram)
        plan = _plan(tomogram, project, column, config, list_of_beads(tomogram, path))
        if not made_before(path, plan.label, overwrite=config.overwrite) or lost:
            _make(plan, path, run)
        project.recorded(tomogram.index, **_entries(project, plan, path))
    return Project.read(project.path)


def _plan(tomogram: Tomogram, project: Project, column: str, config: MaskConfig, listed: Path) -> Plan:
    """Read all that decides what a mask will be, whose beads are in a list or will be."""
    source = open_source(of_no_list(tomogram), column)
    volume = source.volume
    boundary = given = belonging(config.boundary, tomogram, project, BOUNDARY_EXTENSIONS)
    if boundary is None and tomogram.text(BOUNDARY_COLUMN) is not None:
        boundary = tomogram.file(BOUNDARY_COLUMN)
    if boundary is not None:
        warn_of_turned(boundary, tomogram)
    areas = () if boundary is None else read_areas(boundary, volume, pixel_size(tomogram, volume))
    region = Region(volume.shape, (config.crop_z, config.crop_y, config.crop_x), areas)
    patch = round(config.patch_size / 2)
    with within_limit(volume.path, config.max_memory) as memory:
        steps = Steps.fitting(volume.shape, patch, memory)
    options = ContentOptions(
        _percentage(config.density_percentage, tomogram, DENSITY_COLUMN),
        _percentage(config.std_percentage, tomogram, DEVIATION_COLUMN),
        patch,
        memory,
    )
    existing = belonging(config.existing, tomogram, project, EXTENSIONS)
    if existing is not None:
        warn_of_turned(existing, tomogram)
    beads = listed if config.beads else None
    return Plan(source, Content(source, options, steps), region, existing, given, config.slab, beads)


def _percentage(asked: float | None, tomogram: Tomogram, column: str) -> float:
    """Percentage of voxels to keep: as asked, as in the table, or the default."""
    value = asked if asked is not None else tomogram.number(column)
    if value is None:
        return _DEFAULT_PERCENTAGE
    if not 0 < value <= 100:
        raise InputError(f"{tomogram.table}: {column} of tomogram {tomogram.index} is {value:g}; give 0 to 100")
    return value


def _make(plan: Plan, path: Path, run: Run) -> None:
    """Make one mask with its preview and say what it keeps."""
    if plan.beads is not None:
        source = without_beads(plan.source, plan.beads)
        plan = replace(plan, source=source, content=Content(source, plan.content.options, plan.content.steps))
    volume, content, region = plan.source.volume, plan.content, plan.region
    existing = None
    if plan.existing is not None:
        warn_of_other_extent(plan.existing, plan.source.tomogram, volume)
        existing = ExistingMask(plan.existing, volume.shape, volume.path)
    header = header_for(volume, pixel_size_in_table(plan.source.tomogram), plan.label)
    total = content.passes(looks=existing is None)
    with (
        run.progress(f"mask {plan.source.tomogram.name}", total) as advance,
        blocks.create(path, volume.shape, header, np.int8) as target,
    ):
        if existing is not None:
            kept = write_mask(content, existing.sections, region, target, advance)
        else:
            region, kept = write_content(content, region, plan.slab, target, path.parent, advance)
        if not kept:
            raise InputError(f"{volume.path}: nothing is left to keep; crop less, or mend --boundary or --existing")
    if plan.slab:
        _comment_on_slab(region.slab, volume)
    _comment_on_fraction(kept, path, region, given=plan.existing)
    made = open_volume(path)
    picture = path.parent / PREVIEWS / f"{plan.source.tomogram.name}.png"
    save_outline(picture, volume, made, f"{plan.source.tomogram.name}: {100 * kept:.1f} % of the voxels kept")


def _comment_on_slab(slab: Slab | None, volume: Volume) -> None:
    depth, height, width = volume.shape
    if slab is None:
        log.warning(
            "%s: no slab stands out against what is above and below; all sections stay, use --crop-z",
            title(volume.path),
        )
        return
    low, high = (a + b * width / 2 + c * height / 2 for a, b, c in (slab.bottom, slab.top))
    log.info(
        "%s: slab from z = %.0f to %.0f of %d in the middle, tilted by %.1f degrees along x, %.1f along y",
        title(volume.path),
        low,
        high,
        depth,
        *slab.tilt,
    )


def _comment_on_fraction(kept: float, path: Path, region: Region, *, given: Path | None) -> None:
    """Say how much a mask keeps, and what to do where that is little or nearly all; of one `given`, to look at it."""
    drawn = f", {boundary_text(region.areas)}" if region.areas else ""
    log.info("%s: %.1f %% of the voxels kept%s", path, 100 * kept, drawn)
    if given is not None:
        if not _FEW <= kept <= _MANY:
            log.warning("%s: %.1f %% kept, as %s says; look at it", path, 100 * kept, given)
    elif kept < _FEW:
        log.warning(
            "%s: only %.1f %% kept; raise --density-percentage and --std-percentage, crop less or widen the boundary",
            path,
            100 * kept,
        )
    elif kept > _MANY:
        log.warning(
            "%s: %.1f %% kept; lower --density-percentage or --std-percentage to leave ice out", path, 100 * kept
        )


def _entries(project: Project, plan: Plan, path: Path) -> dict[str, str]:
    """Columns to write back."""
    entries = {
        MASK_COLUMN: project.entry(path),
        BEADS_COLUMN: project.entry(plan.beads) if plan.beads is not None and plan.beads.exists() else star.MISSING,
    }
    if plan.existing is None:
        options = plan.content.options
        entries |= {DENSITY_COLUMN: f"{options.density:g}", DEVIATION_COLUMN: f"{options.deviation:g}"}
    return entries if plan.boundary is None else entries | {BOUNDARY_COLUMN: project.entry(plan.boundary)}
