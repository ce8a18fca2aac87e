"""Learning rate over the course of a run."""

import math
from typing import Literal

Schedule = Literal["cosine", "constant"]
_LAST = 0.01


def learning_rate(peak: float, fraction: float, step: int, warmup: int, schedule: Schedule) -> float:
    """Learning rate of a step.

    Parameters
    ----------
    peak : float
        Highest learning rate.
    fraction : float
        How much of the run is done, 0 to 1.
    step : int
        Steps since the run began.
    warmup : int
        Steps over which the rate rises from zero.
    schedule : str
        `cosine` falls along half a cosine to a hundredth of the peak (Loshchilov & Hutter 2017), `constant` stays.
    """
    rise = min(1.0, (step + 1) / (warmup + 1))
    if schedule == "constant":
        return peak * rise
    course = 0.5 * (1 + math.cos(math.pi * min(1.0, fraction)))
    return peak * rise * (_LAST + (1 - _LAST) * course)
