"""Table and model in; for each tomogram `corrected/<name>_corrected.mrc` out.

::

    step ──> calibration ──> correction          gains from the halves, then tile by tile from disk to disk
"""

from isonet.steps.predict.step import HALVES, input_columns, predict_in_folder

__all__ = ["HALVES", "input_columns", "predict_in_folder"]
