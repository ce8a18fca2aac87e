"""Several processes in one run folder: one leads and writes what the run leaves, the others come along."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from isonet.config import StepConfig
from isonet.errors import InputError
from isonet.io import files
from isonet.io.options import read_options
from isonet.running.run_record import LOCK_NAME
from isonet.running.runs import CONFIG_NAME, RECORD, Run, at_work, clear_abandoned, write_config
from isonet.running.signals import handled_by

log = logging.getLogger("isonet")
_MAY_DIFFER = {"tomo_idx", "device", "devices", "max_memory"}


@contextmanager
def start_together(
    folder: Path, command: str, config: StepConfig, inputs: Sequence[Path] = (), parts: Sequence[str] = ()
) -> Iterator[Run]:
    """Open a run folder for a step that several processes share, each of which calls this; see `runs.start`.

    The first one leads. It clears away what killed runs left, in the folder and in those of its subfolders that are in
    `parts`. Nobody may be there with other options, but for those that do not change the results.

    Raises
    ------
    InputError
        If another run is at work in the folder.
    RunError
        If the folder cannot be written to.
    """

    def alone() -> None:
        for part in (folder, *(folder / part for part in parts)):
            clear_abandoned(part)
        write_config(folder, config)

    made = files.missing(folder)
    try:
        with files.locked_together(folder / LOCK_NAME, alone) as leads:
            if not leads and not _same_work(folder, config):
                raise InputError(
                    f"{folder}: another run is at work there with other options; wait for it or choose another folder"
                )
            run = Run(folder, command, inputs=inputs, leads=leads)
            with files.removed_if_refused(made if leads else (), RECORD), at_work(run, command, config):
                yield run
    except BlockingIOError as error:
        whose = files.holder(folder / LOCK_NAME)
        raise InputError(
            f"{folder}: another run is at work there ({whose}); wait for it or choose another folder"
        ) from error


def _same_work(folder: Path, config: StepConfig) -> bool:
    """Tell whether whoever leads in a folder was asked for the same."""
    try:
        stored = read_options(folder / CONFIG_NAME)
    except InputError:
        return False
    asked = config.model_dump(mode="json")
    return (
        isinstance(stored, dict)
        and stored.keys() == asked.keys()
        and all(stored[name] == value for name, value in asked.items() if name not in _MAY_DIFFER)
    )


@contextmanager
def follow(folder: Path, command: str, max_time: float | None = None) -> Iterator[Run]:
    """Take part in a run that another process leads in everything: write nothing, say nothing."""
    run = Run(folder, command, max_time, leads=False)
    run.only_note_signals()
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        with handled_by(run.handle):
            yield run
    finally:
        log.setLevel(level)
