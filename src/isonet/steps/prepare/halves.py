"""The mean of even and odd halves, where there is no full tomogram."""

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from isonet.core.normalize import Moments
from isonet.io import blocks
from isonet.io.formats import open_volume
from isonet.io.volume import Volume
from isonet.project.halves import Pair
from isonet.volumes.continued import Continued, open_continued
from isonet.volumes.padding import looked_at
from isonet.volumes.pixel_size import has_size, header_for
from isonet.volumes.products import made_before, product_label

log = logging.getLogger("isonet")
_KIND = "mean of even and odd"
_LABEL = f"isonet {_KIND}:"
_CLEAR = 1.2  # times the deviation of one half that the other has: more is another scale of grey values
_SAMPLE = 1 << 16  # voxels of a slab that are looked at
_ENDS = 1, 99  # percentiles beyond which grey values, such as of hot pixels, are cut off


def write_mean(path: Path, first: Volume, second: Volume, label: str, pixel_size: float = 0.0) -> float:
    """Write the mean of two volumes, slab by slab, with the header of the first, a label, and a pixel size if given.

    Where the grey values of the second are clearly on another scale, they are brought to that of the first.

    Returns
    -------
    float
        Deviation of the second over that of the first where the scales differ, else 1.
    """
    (mean, deviation), (other, others) = _scale(first), _scale(second)
    ratio = others / deviation if deviation > 0 and others > 0 else 1.0
    if not max(ratio, 1 / ratio) > _CLEAR:
        ratio, other = 1.0, mean
    header = header_for(first, pixel_size, label)
    moments = Moments()
    with blocks.create(path, first.shape, header) as target:
        for part, slab in first.slabs():
            scaled = second.read_rows(part) if ratio == 1 else (second.read_rows(part) - other) / ratio + mean
            values = np.asarray((slab + scaled) / 2, np.float32)
            moments.add(values)
            target.write_rows(part.start, 0, values)
        target.statistics = (moments.low, moments.high, moments.mean, moments.std)
    return ratio


def _scale(half: Volume) -> tuple[float, float]:
    """Mean and deviation of the grey values of a half, without padding and those far out."""
    volume = open_continued(half.path, aloud=False)
    drawn = []
    for part in looked_at(volume.shape):
        slab = (volume.data(part) if isinstance(volume, Continued) else volume.read_rows(part)).reshape(-1)
        drawn.append(slab[:: -(-max(1, slab.size) // _SAMPLE)])
    sample = np.concatenate(drawn).astype(np.float64)
    if not np.isfinite(sample).all():
        return 0.0, 0.0
    sample = sample.clip(*np.percentile(sample, _ENDS))
    return float(sample.mean()), float(sample.std())


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
            ratio = write_mean(path, first, second, label)
            if ratio != 1:
                log.warning(
                    "%s: its deviation is %.3g times that of %s; brought to that scale for their mean; look whether "
                    "both were made alike",
                    pair.odd,
                    ratio,
                    pair.even,
                )
        written.append(path)
    return written
