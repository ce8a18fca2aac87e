"""Table in; `results/model.safetensors`, numbers and previews of each iteration out.

::

    setup ──> plan ──> drawing ──> (train) ──> record ──> state          once; then again and again for each iteration
      │         └─ pace: what fits into the time
      ├─ method: as asked, or as the tomograms allow
      ├─ likeness: what is imagined for a tailored network, beside the tomogram
      └─ tomograms, files: what sub-volumes are drawn from (samples); recorrupted: two maps made of one
"""

from isonet.steps.refine.command import refine_as_part, refine_in_folder
from isonet.steps.refine.continuing import as_trained
from isonet.steps.refine.method import tailors

__all__ = ["as_trained", "refine_as_part", "refine_in_folder", "tailors"]
