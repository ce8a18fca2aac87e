"""Table in; for each tomogram `mask/<name>_mask.mrc`, where sub-volumes may be centred, and its picture, out.

::

    areas, slab ──> region ──┐
    tomogram ──> content ────┴──> mask          `content` works slab by slab in the `room` that memory leaves
"""

from isonet.steps.mask.step import mask_in_folder

__all__ = ["mask_in_folder"]
