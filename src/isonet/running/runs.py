"""Run folders: what a step was asked, what it said, how far it is, what it took, and how it ended.

Every run folder holds `config.yaml`, `run.log`, `status.json` and `metrics.jsonl`. Signals end a run in good order.
"""

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

import yaml

from isonet import __version__
from isonet.config import StepConfig
from isonet.errors import InputError, RunError
from isonet.io import files
from isonet.io.files import write_json, write_text
from isonet.running.console import Warned, collected, duration_text, logging_to, progress_bar
from isonet.running.run_record import LOCK_NAME, METRICS_NAME, STATUS_NAME, earlier_runs, peak_memory, read_metrics
from isonet.running.signals import Interruption, handled_by

log = logging.getLogger("isonet")
_SECONDS_BETWEEN_LINES = 30.0
CONFIG_NAME = "config.yaml"
_LOG_NAME = "run.log"
RECORD = (CONFIG_NAME, LOCK_NAME, _LOG_NAME, METRICS_NAME, STATUS_NAME)
"""Files that every run leaves, whatever it was asked."""
_PROGRESS = ("doing", "done", "total", "seconds_left")
PREVIEWS = "previews"


class Run:
    """One step at work in its run folder; made by :func:`start`.

    Attributes
    ----------
    folder : Path
        The run folder.
    stopped_early : bool
        Set by a step that ran out of time and can be continued.
    warned : Warned
        What it has warned of.
    is_part : bool
        Set by a step that is part of a command which goes on with it when it is given again.
    leads : bool
        Whether this process writes what the run leaves; the others that work in the folder leave it to that one.
    """

    def __init__(
        self,
        folder: Path,
        command: str,
        max_time: float | None = None,
        inputs: Sequence[Path] = (),
        *,
        leads: bool = True,
    ) -> None:
        self.folder = folder
        self.leads = leads
        self.stopped_early = self.is_part = False
        self._began = time.monotonic()
        self._status: dict[str, Any] = {
            "command": command,
            "inputs": [str(path) for path in inputs],
            "working_folder": str(Path.cwd()),
            "version": __version__,
            "pid": os.getpid(),
            "started": _now(),
            "earlier": earlier_runs(folder, command),
        }
        self._deadline = None if max_time is None else time.monotonic() + max_time
        self._deferring = self._only_notes = False
        self._signal: int | None = None
        self.warned = Warned()

    @property
    def metrics_path(self) -> Path:
        """One JSON object per line: the numbers of the run."""
        return self.folder / METRICS_NAME

    def status(self, **values: object) -> None:
        """Write `status.json` anew with these values changed, the time taken and the peak of the memory so far."""
        if not self.leads:
            return
        seconds = round(time.monotonic() - self._began, 1)
        measured = {"updated": _now(), "seconds": seconds, "peak_memory": peak_memory()}
        self._status.update(values, **measured, warnings=self.warned.kept)
        write_json(self.folder / STATUS_NAME, self._status)

    def metric(self, **values: object) -> None:
        """Append a line to `metrics.jsonl`."""
        if not self.leads:
            return
        try:
            with self.metrics_path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")
        except OSError as error:
            raise RunError(f"{self.metrics_path}: cannot be written ({error.strerror}); free some space") from error

    def keep_metrics(self, wanted: Callable[[dict[str, Any]], bool]) -> None:
        """Drop the lines of `metrics.jsonl` that a continued run will write again."""
        if not self.leads:
            return
        kept = [line for line in self.metrics() if wanted(line)]
        write_text(self.metrics_path, "".join(json.dumps(line) + "\n" for line in kept))

    def metrics(self) -> list[dict[str, Any]]:
        """Read the lines of `metrics.jsonl` so far."""
        return read_metrics(self.folder)

    def out_of_time(self) -> bool:
        """Tell whether the time the user gave is over."""
        return self._deadline is not None and time.monotonic() >= self._deadline

    @contextmanager
    def deferred_signals(self) -> Iterator[None]:
        """Note signals instead of raising them at once: a second one, and the end of the block, raise."""
        self._deferring = True
        try:
            yield
        finally:
            self._deferring = self._only_notes
        if self._signal is not None and not self._only_notes:  # came after it was last asked for
            raise Interruption(self._signal)

    @property
    def interrupted(self) -> Interruption | None:
        """The signal that came while signals were deferred."""
        return None if self._signal is None else Interruption(self._signal)

    def only_note_signals(self) -> None:
        """Defer the first signal to the end, for the others of the run are to stop at the same time."""
        self._deferring = self._only_notes = True

    def take_signal(self, number: int) -> None:
        """Take note of a signal that another process of the run got."""
        self._signal = number

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """Signal handler: defer the first signal if asked to, else raise `Interruption`."""
        first = self._signal is None
        self._signal = number
        if not (self._deferring and first):
            raise Interruption(number)

    @contextmanager
    def progress(self, description: str, total: int) -> Iterator[Callable[[], None]]:
        """Show progress: a bar with ETA on a terminal, a line now and then in a log; `status.json` follows.

        At the end `status.json` no longer tells of it, for what comes next is something else; where it ends early it
        keeps what was being done.

        Yields
        ------
        callable
            To be called once for each of `total` items done.
        """
        started = last = time.monotonic()
        done = 0
        self.status(doing=description, done=done, total=total, seconds_left=None)
        bar = progress_bar() if self.leads and sys.stderr.isatty() else None
        task = bar.add_task(description, total=total) if bar else None

        def advance() -> None:
            nonlocal done, last
            done += 1
            if bar is not None and task is not None:
                bar.advance(task)
            if time.monotonic() - last >= _SECONDS_BETWEEN_LINES or done == total:
                last = time.monotonic()
                left = (last - started) / done * (total - done)
                self.status(doing=description, done=done, total=total, seconds_left=round(left))
                if bar is None and done < total:
                    log.info("%s: %d of %d, %s left", description, done, total, duration_text(left))

        with bar or nullcontext():
            yield advance
        for name in _PROGRESS:
            self._status.pop(name, None)
        self.status()


