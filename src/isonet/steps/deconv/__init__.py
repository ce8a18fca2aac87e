"""Table in; for each tomogram `deconv/<name>_deconv.mrc`, its contrast transfer undone, and pictures, out.

Of corrected tomograms, `<name>_corrected_deconv.mrc`.
"""

from isonet.steps.deconv.choice import FOLDER, for_corrected, why_not
from isonet.steps.deconv.step import deconv, deconv_in_folder
from isonet.steps.deconv.wiener import optics_in

__all__ = ["FOLDER", "deconv", "deconv_in_folder", "for_corrected", "optics_in", "why_not"]
