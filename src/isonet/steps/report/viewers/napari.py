"""A script for napari: before, after and confidence side by side, seen by one camera and one slider."""

from pathlib import Path

from isonet.io.volume_files import is_zarr
from isonet.steps.report.viewers.scene import Scene

MARK = "# isonet: before and after"
"""How every script begins."""
_TEMPLATE = '''{mark} in napari; needs napari and {reader}
import os

import napari

NAME = {name}
BEFORE = {before}
AFTER = {after}
MASK = {mask}
CONFIDENCE = {confidence}
PIXEL_SIZE = {pixel_size!r}  # angstrom
STEP = {step!r}  # angstrom from one volume to the next


def voxels(path):
    """Map a volume into memory, unpack a compressed one, or open a level of OME-Zarr."""
    if os.path.isdir(path):
        import zarr

        array = zarr.open_array(path, mode="r")
        return array if array.ndim == 3 else array[...].reshape(array.shape[-3:])
    import mrcfile

    packed = path.endswith((".gz", ".bz2"))
    return (mrcfile.open if packed else mrcfile.mmap)(path, permissive=True).data


def limits(data):
    """Grey values from black to white: three standard deviations to either side, of every eighth voxel."""
    some = data[::8, ::8, ::8].astype("float32")
    return float(some.mean() - 3 * some.std()), float(some.mean() + 3 * some.std()) + 1e-6


viewer = napari.Viewer(title=NAME)
place = {{"scale": (PIXEL_SIZE,) * 3}}
for column, (name, path) in enumerate((("before", BEFORE), ("after", AFTER))):
    data = voxels(path)
    where = {{**place, "translate": (0, 0, column * STEP)}}
    viewer.add_image(data, name=name, contrast_limits=limits(data), **where)
if CONFIDENCE:
    where = {{**place, "translate": (0, 0, 2 * STEP)}}
    viewer.add_image(voxels(CONFIDENCE), name="confidence", colormap="viridis", contrast_limits=(0, 1), **where)
if MASK:
    data = voxels(MASK)
    data = data if data.dtype.kind in "iu" else (data[:] > 0).astype("uint8")
    outline = viewer.add_labels(data, name="mask", opacity=0.7, **place)
    outline.contour = 1
viewer.dims.set_point(0, {middle!r})
viewer.scale_bar.visible = True
viewer.reset_view()
napari.run()
'''


def script(scene: Scene) -> str:
    """Write the Python that shows a tomogram in napari; it stands alone, and reads volumes as they are looked at.

    All stand beside each other in the same plane, so that there is one slider and one camera. The mask is an outline
    over the tomogram before.
    """
    paths = (scene.before, scene.after, scene.mask, scene.confidence)
    needed = {"zarr" if is_zarr(path) else "mrcfile" for path in paths if path is not None}
    return _TEMPLATE.format(
        mark=MARK,
        reader=" and ".join(sorted(needed)),
        name=ascii(scene.name),
        before=_literal(scene.before),
        after=_literal(scene.after),
        mask=_literal(scene.mask),
        confidence=_literal(scene.confidence),
        pixel_size=float(scene.pixel_size),
        step=float(scene.step),
        middle=float(scene.shape[0] // 2 * scene.pixel_size),
    )


def _literal(path: Path | None) -> str:
    """Write a path as Python reads it, whatever its name holds."""
    return ascii(None if path is None else str(path.resolve()))