@contextmanager
def start(
    folder: Path, command: str, config: StepConfig, max_time: float | None = None, inputs: Sequence[Path] = ()
) -> Iterator[Run]:
    """Open a run folder for one step and record how it ends.

    Parameters
    ----------
    folder : Path
        Made if it does not exist; gone again where the input is refused before there is more than the record.
    command : str
        Name of the step.
    config : StepConfig
        Written to `config.yaml`.
    max_time : float, optional
        Seconds after which `Run.out_of_time` holds.
    inputs : sequence of Path
        Arguments of the command before its options, for the record.

    Raises
    ------
    InputError
        If another run is at work in the folder.
    RunError
        If the folder cannot be written to.
    """
    run, made = Run(folder, command, max_time, inputs), files.missing(folder)
    with locked(folder), files.removed_if_refused(made, RECORD):
        write_config(folder, config)
        with at_work(run, command, config):
            yield run


def write_config(folder: Path, config: StepConfig) -> None:
    """Write what a step is asked into its run folder."""
    write_text(folder / CONFIG_NAME, yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False))


@contextmanager
def at_work(run: Run, command: str, config: StepConfig) -> Iterator[None]:
    """Record in the run folder, whose lock is held, what is asked, what is said and how it ends."""
    with logging_to(run.folder / _LOG_NAME), collected() as run.warned:
        try:
            with handled_by(run.handle):
                run.status(state="running")
                log.debug("%s %s", command, config.model_dump(mode="json", exclude_defaults=True))
                yield
        except Interruption as stop:
            run.status(state="interrupted", reason=str(stop))
            log.debug("%s", stop)  # whoever began the command says it
            raise
        except BaseException as error:
            log.debug("%s failed", command, exc_info=True)
            _try_status(run, state="failed", reason=" ".join(str(error).split()) or type(error).__name__)
            raise
        run.status(state="stopped" if run.stopped_early else "finished")


def _try_status(run: Run, **values: object) -> None:
    """Write the status if the disk lets us: the error that is under way matters more."""
    try:
        run.status(**values)
    except RunError as error:
        log.warning("%s", error)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run folder's lock, so that no other run works in it, and clear away what killed runs half wrote.

    Raises
    ------
    InputError
        If another run is at work there.
    RunError
        If the folder cannot be written to.
    """
    try:
        with files.locked(folder / LOCK_NAME, wait=False):
            clear_abandoned(folder)
            yield
    except BlockingIOError as error:
        whose = files.holder(folder / LOCK_NAME)
        raise InputError(
            f"{folder}: another run is at work there ({whose}); wait for it or choose another folder"
        ) from error


def clear_abandoned(folder: Path) -> None:
    """Remove what killed runs half wrote into a folder; only for who holds the lock of the run it belongs to."""
    for part in (folder, folder / PREVIEWS):
        for abandoned in part.glob(files.TEMPORARY):
            files.discard(abandoned)


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="seconds")
