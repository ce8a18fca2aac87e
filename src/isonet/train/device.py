"""What to compute on: devices and processes."""

import warnings
from pathlib import Path
from typing import Literal

import torch

_NVIDIA = Path("/proc/driver/nvidia/version")
"""There where the driver of an NVIDIA GPU is loaded."""


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
    gpus = _gpus()
    if name in ("auto", "cuda") and gpus:
        chosen = torch.device("cuda", local_rank % gpus)
        if name == "cuda" or _refusal(chosen.index) is None:
            return _usable(chosen, name)
    if name == "auto":
        return torch.device("cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r} is not known; use auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and (device.index or 0) >= gpus:
        reason = why_no_gpu()
        raise ValueError(
            f"device {name!r} is not there; this machine offers {gpus} CUDA devices"
            + ("" if gpus or reason is None else f": {reason}")
        )
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"device {name!r} cannot be used; use auto, cpu, cuda or cuda:N")
    return _usable(torch.device("cuda", device.index or 0), name) if device.type == "cuda" else device


def _usable(device: torch.device, name: str) -> torch.device:
    """Return a GPU.

    Raises
    ------
    ValueError
        If torch has no code for it.
    """
    reason = _refusal(device.index)
    if reason is not None:
        raise ValueError(f"device {name!r} cannot be used: {reason}")
    return device


def use(device: torch.device) -> None:
    """Make a GPU the current one of this process, which what has no device of its own goes to."""
    if device.type == "cuda":
        torch.cuda.set_device(device)


def why_no_gpu() -> str | None:
    """Say in one line why torch uses no NVIDIA GPU of this machine; None where it does, or there is none."""
    if _gpus():
        return _refusal(0)
    if not _NVIDIA.exists():
        return None
    if torch.version.cuda is None and torch.version.hip is None:
        return f"torch {torch.__version__} is built without CUDA; install a build with it (docs/gpu.md)"
    try:
        torch.cuda.init()  # type: ignore[no-untyped-call]
    except (RuntimeError, AssertionError) as error:
        said = " ".join(str(error).split()).split(" Please")[0]
        return f"torch {torch.__version__} cannot use the GPU: {said}; update the driver, or install another build"
    return f"torch {torch.__version__} sees no GPU; look at CUDA_VISIBLE_DEVICES and nvidia-smi"


def _gpus() -> int:
    """Return the GPUs that torch sees; what torch warns of where it sees none, :func:`why_no_gpu` says."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _refusal(index: int) -> str | None:
    """Say why torch cannot compute on a GPU; None where it can: where it has code for its architecture or an older one.

    Code for `sm_80` runs on 8.0 to 8.9, that for `compute_80` is compiled for whatever is newer.
    """
    known = torch.cuda.get_arch_list()
    if torch.version.hip is not None or not known:
        return None
    major, minor = torch.cuda.get_device_capability(index)
    for one in known:
        kind, _, number = one.partition("_")
        digits = "".join(filter(str.isdigit, number))
        has = int(digits[:-1]), int(digits[-1])
        exact = number.endswith("a")  # code for one architecture and no later one
        if exact and has != (major, minor):
            continue
        if (kind == "sm" and has[0] == major and has[1] <= minor) or (kind == "compute" and has <= (major, minor)):
            return None
    return (
        f"torch {torch.__version__} has no code for compute capability {major}.{minor} "
        f"({torch.cuda.get_device_name(index)}), only for {', '.join(known)}; install a build that has"
    )


def free_memory(device: torch.device, sharers: int = 1) -> int:
    """Bytes of a GPU that this process can still have: what is free, and what it keeps without using it.

    Parameters
    ----------
    device : torch.device
        The GPU.
    sharers : int
        Processes of this command that compute on it, none of which may have more than its part.
    """
    free, total = torch.cuda.mem_get_info(device)
    used = torch.cuda.memory_allocated(device)
    return min(free + torch.cuda.memory_reserved(device) - used, total // sharers - used)


def sharers_of(name: str, local_size: int) -> int:
    """Processes of a command that compute on one GPU, when `local_size` of them on this machine choose by `name`."""
    if name.startswith("cuda:"):
        return local_size
    return -(-local_size // max(1, torch.cuda.device_count()))


def processes_for(devices: int | Literal["auto"], device: str) -> int:
    """Processes to start on this machine: as asked; of `auto` one for each GPU that may be used, else one.

    Raises
    ------
    ValueError
        If more GPUs are asked for than there are, or several processes on one of them.
    """
    gpus = _gpus() if device != "cpu" else 0
    if device.startswith("cuda:"):
        if devices not in ("auto", 1):
            raise ValueError(f"--devices {devices} on --device {device}, which is one; use --device cuda")
        return 1
    if devices == "auto":
        return max(1, gpus)
    if gpus and devices > gpus:
        raise ValueError(f"--devices {devices}: this machine offers {gpus} CUDA devices; use --devices auto")
    return devices
