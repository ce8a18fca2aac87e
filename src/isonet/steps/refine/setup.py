"""What a refine begins with: method, training set, network and trainer, anew or as a run left them."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch

from isonet.config import RefineConfig
from isonet.core.simulation.recording import Recording
from isonet.errors import InputError
from isonet.io.text import counted
from isonet.models.first_network import FirstNetwork, first_network
from isonet.project.table import HALF_COLUMNS, Project
from isonet.running.forecast import fit_memory, refine_writes, refuse_full_disk
from isonet.running.runs import Run
from isonet.steps.prepare import warn_of_other_wedge, warn_of_other_wedge_of_cubes
from isonet.steps.refine.method import of_data
from isonet.steps.refine.model_record import describe, describe_tailored, gone_on_with
from isonet.steps.refine.pace import Costs, most_drawn
from isonet.steps.refine.state import Position, RunFiles
from isonet.steps.refine.subvolumes.files import input_of, open_subvolume_files
from isonet.steps.refine.subvolumes.samples import Samples
from isonet.steps.refine.subvolumes.tomograms import open_training_set
from isonet.steps.simulate import recordings_of
from isonet.train.evaluate import Evaluator
from isonet.train.fit import Trainer, TrainerOptions
from isonet.train.hardware.precision import choose_precision, reason_of_precision
from isonet.train.hardware.versions import warning
from isonet.train.network.kernel_length import shorten_kernels
from isonet.train.network.unet import UNet, UNetShape, initialize, parameter_count
from isonet.train.optimizer import OptimizerName
from isonet.train.pairs import Method, Recipe
from isonet.train.simulated import TailoredPairs
from isonet.train.team import Team
from isonet.volumes.masks import tell_of_foreign
from isonet.volumes.source import choose_column

log = logging.getLogger("isonet")
_FROM_A_MODEL = 0.1  # of the usual learning rate: larger steps would first make worse what it has learnt of tomograms
_TAILORED_RATE = 1e-3  # keeps what the starter knows
_SAVING = 10.0  # seconds of training for each second of saving, at least
LEARNING_RATES: Mapping[OptimizerName, float] = {"muon": 5e-3, "adamw": 4e-4}
WEDGE_WEIGHTS: Mapping[Method, float] = {"isonet": 1.0, "noise2noise": 3.0, "denoise": 1.0}


@dataclass
class Refinement:
    """A refine run at work.

    Attributes
    ----------
    config : RefineConfig
        Options.
    method : str
        How pairs are made of the data.
    imagined : TailoredPairs, optional
        Pairs to train on in place of those of the data.
    training : sequence of Samples
        What sub-volumes come from.
    device : torch.device
        Where to train.
    run : Run
        The run folder.
    files : RunFiles
        Models and state in it.
    shape : UNetShape
        The network.
    trainer : Trainer
        The network in training.
    position : Position
        Where in the run training is.
    costs : Costs
        What work has taken so far.
    team : Team
        Processes that train together.
    clock : float
        When the time in `position` was last brought up to date.
    saved, saving : float
        When the state was last written, and the seconds that took.
    """

    config: RefineConfig
    method: Method
    imagined: TailoredPairs | None
    training: Sequence[Samples]
    device: torch.device
    run: Run
    files: RunFiles
    shape: UNetShape
    trainer: Trainer
    position: Position
    costs: Costs
    team: Team
    clock: float = field(default_factory=time.monotonic)
    saved: float = field(default_factory=time.monotonic)
    saving: float = 0.0

    def save(self) -> None:
        """Write the state of the trainer, with the time it took to get there."""
        self.keep_time()
        if self.team.first:
            began = time.monotonic()
            self.files.save_state(self.trainer, self.position)
            self.saved = time.monotonic()
            self.saving = self.saved - began

    @property
    def worth_saving(self) -> bool:
        """Whether saving now keeps within a tenth of the time."""
        return time.monotonic() - self.saved >= _SAVING * self.saving

    def keep_time(self) -> None:
        """Add the time since this was last called to the run's."""
        now = time.monotonic()
        self.position.seconds += now - self.clock
        self.clock = now

    @property
    def subvolumes(self) -> int:
        """Sub-volumes of an epoch, if all that are asked for are drawn."""
        return sum(one.count for one in self.training)

    @property
    def peak_rate(self) -> float:
        """Highest learning rate."""
        rate = self.config.learning_rate or self.position.usual_rate or _rate_before_it_was_kept(self.config)
        return rate * self.position.slowed

    def recipe(self, iteration: int) -> Recipe:
        """How the pairs of an iteration are made."""
        config = self.config
        weight = WEDGE_WEIGHTS[self.method] if config.wedge_weight is None else config.wedge_weight
        noise = config.noise_level_at(iteration) if self.method == "isonet" else 0.0
        return Recipe(self.method, config.cube_size, weight, config.random_rotations, noise)

    def evaluator(self, weights: Mapping[str, torch.Tensor]) -> Evaluator:
        """Return the network with other weights, to evaluate."""
        network = UNet(self.shape)
        network.load_state_dict(weights)
        return Evaluator(network, self.device, self.config.precision)


