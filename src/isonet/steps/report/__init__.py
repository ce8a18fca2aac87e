"""Table and run folders in; report.html, report.json and report.cxc out.

::

    sources ──> numbers ──> warnings ──> page          one dictionary of numbers, written as JSON and shown by the page
       │           │                      │
       └─> looks ──┴─> pictures, plots ───┘            one pass over each volume; slices, spectra, curves
"""

from isonet.steps.report.step import report

__all__ = ["report"]
