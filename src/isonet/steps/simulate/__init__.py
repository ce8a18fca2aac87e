"""A sample that is imagined in, a tomogram of it with its truth out.

::

    step ──> series, images          tilts, and what the microscope makes of the sample
         ──> like                    imaging that is that of a tomogram, and both side by side
               └─ recordings         spectra, contrast transfer and tilts of tomograms
"""

from isonet.steps.simulate.likeness import Spectra, draw_spectra, middle
from isonet.steps.simulate.recordings import UntoldError, grain_of, recordings_of
from isonet.steps.simulate.series import write_tilts
from isonet.steps.simulate.step import refuse_existing, simulate

__all__ = [
    "Spectra",
    "UntoldError",
    "draw_spectra",
    "grain_of",
    "middle",
    "recordings_of",
    "refuse_existing",
    "simulate",
    "write_tilts",
]