def begin(project: Project, config: RefineConfig, run: Run, device: torch.device, team: Team) -> Refinement:
    """Open the training set and make the network and its trainer, anew or as the run left them.

    What is tailored to the tomograms is trained on imagined samples; then their own are only looked at.

    Raises
    ------
    InputError
        If the tomograms, the options or the model to start from cannot be used.
    """
    began, tailored = time.monotonic(), config.method == "tailored"
    method, column, training = _open_training(project, config, device)
    looked_at = project.selected(config.tomo_idx) if tailored else ()
    how = {"halves": config.input_column != "full", "flipped": config.phase_flipped, "aloud": team.first}
    recordings = recordings_of(looked_at, **how) if looked_at else []
    first = first_network(config, method, device, run.folder)
    _check_sizes(config, first.shape)
    subvolume = 4 * Recipe(method, config.cube_size).maps * config.subvolume_size**3
    filled = 0 if tailored else subvolume * most_drawn(config, sum(one.count for one in training))
    (parts,) = team.largest(fit_memory(config, first.shape, filled, device, team))
    if team.first and config.continue_from is None:
        remedy = "free some space, give a smaller --keep-models or another --output-dir"
        refuse_full_disk(run.folder, refine_writes(first.shape, config), remedy)
    network = UNet(first.shape)
    if first.weights is None:
        torch.manual_seed(config.seed)
        initialize(network, config.initialization)
    else:
        network.load_state_dict(first.weights)
        if first.learns_freely and not tailored:
            shorten_kernels(network)
    options = TrainerOptions(
        exponent=2 if tailored else Recipe(method, config.cube_size).exponent,
        optimizer=config.optimizer,
        weight_decay=config.weight_decay,
        clip=config.clip_gradient,
        averaging=config.weight_averaging,
        accumulate=parts,
        batch_statistics_until=0 if tailored else None,
    )
    trainer = Trainer(network, device, config.precision, options, team)
    if tailored:
        about = describe_tailored(first.shape, column, training, recordings, config, first.about)
    else:
        about = describe(first.shape, method, column, training, config, first.about) if team.first else {}
    if config.continue_from is not None and team.first:
        about = gone_on_with(run.folder, about, project.path)
    files = RunFiles(run.folder, about, project.path)
    position = Position(usual_rate=_usual_rate(config, first))
    if config.continue_from is not None:
        position = files.resume(trainer)
    elif team.first:
        if first.weights is not None:
            files.save_model(trainer, iteration=0)
        files.save_state(trainer, position)
    run.keep_metrics(position.comes_after)
    made = Refinement(
        *(config, method, _imagined(config, recordings), training, device, run, files, first.shape, trainer, position),
        *(Costs(), team, began),
    )
    _introduce(made, first)
    return made


