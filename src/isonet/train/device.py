"""What to compute on: devices and processes."""

from typing import Literal

import torch


def choose_device(name: str, local_rank: int = 0) -> torch.device:
    """Turn `auto`, `cpu`, `cuda` or `cuda:N` into a device.

    Parameters
    ----------
    name : str
        auto is a GPU if there is one; of `auto` and `cuda`, each process of a machine gets its own while they last.
    local_rank : int
        Number of the process on this machine.

    Raises
    ------
    ValueError
        If the device does not exist on this machine.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name in ("auto", "cuda") and gpus:
        return torch.device("cuda", local_rank % gpus)
    if name == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is not known; use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise ValueError(f"device {name!r} is not there; this machine offers {gpus} CUDA devices")
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device {name!r} cannot be used; use auto, cpu, cuda or cuda:N")
    return torch.device("cuda", device.index or 0) if device.type == "cuda" else device


def processes_for(devices: int | Literal["auto"], device: str) -> int:
    """Processes to start on this machine: as asked; of `auto` one for each GPU that may be used, else one.

    Raises
    ------
    ValueError
        If more GPUs are asked for than there are, or several processes on one of them.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() and device != "cpu" else 0
    if device.startswith("cuda:"):
        if devices not in ("auto", 1):
            raise ValueError(f"--devices {devices} on --device {device}, which is one; use --device cuda")
        return 1
    if devices == "auto":
        return max(1, gpus)
    if gpus and devices > gpus:
        raise ValueError(f"--devices {devices}: this machine offers {gpus} CUDA devices; use --devices auto")
    return devices
