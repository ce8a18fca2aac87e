"""Table and model in; for each tomogram `corrected/<name>_corrected.mrc`, or `.zarr`, out.

::

    step ──> calibration ──> correction          gains from what it was not given, then tile by tile from disk to disk
      └────> results                             formats, halves, copies, room on the disk
"""

from isonet.steps.predict.results import HALVES, refuse_without_zarr
from isonet.steps.predict.step import input_columns, predict_in_folder

__all__ = ["HALVES", "input_columns", "predict_in_folder", "refuse_without_zarr"]
