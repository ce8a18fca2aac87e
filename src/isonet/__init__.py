"""Isotropic reconstruction of cryo-electron tomograms."""

import os

__version__ = "0.1.0"

# torch reads it when it is loaded: large volumes in large pages, whose first use costs half the time on a CPU
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
# threads that wait for others sleep: beside other programs, spinning made a training step two to three times as long
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
