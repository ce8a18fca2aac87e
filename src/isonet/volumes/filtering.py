"""A volume file filtered in Fourier space into another one, in bounded memory."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from isonet.core.filters import streamed
from isonet.core.fourier import Transfer
from isonet.errors import InputError
from isonet.io import blocks
from isonet.io.formats import open_volume
from isonet.io.volume import is_constant, not_finite
from isonet.io.volume_files import stem
from isonet.running.memory import within_limit
from isonet.running.runs import Run
from isonet.volumes.continued import continue_over_padding, restore
from isonet.volumes.padding import find_padding
from isonet.volumes.pixel_size import header_for


def filter_file(
    source: Path,
    target: Path,
    transfer: Transfer,
    labels: Sequence[str],
    max_memory: int,
    run: Run,
    *,
    rescale: bool,
    pixel_size: float = 0.0,
) -> None:
    """Filter a volume into a float32 file with its header, mean and padding.

    How is in :func:`isonet.core.filters.streamed.filter_volume`.

    Parameters
    ----------
    source, target : Path
        The volume and the file to make.
    transfer : callable
        Factors at `k_z`, `k_y`, `k_x` in cycles per voxel.
    labels : sequence of str
        Texts for the header.
    max_memory : int
        Bytes that the process may have in memory.
    run : Run
        Shows the progress.
    rescale : bool
        Give the result the standard deviation of the input.
    pixel_size : float
        Å per voxel of the result; 0 for those of the volume.

    Raises
    ------
    InputError
        If the volume cannot be used or the memory is too little.
    RunError
        If the result cannot be written.
    """
    volume = open_volume(source)
    padding = find_padding(volume)
    with within_limit(source, max_memory) as memory:
        plan = streamed.plan(volume.shape, memory)
    header = header_for(volume, pixel_size, *labels)
    with (
        run.progress(f"filter {stem(source)}", plan.count) as advance,
        blocks.create(target, volume.shape, header) as result,
    ):
        try:
            _, after = streamed.filter_volume(
                *(continue_over_padding(volume, padding), result, transfer, plan, advance, torch.get_num_threads()),
                rescale=rescale,
                finish=partial(restore, [padding]),
            )
        except streamed.NotFiniteError as error:
            raise InputError(not_finite(source, error.slab, error.first)) from error
        except streamed.ConstantVolumeError as error:
            raise InputError(is_constant(source, error.value)) from error
        if not after.finite:
            raise InputError(f"{source}: its grey values are too large to be filtered; divide them by a power of ten")
        result.statistics = (after.low, after.high, after.mean, after.std)
