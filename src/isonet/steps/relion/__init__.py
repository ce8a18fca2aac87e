"""An External job of RELION 5: its table of tomograms in; a model, or its table with corrected tomograms, out.

::

    --in_mics ──> tables ──> (prepare, deconv, mask) ──> (refine) | (predict, report) ──> tables ──> --o
                   watch: ends the job where RELION asks for it
"""

from isonet.steps.relion.step import relion

__all__ = ["relion"]
