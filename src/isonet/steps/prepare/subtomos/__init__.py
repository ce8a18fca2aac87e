"""The table of sub-volumes that another program cut, and which files of a folder are such."""

from isonet.steps.prepare.subtomos.cubes import warn_of_other_wedge_of_cubes
from isonet.steps.prepare.subtomos.step import prepare_subtomos

__all__ = ["prepare_subtomos", "warn_of_other_wedge_of_cubes"]
