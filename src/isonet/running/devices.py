"""The device that a command computes on, as the user asked for it."""

import logging

import torch

from isonet.errors import InputError
from isonet.running.remembered import remembered
from isonet.running.world import current
from isonet.train.device import choose_device, use, why_no_gpu
from isonet.train.hardware.choice import adopt

log = logging.getLogger("isonet")


def take_device(name: str) -> torch.device:
    """Choose the device of this process by the word for it and make it the current one.

    Raises
    ------
    InputError
        If it is not there, or cannot be used.
    """
    try:
        device = choose_device(name, current().local_rank)
    except ValueError as error:
        raise InputError(str(error)) from error
    reason = why_no_gpu() if name == "auto" and device.type == "cpu" else None
    if reason is not None:
        log.warning("%s; the CPU is used, which is much slower", reason)
    use(device)
    adopt(device, remembered(device))
    return device
