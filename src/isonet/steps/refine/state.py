"""What a refine run writes while it trains: models, and the trainer's state and where it is."""

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from isonet.errors import InputError
from isonet.io import checkpoint
from isonet.models.folder import MODEL_NAME, STATE_NAME, model_name
from isonet.steps.refine.pace import Amount
from isonet.train.fit import Trainer

log = logging.getLogger("isonet")


@dataclass
class Position:
    """Where in a run training is: `step` steps of an epoch are done, `epoch` epochs of an iteration.

    Attributes
    ----------
    iteration : int
        Counted from 1.
    epoch, step : int
        Finished epochs of the iteration and finished steps of the epoch.
    loss_sum : float
        Sum of the losses of the epoch's finished steps.
    amount : Amount, optional
        What the iteration does; None before that is decided.
    budget : float, optional
        Time budget in seconds that the number of iterations was fitted to.
    taken : int
        Training steps since the run began.
    seconds : float
        Time spent in the run so far.
    slowed : float
        Factor of the learning rate: halved whenever the training had to step back.
    usual_rate : float, optional
        Highest learning rate unless another one is asked for; runs begun before it was kept do not say.
    """

    iteration: int = 1
    epoch: int = 0
    step: int = 0
    loss_sum: float = 0.0
    amount: Amount | None = None
    budget: float | None = None
    taken: int = 0
    seconds: float = 0.0
    slowed: float = 1.0
    usual_rate: float | None = None

    @property
    def fraction(self) -> float:
        """How much of the run is done, 0 to 1."""
        if self.amount is None:
            return 0.0
        part = (self.epoch + self.step / self.amount.steps) / self.amount.epochs
        return self.amount.begins + part * (self.amount.ends - self.amount.begins)

    def comes_after(self, metric: Mapping[str, Any]) -> bool:
        """Tell whether a line of metrics was written before this position was reached."""
        epoch = metric.get("epoch")
        if epoch is None:
            return bool(metric["iteration"] < self.iteration)
        return bool((metric["iteration"], epoch) <= (self.iteration, self.epoch))


@dataclass(frozen=True)
class RunFiles:
    """Models and trainer state of one run folder.

    Attributes
    ----------
    folder : Path
        The run folder.
    about : mapping
        Description written into every model.
    table : Path
        The table of tomograms, for continuing.
    """

    folder: Path
    about: Mapping[str, Any]
    table: Path

    def save_model(self, trainer: Trainer, iteration: int, finished: bool = True) -> None:
        """Write the network as `model.safetensors`, and under its iteration's name if that is finished.

        Iteration 0, what training starts from, is no result and gets only its own name.
        """
        about = {**self.about, "iteration": iteration, "iteration_finished": finished}
        if finished:
            checkpoint.save_model(self.folder / model_name(iteration), trainer.weights(), about)
        if iteration > 0:
            checkpoint.save_model(self.folder / MODEL_NAME, trainer.weights(), about)

    def save_state(self, trainer: Trainer, position: Position) -> None:
        """Write what a continued run needs."""
        table, folder = self.table.resolve(), self.folder.resolve()
        state = {**trainer.state(), "position": asdict(position), "table": str(table)}
        state["about"] = json.loads(json.dumps(self.about))
        if folder.is_relative_to(table.parent):
            state["table_from_here"] = os.path.relpath(table, folder)
        checkpoint.save_state(self.folder / STATE_NAME, state)

    def resume(self, trainer: Trainer) -> Position:
        """Bring a trainer to the last saved state, which process 0 reads, and return where that is."""
        path = self.folder / STATE_NAME
        state = trainer.team.agreed(lambda: checkpoint.load_state(path))
        try:
            trainer.restore(state)
            stored = dict(state["position"])
            amount = stored.pop("amount")
            return Position(**stored, amount=None if amount is None else Amount(**amount))
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise InputError(f"{path}: not the state of this run; start again in another folder") from error

    def prune(self, iteration: int, keep: int) -> None:
        """Remove the models of iterations before the last `keep`."""
        for old in range(iteration - keep, 0, -1):
            (self.folder / model_name(old)).unlink(missing_ok=True)


def table_of(folder: Path) -> Path:
    """Return the table of the run in a folder: where it lies from there, so that a copy of a project is about itself.

    Where there is none it is the one that the run began with, with a warning.

    Raises
    ------
    InputError
        If there is no run to continue.
    """
    state = checkpoint.load_state(folder / STATE_NAME)
    table = Path(str(state.get("table")))
    if "table_from_here" not in state:
        return table
    near = (folder / str(state["table_from_here"])).resolve()
    if near.exists():
        return near
    text = "%s: there is no %s, which its run had; goes on with %s, name the table if it moved"
    log.warning(text, folder, near, table)
    return table
