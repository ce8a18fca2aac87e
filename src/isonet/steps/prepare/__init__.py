"""Files of tomograms in, the table of tomograms out.

::

    folders, metadata ──> items ──────────> description ──> checks ──────────────> tomograms.star
                          (what belongs     (tilts, CTF)    (as the data show it)
                          to which)

Means of halves and turned volumes are written where there is nothing else to read. `prepare_subtomos` makes the table
of sub-volumes that another program cut.
"""

from isonet.steps.prepare.checks.orientation import warn_of_other_wedge
from isonet.steps.prepare.checks.set_of_tomograms import warn_of_missing_halves
from isonet.steps.prepare.step import prepare
from isonet.steps.prepare.subtomos import prepare_subtomos, warn_of_other_wedge_of_cubes

__all__ = [
    "prepare",
    "prepare_subtomos",
    "warn_of_missing_halves",
    "warn_of_other_wedge",
    "warn_of_other_wedge_of_cubes",
]
