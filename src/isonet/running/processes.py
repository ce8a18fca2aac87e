"""In how many processes a command works, and starting them."""

from collections.abc import Callable
from typing import Any, TypeVar

from isonet.config import DeconvConfig, MaskConfig, PredictConfig, RefineConfig
from isonet.errors import InputError
from isonet.running.launch import launch
from isonet.running.world import current, processes_to_start
from isonet.train.device import processes_for

Result = TypeVar("Result")


def together(given: RefineConfig, config: RefineConfig, function: Callable[..., Result], *arguments: Any) -> Result:
    """Call a function whose processes need each other: here, or in as many new ones as the options ask for.

    Parameters
    ----------
    given, config : RefineConfig
        Options as the user gave them, and with what a continued run adds.
    function, *arguments
        What to call.

    Raises
    ------
    InputError
        If the options contradict the machine or what started this process.
    """
    count = _count(given if current().started_elsewhere else config, config.device, config.num_nodes)
    processes = max(count, current().size)
    if config.batch_size < processes:
        raise InputError(
            f"--batch-size {config.batch_size}: {processes} processes train together and each needs a cube; give "
            f"--batch-size {processes} or more"
        )
    return function(*arguments) if count == 1 else launch(count, function, *arguments)


def side_by_side(
    config: PredictConfig | DeconvConfig | MaskConfig, function: Callable[..., Result], *arguments: Any
) -> Result:
    """Call a function that shares its work with others: here, or in as many new processes as the options ask for."""
    count = _count(config, config.device if isinstance(config, PredictConfig) else "cpu", 1)
    return function(*arguments) if count == 1 else launch(count, function, *arguments, independent=True)


def _count(config: RefineConfig | PredictConfig | DeconvConfig | MaskConfig, device: str, nodes: int) -> int:
    here = current()
    try:
        asked = processes_for(config.devices, device)
    except ValueError as error:
        raise InputError(str(error)) from error
    left_out = here.started_elsewhere and "devices" not in config.model_fields_set
    return processes_to_start(0 if left_out or (config.devices == "auto" and here.size > 1) else asked, nodes, here)


def refuse_launchers(command: str) -> None:
    """Raise `InputError` where torchrun or srun has started several processes of a command that starts its own."""
    here = current()
    if here.started_elsewhere:
        raise InputError(
            f"{here.launcher} has started {here.size} processes of {command}, which starts its own; give it alone with "
            "--devices, or start refine and predict this way"
        )
