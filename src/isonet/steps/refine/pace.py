"""How much a refine does: what the options say, or what fits into the time the user gave."""

import math
from dataclasses import dataclass, field

from isonet.config import RefineConfig

_STEPS_PER_ITERATION = 50
_PAIRS_PER_SUBVOLUME = 6
_FEWEST_ITERATIONS = 4
_MOST_STEPS = 200
"""Of an epoch: sub-volumes are drawn anew at least this often, whatever the time."""


@dataclass(frozen=True)
class Amount:
    """What an iteration does.

    Attributes
    ----------
    iterations : int
        Iterations of the whole run.
    epochs, steps : int
        Epochs of the iteration and training steps of each.
    subvolumes : int
        Sub-volumes drawn for each epoch.
    begins, ends : float
        How much of the run is done before and after it, 0 to 1.
    """

    iterations: int
    epochs: int
    steps: int
    subvolumes: int
    begins: float = 0.0
    ends: float = 1.0


def amount_asked(config: RefineConfig, subvolumes: int, iteration: int) -> Amount:
    """Return what the options say; unless told, six pairs of each sub-volume an epoch but at most 200 steps (paper).

    No more sub-volumes are drawn than pairs are made.
    """
    wanted = min(max(1, _PAIRS_PER_SUBVOLUME * subvolumes // config.batch_size), _MOST_STEPS)
    begins, ends = ((number / config.iterations) for number in (iteration - 1, iteration))
    steps = config.steps_per_epoch or wanted
    drawn = min(subvolumes, steps * config.batch_size)
    return Amount(config.iterations, config.epochs, steps, drawn, begins, ends)


def most_drawn(config: RefineConfig, subvolumes: int) -> int:
    """Return how many of all sub-volumes are drawn for an epoch at most."""
    if config.time_budget is None:
        return amount_asked(config, subvolumes, 1).subvolumes
    return min(subvolumes, math.ceil(_MOST_STEPS * config.batch_size / _pairs_per_subvolume(config)))


@dataclass
class Costs:
    """Seconds that work takes, as measured: the mean over what was done so far, the latest counting most.

    Attributes
    ----------
    step : float
        One training step.
    subvolume : float
        Cutting and filling one sub-volume.
    iteration : float
        What each iteration takes besides: model, previews, held-out loss.
    """

    step: float = 0.0
    subvolume: float = 0.0
    iteration: float = 0.0
    _seen: set[str] = field(default_factory=set)

    def measured(self, name: str, seconds: float) -> None:
        """Take a new measurement of one of the costs into account."""
        before = getattr(self, name)
        setattr(self, name, seconds if name not in self._seen else 0.5 * before + 0.5 * seconds)
        self._seen.add(name)


def iterations_that_fit(config: RefineConfig, costs: Costs, seconds: float, first: int) -> int:
    """Return the iterations of a run whose `first` one (from 1) has `seconds` left for itself and all after it.

    They have 50 steps or more: short ones renew the network that fills the wedge often.
    """
    wanted = math.floor(seconds / (_STEPS_PER_ITERATION * _pair_costs(config, costs) + costs.iteration))
    return max(first, min(config.iterations, max(_FEWEST_ITERATIONS, first - 1 + wanted)))


def amount_that_fits(
    config: RefineConfig, subvolumes: int, costs: Costs, budget: float, used: float, first: int, done: float
) -> Amount:
    """Return what an iteration can do if all that are left share the time that is left.

    Parameters
    ----------
    config : RefineConfig
        Options.
    subvolumes : int
        Sub-volumes of an epoch, at most.
    costs : Costs
        What work takes.
    budget, used : float
        Seconds that the whole run may take, and has taken.
    first : int
        The iteration, counted from 1.
    done : float
        How much of the run was to be done before it, 0 to 1; more if more of the time is used.
    """
    left = max(1.0, budget - used)
    iterations = iterations_that_fit(config, costs, left, first)
    each = left / (iterations - first + 1)
    steps = max(1, math.floor((each - costs.iteration) / _pair_costs(config, costs)))
    epochs = _epochs(config, subvolumes, steps)
    needed = math.ceil(steps // epochs * config.batch_size / _pairs_per_subvolume(config))
    begins = min(1.0, max(done, used / budget)) if first > 1 else 0.0  # what preparing took is no training
    ends = begins + (1 - begins) / (iterations - first + 1)
    return Amount(iterations, epochs, steps // epochs, min(subvolumes, needed), begins, ends)


def seconds_left(config: RefineConfig, costs: Costs, amount: Amount, first: int) -> float:
    """Return what an iteration of that amount and all after it take together."""
    steps = amount.epochs * amount.steps
    return (amount.iterations - first + 1) * (steps * _pair_costs(config, costs) + costs.iteration)


def _epochs(config: RefineConfig, subvolumes: int, steps: int) -> int:
    """Return how often an iteration draws sub-volumes: so that its epochs have 50 to 200 steps, however many it has.

    And, above 50, no more than those that may be drawn suffice for.
    """
    enough = subvolumes * _pairs_per_subvolume(config) // config.batch_size
    longest = min(_MOST_STEPS, max(_STEPS_PER_ITERATION, enough))
    return max(1, min(math.ceil(steps / longest), steps // _STEPS_PER_ITERATION))


def _pair_costs(config: RefineConfig, costs: Costs) -> float:
    """Seconds of a step and of the sub-volumes drawn for it."""
    return costs.step + costs.subvolume * config.batch_size / _pairs_per_subvolume(config)


def _pairs_per_subvolume(config: RefineConfig) -> int:
    """Pairs made of a sub-volume where the time is given: more of large ones, which take long to fill.

    By the square of their edge: by its third power filling would take the same share of the time as for small ones, but
    too few places would be seen.
    """
    return round(_PAIRS_PER_SUBVOLUME * (config.subvolume_size / config.cube_size) ** 2)
