"""What a step will need of memory and disk, compared with what is there before it begins."""

import logging
import math
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from isonet.config import RefineConfig
from isonet.errors import InputError
from isonet.io.formats import open_volume
from isonet.train.correct import bytes_per_voxel
from isonet.train.device import free_memory as device_memory
from isonet.train.device import sharers_of
from isonet.train.hardware.precision import choose_precision
from isonet.train.network.footprint import STATE_COPIES, Footprint, footprint
from isonet.train.network.unet import UNet, UNetShape, parameter_count
from isonet.train.team import Team

log = logging.getLogger("isonet")
_CGROUPS = {
    "": ("memory.max", "memory.current"),
    "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
}
_PREVIEW_BYTES = 2_000_000


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory that processes can still have: of the machine, or of the group that a scheduler put them in.

    Parameters
    ----------
    root : Path
        Where `proc` and `sys` are.

    Returns
    -------
    int or None
        None where the system does not say.
    """
    found = []
    try:
        text = (root / "proc/meminfo").read_text(encoding="utf-8")
    except OSError:
        return None
    found += [1024 * int(line.split()[1]) for line in text.splitlines() if line.startswith("MemAvailable")]
    for folder, (limit, used) in _groups(root):
        try:
            most, now = (int((folder / name).read_text(encoding="utf-8")) for name in (limit, used))
        except (OSError, ValueError):  # no such group, or no limit: "max"
            continue
        found.append(max(0, most - now))
    return min(found) if found else None


def _groups(root: Path) -> Iterator[tuple[Path, tuple[str, str]]]:
    """Folders of the control groups that this process is in, and the names of limit and use there."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers in _CGROUPS:
            top = root / "sys/fs/cgroup" / controllers
            own = top / path.lstrip("/")
            for folder in (own, *own.parents):
                if folder == top or top in folder.parents:
                    yield folder, _CGROUPS[controllers]


def fit_memory(config: RefineConfig, shape: UNetShape, filled: int, device: torch.device, team: Team) -> int:
    """Choose in how many parts a batch goes through the network, so that a training fits into memory.

    Parameters
    ----------
    config : RefineConfig
        Options.
    shape : UNetShape
        The network.
    filled : int
        Bytes of the sub-volumes of an epoch, which each process keeps.
    device : torch.device
        Where to train.
    team : Team
        Processes that train together; those of this machine share its memory.

    Returns
    -------
    int
        Parts of a batch: as asked, or more.

    Raises
    ------
    InputError
        If one cube at a time is too much, or the sub-volumes are.
    """
    precision, shared = choose_precision(device, config.precision), device.type if team.size > 1 else ""
    need = footprint(shape, config.cube_size, config.optimizer, precision, shared)
    host = free_memory()
    there = None if host is None else host // team.local_size - filled
    if device.type == "cuda":
        there = device_memory(device, sharers_of(config.device, team.local_size))
        there -= bytes_per_voxel(shape) * config.subvolume_size**3  # filling goes on beside
    if host is not None and filled * team.local_size > host:
        raise InputError(
            f"the sub-volumes of an epoch need {gigabytes(filled)} in each of {team.local_size} processes, "
            f"{gigabytes(host)} are free; use a smaller --number-subtomos or --crop-size"
        )
    cubes, most = -(-config.batch_size // team.size), config.batch_size // team.size
    parts = parts_that_fit(need, cubes, most, config.accumulate, there)
    if parts is None:
        raise InputError(
            f"training needs about {gigabytes(need.step(1))} on {device} for one cube of {config.cube_size} at a time, "
            f"{gigabytes(max(0, there or 0))} are free; use a smaller --cube-size, --filter-base or --arch"
        )
    log.info(
        "memory: about %s for a step on %s%s, %s for sub-volumes",
        gigabytes(need.step(-(-cubes // parts))),
        device,
        "" if there is None else f" of {gigabytes(there)} free",
        gigabytes(filled),
    )
    if parts > min(config.accumulate, most):
        log.info("memory: each batch goes through the network in %d parts (--accumulate %d)", parts, parts)
    return max(parts, config.accumulate)


def parts_that_fit(need: Footprint, cubes: int, most: int, asked: int, there: int | None) -> int | None:
    """Return in how few of at most `most` parts, but as many as asked, so many cubes fit into memory; None if never."""
    for parts in range(min(asked, most), most + 1):
        if there is None or need.step(-(-cubes // parts)) <= there:
            return parts
    return None


def refuse_full_disk(folder: Path, needed: int, remedy: str) -> None:
    """Raise `InputError` where a step would write more bytes than there is room for."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if needed > free:
        raise InputError(f"{folder}: about {gigabytes(needed)} will be written, {gigabytes(free)} are free; {remedy}")


def voxels_to_write(inputs: Sequence[Path], products: Sequence[Path], *, overwrite: bool) -> list[int]:
    """Voxels of each product of the shape of its input that is not there yet, or is written again."""
    wanted = [one for one, product in zip(inputs, products, strict=True) if overwrite or not product.exists()]
    return [math.prod(open_volume(path).shape) for path in wanted]


def refine_writes(shape: UNetShape, config: RefineConfig) -> int:
    """Bytes of the models, of the trainer's state, old and new, and of the previews of a run."""
    with torch.device("meta"):
        weights = 4 * parameter_count(UNet(shape))
    models = (config.keep_models + 2) * weights
    return models + 2 * STATE_COPIES[config.optimizer] * weights + config.iterations * _PREVIEW_BYTES


def gigabytes(count: int) -> str:
    """Write a number of bytes."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.0f} MB"
