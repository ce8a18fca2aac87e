"""Table in; `results/model.safetensors`, numbers and previews of each iteration out.

::

    setup ──> plan ──> drawing ──> (train) ──> record ──> state          once; then again and again for each iteration
      │         └─ pace: what fits into the time
      └─ tomograms, subvolume_files: what sub-volumes are drawn from (samples)
"""

from isonet.steps.refine.command import refine_in_folder

__all__ = ["refine_in_folder"]
