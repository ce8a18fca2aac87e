"""Table in; for each tomogram `deconv/<name>_deconv.mrc`, its contrast transfer undone, and pictures, out."""

from isonet.steps.deconv.step import deconv_in_folder

__all__ = ["deconv_in_folder"]
