"""Refine in its run folder, on as many processes as it is told, as the command line calls it."""

from contextlib import AbstractContextManager
from pathlib import Path

from isonet.config import RefineConfig
from isonet.errors import InputError, LostProcessError, RunError
from isonet.models.folder import holds_run, move_aside, refuse_existing
from isonet.project.table import Project
from isonet.running.companions import follow
from isonet.running.devices import take_device
from isonet.running.processes import together
from isonet.running.runs import Run, start
from isonet.running.world import current
from isonet.steps.refine.continuing import continued
from isonet.steps.refine.method import settled
from isonet.steps.refine.step import how_to_continue, refine
from isonet.steps.refine.subvolumes.files import with_sizes_of
from isonet.train.engine import gathered
from isonet.train.meeting import NotMetError
from isonet.train.team import ConnectionLostError, Team


def refine_in_folder(star: Path | None, config: RefineConfig) -> tuple[Project, bool]:
    """Start a refine in `config.output_dir`, or go on with the one in `config.continue_from`.

    Returns
    -------
    project, stopped_early
        The table, and whether `max_time` ended the training before its last iteration.

    Raises
    ------
    InputError
        If no table is given, or the folder holds a run already.
    """
    return _begun(star, config, is_part=False)


def refine_as_part(star: Path, config: RefineConfig) -> tuple[Project, bool]:
    """As :func:`refine_in_folder`, for a command that goes on with it when it is given again."""
    return _begun(star, config, is_part=True)


def _begun(star: Path | None, config: RefineConfig, *, is_part: bool) -> tuple[Project, bool]:
    given = config
    if config.continue_from is not None:
        table, config = continued(config)
        star = star or table
    elif star is None:
        raise InputError("refine needs a table of tomograms: isonet refine tomograms.star")
    else:
        project = Project.read(star, subvolumes=True)
        config = settled(project, with_sizes_of(project, config))
        if config.phase_flipped and config.method != "tailored" and not is_part:
            raise InputError("--phase-flipped: only --method tailored asks for it; leave it out")
    return together(given, config, _refine, star, config, is_part)


def _refine(star: Path, config: RefineConfig, is_part: bool) -> tuple[Project, bool]:
    """Train as one of the processes that :func:`isonet.running.world.current` tells of."""
    here = current()
    team = Team(here.rank, here.size, here.local_size, here.address, here.port, here.kin, here.remedy)
    project = Project.read(star, subvolumes=True)
    device = take_device(config.device)
    try:
        with gathered(team, device), _in_run_folder(star, config, team) as run:
            run.is_part = is_part
            try:
                return refine(project, config, run, device, team), run.stopped_early
            except ConnectionLostError as error:
                raise LostProcessError(f"{error}; {how_to_continue(run)}") from error
    except NotMetError as error:
        raise RunError(str(error)) from error


def _in_run_folder(star: Path, config: RefineConfig, team: Team) -> AbstractContextManager[Run]:
    """Open the run folder, which process 0 writes to and the others follow."""
    if not team.first:
        return follow(config.output_dir, "refine", config.max_time)
    if config.continue_from is None:
        if config.overwrite and holds_run(config.output_dir):
            move_aside(config.output_dir.resolve())
        refuse_existing(config.output_dir)
    return start(config.output_dir, "refine", config, config.max_time, (star,))
