"""Imagined samples in, shown in all ways or as the tomograms of a table were; a starter model out.

::

    step ──> recordings                          spectra, contrast transfer and tilts of the tomograms
"""

from isonet.steps.train_starter.recordings import recording_of, warn_of_unknown_defocus
from isonet.steps.train_starter.step import train_starter

__all__ = ["recording_of", "train_starter", "warn_of_unknown_defocus"]
