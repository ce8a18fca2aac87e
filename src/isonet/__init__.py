"""Isotropic reconstruction of cryo-electron tomograms."""

import os

__version__ = "0.1.0"

# torch reads it when it is loaded: large volumes in large pages, whose first use costs half the time on a CPU
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
