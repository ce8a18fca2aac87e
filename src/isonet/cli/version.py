"""What `--version` says: the program, and on its second line what it computes with."""

from importlib import import_module

from isonet import __version__


def version() -> str:
    """Version of the program; version of torch, and the device that `--device auto` takes."""
    torch = import_module("torch")  # here, so that help does not wait for it
    device = import_module("isonet.train.device").choose_device("auto")
    if device.type == "cuda":
        named = f"{device} of {torch.cuda.device_count()}, {torch.cuda.get_device_name(device)}"
    else:
        named = f"{device}, {torch.get_num_threads()} threads"
    return f"{__version__}\ntorch {torch.__version__}, device {named}"
