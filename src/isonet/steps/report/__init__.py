"""What a report is made of.

::

    sources ──> numbers ──> warnings ──> page          one dictionary of numbers, written as JSON and shown by the page
       │           │                      │
       └─> looks ──┴─> pictures, plots ───┘            one pass over each volume; slices, spectra, curves
"""
