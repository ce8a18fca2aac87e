"""A loss or weights that are no numbers: the training goes back to its last good state, with half the rate."""

import logging
from dataclasses import replace

from isonet.errors import RunError
from isonet.steps.refine.setup import Refinement

log = logging.getLogger("isonet")
_STEPS_BACK = 4


def step_back(refinement: Refinement) -> None:
    """Return to the last good state with half the learning rate.

    Raises
    ------
    RunError
        If that was tried often enough.
    """
    failed, slowed = refinement.position, refinement.position.slowed / 2
    if slowed < 0.5**_STEPS_BACK:
        raise RunError(
            f"{refinement.run.folder}: the training is not finite in iteration {failed.iteration}, even at a rate "
            f"of {refinement.peak_rate:.2g}; look for extreme voxels in the tomograms, or go on with a smaller "
            "--learning-rate"
        )
    good = refinement.files.resume(refinement.trainer)
    refinement.position = replace(
        good, slowed=slowed, amount=failed.amount, budget=failed.budget, seconds=failed.seconds
    )
    refinement.run.keep_metrics(good.comes_after)
    log.warning(
        "the training is not finite; back to the last good state with a learning rate of %.2g", refinement.peak_rate
    )
