"""The mean of even and odd halves, where there is no full tomogram."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isonet.core.normalize import Moments
from isonet.io import blocks
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.project.halves import Pair
from isonet.volumes.pixel_size import has_size, header_for
from isonet.volumes.products import made_before, product_label

_KIND = "mean of even and odd"
_LABEL = f"isonet {_KIND}:"


def write_mean(path: Path, first: Volume, second: Volume, label: str, pixel_size: float = 0.0) -> None:
    """Write the mean of two volumes, slab by slab, with the header of the first, a label, and a pixel size if given."""
    header = header_for(first, pixel_size, label)
    moments = Moments()
    with blocks.create(path, first.shape, header) as mean:
        for part, slab in first.slabs():
            values = np.asarray((slab + second.read_rows(part)) / 2, np.float32)
            moments.add(values)
            mean.write_rows(part.start, 0, values)
        mean.statistics = (moments.low, moments.high, moments.mean, moments.std)


def with_pixel_size(path: Path, halves: tuple[Path, Path], pixel_size: float) -> None:
    """Write a mean of halves anew where its header has another pixel size than the one that became known since."""
    mean = open_volume(path)
    label = mean.header.labels[-1] if mean.header.labels else ""
    if label.startswith(_LABEL) and pixel_size and not has_size(mean, pixel_size):
        write_mean(path, open_volume(halves[0]), open_volume(halves[1]), label, pixel_size)


def average_halves(pairs: Sequence[Pair], folder: Path, *, overwrite: bool) -> list[Path]:
    """Write the mean of every pair to `folder/<name>.mrc`, in bounded memory; means made before are kept.

    Of several pairs of one name each gets a number.

    Raises
    ------
    InputError
        If a file of that name was not made by this program, unless it may be overwritten.
    """
    written = []
    names = [pair.name or "average" for pair in pairs]  # nothing is left of even.mrc and odd.mrc
    for number, (pair, name) in enumerate(zip(pairs, names, strict=True), start=1):
        path = folder / (f"{name}.mrc" if names.count(name) == 1 else f"{name}_{number}.mrc")
        first, second = open_volume(pair.even), open_volume(pair.odd)
        label = product_label(_KIND, pair.halves, ())
        if not made_before(path, label, overwrite=overwrite):
            write_mean(path, first, second, label)
        written.append(path)
    return written
