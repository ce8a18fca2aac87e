"""Table and run folders in; report.html, report.json and report.cxc out, or scripts for other programs.

::

    sources ──> numbers ──> warnings ──> page          one dictionary of numbers, written as JSON and shown by the page
       │           │                      │
       ├─> looks ──┴─> pictures, plots ───┘            one pass over each volume; slices, spectra, curves
       └─> opening ──> viewers                         scripts for ChimeraX and napari
"""

from isonet.steps.report.opening import open_elsewhere
from isonet.steps.report.step import report

__all__ = ["open_elsewhere", "report"]