def _imagined(config: RefineConfig, recordings: Sequence[Recording]) -> TailoredPairs | None:
    """Imagined samples shown as tomograms were recorded; None where the data themselves are learnt from."""
    if not recordings:
        return None
    weight = 1.0 if config.wedge_weight is None else config.wedge_weight
    return TailoredPairs((), config.cube_size, config.batch_size, weight, config.seed, recordings)


def _usual_rate(config: RefineConfig, first: FirstNetwork) -> float:
    """Highest learning rate unless another one is asked for."""
    if config.method == "tailored":
        return _TAILORED_RATE
    return LEARNING_RATES[config.optimizer] * (1.0 if first.learns_freely else _FROM_A_MODEL)


def _open_training(
    project: Project, config: RefineConfig, device: torch.device
) -> tuple[Method, str, Sequence[Samples]]:
    """Resolve the method, name the column trained on, as the model records it, and open what sub-volumes come from."""
    if config.subvolume_size < config.cube_size:
        raise InputError(f"--crop-size {config.crop_size} is smaller than --cube-size, {config.cube_size}; give both")
    rows = project.selected(config.tomo_idx)
    if project.holds_subvolumes:
        if config.method not in ("auto", "isonet"):
            needed = "whole tomograms" if config.method in ("tailored", "recorrupted") else "halves"
            raise InputError(
                f"--method {config.method}: needs {needed}, {project.path} has sub-volumes of one map; leave it out"
            )
        warn_of_other_wedge_of_cubes(rows)
        return "isonet", input_of(rows, config.input_column), open_subvolume_files(rows, config, device)
    tell_of_foreign(project, rows)
    for row in rows:
        warn_of_other_wedge(row)
    method = of_data(rows, config)
    if config.method == "recorrupted":
        column = rows[0].full_column
        return method, "full", open_training_set(rows, (column,), config, device, recorrupting=True)
    if method != "isonet":
        return method, "halves", open_training_set(rows, HALF_COLUMNS, config, device)
    column = rows[0].full_column if config.method == "tailored" else choose_column(rows, config.input_column)
    training = open_training_set(rows, (column,), config, device)
    return method, "full" if column == rows[0].full_column else column, training


def _check_sizes(config: RefineConfig, shape: UNetShape) -> None:
    """Refuse cubes that the network cannot halve often enough."""
    for flag, edge in (("--cube-size", config.cube_size), ("--crop-size", config.subvolume_size)):
        if edge % shape.divisor:
            raise InputError(
                f"{flag} {edge} is not a multiple of {shape.divisor}, which this network needs; choose one"
            )


def _rate_before_it_was_kept(config: RefineConfig) -> float:
    """Highest learning rate of a run whose state does not say: all models were trained on gently then."""
    from_a_model = config.pretrained_model is not None and not config.from_scratch
    return LEARNING_RATES[config.optimizer] * (_FROM_A_MODEL if from_a_model else 1.0)


def _method_in_words(made: Refinement) -> str:
    return "recorrupted" if made.config.method == "recorrupted" else made.method


def _introduce(made: Refinement, first: FirstNetwork) -> None:
    """Say what is about to happen."""
    config, position = made.config, made.position
    log.info(
        "%s %s %s; network of %s: depth %d, %d filters, %s parameters, on %s in %s (%s)",
        *("tailored", "to") if made.imagined else (_method_in_words(made), "on"),
        counted(len(made.training), "tomogram"),
        first.source,
        made.shape.depth,
        made.shape.filter_base,
        f"{parameter_count(made.trainer.network):,}",
        made.device if made.team.size == 1 else f"{made.team.size} processes, this one on {made.device},",
        choose_precision(made.device, config.precision),
        reason_of_precision(made.device, config.precision),
    )
    trouble = warning(made.device, choose_precision(made.device, config.precision))
    if trouble is not None and made.team.first:
        log.warning("%s", trouble)
    if position.taken:
        log.info("going on in iteration %d after %s", position.iteration, counted(position.epoch, "epoch"))
